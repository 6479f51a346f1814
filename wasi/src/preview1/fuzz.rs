//! Calls random functions with random arguments on a scratch tree, for a second. No call may panic, and nothing outside of the
//! grants may change. A failure names its seed. `WRUN_FUZZ_SEED` repeats a run, and `WRUN_FUZZ_SECONDS` sets its length.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant, SystemTime};

use super::args::{args_get, args_sizes_get};
use super::clock::{clock_res_get, clock_time_get};
use super::fd::dir::{fd_prestat_dir_name, fd_prestat_get, fd_readdir};
use super::fd::io::{fd_pread, fd_pwrite, fd_read, fd_seek, fd_tell, fd_write};
use super::fd::stat::{
    fd_fdstat_get, fd_fdstat_set_flags, fd_fdstat_set_rights, fd_filestat_get, fd_filestat_set_size,
    fd_filestat_set_times,
};
use super::fd::{fd_advise, fd_allocate, fd_close, fd_datasync, fd_renumber, fd_sync};
use super::flags::rights;
use super::path::{
    path_create_directory, path_filestat_get, path_filestat_set_times, path_link, path_open, path_readlink,
    path_remove_directory, path_rename, path_symlink, path_unlink_file,
};
use super::poll::{Wait, poll_oneoff};
use super::random::random_get;
use super::sock::{sock_accept, sock_recv, sock_send, sock_shutdown};
use super::{Version, memory};
use crate::host::WasiCtx;
use crate::host::testing::Tree;
use crate::types::{Access, Errno, Result};

/// Numbers at the edges of ranges, and small ones.
const NUMBERS: [u64; 24] = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    16,
    63,
    64,
    100,
    255,
    256,
    4095,
    4096,
    65_535,
    65_536,
    0x7fff_ffff,
    0xffff_ffff,
    0x4000_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];

/// Paths of every kind. They lie in guest memory one after the other.
const PATHS: [&str; 22] = [
    "a",
    "b",
    "d",
    "d/a",
    "d/d",
    "d/../a",
    ".",
    "..",
    "../outside",
    "../outside/secret",
    "/",
    "/etc/passwd",
    "out",
    "out/",
    "out/secret",
    "link",
    "link/",
    "d/",
    "a/",
    "loop",
    "d/out/secret",
    "\0",
];

/// Address of the first path.
const PATHS_AT: u32 = 1024;
const MEMORY: usize = 65_536;

/// Random arguments of calls. The seed determines the whole run.
struct Random(wrun_tests::Random);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0.below(end)
    }

    fn long(&mut self) -> u64 {
        NUMBERS[self.below(NUMBERS.len())]
    }

    fn int(&mut self) -> u32 {
        self.long() as u32
    }

    fn flags(&mut self) -> u32 {
        if self.below(8) == 0 {
            self.int()
        } else {
            self.below(16) as u32
        }
    }

    fn fd(&mut self) -> u32 {
        if self.below(8) == 0 {
            self.int()
        } else {
            self.below(12) as u32
        }
    }

    /// Returns an address, mostly a valid one.
    fn pointer(&mut self) -> u32 {
        if self.below(8) == 0 {
            self.int()
        } else {
            self.below(128) as u32 * 8
        }
    }

    /// Returns the address and length of a path, mostly of a whole one.
    fn path(&mut self) -> (u32, u32) {
        let index = self.below(PATHS.len());
        let before: usize = PATHS[..index].iter().map(|path| path.len()).sum();
        let len = if self.below(16) == 0 {
            self.int()
        } else {
            PATHS[index].len() as u32
        };
        (PATHS_AT + before as u32, len)
    }

    fn rights(&mut self) -> u64 {
        [
            0,
            rights::FD_READ,
            rights::FD_WRITE,
            rights::FD_READ | rights::FD_WRITE,
            u64::MAX,
        ][self.below(5)]
    }
}

