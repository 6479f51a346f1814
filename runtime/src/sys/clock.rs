//! Clocks: CPU time of the process, and the time that profilers use.
//!
//! Input: none. Output: times. Must not hold: timers.

use std::time::Duration;

/// Returns the CPU time that all threads of this process have used (`clock_gettime(2)`, `CLOCK_PROCESS_CPUTIME_ID`).
pub(crate) fn process_cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}

/// Returns the nanoseconds of the clock that never goes back (`CLOCK_MONOTONIC`).
pub(crate) fn monotonic_nanoseconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let [seconds, nanoseconds] = [now.tv_sec, now.tv_nsec].map(|part| u64::try_from(part).unwrap_or_default());
    seconds * 1_000_000_000 + nanoseconds
}
