//! Tests of the functions on paths, on real trees: the same results as on Linux, the errors of a read-only grant, and files
//! outside of the grant.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::*;
use crate::host::testing::Tree;
use crate::preview1::fd::fd_allocate;
use crate::preview1::fd::stat::{fd_filestat_get, fd_filestat_set_size, fd_filestat_set_times};
use crate::preview1::flags::fstflags;
use crate::types::Access;

/// Address of the results. The paths follow them.
const RESULTS: u32 = 256;

/// Returns guest memory that contains paths, with their addresses and lengths.
fn paths<const N: usize>(paths: [&str; N]) -> (Vec<u8>, [(u32, u32); N]) {
    let mut memory = vec![0; RESULTS as usize];
    let places = paths.map(|path| {
        let place = (memory.len() as u32, path.len() as u32);
        memory.extend_from_slice(path.as_bytes());
        place
    });
    (memory, places)
}

fn create_directory(ctx: &mut WasiCtx, fd: u32, path: &str) -> Result {
    let (mut memory, [(ptr, len)]) = paths([path]);
    path_create_directory(ctx, &mut memory, fd, ptr, len)
}

fn remove_directory(ctx: &mut WasiCtx, fd: u32, path: &str) -> Result {
    let (mut memory, [(ptr, len)]) = paths([path]);
    path_remove_directory(ctx, &mut memory, fd, ptr, len)
}

fn unlink(ctx: &mut WasiCtx, fd: u32, path: &str) -> Result {
    let (mut memory, [(ptr, len)]) = paths([path]);
    path_unlink_file(ctx, &mut memory, fd, ptr, len)
}

fn rename(ctx: &mut WasiCtx, fd: u32, old: &str, new_fd: u32, new: &str) -> Result {
    let (mut memory, [(old, old_len), (new, new_len)]) = paths([old, new]);
    path_rename(ctx, &mut memory, fd, old, old_len, new_fd, new, new_len)
}

fn link(ctx: &mut WasiCtx, fd: u32, old: &str, new_fd: u32, new: &str) -> Result {
    let (mut memory, [(old, old_len), (new, new_len)]) = paths([old, new]);
    path_link(ctx, &mut memory, fd, 0, old, old_len, new_fd, new, new_len)
}

fn make_symlink(ctx: &mut WasiCtx, target: &str, fd: u32, new: &str) -> Result {
    let (mut memory, [(old, old_len), (new, new_len)]) = paths([target, new]);
    path_symlink(ctx, &mut memory, old, old_len, fd, new, new_len)
}

fn readlink(ctx: &mut WasiCtx, fd: u32, path: &str, buf_len: u32) -> Result<Vec<u8>> {
    let (mut memory, [(ptr, len)]) = paths([path]);
    path_readlink(ctx, &mut memory, fd, ptr, len, 8, buf_len, 0)?;
    let used = memory::u32_at(&memory, 0) as usize;
    Ok(memory[8..8 + used].to_vec())
}

fn set_times(ctx: &mut WasiCtx, fd: u32, flags: u32, path: &str, mtim: u64) -> Result {
    let (mut memory, [(ptr, len)]) = paths([path]);
    path_filestat_set_times(ctx, &mut memory, fd, flags, ptr, len, 0, mtim, fstflags::MTIM.into())
}

/// Size and times of a file.
fn stat(ctx: &mut WasiCtx, fd: u32, flags: u32, path: &str) -> Result<[u64; 4]> {
    let (mut memory, [(ptr, len)]) = paths([path]);
    path_filestat_get(ctx, &mut memory, Version::Preview1, fd, flags, ptr, len, 0)?;
    Ok([32, 40, 48, 56].map(|at| memory::u64_at(&memory, at)))
}

fn open(ctx: &mut WasiCtx, fd: u32, path: &str, rights: u64) -> Result<u32> {
    let (mut memory, [(ptr, len)]) = paths([path]);
    path_open(ctx, &mut memory, fd, 0, ptr, len, 0, rights, 0, 0, 0)?;
    Ok(memory::u32_at(&memory, 0))
}

