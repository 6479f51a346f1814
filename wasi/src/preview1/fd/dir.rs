//! `fd_prestat_*` and `fd_readdir`: the directories that the guest was granted, and the entries of a directory.

use crate::host::WasiCtx;
use crate::host::listing::Entry;
use crate::preview1::flags::filetype_of;
use crate::preview1::layout;
use crate::preview1::memory;
use crate::types::{Errno, Result};

/// Writes the length of the name of a granted directory. A libc looks for granted directories from number 3 on until it
/// meets `BADF`.
pub(crate) fn fd_prestat_get(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, buf: u32) -> Result {
    let len = name(ctx, fd)?.len() as u32;
    memory::write(memory, buf, &layout::prestat(len))
}

/// Writes the name of a granted directory, without a zero byte.
pub(crate) fn fd_prestat_dir_name(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    let name = name(ctx, fd)?;
    if name.len() > path_len as usize {
        return Err(Errno::NAMETOOLONG);
    }
    memory::write(memory, path, name)
}

fn name(ctx: &WasiCtx, fd: u32) -> Result<&[u8]> {
    let dir = ctx.table.directory(fd).map_err(|_| Errno::BADF)?;
    dir.preopen().ok_or(Errno::BADF)
}

/// Writes the entries after the cookie. The last one is cut off if it does not fit, so a buffer that is not full means the end
/// of the directory. `done` counts the bytes of earlier attempts that returned `INTR`. An attempt returns `INTR` before it
/// reads more entries, so that the listing of a large directory ends at the deadline.
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
    let dir = ctx.table.directory(fd)?;
    memory::check(memory, bufused, 4)?;
    let out = memory::bytes_mut(memory, buf, buf_len)?;
    let listing = &mut ctx.listing;
    if *done == 0 {
        listing.seek(dir, cookie)?;
    }
    let mut has_read = false;
    while *done < out.len() {
        if listing.entry().is_none() {
            if has_read {
                return Err(Errno::INTR);
            }
            has_read = true;
            match listing.fill(dir) {
                Ok(()) => {}
                // The next call reports the error, so that the entries before it are not lost.
                Err(errno) if *done > 0 && errno != Errno::INTR => break,
                Err(errno) => return Err(errno),
            }
        }
        let Some(entry) = listing.entry() else {
            break;
        };
        let is_whole = write_entry(&entry, out, done);
        if !is_whole {
            break;
        }
        listing.advance();
    }
    memory::write_u32(memory, bufused, *done as u32)
}

/// Writes as much of an entry as fits at `done`, and advances `done`. Returns true if the whole entry fitted.
fn write_entry(entry: &Entry<'_>, out: &mut [u8], done: &mut usize) -> bool {
    let filetype = filetype_of(entry.file_type);
    let dirent = layout::dirent(entry.next, entry.ino, entry.name.len() as u32, filetype);
    for part in [&dirent[..], entry.name] {
        let fitting = part.len().min(out.len() - *done);
        out[*done..*done + fitting].copy_from_slice(&part[..fitting]);
        *done += fitting;
        if fitting < part.len() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Grant;
    use crate::host::listing::READ_AHEAD;
    use crate::host::testing::Tree;
    use crate::preview1::layout::DIRENT_SIZE;
    use crate::preview1::path::{path_open, path_unlink_file};
    use crate::types::Access;

    #[test]
    fn a_directory_that_the_guest_opened_has_no_name() {
        let mut tree = Tree::new();
        let mut memory = b".".to_vec();
        memory.resize(64, 0);
        path_open(&mut tree.ctx, &mut memory, 3, 0, 0, 1, 2, 0, 0, 0, 8).unwrap();
        assert_eq!(memory::u32_at(&memory, 8), 4);
        assert_eq!(fd_prestat_get(&mut tree.ctx, &mut memory, 4, 0), Err(Errno::BADF));
        assert_eq!(
            fd_prestat_dir_name(&mut tree.ctx, &mut memory, 4, 8, 4),
            Err(Errno::BADF)
        );
    }

    #[test]
    fn only_granted_directories_have_a_name() {
        let grant = Grant {
            host: "/".into(),
            guest: b"/w\xff".to_vec(),
            access: Access::ReadOnly,
        };
        let mut ctx = WasiCtx::builder().grant(&grant).unwrap().build().unwrap();
        let mut memory = vec![0xaa; 32];
        assert_eq!(fd_prestat_get(&mut ctx, &mut memory, 3, 0), Ok(()));
        assert_eq!((memory[0], memory::u32_at(&memory, 4)), (0, 3));
        assert_eq!(
            fd_prestat_dir_name(&mut ctx, &mut memory, 3, 8, 2),
            Err(Errno::NAMETOOLONG)
        );
        assert_eq!(fd_prestat_dir_name(&mut ctx, &mut memory, 3, 30, 3), Err(Errno::FAULT));
        assert_eq!(fd_prestat_dir_name(&mut ctx, &mut memory, 3, 8, 4), Ok(()));
        assert_eq!(memory[8..12], *b"/w\xff\xaa");
        for fd in [0, 1, 2, 4, u32::MAX] {
            assert_eq!(fd_prestat_get(&mut ctx, &mut memory, fd, 0), Err(Errno::BADF));
            assert_eq!(fd_prestat_dir_name(&mut ctx, &mut memory, fd, 8, 4), Err(Errno::BADF));
        }
    }

    /// Makes one call as a guest without a deadline.
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
        // The two dot entries are included, and all entries have the same length.
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
        // The directory is empty: its two entries are `.` and `..`, in any order.
        let entries = &memory[8..8 + used];
        let second = DIRENT_SIZE + memory::u32_at(entries, 16) as usize;
        assert_eq!(used, 2 * DIRENT_SIZE + 3);
        assert_eq!(memory::u64_at(entries, 8), memory::u64_at(entries, second + 8));
    }

    #[test]
    fn wrong_arguments_of_a_listing_are_errors() {
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
