//! Memories of a store, for the host.
//!
//! Input: a handle. Output: the memory's contents as a slice, its size, its type. Must not hold: mappings (`state`).
//!
//! # Safety
//! This file may use `unsafe`: it borrows a memory's contents together with the store, so no guest runs in that time.
#![allow(unsafe_code, reason = "borrows the contents of a memory together with its store")]

use wrun_artifact::config::MemoryMode;
use wrun_artifact::types::{IndexType, MemoryType, PageSize};

use super::{AsStore, Store};
use crate::error::Error;
use crate::state::{MemoryObject, StoreCore, core_of, core_of_mut};
use crate::vm::VMMemoryDefinition;

/// A memory. It belongs to a store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    store: u64,
    place: usize,
}

impl Memory {
    /// Makes a memory of its minimal size, filled with zeros.
    ///
    /// # Errors
    /// Fails if the limits are invalid, or if address space runs out.
    pub fn new<T>(store: &mut Store<T>, ty: MemoryType) -> Result<Self, Error> {
        let most = most_declared(&ty);
        if ty.min > most || ty.max.is_some_and(|max| max < ty.min || max > most) {
            return Err(Error::Refused(format!(
                "a memory of this type has at most {most} pages, and no less than its minimum"
            )));
        }
        let core = core_of_mut(store);
        let mode: MemoryMode = core.engine.config().artifact.memory;
        let mut object = MemoryObject::new(ty, mode, 0)?;
        let definition = core.memory_definitions.push(VMMemoryDefinition {
            base: std::ptr::null_mut::<u8>().into(),
            length: 0.into(),
        });
        object.set_definition(definition);
        let place = core.memories.len();
        core.memories.push(object);
        core.update_reservations();
        Ok(Self::of(place, core))
    }

    pub(crate) fn of(place: usize, core: &StoreCore) -> Self {
        Self {
            store: core.id(),
            place,
        }
    }

    pub(crate) fn place(&self, core: &StoreCore) -> Result<usize, Error> {
        core.check(self.store)?;
        Ok(self.place)
    }

    fn object<'a>(&self, core: &'a StoreCore) -> &'a MemoryObject {
        assert!(core.check(self.store).is_ok(), "a memory is used with its own store");
        &core.memories[self.place]
    }

    pub(crate) fn ty_in(&self, core: &StoreCore) -> Result<MemoryType, Error> {
        core.check(self.store)?;
        Ok(core.memories[self.place].ty())
    }

    /// Returns the type, with the current size as its minimum.
    ///
    /// # Panics
    /// Panics if the memory belongs to another store. The other methods do the same.
    pub fn ty(&self, store: &impl AsStore) -> MemoryType {
        self.object(core_of(store)).ty()
    }

    /// Returns the size in pages.
    pub fn size(&self, store: &impl AsStore) -> u64 {
        self.object(core_of(store)).pages()
    }

    /// Adds pages and returns the size before.
    ///
    /// # Errors
    /// Fails if the new size exceeds the maximum, or if the memory cannot be allocated.
    pub fn grow(&self, store: &mut impl AsStore, pages: u64) -> Result<u64, Error> {
        let core = core_of_mut(store);
        core.check(self.store)?;
        let grown = core.memories[self.place].grow(pages, || Ok(()))?;
        let (old, moved) = grown.ok_or_else(|| Error::Resource(format!("cannot grow the memory by {pages} pages")))?;
        if moved {
            core.update_reservations();
        }
        Ok(old)
    }

    /// Returns the contents.
    pub fn data<'a>(&self, store: &'a impl AsStore) -> &'a [u8] {
        // SAFETY: the contents borrow the store, so no guest runs and no code writes to them.
        unsafe { self.object(core_of(store)).bytes() }
    }

    /// Returns the contents.
    pub fn data_mut<'a>(&self, store: &'a mut impl AsStore) -> &'a mut [u8] {
        // SAFETY: the contents borrow the store exclusively.
        unsafe { self.object(core_of_mut(store)).bytes_mut() }
    }
}

/// The largest number of pages that a memory type may name (spec 3.2.15). A memory with 64-bit indices never has so many.
fn most_declared(ty: &MemoryType) -> u64 {
    match (ty.index, ty.page) {
        (IndexType::I64, PageSize::Byte) => u64::MAX,
        (IndexType::I64, PageSize::Default) => 1 << 48,
        (IndexType::I32, _) => ty.most_pages(),
    }
}
