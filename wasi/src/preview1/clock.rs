//! `clock_*`: the four clocks.

use rustix::time::ClockId;

use super::memory;
use crate::host::{WasiCtx, clock};
use crate::types::{Errno, Result};

/// `clockid` of the realtime clock.
pub(crate) const REALTIME: u32 = 0;
/// `clockid` of the monotonic clock.
pub(crate) const MONOTONIC: u32 = 1;

/// Writes the resolution of a clock in nanoseconds.
pub(crate) fn clock_res_get(_: &mut WasiCtx, memory: &mut [u8], id: u32, resolution: u32) -> Result {
    memory::write_u64(memory, resolution, clock::resolution(clock(id)?)?)
}

/// Writes the time of a clock in nanoseconds. The requested precision is ignored: each clock has its full precision.
#[inline]
pub(crate) fn clock_time_get(_: &mut WasiCtx, memory: &mut [u8], id: u32, _precision: u64, time: u32) -> Result {
    memory::write_u64(memory, time, clock::now(clock(id)?)?)
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
    fn a_result_outside_of_the_memory_is_a_fault() {
        let mut ctx = WasiCtx::builder().build().unwrap();
        assert_eq!(clock_time_get(&mut ctx, &mut [0; 8], 0, 0, 1), Err(Errno::FAULT));
        assert_eq!(clock_res_get(&mut ctx, &mut [0; 8], 0, 1), Err(Errno::FAULT));
    }
}
