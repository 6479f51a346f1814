//! Tests of reads, writes and positions, on real files and pipes.

use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, SeekFrom};

use super::{fd_pread, fd_pwrite, fd_read, fd_seek, fd_tell, fd_write, from};
use crate::host::WasiCtx;
use crate::host::table::{Descriptor, File, Handle};
use crate::host::testing::Tree;
use crate::preview1::fd::stat::{
    fd_fdstat_get, fd_fdstat_set_flags, fd_fdstat_set_rights, fd_filestat_get, fd_filestat_set_size,
    fd_filestat_set_times,
};
use crate::preview1::fd::{fd_advise, fd_allocate, fd_close, fd_datasync, fd_renumber, fd_sync};
use crate::preview1::flags::{fdflags, filetype, rights};
use crate::preview1::{Version, memory};
use crate::types::{Access, Errno, Result};

/// Address of the array of ranges of a transfer, and of its result.
const IOVS: u32 = 0;
const RESULT: u32 = 128;

/// Memory of 1024 bytes, counting up from address 256, with an array of ranges.
fn guest(ranges: &[(u32, u32)]) -> Vec<u8> {
    let mut memory: Vec<u8> = (0..1024).map(|i| i as u8).collect();
    for (i, (ptr, len)) in ranges.iter().enumerate() {
        memory[8 * i..8 * i + 4].copy_from_slice(&ptr.to_le_bytes());
        memory[8 * i + 4..8 * i + 8].copy_from_slice(&len.to_le_bytes());
    }
    memory
}

/// A guest with a file that can be read and written as number 4.
fn guest_with_file(contents: &[u8]) -> Tree {
    let mut tree = Tree::new();
    std::fs::write(tree.path("file"), contents).unwrap();
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(tree.path("file"))
        .unwrap();
    insert(&mut tree.ctx, file.into());
    tree
}

fn insert(ctx: &mut WasiCtx, fd: OwnedFd) -> u32 {
    ctx.table
        .insert(Descriptor::File(File::owned(fd, true, Access::ReadWrite)))
        .unwrap()
}

fn transferred(memory: &[u8]) -> u32 {
    memory::u32_at(memory, RESULT as usize)
}

#[test]
fn all_ranges_of_a_transfer_are_used() {
    let mut tree = guest_with_file(b"");
    let mut memory = guest(&[(256, 3), (0, 0), (512, 4), (300, 2)]);
    fd_write(&mut tree.ctx, &mut memory, 4, IOVS, 4, RESULT).unwrap();
    assert_eq!(transferred(&memory), 9);
    let written = [&memory[256..259], &memory[512..516], &memory[300..302]].concat();
    assert_eq!(std::fs::read(tree.path("file")).unwrap(), written);

    let mut memory = guest(&[(256, 3), (300, 2), (512, 100)]);
    fd_pread(&mut tree.ctx, &mut memory, 4, IOVS, 3, 1, RESULT).unwrap();
    assert_eq!(transferred(&memory), 8);
    let read = [&memory[256..259], &memory[300..302], &memory[512..515]].concat();
    assert_eq!(read, written[1..]);
    assert_eq!(memory[515], 515_usize as u8);
}

#[test]
fn a_transfer_with_a_wrong_address_moves_nothing() {
    let mut tree = guest_with_file(b"abc");
    let cases = [
        (vec![(1020, 5)], RESULT),
        (vec![(256, 3), (1024, 1)], RESULT),
        (vec![(256, 3)], 1021),
    ];
    for (ranges, result) in cases {
        let count = ranges.len() as u32;
        let mut memory = guest(&ranges);
        let before = memory.clone();
        assert_eq!(
            fd_read(&mut tree.ctx, &mut memory, 4, IOVS, count, result),
            Err(Errno::FAULT)
        );
        assert_eq!(
            fd_write(&mut tree.ctx, &mut memory, 4, IOVS, count, result),
            Err(Errno::FAULT)
        );
        assert_eq!(
            fd_pread(&mut tree.ctx, &mut memory, 4, IOVS, count, 0, result),
            Err(Errno::FAULT)
        );
        assert_eq!(
            fd_pwrite(&mut tree.ctx, &mut memory, 4, IOVS, count, 0, result),
            Err(Errno::FAULT)
        );
        assert_eq!(memory, before);
    }
    assert_eq!(std::fs::read(tree.path("file")).unwrap(), b"abc");
    fd_tell(&mut tree.ctx, &mut guest(&[]), 4, 0).unwrap();
}

