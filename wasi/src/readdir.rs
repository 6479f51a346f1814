//! `fd_readdir`: the entries of a directory. The cookie of an entry is the kernel's own, which stays right when entries
//! are created and removed meanwhile, so that a guest that removes what it lists misses nothing.
//!
//! Entries are read ahead into one buffer, in the guest's form. There is one for the whole guest, for the directory that
//! was listed last: host memory stays the same however many directories are open, and another directory costs one seek.

use std::mem::MaybeUninit;

use rustix::fs::{AtFlags, FileType, RawDir, SeekFrom};

use crate::ctx::WasiCtx;
use crate::memory;
use crate::table::Dir;
use crate::types::{self, DIRENT_SIZE, Errno, Result};

/// How much is read ahead. A single entry of any length fits.
const READ_AHEAD: usize = 32 << 10;

/// Entries that were read ahead.
#[derive(Default)]
pub(crate) struct Listing {
    /// The serial of the directory that they belong to.
    serial: u64,
    /// Entries in the guest's form.
    entries: Vec<u8>,
    /// The next entry's place in `entries`.
    position: usize,
    /// The cookie by which the guest asks for the next entry.
    cookie: u64,
    /// Where the kernel puts entries.
    raw: Box<[MaybeUninit<u8>]>,
}

/// Writes the entries that follow the cookie, the last one cut off when it does not fit: a buffer that is not full means
/// the end. `done` is how far an earlier attempt came that returned `INTR`; it does so before it reads on, so that no
/// directory can outlast a deadline.
#[allow(
    clippy::too_many_arguments,
    reason = "these are the arguments of the WASI function, and one more"
)]
pub(crate) fn fd_readdir(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    done: &mut usize,
    fd: u32,
    buf: u32,
    buf_len: u32,
    cookie: u64,
    bufused: u32,
) -> Result {
    let dir = ctx.table.dir(fd)?;
    memory::check(memory, bufused, 4)?;
    let out = memory::bytes_mut(memory, buf, buf_len)?;
    let listing = &mut ctx.listing;
    if *done == 0 {
        listing.seek(dir, cookie)?;
    }
    let mut has_read = false;
    while *done < out.len() {
        if listing.position == listing.entries.len() {
            if has_read {
                return Err(Errno::INTR);
            }
            has_read = true;
            match listing.fill(dir) {
                Ok(()) => {}
                // It waits for the next call, so that the entries before it are not lost.
                Err(errno) if *done > 0 && errno != Errno::INTR => break,
                Err(errno) => return Err(errno),
            }
        }
        let Some(entry) = listing.entry() else {
            break;
        };
        let bytes = &listing.entries[entry.clone()];
        let fitting = bytes.len().min(out.len() - *done);
        out[*done..*done + fitting].copy_from_slice(&bytes[..fitting]);
        *done += fitting;
        if fitting < bytes.len() {
            break;
        }
        listing.cookie = memory::u64_at(bytes, 0);
        listing.position = entry.end;
    }
    memory::write_u32(memory, bufused, *done as u32)
}

impl Listing {
    /// Goes to the entry that follows a cookie.
    fn seek(&mut self, dir: &Dir, cookie: u64) -> Result {
        if cookie != 0 && self.serial == dir.serial && (self.cookie == cookie || self.find(cookie)) {
            return Ok(());
        }
        // The start is always read anew, as after a `rewinddir`.
        self.serial = 0;
        self.entries.clear();
        self.position = 0;
        i64::try_from(cookie).map_err(|_| Errno::INVAL)?;
        rustix::fs::seek(dir.fd(), SeekFrom::Start(cookie))?;
        self.cookie = cookie;
        self.serial = dir.serial;
        Ok(())
    }

    /// Goes back or on to an entry that is in the buffer: a guest with a small buffer asks for the same entries again.
    fn find(&mut self, cookie: u64) -> bool {
        let mut start = 0;
        while start < self.entries.len() {
            let end = self.end(start);
            if memory::u64_at(&self.entries, start) == cookie {
                self.position = end;
                self.cookie = cookie;
                return true;
            }
            start = end;
        }
        false
    }

