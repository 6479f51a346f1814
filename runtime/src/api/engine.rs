//! Engines: the data that modules and stores share.
//!
//! Input: a config. Output: an engine, which counts epochs, and the cache keys of its artifacts. Must not hold: modules, stores.

use std::sync::Arc;

use crate::cache::CacheKey;
use crate::config::Config;
use crate::error::Error;
use crate::pipeline;
use crate::state::EngineCore;
use crate::trap;

/// Holds the settings and the ids of function types that modules and stores share. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Engine(Arc<EngineCore>);

impl Engine {
    /// Makes an engine with these settings.
    ///
    /// # Errors
    /// Fails if the signal handlers that turn faults into traps cannot be installed.
    pub fn new(config: &Config) -> Result<Self, Error> {
        trap::install()?;
        Ok(Self(Arc::new(EngineCore::new(config.clone()))))
    }

    /// Begins the next epoch. Guests of a store are interrupted when the epoch reaches the store's deadline
    /// ([`crate::Store::set_epoch_deadline`]). Any thread and any signal handler may call this function: it takes no lock and
    /// allocates nothing.
    ///
    /// Compiled code does not check the epoch, so a deadline does not make a guest slower. A thread that runs a guest whose
    /// deadline is reached gets a real-time signal (`SIGRTMIN + 4`). The handler of this signal ends the guest.
    pub fn increment_epoch(&self) {
        self.0.epochs().increment();
    }

    pub(super) fn core(&self) -> &Arc<EngineCore> {
        &self.0
    }
}

impl CacheKey {
    /// Returns the key of the artifact of these bytes under the engine's settings.
    pub fn of(engine: &Engine, wasm: &[u8]) -> Self {
        Self::new(wasm, &pipeline::settings_of(&engine.0))
    }
}
