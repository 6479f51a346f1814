//! The structures that running code and the runtime share, and access to an instance's context.
//!
//! Input: addresses. Output: typed fields. Tests compare the structures with `wrun_artifact::vmlayout`. Must not hold: the
//! objects behind the addresses (`state`).
//!
//! # Safety
//! This file may use `unsafe`: a context is raw memory below a pointer. `instantiate` makes a [`VMContext`] for a block of memory
//! of `VMLayout::size()` bytes below it, which lives as long as the store. Offsets come from the same module's `VMLayout`, which
//! keeps them inside the block (tested there).
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

/// A value in the raw call interface: little-endian, with zeros in the unused bytes.
pub(crate) type Slot = u128;

/// Marks a host function, in place of the index of a signature.
pub(crate) const HOST: u32 = u32::MAX;

/// The function to which a `funcref` refers.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct VMFuncRef {
    /// Code in the guest's convention. Null for a host function if no module of the store has a trampoline for its type.
    pub(crate) code: Cell<*const u8>,
    /// Argument that the code gets as its context.
    pub(crate) vmctx: Cell<*mut u8>,
    /// Id of the type in the engine.
    pub(crate) sig: u32,
    /// Index of the type in the module that defines the function, or [`HOST`] for a host function.
    pub(crate) local_sig: u32,
}

/// A function reference that is not null: the address of a [`VMFuncRef`] in an arena of a living store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct FuncPtr(NonNull<VMFuncRef>);

// SAFETY: this is an address without its store. Code that follows it makes sure that the store is alive.
unsafe impl Send for FuncPtr {}
// SAFETY: as above.
unsafe impl Sync for FuncPtr {}

impl FuncPtr {
    /// Makes the reference to a function of a store's arena.
    pub(crate) fn new(func: NonNull<VMFuncRef>) -> Self {
        Self(func)
    }

    /// Returns the reference in a slot of compiled code, or `None` for null.
    pub(crate) fn from_slot(slot: Slot) -> Option<Self> {
        NonNull::new(slot as u64 as usize as *mut VMFuncRef).map(Self)
    }

    /// Returns the address in the form that compiled code uses.
    pub(crate) fn as_ptr(self) -> *const VMFuncRef {
        self.0.as_ptr()
    }

    /// Returns the function.
    ///
    /// # Safety
    /// The store of the function stays alive while the result is used. Its arenas do not move or free the function before that.
    pub(crate) unsafe fn get<'a>(self) -> &'a VMFuncRef {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ref() }
    }
}

/// A memory in the form that compiled code reads.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct VMMemoryDefinition {
    /// The first byte.
    pub(crate) base: Cell<*mut u8>,
    /// Length in bytes.
    pub(crate) length: Cell<u64>,
}

/// A table in the form that compiled code reads.
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
    /// Index of the signature in the module plus 1, or 0 for null.
    pub(crate) sig: u32,
    /// Offset of the code in the text.
    pub(crate) offset: u32,
}

/// An entry of a shared table.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub(crate) struct VMSharedEntry {
    /// Code of the function.
    pub(crate) code: *const u8,
    /// Argument that the code gets as its context.
    pub(crate) vmctx: *mut u8,
    /// Id of the type in the engine, or 0.
    pub(crate) sig: u32,
    /// Unused.
    pub(crate) pad: u32,
    /// 0 for not filled, 1 for written with null, else the address of a [`VMFuncRef`].
    pub(crate) reference: usize,
}

impl VMSharedEntry {
    /// Makes the entry for a reference, which may be null. A host function without a trampoline gets no type here, so that the
    /// first call looks for one.
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
