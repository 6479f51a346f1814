//! Clocks of the phases, for the log.
//!
//! Input: the name of a phase. Output: a line with wall and CPU time. Must not hold: the work of a phase.

use std::time::{Duration, Instant};

use crate::sys::clock::process_cpu_time;

/// Returns a duration in words.
pub(super) fn ms(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}

/// Measures a phase until it is dropped, for the log at `debug`. Without this log level it costs nothing.
pub(crate) struct Phase(Option<(&'static str, Instant, Duration)>);

impl Phase {
    /// Starts one of the phases on the run side: cache, load, instantiate, call.
    pub(crate) fn start(name: &'static str) -> Self {
        Self(log::log_enabled!(log::Level::Debug).then(|| (name, Instant::now(), process_cpu_time())))
    }

    /// Ends this phase and starts another one. Does nothing if the name is the same.
    pub(super) fn switch(&mut self, name: &'static str) {
        if self.0.is_some_and(|(current, ..)| current != name) {
            *self = Self::start(name);
        }
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        if let Some((name, start, cpu)) = self.0 {
            let cpu = process_cpu_time().saturating_sub(cpu);
            log::debug!("{name}: {} wall, {} cpu", ms(start.elapsed()), ms(cpu));
        }
    }
}
