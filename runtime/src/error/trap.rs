//! The end of a guest by a trap.
//!
//! Input: a trap code, a detail, a backtrace. Output: an error with its wording. Must not hold: the cause of the trap.

use std::fmt;

use wrun_artifact::TrapCode;

use super::Backtrace;

/// A trap: the guest made an error, or its deadline passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trap {
    code: TrapCode,
    detail: Option<String>,
    backtrace: Option<Box<Backtrace>>,
}

impl Trap {
    /// Makes a trap for a host function to return. The runtime adds the backtrace.
    pub fn new(code: TrapCode) -> Self {
        Self {
            code,
            detail: None,
            backtrace: None,
        }
    }

    /// Makes a trap with more detail than its reason.
    pub fn with_detail(code: TrapCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: Some(detail.into()),
            backtrace: None,
        }
    }

    /// Returns the reason.
    pub fn code(&self) -> TrapCode {
        self.code
    }

    /// Returns the active functions, innermost first. The list is empty if no function of a guest was running.
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

    pub(crate) fn with_backtrace(mut self, backtrace: Backtrace) -> Self {
        self.backtrace = Some(Box::new(backtrace));
        self
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
