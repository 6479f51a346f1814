//! `fd_fdstat_*` and `fd_filestat_*`: what is known of a descriptor and of the file behind it, and changing that.
//!
//! Rights are reported because libcs look at them (a terminal is a character device without `FD_SEEK` and `FD_TELL`), but
//! only three things are enforced: how a file was opened, that a directory is a directory, and read-only grants.

use rustix::fs::{FileType, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use crate::clock;
use crate::ctx::WasiCtx;
use crate::memory;
use crate::table::{Descriptor, Dir, DirAccess, File};
use crate::types::{self, Errno, Result, Version, fdflags, filetype, fstflags, rights};

/// The rights of a directory that do not change anything.
const DIR_READ: u64 = rights::PATH_OPEN
    | rights::FD_READDIR
    | rights::PATH_READLINK
    | rights::PATH_FILESTAT_GET
    | rights::FD_FILESTAT_GET
    | rights::FD_FDSTAT_SET_FLAGS
    | rights::FD_SYNC;

/// The rights of a directory that do. `PATH_FILESTAT_SET_SIZE` is not among them: no function needs it.
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

/// The rights of every file.
const FILE: u64 = rights::FD_FDSTAT_SET_FLAGS | rights::FD_FILESTAT_GET | rights::POLL_FD_READWRITE | rights::FD_SYNC;

/// The rights of a file that was opened for writing.
const FILE_WRITE: u64 = rights::FD_WRITE | rights::FD_DATASYNC | rights::FD_ALLOCATE | rights::FD_FILESTAT_SET_SIZE;

/// The rights of a file with a position.
const FILE_SEEK: u64 = rights::FD_SEEK | rights::FD_TELL | rights::FD_ADVISE;

/// The rights of a socket.
const SOCKET: u64 = rights::SOCK_SHUTDOWN | rights::SOCK_ACCEPT;

/// Writes type, flags and rights of a descriptor.
pub(crate) fn fd_fdstat_get(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, stat: u32) -> Result {
    let fdstat = match ctx.table.get(fd)? {
        Descriptor::Dir(dir) => dir_fdstat(dir)?,
        Descriptor::File(file) => file_fdstat(file)?,
    };
    memory::write(memory, stat, &fdstat)
}

fn dir_fdstat(dir: &Dir) -> Result<[u8; 24]> {
    let base = match dir.access {
        DirAccess::ReadWrite => DIR_READ | DIR_WRITE,
        DirAccess::ReadOnly => DIR_READ,
    };
    // A libc asks to open a file with these rights only. They are the same for a read-only grant, so that it does ask to
    // write, and is told ROFS, in place of getting a file that it cannot write to.
    let inheriting = DIR_READ | DIR_WRITE | FILE | FILE_WRITE | FILE_SEEK | rights::FD_READ | SOCKET;
    let flags = types::fd_flags(rustix::fs::fcntl_getfl(dir.fd())?) & (fdflags::NONBLOCK | fdflags::APPEND);
    Ok(types::fdstat(filetype::DIRECTORY, flags, base, inheriting))
}

fn file_fdstat(file: &File) -> Result<[u8; 24]> {
    let host_flags = host_flags(file)?;
    let file_type = FileType::from_raw_mode(rustix::fs::fstat(file.fd())?.st_mode);
    let mut base = FILE;
    let mode = host_flags & OFlags::RWMODE;
    if mode != OFlags::WRONLY && file.readable {
        base |= rights::FD_READ;
    }
    if mode != OFlags::RDONLY {
        base |= FILE_WRITE;
    }
    if file.access == DirAccess::ReadWrite {
        base |= rights::FD_FILESTAT_SET_TIMES;
    }
    let mut filetype = types::filetype_of(file_type);
    match file_type {
        FileType::Socket => {
            base |= SOCKET;
            if rustix::net::sockopt::socket_type(file.fd())? == rustix::net::SocketType::DGRAM {
                filetype = filetype::SOCKET_DGRAM;
            }
        }
        FileType::Fifo => {}
        FileType::CharacterDevice if rustix::termios::isatty(file.fd()) => {}
        _ => base |= FILE_SEEK,
    }
    Ok(types::fdstat(filetype, flags(file, host_flags), base, 0))
}

/// The flags of a file on the host. A standard stream that the host was started without is open for nothing (`O_PATH`), only
/// to take its number: that is a closed one.
fn host_flags(file: &File) -> Result<OFlags> {
    let flags = rustix::fs::fcntl_getfl(file.fd())?;
    if flags.contains(OFlags::PATH) {
        return Err(Errno::BADF);
    }
    Ok(flags)
}

/// The flags of a file as the guest sees them.
fn flags(file: &File, host: OFlags) -> u16 {
    let mut flags = types::fd_flags(host);
    if file.nonblock {
        flags |= fdflags::NONBLOCK;
    }
    if file.append {
        flags |= fdflags::APPEND;
    }
    flags
}

/// Sets `APPEND` and `NONBLOCK`. The other flags are decided when a file is opened, and must be given as they are.
pub(crate) fn fd_fdstat_set_flags(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, wanted: u32) -> Result {
    let wanted = types::checked(wanted, fdflags::ALL)?;
    let changeable = fdflags::APPEND | fdflags::NONBLOCK;
    let descriptor = ctx.table.get_mut(fd)?;
    let host = match descriptor {
        Descriptor::File(file) => host_flags(file)?,
        Descriptor::Dir(dir) => rustix::fs::fcntl_getfl(dir.fd())?,
    };
    let mut known = types::fd_flags(host);
    if known & fdflags::SYNC != 0 {
        // The stronger flag says all three.
        known |= fdflags::DSYNC | fdflags::RSYNC;
    }
    if wanted & !changeable & !known != 0 {
        return Err(Errno::NOTSUP);
    }
    if let Descriptor::File(file) = descriptor
        && file.is_shared()
    {
        // Whoever else has the stream open must not notice: the flags are kept here and acted on in reads and writes.
        file.nonblock = wanted & fdflags::NONBLOCK != 0;
        file.append = wanted & fdflags::APPEND != 0 && !host.contains(OFlags::APPEND);
        return Ok(());
    }
    let kept = host & !(OFlags::APPEND | OFlags::NONBLOCK);
    Ok(rustix::fs::fcntl_setfl(
        descriptor.fd(),
        kept | types::open_flags(wanted & changeable),
    )?)
}

/// Rights cannot be given up one by one. Saying so is better than a success without an effect.
pub(crate) fn fd_fdstat_set_rights(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, base: u64, inheriting: u64) -> Result {
    ctx.table.get(fd)?;
    if (base | inheriting) & !rights::ALL != 0 {
        return Err(Errno::INVAL);
    }
    Err(Errno::NOTSUP)
}

/// Writes what is known of a file.
pub(crate) fn fd_filestat_get(ctx: &mut WasiCtx, memory: &mut [u8], version: Version, fd: u32, buf: u32) -> Result {
    let descriptor = ctx.table.get(fd)?;
    let stat = rustix::fs::fstat(descriptor.fd())?;
    if let Descriptor::File(file) = descriptor
        && file.is_shared()
        && FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
    {
        // The only thing that the kernel tells of a closed stream.
        host_flags(file)?;
    }
    write_filestat(memory, version, buf, &stat)
}

/// Writes a `filestat` of the version.
pub(crate) fn write_filestat(memory: &mut [u8], version: Version, buf: u32, stat: &rustix::fs::Stat) -> Result {
    let size = types::filestat_size(version) as usize;
    memory::write(memory, buf, &types::filestat(version, stat)[..size])
}

/// Sets the size of a file that was opened for writing.
pub(crate) fn fd_filestat_set_size(ctx: &mut WasiCtx, _: &mut [u8], fd: u32, size: u64) -> Result {
    let file = ctx.table.file(fd)?;
    file.access.check_write()?;
    i64::try_from(size).map_err(|_| Errno::INVAL)?;
    Ok(rustix::fs::ftruncate(file.fd(), size)?)
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
    let descriptor = ctx.table.get(fd)?;
    descriptor.access().check_write()?;
    if let Descriptor::File(file) = descriptor
        && file.is_shared()
        && rustix::fs::fcntl_getfl(file.fd())? & OFlags::RWMODE == OFlags::RDONLY
    {
        // The file behind a redirected input was given to be read.
        return Err(Errno::PERM);
    }
    Ok(rustix::fs::futimens(descriptor.fd(), &times)?)
}

/// The host's form of two times, of which each can be given, be now or stay.
pub(crate) fn timestamps(atim: u64, mtim: u64, fst_flags: u32) -> Result<Timestamps> {
    let flags = types::checked(fst_flags, fstflags::ALL)?;
    let time = |value: u64, given: u16, now: u16| match (flags & given != 0, flags & now != 0) {
        (true, true) => Err(Errno::INVAL),
        (true, false) => Ok(clock::timespec(value)),
        (false, true) => Ok(Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        }),
        (false, false) => Ok(Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        }),
    };
    Ok(Timestamps {
        last_access: time(atim, fstflags::ATIM, fstflags::ATIM_NOW)?,
        last_modification: time(mtim, fstflags::MTIM, fstflags::MTIM_NOW)?,
    })
}
