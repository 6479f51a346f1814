//! A host function's view of the guest that calls it.
//!
//! # Safety
//! This file may use `unsafe`: while a host function runs its guest is suspended, so the function is the only user of the store
//! and of the guest's memory; borrows of the caller make sure that it uses one thing at a time.
#![allow(unsafe_code, reason = "gives host functions the memory of the suspended guest")]

use std::marker::PhantomData;
use std::slice;

use super::collect;
use crate::error::Error;
use crate::state::{InstanceData, Item, StoreCore, StoreInner, StorePtr, core_of, core_of_mut};
use crate::vm::VMHostContext;

/// The store, and the instance that calls, as a host function sees them.
pub struct Caller<'a, T> {
    store: *mut StoreInner<T>,
    context: *const VMHostContext,
    borrow: PhantomData<&'a mut T>,
}

impl<T> Caller<'_, T> {
    /// # Safety
    /// The guest of this store is suspended in a call of the host function with this context, and this is the only caller made
    /// for that call.
    pub(crate) unsafe fn new(store: *mut StoreInner<T>, context: *const VMHostContext) -> Self {
        Self {
            store,
            context,
            borrow: PhantomData,
        }
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        // SAFETY: the store is alive; this caller is its only user.
        unsafe { &(*self.store).data }
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut (*self.store).data }
    }

    /// The memory that the calling instance exports as `memory`. `None` when it exports none, or when the function was not
    /// imported by an instance.
    pub fn memory(&mut self) -> Option<&mut [u8]> {
        Some(self.memory_and_data()?.0)
    }

    /// The memory, as [`Caller::memory`] gives it, and the host's data at the same time.
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

    /// As [`Store::host_object_count`](crate::Store::host_object_count).
    pub fn host_object_count(&self) -> usize {
        core_of(self).objects.len()
    }

    /// As [`Store::collect_host_objects`](crate::Store::collect_host_objects). The guest's functions that wait for this host
    /// function keep what they still use.
    pub fn collect_host_objects(&mut self) -> Result<(), Error> {
        collect(core_of_mut(self))
    }

    /// The item that the calling instance exports under a name.
    pub(crate) fn exported_item(&mut self, name: &str) -> Option<Item> {
        // SAFETY: an instance that imports a host function is complete before the function is called, and lives as long as the
        // store. The guest is suspended and this caller is borrowed exclusively, so nobody else uses the store meanwhile.
        unsafe {
            let instance = InstanceData::of((*self.context).importer.get()?);
            instance.export(&mut (*self.store).core, name).ok()?
        }
    }

    /// True once the store's deadline has passed. A host function that waits looks at this whenever its wait is interrupted, and
    /// then gives up with [`crate::Error::interrupt`].
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
