//! `fd_read`, `fd_write`, `fd_pread` and `fd_pwrite`: bytes between guest memory and the kernel, in one system call each,
//! without a copy, an allocation or a lock. A short count is legal and is what the kernel gave.
//!
//! A shared stream or socket that the guest made non-blocking is asked before it is used, since its own flag is not the
//! guest's.

use rustix::event::{PollFd, PollFlags};
use rustix::io::ReadWriteFlags;
use rustix::time::Timespec;
use std::io::IoSlice;

use crate::ctx::WasiCtx;
use crate::iovec::{self, Source, Target};
use crate::memory;
use crate::table::{Descriptor, File};
use crate::types::{Errno, Result};

/// So many bytes fit into any stream that says that it can be written to.
const PIPE_BUF: usize = 4096;

/// Reads from the position of a file.
#[inline]
pub(crate) fn fd_read(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, iovs: u32, iovs_len: u32, nread: u32) -> Result {
    let file = readable(ctx, fd)?;
    memory::check(memory, nread, 4)?;
    let bytes = iovec::scatter(memory, iovs, iovs_len, |target| {
        if file.nonblock {
            ask(file, PollFlags::IN)?;
        }
        Ok(match target {
            Target::One(bytes) => rustix::io::read(file.fd(), bytes)?,
            Target::Many(slices) => rustix::io::readv(file.fd(), slices)?,
        })
    })?;
    memory::write_u32(memory, nread, iovec::count(bytes)?)
}

/// Reads from a place of a file, and leaves its position.
pub(crate) fn fd_pread(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nread: u32,
) -> Result {
    let file = readable(ctx, fd)?;
    check_offset(offset)?;
    memory::check(memory, nread, 4)?;
    let bytes = iovec::scatter(memory, iovs, iovs_len, |target| {
        Ok(match target {
            Target::One(bytes) => rustix::io::pread(file.fd(), bytes, offset)?,
            Target::Many(slices) => rustix::io::preadv(file.fd(), slices, offset)?,
        })
    })?;
    memory::write_u32(memory, nread, iovec::count(bytes)?)
}

/// Writes at the position of a file, or at its end when it is in append mode.
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
    let bytes = iovec::gather(memory, iovs, iovs_len, |source| {
        if file.nonblock || file.append {
            return write_emulated(file, &source);
        }
        Ok(match source {
            Source::One(bytes) => rustix::io::write(file.fd(), bytes)?,
            Source::Many(slices) => rustix::io::writev(file.fd(), slices)?,
        })
    })?;
    memory::write_u32(memory, nwritten, iovec::count(bytes)?)
}

/// Writes at a place of a file, and leaves its position. As always on Linux, append mode wins over the place.
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
    check_offset(offset)?;
    memory::check(memory, nwritten, 4)?;
    let bytes = iovec::gather(memory, iovs, iovs_len, |source| {
        Ok(match source {
            Source::One(bytes) => rustix::io::pwrite(file.fd(), bytes, offset)?,
            Source::Many(slices) => rustix::io::pwritev(file.fd(), slices, offset)?,
        })
    })?;
    memory::write_u32(memory, nwritten, iovec::count(bytes)?)
}

fn readable(ctx: &WasiCtx, fd: u32) -> Result<&File> {
    match ctx.table.get(fd)? {
        Descriptor::File(file) if file.readable => Ok(file),
        Descriptor::File(_) => Err(Errno::BADF),
        Descriptor::Dir(_) => Err(Errno::ISDIR),
    }
}

fn check_offset(offset: u64) -> Result {
    i64::try_from(offset).map(drop).map_err(|_| Errno::INVAL)
}

/// `AGAIN` unless the stream can be used without waiting.
pub(crate) fn ask(file: &File, flags: PollFlags) -> Result {
    let mut fds = [PollFd::from_borrowed_fd(file.fd(), flags)];
    match rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? {
        0 => Err(Errno::AGAIN),
        _ => Ok(()),
    }
}

/// A write to a shared stream with flags that only the guest has. Few enough bytes are written not to block.
#[cold]
fn write_emulated(file: &File, source: &Source<'_, '_>) -> Result<usize> {
    let first: &[u8] = match source {
        Source::One(bytes) => bytes,
        Source::Many(slices) => slices.first().map_or(&[], |slice| slice),
    };
    let mut bytes = first;
    if file.nonblock {
        ask(file, PollFlags::OUT)?;
        bytes = &first[..first.len().min(PIPE_BUF)];
    }
    if file.append {
        // This offset stands for the position of the file.
        return Ok(rustix::io::pwritev2(
            file.fd(),
            &[IoSlice::new(bytes)],
            u64::MAX,
            ReadWriteFlags::APPEND,
        )?);
    }
    Ok(rustix::io::write(file.fd(), bytes)?)
}

#[cfg(test)]
mod tests;
