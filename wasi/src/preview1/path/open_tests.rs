//! Tests of `path_open` on real trees.

use std::os::unix::fs::symlink;

use super::*;
use crate::host::testing::Tree;
use crate::preview1::fd::io::{fd_read, fd_write};
use crate::types::Access;

const READ: u64 = rights::FD_READ;
const WRITE: u64 = rights::FD_WRITE;

fn open(tree: &mut Tree, path: &str, follow: u32, oflags: u16, rights: u64) -> Result<u32> {
    open_with(tree, path, follow, oflags, rights, 0)
}

fn open_with(tree: &mut Tree, path: &str, follow: u32, oflags: u16, rights: u64, flags: u16) -> Result<u32> {
    let mut memory = vec![0; 8];
    memory.extend_from_slice(path.as_bytes());
    let len = path.len() as u32;
    path_open(
        &mut tree.ctx,
        &mut memory,
        3,
        follow,
        8,
        len,
        oflags.into(),
        rights,
        0,
        flags.into(),
        0,
    )?;
    Ok(memory::u32_at(&memory, 0))
}

/// Memory with one `iovec` for the bytes at 16.
fn buffer(bytes: &[u8]) -> Vec<u8> {
    let mut memory = vec![16, 0, 0, 0, bytes.len() as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    memory.extend_from_slice(bytes);
    memory
}

fn write(tree: &mut Tree, fd: u32, bytes: &[u8]) -> Result {
    fd_write(&mut tree.ctx, &mut buffer(bytes), fd, 0, 1, 8)
}

fn read(tree: &mut Tree, fd: u32) -> Result<Vec<u8>> {
    let mut memory = buffer(&[0; 100]);
    fd_read(&mut tree.ctx, &mut memory, fd, 0, 1, 8)?;
    let len = memory::u32_at(&memory, 8) as usize;
    Ok(memory[16..16 + len].to_vec())
}

#[test]
fn a_file_can_do_what_it_was_opened_for() {
    let mut tree = Tree::new();
    let created = open(&mut tree, "f", 0, oflags::CREAT | oflags::EXCL, READ | WRITE).unwrap();
    assert_eq!(created, 4);
    assert_eq!(write(&mut tree, created, b"abc"), Ok(()));
    assert_eq!(
        open(&mut tree, "f", 0, oflags::CREAT | oflags::EXCL, READ),
        Err(Errno::EXIST)
    );

    let reader = open(&mut tree, "f", 0, 0, READ).unwrap();
    assert_eq!(read(&mut tree, reader), Ok(b"abc".to_vec()));
    assert_eq!(write(&mut tree, reader, b"x"), Err(Errno::BADF));
    let writer = open(&mut tree, "f", 0, 0, WRITE).unwrap();
    assert_eq!(read(&mut tree, writer), Err(Errno::BADF));
    let neither = open(&mut tree, "f", 0, 0, 0).unwrap();
    assert_eq!(read(&mut tree, neither), Err(Errno::BADF));
    assert_eq!(write(&mut tree, neither, b"x"), Err(Errno::BADF));

    let appender = open_with(&mut tree, "f", 0, 0, WRITE, fdflags::APPEND).unwrap();
    assert_eq!(write(&mut tree, appender, b"def"), Ok(()));
    assert_eq!(std::fs::read(tree.path("f")).unwrap(), b"abcdef");
    open_with(&mut tree, "f", 0, oflags::TRUNC, WRITE, fdflags::APPEND).unwrap();
    assert_eq!(std::fs::read(tree.path("f")).unwrap(), b"");
}

#[test]
fn truncating_works_with_any_rights_and_through_links() {
    let mut tree = Tree::new();
    symlink("f", tree.path("link")).unwrap();
    for rights in [0, READ, WRITE, READ | WRITE] {
        for (path, follow) in [("f", 0), ("link", 1)] {
            std::fs::write(tree.path("f"), "abc").unwrap();
            open_with(&mut tree, path, follow, oflags::TRUNC, rights, fdflags::APPEND).unwrap();
            assert_eq!(
                std::fs::read(tree.path("f")).unwrap(),
                b"",
                "{path} with rights {rights}"
            );
        }
    }
}

#[test]
fn a_link_to_nothing_can_be_created_through() {
    let mut tree = Tree::with_outside();
    symlink("target", tree.path("inside")).unwrap();
    symlink("../outside/new", tree.path("leading-out")).unwrap();
    assert_eq!(open(&mut tree, "inside", 0, oflags::CREAT, WRITE), Err(Errno::LOOP));
    assert!(open(&mut tree, "inside", 1, oflags::CREAT, WRITE).is_ok());
    assert!(tree.path("target").exists());
    assert_eq!(
        open(&mut tree, "leading-out", 1, oflags::CREAT, WRITE),
        Err(Errno::PERM)
    );
    assert!(!tree.outside().join("new").exists());
}

#[test]
fn directories_are_told_from_files() {
    let mut tree = Tree::new();
    std::fs::create_dir(tree.path("d")).unwrap();
    std::fs::write(tree.path("f"), "").unwrap();
    for (path, oflags) in [
        ("d", 0),
        ("d", oflags::DIRECTORY),
        ("d/", 0),
        (".", 0),
        ("d/..", oflags::DIRECTORY),
    ] {
        let fd = open(&mut tree, path, 0, oflags, READ).unwrap();
        assert!(tree.ctx.table.dir(fd).is_ok(), "{path}");
    }
    assert_eq!(
        open(&mut tree, "d", 0, oflags::DIRECTORY, READ | WRITE),
        Err(Errno::ISDIR)
    );
    assert_eq!(open(&mut tree, "d", 0, oflags::CREAT, 0), Err(Errno::ISDIR));
    assert_eq!(open(&mut tree, "new/", 0, oflags::CREAT, WRITE), Err(Errno::ISDIR));
    assert_eq!(open(&mut tree, "f", 0, oflags::DIRECTORY, READ), Err(Errno::NOTDIR));
    assert_eq!(open(&mut tree, "f/", 0, 0, READ), Err(Errno::NOTDIR));
    assert_eq!(
        open(&mut tree, "d", 0, oflags::DIRECTORY | oflags::CREAT, READ),
        Err(Errno::INVAL)
    );
}

#[test]
fn wrong_arguments_are_errors_without_effect() {
    let mut tree = Tree::new();
    let create = u32::from(oflags::CREAT);
    let mut memory = b"new\0".to_vec();
    let mut call = |fd, dirflags, len, oflags, rights, flags, out| {
        path_open(
            &mut tree.ctx,
            &mut memory,
            fd,
            dirflags,
            0,
            len,
            oflags,
            rights,
            0,
            flags,
            out,
        )
    };
    assert_eq!(call(3, 2, 3, create, 0, 0, 0), Err(Errno::INVAL));
    assert_eq!(call(3, 0, 3, create | 16, 0, 0, 0), Err(Errno::INVAL));
    assert_eq!(call(3, 0, 3, create, 1 << 30, 0, 0), Err(Errno::INVAL));
    assert_eq!(call(3, 0, 3, create, 0, 32, 0), Err(Errno::INVAL));
    assert_eq!(call(3, 0, 3, create, 0, 0, 1), Err(Errno::FAULT));
    assert_eq!(call(3, 0, 5, create, 0, 0, 0), Err(Errno::FAULT));
    assert_eq!(call(3, 0, 4, create, 0, 0, 0), Err(Errno::INVAL));
    assert_eq!(call(1, 0, 3, create, 0, 0, 0), Err(Errno::NOTDIR));
    assert_eq!(call(9, 0, 3, create, 0, 0, 0), Err(Errno::BADF));
    assert_eq!(std::fs::read_dir(tree.path("")).unwrap().count(), 0);
}

#[test]
fn a_read_only_grant_opens_what_exists_to_be_read() {
    let mut tree = Tree::read_only();
    std::fs::write(tree.path("f"), "abc").unwrap();
    std::fs::create_dir(tree.path("d")).unwrap();
    std::fs::write(tree.path("d/f"), "abc").unwrap();
    assert!(open(&mut tree, "f", 0, 0, READ).is_ok());
    assert!(open(&mut tree, "f", 0, oflags::CREAT, READ).is_ok());
    for (path, oflags, rights, errno) in [
        ("f", 0, WRITE, Errno::ROFS),
        ("f", 0, READ | WRITE, Errno::ROFS),
        ("f", oflags::TRUNC, READ, Errno::ROFS),
        ("f", oflags::TRUNC, 0, Errno::ROFS),
        ("f", oflags::CREAT | oflags::EXCL, READ, Errno::EXIST),
        ("new", oflags::CREAT, READ, Errno::ROFS),
        ("new", oflags::CREAT | oflags::EXCL, READ, Errno::ROFS),
        ("d/f", oflags::TRUNC, WRITE, Errno::ROFS),
        ("new", 0, READ, Errno::NOENT),
    ] {
        assert_eq!(open(&mut tree, path, 0, oflags, rights), Err(errno), "{path}");
    }
    let inner = open(&mut tree, "d", 0, oflags::DIRECTORY, READ).unwrap();
    assert_eq!(tree.ctx.table.dir(inner).unwrap().access, Access::ReadOnly);
    assert_eq!(std::fs::read(tree.path("f")).unwrap(), b"abc");
}
