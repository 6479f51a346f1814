//! Wrong arguments for every function, in every position. Addresses outside of the memory give `FAULT`, and invalid flags and
//! numbers give `INVAL`. Wrong arguments never cause a trap, and such a call has no effect.

use wasip1::{ERRNO_BADF, ERRNO_FAULT, ERRNO_INVAL, ERRNO_NOENT, ERRNO_NOTDIR, ERRNO_SUCCESS, Errno};

use crate::signatures::{FUNCTIONS, Type, parameters};
use crate::text::{Call, Data, MEMORY, call, results};
use crate::tree::{Tree, each_way};

/// Addresses in the guest's memory: the name of a file, an unused name, a zero byte, a subscription, an array of two buffers,
/// and space for results.
const FILE: u64 = 0;
const FREE: u64 = 8;
const ZERO: u64 = 24;
const SUBSCRIPTION: u64 = 64;
const BUFFERS: u64 = 128;
const OUT: u64 = 1024;
const BUFFER: u64 = 4096;

/// Descriptors: a file for reading, a file for writing, and the grant.
const READER: u64 = 5;
const WRITER: u64 = 6;
const GRANT: u64 = 3;

const READ: u64 = wasip1::RIGHTS_FD_READ;
const WRITE: u64 = wasip1::RIGHTS_FD_WRITE;

fn data() -> Data {
    let buffer = |at: u32, len: u32| [at.to_le_bytes(), len.to_le_bytes()].concat();
    // A clock with a timeout that has already expired.
    let mut subscription = vec![0; 48];
    subscription[16..20].copy_from_slice(&wasip1::CLOCKID_MONOTONIC.raw().to_le_bytes());
    vec![
        (FILE as u32, b"file\0".to_vec()),
        (FREE as u32, b"free\0".to_vec()),
        (SUBSCRIPTION as u32, subscription),
        (
            BUFFERS as u32,
            [buffer(BUFFER as u32, 2), buffer(BUFFER as u32 + 16, 3)].concat(),
        ),
    ]
}

/// Returns the calls that open the descriptors for the other calls.
fn opens() -> Vec<Call> {
    vec![
        call("path_open", [GRANT, 0, FILE, 4, 0, READ, 0, 0, OUT]),
        call("path_open", [GRANT, 0, FILE, 4, 0, WRITE, 0, 0, OUT]),
    ]
}

/// An argument that is an address: its position, and the number of bytes that the call accesses there.
type Address = (usize, u64);