    /// The end of the entry that begins at `start`.
    fn end(&self, start: usize) -> usize {
        start + DIRENT_SIZE + memory::u32_at(&self.entries, start + 16) as usize
    }

    /// The place of the next entry in the buffer; none at the end of the directory.
    fn entry(&self) -> Option<std::ops::Range<usize>> {
        let start = self.position;
        (start < self.entries.len()).then(|| start..self.end(start))
    }

    /// Reads ahead once.
    fn fill(&mut self, dir: &Dir) -> Result {
        self.entries.clear();
        self.position = 0;
        if self.raw.is_empty() {
            self.raw = Box::new_uninit_slice(READ_AHEAD);
        }
        let mut raw = RawDir::new(dir.fd(), &mut self.raw);
        // Entries that are there already are not lost to an error.
        while self.entries.is_empty() || !raw.is_buffer_empty() {
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
                    // It is gone.
                    Err(rustix::io::Errno::NOENT) => continue,
                    Err(_) => {}
                }
            }
            let filetype = types::filetype_of(file_type);
            let next = entry.next_entry_cookie();
            self.entries
                .extend_from_slice(&types::dirent(next, ino, bytes.len() as u32, filetype));
            self.entries.extend_from_slice(bytes);
        }
        Ok(())
    }
}

/// The inode of `..`: that of the directory itself where the guest's tree ends, since what is above is not its to know.
fn parent_ino(dir: &Dir, ino: u64) -> Result<u64> {
    let own = rustix::fs::fstat(dir.fd())?;
    Ok(if (own.st_dev, own.st_ino) == dir.root {
        own.st_ino
    } else {
        ino
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::open::path_open;
    use crate::path::remove::path_unlink_file;
    use crate::testing::Tree;

    /// One call of a guest without a deadline.
    fn call(tree: &mut Tree, memory: &mut [u8], fd: u32, buf: u32, buf_len: u32, cookie: u64, bufused: u32) -> Result {
        let mut done = 0;
        loop {
            let result = fd_readdir(&mut tree.ctx, memory, &mut done, fd, buf, buf_len, cookie, bufused);
            if result != Err(Errno::INTR) {
                return result;
            }
        }
    }

    /// Lists with a buffer of `size` bytes until a call does not fill it, as a libc does. Calls `each` for each name.
    fn list(tree: &mut Tree, fd: u32, size: u32, mut each: impl FnMut(&mut Tree, &[u8])) -> Vec<Vec<u8>> {
        let (mut names, mut cookie) = (Vec::new(), 0);
        loop {
            let mut memory = vec![0; size as usize + 8];
            call(tree, &mut memory, fd, 8, size, cookie, 0).unwrap();
            let used = memory::u32_at(&memory, 0) as usize;
            let mut entries = &memory[8..8 + used];
            while entries.len() >= DIRENT_SIZE {
                let end = DIRENT_SIZE + memory::u32_at(entries, 16) as usize;
                if entries.len() < end {
                    break;
                }
                cookie = memory::u64_at(entries, 0);
                let name = entries[DIRENT_SIZE..end].to_vec();
                each(tree, &name);
                names.push(name);
                entries = &entries[end..];
            }
            if used < size as usize {
                return names;
            }
        }
    }

    fn tree_of(count: usize) -> Tree {
        let tree = Tree::new();
        for i in 0..count {
            std::fs::write(tree.path(&format!("file-{i:06}")), "").unwrap();
        }
        tree
    }

    #[test]
    fn every_entry_is_listed_once_whatever_the_size_of_the_buffer() {
        let mut tree = tree_of(300);
        for size in [64, 100, 300, 4096, 100_000] {
            let mut names = list(&mut tree, 3, size, |_, _| {});
            names.sort();
            assert_eq!(names.len(), 302, "with {size} bytes");
            assert_eq!((&names[0][..], &names[1][..]), (&b"."[..], &b".."[..]));
            names.dedup();
            assert_eq!(names.len(), 302);
        }
    }

    #[test]
    fn between_reading_and_reading_on_the_deadline_is_looked_at() {
        let mut tree = tree_of(3000);
        let size = 1 << 20;
        let mut memory = vec![0; size as usize + 8];
        let (mut done, mut pieces) = (0, 0);
        loop {
            let before = done;
            let result = fd_readdir(&mut tree.ctx, &mut memory, &mut done, 3, 8, size, 0, 0);
            assert!(done - before <= 2 * READ_AHEAD, "{before} to {done}");
            match result {
                Err(Errno::INTR) => pieces += 1,
                result => break result.unwrap(),
            }
        }
        assert!(pieces > 1, "{pieces}");
        // Two of dots, and all have the same length.
        assert_eq!(
            memory::u32_at(&memory, 0) as usize,
            2 * DIRENT_SIZE + 3 + 3000 * (DIRENT_SIZE + 11)
        );
    }

    #[test]
    fn removing_what_is_listed_leaves_nothing_behind() {
        let mut tree = tree_of(500);
        list(&mut tree, 3, 300, |tree, name| {
            if name != b"." && name != b".." {
                let mut memory = name.to_vec();
                path_unlink_file(&mut tree.ctx, &mut memory, 3, 0, name.len() as u32).unwrap();
            }
        });
        assert_eq!(std::fs::read_dir(tree.path("")).unwrap().count(), 0);
    }

    #[test]
    fn two_directories_listed_in_turn_do_not_disturb_each_other() {
        let mut tree = tree_of(50);
        std::fs::create_dir(tree.path("inner")).unwrap();
        for i in 0..40 {
            std::fs::write(tree.path(&format!("inner/{i}")), "").unwrap();
        }
        let mut memory = b"inner\0\0\0".to_vec();
        path_open(&mut tree.ctx, &mut memory, 3, 0, 0, 5, 2, 0, 0, 0, 4).unwrap();
        let inner = memory::u32_at(&memory, 4);
        let mut inner_counts = Vec::new();
        let outer = list(&mut tree, 3, 100, |tree, _| {
            inner_counts.push(list(tree, inner, 200, |_, _| {}).len());
        });
        assert_eq!(outer.len(), 53);
        assert!(inner_counts.iter().all(|count| *count == 42));
    }

    #[test]
    fn names_are_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let mut tree = Tree::new();
        let name = std::ffi::OsStr::from_bytes(b"\xff\xfe\n");
        std::fs::write(tree.path("").join(name), "").unwrap();
        assert!(list(&mut tree, 3, 4096, |_, _| {}).contains(&b"\xff\xfe\n".to_vec()));
    }

    #[test]
    fn the_parent_of_a_grant_is_not_revealed() {
        let mut tree = Tree::new();
        let mut memory = vec![0; 4104];
        call(&mut tree, &mut memory, 3, 8, 4096, 0, 0).unwrap();
        let used = memory::u32_at(&memory, 0) as usize;
        // The directory is empty: its two entries are `.` and `..`, in whatever order.
        let entries = &memory[8..8 + used];
        let second = DIRENT_SIZE + memory::u32_at(entries, 16) as usize;
        assert_eq!(used, 2 * DIRENT_SIZE + 3);
        assert_eq!(memory::u64_at(entries, 8), memory::u64_at(entries, second + 8));
    }

    #[test]
    fn wrong_arguments_are_errors() {
        let mut tree = Tree::new();
        let mut memory = vec![0; 64];
        let mut call = |fd, buf, len, cookie, used| call(&mut tree, &mut memory, fd, buf, len, cookie, used);
        assert_eq!(call(0, 0, 8, 0, 0), Err(Errno::NOTDIR));
        assert_eq!(call(9, 0, 8, 0, 0), Err(Errno::BADF));
        assert_eq!(call(3, 60, 8, 0, 0), Err(Errno::FAULT));
        assert_eq!(call(3, 0, 8, 0, 61), Err(Errno::FAULT));
        assert_eq!(call(3, 0, 8, u64::MAX, 0), Err(Errno::INVAL));
    }
}
