//! The structures that running code and the runtime share, pinned to `wrun_artifact::vmlayout` by tests, and access to an
//! instance's context.
//!
//! # Safety
//! This file may use `unsafe`: a context is raw memory below a pointer. A [`VMContext`] is made by `instantiate` for a block of
//! memory of `VMLayout::size()` bytes below it and lives as long as the store; offsets come from the same module's
//! `VMLayout`, which keeps them inside of the block (tested there).
#![allow(unsafe_code, reason = "contexts are raw memory shared with compiled code")]

mod activation;
mod code;
mod context;
mod epoch;
mod extern_ref;
mod host;
mod store;
mod trace;

use std::cell::Cell;
use std::ptr::{self, NonNull};

use wrun_artifact::vmlayout;

pub(crate) use activation::Activation;
pub(crate) use code::{Code, CodeMap, CodeRange, Reservations};
pub(crate) use context::{VMContext, load_slot, store_slot};
pub(crate) use epoch::{EpochSlot, Epochs};
pub use extern_ref::ExternRef;
pub(crate) use host::{EntryTrampoline, HOST_STACK, HostFunc, UntypedFn, VMHostContext};
pub(crate) use store::VMStore;
pub(crate) use trace::RawTrace;

/// A value in the raw call interface: little-endian, unused bytes zero.
pub(crate) type Slot = u128;

/// In the place of a signature's index: the function is one of the host.
pub(crate) const HOST: u32 = u32::MAX;

/// The target of a `funcref`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct VMFuncRef {
    /// The code, in the guest's convention. Null for a host function for whose type no module of the store has a trampoline.
    pub(crate) code: Cell<*const u8>,
    /// The context that the code is called with.
    pub(crate) vmctx: Cell<*mut u8>,
    /// The type's id in the engine.
    pub(crate) sig: u32,
    /// Its type's index in the module that defines it, or [`HOST`] for a host function.
    pub(crate) local_sig: u32,
}

/// A function reference that is not null: the address of a [`VMFuncRef`] in an arena of a store that is alive.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct FuncPtr(NonNull<VMFuncRef>);

// SAFETY: an address, which says nothing without its store: whoever follows it vouches for that.
unsafe impl Send for FuncPtr {}
// SAFETY: as above.
unsafe impl Sync for FuncPtr {}

impl FuncPtr {
    /// The reference to a function of a store's arena.
    pub(crate) fn new(func: NonNull<VMFuncRef>) -> Self {
        Self(func)
    }

    /// The reference in a slot that compiled code gave; `None` for null.
    pub(crate) fn from_slot(slot: Slot) -> Option<Self> {
        NonNull::new(slot as u64 as usize as *mut VMFuncRef).map(Self)
    }

    /// The address, as compiled code handles it.
    pub(crate) fn as_ptr(self) -> *const VMFuncRef {
        self.0.as_ptr()
    }

    /// The function.
    ///
    /// # Safety
    /// The store of the function stays alive while the result is used: its arenas neither move nor free before that.
    pub(crate) unsafe fn get<'a>(self) -> &'a VMFuncRef {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ref() }
    }
}

/// A memory as compiled code sees it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct VMMemoryDefinition {
    /// The first byte.
    pub(crate) base: Cell<*mut u8>,
    /// Length in bytes.
    pub(crate) length: Cell<u64>,
}

/// A table as compiled code sees it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct VMTableDefinition {
    /// The first entry.
    pub(crate) base: Cell<*mut u8>,
    /// Length in entries.
    pub(crate) length: Cell<u64>,
}

/// An entry of a private table.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct VMPrivateEntry {
    /// The module's signature index plus 1, or 0.
    pub(crate) sig: u32,
    /// Offset in the text.
    pub(crate) offset: u32,
}

