//! Output of gdb and perf for a running guest: names of its functions, in the order of the calls, in guest code and in host
//! calls.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use wrun_tests::skip;

use crate::support::Dir;

/// A run that takes this long hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Locals of a function whose frame has more than one page.
const LOCALS: u32 = 800;

/// Returns a module that calls `large`, `middle` and `innermost`, which prints `ready` and never ends: it loops, or, if started
/// by `wait`, stays in a host call.
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

/// A running guest.
struct Guest(Child);

impl Guest {
    /// Starts the module, and waits until it prints `ready`.
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
        let stat = || fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it runs");
        while !stat().contains(") S ") {
            assert!(started.elapsed() < HANGS, "it does not wait");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns the backtrace from gdb, or `None` if this process may not trace others.
    fn backtrace(&self) -> Option<String> {
        let id = self.0.id().to_string();
        let gdb = Command::new("gdb")
            .args(["-nx", "-batch", "-p", &id, "-ex", "bt"])
            .output();
        let gdb = gdb.expect("ci/install installs gdb");
        let text = String::from_utf8_lossy(&gdb.stdout).into_owned();
        let errors = String::from_utf8_lossy(&gdb.stderr);
        if errors.contains("Operation not permitted") {
            skip("ptrace", "this process may not trace others");
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

/// Checks that the lines of a backtrace contain these names in order. The names in `direct` must be in consecutive lines.
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

/// Runs perf in a directory.
fn perf(dir: &Path, words: &[&str]) -> std::io::Result<Output> {
    Command::new("perf").args(words).current_dir(dir).output()
}

/// Records a wrun with these arguments with perf until its deadline. Returns `None` if perf cannot record.
fn recorded(dir: &Path, how: &[&str], words: &[&str]) -> Option<ForPerf> {
    let wrun = [env!("CARGO_BIN_EXE_wrun"), "--epoch-timeout=2s"];
    let record = ["record", "-q", "-o", "perf.data", "-k", "mono", "-e", "cpu-clock:u"];
    match perf(dir, &[&record[..], how, &["--"], &wrun, words].concat()) {
        Ok(recorded) if recorded.status.code() == Some(124) => {
            let id = script(dir, "perf.data", &["-F", "pid"]);
            return Some(ForPerf(id.split_whitespace().next()?.parse().expect("a process")));
        }
        Ok(failed) => {
            let errors = String::from_utf8_lossy(&failed.stderr).into_owned();
            skip("perf", format!("perf cannot record: {errors}"));
        }
        Err(error) => skip("perf", format!("there is no perf: {error}")),
    }
    None
}

/// Returns the output of `perf script` for a file.
fn script(dir: &Path, file: &str, words: &[&str]) -> String {
    let script = perf(dir, &[&["script", "-i", file], words].concat()).expect("perf is there");
    String::from_utf8_lossy(&script.stdout).into_owned()
}

/// The files that a process has written for perf, and those that perf has made of them. They are removed at the end.
struct ForPerf(u32);

impl ForPerf {
    fn map(&self) -> PathBuf {
        format!("/tmp/perf-{}.map", self.0).into()
    }

    fn dump(&self) -> PathBuf {
        format!("/tmp/jit-{}.dump", self.0).into()
    }
}

impl Drop for ForPerf {
    fn drop(&mut self) {
        let prefix = format!("jitted-{}-", self.0);
        let entries = fs::read_dir("/tmp").into_iter().flatten().flatten();
        let made = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()));
        for path in made.map(|entry| entry.path()).chain([self.map(), self.dump()]) {
            let _ = fs::remove_file(path);
        }
    }
}

#[test]
fn perf_shows_the_calls_of_a_guest_by_name() {
    let dir = Dir::new();
    drop(Guest::start(&dir, &["--cache-dir", "cache"]));
    // From the file in the cache, and from the map.
    for options in [&["--cache-dir=cache"][..], &["--profile=perf", "--cache-dir=cache"]] {
        let words = [options, &["chain.wat"]].concat();
        let Some(_files) = recorded(dir.path(), &["--call-graph", "fp"], &words) else {
            return;
        };
        let script = script(dir.path(), "perf.data", &["-F", "ip,sym"]);
        let names = script.lines().filter_map(|line| line.trim().split_once(' '));
        let frames: Vec<&str> = names.map(|(_, name)| name).collect();
        let calls = ["spin", "innermost", "middle", "large", "_start"];
        let found = frames.windows(calls.len()).filter(|window| *window == calls).count();
        assert!(
            found >= 10,
            "{options:?}: {found} of the samples show all calls:\n{script}"
        );
    }
}

#[test]
fn the_map_for_perf_has_each_function_where_it_can_be_executed() {
    let dir = Dir::new();
    let guest = Guest::start(&dir, &["--profile", "perf", "--cache-dir", "cache"]);
    let files = ForPerf(guest.0.id());
    let map = fs::read_to_string(files.map()).expect("it exists");
    let maps = fs::read_to_string(format!("/proc/{}/maps", guest.0.id())).expect("it runs");
    let number = |word: &str| u64::from_str_radix(word, 16).expect("it is hexadecimal");
    // Code in memory without a file. For code from a file perf would take the names from the file.
    let executable: Vec<_> = maps
        .lines()
        .filter(|line| line.contains(" r-xp ") && line.contains(" 00:00 0 "))
        .collect();
    for name in ["spin", "innermost", "middle", "large", "_start", "wrun_entry_0"] {
        let line = map.lines().find(|line| line.split(' ').nth(2) == Some(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in\n{map}"));
        let mut words = line.split(' ').map(|word| if word == name { 0 } else { number(word) });
        let (start, len) = (words.next().expect("start"), words.next().expect("length"));
        let lies_in = |line: &&&str| {
            let (from, to) = line
                .split(' ')
                .next()
                .and_then(|range| range.split_once('-'))
                .expect("a range");
            number(from) <= start && start + len <= number(to)
        };
        assert!(
            len > 0 && executable.iter().any(|line| lies_in(&line)),
            "{line} in\n{maps}"
        );
    }
}

#[test]
fn the_jitdump_gives_perf_source_lines() {
    let dir = Dir::new();
    let source = "volatile unsigned sink;
__attribute__((noinline)) unsigned churn(unsigned n) {
    for (unsigned i = 0; i < n; i++)
        sink = sink * 31 + i;
    return sink;
}
__attribute__((export_name(\"once\"))) unsigned once(void) { return churn(10); }
int main(void) { for (;;) churn(1000000); }
";
    dir.write("lines.c", source);
    let clang = Command::new("clang")
        .args(["--target=wasm32-wasi", "-O1", "-g", "lines.c", "-o", "lines.wasm"])
        .current_dir(dir.path())
        .status();
    assert!(clang.expect("ci/install installs clang").success());
    let mut child = Command::new(env!("CARGO_BIN_EXE_wrun"))
        .env_clear()
        .current_dir(dir.path())
        .args(["--profile=perf", "--cache-dir=cache", "--invoke=once", "lines.wasm"])
        .stderr(Stdio::null())
        .spawn()
        .expect("cargo has built the binary");
    let files = ForPerf(child.id());
    child.wait().expect("it ends");
    let dump = fs::read(files.dump()).expect("it exists");
    assert!(dump.starts_with(b"DTiJ"));
    let has = |text: &[u8]| dump.windows(text.len()).any(|window| window == text);
    assert!(has(b"\0churn\0") || has(b"churn\0"), "the function's name");
    assert!(has(b"lines.c\0"), "the source's name");

    // The output of perf itself.
    let words = ["--profile=perf", "--cache-dir=cache", "lines.wasm"];
    let Some(_files) = recorded(dir.path(), &[], &words) else {
        return;
    };
    let injected = perf(dir.path(), &["inject", "--jit", "-i", "perf.data", "-o", "jit.data"]);
    assert!(injected.expect("perf is there").status.success());
    let script = script(dir.path(), "jit.data", &["-S", "churn", "-F", "ip,sym,srcline"]);
    assert!(script.contains("lines.c:4"), "{script}");
}
