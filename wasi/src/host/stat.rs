//! Reads and changes the attributes of a descriptor and of the file behind it.

use rustix::fs::{FileType, OFlags, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::net::SocketType;

use crate::host::clock;
use crate::host::table::{Descriptor, File};
use crate::types::{Access, Errno, Result};

/// `O_DSYNC` of Linux. rustix defines `DSYNC` as `O_SYNC`, which waits for more than the guest asked for.
pub(crate) const DSYNC: OFlags = OFlags::from_bits_retain(0o10_000);

/// Flags that can be changed while a file is open.
const CHANGEABLE: OFlags = OFlags::APPEND.union(OFlags::NONBLOCK);

/// Attributes of a file, open or not (`stat(2)`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileStat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) file_type: FileType,
    pub(crate) nlink: u64,
    /// Size in bytes.
    pub(crate) size: u64,
    /// Time of the last access.
    pub(crate) atime: Timespec,
    /// Time of the last change of the contents.
    pub(crate) mtime: Timespec,
    /// Time of the last change of the status.
    pub(crate) ctime: Timespec,
}

impl From<Stat> for FileStat {
    fn from(stat: Stat) -> FileStat {
        let time = |tv_sec: i64, tv_nsec: u64| Timespec {
            tv_sec,
            tv_nsec: tv_nsec as _,
        };
        FileStat {
            dev: stat.st_dev,
            ino: stat.st_ino,
            file_type: FileType::from_raw_mode(stat.st_mode),
            nlink: stat.st_nlink,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            atime: time(stat.st_atime, stat.st_atime_nsec),
            mtime: time(stat.st_mtime, stat.st_mtime_nsec),
            ctime: time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// Attributes of a descriptor that is not a directory.
pub(crate) struct FileStatus {
    pub(crate) file_type: FileType,
    /// True for a socket whose messages have boundaries.
    pub(crate) is_datagram: bool,
    /// Flags of the file as the guest sees them.
    pub(crate) flags: OFlags,
    pub(crate) can_read: bool,
    pub(crate) can_write: bool,
    /// True for a file with a position. A terminal has none.
    pub(crate) can_seek: bool,
    pub(crate) can_set_times: bool,
}

/// Returns the status of a file.
pub(crate) fn status(file: &File) -> Result<FileStatus> {
    let host = host_flags(file)?;
    let file_type = FileType::from_raw_mode(rustix::fs::fstat(file.fd())?.st_mode);
    let mode = host & OFlags::RWMODE;
    let mut flags = host;
    flags.set(OFlags::NONBLOCK, file.nonblock || host.contains(OFlags::NONBLOCK));
    flags.set(OFlags::APPEND, file.append || host.contains(OFlags::APPEND));
    Ok(FileStatus {
        file_type,
        is_datagram: file_type == FileType::Socket
            && rustix::net::sockopt::socket_type(file.fd())? == SocketType::DGRAM,
        flags,
        can_read: mode != OFlags::WRONLY && file.readable,
        can_write: mode != OFlags::RDONLY,
        can_seek: match file_type {
            FileType::Socket | FileType::Fifo => false,
            FileType::CharacterDevice => !rustix::termios::isatty(file.fd()),
            _ => true,
        },
        can_set_times: file.access == Access::ReadWrite && !file.is_shared(),
    })
}

/// Returns the flags of an open directory that the guest may set.
pub(crate) fn directory_flags(fd: rustix::fd::BorrowedFd<'_>) -> Result<OFlags> {
    Ok(rustix::fs::fcntl_getfl(fd)? & CHANGEABLE)
}

/// Returns the host's flags of a file. If the process was started without a standard stream, an `O_PATH` descriptor takes its
/// number.
///
/// # Errors
///
/// `BADF` for such a stream: for the guest it is closed.
fn host_flags(file: &File) -> Result<OFlags> {
    let flags = rustix::fs::fcntl_getfl(file.fd())?;
    if flags.contains(OFlags::PATH) {
        return Err(Errno::BADF);
    }
    Ok(flags)
}

/// Sets `APPEND` and `NONBLOCK`. The other flags are fixed when a file is opened.
///
/// # Errors
///
/// `NOTSUP` if `wanted` has another flag that is not set.
pub(crate) fn set_flags(descriptor: &mut Descriptor, wanted: OFlags) -> Result {
    let host = match descriptor {
        Descriptor::File(file) => host_flags(file)?,
        Descriptor::Dir(dir) => rustix::fs::fcntl_getfl(dir.fd())?,
        Descriptor::Virtual(_) if wanted.is_empty() => return Ok(()),
        Descriptor::Virtual(_) => return Err(Errno::NOTSUP),
    };
    // SYNC's bits include those of DSYNC and RSYNC: the stronger flag says all three.
    if !host.contains(wanted - CHANGEABLE) {
        return Err(Errno::NOTSUP);
    }
    if let Descriptor::File(file) = descriptor
        && file.is_shared()
    {
        // Other processes that have the stream open must not notice. So the flags are kept here, and reads and writes obey
        // them.
        file.nonblock = wanted.contains(OFlags::NONBLOCK);
        file.append = wanted.contains(OFlags::APPEND) && !host.contains(OFlags::APPEND);
        return Ok(());
    }
    let kept = host - CHANGEABLE;
    match descriptor.fd() {
        Some(fd) => Ok(rustix::fs::fcntl_setfl(fd, kept | (wanted & CHANGEABLE))?),
        None => Ok(()),
    }
}

/// Returns the attributes of an open file.
pub(crate) fn stat(descriptor: &Descriptor) -> Result<FileStat> {
    let file = match descriptor {
        Descriptor::File(file) => file,
        Descriptor::Dir(dir) => return Ok(rustix::fs::fstat(dir.fd())?.into()),
        Descriptor::Virtual(dir) => return Ok(dir.stat()),
    };
    let stat = FileStat::from(rustix::fs::fstat(file.fd())?);
    if file.is_shared() && stat.file_type == FileType::CharacterDevice {
        // `BADF` for a closed stream.
        host_flags(file)?;
    }
    Ok(stat)
}

/// Change of one of a file's times.
#[derive(Clone, Copy)]
pub(crate) enum NewTime {
    /// The time stays as it is.
    Keep,
    /// The time of the change.
    Now,
    /// Nanoseconds since 1970.
    At(u64),
}

impl NewTime {
    fn timespec(self) -> Timespec {
        let special = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        match self {
            NewTime::Keep => special(UTIME_OMIT),
            NewTime::Now => special(UTIME_NOW),
            NewTime::At(time) => clock::timespec(time),
        }
    }
}

/// Converts two changes to the host's form.
pub(crate) fn timestamps(access: NewTime, modification: NewTime) -> Timestamps {
    Timestamps {
        last_access: access.timespec(),
        last_modification: modification.timespec(),
    }
}

/// Sets the times of an open file.
///
/// # Errors
///
/// `ROFS` for a file of a read-only grant. `PERM` for a standard stream or a socket, which the guest may only read and write.
pub(crate) fn set_times(descriptor: &Descriptor, times: &Timestamps) -> Result {
    let (fd, access) = match descriptor {
        Descriptor::File(file) if file.is_shared() => return Err(Errno::PERM),
        Descriptor::File(file) => (file.fd(), file.access),
        Descriptor::Dir(dir) => (dir.fd(), dir.access),
        Descriptor::Virtual(_) => return Err(Errno::ROFS),
    };
    access.check_write()?;
    Ok(rustix::fs::futimens(fd, times)?)
}
