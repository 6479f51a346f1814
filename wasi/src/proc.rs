//! `proc_*`: the end of the program. The exit itself is an error that travels through the runtime to the caller of the
//! guest; nothing here ends the process.

use std::fmt;

use crate::ctx::WasiCtx;
use crate::types::{Errno, Result};

/// The guest ended itself with a status, in full; the host decides what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit(pub u32);

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the guest exited with status {}", self.0)
    }
}

impl std::error::Error for Exit {}

/// The end of the program with a status.
pub(crate) fn proc_exit(status: u32) -> Exit {
    Exit(status)
}

/// Guests have no signals, and one for the host's process would not be the guest's to send.
pub(crate) fn proc_raise(_: &mut WasiCtx, _: &mut [u8], _signal: u32) -> Result {
    Err(Errno::NOTSUP)
}
