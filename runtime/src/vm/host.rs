//! Host functions in the form in which compiled code reaches them.
//!
//! Input: a closure and its two forms. Output: the structures that trampolines read. Must not hold: conversions of values.

use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;

use wrun_artifact::types::FuncType;

use super::{Slot, VMContext, VMMemoryDefinition, VMStore};

/// Size in bytes of the stack that a host function can rely on.
pub(crate) const HOST_STACK: usize = 256 * 1024;

/// Calls `code` with the values in the slots and writes the results to the slots.
pub(crate) type EntryTrampoline = unsafe extern "C" fn(code: *const u8, context: *mut u8, slots: *mut Slot);

/// A host function that takes its parameters in slots and writes its results to slots.
pub(crate) type UntypedFn = unsafe extern "C" fn(context: *const VMHostContext, slots: *mut Slot);

/// The context of a host function.
#[repr(C)]
pub(crate) struct VMHostContext {
    /// The typed or untyped function, depending on the trampoline that calls it.
    pub(crate) func: *const u8,
    /// The store.
    pub(crate) store: *const VMStore,
    /// The closure.
    pub(crate) closure: *const (),
    /// The untyped function, also if `func` is typed.
    pub(crate) untyped: UntypedFn,
    /// The export `memory` of the instance that imports the function. Null if it has none.
    pub(crate) memory: Cell<*const VMMemoryDefinition>,
    /// The context of the instance that imports the function, set when the instance is complete.
    pub(crate) importer: Cell<Option<VMContext>>,
}

/// A host function before it belongs to a store. It is public for a sealed trait only: closures make it.
#[derive(Clone)]
pub struct HostFunc {
    /// Type of the function.
    pub(crate) ty: FuncType,
    /// `extern "C" fn(context, values…) -> result`, for types that can be passed this way.
    pub(crate) typed: Option<*const u8>,
    /// The form with slots.
    pub(crate) untyped: UntypedFn,
    /// The closure. The functions above get its address.
    pub(crate) closure: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the pointers are addresses of functions, and the closure may be called on any thread.
unsafe impl Send for HostFunc {}
// SAFETY: as above.
unsafe impl Sync for HostFunc {}

impl HostFunc {
    /// Returns the closure's address, which the functions expect in the context.
    pub(crate) fn closure_ptr(&self) -> *const () {
        Arc::as_ptr(&self.closure).cast()
    }
}
