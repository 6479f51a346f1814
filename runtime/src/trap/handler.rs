//! What becomes of faults and timer ticks: these functions run inside signal handlers.
//!
//! A fault becomes a trap only with its PC in the code of the running store and either a trap record there (and, for a
//! memory access, its address inside of a reservation, or on the null page, where failed checks lead) or its address in the
//! stack's guard. Any other fault in that code is none of the guest's: the artifact is damaged, or the code generator has a
//! bug. It ends the guest too, but with an error, after which the store is not used any more. Faults in any other code
//! go to the previous handler.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use wrun_artifact::TrapCode;

use super::trace::record_fault;
use crate::error::Error;
use crate::sys::{self, PAGE, signals};
use crate::vm::{CodeRange, VMStore};

thread_local! {
    static ACTIVE: Cell<*const VMStore> = const { Cell::new(ptr::null()) };
}

/// Says which store's guest this thread runs from now on; gives the one before.
pub(crate) fn set_active(vm: *const VMStore) -> *const VMStore {
    ACTIVE.replace(vm)
}

/// Installs the handlers, and prepares this thread for them.
pub(crate) fn install() -> Result<(), Error> {
    let hooks = signals::Hooks {
        fault: on_fault,
        tick: on_tick,
    };
    signals::install(hooks)
        .and_then(|()| sys::stack::prepare_thread_for_faults())
        .map_err(|error| Error::resource("cannot handle signals", &error))
}

fn active() -> Option<&'static VMStore> {
    // SAFETY: `call_guest` sets the pointer to a store that lives at least until it sets it back.
    unsafe { ACTIVE.get().as_ref() }
}

/// Where the running guest's code lies around `pc`, if it does.
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

fn on_tick(registers: signals::Registers, flag: &'static AtomicBool) -> Option<signals::Resume> {
    // Host code looks at the flag on its way back; a system call that waits is interrupted by the signal itself.
    flag.store(true, Ordering::Relaxed);
    let vm = active()?;
    if !ptr::eq(vm.interrupt.get(), flag) {
        return None;
    }
    guest_code(vm, registers.pc)?;
    stop(vm, Some(TrapCode::Interrupt), registers)
}

/// Ends the activation, with a trap or, without a reason, with an error.
fn stop(vm: &VMStore, reason: Option<TrapCode>, registers: signals::Registers) -> Option<signals::Resume> {
    // SAFETY: guest code is running, so the activation's frame is there.
    let activation = unsafe { vm.activation.get().as_ref() }?;
    record_fault(vm, reason, registers.pc, registers.fp);
    Some(activation.landing())
}
