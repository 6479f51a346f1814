//! `fd_advise`, `fd_allocate`, `fd_datasync` and `fd_sync`: what a guest says about the storage of a file.

use std::num::NonZeroU64;

use rustix::fs::{Advice, FallocateFlags};

use crate::ctx::WasiCtx;
use crate::types::{Errno, Result};

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
    let file = ctx.table.file(fd)?;
    if i64::try_from(offset).is_err() || i64::try_from(len).is_err() {
        return Err(Errno::INVAL);
    }
    Ok(rustix::fs::fadvise(file.fd(), offset, NonZeroU64::new(len), advice)?)
}

/// Makes sure that a range of a file has storage.
pub(crate) fn fd_allocate(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, offset: u64, len: u64) -> Result {
    let file = ctx.table.file(fd)?;
    file.access.check_write()?;
    if len == 0 {
        return Err(Errno::INVAL);
    }
    let end = offset.checked_add(len).ok_or(Errno::FBIG)?;
    i64::try_from(end).map_err(|_| Errno::FBIG)?;
    Ok(rustix::fs::fallocate(file.fd(), FallocateFlags::empty(), offset, len)?)
}

/// Brings the contents of a file to the storage.
pub(crate) fn fd_datasync(ctx: &mut WasiCtx, _: &mut [u8], fd: u32) -> Result {
    Ok(rustix::fs::fdatasync(ctx.table.get(fd)?.fd())?)
}

/// Brings the contents of a file and all that is known of it to the storage.
pub(crate) fn fd_sync(ctx: &mut WasiCtx, _: &mut [u8], fd: u32) -> Result {
    Ok(rustix::fs::fsync(ctx.table.get(fd)?.fd())?)
}
