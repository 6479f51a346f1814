//! From a fault, an explicit trap or an expired deadline to a [`Trap`] with a wasm backtrace.
//!
//! May not enter: exit codes, text for terminals.
//!
//! # Safety
//! The files of this room may use `unsafe`: they look at the stack of interrupted code from inside a signal handler. Every
//! address is checked to lie in the guest's stack before it is read.
#![allow(unsafe_code, reason = "reads the stack of interrupted code")]

mod backtrace;
#[cfg(feature = "backtrace")]
mod demangle;
mod handler;
#[cfg(feature = "backtrace")]
mod source;
mod trace;

use std::fmt;

pub use backtrace::{Backtrace, Frame, Location};
pub(crate) use handler::{CodeMap, Reservations, install, set_active};
pub(crate) use trace::RawTrace;
use wrun_artifact::TrapCode;

use crate::error::Error;

/// The end of a guest by its own fault or by an expired deadline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trap {
    code: TrapCode,
    detail: Option<String>,
    backtrace: Option<Box<Backtrace>>,
}

impl Trap {
    /// A trap for a host function to return. Where it happened is added on its way.
    pub fn new(code: TrapCode) -> Self {
        Self {
            code,
            detail: None,
            backtrace: None,
        }
    }

    /// A trap that says more than its reason.
    pub fn with_detail(code: TrapCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: Some(detail.into()),
            backtrace: None,
        }
    }

    /// The reason.
    pub fn code(&self) -> TrapCode {
        self.code
    }

    /// Where it happened, innermost function first. Empty when no guest function was running.
    pub fn backtrace(&self) -> &Backtrace {
        self.backtrace.as_deref().unwrap_or(Backtrace::EMPTY)
    }

    pub(crate) fn without_trace(code: TrapCode) -> Self {
        Self {
            code,
            detail: None,
            backtrace: Some(Box::default()),
        }
    }

    pub(crate) fn needs_trace(&self) -> bool {
        self.backtrace.is_none()
    }

    pub(crate) fn with_trace(mut self, trace: &RawTrace, code: Option<&CodeMap>) -> Self {
        self.backtrace = Some(Box::new(Backtrace::new(trace, code)));
        self
    }

    /// What the signal handler has left in `trace`.
    pub(crate) fn from_trace(trace: &RawTrace, code: Option<&CodeMap>) -> Error {
        match trace.code() {
            Some(reason) => Error::Trap(Self::new(reason).with_trace(trace, code)),
            None => Error::BadCode(Backtrace::new(trace, code).frames().first().map(Frame::place)),
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Trap {}
