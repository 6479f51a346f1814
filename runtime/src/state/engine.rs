//! The inner part of an engine.
//!
//! Input: settings, function types. Output: ids of function types, the epoch. Must not hold: modules, stores.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use wrun_artifact::types::FuncType;

use crate::config::Config;
use crate::sys::deadline::Passes;
use crate::vm::Epochs;

/// Data that the modules and stores of an engine share.
#[derive(Debug)]
pub(crate) struct EngineCore {
    config: Config,
    sigs: Mutex<Sigs>,
    epochs: Epochs,
}

/// Function types with their ids. An id is the position in `types` plus 1.
#[derive(Debug, Default)]
struct Sigs {
    ids: BTreeMap<FuncType, u32>,
    types: Vec<FuncType>,
}

impl EngineCore {
    /// Makes the data of an engine with these settings and without types.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            sigs: Mutex::default(),
            epochs: Epochs::default(),
        }
    }

    /// Returns the settings.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the epoch with the stores that have a deadline.
    pub(crate) fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Returns the id of a function type. It is the same for equal types and never 0.
    pub(crate) fn sig_id(&self, ty: &FuncType) -> u32 {
        let mut sigs = self.sigs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = sigs.ids.get(ty) {
            return *id;
        }
        sigs.types.push(ty.clone());
        let id = u32::try_from(sigs.types.len()).expect("there is not enough memory for this many types");
        sigs.ids.insert(ty.clone(), id);
        id
    }

    /// Returns the function type with this id. Each id in a store came from [`EngineCore::sig_id`] of its engine.
    pub(crate) fn sig_type(&self, id: u32) -> Option<FuncType> {
        let sigs = self.sigs.lock().unwrap_or_else(PoisonError::into_inner);
        sigs.types.get((id as usize).checked_sub(1)?).cloned()
    }
}

impl Passes for EngineCore {
    fn passed(&self) {
        self.epochs.increment();
    }

    fn again(&self) {
        self.epochs.signal();
    }
}
