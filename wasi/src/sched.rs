//! `sched_yield`.

use crate::ctx::WasiCtx;
use crate::types::Result;

/// Lets others run.
pub(crate) fn sched_yield(_: &mut WasiCtx, _: &mut [u8]) -> Result {
    rustix::thread::sched_yield();
    Ok(())
}