/// Returns a call of each function that succeeds or nearly succeeds, and those of its arguments that are addresses, with the
/// number of bytes there.
fn good() -> Vec<(Call, Vec<Address>)> {
    let no_address = |call: Call| (call, vec![]);
    vec![
        (call("args_get", [OUT, BUFFER]), vec![(0, 4), (1, 2)]),
        (call("args_sizes_get", [OUT, OUT + 8]), vec![(0, 4), (1, 4)]),
        (call("clock_res_get", [0, OUT]), vec![(1, 8)]),
        (call("clock_time_get", [0, 0, OUT]), vec![(2, 8)]),
        (call("environ_get", [OUT, BUFFER]), vec![(0, 4), (1, 3)]),
        (call("environ_sizes_get", [OUT, OUT + 8]), vec![(0, 4), (1, 4)]),
        no_address(call("fd_advise", [READER, 0, 0, 0])),
        no_address(call("fd_allocate", [WRITER, 0, 1])),
        no_address(call("fd_close", [99])),
        no_address(call("fd_datasync", [READER])),
        (call("fd_fdstat_get", [READER, OUT]), vec![(1, 24)]),
        no_address(call("fd_fdstat_set_flags", [READER, 0])),
        no_address(call("fd_fdstat_set_rights", [READER, READ, 0])),
        (call("fd_filestat_get", [READER, OUT]), vec![(1, 64)]),
        no_address(call("fd_filestat_set_size", [WRITER, 10])),
        no_address(call("fd_filestat_set_times", [READER, 0, 0, 0])),
        (call("fd_pread", [READER, BUFFERS, 2, 0, OUT]), vec![(1, 16), (4, 4)]),
        (call("fd_prestat_dir_name", [GRANT, OUT, 1]), vec![(1, 1)]),
        (call("fd_prestat_get", [GRANT, OUT]), vec![(1, 8)]),
        (call("fd_pwrite", [WRITER, BUFFERS, 2, 0, OUT]), vec![(1, 16), (4, 4)]),
        (call("fd_read", [READER, BUFFERS, 2, OUT]), vec![(1, 16), (3, 4)]),
        (call("fd_readdir", [GRANT, OUT, 100, 0, BUFFER]), vec![(1, 100), (4, 4)]),
        no_address(call("fd_renumber", [99, 98])),
        (call("fd_seek", [READER, 0, 1, OUT]), vec![(3, 8)]),
        no_address(call("fd_sync", [READER])),
        (call("fd_tell", [READER, OUT]), vec![(1, 8)]),
        (call("fd_write", [WRITER, BUFFERS, 2, OUT]), vec![(1, 16), (3, 4)]),
        (call("path_create_directory", [GRANT, FREE, 4]), vec![(1, 4)]),
        (
            call("path_filestat_get", [GRANT, 0, FILE, 4, OUT]),
            vec![(2, 4), (4, 64)],
        ),
        (
            call("path_filestat_set_times", [GRANT, 0, FILE, 4, 1, 1, 5]),
            vec![(2, 4)],
        ),
        (
            call("path_link", [GRANT, 0, FILE, 4, GRANT, FREE, 4]),
            vec![(2, 4), (5, 4)],
        ),
        (
            call("path_open", [GRANT, 0, FREE, 4, 1, WRITE, 0, 0, OUT]),
            vec![(2, 4), (8, 4)],
        ),
        (
            call("path_readlink", [GRANT, FILE, 4, OUT, 100, BUFFER]),
            vec![(1, 4), (3, 100), (5, 4)],
        ),
        (call("path_remove_directory", [GRANT, FREE, 4]), vec![(1, 4)]),
        (
            call("path_rename", [GRANT, FILE, 4, GRANT, FREE, 4]),
            vec![(1, 4), (4, 4)],
        ),
        (call("path_symlink", [FILE, 4, GRANT, FREE, 4]), vec![(0, 4), (3, 4)]),
        (call("path_unlink_file", [GRANT, FILE, 4]), vec![(1, 4)]),
        (
            call("poll_oneoff", [SUBSCRIPTION, OUT, 1, BUFFER]),
            vec![(0, 48), (1, 32), (3, 4)],
        ),
        no_address(call("proc_raise", [0])),
        (call("random_get", [OUT, 16]), vec![(0, 16)]),
        no_address(call("sched_yield", [])),
        (call("sock_accept", [READER, 0, OUT]), vec![(2, 4)]),
        (
            call("sock_recv", [READER, BUFFERS, 2, 0, OUT, OUT + 8]),
            vec![(1, 16), (4, 4), (5, 2)],
        ),
        (call("sock_send", [READER, BUFFERS, 2, 0, OUT]), vec![(1, 16), (4, 4)]),
        no_address(call("sock_shutdown", [READER, 1])),
    ]
}

fn with(call: &Call, at: usize, value: u64) -> Call {
    let mut changed = call.clone();
    changed.args[at] = value;
    changed
}

/// Opens the descriptors, makes the calls, and compares their results.
#[track_caller]
fn check(tree: &Tree, data: &[(u32, Vec<u8>)], cases: &[(Call, Errno)]) {
    let calls: Vec<Call> = opens()
        .into_iter()
        .chain(cases.iter().map(|(call, _)| call.clone()))
        .collect();
    let found = tree.unchanged(|| results(tree, &["--env", "A="], data, &calls));
    assert_eq!(found[..2], [0, 0], "the descriptors are opened");
    let wrong: Vec<String> = cases
        .iter()
        .zip(&found[2..])
        .filter(|((_, errno), found)| u32::from(errno.raw()) != **found)
        .map(|((call, errno), found)| format!("{}{:?} gives {found}, not {}", call.function, call.args, errno.name()))
        .collect();
    assert!(wrong.is_empty(), "{:?}:\n{}", tree.way, wrong.join("\n"));
}

