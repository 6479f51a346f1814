//! The report on a compilation, and the clock that measures its phases.

use core::time::Duration;
use std::time::Instant;

use super::Options;

/// Time and sizes of a compilation.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Report {
    /// The phases, in order.
    pub phases: Vec<Phase>,
    /// Number of functions with a body.
    pub functions: usize,
    /// Number of trampolines between guest and host.
    pub trampolines: usize,
    /// Size of the wasm module in bytes.
    pub wasm_bytes: usize,
    /// Size of the machine code in bytes.
    pub text_bytes: usize,
    /// Size of the artifact in bytes.
    pub artifact_bytes: usize,
}

/// One phase.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Phase {
    /// `parse`, `translate+compile` or `link`.
    pub name: &'static str,
    /// Elapsed time.
    pub wall: Duration,
    /// CPU time of all threads; zero without a clock.
    pub cpu: Duration,
}

/// Measures the phases.
pub(super) struct Clock {
    cpu_clock: fn() -> Duration,
    wall: Instant,
    cpu: Duration,
    pub(super) phases: Vec<Phase>,
}

impl Clock {
    pub(super) fn new(options: &Options<'_>) -> Self {
        let cpu_clock = options.cpu_clock.unwrap_or(|| Duration::ZERO);
        Self {
            cpu_clock,
            wall: Instant::now(),
            cpu: cpu_clock(),
            phases: Vec::with_capacity(3),
        }
    }

    /// Ends a phase; the next one begins.
    pub(super) fn phase(&mut self, name: &'static str) {
        let (wall, cpu) = (Instant::now(), (self.cpu_clock)());
        self.phases.push(Phase {
            name,
            wall: wall - self.wall,
            cpu: cpu.saturating_sub(self.cpu),
        });
        (self.wall, self.cpu) = (wall, cpu);
    }
}