/// Lists the attributes of everything below a directory, to detect changes.
fn fingerprint(path: &Path) -> Vec<(String, u64, u64, i64, i64, i64)> {
    let mut entries = Vec::new();
    let meta = path.symlink_metadata().unwrap();
    let changed = meta.ctime() * 1_000_000_000 + meta.ctime_nsec();
    entries.push((
        path.display().to_string(),
        meta.ino(),
        meta.nlink(),
        meta.size() as i64,
        meta.mtime(),
        changed,
    ));
    if meta.is_dir() {
        let mut children: Vec<_> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        children.sort();
        for child in children {
            entries.extend(fingerprint(&child));
        }
    }
    entries
}

#[test]
fn paths_are_bytes_without_zero() {
    let mut memory = vec![b'a'; 8192];
    memory[..4].copy_from_slice(b"\xff/b\0");
    assert_eq!(read(&memory, 0, 3), Ok(&b"\xff/b"[..]));
    assert_eq!(read(&memory, 0, 4), Err(Errno::INVAL));
    assert_eq!(read(&memory, 0, 0), Err(Errno::NOENT));
    assert_eq!(read(&memory, 100, 4095).map(<[u8]>::len), Ok(4095));
    assert_eq!(read(&memory, 100, 4096), Err(Errno::NAMETOOLONG));
    assert_eq!(read(&memory, 8190, 3), Err(Errno::FAULT));
    assert_eq!(follow(2), Err(Errno::INVAL));
}

#[test]
fn directories_are_created_and_removed_as_linux_does() {
    let mut tree = Tree::new();
    std::fs::write(tree.path("file"), "").unwrap();
    symlink("nowhere", tree.path("dangling")).unwrap();
    let ctx = &mut tree.ctx;
    assert_eq!(create_directory(ctx, 3, "a/"), Ok(()));
    assert_eq!(create_directory(ctx, 3, "a/b"), Ok(()));
    assert_eq!(create_directory(ctx, 3, "a"), Err(Errno::EXIST));
    assert_eq!(create_directory(ctx, 3, "."), Err(Errno::EXIST));
    assert_eq!(create_directory(ctx, 3, "dangling"), Err(Errno::EXIST));
    assert_eq!(create_directory(ctx, 3, "dangling/"), Err(Errno::EXIST));
    assert_eq!(create_directory(ctx, 3, "none/b"), Err(Errno::NOENT));
    assert_eq!(create_directory(ctx, 3, "file/b"), Err(Errno::NOTDIR));
    assert_eq!(create_directory(ctx, 3, "../b"), Err(Errno::PERM));
    assert_eq!(create_directory(ctx, 1, "b"), Err(Errno::NOTDIR));
    assert_eq!(remove_directory(ctx, 3, "a"), Err(Errno::NOTEMPTY));
    assert_eq!(remove_directory(ctx, 3, "a/b/"), Ok(()));
    assert_eq!(remove_directory(ctx, 3, "file"), Err(Errno::NOTDIR));
    assert_eq!(remove_directory(ctx, 3, "a/."), Err(Errno::INVAL));
    assert_eq!(remove_directory(ctx, 3, "a"), Ok(()));
}

#[test]
fn files_are_removed_and_moved_as_linux_does() {
    let mut tree = Tree::new();
    std::fs::write(tree.path("file"), "abc").unwrap();
    std::fs::create_dir_all(tree.path("dir/inner")).unwrap();
    std::fs::create_dir(tree.path("empty")).unwrap();
    symlink("dir", tree.path("to-dir")).unwrap();
    let ctx = &mut tree.ctx;
    assert_eq!(unlink(ctx, 3, "dir"), Err(Errno::ISDIR));
    assert_eq!(unlink(ctx, 3, "dir/"), Err(Errno::ISDIR));
    assert_eq!(unlink(ctx, 3, "file/"), Err(Errno::NOTDIR));
    assert_eq!(unlink(ctx, 3, "to-dir/"), Err(Errno::NOTDIR));
    assert_eq!(unlink(ctx, 3, "to-dir"), Ok(()));
    assert_eq!(rename(ctx, 3, "file", 3, "dir"), Err(Errno::ISDIR));
    assert_eq!(rename(ctx, 3, "file", 3, "new/"), Err(Errno::NOTDIR));
    assert_eq!(rename(ctx, 3, "empty", 3, "dir"), Err(Errno::NOTEMPTY));
    assert_eq!(rename(ctx, 3, "empty/", 3, "moved/"), Ok(()));
    assert_eq!(rename(ctx, 3, ".", 3, "moved"), Err(Errno::BUSY));
    assert_eq!(rename(ctx, 3, "file", 3, "dir/inner/file"), Ok(()));
    assert_eq!(stat(ctx, 3, 0, "dir/inner/file").map(|fields| fields[0]), Ok(3));
    assert_eq!(stat(ctx, 3, 0, "file"), Err(Errno::NOENT));
    assert_eq!(unlink(ctx, 3, "dir/inner/file"), Ok(()));
}

