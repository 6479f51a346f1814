//! The one file that sees both sides: runs the phases and says how long they took.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wrun_artifact::header::Compare;
use wrun_artifact::types::FuncType;
#[cfg(feature = "compiler")]
use wrun_compiler::CompileError;

use crate::cache::{Cache, CacheKey, CacheMode, FileIdentity, Found, Settings};
use crate::config::Config;
use crate::deadline::Deadline;
use crate::error::{Error, Miss};
use crate::load::Image;
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
    ids: BTreeMap<FuncType, u32>,
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

    /// All that changes an artifact besides the wasm bytes.
    pub(crate) fn settings(&self) -> Settings {
        Settings::new(&wrun_artifact::BUILD, &self.0.config.artifact.to_bytes())
    }

    /// The image of a file that the cache knows by its identity.
    pub(crate) fn cached_by_identity(&self, cache: &Cache, identity: &FileIdentity) -> Option<Image> {
        let mut phase = Phase::start("cache");
        let found = cache.find_by_identity(identity, &self.settings());
        found
            .and_then(|artifact| {
                phase.switch("load");
                self.load_cached(cache, artifact)
            })
            .inspect_err(log_miss)
            .ok()
    }

    /// The image of a module: from the cache, or else compiled and added to the cache.
    pub(crate) fn cached(
        &self,
        cache: &Cache,
        wasm: &[u8],
        identity: Option<&FileIdentity>,
        deadline: Option<&Deadline>,
    ) -> Result<Image, Error> {
        let settings = self.settings();
        let mut phase = Phase::start("cache");
        let key = CacheKey::new(wasm, &settings);
        let find = |phase: &mut Phase| {
            let artifact = cache.find(&key)?;
            phase.switch("load");
            let image = self.load_cached(cache, artifact)?;
            if let Some(identity) = identity.filter(|identity| cache.remembers(identity)) {
                phase.switch("cache");
                if let Err(error) = cache.remember(identity, &settings, &key) {
                    log::debug!("cache: cannot remember the module's file: {error}");
                }
            }
            Ok(image)
        };
        let reason = match find(&mut phase) {
            Ok(image) => return Ok(image),
            Err(reason) => reason,
        };
        log_miss(&reason);
        if cache.mode() == CacheMode::Require || cfg!(not(feature = "compiler")) {
            let artifact = cache.artifact_path(&key);
            return Err(Error::CacheMiss { artifact, reason });
        }
        phase.switch("cache");
        // Of several processes one compiles; the others come back from here when it is done.
        let lock = cache.lock(&key, || deadline.is_some_and(Deadline::passed));
        if lock.is_some()
            && let Ok(image) = find(&mut phase)
        {
            return Ok(image);
        }
        drop(phase);
        let artifact = self.compile(wasm, deadline)?;
        if cache.mode() == CacheMode::ReadWrite {
            let mut phase = Phase::start("cache");
            match cache.publish(&key, &artifact) {
                // What is mapped from the file needs no copy in memory.
                Ok(()) => match find(&mut phase) {
                    Ok(image) => return Ok(image),
                    Err(reason) => log_miss(&reason),
                },
                Err(error) => log::debug!("cache: cannot add the artifact: {error}"),
            }
        }
        drop(lock);
        let _phase = Phase::start("load");
        Image::from_compiler(&artifact, &self.0.config.artifact)
    }

    /// Maps an artifact of the cache. One that was not verified so far is verified first.
    fn load_cached(&self, cache: &Cache, found: Found) -> Result<Image, Miss> {
        let Found { artifact, unverified } = found;
        let compare = if unverified.is_some() {
            Compare::All
        } else {
            Compare::Nothing
        };
        let image = Image::from_cache(artifact, &self.0.config.artifact, compare).map_err(|error| match error {
            Error::Artifact(stale) => Miss::Stale(stale),
            error => Miss::Unusable(io::Error::other(error.to_string())),
        })?;
        if let Some(file) = unverified {
            cache.remember_verified(&file);
        }
        Ok(image)
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
        let config = self.0.config.artifact;
        let (artifact, report) = match deadline {
            None => wrun_compiler::compile(wasm, &config, &options)?,
            Some(deadline) => {
                let wasm = wasm.to_vec();
                // A single function of a few megabytes can take minutes, and nothing interrupts the code generator within one.
                let compile = move || wrun_compiler::compile(&wasm, &config, &options);
                deadline.run(compile).ok_or(CompileError::Interrupted)??
            }
        };
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

    /// There is no compiler.
    #[cfg(not(feature = "compiler"))]
    fn compile(&self, _wasm: &[u8], _deadline: Option<&Deadline>) -> Result<Vec<u8>, Error> {
        Err(Error::Refused("this build of wrun has no compiler".into()))
    }
}

fn ms(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}

/// An artifact that cannot be used is as good as none, but worth a line.
fn log_miss(reason: &Miss) {
    match reason {
        Miss::Absent => {}
        reason => log::debug!("cache: an artifact is not used: {reason}"),
    }
}

/// Measures a phase until it is dropped, for the log at `debug`. Costs nothing otherwise.
pub(crate) struct Phase(Option<(&'static str, Instant, Duration)>);

impl Phase {
    /// Starts one of the phases on the run side: cache, load, instantiate, call.
    pub(crate) fn start(name: &'static str) -> Self {
        Self(log::log_enabled!(log::Level::Debug).then(|| (name, Instant::now(), process_cpu_time())))
    }

    /// Ends this phase and starts another one, unless it is that one already.
    fn switch(&mut self, name: &'static str) {
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
