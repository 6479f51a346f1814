//! Finds the guest's active calls by following frame pointers, and records their addresses for backtraces. Allocates nothing: signal
//! handlers do this too.

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

/// Records where the guest has left for the host.
pub(crate) fn record_exit(vm: &VMStore) {
    vm.trace.clear();
    #[cfg(feature = "backtrace")]
    walk(vm, vm.exit_fp.get());
}

/// Adds the functions that are in a call to the trace, innermost first.
#[cfg(feature = "backtrace")]
fn walk(vm: &VMStore, fp: usize) {
    visit_calls(vm, fp, |call| push(vm, call));
}

/// Adds a call to the trace, if a function makes it.
#[cfg(feature = "backtrace")]
fn push(vm: &VMStore, call: &ActiveCall<'_>) {
    if call.code.is_function(call.offset.saturating_sub(1)) {
        vm.trace.addresses().push(call.return_address);
    }
}

/// Records the calls that an exception went through (their return addresses, innermost first) and, with `outer`, the calls that the
/// guest was in when it was entered once more.
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

/// A call that code of the guest makes and that has not returned.
pub(crate) struct ActiveCall<'a> {
    /// The code that makes the call.
    pub(crate) code: &'a CodeRange,
    /// Offset in the text that the call returns to.
    pub(crate) offset: u32,
    return_address: usize,
    /// The frame pointer of the function that makes the call.
    frame: usize,
    stack: Range<usize>,
}

impl ActiveCall<'_> {
    /// The address that the call returns to.
    pub(crate) fn return_address(&self) -> usize {
        self.return_address
    }

    /// The frame pointer of the function that makes the call.
    pub(crate) fn frame(&self) -> usize {
        self.frame
    }

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
pub(crate) fn visit_calls(vm: &VMStore, fp: usize, mut visit: impl FnMut(&ActiveCall<'_>)) {
    let _ = visit_from(vm, vm.activation.get(), fp, |call| {
        visit(call);
        ControlFlow::<()>::Continue(())
    });
}

/// Visits the calls of the innermost activation, innermost first, from the frame `fp` on, until `visit` breaks off: gives what it
/// breaks with.
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
