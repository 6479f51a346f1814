//! Compares names, types and numbers with independent sources: the crate `wasip1` and wasi-libc's header, which are both
//! generated from the specification.
//!
//! The compiler compares the table below with `wasip1`, and the tests compare wrun with the table. Many other tests check the
//! layouts of structures, because the interpreter in tests/guests/wasi/calls.c takes them from the header.

use std::mem::{offset_of, size_of};

use wasip1::wasi_snapshot_preview1 as source;

use crate::text::{Call, call, results};
use crate::tree::{Tree, Way};

/// A type of a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    I32,
    I64,
}

/// The Rust type for a letter of the table.
macro_rules! ty {
    (i) => {
        i32
    };
    (l) => {
        i64
    };
}

macro_rules! value {
    (i) => {
        Type::I32
    };
    (l) => {
        Type::I64
    };
}

/// Makes the table of functions, and a function that compiles only if `wasip1` declares them with these types. It is generic
/// and never used, so that the test is not linked with functions that do not exist here.
macro_rules! functions {
    ($($name:ident($($letter:ident)*))*) => {
        /// The functions of preview1 that return an error, with the types of their parameters.
        pub(crate) const FUNCTIONS: &[(&str, &[Type])] = &[$((stringify!($name), &[$(value!($letter)),*])),*];

        #[allow(
            dead_code,
            clippy::extra_unused_type_parameters,
            reason = "it is a test that it compiles; generic, so that it is never linked"
        )]
        fn are_declared_like_this<T>() {
            $(let _: unsafe extern "C" fn($(ty!($letter)),*) -> i32 = source::$name;)*
            let _: unsafe extern "C" fn(i32) -> ! = source::proc_exit;
        }
    };
}

functions! {
    args_get(i i)
    args_sizes_get(i i)
    clock_res_get(i i)
    clock_time_get(i l i)
    environ_get(i i)
    environ_sizes_get(i i)
    fd_advise(i l l i)
    fd_allocate(i l l)
    fd_close(i)
    fd_datasync(i)
    fd_fdstat_get(i i)
    fd_fdstat_set_flags(i i)
    fd_fdstat_set_rights(i l l)
    fd_filestat_get(i i)
    fd_filestat_set_size(i l)
    fd_filestat_set_times(i l l i)
    fd_pread(i i i l i)
    fd_prestat_dir_name(i i i)
    fd_prestat_get(i i)
    fd_pwrite(i i i l i)
    fd_read(i i i i)
    fd_readdir(i i i l i)
    fd_renumber(i i)
    fd_seek(i l i i)
    fd_sync(i)
    fd_tell(i i)
    fd_write(i i i i)
    path_create_directory(i i i)
    path_filestat_get(i i i i i)
    path_filestat_set_times(i i i i l l i)
    path_link(i i i i i i i)
    path_open(i i i i i l l i i)
    path_readlink(i i i i i i)
    path_remove_directory(i i i)
    path_rename(i i i i i i)
    path_symlink(i i i i i)
    path_unlink_file(i i i)
    poll_oneoff(i i i i)
    proc_raise(i)
    random_get(i i)
    sched_yield()
    sock_accept(i i i)
    sock_recv(i i i i i i)
    sock_send(i i i i i)
    sock_shutdown(i i)
}

/// Returns the types of a function's parameters.
pub(crate) fn parameters(name: &str) -> &'static [Type] {
    if name == "proc_exit" {
        return &[Type::I32];
    }
    let found = FUNCTIONS.iter().find(|(function, _)| *function == name);
    found.unwrap_or_else(|| panic!("no function {name}")).1
}

/// Returns a module that imports functions and does nothing.
fn importing(module: &str, names: impl Iterator<Item = &'static str>) -> String {
    let imports: String = names.map(|name| crate::text::import(module, name)).collect();
    format!("(module {imports} (memory (export \"memory\") 1) (func (export \"_start\")))")
}

#[test]
fn wrun_has_every_function_with_its_type() {
    let names = || FUNCTIONS.iter().map(|(name, _)| *name).chain(["proc_exit"]);
    assert_eq!(names().count(), 46);
    crate::support::wrun(["-"])
        .stdin(importing("wasi_snapshot_preview1", names()))
        .run()
        .prints("");
    // The older interface does not accept connections.
    let older = names().filter(|name| *name != "sock_accept");
    crate::support::wrun(["-"])
        .stdin(importing("wasi_unstable", older))
        .run()
        .prints("");
    crate::support::wrun(["-"])
        .stdin(importing("wasi_unstable", ["sock_accept"].into_iter()))
        .run()
        .fails(126, ["wasi_unstable.sock_accept"]);
}

