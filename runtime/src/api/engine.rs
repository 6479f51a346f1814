//! Engines: what modules and stores have in common.

use std::sync::Arc;

use crate::cache::CacheKey;
use crate::config::Config;
use crate::error::Error;
use crate::pipeline;
use crate::state::EngineCore;
use crate::trap;

/// Settings, and the ids of function types, that modules and stores have in common. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine(Arc<EngineCore>);

impl Engine {
    /// An engine with these settings.
    ///
    /// # Errors
    /// When signal handlers cannot be installed: the runtime turns faults into traps.
    pub fn new(config: &Config) -> Result<Self, Error> {
        trap::install()?;
        Ok(Self(Arc::new(EngineCore::new(config.clone()))))
    }

    /// Begins the next epoch: guests of stores whose deadline ([`crate::Store::set_epoch_deadline`]) is reached by it are
    /// interrupted, wherever they are. May be called from any thread and from a signal handler: takes no lock and allocates
    /// nothing.
    ///
    /// Compiled code does not look at the epoch; a guest costs nothing more for having a deadline. The threads that run guests
    /// whose deadline is reached get a real-time signal (`SIGRTMIN + 4`), whose handler ends the guest.
    pub fn increment_epoch(&self) {
        self.0.epochs().increment();
    }

    pub(super) fn core(&self) -> &Arc<EngineCore> {
        &self.0
    }
}

impl CacheKey {
    /// The key under which the artifact of these bytes is kept for an engine's settings.
    pub fn of(engine: &Engine, wasm: &[u8]) -> Self {
        Self::new(wasm, &pipeline::settings_of(&engine.0))
    }
}