#[test]
fn links_are_created_and_read_as_linux_does() {
    let mut tree = Tree::new();
    std::fs::write(tree.path("file"), "abc").unwrap();
    std::fs::create_dir(tree.path("dir")).unwrap();
    symlink("/etc/passwd", tree.path("absolute")).unwrap();
    let ctx = &mut tree.ctx;
    assert_eq!(link(ctx, 3, "file", 3, "hard"), Ok(()));
    assert_eq!(link(ctx, 3, "file", 3, "file"), Err(Errno::EXIST));
    assert_eq!(link(ctx, 3, "dir", 3, "new"), Err(Errno::PERM));
    assert_eq!(link(ctx, 3, "dir/", 3, "new"), Err(Errno::PERM));
    assert_eq!(link(ctx, 3, "file/", 3, "new"), Err(Errno::NOTDIR));
    assert_eq!(link(ctx, 3, "file", 3, "new/"), Err(Errno::NOENT));
    assert_eq!(make_symlink(ctx, "some/target", 3, "soft"), Ok(()));
    assert_eq!(make_symlink(ctx, "/etc", 3, "new"), Err(Errno::PERM));
    assert_eq!(make_symlink(ctx, "target", 3, "new/"), Err(Errno::NOENT));
    assert_eq!(make_symlink(ctx, "target", 3, "dir/"), Err(Errno::EXIST));
    assert_eq!(readlink(ctx, 3, "soft", 100), Ok(b"some/target".to_vec()));
    assert_eq!(readlink(ctx, 3, "soft", 4), Ok(b"some".to_vec()));
    assert_eq!(readlink(ctx, 3, "soft", 0), Ok(vec![]));
    assert_eq!(readlink(ctx, 3, "file", 100), Err(Errno::INVAL));
    assert_eq!(readlink(ctx, 3, "absolute", 100), Err(Errno::PERM));
    // A hard link to the symbolic link itself, not to its target.
    assert_eq!(link(ctx, 3, "soft", 3, "soft2"), Ok(()));
    assert_eq!(readlink(ctx, 3, "soft2", 100), Ok(b"some/target".to_vec()));
}

#[test]
fn two_paths_that_begin_alike_lie_in_the_same_directory_of_their_own_grant() {
    let mut tree = Tree::new();
    let other = tree.grant("other", Access::ReadWrite);
    let elsewhere = tree.path("../other");
    for dir in [tree.path("d/e"), elsewhere.join("d/e")] {
        std::fs::create_dir_all(dir).unwrap();
    }
    std::fs::write(tree.path("d/e/a"), "a").unwrap();
    assert_eq!(rename(&mut tree.ctx, 3, "d/e/a", 3, "d/e/b"), Ok(()));
    assert_eq!(link(&mut tree.ctx, 3, "d/e/b", 3, "d/e/c"), Ok(()));
    assert_eq!(rename(&mut tree.ctx, 3, "d/e/b", 3, "d/b"), Ok(()));
    assert_eq!(rename(&mut tree.ctx, 3, "d/e/c", other, "d/e/c"), Ok(()));
    assert_eq!(rename(&mut tree.ctx, 3, "d/b", 3, "d/.."), Err(Errno::BUSY));
    assert_eq!(rename(&mut tree.ctx, 3, "d/b", 3, "d/"), Err(Errno::NOTDIR));
    for path in [tree.path("d/b"), elsewhere.join("d/e/c")] {
        assert_eq!(std::fs::read(&path).unwrap(), b"a", "{}", path.display());
    }
    assert_eq!(std::fs::read_dir(tree.path("d/e")).unwrap().count(), 0);
}