#[test]
fn directories_and_unknown_numbers_are_not_read_or_written() {
    let mut tree = Tree::new();
    let ctx = &mut tree.ctx;
    let mut memory = guest(&[(256, 3)]);
    assert_eq!(fd_read(ctx, &mut memory, 3, IOVS, 1, RESULT), Err(Errno::ISDIR));
    assert_eq!(fd_pread(ctx, &mut memory, 3, IOVS, 1, 0, RESULT), Err(Errno::ISDIR));
    for (fd, errno) in [(3, Errno::BADF), (9, Errno::BADF), (u32::MAX, Errno::BADF)] {
        assert_eq!(fd_write(ctx, &mut memory, fd, IOVS, 1, RESULT), Err(errno));
        assert_eq!(fd_pwrite(ctx, &mut memory, fd, IOVS, 1, 0, RESULT), Err(errno));
        assert_eq!(fd_seek(ctx, &mut memory, Version::Preview1, fd, 0, 0, 0), Err(errno));
        assert_eq!(fd_tell(ctx, &mut memory, fd, 0), Err(errno));
        assert_eq!(fd_allocate(ctx, &mut memory, fd, 0, 1), Err(errno));
        assert_eq!(fd_filestat_set_size(ctx, &mut memory, fd, 0), Err(errno));
        assert_eq!(fd_advise(ctx, &mut memory, fd, 0, 0, 0), Err(errno));
    }
    assert_eq!(fd_read(ctx, &mut memory, 9, IOVS, 1, RESULT), Err(Errno::BADF));
}

#[test]
fn positions_are_kept_by_pread_and_pwrite() {
    let mut tree = guest_with_file(b"0123456789");
    let ctx = &mut tree.ctx;
    let mut memory = guest(&[(256, 2)]);
    let at = |ctx: &mut WasiCtx, offset, whence| {
        let mut memory = vec![0; 8];
        fd_seek(ctx, &mut memory, Version::Preview1, 4, offset, whence, 0).map(|()| memory::u64_at(&memory, 0))
    };
    assert_eq!(at(ctx, 4, 0), Ok(4));
    assert_eq!(fd_pread(ctx, &mut memory, 4, IOVS, 1, 8, RESULT), Ok(()));
    assert_eq!(&memory[256..258], b"89");
    assert_eq!(fd_pwrite(ctx, &mut memory, 4, IOVS, 1, 0, RESULT), Ok(()));
    assert_eq!(at(ctx, 0, 1), Ok(4));
    assert_eq!(at(ctx, -1, 2), Ok(9));
    assert_eq!(at(ctx, -1, 0), Err(Errno::INVAL));
    assert_eq!(at(ctx, -10, 1), Err(Errno::INVAL));
    assert_eq!(at(ctx, 0, 3), Err(Errno::INVAL));
    assert_eq!(
        fd_pread(ctx, &mut memory, 4, IOVS, 1, 1 << 63, RESULT),
        Err(Errno::INVAL)
    );
    assert_eq!(
        fd_pwrite(ctx, &mut memory, 4, IOVS, 1, u64::MAX, RESULT),
        Err(Errno::INVAL)
    );
    assert_eq!(std::fs::read(tree.path("file")).unwrap(), b"8923456789");
}

#[test]
fn a_pipe_has_no_position_and_its_end_is_no_error() {
    let mut tree = Tree::new();
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let (reader, writer) = (insert(&mut tree.ctx, reader), insert(&mut tree.ctx, writer));
    let ctx = &mut tree.ctx;
    let mut memory = guest(&[(256, 3)]);
    assert_eq!(
        fd_pread(ctx, &mut memory, reader, IOVS, 1, 0, RESULT),
        Err(Errno::SPIPE)
    );
    assert_eq!(
        fd_seek(ctx, &mut memory, Version::Preview1, reader, 0, 1, 0),
        Err(Errno::SPIPE)
    );
    assert_eq!(fd_advise(ctx, &mut memory, reader, 0, 0, 0), Err(Errno::SPIPE));
    let mut memory = guest(&[(256, 3)]);
    assert_eq!(fd_write(ctx, &mut memory, writer, IOVS, 1, RESULT), Ok(()));
    assert_eq!(fd_close(ctx, &mut memory, writer), Ok(()));
    for expected in [3, 0] {
        assert_eq!(fd_read(ctx, &mut memory, reader, IOVS, 1, RESULT), Ok(()));
        assert_eq!(transferred(&memory), expected);
    }
}

#[test]
fn flags_of_a_file_of_its_own_are_the_kernels() {
    let mut tree = guest_with_file(b"abc");
    let ctx = &mut tree.ctx;
    let mut memory = guest(&[(256, 3)]);
    let append = fdflags::APPEND.into();
    fd_fdstat_set_flags(ctx, &mut memory, 4, append).unwrap();
    fd_write(ctx, &mut memory, 4, IOVS, 1, RESULT).unwrap();
    fd_pwrite(ctx, &mut memory, 4, IOVS, 1, 0, RESULT).unwrap();
    fd_fdstat_set_flags(ctx, &mut memory, 4, 0).unwrap();
    fd_pwrite(ctx, &mut memory, 4, IOVS, 1, 0, RESULT).unwrap();
    assert_eq!(tree.path("file").metadata().unwrap().len(), 9);
    let ctx = &mut tree.ctx;
    assert_eq!(
        fd_fdstat_set_flags(ctx, &mut memory, 4, fdflags::SYNC.into()),
        Err(Errno::NOTSUP)
    );
    assert_eq!(fd_fdstat_set_flags(ctx, &mut memory, 4, 32), Err(Errno::INVAL));
    assert_eq!(fd_fdstat_set_flags(ctx, &mut memory, 9, 0), Err(Errno::BADF));
}