#[test]
fn the_table_has_every_function() {
    let named: Vec<&str> = good().iter().map(|(call, _)| call.function).collect();
    let all: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, all);
    for (call, addresses) in good() {
        for (at, _) in addresses {
            assert_eq!(parameters(call.function)[at], Type::I32, "{call:?}");
        }
    }
}

#[test]
fn an_address_outside_of_the_memory_is_a_fault_and_nothing_happens() {
    let end = u64::from(MEMORY);
    let mut cases = Vec::new();
    for (call, addresses) in good() {
        for (at, size) in addresses {
            for wrong in [
                end - size + 1,
                end,
                end + 1,
                0x7fff_ffff,
                0x8000_0000,
                0xffff_fff8,
                0xffff_ffff,
            ] {
                // Every one of these ranges exceeds the memory by at least one byte.
                cases.push((with(&call, at, wrong), ERRNO_FAULT));
            }
        }
    }
    each_way(|tree| {
        tree.write("grant/file", "contents");
        let before = tree.path("grant/file").metadata().and_then(|meta| meta.modified());
        check(tree, &data(), &cases);
        assert_eq!(tree.names("grant"), ["file"]);
        assert_eq!(tree.read("grant/file"), b"contents");
        let after = tree.path("grant/file").metadata().and_then(|meta| meta.modified());
        assert_eq!(
            before.expect("the test owns the file"),
            after.expect("the test owns the file")
        );
    });
}

#[test]
fn a_length_that_reaches_outside_of_the_memory_is_a_fault() {
    let end = u64::from(MEMORY);
    let mut cases = Vec::new();
    for len in [end, end - FILE + 1, 0x7fff_ffff, 0xffff_ffff] {
        for (call, at) in [
            (call("path_create_directory", [GRANT, FREE, len]), 2),
            (call("path_filestat_get", [GRANT, 0, FREE, len, OUT]), 3),
            (call("path_filestat_set_times", [GRANT, 0, FREE, len, 1, 1, 5]), 3),
            (call("path_link", [GRANT, 0, FREE, len, GRANT, FREE, 4]), 3),
            (call("path_link", [GRANT, 0, FILE, 4, GRANT, FREE, len]), 6),
            (call("path_open", [GRANT, 0, FREE, len, 1, WRITE, 0, 0, OUT]), 3),
            (call("path_readlink", [GRANT, FREE, len, OUT, 100, BUFFER]), 2),
            (call("path_remove_directory", [GRANT, FREE, len]), 2),
            (call("path_rename", [GRANT, FREE, len, GRANT, FREE, 4]), 2),
            (call("path_rename", [GRANT, FILE, 4, GRANT, FREE, len]), 5),
            (call("path_symlink", [FREE, len, GRANT, FREE, 4]), 1),
            (call("path_symlink", [FILE, 4, GRANT, FREE, len]), 4),
            (call("path_unlink_file", [GRANT, FREE, len]), 2),
            (call("path_readlink", [GRANT, FILE, 4, OUT, len, BUFFER]), 4),
            (call("fd_readdir", [GRANT, OUT, len, 0, BUFFER]), 2),
            (call("random_get", [OUT, len]), 1),
            (call("fd_read", [READER, BUFFERS, len, OUT]), 2),
            (call("fd_pread", [READER, BUFFERS, len, 0, OUT]), 2),
            (call("fd_write", [WRITER, BUFFERS, len, OUT]), 2),
            (call("fd_pwrite", [WRITER, BUFFERS, len, 0, OUT]), 2),
            (call("sock_recv", [READER, BUFFERS, len, 0, OUT, OUT + 8]), 2),
            (call("sock_send", [READER, BUFFERS, len, 0, OUT]), 2),
        ] {
            assert_eq!(call.args[at], len);
            cases.push((call, ERRNO_FAULT));
        }
    }
    each_way(|tree| {
        tree.write("grant/file", "contents");
        check(tree, &data(), &cases);
        assert_eq!(tree.names("grant"), ["file"]);
        assert_eq!(tree.read("grant/file"), b"contents");
    });
}

