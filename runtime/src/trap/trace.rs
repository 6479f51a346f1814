//! The addresses of a backtrace, collected without allocating: signal handlers do this too.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use wrun_artifact::TrapCode;

use crate::vm::VMStore;

/// Innermost frames that are kept.
const FIRST: usize = 48;

/// Outermost frames that are kept.
const LAST: usize = 16;

/// Where a guest was stopped.
pub(crate) struct RawTrace {
    code: Cell<u8>,
    /// Whether the first address is that of an instruction rather than a return address.
    exact: Cell<bool>,
    first: [Cell<usize>; FIRST],
    last: [Cell<usize>; LAST],
    count: Cell<usize>,
}

impl RawTrace {
    pub(crate) const fn new() -> Self {
        Self {
            code: Cell::new(0),
            exact: Cell::new(false),
            first: [const { Cell::new(0) }; FIRST],
            last: [const { Cell::new(0) }; LAST],
            count: Cell::new(0),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.code.set(0);
        self.count.set(0);
    }

    /// The reason that the signal handler has left. Without one, the code has a fault that it must not have.
    pub(crate) fn code(&self) -> Option<TrapCode> {
        TrapCode::from_u8(self.code.get())
    }

    /// The addresses, innermost first, and how many are left out after how many: (addresses, kept before the gap, left out).
    /// Return addresses are lowered by 1, so that they lie in the call that they return from.
    pub(crate) fn addresses(&self) -> (Vec<usize>, usize, usize) {
        let count = self.count.get();
        let mut addresses: Vec<usize> = self.first[..count.min(FIRST)].iter().map(Cell::get).collect();
        let head = addresses.len();
        let tail = count.saturating_sub(FIRST);
        for index in count - tail.min(LAST)..count {
            addresses.push(self.last[(index - FIRST) % LAST].get());
        }
        for (index, address) in addresses.iter_mut().enumerate() {
            if index > 0 || !self.exact.get() {
                *address -= 1;
            }
        }
        (addresses, head, tail.saturating_sub(LAST))
    }

    fn push(&self, address: usize) {
        let count = self.count.get();
        match self.first.get(count) {
            Some(cell) => cell.set(address),
            None => self.last[(count - FIRST) % LAST].set(address),
        }
        self.count.set(count + 1);
    }

    /// Records a stop at an instruction of the guest. Safe in signal handlers.
    pub(crate) fn record_fault(vm: &VMStore, reason: Option<TrapCode>, pc: usize, fp: usize) {
        let trace = &vm.trace;
        trace.clear();
        trace.code.set(reason.map_or(0, TrapCode::code));
        trace.exact.set(true);
        trace.push(pc);
        trace.walk(vm, fp);
    }

    /// Records where the guest has left for the host.
    pub(crate) fn record_exit(vm: &VMStore) {
        vm.trace.clear();
        vm.trace.exact.set(false);
        vm.trace.walk(vm, vm.exit_fp.get());
    }

    /// Follows the frame pointers from `fp` to the guest's entry, then goes on with the activation before it.
    fn walk(&self, vm: &VMStore, mut fp: usize) {
        // SAFETY: the code map belongs to the store and is not changed while guest code is active on this thread.
        let Some(code) = (unsafe { vm.code.load(Ordering::Relaxed).as_ref() }) else {
            return;
        };
        let stack = vm.guard.get().1..vm.stack_top.get();
        let mut activation = vm.activation.get();
        loop {
            while stack.contains(&fp) && fp.is_multiple_of(8) && stack.contains(&(fp + 15)) {
                // SAFETY: both words lie in the guest's stack, which is mapped (checked just now).
                let (next, return_address) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
                let Some((range, offset)) = code.find(return_address) else {
                    break;
                };
                if range.is_function(offset.saturating_sub(1)) {
                    self.push(return_address);
                }
                if next <= fp {
                    break;
                }
                fp = next;
            }
            // SAFETY: activations lie in frames of `call_guest` that are active.
            let Some(outer) = (unsafe { activation.as_ref() }) else {
                return;
            };
            if outer.previous.is_null() {
                return;
            }
            fp = outer.previous_exit_fp;
            activation = outer.previous;
        }
    }
}