#[test]
fn flags_of_a_standard_stream_stay_the_users() {
    let mut ctx = WasiCtx::builder().build().unwrap();
    let host = || rustix::fs::fcntl_getfl(rustix::stdio::stdin()).unwrap();
    let before = host();
    let mut memory = guest(&[]);
    for fd in 0..3 {
        fd_fdstat_set_flags(&mut ctx, &mut memory, fd, fdflags::NONBLOCK.into()).unwrap();
        fd_fdstat_get(&mut ctx, &mut memory, fd, 0).unwrap();
        assert_ne!(memory::u16_at(&memory, 2) & fdflags::NONBLOCK, 0);
    }
    assert_eq!(host(), before);
    assert!(!before.contains(OFlags::NONBLOCK));
}

#[test]
fn a_non_blocking_stream_that_is_shared_does_not_block() {
    let mut tree = Tree::new();
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let mut insert = |fd| {
        let file = File {
            nonblock: true,
            ..File::owned(fd, true, Access::ReadWrite)
        };
        tree.ctx.table.insert(Descriptor::File(file)).unwrap()
    };
    let (reader, writer) = (insert(reader), insert(writer));
    let ctx = &mut tree.ctx;
    let mut memory = guest(&[(0, 1024), (256, 512)]);
    assert_eq!(fd_read(ctx, &mut memory, reader, IOVS, 2, RESULT), Err(Errno::AGAIN));
    let mut total = 0;
    loop {
        match fd_write(ctx, &mut memory, writer, IOVS, 2, RESULT) {
            Ok(()) => total += transferred(&memory),
            Err(errno) => {
                assert_eq!(errno, Errno::AGAIN);
                break;
            }
        }
        memory = guest(&[(0, 1024), (256, 512)]);
    }
    assert!(total >= 4096);
    let mut memory = guest(&[(256, 512)]);
    assert_eq!(fd_read(ctx, &mut memory, reader, IOVS, 1, RESULT), Ok(()));
    assert_eq!(transferred(&memory), 512);
}

