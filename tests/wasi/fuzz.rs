//! Calls random functions with random arguments, through the built binary. No call ends the guest or wrun, nothing outside of
//! the grants is changed or read, and no descriptor of the host leaks. The crate `wrun-wasi` has a similar unit test. This test
//! runs a real guest.
//!
//! `WRUN_FUZZ_SECONDS` sets the duration (2 by default), and `WRUN_FUZZ_SEED` the first seed. A failure names its seed and
//! keeps the guest.

use std::time::{Duration, Instant, SystemTime};

use crate::signatures::FUNCTIONS;
use crate::text::{Call, Data, MEMORY, call, module};
use crate::tree::{Tree, Way};
use wrun_tests::Random;

/// Kind of an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// A descriptor.
    Fd,
    /// Address for a result.
    Out,
    /// Address and length of a path: two arguments.
    Path,
    /// Address and length of an array of buffers: two arguments.
    Buffers,
    /// Address of subscriptions.
    Subscriptions,
    /// A small number, such as flags, an enumeration or a count.
    Small,
    /// Flags for looking up or opening a path.
    Lookup,
    Oflags,
    /// The length of a buffer.
    Len,
    /// A number of 64 bits.
    Wide,
    /// A number of bytes for which storage is really allocated.
    Storage,
    Rights,
}

/// Returns the roles of a function's arguments.
fn roles(function: &str) -> &'static [Role] {
    use Role::{Buffers, Fd, Len, Lookup, Oflags, Out, Path, Rights, Small, Storage, Subscriptions, Wide};
    match function {
        "args_get" | "args_sizes_get" | "environ_get" | "environ_sizes_get" => &[Out, Out],
        "clock_res_get" => &[Small, Out],
        "clock_time_get" => &[Small, Wide, Out],
        "fd_advise" => &[Fd, Wide, Wide, Small],
        "fd_allocate" => &[Fd, Storage, Storage],
        "fd_close" | "fd_datasync" | "fd_sync" => &[Fd],
        "fd_fdstat_get" | "fd_filestat_get" | "fd_prestat_get" | "fd_tell" => &[Fd, Out],
        "fd_fdstat_set_flags" | "sock_shutdown" => &[Fd, Small],
        "fd_fdstat_set_rights" => &[Fd, Rights, Rights],
        "fd_filestat_set_size" => &[Fd, Wide],
        "fd_filestat_set_times" => &[Fd, Wide, Wide, Small],
        "fd_pread" | "fd_pwrite" => &[Fd, Buffers, Wide, Out],
        "fd_prestat_dir_name" => &[Fd, Out, Len],
        "fd_read" | "fd_write" => &[Fd, Buffers, Out],
        "fd_readdir" => &[Fd, Out, Len, Wide, Out],
        "fd_renumber" => &[Fd, Fd],
        "fd_seek" => &[Fd, Wide, Small, Out],
        "path_create_directory" | "path_remove_directory" | "path_unlink_file" => &[Fd, Path],
        "path_filestat_get" => &[Fd, Lookup, Path, Out],
        "path_filestat_set_times" => &[Fd, Lookup, Path, Wide, Wide, Small],
        "path_link" => &[Fd, Lookup, Path, Fd, Path],
        "path_open" => &[Fd, Lookup, Path, Oflags, Rights, Rights, Small, Out],
        "path_readlink" => &[Fd, Path, Out, Len, Out],
        "path_rename" => &[Fd, Path, Fd, Path],
        "path_symlink" => &[Path, Fd, Path],
        "poll_oneoff" => &[Subscriptions, Out, Small, Out],
        "proc_raise" => &[Small],
        "random_get" => &[Out, Len],
        "sched_yield" => &[],
        "sock_accept" => &[Fd, Small, Out],
        "sock_recv" => &[Fd, Buffers, Small, Out, Out],
        "sock_send" => &[Fd, Buffers, Small, Out],
        _ => panic!("no roles for {function}"),
    }
}

