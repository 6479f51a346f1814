//! Virtual directories: directories that only the guest sees. Their entries are files that were granted one by one, and
//! `/dev/null`. They contain no directories. Creating, removing or moving a name in them fails as on a read-only file system.

use std::borrow::Cow;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{CWD, FileType, Mode, OFlags, Timespec, Timestamps};

use crate::host::path::stat::set_file_times;
use crate::host::stat::{DSYNC, FileStat};
use crate::host::table::File;
use crate::types::{Access, Errno, Result};

/// Name of the directory of devices, without its slash.
pub(crate) const DEV: &[u8] = b"dev";

/// Open virtual directory.
pub(crate) struct VirtualDir {
    pub(crate) content: Arc<Content>,
    /// Guest's name of a granted directory. `None` for a directory that the guest opened.
    pub(crate) preopen: Option<Box<[u8]>>,
    /// Distinguishes directories that had the same number one after the other.
    pub(crate) serial: u64,
}

/// Content of a virtual directory, which never changes.
pub(crate) struct Content {
    /// Inode of the directory.
    pub(crate) ino: u64,
    pub(crate) entries: Vec<Entry>,
    /// Serial of the granted directory whose subdirectory [`DEV`] is searched for names that are not in `entries`.
    ///
    /// A libc looks up the relative path `dev/x` in the granted directory with the longest matching name, and it treats `/dev`
    /// and `dev` as the same name. So a guest with a grant of `.` uses this virtual directory for the files of its own `dev`.
    pub(crate) behind: Option<u64>,
}

/// Entry of a virtual directory.
pub(crate) struct Entry {
    pub(crate) name: Box<[u8]>,
    pub(crate) node: Node,
}

/// File behind an entry.
pub(crate) enum Node {
    /// Null device. The host's `/dev/null` is opened when the guest opens this entry.
    Null,
    /// File that was granted.
    File(GrantedFile),
}

/// Granted file, opened with `O_PATH`. It has no position and no mode of access yet. It stays the same file if another file
/// takes its path.
pub(crate) struct GrantedFile {
    pub(crate) fd: OwnedFd,
    pub(crate) access: Access,
}

/// Result of looking up a path in a virtual directory.
pub(crate) enum Found<'a> {
    /// The directory itself.
    Itself,
    /// One of its entries.
    Entry(&'a Node),
    /// A name that the directory does not have.
    Other,
}

impl VirtualDir {
    /// Looks up a path.
    ///
    /// # Errors
    ///
    /// `PERM` for a path that begins with a slash, `NOTDIR` for a path that continues after the name of a file.
    pub(crate) fn find(&self, path: &[u8]) -> Result<Found<'_>> {
        if path.starts_with(b"/") {
            return Err(Errno::PERM);
        }
        let mut rest = path;
        let name = loop {
            let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            match name {
                b"" | b"." if after.is_empty() => return Ok(Found::Itself),
                b"" | b"." => rest = &after[1..],
                name => {
                    rest = after;
                    break name;
                }
            }
        };
        match self.content.entries.iter().find(|entry| *entry.name == *name) {
            None => Ok(Found::Other),
            Some(entry) if rest.is_empty() => Ok(Found::Entry(&entry.node)),
            Some(_) => Err(Errno::NOTDIR),
        }
    }

    /// Returns the error for a missing name: `PERM` for a path that leads out of the directory, otherwise `NOENT`.
    pub(crate) fn missing(path: &[u8]) -> Errno {
        let mut names = path
            .split(|byte| *byte == b'/')
            .filter(|name| !matches!(*name, b"" | b"."));
        match names.next() {
            Some(b"..") => Errno::PERM,
            _ => Errno::NOENT,
        }
    }

    /// Returns the path that stands for `path` in the directory behind this one.
    pub(crate) fn path_behind(found: &Found<'_>, path: &[u8]) -> Cow<'static, [u8]> {
        let slash: &[u8] = match found {
            Found::Itself if !path.ends_with(b"/") => return Cow::Borrowed(DEV),
            Found::Itself => b"",
            _ => b"/",
        };
        let path = if matches!(found, Found::Itself) { b"/" } else { path };
        Cow::Owned([DEV, slash, path].concat())
    }

    /// Opens the directory again. The table assigns its serial.
    pub(crate) fn reopen(&self, flags: OFlags) -> Result<VirtualDir> {
        if flags.intersects(OFlags::CREATE | OFlags::TRUNC) || flags & OFlags::RWMODE != OFlags::RDONLY {
            return Err(Errno::ISDIR);
        }
        Ok(VirtualDir {
            content: Arc::clone(&self.content),
            preopen: None,
            serial: 0,
        })
    }

    /// Returns the attributes of the directory itself. It has no times.
    pub(crate) fn stat(&self) -> FileStat {
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        FileStat {
            dev: 0,
            ino: self.content.ino,
            file_type: FileType::Directory,
            nlink: 2,
            size: 0,
            atime: never,
            mtime: never,
            ctime: never,
        }
    }
}

