//! A directory that is held open: everything in it is reached through the open directory, so that what was checked of it once
//! stays true, whatever happens to its path.

use std::ffi::{CStr, CString, OsStr};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir as Entries, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir(OwnedFd);

/// What is known of something in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Its name.
    pub(crate) name: Box<OsStr>,
    /// Whether it is a regular file.
    pub(crate) is_file: bool,
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// When it was last read or written, whichever is later.
    pub(crate) used: SystemTime,
    /// When it was last written.
    pub(crate) written: SystemTime,
}

const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

impl Dir {
    /// Opens a directory.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(CWD, path.as_os_str())
    }

    /// Opens a directory in this one; not through a link.
    pub(crate) fn open_dir(&self, name: &str) -> io::Result<Self> {
        Self::open_at(self.0.as_fd(), OsStr::new(name))
    }

    fn open_at(dir: BorrowedFd<'_>, name: &OsStr) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(dir, name.as_bytes(), flags, Mode::empty())?))
    }

    /// Makes a directory in this one that only its owner can use, if it is not there.
    pub(crate) fn make_dir(&self, name: &str) -> io::Result<()> {
        match rustix::fs::mkdirat(&self.0, name, Mode::RWXU) {
            Err(Errno::EXIST) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Owner, and whether others can write: what trust in the directory depends on.
    pub(crate) fn owner(&self) -> io::Result<Owner> {
        let stat = rustix::fs::fstat(&self.0)?;
        Ok(Owner {
            user: stat.st_uid,
            others_can_write: stat.st_mode & 0o022 != 0,
        })
    }

    /// Opens a file for reading, through a link too.
    pub(crate) fn read(&self, name: &str) -> io::Result<File> {
        let file = rustix::fs::openat(&self.0, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(file.into())
    }

    /// Makes a file that was not there, for reading and writing.
    pub(crate) fn create_new(&self, name: &str) -> io::Result<File> {
        self.create(name, OFlags::EXCL)
    }

    /// Opens a file for reading and writing, and makes it when it is not there.
    pub(crate) fn open_or_create(&self, name: &str) -> io::Result<File> {
        self.create(name, OFlags::empty())
    }

    fn create(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, name, flags, PRIVATE)?.into())
    }

    /// Gives something another name, in place of what has that name.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Whether this is the name of this open file.
    pub(crate) fn is(&self, name: &str, file: &File) -> bool {
        let named = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        let open = rustix::fs::fstat(file);
        matches!((named, open), (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
    }

    /// Where a symbolic link leads.
    pub(crate) fn read_link(&self, name: &str) -> io::Result<CString> {
        Ok(rustix::fs::readlinkat(&self.0, name, Vec::new())?)
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&self, target: &str, name: &str) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.0, name)?)
    }

    /// Removes a name; what is open stays.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name.as_bytes(), AtFlags::empty())?)
    }

    /// Whether something has this name, and it is no link to nothing.
    pub(crate) fn leads_somewhere(&self, name: &OsStr) -> bool {
        rustix::fs::statat(&self.0, name.as_bytes(), AtFlags::empty()).is_ok()
    }

    /// Everything in the directory, without what vanishes meanwhile.
    pub(crate) fn items(&self) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for entry in Entries::read_from(&self.0)? {
            let entry = entry?;
            let name: &CStr = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(stat) = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            items.push(item(OsStr::from_bytes(name.to_bytes()), &stat));
        }
        Ok(items)
    }
}

fn item(name: &OsStr, stat: &Stat) -> Item {
    let written = time(stat.st_mtime, stat.st_mtime_nsec as i64);
    Item {
        name: name.into(),
        is_file: FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
        bytes: u64::try_from(stat.st_size).unwrap_or_default(),
        used: written.max(time(stat.st_atime, stat.st_atime_nsec as i64)),
        written,
    }
}

fn time(seconds: i64, nanoseconds: i64) -> SystemTime {
    let nanoseconds = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or_default());
    match u64::try_from(seconds) {
        Ok(seconds) => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + nanoseconds,
        Err(_) => SystemTime::UNIX_EPOCH,
    }
}

/// Who owns something.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    /// The user's number.
    pub(crate) user: u32,
    /// Whether its group or everybody can write.
    pub(crate) others_can_write: bool,
}

/// The number of the user that this process acts as.
pub(crate) fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What tells a file and its contents from any other: (device, inode, size, mtime, ctime), times in seconds and nanoseconds.
pub(crate) fn identity(metadata: &Metadata) -> [i64; 7] {
    use std::os::unix::fs::MetadataExt;
    [
        metadata.dev().cast_signed(),
        metadata.ino().cast_signed(),
        metadata.size().cast_signed(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ]
}

/// Fills with random bytes, or leaves zeros where the system has none.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    u64::from_ne_bytes(bytes)
}
