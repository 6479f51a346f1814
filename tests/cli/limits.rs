//! The arguments of a guest's calls do not increase the memory of wrun: a call that asks for too much fails, and the process
//! uses at most 64 MiB more than a process without the call. The peak of a process is the kernel's figure, read while the guest
//! waits before its end.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use crate::support::Dir;

/// Largest difference to a process without the call, in KiB.
const MOST: u64 = 64 << 10;

const INVAL: u32 = 28;
const MFILE: u32 = 33;
const NAMETOOLONG: u32 = 37;
const SPIPE: u32 = 70;

/// 500 MB. The guest's memory is larger.
const HUGE: u32 = 500_000_000;
/// The address of the array that a guest makes.
const ARRAY: u32 = 1 << 20;

/// Returns a guest that prepares its memory, makes a call, writes the result, and waits for the end of its input.
fn module(prepare: &str, call: &str) -> String {
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_prestat_dir_name"
            (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_pwrite" (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_renumber" (func $fd_renumber (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_create_directory"
            (func $path_create_directory (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_open"
            (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_readlink"
            (func $path_readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sock_recv" (func $sock_recv (param i32 i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sock_send" (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))

          (memory (export "memory") 8192)
          (data (i32.const 100) ".")

          (func $call (result i32) {call})

          (func $main (export "_start")
            {prepare}
            (i32.store (i32.const 0) (call $call))
            ;; Four bytes out, one in.
            (i32.store (i32.const 8) (i32.const 0))
            (i32.store (i32.const 12) (i32.const 4))
            (if (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)) (then unreachable))
            (if (call $fd_read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 16)) (then unreachable))))"#
    )
}

/// A `wrun` whose guest waits after the call.
struct Waiting {
    child: Child,
    /// The result of the call.
    errno: u32,
    _dir: Dir,
}

impl Waiting {
    fn start(prepare: &str, call: &str) -> Self {
        let dir = Dir::new();
        std::fs::create_dir(dir.path().join("granted")).expect("the directory for tests can be written");
        let wat = dir.write("guest.wat", module(prepare, call));
        // As many descriptors as the system allows, so that wrun's own limit is tested.
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg("ulimit -n $(ulimit -Hn) && exec \"$0\" \"$@\"")
            .arg(env!("CARGO_BIN_EXE_wrun"))
            .args([OsString::from("--dir"), dir.path().join("granted").into(), wat.into()]);
        let mut child = command
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo has built the binary");
        let mut errno = [0; 4];
        let stdout = child.stdout.as_mut().expect("it is a pipe");
        stdout.read_exact(&mut errno).expect("the guest writes four bytes");
        Self {
            child,
            errno: u32::from_le_bytes(errno),
            _dir: dir,
        }
    }

    fn proc(&self, name: &str) -> std::path::PathBuf {
        format!("/proc/{}/{name}", self.child.id()).into()
    }

    /// Returns the peak of the process's memory in KiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).expect("the process waits");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
            .unwrap_or_else(|| panic!("no peak in {status}"))
    }

    fn descriptors(&self) -> usize {
        let open = std::fs::read_dir(self.proc("fd")).expect("the process waits");
        open.count()
    }

    /// Lets it end, and checks that it succeeds.
    #[track_caller]
    fn end(mut self) {
        let _ = self.child.stdin.take().map(|mut stdin| stdin.write_all(b"."));
        let status = self.child.wait().expect("the test owns the child");
        assert!(status.success(), "{status}");
    }
}

/// Checks that the call returns `errno`, and compares the peak with that of a guest without the call.
#[track_caller]
fn bounded(prepare: &str, call: &str, errno: u32) {
    let without = Waiting::start(prepare, "(i32.const 0)");
    let baseline = without.peak();
    without.end();
    let with = Waiting::start(prepare, call);
    let (peak, found) = (with.peak(), with.errno);
    with.end();
    assert_eq!(found, errno, "{call}");
    assert!(peak <= baseline + MOST, "{call}: {peak} KiB, {baseline} KiB without");
}

/// Returns code that makes an array of `count` ranges, each of them 16 MB long at the address 16 MB.
fn ranges(count: u32) -> String {
    format!(
        "(memory.fill (i32.const {ARRAY}) (i32.const 1) (i32.const {}))",
        count * 8
    )
}

#[test]
fn millions_of_ranges() {
    const MANY: u32 = 4 << 20;
    for call in [
        format!("(call $fd_read (i32.const 0) (i32.const {ARRAY}) (i32.const {MANY}) (i32.const 16))"),
        format!("(call $fd_write (i32.const 1) (i32.const {ARRAY}) (i32.const {MANY}) (i32.const 16))"),
        format!("(call $fd_pread (i32.const 0) (i32.const {ARRAY}) (i32.const {MANY}) (i64.const 0) (i32.const 16))"),
        format!("(call $fd_pwrite (i32.const 1) (i32.const {ARRAY}) (i32.const {MANY}) (i64.const 0) (i32.const 16))"),
        format!(
            "(call $sock_recv (i32.const 0) (i32.const {ARRAY}) (i32.const {MANY}) (i32.const 0) (i32.const 16)
              (i32.const 20))"
        ),
        format!("(call $sock_send (i32.const 1) (i32.const {ARRAY}) (i32.const {MANY}) (i32.const 0) (i32.const 16))"),
    ] {
        bounded(&ranges(MANY), &call, INVAL);
    }
    // The largest array that is accepted, of which one system call takes a thousand ranges. A pipe has no offsets.
    let most = 1 << 16;
    let call =
        format!("(call $fd_pwrite (i32.const 1) (i32.const {ARRAY}) (i32.const {most}) (i64.const 0) (i32.const 16))");
    bounded(&ranges(most), &call, SPIPE);
}

