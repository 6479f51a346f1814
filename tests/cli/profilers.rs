//! Output of gdb and perf for a running guest: names of its functions, in the order of the calls, in guest code and in host calls.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::Dir;

/// Nothing takes this long.
const HANGS: Duration = Duration::from_secs(60);

/// Locals of a function whose frame has more than one page.
const LOCALS: u32 = 800;

/// A module that calls `large`, `middle` and `innermost`, which says `ready` and then never ends: in a loop, or, started by `wait`,
/// in a host call.
fn module() -> String {
    let mut text = String::from(
        r#"(module $chain
          (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\10\00\00\00\06\00\00\00\40\00\00\00\01\00\00\00ready\n")
          (func $spin (loop $again (i32.store (i32.const 96) (i32.add (i32.load (i32.const 96)) (i32.const 1))) (br $again)))
          (func $innermost (param $waits i32)
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 80)))
            (if (local.get $waits)
              (then (drop (call $fd_read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 80))))
              (else (call $spin))))
          (func $middle (param $waits i32) (result i32)
            (call $innermost (local.get $waits))
            (i32.load (i32.const 100)))
          (func $large (param $waits i32) (result i64)"#,
    );
    let mut each = |write: &dyn Fn(u32) -> String| (0..LOCALS).for_each(|number| text += &write(number));
    each(&|number| format!("(local $l{number} i64)\n"));
    each(&|number| format!("(local.set $l{number} (i64.load (i32.const {})))\n", 1024 + 8 * number));
    each(&|number| match number {
        0 => "(i64.extend_i32_u (call $middle (local.get $waits)))\n".to_owned(),
        _ => format!("(i64.add (local.get $l{number}))\n"),
    });
    write!(
        text,
        r#") (func (export "_start") (drop (call $large (i32.const 0))))
           (func (export "wait") (drop (call $large (i32.const 1)))))"#
    )
    .expect("a string takes everything");
    text
}

/// A guest that runs.
struct Guest(Child);

impl Guest {
    /// Starts the module, and waits until it says that it runs.
    fn start(dir: &Dir, options: &[&str]) -> Self {
        dir.write("chain.wat", module());
        let child = Command::new(env!("CARGO_BIN_EXE_wrun"))
            .env_clear()
            .current_dir(dir.path())
            .args(options)
            .arg("chain.wat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("cargo has built the binary");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("it is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a pipe can be read");
        assert_eq!(line, "ready\n");
        Self(child)
    }

    /// Waits until it sleeps in a system call.
    fn sleeps(&self) {
        let started = Instant::now();
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it runs");
        while !stat().contains(") S ") {
            assert!(started.elapsed() < HANGS, "it does not wait");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The backtrace that gdb shows. `None` where nobody may look at processes.
    fn backtrace(&self) -> Option<String> {
        let id = self.0.id().to_string();
        let gdb = Command::new("gdb")
            .args(["-nx", "-batch", "-p", &id, "-ex", "bt"])
            .output();
        let gdb = gdb.expect("ci/install installs gdb");
        let text = String::from_utf8_lossy(&gdb.stdout).into_owned();
        let errors = String::from_utf8_lossy(&gdb.stderr);
        if errors.contains("Operation not permitted") {
            println!("skipped: this process may not trace others");
            return None;
        }
        Some(text)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Checks that these names stand in the lines of a backtrace in this order, the named functions one directly after the other.
#[track_caller]
fn shows(backtrace: &str, direct: &[&str], later: &[&str]) {
    let frames: Vec<&str> = backtrace.lines().filter(|line| line.starts_with('#')).collect();
    let is = |frame: &&str, name: &str| frame.contains(&format!(" {name} ("));
    let first = frames.iter().position(|frame| is(frame, direct[0]));
    let first = first.unwrap_or_else(|| panic!("no {} in\n{backtrace}", direct[0]));
    for (frame, name) in frames[first..].iter().zip(direct) {
        assert!(is(frame, name), "no {name} in its place in\n{backtrace}");
    }
    let mut rest = &frames[first + direct.len()..];
    for name in later {
        let found = rest.iter().position(|frame| frame.contains(name));
        rest = &rest[found.unwrap_or_else(|| panic!("no {name} in\n{backtrace}"))..];
    }
}

#[test]
fn gdb_shows_the_calls_of_a_guest_by_name_and_goes_on_into_wrun() {
    let dir = Dir::new();
    // Compiled, mapped from the cache, and without a cache.
    for options in [
        &["--cache-dir", "cache"][..],
        &["--cache-dir", "cache"],
        &["--no-cache"],
    ] {
        let guest = Guest::start(&dir, options);
        if let Some(backtrace) = guest.backtrace() {
            let calls = ["spin", "innermost", "middle", "large", "_start", "wrun_entry_"];
            let entry = calls.len() - 1;
            shows(
                &backtrace,
                &calls[..entry],
                &["wrun_entry_", "::entry::enter", "call_guest", "main"],
            );
        }
    }
}

#[test]
fn gdb_shows_the_calls_of_a_guest_that_waits_in_a_host_call() {
    let dir = Dir::new();
    let guest = Guest::start(&dir, &["--cache-dir", "cache", "--invoke", "wait"]);
    guest.sleeps();
    if let Some(backtrace) = guest.backtrace() {
        let later = ["wrun_entry_", "::entry::enter", "call_guest", "main"];
        shows(&backtrace, &["innermost", "middle", "large", "wait"], &later);
        let host = backtrace.split("innermost").next().expect("there is a beginning");
        assert!(
            host.contains("wrun_typed_hostcall_") && host.contains("fd_read"),
            "{backtrace}"
        );
    }
}

/// Records with perf what a command does. What `perf script` says; `None` where perf cannot record.
fn recorded(dir: &Path, options: &[&str]) -> Option<String> {
    let wrun = env!("CARGO_BIN_EXE_wrun");
    let record = [
        "record",
        "-q",
        "-o",
        "perf.data",
        "-e",
        "cpu-clock:u",
        "--call-graph",
        "fp",
        "--",
    ];
    let command = ["--epoch-timeout", "700ms", "chain.wat"];
    let perf = |words: &[&str]| Command::new("perf").args(words).current_dir(dir).output();
    match perf(&[&record[..], &[wrun], options, &command].concat()) {
        Ok(recorded) if recorded.status.code() == Some(124) => {}
        Ok(failed) => {
            println!(
                "skipped: perf cannot record: {}",
                String::from_utf8_lossy(&failed.stderr)
            );
            return None;
        }
        Err(error) => {
            println!("skipped: there is no perf: {error}");
            return None;
        }
    }
    let script = perf(&["script", "-i", "perf.data", "-F", "ip,sym"]).expect("perf is there");
    Some(String::from_utf8_lossy(&script.stdout).into_owned())
}

#[test]
fn perf_shows_the_calls_of_a_cached_guest_by_name() {
    let dir = Dir::new();
    drop(Guest::start(&dir, &["--cache-dir", "cache"]));
    let Some(script) = recorded(dir.path(), &["--cache-dir", "cache"]) else {
        return;
    };
    let frames: Vec<&str> = script
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(_, name)| name)
        .collect();
    let calls = ["spin", "innermost", "middle", "large", "_start"];
    let found = frames.windows(calls.len()).filter(|window| *window == calls).count();
    assert!(found >= 10, "{found} of the samples show all calls:\n{script}");
}
