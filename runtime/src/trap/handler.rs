//! What becomes of faults and timer ticks: these functions run inside signal handlers.
//!
//! A fault becomes a trap only with its PC in the code of the running store and either a trap record there (and, for a
//! memory access, its address inside of a reservation, or on the null page, where failed checks lead) or its address in the
//! stack's guard. Any other fault in that code is none of the guest's: the artifact is damaged, or the code generator has a
//! bug. It ends the guest too, but with an error, after which the store is not used any more. Faults in any other code
//! go to the previous handler.

use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wrun_artifact::TrapCode;

use super::RawTrace;
use crate::error::Error;
use crate::load::Image;
use crate::sys::{self, PAGE, signals};
use crate::vm::VMStore;

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

/// The code of all instances of a store, by address.
#[derive(Debug, Default)]
pub(crate) struct CodeMap(Vec<CodeRange>);

/// The code of one image.
#[derive(Clone, Debug)]
pub(crate) struct CodeRange {
    addresses: Range<usize>,
    pub(crate) image: Arc<Image>,
}

impl CodeMap {
    /// This map and the code of one more image.
    pub(crate) fn with(&self, image: &Arc<Image>) -> Self {
        let mut ranges = self.0.clone();
        let addresses = image.text_addresses();
        if !addresses.is_empty() {
            let at = ranges.partition_point(|range| range.addresses.start < addresses.start);
            if ranges.get(at).is_none_or(|range| range.addresses != addresses) {
                let image = Arc::clone(image);
                ranges.insert(at, CodeRange { addresses, image });
            }
        }
        Self(ranges)
    }

    /// The code that `pc` lies in, and its offset in that image's text.
    pub(crate) fn find(&self, pc: usize) -> Option<(&CodeRange, u32)> {
        let at = self
            .0
            .partition_point(|range| range.addresses.start <= pc)
            .checked_sub(1)?;
        let range = &self.0[at];
        if pc >= range.addresses.end {
            return None;
        }
        Some((range, u32::try_from(pc - range.addresses.start).ok()?))
    }
}

impl CodeRange {
    /// Whether a function of the module (rather than a trampoline) lies at this offset of the text.
    pub(crate) fn is_function(&self, offset: u32) -> bool {
        self.image.artifact().info().func_at(offset).is_some()
    }
}

/// The address ranges of all memories of a store.
#[derive(Debug, Default)]
pub(crate) struct Reservations(pub(crate) Vec<Range<usize>>);

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
        let code = range.image.artifact().traps().lookup(offset);
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
    RawTrace::record_fault(vm, reason, registers.pc, registers.fp);
    Some(activation.landing())
}
