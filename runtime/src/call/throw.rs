//! Finds the handler of an exception.
//!
//! Input: an exception, from a `throw` or from a host function's error. Output: a jump to its handler, or the end of the
//! activation. Must not hold: the comparison of tags.
//!
//! The runtime follows the frame pointers of the innermost activation and looks up each return address in the handlers of its
//! artifact. Execution goes on at the first handler found. The frames in between are all frames of compiled code, and they are
//! skipped. The code of the handler compares the tags of its clauses and throws the exception again if none of them fits. Without
//! a handler the activation ends, and its caller gets the exception as an error.

use std::arch::naked_asm;
use std::ops::ControlFlow;

use super::collect::collect_but;
use super::entry::{land, raise};
use super::exception::take_out;
use crate::error::{Error, Exception};
use crate::state::StoreCore;
use crate::trap;
use crate::vm::Slot;

/// Continues at `pc` with these stack and frame pointers. The handler gets the exception's number and the address of its fields
/// in the registers of the guest's calling convention.
///
/// # Safety
/// `pc` is the landing of a handler, `frame` the frame of its function, which is active, and `stack` is its stack pointer. No
/// frame between here and there has anything to drop.
#[unsafe(naked)]
unsafe extern "C" fn resume(pc: usize, stack: usize, frame: usize, exception: u64, fields: *const u8) -> ! {
    naked_asm!("mov rsp, rsi", "mov rbp, rdx", "mov rax, rcx", "mov rdx, r8", "jmp rdi",)
}

/// Makes an exception that the guest throws, and returns its number. References in the payload may still be in the process of
/// being passed.
pub(super) fn create(core: &mut StoreCore, tag: u64, payload: impl Iterator<Item = Slot>) -> Result<u64, Error> {
    core.tag(tag)?;
    let object = &core.tags[tag as usize - 1];
    let exception = core.objects.throw(tag, object, payload);
    collect_but(core, exception)?;
    Ok(exception)
}

/// The place where execution goes on.
struct Landing {
    pc: usize,
    stack: usize,
    frame: usize,
}

/// Throws an exception: continues at the innermost handler, or ends the innermost activation.
///
/// # Safety
/// An activation of this store is active and has left for the host. The exception is one of the store. No frame between here and
/// the guest's has anything to drop.
pub(super) unsafe fn throw(store: *mut StoreCore, number: u64) -> ! {
    // SAFETY: the store is alive, and the guest is suspended in this very call.
    let found = unsafe { search(&mut *store, number) };
    match found {
        // SAFETY: found in the handlers of the code that is in that frame; the frame is below the activation's entry.
        Some((Landing { pc, stack, frame }, fields)) => unsafe { resume(pc, stack, frame, number, fields) },
        // SAFETY: as above.
        None => unsafe {
            match take(&mut *store, number) {
                Ok(exception) => {
                    (*store).set_failure(Error::Exception(exception));
                    land((*store).vm.activation.get())
                }
                Err(error) => raise(store, error),
            }
        },
    }
}

/// Largest number of return addresses that an exception records.
const MOST_CALLS: usize = 64;

/// Finds the innermost handler. Also returns the address of the exception's fields.
fn search(core: &mut StoreCore, number: u64) -> Option<(Landing, *const u8)> {
    let StoreCore { vm, objects, .. } = core;
    let thrown = objects.exception_mut(number)?;
    let mut calls = 0;
    let found = trap::visit_activation(vm, vm.exit_fp.get(), |call| {
        // A function that throws an exception again is recorded in the trace already, with the call that threw the exception.
        let is_known = calls == 0 && call.frame() == thrown.handler_frame;
        calls += 1;
        if cfg!(feature = "backtrace") && !is_known && thrown.trace.len() < MOST_CALLS {
            thrown.trace.push(call.return_address());
        }
        match call.code.artifact().handlers().lookup(call.offset) {
            None => ControlFlow::Continue(()),
            Some(handler) => ControlFlow::Break(Landing {
                pc: call.return_address() - call.offset as usize + handler.landing as usize,
                stack: call.frame().wrapping_sub(handler.depth as usize),
                frame: call.frame(),
            }),
        }
    })?;
    thrown.handler_frame = found.frame;
    Some((found, thrown.fields()))
}

/// Takes an exception out of the store, for the host.
fn take(core: &mut StoreCore, number: u64) -> Result<Exception, Error> {
    let exception = take_out(core, number)?;
    core.objects.take_exception(number);
    Ok(exception)
}