#[test]
fn what_is_known_of_each_kind_of_descriptor() {
    let mut tree = guest_with_file(b"abc");
    let null = std::fs::File::open("/dev/null").unwrap();
    let null = insert(&mut tree.ctx, null.into());
    let (reader, _writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let pipe = insert(&mut tree.ctx, reader);
    let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let stream = insert(&mut tree.ctx, stream.into());
    let (datagram, _other) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let datagram = insert(&mut tree.ctx, datagram.into());
    let mut fdstat = |fd| {
        let mut memory = vec![0; 24];
        fd_fdstat_get(&mut tree.ctx, &mut memory, fd, 0).unwrap();
        (memory[0], memory::u64_at(&memory, 8))
    };
    let seek = rights::FD_SEEK | rights::FD_TELL;
    let (kind, base) = fdstat(3);
    assert_eq!(
        (kind, base & (seek | rights::FD_FILESTAT_SET_SIZE)),
        (filetype::DIRECTORY, 0)
    );
    let (kind, base) = fdstat(4);
    let all = seek | rights::FD_READ | rights::FD_WRITE;
    assert_eq!((kind, base & all), (filetype::REGULAR_FILE, all));
    let (kind, base) = fdstat(null);
    let wanted = seek | rights::FD_READ;
    assert_eq!(
        (kind, base & (wanted | rights::FD_WRITE)),
        (filetype::CHARACTER_DEVICE, wanted)
    );
    let (kind, base) = fdstat(pipe);
    assert_eq!((kind, base & seek), (filetype::UNKNOWN, 0));
    assert_eq!(fdstat(stream).0, filetype::SOCKET_STREAM);
    assert_eq!(fdstat(datagram).0, filetype::SOCKET_DGRAM);
}

#[test]
fn a_terminal_is_a_character_device_that_cannot_seek() {
    let Ok(terminal) = std::fs::File::options().read(true).write(true).open("/dev/ptmx") else {
        // Some containers have no terminals. The rule for other devices is tested above.
        return;
    };
    let mut tree = Tree::new();
    let fd = insert(&mut tree.ctx, terminal.into());
    let mut memory = vec![0; 24];
    fd_fdstat_get(&mut tree.ctx, &mut memory, fd, 0).unwrap();
    let seek = rights::FD_SEEK | rights::FD_TELL;
    assert_eq!(
        (memory[0], memory::u64_at(&memory, 8) & seek),
        (filetype::CHARACTER_DEVICE, 0)
    );
}

#[test]
fn sizes_storage_and_times_of_an_open_file() {
    let mut tree = guest_with_file(b"abc");
    let ctx = &mut tree.ctx;
    let mut memory = vec![0; 64];
    assert_eq!(fd_filestat_set_size(ctx, &mut memory, 4, 10), Ok(()));
    assert_eq!(fd_filestat_set_size(ctx, &mut memory, 4, 1 << 63), Err(Errno::INVAL));
    assert!(matches!(
        fd_allocate(ctx, &mut memory, 4, 0, 20),
        Ok(()) | Err(Errno::NOTSUP)
    ));
    assert_eq!(fd_allocate(ctx, &mut memory, 4, 0, 0), Err(Errno::INVAL));
    assert_eq!(fd_allocate(ctx, &mut memory, 4, u64::MAX, 2), Err(Errno::FBIG));
    assert_eq!(fd_advise(ctx, &mut memory, 4, 0, 0, 5), Ok(()));
    assert_eq!(fd_advise(ctx, &mut memory, 4, 0, 0, 6), Err(Errno::INVAL));
    assert_eq!(fd_advise(ctx, &mut memory, 4, 1 << 63, 0, 0), Err(Errno::INVAL));
    assert_eq!(fd_datasync(ctx, &mut memory, 4), Ok(()));
    assert_eq!(fd_sync(ctx, &mut memory, 4), Ok(()));
    assert_eq!(fd_filestat_set_times(ctx, &mut memory, 4, 1, 2_000_000_003, 5), Ok(()));
    assert_eq!(fd_filestat_get(ctx, &mut memory, Version::Preview1, 4, 0), Ok(()));
    assert_eq!(
        (memory::u64_at(&memory, 40), memory::u64_at(&memory, 48)),
        (1, 2_000_000_003)
    );
    assert_eq!(fd_filestat_set_times(ctx, &mut memory, 4, u64::MAX, 0, 1), Ok(()));
    assert_eq!(fd_filestat_set_times(ctx, &mut memory, 4, 1, 1, 3), Err(Errno::INVAL));
    assert_eq!(fd_fdstat_set_rights(ctx, &mut memory, 4, 0, 0), Err(Errno::NOTSUP));
    assert_eq!(fd_fdstat_set_rights(ctx, &mut memory, 4, 1 << 30, 0), Err(Errno::INVAL));
}

#[test]
fn closing_a_standard_stream_is_the_guests_affair_only() {
    let mut ctx = WasiCtx::builder().build().unwrap();
    let mut memory = guest(&[(256, 0)]);
    fd_renumber(&mut ctx, &mut memory, 2, 1).unwrap();
    assert!(matches!(ctx.table.file(1).unwrap().handle, Handle::Stderr));
    for fd in [0, 1] {
        assert_eq!(fd_close(&mut ctx, &mut memory, fd), Ok(()));
        assert_eq!(fd_close(&mut ctx, &mut memory, fd), Err(Errno::BADF));
        assert_eq!(fd_write(&mut ctx, &mut memory, fd, IOVS, 1, RESULT), Err(Errno::BADF));
    }
    for host in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        assert!(rustix::fs::fstat(host).is_ok());
    }
}

#[test]
fn only_what_exists_can_be_renumbered() -> Result {
    let mut tree = guest_with_file(b"abc");
    let mut memory = guest(&[]);
    for (from, to) in [(4, 9), (9, 4), (u32::MAX, u32::MAX), (4, u32::MAX)] {
        assert_eq!(fd_renumber(&mut tree.ctx, &mut memory, from, to), Err(Errno::BADF));
    }
    fd_renumber(&mut tree.ctx, &mut memory, 4, 4)?;
    fd_renumber(&mut tree.ctx, &mut memory, 4, 3)?;
    fd_tell(&mut tree.ctx, &mut memory, 3, 0)
}

#[test]
fn whence_has_the_order_of_its_version() {
    let order = |version| (0..3).map(|whence| from(version, whence, 5)).collect::<Vec<_>>();
    let (set, cur, end) = (Ok(SeekFrom::Start(5)), Ok(SeekFrom::Current(5)), Ok(SeekFrom::End(5)));
    assert_eq!(order(Version::Preview1), [set, cur, end]);
    assert_eq!(order(Version::Preview0), [cur, end, set]);
    assert_eq!(from(Version::Preview1, 3, 0), Err(Errno::INVAL));
    assert_eq!(from(Version::Preview1, 0, -1), Err(Errno::INVAL));
}
