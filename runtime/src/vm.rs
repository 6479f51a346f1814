//! The structures that running code and the runtime share, pinned to `wrun_artifact::vmlayout` by tests, and access to an
//! instance's context.
//!
//! # Safety
//! This file may use `unsafe`: a context is raw memory below a pointer. A [`VMContext`] is made by `instantiate` for a block of
//! memory of `VMLayout::size()` bytes below it and lives as long as the store; offsets come from the same module's
//! `VMLayout`, which keeps them inside of the block (tested there).
#![allow(unsafe_code, reason = "contexts are raw memory shared with compiled code")]

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr};

use wrun_artifact::types::ValType;
use wrun_artifact::vmlayout;

use crate::call::{Activation, UntypedFn};
use crate::instantiate::InstanceData;
use crate::trap::{CodeMap, RawTrace, Reservations};

/// A value in the raw call interface: little-endian, unused bytes zero.
pub(crate) type Slot = u128;

/// What running code shares with the runtime, one per store. Everything that signal handlers look at is here.
#[repr(C)]
pub(crate) struct VMStore {
    /// See [`vmlayout::store::EXIT_FP`].
    pub(crate) exit_fp: Cell<usize>,
    /// See [`vmlayout::store::STACK_LIMIT`].
    pub(crate) stack_limit: Cell<usize>,
    /// The innermost entry into the guest, null when none is active.
    pub(crate) activation: Cell<*const Activation>,
    /// The highest address of the stack that the guest runs on.
    pub(crate) stack_top: Cell<usize>,
    /// The guard below the guest's stack.
    pub(crate) guard: Cell<(usize, usize)>,
    /// Set when the deadline has passed.
    pub(crate) interrupt: Cell<&'static AtomicBool>,
    /// The code of all instances of the store.
    pub(crate) code: AtomicPtr<CodeMap>,
    /// The address ranges of all memories of the store.
    pub(crate) reservations: AtomicPtr<Reservations>,
    /// Where a trap that the signal handler made happened.
    pub(crate) trace: RawTrace,
}

/// In the place of a signature's index: the function is one of the host.
pub(crate) const HOST: u32 = u32::MAX;

/// What a `funcref` points to.
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
    pub(crate) fn get<'a>(self) -> &'a VMFuncRef {
        // SAFETY: see the type: arenas neither move nor free before the store ends, whose users hold this.
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

/// The context of a host function.
#[repr(C)]
pub(crate) struct VMHostContext {
    /// The typed or untyped function, as the trampoline in front of it expects.
    pub(crate) func: *const u8,
    /// The store.
    pub(crate) store: *const VMStore,
    /// The closure.
    pub(crate) closure: *const (),
    /// The untyped function, whatever `func` is.
    pub(crate) untyped: UntypedFn,
    /// The `memory` export of the instance that imports the function; null where there is none.
    pub(crate) memory: Cell<*const VMMemoryDefinition>,
}

/// An instance's context: see `wrun_artifact::vmlayout`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct VMContext(NonNull<u8>);

impl VMContext {
    /// The context that ends at `pointer`.
    ///
    /// # Safety
    /// `VMLayout::size()` bytes below `pointer` belong to the context, are zero or filled in by `instantiate`, and live as
    /// long as the store; `pointer` is a multiple of 16.
    pub(crate) const unsafe fn new(pointer: NonNull<u8>) -> Self {
        Self(pointer)
    }

    /// The pointer that compiled code gets.
    pub(crate) const fn as_ptr(self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// The address of the field at `offset`.
    pub(crate) fn field<F>(self, offset: i32) -> *mut F {
        // SAFETY: offsets come from this module's layout and lie inside of the context.
        unsafe { self.0.as_ptr().offset(offset as isize).cast() }
    }

    /// Writes a field.
    pub(crate) fn set<F>(self, offset: i32, value: F) {
        // SAFETY: the field lies inside of the context and is aligned (both tested in `vmlayout`).
        unsafe { self.field::<F>(offset).write(value) }
    }

    /// Reads a field of plain data.
    pub(crate) fn get<F: Copy>(self, offset: i32) -> F {
        // SAFETY: as for `set`; `instantiate` has initialised every field (the block is zero before).
        unsafe { self.field::<F>(offset).read() }
    }

    /// What the runtime knows of the instance.
    ///
    /// # Safety
    /// The instance is completely set up, and nothing refers to its data exclusively while the result is used.
    pub(crate) unsafe fn instance<'a>(self) -> &'a mut InstanceData {
        // SAFETY: `instantiate` stores the address of the boxed data, which lives as long as the store.
        unsafe { &mut *self.get::<*mut InstanceData>(vmlayout::vmctx::INSTANCE) }
    }

    /// The store that the instance belongs to.
    pub(crate) fn store(self) -> *const VMStore {
        self.get(vmlayout::vmctx::STORE)
    }
}

/// Reads a value of type `ty` from where compiled code keeps it (a global), as a slot.
///
/// # Safety
/// `at` points to an initialised global of this type.
pub(crate) unsafe fn load_slot(at: *const u8, ty: ValType) -> Slot {
    // SAFETY: the caller's promise; globals are slots of 16 bytes aligned to 16.
    unsafe {
        match ty.size() {
            4 => at.cast::<u32>().read().into(),
            8 => at.cast::<u64>().read().into(),
            _ => at.cast::<u128>().read(),
        }
    }
}

/// Writes a value of type `ty` to where compiled code keeps it (a global).
///
/// # Safety
/// `at` points to a global of this type.
pub(crate) unsafe fn store_slot(at: *mut u8, ty: ValType, slot: Slot) {
    // SAFETY: the caller's promise; globals are slots of 16 bytes aligned to 16. Truncation keeps the value's bytes.
    unsafe {
        match ty.size() {
            4 => at.cast::<u32>().write(slot as u32),
            8 => at.cast::<u64>().write(slot as u64),
            _ => at.cast::<u128>().write(slot),
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
