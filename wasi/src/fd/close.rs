//! `fd_close` and `fd_renumber`: the table itself. Granted directories and the standard streams may be closed like others;
//! the process's own streams stay open.

use crate::ctx::WasiCtx;
use crate::types::Result;

/// Closes a descriptor.
pub(crate) fn fd_close(ctx: &mut WasiCtx, _: &mut [u8], fd: u32) -> Result {
    ctx.table.remove(fd).map(drop)
}

/// Moves a descriptor to the number of another one, which is closed.
pub(crate) fn fd_renumber(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, to: u32) -> Result {
    ctx.table.renumber(fd, to)
}
