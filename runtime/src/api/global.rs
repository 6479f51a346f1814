//! Globals of a store, for the host.
//!
//! Input: a handle and values. Output: the global's value. Must not hold: the layout of contexts.
//!
//! # Safety
//! This file may use `unsafe`: the address and the type of a global fit each other, since one function makes both. The store is
//! borrowed while the global is read or written.
#![allow(unsafe_code, reason = "reads and writes globals where compiled code keeps them")]

use std::ptr::NonNull;

use wrun_artifact::types::GlobalType;

use super::{AsStore, Store, Value};
use crate::error::Error;
use crate::state::{StoreCore, core_of, core_of_mut};
use crate::vm::{load_slot, store_slot};

/// A global. It belongs to a store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Global {
    store: u64,
    ty: GlobalType,
    place: NonNull<u8>,
}

// SAFETY: this is an address, and it is used only while the global's store is borrowed.
unsafe impl Send for Global {}
// SAFETY: as above.
unsafe impl Sync for Global {}

impl Global {
    /// Makes a global with this value.
    ///
    /// # Errors
    /// Fails if the value has another type.
    pub fn new<T>(store: &mut Store<T>, ty: GlobalType, value: Value) -> Result<Self, Error> {
        let core = core_of_mut(store);
        check(&ty, &value, core)?;
        let slot = value.to_only_slot(core)?;
        let place = core.globals.push(slot);
        if ty.content.is_object() {
            core.reference_globals.push(place.cast());
        }
        let place = place.cast();
        Ok(Self::of(place, ty, core))
    }

    pub(crate) fn of(place: NonNull<u8>, ty: GlobalType, core: &StoreCore) -> Self {
        Self {
            store: core.id(),
            ty,
            place,
        }
    }

    pub(super) fn place(&self, core: &StoreCore) -> Result<NonNull<u8>, Error> {
        core.check(self.store)?;
        Ok(self.place)
    }

    /// Returns the type.
    pub fn ty(&self) -> GlobalType {
        self.ty
    }

    /// Returns the value.
    ///
    /// # Panics
    /// Panics if the global belongs to another store.
    pub fn get(&self, store: &impl AsStore) -> Value {
        let core = core_of(store);
        let place = self.place(core).expect("a global is used with its own store").as_ptr();
        // SAFETY: the store is alive, so the global is; it has this type.
        let slot = unsafe { load_slot(place, self.ty.content) };
        Value::from_slot(slot, self.ty.content, core).expect("wrun bug: a global keeps its object")
    }

    /// Sets the value.
    ///
    /// # Errors
    /// Fails if the global is immutable or belongs to another store, or if the value has another type.
    pub fn set(&self, store: &mut impl AsStore, value: Value) -> Result<(), Error> {
        if !self.ty.mutable {
            return Err(Error::Refused("the global is immutable".into()));
        }
        let core = core_of_mut(store);
        check(&self.ty, &value, core)?;
        let place = self.place(core)?.as_ptr();
        let slot = value.to_only_slot(core)?;
        // SAFETY: as above, borrowed exclusively.
        unsafe { store_slot(place, self.ty.content, slot) };
        Ok(())
    }
}

fn check(ty: &GlobalType, value: &Value, core: &StoreCore) -> Result<(), Error> {
    if value.is(ty.content, core) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "the global holds {}, not {}",
        ty.content,
        value.ty()
    )))
}
