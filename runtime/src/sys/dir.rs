//! A directory that is held open: everything in it is reached through the open directory, so that what was checked of it once
//! stays true, whatever happens to its path.

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

/// Facts about something in a directory.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Facts {
    /// True for a regular file.
    pub(crate) is_file: bool,
    /// True for a symbolic link.
    pub(crate) is_link: bool,
    /// True for a directory.
    pub(crate) is_dir: bool,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// When it was last read or written, whichever is later.
    pub(crate) used: SystemTime,
    /// When it was last written.
    pub(crate) written: SystemTime,
    /// As [`identity`] has it.
    pub(crate) identity: [i64; 7],
}

/// A regular file that is open.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The file.
    pub(crate) file: File,
    /// Facts about it when it was opened.
    pub(crate) facts: Facts,
}

impl Opened {
    /// Only regular files are taken: others have no contents, or none that ends, or wait for somebody.
    fn new(file: OwnedFd) -> io::Result<Self> {
        let facts = Facts::new(&rustix::fs::fstat(&file)?);
        if !facts.is_file {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let file = file.into();
        Ok(Self { file, facts })
    }

    /// Looks at the file again.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        self.facts = Facts::new(&rustix::fs::fstat(&self.file)?);
        Ok(())
    }

    /// Makes this moment the time when the file was last read. Its inode counts as changed then.
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

/// The mode of new files, of which the umask takes away only: nobody else can write to them.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// How files are opened whose kind is not known: to open a pipe is to wait for its other end, and a terminal may become this
/// process's own.
const SAFELY: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Dir {
    /// Opens a directory.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(CWD, path.as_os_str(), OFlags::empty())
    }

    /// Opens a directory in this one; not through a link.
    pub(crate) fn open_dir(&self, name: &str) -> io::Result<Self> {
        Self::open_at(self.0.as_fd(), OsStr::new(name), OFlags::NOFOLLOW)
    }

    fn open_at(dir: BorrowedFd<'_>, name: &OsStr, flags: OFlags) -> io::Result<Self> {
        let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(dir, name.as_bytes(), flags, Mode::empty())?))
    }

    /// Makes a directory in this one that only its owner can use, if it is not there.
    pub(crate) fn make_dir(&self, name: &str) -> io::Result<()> {
        match rustix::fs::mkdirat(&self.0, name, Mode::RWXU) {
            Err(Errno::EXIST) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Keeps everybody out who asks for the same, as long as the result lives (`flock(2)` on the directory). After `patience`, and
    /// where directories cannot be locked, it does not.
    pub(crate) fn alone(&self, patience: Duration) -> io::Result<OwnedFd> {
        // Opened anew: threads that share an open directory would share the lock.
        let Self(dir) = self.open_dir(".")?;
        let end = Instant::now() + patience;
        while rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
            && Instant::now() < end
        {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(dir)
    }

    /// Owner, and whether others can write: what trust in the directory depends on.
    pub(crate) fn owner(&self) -> io::Result<Owner> {
        Ok(Owner::new(&rustix::fs::fstat(&self.0)?))
    }

    /// Facts about something in the directory; about a link, not about its target.
    pub(crate) fn facts(&self, name: &str) -> io::Result<Facts> {
        Ok(Facts::new(&rustix::fs::statat(
            &self.0,
            name,
            AtFlags::SYMLINK_NOFOLLOW,
        )?))
    }

    /// Facts about the thing that a name leads to, through links.
    pub(crate) fn facts_through_links(&self, name: &str) -> io::Result<Facts> {
        Ok(Facts::new(&rustix::fs::statat(&self.0, name, AtFlags::empty())?))
    }

    /// Opens a regular file for reading; not through a link.
    pub(crate) fn read(&self, name: &str) -> io::Result<Opened> {
        self.open_file(name, OFlags::RDONLY)
    }

    /// Opens a regular file for reading, through links too, if they do not lead out of this directory. `None` when the system
    /// cannot see to that.
    pub(crate) fn read_within(&self, name: &str) -> io::Result<Option<Opened>> {
        let flags = OFlags::RDONLY | SAFELY;
        match rustix::fs::openat2(&self.0, name, flags, Mode::empty(), ResolveFlags::BENEATH) {
            Ok(file) => Opened::new(file).map(Some),
            // A system before Linux 5.6; a sandbox that does not know the call; somebody who renames at this very moment.
            Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => Ok(None),
            Err(Errno::XDEV) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is a link that leads out of the cache",
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a file that was not there, for reading and writing.
    pub(crate) fn create_new(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        Ok(self.open_file(name, flags)?.file)
    }

    /// Opens a regular file for reading and writing, and makes it when nothing is there.
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

    /// Gives something another name, in place of what has that name.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// True if this is the name of this open file.
    pub(crate) fn is(&self, name: &str, file: &File) -> bool {
        let named = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        let open = rustix::fs::fstat(file);
        matches!((named, open), (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
    }

    /// The target of a symbolic link.
    pub(crate) fn read_link(&self, name: &str) -> io::Result<CString> {
        Ok(rustix::fs::readlinkat(&self.0, name, Vec::new())?)
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&self, target: &str, name: &str) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.0, name)?)
    }

    /// Removes a name; what is open stays.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Removes a directory that is empty; not through a link.
    pub(crate) fn remove_dir(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// How many names in the directory `accept` takes; nothing else is asked about them.
    pub(crate) fn count(&self, accept: impl Fn(&OsStr) -> bool) -> io::Result<usize> {
        let mut count = 0;
        for entry in Entries::read_from(&self.0)? {
            count += usize::from(accept(OsStr::from_bytes(entry?.file_name().to_bytes())));
        }
        Ok(count)
    }

    /// Everything in the directory whose name `parse` recognises, without what vanishes meanwhile.
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

/// Who owns something.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    /// The user's number.
    pub(crate) user: u32,
    /// True if its group or everybody can write.
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

/// The number of the user that this process acts as.
pub(crate) fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The properties that tell a file and its contents from any other: (device, inode, size, mtime, ctime), times in seconds and nanoseconds.
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

/// Sees to it that every later change of a file's contents shows in its [`identity`]; `false` where that cannot be had.
///
/// A page that was written through a mapping and is not on disk yet can be written again without the times showing it. When the
/// pages are on disk, the next write to each of them is noticed again. A file system without a disk has no such moment.
pub(crate) fn make_changes_show(file: &File) -> io::Result<bool> {
    // statfs(2): ramfs, hugetlbfs, tmpfs.
    const WITHOUT_A_DISK: [u32; 3] = [0x8584_58f6, 0x9584_58f6, 0x0102_1994];
    // It shows files of other file systems, and says nothing of which.
    const OVERLAYFS: u32 = 0x794c_7630;
    let kind = rustix::fs::fstatfs(file)?.f_type as u32;
    if WITHOUT_A_DISK.contains(&kind) || (kind == OVERLAYFS && !has_blocks(file)?) {
        return Ok(false);
    }
    match rustix::fs::fdatasync(file) {
        // So say file systems that cannot be written.
        Ok(()) | Err(Errno::INVAL | Errno::ROFS) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Fills with random bytes, or leaves zeros where the system has none.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    u64::from_ne_bytes(bytes)
}
