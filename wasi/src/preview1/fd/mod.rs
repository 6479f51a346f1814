//! `fd_*`: functions on descriptors that are open. Bytes and positions are in `io`, facts and flags in `stat`, directories in
//! `dir`; here are the table and the storage. No path is looked at.
//!
//! Granted directories and the standard streams may be closed like others; the process's own streams stay open.

pub(crate) mod dir;
pub(crate) mod io;
pub(crate) mod stat;

use rustix::fs::Advice;

use crate::host::{WasiCtx, storage};
use crate::types::{Errno, Result};

/// Closes a descriptor.
pub(crate) fn fd_close(ctx: &mut WasiCtx, _: &mut [u8], fd: u32) -> Result {
    ctx.table.remove(fd).map(drop)
}

/// Moves a descriptor to the number of another one, which is closed.
pub(crate) fn fd_renumber(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, to: u32) -> Result {
    ctx.table.renumber(fd, to)
}

/// Announces how a range of a file will be used. A length of zero means to the end.
pub(crate) fn fd_advise(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, offset: u64, len: u64, advice: u32) -> Result {
    let advice = match advice {
        0 => Advice::Normal,
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => return Err(Errno::INVAL),
    };
    storage::advise(ctx.table.file(fd)?, offset, len, advice)
}

/// Makes sure that a range of a file has storage.
pub(crate) fn fd_allocate(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, offset: u64, len: u64) -> Result {
    storage::allocate(ctx.table.file(fd)?, offset, len)
}

/// Brings the contents of a file to the device.
pub(crate) fn fd_datasync(ctx: &mut WasiCtx, _: &mut [u8], fd: u32) -> Result {
    storage::sync_data(ctx.table.get(fd)?)
}

/// Brings the contents of a file and the facts about it to the device.
pub(crate) fn fd_sync(ctx: &mut WasiCtx, _: &mut [u8], fd: u32) -> Result {
    storage::sync(ctx.table.get(fd)?)
}
