//! Lists the entries of a directory. The cookie of an entry is the kernel's own. It stays valid while entries are created and
//! removed, so a guest that removes entries while it lists them misses none.
//!
//! Entries are read ahead into one buffer per guest, which belongs to the directory that was listed last. So the memory of the
//! host does not grow with the number of open directories, and switching to another directory costs one seek.

use std::mem::MaybeUninit;
use std::ops::Range;

use rustix::fs::{AtFlags, FileType, RawDir, SeekFrom};

use crate::host::table::{Dir, Directory};
use crate::host::virtual_dir::VirtualDir;
use crate::types::{Errno, Result};

/// Number of bytes to read ahead. A single entry of any length fits.
pub(crate) const READ_AHEAD: usize = 32 << 10;

/// Entry of a directory.
pub(crate) struct Entry<'a> {
    /// Cookie of the entry after this one.
    pub(crate) next: u64,
    pub(crate) ino: u64,
    pub(crate) file_type: FileType,
    pub(crate) name: &'a [u8],
}

/// Entry in the buffer.
struct Record {
    next: u64,
    ino: u64,
    file_type: FileType,
    /// Place in [`Listing::names`].
    name: Range<usize>,
}

/// Entries that were read ahead.
#[derive(Default)]
pub(crate) struct Listing {
    /// Serial of the directory that the entries belong to.
    serial: u64,
    records: Vec<Record>,
    names: Vec<u8>,
    /// Index of the next entry in `records`.
    position: usize,
    /// Cookie by which the guest asks for the next entry.
    cookie: u64,
    /// Buffer for entries in the kernel's format.
    raw: Box<[MaybeUninit<u8>]>,
}

impl Listing {
    /// Goes to the entry that follows a cookie.
    pub(crate) fn seek(&mut self, dir: Directory<'_>, cookie: u64) -> Result {
        if cookie != 0 && self.serial == dir.serial() && (self.cookie == cookie || self.find(cookie)) {
            return Ok(());
        }
        // At the start the directory is always read anew, as after `rewinddir`.
        self.serial = 0;
        self.clear();
        i64::try_from(cookie).map_err(|_| Errno::INVAL)?;
        if let Directory::Host(dir) = dir {
            rustix::fs::seek(dir.fd(), SeekFrom::Start(cookie))?;
        }
        self.cookie = cookie;
        self.serial = dir.serial();
        Ok(())
    }

    /// Moves to an entry that is in the buffer. A guest with a small buffer asks for the same entries again.
    fn find(&mut self, cookie: u64) -> bool {
        match self.records.iter().position(|record| record.next == cookie) {
            Some(index) => {
                self.position = index + 1;
                self.cookie = cookie;
                true
            }
            None => false,
        }
    }

    fn clear(&mut self) {
        self.records.clear();
        self.names.clear();
        self.position = 0;
    }

    /// Returns the next entry in the buffer, if there is one.
    pub(crate) fn entry(&self) -> Option<Entry<'_>> {
        self.records.get(self.position).map(|record| Entry {
            next: record.next,
            ino: record.ino,
            file_type: record.file_type,
            name: &self.names[record.name.clone()],
        })
    }

    /// Goes to the entry after the next one.
    pub(crate) fn advance(&mut self) {
        if let Some(record) = self.records.get(self.position) {
            self.cookie = record.next;
            self.position += 1;
        }
    }

    /// Reads ahead once. At the end of the directory the buffer is empty afterwards.
    pub(crate) fn fill(&mut self, dir: Directory<'_>) -> Result {
        self.clear();
        match dir {
            Directory::Host(dir) => self.fill_from_host(dir),
            Directory::Virtual(dir) => {
                self.fill_from_virtual(dir);
                Ok(())
            }
        }
    }

    /// Adds all entries of a virtual directory from the cookie on. The cookie of an entry is its position.
    fn fill_from_virtual(&mut self, dir: &VirtualDir) {
        let ino = dir.content.ino;
        let dots = [(&b"."[..], ino, FileType::Directory), (b"..", ino, FileType::Directory)];
        let files = dir.content.entries.iter().filter_map(|entry| {
            // The host may have no null device.
            let stat = entry.node.stat().ok()?;
            Some((&*entry.name, stat.ino, stat.file_type))
        });
        let from = usize::try_from(self.cookie).unwrap_or(usize::MAX);
        for (position, (name, ino, file_type)) in dots.into_iter().chain(files).enumerate().skip(from) {
            self.push(position as u64 + 1, ino, file_type, name);
        }
    }

    fn push(&mut self, next: u64, ino: u64, file_type: FileType, name: &[u8]) {
        let start = self.names.len();
        self.names.extend_from_slice(name);
        self.records.push(Record {
            next,
            ino,
            file_type,
            name: start..self.names.len(),
        });
    }

    fn fill_from_host(&mut self, dir: &Dir) -> Result {
        if self.raw.is_empty() {
            self.raw = Box::new_uninit_slice(READ_AHEAD);
        }
        let mut raw = RawDir::new(dir.fd(), &mut self.raw);
        // If entries were read, do not go on: an error would lose them.
        while self.records.is_empty() || !raw.is_buffer_empty() {
            let Some(entry) = raw.next() else {
                break;
            };
            let entry = entry?;
            let name = entry.file_name();
            let bytes = name.to_bytes();
            let mut ino = entry.ino();
            if bytes == b".." {
                ino = parent_ino(dir, ino)?;
            }
            let mut file_type = entry.file_type();
            if file_type == FileType::Unknown {
                match rustix::fs::statat(dir.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => file_type = FileType::from_raw_mode(stat.st_mode),
                    // The entry was removed meanwhile.
                    Err(rustix::io::Errno::NOENT) => continue,
                    Err(_) => {}
                }
            }
            let start = self.names.len();
            self.names.extend_from_slice(bytes);
            let name = start..self.names.len();
            let next = entry.next_entry_cookie();
            self.records.push(Record {
                next,
                ino,
                file_type,
                name,
            });
        }
        Ok(())
    }
}

/// Returns the inode of `..`. For the root of a grant it is the inode of the directory itself, so that the guest learns nothing
/// of the directory above.
fn parent_ino(dir: &Dir, ino: u64) -> Result<u64> {
    let own = rustix::fs::fstat(dir.fd())?;
    Ok(if (own.st_dev, own.st_ino) == dir.root {
        own.st_ino
    } else {
        ino
    })
}