/// Paths of every kind, beginning with the harmless ones. Some are links that lead out of a grant, as [`world`] makes them.
const PATHS: [&[u8]; 36] = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"d/a",
    b"d/b",
    b"d/d",
    b"d/d/a",
    b"d/../a",
    b"d/d/../../b",
    b"./d//a",
    b".",
    b"..",
    b"d/..",
    b"d/.",
    b"../outside",
    b"../outside/secret",
    b"../outside/new",
    b"/",
    b"/etc/passwd",
    b"out",
    b"out/",
    b"out/secret",
    b"out/new",
    b"slash",
    b"slash/secret",
    b"d/out/secret",
    b"link",
    b"link/",
    b"d/",
    b"a/",
    b"loop",
    b"\xff",
    b"null",
    b"a\0b",
    b"",
];

/// Number of harmless paths.
const INNER: usize = 11;

const PATHS_AT: u32 = 0;
const SUBSCRIPTIONS_AT: u32 = 0x1000;
const BUFFERS_AT: u32 = 0x2000;
/// Address of results and buffers. No argument of a later call lies here. (A call with another address may overwrite arguments
/// all the same.)
const OUT_AT: u32 = 0x4000;
const OUT_LEN: u32 = 0x4000;
/// Address of the length of the listing of the process's descriptors, followed by the listing.
const LISTING_AT: u32 = OUT_AT + OUT_LEN;

/// The descriptor through which the guest lists the descriptors of its process. Other calls use neither this descriptor nor 1.
const OWN: u64 = 6;

/// Text that no call may read.
const SENTINEL: &[u8] = b"the secret that lies outside";

