//! An open directory. All files in it are reached through its descriptor, so a check of the directory stays valid, whatever
//! happens to its path.
//!
//! Input: a path, names in the directory. Output: open files, facts about files, changes. Must not hold: the meaning of names.

use std::ffi::{CString, OsStr};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{
    AtFlags, CWD, Dir as Entries, FileType, FlockOperation, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps,
    UTIME_NOW, UTIME_OMIT,
};
use rustix::io::Errno;

use super::file::has_blocks;

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir(OwnedFd);

/// Facts about a file in a directory.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Facts {
    /// True for a regular file.
    pub(crate) is_file: bool,
    /// True for a symbolic link.
    pub(crate) is_link: bool,
    /// True for a directory.
    pub(crate) is_dir: bool,
    /// The owner, and the permissions of others.
    pub(crate) owner: Owner,
    /// Length in bytes.
    pub(crate) bytes: u64,
    /// Time of the last read or write, whichever is later.
    pub(crate) used: SystemTime,
    /// Time of the last write.
    pub(crate) written: SystemTime,
    /// Identity of the file, see [`identity`].
    pub(crate) identity: [i64; 7],
}

/// An open regular file.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The file.
    pub(crate) file: File,
    /// Facts about the file at the time of opening.
    pub(crate) facts: Facts,
}

impl Opened {
    /// Accepts only regular files. Other files have no contents or no end, or reading them waits.
    fn new(file: OwnedFd) -> io::Result<Self> {
        let facts = Facts::new(&rustix::fs::fstat(&file)?);
        if !facts.is_file {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let file = file.into();
        Ok(Self { file, facts })
    }

    /// Reads the facts again.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        self.facts = Facts::new(&rustix::fs::fstat(&self.file)?);
        Ok(())
    }

    /// Sets the time of the last read to now. The system counts this as a change of the inode.
    pub(crate) fn set_read_now(&self) -> io::Result<()> {
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_NOW,
            },
            last_modification: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
        };
        Ok(rustix::fs::futimens(&self.file, &times)?)
    }
}