#[test]
fn times_are_those_of_the_file_or_of_the_link() {
    let mut tree = Tree::new();
    std::fs::write(tree.path("file"), "abc").unwrap();
    symlink("file", tree.path("link")).unwrap();
    let before = stat(&mut tree.ctx, 3, 0, "file").unwrap();
    assert_eq!(set_times(&mut tree.ctx, 3, 0, "link", 5_000_000_007), Ok(()));
    assert_eq!(stat(&mut tree.ctx, 3, 0, "link").unwrap()[2], 5_000_000_007);
    assert_eq!(stat(&mut tree.ctx, 3, 1, "link").unwrap(), before);
    assert_eq!(set_times(&mut tree.ctx, 3, 1, "link", 6_000_000_008), Ok(()));
    let after = stat(&mut tree.ctx, 3, 0, "file").unwrap();
    assert_eq!(after[2], 6_000_000_008);
    // The time of the last change of status, not of creation.
    let meta = tree.path("file").metadata().unwrap();
    assert_eq!(after[3], (meta.ctime() * 1_000_000_000 + meta.ctime_nsec()) as u64);
    assert!(set_times(&mut tree.ctx, 3, 1, ".", 7).is_ok());
    assert_eq!(stat(&mut tree.ctx, 3, 1, ".").unwrap()[2], 7);

    let (mut memory, [(ptr, len)]) = paths(["file"]);
    for flags in [
        fstflags::ATIM | fstflags::ATIM_NOW,
        fstflags::MTIM | fstflags::MTIM_NOW,
        16,
    ] {
        let result = path_filestat_set_times(&mut tree.ctx, &mut memory, 3, 0, ptr, len, 1, 1, flags.into());
        assert_eq!(result, Err(Errno::INVAL));
    }
    assert_eq!(stat(&mut tree.ctx, 3, 0, "file").unwrap(), after);
}

#[test]
fn a_file_from_before_1970_is_shown_as_from_1970() {
    let mut tree = Tree::new();
    let file = std::fs::File::create(tree.path("old")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH - Duration::from_secs(86_400))
        .unwrap();
    assert_eq!(stat(&mut tree.ctx, 3, 0, "old").unwrap()[2], 0);
    let fd = open(&mut tree.ctx, 3, "old", rights::FD_READ).unwrap();
    let mut memory = vec![0xff; 64];
    fd_filestat_get(&mut tree.ctx, &mut memory, Version::Preview1, fd, 0).unwrap();
    assert_eq!(memory::u64_at(&memory, 48), 0);
}

