//! `fd_fdstat_*` and `fd_filestat_*`: read and change the attributes of a descriptor and of the file behind it.
//!
//! Rights are reported because a libc reads them (it takes a character device without `FD_SEEK` and `FD_TELL` for a terminal).
//! wrun enforces only three things: the mode in which a file was opened, the difference between files and directories, and
//! read-only grants.

use rustix::fs::{FileType, OFlags, Timestamps};

use crate::host::WasiCtx;
use crate::host::stat::{self, FileStat, FileStatus, NewTime};
use crate::host::storage;
use crate::host::table::Descriptor;
use crate::preview1::flags::{self, checked, fdflags, filetype, fstflags, rights};
use crate::preview1::{Version, layout, memory};
use crate::types::{Access, Errno, Result};

/// Rights of a directory that change nothing.
const DIR_READ: u64 = rights::PATH_OPEN
    | rights::FD_READDIR
    | rights::PATH_READLINK
    | rights::PATH_FILESTAT_GET
    | rights::FD_FILESTAT_GET
    | rights::FD_FDSTAT_SET_FLAGS
    | rights::FD_SYNC;

/// Rights of a directory that change something. `PATH_FILESTAT_SET_SIZE` is not among them, because no function needs it.
const DIR_WRITE: u64 = rights::PATH_CREATE_DIRECTORY
    | rights::PATH_CREATE_FILE
    | rights::PATH_LINK_SOURCE
    | rights::PATH_LINK_TARGET
    | rights::PATH_RENAME_SOURCE
    | rights::PATH_RENAME_TARGET
    | rights::PATH_FILESTAT_SET_TIMES
    | rights::FD_FILESTAT_SET_TIMES
    | rights::PATH_SYMLINK
    | rights::PATH_REMOVE_DIRECTORY
    | rights::PATH_UNLINK_FILE;

/// Rights of every file.
const FILE: u64 = rights::FD_FDSTAT_SET_FLAGS | rights::FD_FILESTAT_GET | rights::POLL_FD_READWRITE | rights::FD_SYNC;

/// Rights of a file that was opened for writing.
const FILE_WRITE: u64 = rights::FD_WRITE | rights::FD_DATASYNC | rights::FD_ALLOCATE | rights::FD_FILESTAT_SET_SIZE;

/// Rights of a file with a position.
const FILE_SEEK: u64 = rights::FD_SEEK | rights::FD_TELL | rights::FD_ADVISE;

/// Rights of a socket.
const SOCKET: u64 = rights::SOCK_SHUTDOWN | rights::SOCK_ACCEPT;

/// Writes type, flags and rights of a descriptor.
pub(crate) fn fd_fdstat_get(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, stat: u32) -> Result {
    let fdstat = match ctx.table.get(fd)? {
        Descriptor::Dir(dir) => dir_fdstat(dir.access, stat::directory_flags(dir.fd())?),
        Descriptor::Virtual(_) => dir_fdstat(Access::ReadOnly, OFlags::empty()),
        Descriptor::File(file) => file_fdstat(&stat::status(file)?),
    };
    memory::write(memory, stat, &fdstat)
}

fn dir_fdstat(access: Access, flags: OFlags) -> [u8; 24] {
    let base = match access {
        Access::ReadWrite => DIR_READ | DIR_WRITE,
        Access::ReadOnly => DIR_READ,
    };
    // A libc asks for no other rights when it opens a file. A read-only grant reports the same rights, so that the libc asks to
    // write and gets ROFS. Otherwise it would get a file that it cannot write to.
    let inheriting = DIR_READ | DIR_WRITE | FILE | FILE_WRITE | FILE_SEEK | rights::FD_READ | SOCKET;
    layout::fdstat(filetype::DIRECTORY, flags::fd_flags(flags), base, inheriting)
}

fn file_fdstat(status: &FileStatus) -> [u8; 24] {
    let mut base = FILE;
    for (has, rights) in [
        (status.can_read, rights::FD_READ),
        (status.can_write, FILE_WRITE),
        (status.can_seek, FILE_SEEK),
        (status.can_set_times, rights::FD_FILESTAT_SET_TIMES),
        (status.file_type == FileType::Socket, SOCKET),
    ] {
        if has {
            base |= rights;
        }
    }
    let filetype = if status.is_datagram {
        filetype::SOCKET_DGRAM
    } else {
        flags::filetype_of(status.file_type)
    };
    layout::fdstat(filetype, flags::fd_flags(status.flags), base, 0)
}

/// Sets `APPEND` and `NONBLOCK`. The other flags are fixed when a file is opened.
pub(crate) fn fd_fdstat_set_flags(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, wanted: u32) -> Result {
    let wanted = checked(wanted, fdflags::ALL)?;
    stat::set_flags(ctx.table.get_mut(fd)?, flags::open_flags(wanted))
}

/// Refuses to change rights. wrun does not keep rights per descriptor, and an error is better than a success without an effect.
pub(crate) fn fd_fdstat_set_rights(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, base: u64, inheriting: u64) -> Result {
    ctx.table.get(fd)?;
    if (base | inheriting) & !rights::ALL != 0 {
        return Err(Errno::INVAL);
    }
    Err(Errno::NOTSUP)
}

/// Writes the attributes of a file.
pub(crate) fn fd_filestat_get(ctx: &mut WasiCtx, memory: &mut [u8], version: Version, fd: u32, buf: u32) -> Result {
    write_filestat(memory, version, buf, &stat::stat(ctx.table.get(fd)?)?)
}

/// Writes a `filestat` of the version.
pub(crate) fn write_filestat(memory: &mut [u8], version: Version, buf: u32, stat: &FileStat) -> Result {
    let size = layout::filestat_size(version) as usize;
    memory::write(memory, buf, &layout::filestat(version, stat)[..size])
}

/// Sets the size of a file that was opened for writing.
pub(crate) fn fd_filestat_set_size(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, size: u64) -> Result {
    storage::set_size(ctx.table.file(fd)?, size)
}

/// Sets the times of a file.
pub(crate) fn fd_filestat_set_times(
    ctx: &mut WasiCtx,
    _: &mut [u8],
    fd: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result {
    let times = timestamps(atim, mtim, fst_flags)?;
    stat::set_times(ctx.table.get(fd)?, &times)
}

/// Reads two times from arguments. Each of them is a given time, the current time, or unchanged.
pub(crate) fn timestamps(atim: u64, mtim: u64, fst_flags: u32) -> Result<Timestamps> {
    let flags = checked(fst_flags, fstflags::ALL)?;
    let time = |value: u64, given: u16, now: u16| match (flags & given != 0, flags & now != 0) {
        (true, true) => Err(Errno::INVAL),
        (true, false) => Ok(NewTime::At(value)),
        (false, true) => Ok(NewTime::Now),
        (false, false) => Ok(NewTime::Keep),
    };
    Ok(stat::timestamps(
        time(atim, fstflags::ATIM, fstflags::ATIM_NOW)?,
        time(mtim, fstflags::MTIM, fstflags::MTIM_NOW)?,
    ))
}