impl Node {
    /// Opens the file again, with a new position.
    ///
    /// # Errors
    ///
    /// `EXIST` for `O_CREAT` with `O_EXCL`, `NOTDIR` if a directory was wanted, `ROFS` for a change of a file that was granted
    /// for reading, and the errors of `open(2)`.
    pub(crate) fn open(&self, flags: OFlags, readable: bool) -> Result<File> {
        if flags.contains(OFlags::CREATE | OFlags::EXCL) {
            return Err(Errno::EXIST);
        }
        if flags.contains(OFlags::DIRECTORY) {
            return Err(Errno::NOTDIR);
        }
        let flags = flags - (OFlags::CREATE | OFlags::EXCL);
        match self {
            Node::Null => Ok(File::owned(open_null(flags)?, readable, Access::ReadOnly)),
            Node::File(file) => {
                if flags & OFlags::RWMODE != OFlags::RDONLY || flags.contains(OFlags::TRUNC) {
                    file.access.check_write()?;
                }
                Ok(File::owned(file.open(flags)?, readable, file.access))
            }
        }
    }

    /// Returns the attributes of the file.
    pub(crate) fn stat(&self) -> Result<FileStat> {
        match self {
            Node::Null => null_stat(),
            Node::File(file) => Ok(rustix::fs::fstat(&file.fd)?.into()),
        }
    }

    /// Sets the times of the file.
    ///
    /// # Errors
    ///
    /// `ROFS` for the null device and for a file that was granted for reading.
    pub(crate) fn set_times(&self, times: &Timestamps) -> Result {
        match self {
            Node::Null => Err(Errno::ROFS),
            Node::File(file) => {
                file.access.check_write()?;
                set_file_times(&file.fd, times)
            }
        }
    }
}

impl GrantedFile {
    /// Opens the granted file again, even if another file has its path now. The kernel offers this only through the name of the
    /// descriptor in `/proc`.
    fn open(&self, flags: OFlags) -> Result<OwnedFd> {
        let name = descriptor_name(&self.fd);
        let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(rustix::fs::openat(CWD, name, flags, Mode::empty())?)
    }
}

/// Returns the name of an open file in `/proc`.
pub(crate) fn descriptor_name(fd: &impl AsFd) -> String {
    format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())
}

/// Path of the null device on the host.
const NULL: &core::ffi::CStr = c"/dev/null";

/// Returns the attributes of the host's null device.
///
/// # Errors
///
/// `NOENT` if the host has none, or another file in its place.
fn null_stat() -> Result<FileStat> {
    check_null(rustix::fs::lstat(NULL)?)
}

/// Opens the host's null device. Flags that change a file have no effect on it and are removed.
fn open_null(flags: OFlags) -> Result<OwnedFd> {
    let kept = OFlags::RWMODE | OFlags::APPEND | OFlags::NONBLOCK | OFlags::SYNC | DSYNC;
    let flags = (flags & kept) | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
    let fd = rustix::fs::openat(CWD, NULL, flags, Mode::empty())?;
    check_null(rustix::fs::fstat(&fd)?)?;
    Ok(fd)
}

fn check_null(stat: rustix::fs::Stat) -> Result<FileStat> {
    let is_null = stat.st_rdev == rustix::fs::makedev(1, 3);
    let stat = FileStat::from(stat);
    if is_null && stat.file_type == FileType::CharacterDevice {
        Ok(stat)
    } else {
        Err(Errno::NOENT)
    }
}

/// Returns the name of a directory in the form in which a libc compares it: without `/` and `./` at the beginning and without
/// slashes at the end. The names `/`, `.` and `./` give the empty name.
pub(crate) fn compared(name: &[u8]) -> &[u8] {
    let mut name = name;
    loop {
        name = match name {
            [b'/', rest @ ..] | [b'.', b'/', rest @ ..] | [rest @ .., b'/'] => rest,
            b"." => b"",
            _ => return name,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_a_libc_does() {
        for name in ["dev", "/dev", "//dev/", "./dev", ".//./dev//"] {
            assert_eq!(compared(name.as_bytes()), b"dev", "{name}");
        }
        for name in ["", "/", ".", "./", "/./", "//."] {
            assert_eq!(compared(name.as_bytes()), b"", "{name}");
        }
        for name in ["..", "../dev", ".dev", "dev/..", "a/dev"] {
            assert_eq!(compared(name.as_bytes()), name.as_bytes());
        }
    }

    #[test]
    fn the_host_has_a_null_device() {
        assert_eq!(null_stat().unwrap().file_type, FileType::CharacterDevice);
        let zero = rustix::fs::stat("/dev/zero").unwrap();
        assert_eq!(check_null(zero), Err(Errno::NOENT));
    }
}
