//! Reads the clocks of the host, without a system call where the kernel offers that.

use rustix::time::{ClockId, Timespec};

use crate::types::{Errno, Result};

/// Returns the time of a clock in nanoseconds.
///
/// # Errors
///
/// `OVERFLOW` before 1970 and after 2554.
#[inline]
pub(crate) fn now(clock: ClockId) -> Result<u64> {
    nanoseconds(rustix::time::clock_gettime(clock))
}

/// Returns the resolution of a clock in nanoseconds.
pub(crate) fn resolution(clock: ClockId) -> Result<u64> {
    nanoseconds(rustix::time::clock_getres(clock))
}

#[inline]
fn nanoseconds(time: Timespec) -> Result<u64> {
    u64::try_from(time.tv_sec)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000_000))
        .and_then(|time_ns| time_ns.checked_add(time.tv_nsec as u64))
        .ok_or(Errno::OVERFLOW)
}

/// Converts a time in nanoseconds to the host's form.
pub(crate) fn timespec(nanoseconds: u64) -> Timespec {
    // Both parts are small enough for any type that the host may use.
    Timespec {
        tv_sec: (nanoseconds / 1_000_000_000) as i64,
        tv_nsec: (nanoseconds % 1_000_000_000) as _,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_does_not_fit_is_an_overflow() {
        assert_eq!(nanoseconds(Timespec { tv_sec: -1, tv_nsec: 0 }), Err(Errno::OVERFLOW));
        assert_eq!(
            nanoseconds(Timespec {
                tv_sec: 18_446_744_074,
                tv_nsec: 0
            }),
            Err(Errno::OVERFLOW)
        );
        assert_eq!(nanoseconds(timespec(u64::MAX)), Ok(u64::MAX));
    }
}
