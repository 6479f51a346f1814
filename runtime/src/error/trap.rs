//! The end of a guest by a trap.

use std::fmt;

use wrun_artifact::TrapCode;

use super::Backtrace;

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

    /// The functions that were active, innermost first. Empty when no guest function was running.
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