/// An entry of a shared table.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub(crate) struct VMSharedEntry {
    /// The function's code.
    pub(crate) code: *const u8,
    /// Its context.
    pub(crate) vmctx: *mut u8,
    /// Its type's id, or 0.
    pub(crate) sig: u32,
    /// Unused.
    pub(crate) pad: u32,
    /// 0 not filled, 1 written with null, else the address of a [`VMFuncRef`].
    pub(crate) reference: usize,
}

impl VMSharedEntry {
    /// The entry for a reference, which may be null. A host function that no trampoline is known for yet gets no type here, so
    /// that the first call finds one.
    pub(crate) fn of(reference: *const VMFuncRef) -> Self {
        // SAFETY: references point to `VMFuncRef`s that live as long as the store, or are null.
        match unsafe { reference.as_ref() } {
            Some(func) => Self {
                code: func.code.get(),
                vmctx: func.vmctx.get(),
                sig: if func.code.get().is_null() { 0 } else { func.sig },
                pad: 0,
                reference: reference as usize,
            },
            None => Self {
                code: ptr::null(),
                vmctx: ptr::null_mut(),
                sig: 0,
                pad: 0,
                reference: vmlayout::shared_entry::WRITTEN_NULL as usize,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    fn at(offset: usize) -> i32 {
        i32::try_from(offset).expect("small")
    }

    #[test]
    fn structures_are_where_compiled_code_expects_them() {
        assert_eq!(at(offset_of!(VMStore, exit_fp)), vmlayout::store::EXIT_FP);
        assert_eq!(at(offset_of!(VMStore, stack_limit)), vmlayout::store::STACK_LIMIT);
        assert_eq!(at(offset_of!(VMFuncRef, code)), vmlayout::func_ref::CODE);
        assert_eq!(at(offset_of!(VMFuncRef, vmctx)), vmlayout::func_ref::VMCTX);
        assert_eq!(at(offset_of!(VMFuncRef, sig)), vmlayout::func_ref::SIG);
        assert_eq!(at(size_of::<VMFuncRef>()), vmlayout::func_ref::SIZE);
        assert_eq!(at(offset_of!(VMMemoryDefinition, base)), vmlayout::memory::BASE);
        assert_eq!(at(offset_of!(VMMemoryDefinition, length)), vmlayout::memory::LENGTH);
        assert_eq!(at(size_of::<VMMemoryDefinition>()), vmlayout::memory::SIZE);
        assert_eq!(at(offset_of!(VMTableDefinition, base)), vmlayout::table::BASE);
        assert_eq!(at(offset_of!(VMTableDefinition, length)), vmlayout::table::LENGTH);
        assert_eq!(at(size_of::<VMTableDefinition>()), vmlayout::table::SIZE);
        assert_eq!(at(offset_of!(VMPrivateEntry, sig)), vmlayout::private_entry::SIG);
        assert_eq!(at(offset_of!(VMPrivateEntry, offset)), vmlayout::private_entry::OFFSET);
        assert_eq!(at(size_of::<VMPrivateEntry>()), vmlayout::private_entry::SIZE);
        assert_eq!(at(offset_of!(VMSharedEntry, code)), vmlayout::shared_entry::CODE);
        assert_eq!(at(offset_of!(VMSharedEntry, vmctx)), vmlayout::shared_entry::VMCTX);
        assert_eq!(at(offset_of!(VMSharedEntry, sig)), vmlayout::shared_entry::SIG);
        assert_eq!(
            at(offset_of!(VMSharedEntry, reference)),
            vmlayout::shared_entry::REFERENCE
        );
        assert_eq!(at(size_of::<VMSharedEntry>()), vmlayout::shared_entry::SIZE);
        assert_eq!(at(offset_of!(VMHostContext, func)), vmlayout::host_context::FUNC);
        assert_eq!(at(offset_of!(VMHostContext, store)), vmlayout::host_context::STORE);
        assert_eq!(at(size_of::<Slot>()), vmlayout::SLOT);
        assert_eq!(size_of::<*const u8>(), vmlayout::POINTER as usize);
    }
}
