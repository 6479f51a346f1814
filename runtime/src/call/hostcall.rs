//! Runs host functions for the guest.
//!
//! Input: the context of a host function. Output: its results, or a jump to the landing. Must not hold: the types of values.
//!
//! Compiled code reaches a host function through a trampoline that passes values in registers (typed) or in slots (untyped).
//! [`host_call`] surrounds the function itself: it checks that the stack has room, catches panics, checks the deadline
//! afterwards, and turns errors into a jump to the landing after everything was dropped.

use std::any::Any;
use std::arch::asm;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use wrun_artifact::TrapCode;

use super::Caller;
use super::entry::raise;
use crate::error::Error;
use crate::state::{StoreCore, StoreInner};
use crate::vm::{Slot, UntypedFn, VMHostContext};

/// Serves as entry trampoline for untyped host functions. With it, the host calls a host function in the same way as a function
/// of a guest.
///
/// # Safety
/// `code` is an [`UntypedFn`] and `context` a context for it.
pub(crate) unsafe extern "C" fn host_entry(code: *const u8, context: *mut u8, slots: *mut Slot) {
    // SAFETY: the caller's promise.
    unsafe {
        let code: UntypedFn = std::mem::transmute(code);
        code(context.cast(), slots);
    }
}

fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Runs a host function for the guest of a store.
///
/// # Safety
/// `context` is that of a store with data of type `T` whose guest is suspended in this call; no frame between the caller's
/// and the guest has anything to drop.
#[inline(always)]
pub(crate) unsafe fn host_call<T: 'static, R>(
    context: *const VMHostContext,
    function: impl FnOnce(Caller<'_, T>) -> Result<R, Error>,
) -> R {
    // SAFETY: the caller's promise: the context is alive, and `store` is the first field of the store's allocation.
    let store = unsafe { (*context).store.cast_mut() };
    guarded(store.cast(), || {
        // SAFETY: the guest is suspended, so this call is the only user of the store.
        function(unsafe { Caller::new(store.cast::<StoreInner<T>>(), context) })
    })
}

/// Runs a part of the runtime or of the host for the guest of a store. An error or a panic ends the activation.
#[inline(always)]
pub(crate) fn guarded<R>(store: *mut StoreCore, function: impl FnOnce() -> Result<R, Error>) -> R {
    // SAFETY: the store is alive while its guest is suspended; these fields are cells.
    let (limit, interrupt) = unsafe {
        let vm = &(*store).vm;
        (vm.stack_limit.get(), &vm.interrupt)
    };
    let outcome = if stack_pointer() < limit {
        Err(Error::from(TrapCode::CallStackExhausted))
    } else {
        catch_unwind(AssertUnwindSafe(function)).unwrap_or_else(|panic| Err(panicked(panic)))
    };
    let error = match outcome {
        Ok(result) => {
            if !interrupt.load(Ordering::Relaxed) {
                return result;
            }
            drop(result);
            Error::interrupt()
        }
        Err(error) => error,
    };
    // SAFETY: everything here has been moved or dropped; the guest is suspended, so an activation is there.
    unsafe { raise(store, error) }
}

#[cold]
fn panicked(panic: Box<dyn Any + Send>) -> Error {
    let text = match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => panic.downcast_ref::<&str>().copied().unwrap_or("unknown").to_owned(),
    };
    Error::HostPanic(text)
}