/// Makes one call of one function, which is chosen by number.
fn call(ctx: &mut WasiCtx, m: &mut [u8], r: &mut Random) -> Result {
    let version = [Version::Preview0, Version::Preview1][r.below(2)];
    let (fd, p, q) = (r.fd(), r.pointer(), r.pointer());
    let ((path, len), (path2, len2)) = (r.path(), r.path());
    match r.below(42) {
        0 => args_get(ctx, m, p, q),
        1 => args_sizes_get(ctx, m, p, q),
        2 => clock_res_get(ctx, m, r.flags(), p),
        3 => clock_time_get(ctx, m, r.flags(), r.long(), p),
        4 => fd_advise(ctx, m, fd, r.long(), r.long(), r.flags()),
        // Only small ranges, because the storage is real.
        5 => fd_allocate(ctx, m, fd, r.long() % 8192, r.long() % 8192),
        // Mostly the grants stay open.
        6 if fd > 4 || r.below(64) == 0 => fd_close(ctx, m, fd),
        7 => fd_datasync(ctx, m, fd),
        8 => fd_fdstat_get(ctx, m, fd, p),
        9 => fd_fdstat_set_flags(ctx, m, fd, r.flags()),
        10 => fd_fdstat_set_rights(ctx, m, fd, r.long(), r.long()),
        11 => fd_filestat_get(ctx, m, version, fd, p),
        12 => fd_filestat_set_size(ctx, m, fd, r.long()),
        13 => fd_filestat_set_times(ctx, m, fd, r.long(), r.long(), r.flags()),
        14 => fd_pread(ctx, m, fd, p, r.flags(), r.long(), q),
        15 => fd_prestat_get(ctx, m, fd, p),
        16 => fd_prestat_dir_name(ctx, m, fd, p, r.int()),
        17 => fd_pwrite(ctx, m, fd, p, r.flags(), r.long() % 65_536, q),
        18 => fd_read(ctx, m, fd, p, r.flags(), q),
        19 => fd_readdir(ctx, m, &mut 0, fd, p, r.int() % 8192, r.long(), q),
        20 if fd > 4 || r.below(64) == 0 => fd_renumber(ctx, m, fd, r.fd()),
        21 => fd_seek(ctx, m, version, fd, r.long() as i64, r.flags(), p),
        22 => fd_sync(ctx, m, fd),
        23 => fd_tell(ctx, m, fd, p),
        24 => fd_write(ctx, m, fd, p, r.flags(), q),
        25 => path_create_directory(ctx, m, fd, path, len),
        26 => path_filestat_get(ctx, m, version, fd, r.flags(), path, len, p),
        27 => path_filestat_set_times(ctx, m, fd, r.flags(), path, len, r.long(), r.long(), r.flags()),
        28 => path_link(ctx, m, fd, r.flags() / 8, path, len, r.fd(), path2, len2),
        29..=32 => {
            let (dirflags, oflags, base, fdflags) = (r.flags() % 4, r.flags(), r.rights(), r.flags());
            path_open(ctx, m, fd, dirflags, path, len, oflags, base, 0, fdflags, p)
        }
        33 => path_readlink(ctx, m, fd, path, len, p, r.int(), q),
        34 => path_remove_directory(ctx, m, fd, path, len),
        35 => path_rename(ctx, m, fd, path, len, r.fd(), path2, len2),
        36 => path_symlink(ctx, m, path2, len2, fd, path, len),
        37 => path_unlink_file(ctx, m, fd, path, len),
        38 => random_get(ctx, m, &mut 0, p, r.int()),
        39 => {
            // A descriptor that does not exist keeps the call from waiting.
            let mut subscription = [0; 56];
            subscription[8] = 1;
            subscription[16..20].fill(0xff);
            memory::write(m, 0, &subscription)?;
            poll_oneoff(ctx, m, version, &mut Wait::default(), 0, p, r.flags(), q)
        }
        40 => sock_recv(ctx, m, fd, p, r.flags(), r.flags(), q, p),
        41 => sock_send(ctx, m, fd, p, r.flags(), r.flags(), q)
            .and(sock_accept(ctx, m, fd, r.flags(), p))
            .and(sock_shutdown(ctx, m, fd, r.flags())),
        _ => Err(Errno::AGAIN),
    }
}

/// Ranges of all kinds in the first kilobyte, and the paths after it.
fn guest(r: &mut Random) -> Vec<u8> {
    let mut memory = vec![0; MEMORY];
    for range in memory[..PATHS_AT as usize].chunks_mut(8) {
        let (ptr, len) = (
            4096 + r.below(16_384) as u32,
            if r.below(32) == 0 { r.int() } else { r.below(512) as u32 },
        );
        range[..4].copy_from_slice(&ptr.to_le_bytes());
        range[4..].copy_from_slice(&len.to_le_bytes());
    }
    let paths = PATHS.concat();
    memory[PATHS_AT as usize..PATHS_AT as usize + paths.len()].copy_from_slice(paths.as_bytes());
    memory
}

/// A grant to write to, one to read from, and the world around them.
fn world() -> Tree {
    let mut tree = Tree::with_outside();
    for grant in ["grant", "read-only"] {
        let path = |name: &str| tree.path(&format!("../{grant}/{name}"));
        std::fs::create_dir_all(path("d")).unwrap();
        std::fs::write(path("a"), "contents").unwrap();
        std::fs::write(path("d/a"), "contents").unwrap();
        symlink("../outside", path("out")).unwrap();
        symlink("../../outside", path("d/out")).unwrap();
        symlink("../outside/secret", path("link")).unwrap();
        symlink("loop", path("loop")).unwrap();
    }
    tree.grant("read-only", Access::ReadOnly);
    // The guest must not write to the streams of the test.
    for fd in 0..3 {
        tree.ctx.table.remove(fd).unwrap();
    }
    tree
}

/// Names, sizes and contents of what must stay.
fn snapshot(tree: &Tree) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut directories = vec![tree.outside(), tree.path("../read-only")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap().file_type();
            let name = path.display().to_string();
            if kind.is_dir() {
                found.push((name, Vec::new()));
                directories.push(path);
            } else if kind.is_symlink() {
                found.push((name, path.read_link().unwrap().into_os_string().into_encoded_bytes()));
            } else {
                found.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn random_calls_neither_panic_nor_change_what_was_not_granted() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("WRUN_FUZZ_SEED").unwrap_or(now.as_nanos() as u64).max(1);
    let end = Instant::now() + Duration::from_secs(number("WRUN_FUZZ_SECONDS").unwrap_or(1));
    // Every failure message ends with the seed.
    let outcome = std::panic::catch_unwind(|| run(seed, end));
    assert!(outcome.is_ok(), "repeat this with WRUN_FUZZ_SEED={seed}");
}

/// Calls functions until the end.
fn run(seed: u64, end: Instant) {
    let mut random = Random(wrun_tests::Random::new(seed));
    let (mut calls, mut successes) = (0_u64, 0_u64);
    while Instant::now() < end {
        let mut tree = world();
        let before = snapshot(&tree);
        for _ in 0..500 {
            let mut memory = guest(&mut random);
            calls += 1;
            successes += u64::from(call(&mut tree.ctx, &mut memory, &mut random).is_ok());
        }
        assert_eq!(snapshot(&tree), before);
    }
    // If hardly any call succeeded, the test would check little.
    assert!(successes > calls / 50, "{successes} of {calls} calls succeeded");
}
