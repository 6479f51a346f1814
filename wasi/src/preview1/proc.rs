//! `proc_*` and `sched_*`: the end of the program, and yielding to other threads. An exit is an error that passes through the
//! runtime to the caller of the guest. No function here ends the process.

use std::fmt;

use crate::host::WasiCtx;
use crate::types::{Errno, Result};

/// Exit of the guest, with the full 32-bit status. The host decides how to report it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit(pub u32);

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the guest exited with status {}", self.0)
    }
}

impl std::error::Error for Exit {}

/// Ends the program with a status.
pub(crate) fn proc_exit(status: u32) -> Exit {
    Exit(status)
}

/// Refuses to raise a signal. Guests have no signal handlers, and a guest must not signal the process of the host.
pub(crate) fn proc_raise(_: &mut WasiCtx, _: &mut [u8], _signal: u32) -> Result {
    Err(Errno::NOTSUP)
}

/// Lets other threads of the host run.
pub(crate) fn sched_yield(_: &mut WasiCtx, _: &mut [u8]) -> Result {
    rustix::thread::sched_yield();
    Ok(())
}