#[test]
fn a_buffer_outside_of_the_memory_moves_nothing() {
    let buffers = |second: (u32, u32)| {
        let (first, (at, len)) = ((BUFFER as u32, 2_u32), second);
        [first.0, first.1, at, len].map(u32::to_le_bytes).concat()
    };
    for second in [
        (MEMORY, 1),
        (MEMORY - 1, 2),
        (u32::MAX, 1),
        (0, u32::MAX),
        (u32::MAX, u32::MAX),
    ] {
        let mut data = data();
        data.push((BUFFERS as u32, buffers(second)));
        let cases = [
            (call("fd_read", [READER, BUFFERS, 2, OUT]), ERRNO_FAULT),
            (call("fd_pread", [READER, BUFFERS, 2, 0, OUT]), ERRNO_FAULT),
            (call("fd_write", [WRITER, BUFFERS, 2, OUT]), ERRNO_FAULT),
            (call("fd_pwrite", [WRITER, BUFFERS, 2, 0, OUT]), ERRNO_FAULT),
            (call("fd_write", [WRITER, BUFFERS + 8, 1, OUT]), ERRNO_FAULT),
            (call("fd_read", [READER, BUFFERS + 8, 1, OUT]), ERRNO_FAULT),
        ];
        let tree = Tree::new(crate::tree::Way::AsItIs);
        tree.write("grant/file", "contents");
        check(&tree, &data, &cases);
        assert_eq!(tree.read("grant/file"), b"contents");
    }
}

#[test]
fn what_ends_where_the_memory_ends_is_right() {
    let end = u64::from(MEMORY);
    let cases = [
        (call("args_sizes_get", [end - 4, end - 8]), ERRNO_SUCCESS),
        (call("clock_res_get", [0, end - 8]), ERRNO_SUCCESS),
        (call("clock_time_get", [0, 0, end - 8]), ERRNO_SUCCESS),
        (call("environ_get", [end - 4, end - 8]), ERRNO_SUCCESS),
        (call("fd_fdstat_get", [READER, end - 24]), ERRNO_SUCCESS),
        (call("fd_filestat_get", [READER, end - 64]), ERRNO_SUCCESS),
        (call("fd_pread", [READER, BUFFERS, 2, 0, end - 4]), ERRNO_SUCCESS),
        (call("fd_prestat_dir_name", [GRANT, end - 1, 1]), ERRNO_SUCCESS),
        (call("fd_prestat_get", [GRANT, end - 8]), ERRNO_SUCCESS),
        (call("fd_pwrite", [WRITER, BUFFERS, 2, 0, end - 4]), ERRNO_SUCCESS),
        (call("fd_read", [READER, BUFFERS, 2, end - 4]), ERRNO_SUCCESS),
        (call("fd_readdir", [GRANT, end - 100, 100, 0, end - 4]), ERRNO_SUCCESS),
        (call("fd_seek", [READER, 0, 1, end - 8]), ERRNO_SUCCESS),
        (call("fd_tell", [READER, end - 8]), ERRNO_SUCCESS),
        (call("fd_write", [WRITER, BUFFERS, 2, end - 4]), ERRNO_SUCCESS),
        (call("path_filestat_get", [GRANT, 0, FILE, 4, end - 64]), ERRNO_SUCCESS),
        (
            call("path_open", [GRANT, 0, FILE, 4, 0, READ, 0, 0, end - 4]),
            ERRNO_SUCCESS,
        ),
        (call("poll_oneoff", [SUBSCRIPTION, end - 32, 1, BUFFER]), ERRNO_SUCCESS),
        (call("random_get", [end - 16, 16]), ERRNO_SUCCESS),
        // An empty range is valid everywhere.
        (call("random_get", [end, 0]), ERRNO_SUCCESS),
        (call("fd_write", [WRITER, end, 0, OUT]), ERRNO_SUCCESS),
        (call("fd_read", [READER, end, 0, OUT]), ERRNO_SUCCESS),
        (call("path_open", [GRANT, 0, end, 0, 0, READ, 0, 0, OUT]), ERRNO_NOENT),
    ];
    each_way(|tree| {
        tree.write("grant/file", "contents");
        check(tree, &data(), &cases);
    });
}

