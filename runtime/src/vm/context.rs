//! Access to an instance's context: raw memory below a pointer, with the layout of `wrun_artifact::vmlayout`.
//!
//! Input: a pointer, offsets. Output: fields. Must not hold: the layout.

use std::ptr::NonNull;

use wrun_artifact::types::ValType;
use wrun_artifact::vmlayout;

use super::{Slot, VMStore};

/// An instance's context: see `wrun_artifact::vmlayout`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct VMContext(NonNull<u8>);

impl VMContext {
    /// Makes the context that ends at `pointer`.
    ///
    /// # Safety
    /// `VMLayout::size()` bytes below `pointer` belong to the context, are zero or filled in by `instantiate`, and live as long
    /// as the store. `pointer` is a multiple of 16.
    pub(crate) const unsafe fn new(pointer: NonNull<u8>) -> Self {
        Self(pointer)
    }

    /// Returns the pointer that compiled code gets.
    pub(crate) const fn as_ptr(self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// Returns the address of the field at `offset`.
    ///
    /// # Safety
    /// The offset comes from the layout of this context's module.
    pub(crate) unsafe fn field<F>(self, offset: i32) -> *mut F {
        // SAFETY: the caller's promise: offsets of the layout lie inside of the context (tested in `vmlayout`).
        unsafe { self.0.as_ptr().offset(offset as isize).cast() }
    }

    /// Writes a field.
    ///
    /// # Safety
    /// As for [`VMContext::field`]. The field holds an `F`, the store is alive, and no compiled code runs.
    pub(crate) unsafe fn set<F>(self, offset: i32, value: F) {
        // SAFETY: the caller's promise; fields are aligned (tested in `vmlayout`).
        unsafe { self.field::<F>(offset).write(value) }
    }

    /// Reads a field of plain data.
    ///
    /// # Safety
    /// As for [`VMContext::set`]. A field that was never written is zero, and zero must be a valid `F`.
    pub(crate) unsafe fn get<F: Copy>(self, offset: i32) -> F {
        // SAFETY: the caller's promise.
        unsafe { self.field::<F>(offset).read() }
    }

    /// Returns the store of the instance.
    ///
    /// # Safety
    /// The store is alive.
    pub(crate) unsafe fn store(self) -> *const VMStore {
        // SAFETY: the caller's promise; each context has this field, and `instantiate` has filled it in.
        unsafe { self.get(vmlayout::vmctx::STORE) }
    }
}

/// Reads a value of type `ty` from a global of compiled code into a slot.
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

/// Writes a value of type `ty` to a global of compiled code.
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