#[test]
fn millions_of_subscriptions() {
    let call = |count: u32| {
        format!("(call $poll_oneoff (i32.const {ARRAY}) (i32.const {ARRAY}) (i32.const {count}) (i32.const 16))")
    };
    bounded("", &call(1_000_000), INVAL);
    bounded("", &call(10_000_000), INVAL);
    // The largest number of subscriptions: clocks that have expired.
    bounded("", &call(4096), 0);
}

#[test]
fn half_a_gigabyte_of_anything() {
    for (call, errno) in [
        (
            format!("(call $random_get (i32.const {ARRAY}) (i32.const {HUGE}))"),
            INVAL,
        ),
        (
            format!(
                "(call $path_open (i32.const 3) (i32.const 0) (i32.const {ARRAY}) (i32.const {HUGE}) (i32.const 0)
                  (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 16))"
            ),
            NAMETOOLONG,
        ),
        (
            format!("(call $path_create_directory (i32.const 3) (i32.const {ARRAY}) (i32.const {HUGE}))"),
            NAMETOOLONG,
        ),
        (
            format!(
                "(call $path_symlink (i32.const {ARRAY}) (i32.const {HUGE}) (i32.const 3) (i32.const 100) (i32.const 1))"
            ),
            NAMETOOLONG,
        ),
        (
            format!(
                "(call $path_readlink (i32.const 3) (i32.const 100) (i32.const 1) (i32.const {ARRAY}) (i32.const {HUGE})
                  (i32.const 16))"
            ),
            INVAL,
        ),
        // These fill the buffer with the little that there is.
        (
            format!(
                "(call $fd_readdir (i32.const 3) (i32.const {ARRAY}) (i32.const {HUGE}) (i64.const 0) (i32.const 16))"
            ),
            0,
        ),
        (
            format!("(call $fd_prestat_dir_name (i32.const 3) (i32.const {ARRAY}) (i32.const {HUGE}))"),
            0,
        ),
    ] {
        bounded("", &call, errno);
    }
}

/// Opens the granted directory. The number of the descriptor is written to address 16.
const OPEN: &str = "(call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 2)
    (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 16))";

#[test]
fn endless_opens() {
    let call = format!(
        "(local $errno i32)
         (loop $again (br_if $again (i32.eqz (local.tee $errno {OPEN}))))
         (local.get $errno)"
    );
    bounded("", &call, MFILE);
}

#[test]
fn endless_opens_and_renumbers_and_closes_keep_nothing() {
    // Two descriptors remain: the target of all moves, and the last one that was opened.
    let times = 100_000;
    let call = format!(
        "(local $left i32) (local $target i32)
         (if {OPEN} (then unreachable))
         (local.set $target (i32.load (i32.const 16)))
         (local.set $left (i32.const {times}))
         (loop $again
           (if {OPEN} (then unreachable))
           (if (call $fd_renumber (i32.load (i32.const 16)) (local.get $target)) (then unreachable))
           (if {OPEN} (then unreachable))
           (if (call $fd_close (i32.load (i32.const 16))) (then unreachable))
           (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
         (i32.const 0)"
    );
    let without = Waiting::start("", "(i32.const 0)");
    let (baseline, before) = (without.peak(), without.descriptors());
    without.end();
    let with = Waiting::start("", &call);
    let (peak, after) = (with.peak(), with.descriptors());
    with.end();
    assert_eq!(after, before + 1);
    assert!(peak <= baseline + 1024, "{peak} KiB, {baseline} KiB without");
}
