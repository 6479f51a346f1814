//! `fd_*`: functions on open descriptors. `io` has transfers and positions, `stat` has attributes and flags, `dir` has
//! directories, and this file has the table and the storage. No function here takes a path.
//!
//! The guest may close granted directories and standard streams like others. The streams of the process itself stay open.

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

/// Allocates storage for a range of a file.
pub(crate) fn fd_allocate(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, offset: u64, len: u64) -> Result {
    storage::allocate(ctx.table.file(fd)?, offset, len)
}

/// Writes the contents of a file to the device.
pub(crate) fn fd_datasync(ctx: &mut WasiCtx, _: &mut [u8], fd: u32) -> Result {
    storage::sync_data(ctx.table.get(fd)?)
}

/// Writes the contents and the attributes of a file to the device.
pub(crate) fn fd_sync(ctx: &mut WasiCtx, _: &mut [u8], fd: u32) -> Result {
    storage::sync(ctx.table.get(fd)?)
}