#[test]
fn another_type_is_refused() {
    for (module, params) in [
        ("wasi_snapshot_preview1", "(param i64) (result i32)"),
        ("wasi_snapshot_preview1", "(param i32)"),
        ("wasi_unstable", "(param i32 i32) (result i32)"),
    ] {
        let text = format!("(module (import \"{module}\" \"fd_close\" (func {params})) (func (export \"_start\")))");
        crate::support::wrun(["-"])
            .stdin(text)
            .run()
            .fails(126, [format!("{module}.fd_close")]);
    }
}

/// Structures of `wasip1` without pointers, which have the guest's layout on any host.
#[test]
fn structures_have_the_independent_layout() {
    type Filestat = wasip1::Filestat;
    type Fdstat = wasip1::Fdstat;
    type Dirent = wasip1::Dirent;
    type Event = wasip1::Event;
    assert_eq!(
        (
            size_of::<Filestat>(),
            size_of::<Fdstat>(),
            size_of::<Dirent>(),
            size_of::<Event>()
        ),
        (64, 24, 24, 32)
    );
    assert_eq!(size_of::<wasip1::Subscription>(), 48);

    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/f", "contents");
    std::fs::hard_link(tree.path("grant/f"), tree.path("grant/g")).expect("the directory for tests can be written");
    let bytes = structures(&tree);
    let number = |at: usize, len: usize| {
        let mut wide = [0; 8];
        wide[..len].copy_from_slice(&bytes[at..at + len]);
        u64::from_le_bytes(wide)
    };
    let field = |structure: u32, offset: usize, len: usize| number((structure - STRUCTURES) as usize + offset, len);

    let stat = |offset, len| field(FILESTAT, offset, len);
    let meta = tree.path("grant/f").metadata().expect("it was written");
    use std::os::unix::fs::MetadataExt;
    assert_eq!(stat(offset_of!(Filestat, dev), 8), meta.dev());
    assert_eq!(stat(offset_of!(Filestat, ino), 8), meta.ino());
    assert_eq!(
        stat(offset_of!(Filestat, filetype), 1),
        wasip1::FILETYPE_REGULAR_FILE.raw().into()
    );
    assert_eq!(stat(offset_of!(Filestat, nlink), 8), 2);
    assert_eq!(stat(offset_of!(Filestat, size), 8), 8);
    let time = |seconds: i64, nanoseconds: i64| (seconds * 1_000_000_000 + nanoseconds) as u64;
    assert_eq!(
        stat(offset_of!(Filestat, atim), 8),
        time(meta.atime(), meta.atime_nsec())
    );
    assert_eq!(
        stat(offset_of!(Filestat, mtim), 8),
        time(meta.mtime(), meta.mtime_nsec())
    );
    assert_eq!(
        stat(offset_of!(Filestat, ctim), 8),
        time(meta.ctime(), meta.ctime_nsec())
    );

    let fdstat = |offset, len| field(FDSTAT, offset, len);
    let (read, write) = (wasip1::RIGHTS_FD_READ, wasip1::RIGHTS_FD_WRITE);
    assert_eq!(
        fdstat(offset_of!(Fdstat, fs_filetype), 1),
        wasip1::FILETYPE_REGULAR_FILE.raw().into()
    );
    assert_eq!(fdstat(offset_of!(Fdstat, fs_flags), 2), wasip1::FDFLAGS_APPEND.into());
    assert_eq!(fdstat(offset_of!(Fdstat, fs_rights_base), 8) & (read | write), write);
    assert_eq!(fdstat(offset_of!(Fdstat, fs_rights_inheriting), 8), 0);

    // The first entry of a directory, which may be any of them.
    let dirent = |offset, len| field(DIRENT, offset, len);
    let name_len = dirent(offset_of!(Dirent, d_namlen), 4) as usize;
    let name = (DIRENT - STRUCTURES) as usize + size_of::<Dirent>();
    let name = std::str::from_utf8(&bytes[name..name + name_len]).expect("all names here are ASCII");
    let entry = tree.path("grant").join(name).metadata().expect("it exists");
    assert_eq!(dirent(offset_of!(Dirent, d_ino), 8) == entry.ino(), name != "..");
    let filetype = if entry.is_dir() {
        wasip1::FILETYPE_DIRECTORY
    } else {
        wasip1::FILETYPE_REGULAR_FILE
    };
    assert_eq!(dirent(offset_of!(Dirent, d_type), 1), filetype.raw().into());
    assert_ne!(dirent(offset_of!(Dirent, d_next), 8), 0);

    let event = |offset, len| field(EVENT, offset, len);
    assert_eq!(event(offset_of!(Event, userdata), 8), 0x1122_3344_5566_7788);
    assert_eq!(event(offset_of!(Event, error), 2), wasip1::ERRNO_BADF.raw().into());
    assert_eq!(
        event(offset_of!(Event, type_), 1),
        wasip1::EVENTTYPE_FD_WRITE.raw().into()
    );
}