/// Mode of new files. The umask can only remove permissions, so nobody else can write to them.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Flags for opening a file of unknown kind: opening a pipe would wait for its other end, and a terminal could become the
/// controlling terminal of this process.
const SAFELY: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Dir {
    /// Opens a directory.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(CWD, path.as_os_str(), OFlags::empty())
    }

    /// Opens a directory in this one. Does not follow a link.
    pub(crate) fn open_dir(&self, name: &str) -> io::Result<Self> {
        Self::open_at(self.0.as_fd(), OsStr::new(name), OFlags::NOFOLLOW)
    }

    fn open_at(dir: BorrowedFd<'_>, name: &OsStr, flags: OFlags) -> io::Result<Self> {
        let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(dir, name.as_bytes(), flags, Mode::empty())?))
    }

    /// Creates a directory in this one for its owner alone, if it is missing.
    pub(crate) fn make_dir(&self, name: &str) -> io::Result<()> {
        match rustix::fs::mkdirat(&self.0, name, Mode::RWXU) {
            Err(Errno::EXIST) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Locks the directory (`flock(2)`) against other callers of this function, as long as the result lives. Goes on without the
    /// lock after `patience`, and on file systems that cannot lock directories.
    pub(crate) fn alone(&self, patience: Duration) -> io::Result<OwnedFd> {
        // Opens the directory again, because threads that share a descriptor would share its lock.
        let Self(dir) = self.open_dir(".")?;
        let end = Instant::now() + patience;
        while rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
            && Instant::now() < end
        {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(dir)
    }

    /// Returns the owner, and if others can write. Trust in the directory depends on both.
    pub(crate) fn owner(&self) -> io::Result<Owner> {
        Ok(Owner::new(&rustix::fs::fstat(&self.0)?))
    }

    /// Returns facts about a file in the directory. Does not follow a link.
    pub(crate) fn facts(&self, name: &str) -> io::Result<Facts> {
        Ok(Facts::new(&rustix::fs::statat(
            &self.0,
            name,
            AtFlags::SYMLINK_NOFOLLOW,
        )?))
    }

    /// Returns facts about a file. Follows links.
    pub(crate) fn facts_through_links(&self, name: &str) -> io::Result<Facts> {
        Ok(Facts::new(&rustix::fs::statat(&self.0, name, AtFlags::empty())?))
    }

    /// Opens a regular file for reading. Does not follow a link.
    pub(crate) fn read(&self, name: &str) -> io::Result<Opened> {
        self.open_file(name, OFlags::RDONLY)
    }

    /// Opens a regular file for reading. Follows links inside this directory. Returns `None` if the system cannot confine the
    /// lookup.
    pub(crate) fn read_within(&self, name: &str) -> io::Result<Option<Opened>> {
        let flags = OFlags::RDONLY | SAFELY;
        match rustix::fs::openat2(&self.0, name, flags, Mode::empty(), ResolveFlags::BENEATH) {
            Ok(file) => Opened::new(file).map(Some),
            // The causes are a system before Linux 5.6, a sandbox that does not know the call, or a rename at the same moment.
            Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => Ok(None),
            Err(Errno::XDEV) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is a link that leads out of the cache",
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates a new file for reading and writing.
    pub(crate) fn create_new(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        Ok(self.open_file(name, flags)?.file)
    }

    /// Opens a regular file for reading and writing. Creates it if it is missing.
    pub(crate) fn open_or_create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE;
        Ok(self.open_file(name, flags)?.file)
    }

    fn open_file(&self, name: &str, flags: OFlags) -> io::Result<Opened> {
        match rustix::fs::openat(&self.0, name, flags | OFlags::NOFOLLOW | SAFELY, PRIVATE) {
            Ok(file) => Opened::new(file),
            Err(Errno::LOOP) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link")),
            Err(error) => Err(error.into()),
        }
    }

    /// Renames a file. Replaces a file that has the new name.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Returns true if this is the name of this open file.
    pub(crate) fn is(&self, name: &str, file: &File) -> bool {
        let named = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        let open = rustix::fs::fstat(file);
        matches!((named, open), (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
    }

    /// Returns the target of a symbolic link.
    pub(crate) fn read_link(&self, name: &str) -> io::Result<CString> {
        Ok(rustix::fs::readlinkat(&self.0, name, Vec::new())?)
    }

    /// Creates a symbolic link.
    pub(crate) fn symlink(&self, target: &str, name: &str) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.0, name)?)
    }

    /// Removes a name. Open files stay.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Removes an empty directory. Does not follow a link.
    pub(crate) fn remove_dir(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// Counts the names in the directory that `accept` accepts. Reads nothing but names.
    pub(crate) fn count(&self, accept: impl Fn(&OsStr) -> bool) -> io::Result<usize> {
        let mut count = 0;
        for entry in Entries::read_from(&self.0)? {
            count += usize::from(accept(OsStr::from_bytes(entry?.file_name().to_bytes())));
        }
        Ok(count)
    }

    /// Lists the files whose names `parse` recognises. Leaves out those that vanish meanwhile.
    pub(crate) fn items<N>(&self, parse: impl Fn(&OsStr) -> Option<N>) -> io::Result<Vec<(N, Facts)>> {
        let mut items = Vec::new();
        for entry in Entries::read_from(&self.0)? {
            let entry = entry?;
            let Some(name) = parse(OsStr::from_bytes(entry.file_name().to_bytes())) else {
                continue;
            };
            if let Ok(stat) = rustix::fs::statat(&self.0, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                items.push((name, Facts::new(&stat)));
            }
        }
        Ok(items)
    }
}

impl Facts {
    fn new(stat: &Stat) -> Self {
        let written = time(stat.st_mtime, stat.st_mtime_nsec as i64);
        let kind = FileType::from_raw_mode(stat.st_mode);
        Self {
            is_file: kind == FileType::RegularFile,
            is_link: kind == FileType::Symlink,
            is_dir: kind == FileType::Directory,
            owner: Owner::new(stat),
            bytes: u64::try_from(stat.st_size).unwrap_or_default(),
            used: written.max(time(stat.st_atime, stat.st_atime_nsec as i64)),
            written,
            identity: [
                stat.st_dev.cast_signed(),
                stat.st_ino.cast_signed(),
                stat.st_size,
                stat.st_mtime,
                stat.st_mtime_nsec as i64,
                stat.st_ctime,
                stat.st_ctime_nsec as i64,
            ],
        }
    }
}

fn time(seconds: i64, nanoseconds: i64) -> SystemTime {
    let nanoseconds = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or_default());
    match u64::try_from(seconds) {
        Ok(seconds) => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + nanoseconds,
        Err(_) => SystemTime::UNIX_EPOCH,
    }
}

/// The owner of a file, and the permissions of others.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    /// Number of the user.
    pub(crate) user: u32,
    /// True if the group or everybody can write.
    pub(crate) others_can_write: bool,
}

impl Owner {
    fn new(stat: &Stat) -> Self {
        Self {
            user: stat.st_uid,
            others_can_write: stat.st_mode & 0o022 != 0,
        }
    }
}

/// Returns the effective user of this process.
pub(crate) fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns the properties that distinguish a file and its contents from any other: (device, inode, size, mtime, ctime), with
/// times in seconds and nanoseconds.
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

/// Makes sure that every later change of a file's contents shows in its [`identity`]. Returns false if this is not possible.
///
/// A page that was written through a mapping and is not on disk yet can be written again without a change of the file's times.
/// When the pages are on disk, the next write to each of them changes the times. A file system without a disk never reaches this
/// state.
pub(crate) fn make_changes_show(file: &File) -> io::Result<bool> {
    // statfs(2): ramfs, hugetlbfs, tmpfs.
    const WITHOUT_A_DISK: [u32; 3] = [0x8584_58f6, 0x9584_58f6, 0x0102_1994];
    // This file system shows files of other file systems and does not tell which.
    const OVERLAYFS: u32 = 0x794c_7630;
    let kind = rustix::fs::fstatfs(file)?.f_type as u32;
    if WITHOUT_A_DISK.contains(&kind) || (kind == OVERLAYFS && !has_blocks(file)?) {
        return Ok(false);
    }
    match rustix::fs::fdatasync(file) {
        // File systems that cannot be written return these errors.
        Ok(()) | Err(Errno::INVAL | Errno::ROFS) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Returns a random number, or 0 if the system has no random bytes.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    u64::from_ne_bytes(bytes)
}
