//! Host functions as compiled code reaches them.

use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;

use wrun_artifact::types::FuncType;

use super::{Slot, VMContext, VMMemoryDefinition, VMStore};

/// Stack that a host function can rely on, in bytes.
pub(crate) const HOST_STACK: usize = 256 * 1024;

/// A trampoline that calls `code` with the values in the slots and puts the results there.
pub(crate) type EntryTrampoline = unsafe extern "C" fn(code: *const u8, context: *mut u8, slots: *mut Slot);

/// A host function that takes its values in slots: parameters in, results out.
pub(crate) type UntypedFn = unsafe extern "C" fn(context: *const VMHostContext, slots: *mut Slot);

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
    /// The `memory` export of the instance that imports the function; null if it has none.
    pub(crate) memory: Cell<*const VMMemoryDefinition>,
    /// The context of the instance that imports the function, once that is complete.
    pub(crate) importer: Cell<Option<VMContext>>,
}

/// A host function before it belongs to a store. Public only in name: closures make it behind a sealed trait.
#[derive(Clone)]
pub struct HostFunc {
    /// Its type.
    pub(crate) ty: FuncType,
    /// `extern "C" fn(context, values…) -> result`, for types that have such a form.
    pub(crate) typed: Option<*const u8>,
    /// The form that takes slots.
    pub(crate) untyped: UntypedFn,
    /// The closure; the functions above get its address.
    pub(crate) closure: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the pointers are addresses of functions, and the closure may be called on any thread.
unsafe impl Send for HostFunc {}
// SAFETY: as above.
unsafe impl Sync for HostFunc {}

impl HostFunc {
    /// The closure's address, as the functions expect it in the context.
    pub(crate) fn closure_ptr(&self) -> *const () {
        Arc::as_ptr(&self.closure).cast()
    }
}