const EDGES: [u64; 16] = [
    0,
    1,
    63,
    255,
    4096,
    65_535,
    65_536,
    MEMORY as u64 - 1,
    MEMORY as u64,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// Random choices of arguments.
trait Choices {
    fn edge(&mut self) -> u64;

    /// Returns a descriptor: of a directory, or mostly of a file.
    fn fd(&mut self, directory: bool) -> u64;

    /// Returns the address and length of a path, nearly always of a whole one.
    fn path(&mut self) -> [u64; 2];

    fn out(&mut self) -> u64;

    fn arguments(&mut self, function: &str) -> Vec<u64>;

    /// Returns a call. Files are often opened and seldom closed. Calls that have little to do with files are rare.
    fn call(&mut self) -> Call;
}

impl Choices for Random {
    fn edge(&mut self) -> u64 {
        EDGES[self.below(EDGES.len())]
    }

    fn fd(&mut self, directory: bool) -> u64 {
        let fd = match self.below(16) {
            0 => self.edge(),
            1..=3 => self.below(14) as u64,
            4 if directory => 4,
            5 if directory => 5,
            _ if directory => 3,
            _ => 7 + self.below(8) as u64,
        };
        if fd as u32 == 1 || fd as u32 == OWN as u32 {
            7
        } else {
            fd
        }
    }

    fn path(&mut self) -> [u64; 2] {
        let end = if self.once_in(3) { PATHS.len() } else { INNER };
        let index = self.below(end);
        let before: usize = PATHS[..index].iter().map(|path| path.len()).sum();
        let len = if self.once_in(30) {
            self.edge()
        } else {
            PATHS[index].len() as u64
        };
        [u64::from(PATHS_AT) + before as u64, len]
    }

    fn out(&mut self) -> u64 {
        if self.once_in(30) {
            self.edge()
        } else {
            u64::from(OUT_AT) + self.below(OUT_LEN as usize / 8) as u64 * 8
        }
    }

    fn arguments(&mut self, function: &str) -> Vec<u64> {
        let directory = function.starts_with("path_") || ["fd_readdir", "fd_prestat_dir_name"].contains(&function);
        let mut args = Vec::new();
        for role in roles(function) {
            match role {
                Role::Fd => args.push(self.fd(directory)),
                Role::Out => args.push(self.out()),
                Role::Path => args.extend(self.path()),
                Role::Buffers => {
                    args.extend([u64::from(BUFFERS_AT) + self.below(64) as u64 * 8, self.below(20) as u64])
                }
                Role::Subscriptions => args.push(u64::from(SUBSCRIPTIONS_AT)),
                Role::Lookup => args.push([0, 0, 0, 1, 1, 2][self.below(6)]),
                Role::Oflags => args.push([0, 0, 0, 1, 1, 1, 1, 2, 5, 8, 9, 9, 16][self.below(13)]),
                Role::Small if self.once_in(30) => args.push(self.edge()),
                Role::Small => args.push([0, 0, 0, 0, 1, 1, 1, 2, 4, 5, 8, 9, 16][self.below(13)]),
                Role::Len => args.push([0, 1, 8, 24, 100, 1000, 5000, self.edge()][self.below(8)]),
                Role::Wide => args.push([0, 0, 1, 1, 100, 100, self.edge(), self.next()][self.below(8)]),
                Role::Storage => args.push(self.next() % 8192),
                Role::Rights if self.once_in(30) => args.push(self.edge()),
                Role::Rights => args.push([0, 2, 2, 66, 66, 0x1fff_ffff][self.below(6)]),
            }
        }
        args
    }

    fn call(&mut self) -> Call {
        loop {
            let function = match self.below(5) {
                0 => "path_open",
                _ => FUNCTIONS[self.below(FUNCTIONS.len())].0,
            };
            let closes = ["fd_close", "fd_renumber"].contains(&function);
            let files = function.starts_with("path_") || function.starts_with("fd_");
            if (closes || !files) && !self.once_in(4) {
                continue;
            }
            let args = self.arguments(function);
            // Mostly the grants stay open.
            if closes && args.iter().any(|fd| (3..=5).contains(fd)) && !self.once_in(50) {
                continue;
            }
            return Call { function, args };
        }
    }
}

/// Returns paths, buffers of all kinds, and subscriptions, of which the first has already expired.
fn data(random: &mut Random) -> Data {
    let mut buffers = Vec::new();
    for _ in 0..100 {
        let at = if random.once_in(60) {
            random.edge() as u32
        } else {
            OUT_AT + random.below(OUT_LEN as usize - 600) as u32
        };
        let len = if random.once_in(60) {
            random.edge() as u32
        } else {
            random.below(600) as u32
        };
        buffers.extend([at.to_le_bytes(), len.to_le_bytes()].concat());
    }
    let mut subscriptions = vec![0; 48 * 16];
    for (at, subscription) in subscriptions.chunks_mut(48).enumerate() {
        subscription[8] = if at == 0 {
            0
        } else {
            [0, 1, 1, 2, 2, 3][random.below(6)]
        };
        // A clock or a descriptor. The timeout is zero.
        subscription[16] = random.below(12) as u8;
        subscription[40] = random.below(3) as u8;
    }
    vec![
        (PATHS_AT, PATHS.concat()),
        (SUBSCRIPTIONS_AT, subscriptions),
        (BUFFERS_AT, buffers),
    ]
}

/// Returns the last calls: they close everything and list the descriptors of the process.
fn last_calls() -> Vec<Call> {
    let closed = (0..200).filter(|fd| *fd != 1 && *fd != OWN);
    let mut calls: Vec<Call> = closed.map(|fd| call("fd_close", [fd])).collect();
    let listing = u64::from(LISTING_AT);
    calls.push(call("fd_readdir", [OWN, listing + 8, 8192, 0, listing]));
    calls
}

/// Returns code that writes everything that was read, and the length of the listing, to standard output. It sets up the buffers
/// at the end, because a call may have overwritten them before.
fn dump() -> String {
    let (iovecs, count) = (MEMORY - 32, MEMORY - 40);
    let words = [OUT_AT, OUT_LEN, LISTING_AT, 4];
    let stores = words
        .iter()
        .zip((iovecs..).step_by(4))
        .map(|(word, at)| format!("(i32.store (i32.const {at}) (i32.const {word}))\n"));
    let write = format!("(call $fd_write (i32.const 1) (i32.const {iovecs}) (i32.const 2) (i32.const {count}))");
    stores.collect::<String>() + &format!("(if {write} (then unreachable))")
}

/// Makes the same tree in both grants, including links to outside.
fn world(way: Way) -> Tree {
    let tree = Tree::new(way);
    tree.write("outside/secret", SENTINEL);
    for grant in ["grant", "read-only"] {
        for name in ["a", "d/a", "d/d/a"] {
            tree.write(&format!("{grant}/{name}"), "contents");
        }
        for (name, target) in [
            ("out", "../outside"),
            ("slash", "out/"),
            ("d/out", "../../outside/"),
            ("link", "../outside/secret"),
            ("c", "d/a"),
            ("loop", "loop"),
        ] {
            tree.link(&format!("{grant}/{name}"), target);
        }
    }
    tree
}

/// Runs one guest. Returns the number of successful calls and the length of the listing of the process's descriptors.
fn run(way: Way, seed: u64, count: usize) -> (usize, u32) {
    let mut random = Random::new(seed);
    let tree = world(way);
    // The number of this descriptor becomes free for files.
    let mut calls = vec![Call {
        function: "fd_close",
        args: vec![2],
    }];
    calls.extend((0..count).map(|_| random.call()));
    let made = calls.len();
    calls.extend(last_calls());
    let text = module(&data(&mut random), &calls, &dump());
    let kept = wrun_tests::temporary().join(format!("fuzz-{seed}.wat"));
    std::fs::write(&kept, &text).expect("the build directory can be written");

    // A virtual directory with two files, of which one is read-only, and the null device.
    let file = |name: &str| format!("{}::/dev/{name}", tree.path(&format!("read-only/{name}")).display());
    let writable = format!("{}::/dev/b", tree.path("grant/d/a").display());
    let (file, own) = (file("a"), "/proc/self/fd::/own");
    let options = [
        "--env", "A=B", "--dir", &writable, "--dir-ro", own, "--dir-ro", &file, "-",
    ];
    let ended = tree
        .unchanged(|| tree.wrun(options).stdin(text).run())
        .status(0)
        .quiet();
    let (dump, rest) = ended.stdout.split_at(OUT_LEN as usize);
    assert!(
        !dump.windows(SENTINEL.len()).any(|window| window == SENTINEL),
        "the secret was read"
    );
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("there are four"));
    let used = number(&rest[..4]);
    let results: Vec<u32> = rest[4..].chunks(4).map(number).collect();
    assert_eq!(results.len(), calls.len());
    for (call, result) in calls.iter().zip(&results) {
        assert!(
            *result <= u32::from(wasip1::ERRNO_NOTCAPABLE.raw()),
            "{call:?} gives {result}"
        );
    }
    std::fs::remove_file(kept).expect("it was written");
    (results[..made].iter().filter(|result| **result == 0).count(), used)
}

