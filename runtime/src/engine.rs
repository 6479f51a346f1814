//! The one file that sees both sides: runs the phases and says how long they took.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wrun_artifact::types::FuncType;

use crate::config::Config;
#[cfg(feature = "compiler")]
use crate::deadline::Deadline;
use crate::error::Error;
use crate::sys::clock::process_cpu_time;

/// Settings, and the ids of function types, that modules and stores have in common. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    sigs: Mutex<Sigs>,
}

/// Function types and their ids: position in `types`, plus 1.
#[derive(Debug, Default)]
struct Sigs {
    ids: HashMap<FuncType, u32>,
    types: Vec<FuncType>,
}

impl Engine {
    /// An engine with these settings.
    ///
    /// # Errors
    /// When signal handlers cannot be installed: the runtime turns faults into traps.
    pub fn new(config: &Config) -> Result<Self, Error> {
        crate::trap::install()?;
        Ok(Self(Arc::new(Inner {
            config: config.clone(),
            sigs: Mutex::default(),
        })))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// The id of a function type: equal for equal types, never 0.
    pub(crate) fn sig_id(&self, ty: &FuncType) -> u32 {
        let mut sigs = self.0.sigs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = sigs.ids.get(ty) {
            return *id;
        }
        sigs.types.push(ty.clone());
        let id = u32::try_from(sigs.types.len()).expect("there is not enough memory for this many types");
        sigs.ids.insert(ty.clone(), id);
        id
    }

    /// The function type with this id.
    pub(crate) fn sig_type(&self, id: u32) -> Option<FuncType> {
        let sigs = self.0.sigs.lock().unwrap_or_else(PoisonError::into_inner);
        sigs.types.get((id as usize).checked_sub(1)?).cloned()
    }

    /// Whether two values are the same engine.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Compiles a module to an artifact.
    #[cfg(feature = "compiler")]
    pub(crate) fn compile(&self, wasm: &[u8], deadline: Option<&Deadline>) -> Result<Vec<u8>, Error> {
        let options = wrun_compiler::Options {
            threads: self.0.config.threads,
            interrupt: deadline.map(Deadline::flag),
            cpu_clock: log::log_enabled!(log::Level::Debug).then_some(process_cpu_time as fn() -> Duration),
            ..wrun_compiler::Options::default()
        };
        let (artifact, report) = wrun_compiler::compile(wasm, &self.0.config.artifact, &options)?;
        for phase in &report.phases {
            log::debug!("{}: {} wall, {} cpu", phase.name, ms(phase.wall), ms(phase.cpu));
        }
        log::debug!(
            "{} bytes of wasm, {} functions and {} trampolines, {} bytes of text, {} bytes of artifact",
            report.wasm_bytes,
            report.functions,
            report.trampolines,
            report.text_bytes,
            report.artifact_bytes
        );
        Ok(artifact)
    }
}

fn ms(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}

/// Measures a phase until it is dropped, for the log at `debug`. Costs nothing otherwise.
pub(crate) struct Phase(Option<(&'static str, Instant, Duration)>);

impl Phase {
    /// Starts one of the design's phases on the run side: load, instantiate, call.
    pub(crate) fn start(name: &'static str) -> Self {
        Self(log::log_enabled!(log::Level::Debug).then(|| (name, Instant::now(), process_cpu_time())))
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
