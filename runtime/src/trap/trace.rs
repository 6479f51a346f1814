//! Finds the guest's active calls by following frame pointers, and records their addresses for backtraces. Allocates nothing: signal
//! handlers do this too.

use std::ops::Range;
use std::sync::atomic::Ordering;

use wrun_artifact::TrapCode;

use crate::vm::{CodeRange, VMStore};

/// Records a stop at an instruction of the guest. Safe in signal handlers.
pub(super) fn record_fault(vm: &VMStore, reason: Option<TrapCode>, pc: usize, fp: usize) {
    vm.trace.start(reason);
    #[cfg(feature = "backtrace")]
    {
        vm.trace.addresses().begin(pc);
        walk(vm, fp);
    }
    #[cfg(not(feature = "backtrace"))]
    let _ = (pc, fp);
}

/// Records where the guest has left for the host.
pub(crate) fn record_exit(vm: &VMStore) {
    vm.trace.clear();
    #[cfg(feature = "backtrace")]
    walk(vm, vm.exit_fp.get());
}

/// Adds the functions that are in a call to the trace, innermost first.
#[cfg(feature = "backtrace")]
fn walk(vm: &VMStore, fp: usize) {
    visit_calls(vm, fp, |call| {
        if call.code.is_function(call.offset.saturating_sub(1)) {
            vm.trace.addresses().push(call.return_address);
        }
    });
}

/// A call that code of the guest makes and that has not returned.
pub(crate) struct ActiveCall<'a> {
    /// The code that makes the call.
    pub(crate) code: &'a CodeRange,
    /// Offset in the text that the call returns to.
    pub(crate) offset: u32,
    #[cfg(feature = "backtrace")]
    return_address: usize,
    /// The frame pointer of the function that makes the call.
    frame: usize,
    stack: Range<usize>,
}

impl ActiveCall<'_> {
    /// The word that lies `distance` bytes below the frame pointer of the function that makes the call. 0 if that is outside of
    /// the guest's stack.
    pub(crate) fn slot(&self, distance: u32) -> u64 {
        let address = self.frame.wrapping_sub(distance as usize);
        if !self.stack.contains(&address) || !self.stack.contains(&address.wrapping_add(7)) {
            return 0;
        }
        // SAFETY: the word lies in the guest's stack, which is mapped (checked just now).
        unsafe { (address as *const u64).read_unaligned() }
    }
}

/// Visits all calls of the guest that are active, innermost first: follows the frame pointers from `fp` to the guest's entry, then
/// goes on with the activation before it. Safe in signal handlers if `visit` is.
pub(crate) fn visit_calls(vm: &VMStore, mut fp: usize, mut visit: impl FnMut(&ActiveCall<'_>)) {
    // SAFETY: the code map belongs to the store and is not changed while guest code is active on this thread.
    let Some(code) = (unsafe { vm.code.load(Ordering::Relaxed).as_ref() }) else {
        return;
    };
    let stack = vm.guard.get().1..vm.stack_top.get();
    let mut activation = vm.activation.get();
    loop {
        while stack.contains(&fp) && fp.is_multiple_of(8) && stack.contains(&(fp + 15)) {
            // SAFETY: both words lie in the guest's stack, which is mapped (checked just now).
            let (frame, return_address) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
            let Some((code, offset)) = code.find(return_address) else {
                break;
            };
            visit(&ActiveCall {
                code,
                offset,
                #[cfg(feature = "backtrace")]
                return_address,
                frame,
                stack: stack.clone(),
            });
            if frame <= fp {
                break;
            }
            fp = frame;
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
