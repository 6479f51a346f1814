//! `clock_*`: the four clocks, read without a system call where the kernel offers that.

use rustix::time::{ClockId, Timespec};

use crate::ctx::WasiCtx;
use crate::memory;
use crate::types::{Errno, Result};

/// The realtime clock's `clockid`.
pub(crate) const REALTIME: u32 = 0;
/// The monotonic clock's `clockid`.
pub(crate) const MONOTONIC: u32 = 1;

/// Writes the resolution of a clock.
pub(crate) fn clock_res_get(_: &mut WasiCtx, memory: &mut [u8], id: u32, resolution: u32) -> Result {
    let value = rustix::time::clock_getres(clock(id)?);
    memory::write_u64(memory, resolution, nanoseconds(value)?)
}

/// Writes the time of a clock. Every clock is as precise as it can be, whatever was asked for.
#[inline]
pub(crate) fn clock_time_get(_: &mut WasiCtx, memory: &mut [u8], id: u32, _precision: u64, time: u32) -> Result {
    let value = rustix::time::clock_gettime(clock(id)?);
    memory::write_u64(memory, time, nanoseconds(value)?)
}

#[inline]
fn clock(id: u32) -> Result<ClockId> {
    match id {
        REALTIME => Ok(ClockId::Realtime),
        MONOTONIC => Ok(ClockId::Monotonic),
        2 => Ok(ClockId::ProcessCPUTime),
        3 => Ok(ClockId::ThreadCPUTime),
        _ => Err(Errno::INVAL),
    }
}

/// A time in nanoseconds; `OVERFLOW` before 1970 and after 2554.
#[inline]
pub(crate) fn nanoseconds(time: Timespec) -> Result<u64> {
    u64::try_from(time.tv_sec)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000_000))
        .and_then(|time_ns| time_ns.checked_add(time.tv_nsec as u64))
        .ok_or(Errno::OVERFLOW)
}

/// The host's form of a time in nanoseconds.
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

    fn time(id: u32) -> Result<u64> {
        let mut memory = vec![0; 16];
        clock_time_get(&mut WasiCtx::builder().build().unwrap(), &mut memory, id, 0, 8)?;
        Ok(memory::u64_at(&memory, 8))
    }

    #[test]
    fn clocks_run_and_unknown_ones_are_refused() {
        for id in 0..4 {
            let first = time(id).unwrap();
            assert!(time(id).unwrap() >= first);
        }
        assert!(time(REALTIME).unwrap() > 1_700_000_000_000_000_000);
        assert_eq!(time(4), Err(Errno::INVAL));
        assert_eq!(time(u32::MAX), Err(Errno::INVAL));
    }

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

    #[test]
    fn a_result_outside_of_the_memory_is_a_fault() {
        let mut ctx = WasiCtx::builder().build().unwrap();
        assert_eq!(clock_time_get(&mut ctx, &mut [0; 8], 0, 0, 1), Err(Errno::FAULT));
        assert_eq!(clock_res_get(&mut ctx, &mut [0; 8], 0, 1), Err(Errno::FAULT));
    }
}