const STRUCTURES: u32 = 1024;
const FILESTAT: u32 = STRUCTURES;
const FDSTAT: u32 = STRUCTURES + 64;
const EVENT: u32 = STRUCTURES + 128;
const DIRENT: u32 = STRUCTURES + 192;

/// Returns the bytes from [`STRUCTURES`] on, after calls that write one structure of each kind.
fn structures(tree: &Tree) -> Vec<u8> {
    let mut subscription = [0; size_of::<wasip1::Subscription>()];
    let tag = offset_of!(wasip1::Subscription, u) + offset_of!(wasip1::SubscriptionU, tag);
    let fd = offset_of!(wasip1::Subscription, u) + offset_of!(wasip1::SubscriptionU, u);
    subscription[offset_of!(wasip1::Subscription, userdata)..8]
        .copy_from_slice(&0x1122_3344_5566_7788_u64.to_le_bytes());
    subscription[tag] = wasip1::EVENTTYPE_FD_WRITE.raw();
    subscription[fd..fd + 4].copy_from_slice(&99_u32.to_le_bytes());
    let mut iovec = Vec::from(STRUCTURES.to_le_bytes());
    iovec.extend(1024_u32.to_le_bytes());
    let data = [(0, b"f".to_vec()), (64, subscription.to_vec()), (128, iovec)];
    let calls: [Call; 6] = [
        call("path_filestat_get", [3, 0, 0, 1, FILESTAT.into()]),
        call(
            "path_open",
            [
                3,
                0,
                0,
                1,
                0,
                wasip1::RIGHTS_FD_WRITE,
                0,
                wasip1::FDFLAGS_APPEND.into(),
                512,
            ],
        ),
        call("fd_fdstat_get", [5, FDSTAT.into()]),
        call("poll_oneoff", [64, EVENT.into(), 1, 512]),
        call("fd_readdir", [3, DIRENT.into(), 256, 0, 512]),
        call("fd_write", [1, 128, 1, 512]),
    ];
    let ended = crate::text::run(tree, &[], &data, &calls).status(0).quiet();
    let (bytes, results) = ended.stdout.split_at(1024);
    assert_eq!(results, [0; 24]);
    bytes.to_vec()
}

#[test]
fn numbers_of_errors_are_the_independent_ones() {
    let tree = Tree::new(Way::AsItIs);
    tree.write("grant/f", "");
    let data = [(0, b"f\0n/d".to_vec())];
    let cases = [
        (call("fd_close", [99]), wasip1::ERRNO_BADF),
        (call("path_unlink_file", [3, 2, 1]), wasip1::ERRNO_NOENT),
        (call("path_create_directory", [3, 0, 1]), wasip1::ERRNO_EXIST),
        (call("path_create_directory", [3, 3, 2]), wasip1::ERRNO_PERM),
        (call("path_create_directory", [4, 2, 1]), wasip1::ERRNO_ROFS),
        (call("path_remove_directory", [3, 0, 1]), wasip1::ERRNO_NOTDIR),
        (call("path_create_directory", [3, 0, 2]), wasip1::ERRNO_INVAL),
        (call("fd_filestat_get", [0, u64::from(u32::MAX)]), wasip1::ERRNO_FAULT),
        (call("sock_shutdown", [1, 1]), wasip1::ERRNO_NOTSOCK),
        (call("proc_raise", [6]), wasip1::ERRNO_NOTSUP),
        (call("fd_seek", [0, 0, 0, 0]), wasip1::ERRNO_SPIPE),
        (call("sched_yield", []), wasip1::ERRNO_SUCCESS),
    ];
    let calls: Vec<Call> = cases.iter().map(|(call, _)| call.clone()).collect();
    for ((call, errno), found) in cases.iter().zip(results(&tree, &[], &data, &calls)) {
        assert_eq!(found, u32::from(errno.raw()), "{call:?} should be {}", errno.name());
    }
}