#[test]
fn a_guest_without_memory_gets_faults() {
    for (function, args) in [
        ("fd_write", "(i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)"),
        ("random_get", "(i32.const 0) (i32.const 1)"),
        ("args_sizes_get", "(i32.const 0) (i32.const 4)"),
        ("clock_time_get", "(i32.const 0) (i64.const 0) (i32.const 0)"),
        ("poll_oneoff", "(i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)"),
    ] {
        let text = format!(
            "(module {} {} (func (export \"_start\") (call $proc_exit (call ${function} {args}))))",
            crate::text::import("wasi_snapshot_preview1", function),
            crate::text::import("wasi_snapshot_preview1", "proc_exit"),
        );
        let status = ERRNO_FAULT.raw().into();
        crate::support::wrun(["-"]).stdin(text).run().status(status).quiet();
    }
}

#[test]
fn flags_and_numbers_that_do_not_exist_are_invalid() {
    let high = 0x1_0000;
    let creat = u64::from(wasip1::OFLAGS_CREAT);
    let open = |at: usize, value: u64| {
        with(
            &call("path_open", [GRANT, 0, FREE, 4, creat, READ, READ, 0, OUT]),
            at,
            value,
        )
    };
    let times = |flags: u64| call("path_filestat_set_times", [GRANT, 0, FILE, 4, 1, 1, flags]);
    let fd_times = |flags: u64| call("fd_filestat_set_times", [WRITER, 1, 1, flags]);
    let cases = [
        call("clock_res_get", [4, OUT]),
        call("clock_res_get", [0xffff_ffff, OUT]),
        call("clock_time_get", [4, 0, OUT]),
        call("clock_time_get", [high, 0, OUT]),
        call("fd_advise", [READER, 0, 0, 6]),
        call("fd_advise", [READER, 0, 0, 0x100]),
        call("fd_seek", [READER, 0, 3, OUT]),
        call("fd_seek", [READER, 0, 0x100, OUT]),
        call("fd_seek", [READER, 0, 0xffff_ffff, OUT]),
        call("fd_fdstat_set_flags", [READER, 32]),
        call("fd_fdstat_set_flags", [READER, high]),
        call("fd_fdstat_set_flags", [READER, 0xffff_ffff]),
        call("fd_fdstat_set_rights", [READER, 1 << 30, 0]),
        call("fd_fdstat_set_rights", [READER, 0, 1 << 63]),
        fd_times(16),
        fd_times(high | 4),
        fd_times(3),
        fd_times(12),
        times(16),
        times(high | 4),
        times(3),
        times(12),
        call("path_filestat_set_times", [GRANT, 2, FILE, 4, 1, 1, 4]),
        call("path_filestat_get", [GRANT, 2, FILE, 4, OUT]),
        call("path_filestat_get", [GRANT, 0xffff_ffff, FILE, 4, OUT]),
        call("path_link", [GRANT, 1, FILE, 4, GRANT, FREE, 4]),
        call("path_link", [GRANT, 2, FILE, 4, GRANT, FREE, 4]),
        open(1, 2),
        open(1, high),
        open(4, 16 | creat),
        open(4, high | creat),
        open(5, 1 << 30),
        open(5, u64::MAX),
        open(6, 1 << 30),
        open(7, 32),
        open(7, high),
        open(4, creat | u64::from(wasip1::OFLAGS_DIRECTORY)),
        call("poll_oneoff", [SUBSCRIPTION, OUT, 0, BUFFER]),
        call("sock_accept", [READER, 1, OUT]),
        call("sock_accept", [READER, high, OUT]),
        call("sock_recv", [READER, BUFFERS, 2, 4, OUT, OUT + 8]),
        call("sock_recv", [READER, BUFFERS, 2, high, OUT, OUT + 8]),
        call("sock_send", [READER, BUFFERS, 2, 1, OUT]),
        call("sock_shutdown", [READER, 0]),
        call("sock_shutdown", [READER, 4]),
        call("sock_shutdown", [READER, 0x100]),
        call("fd_readdir", [GRANT, OUT, 100, u64::MAX, BUFFER]),
        call("fd_pread", [READER, BUFFERS, 2, 1 << 63, OUT]),
        call("fd_pwrite", [WRITER, BUFFERS, 2, u64::MAX, OUT]),
        call("fd_filestat_set_size", [WRITER, 1 << 63]),
        call("fd_filestat_set_size", [WRITER, u64::MAX]),
        call("fd_allocate", [WRITER, 0, 0]),
        call("fd_advise", [READER, 1 << 63, 0, 0]),
        call("fd_advise", [READER, 0, 1 << 63, 0]),
    ];
    let cases = cases.map(|call| (call, ERRNO_INVAL));
    each_way(|tree| {
        tree.write("grant/file", "contents");
        check(tree, &data(), &cases);
        assert_eq!(tree.names("grant"), ["file"]);
        assert_eq!(tree.read("grant/file"), b"contents");
    });
}