#[test]
fn random_calls_crash_nothing_escape_nowhere_and_lose_no_descriptor() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    let seed = number("WRUN_FUZZ_SEED").unwrap_or(now.as_nanos() as u64);
    let end = Instant::now() + Duration::from_secs(number("WRUN_FUZZ_SECONDS").unwrap_or(2));
    let ways = [Way::AsItIs, Way::Denied("EPERM"), Way::Denied("ENOSYS")];
    let alone = ways.map(|way| run(way, 0, 0).1);
    let (mut guests, mut successes) = (0, 0);
    while Instant::now() < end || guests == 0 {
        let seed = seed.wrapping_add(guests);
        for (way, alone) in ways.into_iter().zip(alone) {
            let outcome = std::panic::catch_unwind(|| {
                let (succeeded, used) = run(way, seed, CALLS);
                assert_eq!(used, alone, "descriptors of the host are left over");
                succeeded
            });
            successes += outcome.unwrap_or_else(|_| {
                panic!("{way:?}: repeat this with WRUN_FUZZ_SEED={seed}; the guest may be kept as fuzz-{seed}.wat in target")
            });
        }
        guests += 1;
    }
    // If hardly any call succeeded, the test would check little.
    let all = CALLS * 3 * guests as usize;
    assert!(successes > all / 20, "{successes} of {all} calls succeeded");
}

/// Number of calls of a guest.
const CALLS: usize = 800;
