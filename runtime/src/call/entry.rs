//! Enters the guest and returns from it.
//!
//! Input: a trampoline, code, a context, values in slots. Output: results in the slots, or the error that ended the call. One
//! naked function is both the entry and the landing of traps, exits and errors. Must not hold: the cause of an error (`trap`).

use std::arch::naked_asm;
use std::sync::atomic::Ordering;

use wrun_artifact::TrapCode;

use super::collect::collect_if_due;
use super::exception::insert_exception;
use super::throw;
use crate::error::{Error, Trap};
use crate::state::StoreCore;
use crate::trap;
use crate::vm::{Activation, EntryTrampoline, Slot};

/// Switches to the stack that ends at `stack_top`, or stays on the current one if it is 0, and calls the trampoline. Returns 0
/// when the guest has returned, and 1 after a jump to the landing.
///
/// # Safety
/// The trampoline's conditions hold for `code`, `context` and `slots`. The stack is unused above its pointer.
#[unsafe(naked)]
unsafe extern "C" fn enter(
    activation: *const Activation,
    trampoline: EntryTrampoline,
    code: *const u8,
    context: *mut u8,
    slots: *mut Slot,
    stack_top: usize,
) -> u64 {
    // The landing restores the registers that the C convention preserves from the host's stack and expects nothing else there.
    // The directives let a debugger continue from the guest's frames to those of the host: the frame pointer stays the same when
    // the stack changes, and the preserved registers lie below it.
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        ".cfi_offset rbx, -24",
        ".cfi_offset r12, -32",
        ".cfi_offset r13, -40",
        ".cfi_offset r14, -48",
        ".cfi_offset r15, -56",
        "sub rsp, 8",
        "mov [rdi], rsp",
        "lea rax, [rip + 3f]",
        "mov [rdi + 8], rax",
        "mov rbx, rdi",
        "mov rax, rsi",
        "mov rdi, rdx",
        "mov rsi, rcx",
        "mov rdx, r8",
        "test r9, r9",
        "cmovnz rsp, r9",
        "call rax",
        "mov rsp, [rbx]",
        "xor eax, eax",
        "2:",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        ".cfi_remember_state",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_restore_state",
        // The landing: rdi is the activation.
        "3:",
        "mov rsp, [rdi]",
        "cld",
        "mov eax, 1",
        "jmp 2b",
        ".cfi_endproc",
    )
}

/// Jumps to the landing of an activation.
///
/// # Safety
/// The activation is active, and no frame between here and there has anything to drop.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn land(activation: *const Activation) -> ! {
    naked_asm!("jmp [rdi + 8]")
}

/// Calls `code` through `trampoline` in a store. The results are in `slots`. An error says why the call ended early.
///
/// # Safety
/// `trampoline` is for the type of `code`. `code` belongs to an instance or host function of this store, and `context` is its
/// context. `slots` has room for parameters and results, and references in it belong to this store.
pub(crate) unsafe fn call_guest(
    store: *mut StoreCore,
    trampoline: EntryTrampoline,
    code: *const u8,
    context: *mut u8,
    slots: *mut Slot,
) -> Result<(), Error> {
    // SAFETY: the store is alive; only plain fields and cells are touched, through short borrows.
    let (vm, stack_top) = unsafe {
        (*store).check_callable()?;
        trap::install()?;
        (&raw const (*store).vm, (*store).stack_top()?)
    };
    // SAFETY: `vm` lives as long as the store; everything in it is a cell or an atomic.
    let vm = unsafe { &*vm };
    let outer = trap::enter(vm)?;
    if vm.is_due() {
        trap::leave(vm, outer);
        return Err(Error::Trap(Trap::without_trace(TrapCode::Interrupt)));
    }
    let previous = vm.activation.get();
    let activation = Activation::new(previous, vm.exit_fp.get());
    vm.trace.clear();
    vm.activation.set(&activation);
    // The activation has no frame to search until the guest leaves for the host.
    vm.exit_fp.set(0);
    // A host function that calls the guest again continues on its own stack.
    let stack_top = if previous.is_null() { stack_top } else { 0 };
    // SAFETY: the caller's promise; the stack is the store's own, used by this activation only, or the current one.
    let landed = unsafe { enter(&activation, trampoline, code, context, slots, stack_top) } != 0;
    vm.activation.set(previous);
    vm.exit_fp.set(activation.previous_exit_fp);
    trap::leave(vm, outer);
    if !landed {
        return Ok(());
    }
    // SAFETY: as above: a short borrow, the guest is not running.
    let error = unsafe { (*store).take_failure() };
    Err(error.unwrap_or_else(|| {
        // SAFETY: as above.
        let code = unsafe { (*store).vm.code.load(Ordering::Relaxed) };
        // SAFETY: the code map belongs to the store and is replaced only while no guest runs.
        trap::failure(&vm.trace, unsafe { code.as_ref() })
    }))
    .inspect_err(|error| {
        let is_over = match error {
            Error::Trap(trap) => trap.code() == TrapCode::Interrupt,
            Error::BadCode(_) => true,
            _ => false,
        };
        if is_over {
            // SAFETY: as above.
            unsafe { (*store).poison() };
        }
    })
}

/// Ends the innermost activation of a store with an error. Host functions and libcalls call this after they have dropped
/// everything that they own.
///
/// # Safety
/// An activation of this store is active, and no frame between here and it has anything to drop.
pub(crate) unsafe fn raise(store: *mut StoreCore, error: Error) -> ! {
    // SAFETY: the store is alive, and the guest is suspended in this very call.
    unsafe {
        let vm = &(*store).vm;
        let error = match error {
            Error::Exception(exception) if exception.store() == (*store).id() => {
                // Collecting is safe here: the guest's references are in its frames, and the host's are in the exception.
                let inserted = collect_if_due(&mut *store).and_then(|()| insert_exception(&mut *store, &exception));
                match inserted {
                    Ok(number) => {
                        drop(exception);
                        throw::throw(store, number)
                    }
                    Err(error) => error,
                }
            }
            Error::Trap(trap) if trap.needs_trace() => {
                trap::record_exit(vm);
                let code = vm.code.load(Ordering::Relaxed);
                Error::Trap(trap::with_trace(trap, &vm.trace, code.as_ref()))
            }
            other => other,
        };
        (*store).set_failure(error);
        land(vm.activation.get())
    }
}