#[test]
fn a_zero_byte_in_a_path_is_invalid_and_an_empty_path_names_nothing() {
    let paths = |at: u64, len: u64| {
        [
            call("path_create_directory", [GRANT, at, len]),
            call("path_filestat_get", [GRANT, 0, at, len, OUT]),
            call("path_filestat_set_times", [GRANT, 0, at, len, 1, 1, 5]),
            call("path_link", [GRANT, 0, at, len, GRANT, FREE, 4]),
            call("path_link", [GRANT, 0, FILE, 4, GRANT, at, len]),
            call("path_open", [GRANT, 0, at, len, 1, WRITE, 0, 0, OUT]),
            call("path_readlink", [GRANT, at, len, OUT, 100, BUFFER]),
            call("path_remove_directory", [GRANT, at, len]),
            call("path_rename", [GRANT, at, len, GRANT, FREE, 4]),
            call("path_rename", [GRANT, FILE, 4, GRANT, at, len]),
            call("path_symlink", [at, len, GRANT, FREE, 4]),
            call("path_symlink", [FILE, 4, GRANT, at, len]),
            call("path_unlink_file", [GRANT, at, len]),
        ]
    };
    let mut cases: Vec<_> = paths(FILE, 5).map(|call| (call, ERRNO_INVAL)).into();
    cases.extend(paths(FREE, 5).map(|call| (call, ERRNO_INVAL)));
    cases.extend(paths(ZERO, 1).map(|call| (call, ERRNO_INVAL)));
    cases.extend(paths(FILE, 0).map(|call| (call, ERRNO_NOENT)));
    each_way(|tree| {
        tree.write("grant/file", "contents");
        check(tree, &data(), &cases);
        assert_eq!(tree.names("grant"), ["file"]);
    });
}

#[test]
fn numbers_that_are_no_descriptors_are_bad() {
    let mut cases = Vec::new();
    for (call, _) in good() {
        let parameters: &[usize] = match call.function {
            "path_link" | "path_rename" => &[0, if call.function == "path_link" { 4 } else { 3 }],
            "path_symlink" => &[2],
            "fd_renumber" => &[0, 1],
            name if name.starts_with("fd_") || name.starts_with("path_") || name.starts_with("sock_") => &[0],
            _ => continue,
        };
        for at in parameters {
            for number in [7, 99, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
                cases.push((with(&call, *at, number), ERRNO_BADF));
            }
            if call.function.starts_with("path_") {
                for number in [0, 1, 2, READER] {
                    cases.push((with(&call, *at, number), ERRNO_NOTDIR));
                }
            }
        }
    }
    each_way(|tree| {
        tree.write("grant/file", "contents");
        check(tree, &data(), &cases);
        assert_eq!(tree.names("grant"), ["file"]);
    });
}