#[test]
fn neither_a_fifo_nor_a_running_program_is_in_the_way_of_its_times() {
    let mut tree = Tree::new();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        tree.path("fifo"),
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();
    symlink("fifo", tree.path("link")).unwrap();
    for (flags, path) in [(0, "fifo"), (1, "fifo"), (1, "link")] {
        assert_eq!(set_times(&mut tree.ctx, 3, flags, path, 9_000_000_000), Ok(()));
        assert_eq!(stat(&mut tree.ctx, 3, flags, path).unwrap()[2], 9_000_000_000);
    }
    // Another process copies it: a child of another test may inherit a descriptor of this one that is open for writing.
    let copy = std::process::Command::new("cp")
        .args([std::env::current_exe().unwrap(), tree.path("program")])
        .status();
    assert!(copy.unwrap().success());
    let mut child = std::process::Command::new(tree.path("program"))
        .args(["--ignored", "--exact", "preview1::path::tests::sleeps"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let result = set_times(&mut tree.ctx, 3, 1, "program", 9_000_000_000);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(result, Ok(()));
}

/// Program for the test above, which sets the times of this program while it runs. It is not a test.
#[test]
#[ignore = "only run by another test, as a program"]
fn sleeps() {
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_read_only_grant_stays_as_it_is() {
    let mut tree = Tree::read_only();
    std::fs::create_dir_all(tree.path("dir/empty")).unwrap();
    std::fs::write(tree.path("dir/file"), "abc").unwrap();
    symlink("dir/file", tree.path("link")).unwrap();
    let writable = tree.grant("writable", Access::ReadWrite);
    std::fs::write(tree.path("../writable/file"), "abc").unwrap();
    let inner = open(&mut tree.ctx, 3, "dir", rights::FD_READ).unwrap();
    let file = open(&mut tree.ctx, inner, "file", rights::FD_READ).unwrap();
    let before = fingerprint(&tree.path(""));
    let ctx = &mut tree.ctx;
    for (fd, prefix) in [(3, "dir/"), (inner, "")] {
        let path = |name: &str| format!("{prefix}{name}");
        let (existing, new) = (path("file"), path("new"));
        assert_eq!(create_directory(ctx, fd, &new), Err(Errno::ROFS));
        assert_eq!(remove_directory(ctx, fd, &path("empty")), Err(Errno::ROFS));
        assert_eq!(unlink(ctx, fd, &existing), Err(Errno::ROFS));
        assert_eq!(make_symlink(ctx, "target", fd, &new), Err(Errno::ROFS));
        assert_eq!(set_times(ctx, fd, 0, &existing, 1), Err(Errno::ROFS));
        assert_eq!(set_times(ctx, fd, 1, &existing, 1), Err(Errno::ROFS));
        assert_eq!(open(ctx, fd, &existing, rights::FD_WRITE), Err(Errno::ROFS));
        // No file can be moved or linked within the grant, into it or out of it.
        for (from, to) in [(fd, fd), (fd, writable), (writable, fd)] {
            let source = if from == fd { existing.as_str() } else { "file" };
            let target = if to == fd { new.as_str() } else { "new" };
            assert_eq!(rename(ctx, from, source, to, target), Err(Errno::ROFS));
            assert_eq!(link(ctx, from, source, to, target), Err(Errno::ROFS));
        }
    }
    assert_eq!(set_times(ctx, 3, 1, "link", 1), Err(Errno::ROFS));
    let mut memory = vec![0; 8];
    for fd in [3, inner, file] {
        assert_eq!(fd_filestat_set_times(ctx, &mut memory, fd, 1, 1, 5), Err(Errno::ROFS));
    }
    assert_eq!(fd_filestat_set_size(ctx, &mut memory, file, 0), Err(Errno::ROFS));
    assert_eq!(fd_allocate(ctx, &mut memory, file, 0, 100), Err(Errno::ROFS));
    assert_eq!(fingerprint(&tree.path("")), before);
    assert_eq!(std::fs::read_dir(tree.path("../writable")).unwrap().count(), 1);
}

#[test]
fn nothing_outside_of_a_grant_is_changed_through_links() {
    let mut tree = Tree::with_outside();
    std::fs::create_dir(tree.outside().join("dir")).unwrap();
    symlink("../outside", tree.path("out")).unwrap();
    symlink("../outside/secret", tree.path("secret")).unwrap();
    symlink("../outside/new", tree.path("new")).unwrap();
    std::fs::write(tree.path("file"), "").unwrap();
    let before = fingerprint(&tree.outside());
    let ctx = &mut tree.ctx;
    for prefix in ["out/", "../outside/", "out/../outside/", "file/../../outside/"] {
        let (secret, new, dir) = (
            format!("{prefix}secret"),
            format!("{prefix}new"),
            format!("{prefix}dir"),
        );
        assert!(create_directory(ctx, 3, &new).is_err());
        assert!(remove_directory(ctx, 3, &dir).is_err());
        assert!(unlink(ctx, 3, &secret).is_err());
        assert!(make_symlink(ctx, "target", 3, &new).is_err());
        assert!(rename(ctx, 3, &secret, 3, "taken").is_err());
        assert!(rename(ctx, 3, "file", 3, &new).is_err());
        assert!(link(ctx, 3, &secret, 3, "taken").is_err());
        assert!(link(ctx, 3, "file", 3, &new).is_err());
        assert!(set_times(ctx, 3, 0, &secret, 1).is_err());
        assert!(stat(ctx, 3, 0, &secret).is_err());
        assert!(readlink(ctx, 3, &secret, 100).is_err());
    }
    for path in ["secret", "out", "out/", "new"] {
        assert!(set_times(ctx, 3, 1, path, 1).is_err(), "{path}");
        assert!(stat(ctx, 3, 1, path).is_err(), "{path}");
        assert!(create_directory(ctx, 3, path).is_err(), "{path}");
    }
    assert_eq!(create_directory(ctx, 3, "new/"), Err(Errno::EXIST));
    assert_eq!(rename(ctx, 3, "file", 3, "new/"), Err(Errno::NOTDIR));
    assert_eq!(fingerprint(&tree.outside()), before);
}
