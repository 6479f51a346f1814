//! The view that a host function has of the guest that calls it.
//!
//! Input: the context of a host function. Output: the host's data, the guest's memory and exports. Must not hold: calls.
//!
//! # Safety
//! This file may use `unsafe`: while a host function runs, its guest is suspended. The function is then the only user of the
//! store and of the guest's memory, and it borrows one of them at a time through the caller.
#![allow(unsafe_code, reason = "gives host functions the memory of the suspended guest")]

use std::marker::PhantomData;
use std::slice;

use super::collect;
use crate::error::Error;
use crate::state::{InstanceData, Item, StoreCore, StoreInner, StorePtr, core_of, core_of_mut};
use crate::vm::VMHostContext;

/// Gives a host function access to the store and to the calling instance.
pub struct Caller<'a, T> {
    store: *mut StoreInner<T>,
    context: *const VMHostContext,
    borrow: PhantomData<&'a mut T>,
}

impl<T> Caller<'_, T> {
    /// # Safety
    /// The guest of this store is suspended in a call of the host function with this context. No other caller is made for that
    /// call.
    pub(crate) unsafe fn new(store: *mut StoreInner<T>, context: *const VMHostContext) -> Self {
        Self {
            store,
            context,
            borrow: PhantomData,
        }
    }

    /// Returns the host's data.
    pub fn data(&self) -> &T {
        // SAFETY: the store is alive; this caller is its only user.
        unsafe { &(*self.store).data }
    }

    /// Returns the host's data.
    pub fn data_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut (*self.store).data }
    }

    /// Returns the memory that the calling instance exports as `memory`. Returns `None` if there is no such export, or if no
    /// instance imported the host function.
    pub fn memory(&mut self) -> Option<&mut [u8]> {
        Some(self.memory_and_data()?.0)
    }

    /// Returns the memory, as [`Caller::memory`] does, together with the host's data.
    #[inline]
    pub fn memory_and_data(&mut self) -> Option<(&mut [u8], &mut T)> {
        // SAFETY: the definition lives as long as the store; base and length describe accessible memory of its own, which
        // is not part of the data. The guest is suspended and this caller is borrowed exclusively, so nobody else uses or
        // moves it meanwhile.
        unsafe {
            let definition = (*self.context).memory.get().as_ref()?;
            let length = usize::try_from(definition.length.get()).ok()?;
            let memory = slice::from_raw_parts_mut(definition.base.get(), length);
            Some((memory, &mut (*self.store).data))
        }
    }

    /// Returns the number of host objects, as [`Store::host_object_count`](crate::Store::host_object_count) does.
    pub fn host_object_count(&self) -> usize {
        core_of(self).objects.len()
    }

    /// Drops unreachable host objects, as [`Store::collect_host_objects`](crate::Store::collect_host_objects) does. Objects that
    /// a suspended function of the guest still uses are kept.
    pub fn collect_host_objects(&mut self) -> Result<(), Error> {
        collect(core_of_mut(self))
    }

    /// Returns the item that the calling instance exports under a name.
    pub(crate) fn exported_item(&mut self, name: &str) -> Option<Item> {
        // SAFETY: an instance that imports a host function is complete before the function is called, and lives as long as the
        // store. The guest is suspended and this caller is borrowed exclusively, so nobody else uses the store meanwhile.
        unsafe {
            let instance = InstanceData::of((*self.context).importer.get()?);
            instance.export(&mut (*self.store).core, name).ok()?
        }
    }

    /// Returns true after the store's deadline has passed. A host function that waits checks this when its wait is interrupted,
    /// and then returns [`crate::Error::interrupt`].
    pub fn interrupted(&self) -> bool {
        // SAFETY: the store is alive; these fields are cells and atomics.
        unsafe { (*self.store).core.vm.is_due() }
    }
}

impl<T> StorePtr for Caller<'_, T> {
    fn core_ptr(&self) -> *mut StoreCore {
        self.store.cast()
    }
}
