//! The inner part of an engine: settings, and ids of function types.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use wrun_artifact::types::FuncType;

use crate::config::Config;
use crate::sys::deadline::Passes;
use crate::vm::Epochs;

/// State that the modules and stores of an engine have in common.
#[derive(Debug)]
pub(crate) struct EngineCore {
    config: Config,
    sigs: Mutex<Sigs>,
    epochs: Epochs,
}

/// Function types and their ids: position in `types`, plus 1.
#[derive(Debug, Default)]
struct Sigs {
    ids: BTreeMap<FuncType, u32>,
    types: Vec<FuncType>,
}

impl EngineCore {
    /// The state of an engine with these settings, which knows no type yet.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            sigs: Mutex::default(),
            epochs: Epochs::default(),
        }
    }

    /// The settings.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The epoch, and the stores with a deadline.
    pub(crate) fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// The id of a function type: equal for equal types, never 0.
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

    /// The function type with this id. Each id in a store came from [`EngineCore::sig_id`] of its engine.
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
