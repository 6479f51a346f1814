//! Turns faults and interrupts into traps, inside signal handlers.
//!
//! Input: registers, the address of a fault. Output: the landing of the activation, if the guest is to end. Must not hold:
//! allocation, locks.
//!
//! A fault becomes a trap only if its PC lies in the code of the running store. In addition, one of two conditions must hold.
//! Either the PC has a trap record, and the address of a memory access lies inside a reservation or on the null page (to which
//! failed checks lead). Or the address lies in the guard of the stack. For any other fault in this code, the artifact is damaged
//! or the code generator has a bug. It ends the guest with an error, and the store is not used any more. Faults in other code go
//! to the previous handler.

use std::cell::Cell;
use std::io;
use std::ptr;
use std::sync::atomic::Ordering;

use wrun_artifact::TrapCode;

use super::trace::record_fault;
use crate::error::Error;
use crate::sys::{self, PAGE, signals, timer};
use crate::vm::{CodeRange, VMStore};

thread_local! {
    /// The store whose guest runs on this thread, or waits for a host function that has entered no other store's guest.
    static ACTIVE: Cell<*const VMStore> = const { Cell::new(ptr::null()) };
}

/// Installs the handlers, and prepares this thread for them.
pub(crate) fn install() -> Result<(), Error> {
    let hooks = signals::Hooks {
        fault: on_fault,
        interrupt: on_interrupt,
        forked: on_fork,
    };
    signals::install(hooks)
        .and_then(|()| sys::stack::prepare_thread_for_faults())
        .map_err(|error| Error::resource("cannot handle signals", &error))
}

fn active() -> Option<&'static VMStore> {
    // SAFETY: `call_guest` sets the pointer to a store that lives at least until it sets it back.
    unsafe { ACTIVE.get().as_ref() }
}

/// Returns the code of the guest in which `pc` lies, and the offset in its text.
fn guest_code<'a>(vm: &VMStore, pc: usize) -> Option<(&'a CodeRange, u32)> {
    // SAFETY: the map belongs to the store and is replaced only while no guest code runs on this thread; the PC is in guest
    // code or nothing is found.
    unsafe { vm.code.load(Ordering::Relaxed).as_ref() }?.find(pc)
}

fn on_fault(registers: signals::Registers, address: Option<usize>) -> Option<signals::Resume> {
    let vm = active()?;
    let (range, offset) = guest_code(vm, registers.pc)?;
    let guard = vm.guard.get();
    let reason = if address.is_some_and(|address| (guard.0..guard.1).contains(&address)) {
        Some(TrapCode::CallStackExhausted)
    } else {
        let code = range.artifact().traps().lookup(offset);
        code.filter(|code| !code.is_memory_access() || address.is_some_and(|address| is_guest_memory(vm, address)))
    };
    stop(vm, reason, registers)
}

fn is_guest_memory(vm: &VMStore, address: usize) -> bool {
    // SAFETY: as for the code map.
    let reservations = unsafe { vm.reservations.load(Ordering::Relaxed).as_ref() };
    address < PAGE || reservations.is_some_and(|all| all.0.iter().any(|range| range.contains(&address)))
}

/// Checks the deadlines of all stores whose guests are active on this thread. A guest is stopped if its store's deadline has
/// passed and the thread is in its code. Host code checks a flag before it returns to the guest. The signal is repeated every few
/// milliseconds, so that a system call that begins to wait at this moment is interrupted too.
fn on_interrupt(registers: signals::Registers) -> Option<signals::Resume> {
    let vm = active();
    let mut wait = notice_deadlines(vm.and_then(outer));
    let mut resume = None;
    if let Some(vm) = vm
        && notice_deadline(vm)
    {
        if guest_code(vm, registers.pc).is_some() {
            resume = stop(vm, Some(TrapCode::Interrupt), registers);
        }
        wait |= resume.is_none();
    }
    timer::repeat(wait);
    resume
}

fn notice_deadline(vm: &VMStore) -> bool {
    if let Some(slot) = vm.slot() {
        slot.arrived();
    }
    vm.notice_deadline()
}

/// Does the same for a store and those that called it. Returns true if any deadline has passed.
fn notice_deadlines(mut vm: Option<&VMStore>) -> bool {
    let mut any = false;
    while let Some(at) = vm {
        any |= notice_deadline(at);
        vm = outer(at);
    }
    any
}

fn outer(vm: &VMStore) -> Option<&VMStore> {
    // SAFETY: the outer store's guest is suspended in a call of its host, which is active as long as this store's guest.
    unsafe { vm.outer.get().as_ref() }
}

/// Called in a child of `fork(2)`: the guests that are active on its only thread keep their deadlines.
fn on_fork(thread: i32) {
    let mut vm = active();
    while let Some(at) = vm {
        if let Some(slot) = at.slot() {
            slot.enter(thread);
        }
        vm = outer(at);
    }
}

/// Enters a store's guest, so that signals find it. Returns the store that was active before.
///
/// # Errors
/// Fails if the store has a deadline and this thread cannot be interrupted.
pub(crate) fn enter(vm: &VMStore) -> Result<*const VMStore, Error> {
    let outermost = vm.activation.get().is_null();
    let thread = match vm.slot().filter(|_| outermost) {
        Some(slot) => Some((slot, timer::prepare_thread().map_err(no_timer)?)),
        None => None,
    };
    let before = ACTIVE.replace(vm);
    if outermost {
        vm.outer.set(before);
    }
    if let Some((slot, thread)) = thread {
        slot.enter(thread);
    }
    Ok(before)
}

/// Leaves a store's guest. `before` is the result of [`enter`]. The activation was removed before.
pub(crate) fn leave(vm: &VMStore, before: *const VMStore) {
    ACTIVE.set(before);
    if !vm.activation.get().is_null() {
        return;
    }
    vm.outer.set(ptr::null());
    if let Some(slot) = vm.slot() {
        slot.leave();
        // A signal may have come for both stores, and it stopped only this one.
        timer::repeat(notice_deadlines(active()));
    }
}

fn no_timer(error: io::Error) -> Error {
    Error::resource("cannot start a timer (ulimit -i limits their number)", &error)
}

/// Ends the activation with a trap or, if there is no reason, with an error.
fn stop(vm: &VMStore, reason: Option<TrapCode>, registers: signals::Registers) -> Option<signals::Resume> {
    // SAFETY: guest code is running, so the activation's frame is there.
    let activation = unsafe { vm.activation.get().as_ref() }?;
    record_fault(vm, reason, registers.pc, registers.fp);
    Some(activation.landing())
}
