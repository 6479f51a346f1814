//! Finds the guest's active calls by following frame pointers, and records their addresses for backtraces.
//!
//! Input: a store, a frame pointer. Output: calls and addresses. Must not hold: allocation, since signal handlers do this too.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;

use wrun_artifact::TrapCode;

use crate::vm::{Activation, CodeRange, VMStore};

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

/// Records the place where the guest has called the host.
pub(crate) fn record_exit(vm: &VMStore) {
    vm.trace.clear();
    #[cfg(feature = "backtrace")]
    walk(vm, vm.exit_fp.get());
}

/// Adds the functions with an active call to the trace, innermost first.
#[cfg(feature = "backtrace")]
fn walk(vm: &VMStore, fp: usize) {
    visit_calls(vm, fp, |call| push(vm, call));
}

/// Adds a call to the trace if a function makes it, and not a trampoline.
#[cfg(feature = "backtrace")]
fn push(vm: &VMStore, call: &ActiveCall<'_>) {
    if call.code.is_function(call.offset.saturating_sub(1)) {
        vm.trace.addresses().push(call.return_address);
    }
}

/// Records the calls that an exception left (return addresses, innermost first). With `outer`, also records the calls of the
/// activations around this one.
#[cfg(feature = "backtrace")]
pub(super) fn record_exception(vm: &VMStore, calls: &[usize], outer: bool) {
    vm.trace.clear();
    // SAFETY: the code map belongs to the store and is not changed while guest code is active on this thread.
    let code = unsafe { vm.code.load(Ordering::Relaxed).as_ref() };
    for address in calls {
        let found = code.and_then(|code| code.find(*address));
        if found.is_some_and(|(code, offset)| code.is_function(offset.saturating_sub(1))) {
            vm.trace.addresses().push(*address);
        }
    }
    // SAFETY: activations lie in frames of `call_guest` that are active.
    if let Some(activation) = unsafe { vm.activation.get().as_ref() }.filter(|_| outer) {
        let _ = visit_from(vm, activation.previous, activation.previous_exit_fp, |call| {
            push(vm, call);
            ControlFlow::<()>::Continue(())
        });
    }
}

/// An active call that code of the guest makes.
pub(crate) struct ActiveCall<'a> {
    /// The code that makes the call.
    pub(crate) code: &'a CodeRange,
    /// Offset in the text to which the call returns.
    pub(crate) offset: u32,
    return_address: usize,
    /// Frame pointer of the function that makes the call.
    frame: usize,
    stack: Range<usize>,
}

impl ActiveCall<'_> {
    /// Returns the address to which the call returns.
    pub(crate) fn return_address(&self) -> usize {
        self.return_address
    }

    /// Returns the frame pointer of the function that makes the call.
    pub(crate) fn frame(&self) -> usize {
        self.frame
    }

    /// Returns the word that lies `distance` bytes below the frame pointer of the function that makes the call. Returns 0 if the
    /// word lies outside the guest's stack.
    pub(crate) fn slot(&self, distance: u32) -> u64 {
        let address = self.frame.wrapping_sub(distance as usize);
        if !self.stack.contains(&address) || !self.stack.contains(&address.wrapping_add(7)) {
            return 0;
        }
        // SAFETY: the word lies in the guest's stack, which is mapped (checked just now).
        unsafe { (address as *const u64).read_unaligned() }
    }
}

/// Visits all active calls of the guest, innermost first. Follows the frame pointers from `fp` to the guest's entry, then
/// continues with the activation before it. Safe in signal handlers if `visit` is.
pub(crate) fn visit_calls(vm: &VMStore, fp: usize, mut visit: impl FnMut(&ActiveCall<'_>)) {
    let _ = visit_from(vm, vm.activation.get(), fp, |call| {
        visit(call);
        ControlFlow::<()>::Continue(())
    });
}

/// Visits the calls of the innermost activation from the frame `fp` on, innermost first. Stops when `visit` breaks, and returns
/// its value.
pub(crate) fn visit_activation<B>(
    vm: &VMStore,
    fp: usize,
    visit: impl FnMut(&ActiveCall<'_>) -> ControlFlow<B>,
) -> Option<B> {
    visit_frames(vm, fp, visit).break_value()
}

/// Visits the calls of this activation and of those before it.
fn visit_from<B>(
    vm: &VMStore,
    mut activation: *const Activation,
    mut fp: usize,
    mut visit: impl FnMut(&ActiveCall<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    // SAFETY: activations lie in frames of `call_guest` that are active.
    while let Some(at) = unsafe { activation.as_ref() } {
        visit_frames(vm, fp, &mut visit)?;
        (activation, fp) = (at.previous, at.previous_exit_fp);
    }
    ControlFlow::Continue(())
}

/// Visits the calls of one activation.
fn visit_frames<B>(
    vm: &VMStore,
    mut fp: usize,
    mut visit: impl FnMut(&ActiveCall<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    // SAFETY: the code map belongs to the store and is not changed while guest code is active on this thread.
    let Some(code) = (unsafe { vm.code.load(Ordering::Relaxed).as_ref() }) else {
        return ControlFlow::Continue(());
    };
    let stack = vm.guard.get().1..vm.stack_top.get();
    while stack.contains(&fp) && fp.is_multiple_of(8) && stack.contains(&(fp + 15)) {
        // SAFETY: both words lie in the guest's stack, which is mapped (checked just now).
        let (frame, return_address) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
        let Some((code, offset)) = code.find(return_address) else {
            break;
        };
        visit(&ActiveCall {
            code,
            offset,
            return_address,
            frame,
            stack: stack.clone(),
        })?;
        if frame <= fp {
            break;
        }
        fp = frame;
    }
    ControlFlow::Continue(())
}
