//! Reads and writes between buffers and files. Each transfer is one system call without a copy, an allocation or a lock. The
//! result may be a short count, as the kernel returns it.
//!
//! A shared stream or socket that the guest made non-blocking is polled before each transfer, because the flag of the shared
//! description itself is not changed.

use std::io::{IoSlice, IoSliceMut};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::SeekFrom;
use rustix::io::ReadWriteFlags;
use rustix::time::Timespec;

use crate::host::table::File;
use crate::types::{Errno, Result};

/// Bytes to be written.
pub(crate) enum Source<'a, 'b> {
    /// One range.
    One(&'b [u8]),
    /// Several ranges.
    Many(&'a [IoSlice<'b>]),
}

/// Buffers for the bytes to read.
pub(crate) enum Target<'a, 'b> {
    /// One range.
    One(&'b mut [u8]),
    /// Several ranges.
    Many(&'a mut [IoSliceMut<'b>]),
}

/// Number of bytes that any stream accepts without blocking when it polls as writable.
const PIPE_BUF: usize = 4096;

/// Reads from the position of a file.
#[inline]
pub(crate) fn read(file: &File, target: Target<'_, '_>) -> Result<usize> {
    if file.nonblock {
        ask(file, PollFlags::IN)?;
    }
    Ok(match target {
        Target::One(bytes) => rustix::io::read(file.fd(), bytes)?,
        Target::Many(slices) => rustix::io::readv(file.fd(), slices)?,
    })
}

/// Reads at an offset of a file, without changing its position.
pub(crate) fn read_at(file: &File, target: Target<'_, '_>, offset: u64) -> Result<usize> {
    Ok(match target {
        Target::One(bytes) => rustix::io::pread(file.fd(), bytes, offset)?,
        Target::Many(slices) => rustix::io::preadv(file.fd(), slices, offset)?,
    })
}

/// Writes at the position of a file, or at its end in append mode.
#[inline]
pub(crate) fn write(file: &File, source: Source<'_, '_>) -> Result<usize> {
    if file.nonblock || file.append {
        return write_emulated(file, &source);
    }
    Ok(match source {
        Source::One(bytes) => rustix::io::write(file.fd(), bytes)?,
        Source::Many(slices) => rustix::io::writev(file.fd(), slices)?,
    })
}

/// Writes at an offset of a file, without changing its position. As always on Linux, append mode takes precedence over the
/// offset.
pub(crate) fn write_at(file: &File, source: Source<'_, '_>, offset: u64) -> Result<usize> {
    Ok(match source {
        Source::One(bytes) => rustix::io::pwrite(file.fd(), bytes, offset)?,
        Source::Many(slices) => rustix::io::pwritev(file.fd(), slices, offset)?,
    })
}

/// Checks the offset of a transfer.
///
/// # Errors
///
/// `INVAL` for an offset above `i64::MAX`.
pub(crate) fn check_offset(offset: u64) -> Result {
    i64::try_from(offset).map(drop).map_err(|_| Errno::INVAL)
}

/// Checks that the stream can be used without waiting.
///
/// # Errors
///
/// `AGAIN` if it would block.
pub(crate) fn ask(file: &File, flags: PollFlags) -> Result {
    let mut fds = [PollFd::from_borrowed_fd(file.fd(), flags)];
    match rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? {
        0 => Err(Errno::AGAIN),
        _ => Ok(()),
    }
}

/// Writes to a shared stream with flags that only the guest has set. It writes at most as many bytes as cannot block.
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

/// Moves the position of a file, and returns the new one.
pub(crate) fn seek(file: &File, to: SeekFrom) -> Result<u64> {
    Ok(rustix::fs::seek(file.fd(), to)?)
}

/// Returns the position of a file.
pub(crate) fn tell(file: &File) -> Result<u64> {
    Ok(rustix::fs::tell(file.fd())?)
}
