//! Turns faults and interrupts into traps: these functions run inside signal handlers.
//!
//! A fault becomes a trap only with its PC in the code of the running store and either a trap record there (and, for a
//! memory access, its address inside of a reservation, or on the null page, where failed checks lead) or its address in the
//! stack's guard. Any other fault in that code is none of the guest's: the artifact is damaged, or the code generator has a
//! bug. It ends the guest too, but with an error, after which the store is not used any more. Faults in any other code
//! go to the previous handler.

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
    /// The store whose guest runs on this thread, or is suspended in a call of the host that is not in another store's guest.
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

/// The guest's code that `pc` lies in, if it does, and the offset in its text.
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

/// Looks at the deadlines of all stores whose guests are active on this thread. A guest is stopped if its store's deadline has
/// passed and the thread is in its code. Otherwise it is in host code, which looks at a flag on its way back; the signal
/// comes again every few milliseconds, so that a system call that begins to wait just then comes back too.
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

/// The same for a store and those that it was called from; true if a deadline of any has passed.
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

/// In a child of `fork(2)`: the guests that are active on its only thread go on with their deadlines.
fn on_fork(thread: i32) {
    let mut vm = active();
    while let Some(at) = vm {
        if let Some(slot) = at.slot() {
            slot.enter(thread);
        }
        vm = outer(at);
    }
}

/// Enters a store's guest: signals find it from now on. Gives the store that was active before.
///
/// # Errors
/// When the store has a deadline, and this thread cannot be interrupted.
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

/// Leaves a store's guest; `before` is what [`enter`] gave. The activation has been taken back.
pub(crate) fn leave(vm: &VMStore, before: *const VMStore) {
    ACTIVE.set(before);
    if !vm.activation.get().is_null() {
        return;
    }
    vm.outer.set(ptr::null());
    if let Some(slot) = vm.slot() {
        slot.leave();
        // A signal may have come for both stores and found only this one to stop.
        timer::repeat(notice_deadlines(active()));
    }
}

fn no_timer(error: io::Error) -> Error {
    Error::resource("cannot start a timer (ulimit -i limits their number)", &error)
}

/// Ends the activation, with a trap or, without a reason, with an error.
fn stop(vm: &VMStore, reason: Option<TrapCode>, registers: signals::Registers) -> Option<signals::Resume> {
    // SAFETY: guest code is running, so the activation's frame is there.
    let activation = unsafe { vm.activation.get().as_ref() }?;
    record_fault(vm, reason, registers.pc, registers.fp);
    Some(activation.landing())
}
