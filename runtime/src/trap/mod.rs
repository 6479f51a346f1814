//! Makes a [`Trap`] with a wasm backtrace.
//!
//! Input: a fault, an explicit trap or an expired deadline. Output: a trap. Must not hold: exit statuses, text for terminals.
//!
//! # Safety
//! The files of this room may use `unsafe`: they read the stack of interrupted code inside a signal handler. Every address is
//! checked to lie in the guest's stack before it is read.
#![allow(unsafe_code, reason = "reads the stack of interrupted code")]

#[cfg(feature = "backtrace")]
mod backtrace;
mod deadline;
#[cfg(feature = "backtrace")]
mod demangle;
mod handler;
#[cfg(feature = "backtrace")]
mod source;
mod trace;

use std::sync::atomic::Ordering;

use crate::error::{Backtrace, Error, Trap};
use crate::vm::{CodeMap, RawTrace, VMStore};
#[cfg(feature = "backtrace")]
use backtrace::collect;
pub(crate) use handler::{enter, install, leave};
#[cfg(feature = "backtrace")]
pub(crate) use source::SourceLines;
pub(crate) use trace::{record_exit, visit_activation, visit_calls};

/// Replaces the reader of DWARF if the feature `backtrace` is off.
#[cfg(not(feature = "backtrace"))]
pub(crate) struct SourceLines(std::convert::Infallible);

#[cfg(not(feature = "backtrace"))]
impl SourceLines {
    /// Returns `None`: there are no source lines.
    pub(crate) fn new(_artifact: &wrun_artifact::elf::Artifact<'_>) -> Option<Self> {
        None
    }

    /// Never called.
    pub(crate) fn find(&self, _offset: u32) -> Option<(&str, u32)> {
        match self.0 {}
    }
}

/// Adds the backtrace of `trace` to a trap that has none.
pub(crate) fn with_trace(trap: Trap, trace: &RawTrace, code: Option<&CodeMap>) -> Trap {
    trap.with_backtrace(collect(trace, code))
}

/// Returns the backtrace of an exception that left these calls (return addresses, innermost first). With `outer`, the calls of
/// the activations around this one follow.
#[cfg_attr(not(feature = "backtrace"), expect(unused_variables, reason = "nothing is recorded"))]
pub(crate) fn thrown_at(vm: &VMStore, calls: &[usize], outer: bool) -> Backtrace {
    #[cfg(feature = "backtrace")]
    trace::record_exception(vm, calls, outer);
    // SAFETY: the code map belongs to the store and is replaced only while no guest runs.
    collect(&vm.trace, unsafe { vm.code.load(Ordering::Relaxed).as_ref() })
}

/// Returns the error that the signal handler has recorded in `trace`.
pub(crate) fn failure(trace: &RawTrace, code: Option<&CodeMap>) -> Error {
    match trace.code() {
        Some(reason) => Error::Trap(with_trace(Trap::new(reason), trace, code)),
        None => Error::BadCode(collect(trace, code).frames().first().map(|frame| frame.place())),
    }
}

/// Replaces the lookup of names if the feature `backtrace` is off: nothing was recorded.
#[cfg(not(feature = "backtrace"))]
fn collect(_trace: &RawTrace, _code: Option<&CodeMap>) -> Backtrace {
    Backtrace::default()
}
