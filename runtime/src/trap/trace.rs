//! Records the addresses of a backtrace by following frame pointers. Allocates nothing: signal handlers do this too.

use std::sync::atomic::Ordering;

use wrun_artifact::TrapCode;

use crate::vm::VMStore;

/// Records a stop at an instruction of the guest. Safe in signal handlers.
pub(super) fn record_fault(vm: &VMStore, reason: Option<TrapCode>, pc: usize, fp: usize) {
    vm.trace.start(reason, pc);
    walk(vm, fp);
}

/// Records where the guest has left for the host.
pub(crate) fn record_exit(vm: &VMStore) {
    vm.trace.clear();
    walk(vm, vm.exit_fp.get());
}

/// Follows the frame pointers from `fp` to the guest's entry, then goes on with the activation before it.
fn walk(vm: &VMStore, mut fp: usize) {
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
                vm.trace.push(return_address);
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
