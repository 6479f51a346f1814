//! `fd_read`, `fd_write`, `fd_pread`, `fd_pwrite`, `fd_seek` and `fd_tell`: transfers between guest memory and the kernel, and
//! the position of a file. A transfer may end with a short count, as the kernel returns it.

use rustix::fs::SeekFrom;

use crate::host::{WasiCtx, stream};
use crate::preview1::{Version, iovec, memory};
use crate::types::{Errno, Result};

/// Reads from the position of a file.
#[inline]
pub(crate) fn fd_read(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, iovs: u32, iovs_len: u32, nread: u32) -> Result {
    let file = ctx.table.readable(fd)?;
    memory::check(memory, nread, 4)?;
    let bytes = iovec::scatter(memory, iovs, iovs_len, |target| stream::read(file, target))?;
    memory::write_u32(memory, nread, iovec::count(bytes)?)
}

/// Reads at an offset of a file, without changing its position.
pub(crate) fn fd_pread(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nread: u32,
) -> Result {
    let file = ctx.table.readable(fd)?;
    stream::check_offset(offset)?;
    memory::check(memory, nread, 4)?;
    let bytes = iovec::scatter(memory, iovs, iovs_len, |target| stream::read_at(file, target, offset))?;
    memory::write_u32(memory, nread, iovec::count(bytes)?)
}

/// Writes at the position of a file, or at its end in append mode.
#[inline]
pub(crate) fn fd_write(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    nwritten: u32,
) -> Result {
    let file = ctx.table.file(fd)?;
    memory::check(memory, nwritten, 4)?;
    let bytes = iovec::gather(memory, iovs, iovs_len, |source| stream::write(file, source))?;
    memory::write_u32(memory, nwritten, iovec::count(bytes)?)
}

/// Writes at an offset of a file, without changing its position. As always on Linux, append mode takes precedence over the
/// offset.
pub(crate) fn fd_pwrite(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nwritten: u32,
) -> Result {
    let file = ctx.table.file(fd)?;
    stream::check_offset(offset)?;
    memory::check(memory, nwritten, 4)?;
    let bytes = iovec::gather(memory, iovs, iovs_len, |source| stream::write_at(file, source, offset))?;
    memory::write_u32(memory, nwritten, iovec::count(bytes)?)
}

/// Moves the position of a file, and writes the new one.
pub(crate) fn fd_seek(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    version: Version,
    fd: u32,
    offset: i64,
    whence: u32,
    newoffset: u32,
) -> Result {
    let file = ctx.table.file(fd)?;
    memory::check(memory, newoffset, 8)?;
    let position = stream::seek(file, from(version, whence, offset)?)?;
    memory::write_u64(memory, newoffset, position)
}

/// Writes the position of a file.
pub(crate) fn fd_tell(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, offset: u32) -> Result {
    let position = stream::tell(ctx.table.file(fd)?)?;
    memory::write_u64(memory, offset, position)
}

/// Interprets `whence`. Its values differ between preview0 and preview1.
fn from(version: Version, whence: u32, offset: i64) -> Result<SeekFrom> {
    let set = || u64::try_from(offset).map(SeekFrom::Start).map_err(|_| Errno::INVAL);
    match (version, whence) {
        (Version::Preview1, 0) | (Version::Preview0, 2) => set(),
        (Version::Preview1, 1) | (Version::Preview0, 0) => Ok(SeekFrom::Current(offset)),
        (Version::Preview1, 2) | (Version::Preview0, 1) => Ok(SeekFrom::End(offset)),
        _ => Err(Errno::INVAL),
    }
}

#[cfg(test)]
mod tests;
