//! The exit statuses of wrun and the one place that ends the process.
//!
//! Nothing is printed here.

/// The result of a session. The exit statuses are those that shells and coreutils use for the same cases, and they are stable.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    /// The guest returned from `_start`, an invoked function returned, or help was printed: 0.
    Success,
    /// The guest's own status from `proc_exit`: 0 to 255 unchanged. A larger one keeps its low 8 bits, as for a native
    /// program.
    Guest(u32),
    /// The deadline of `--epoch-timeout` passed: 124, as from `timeout`.
    Deadline,
    /// wrun failed, wrong usage included: 125.
    Failure,
    /// The module cannot be run because it is not wasm, invalid, unsupported or unreadable, or because imports are missing:
    /// 126.
    CannotRun,
    /// There is no file of this name: 127.
    NotFound,
    /// The guest trapped: 134, what a shell shows for a program that aborted.
    Trap,
}

impl Status {
    /// Returns the exit status that the parent process sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Guest(status) => status.to_le_bytes()[0],
            Self::Deadline => 124,
            Self::Failure => 125,
            Self::CannotRun => 126,
            Self::NotFound => 127,
            Self::Trap => 134,
        }
    }
}

/// Ends the process.
#[allow(clippy::disallowed_methods, reason = "this is the one place that ends the process")]
pub(crate) fn exit(status: Status) -> ! {
    std::process::exit(status.code().into())
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn a_guest_status_keeps_its_low_eight_bits() {
        for (given, seen) in [
            (0, 0),
            (1, 1),
            (126, 126),
            (255, 255),
            (256, 0),
            (0x1_07, 7),
            (u32::MAX, 255),
        ] {
            assert_eq!(Status::Guest(given).code(), seen, "{given}");
        }
    }
}
