//! Warm starts: they do little, and their result is the same as that of a cold start. The progress line is the only difference,
//! and it is tested here too.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::support::{Dir, artifacts, guest, wrun, wrun_after};

/// Age of a file from which on the cache trusts its times.
const SETTLED: Duration = Duration::from_millis(3100);

/// Largest number of system calls of a warm run of `hello`, including those of the C library and of Rust's standard library.
const MOST_CALLS: usize = 60;

fn utf8(path: &Path) -> &str {
    path.to_str().expect("the directory for tests has a name in UTF-8")
}

#[test]
fn a_warm_run_gives_what_the_cold_one_gave() {
    let dir = Dir::new();
    let cache = dir.path().join("cache");
    let cases: &[(&str, &[&str], &[&str], i32)] = &[
        ("hello", &[], &[], 0),
        ("cat", &[], &[], 0),
        ("exit", &[], &["7"], 7),
        ("words", &["--env", "A=b"], &["x", ""], 0),
        ("values", &["--invoke", "add"], &["1", "2"], 0),
        ("traps", &["--invoke", "unreachable"], &[], 134),
        ("traps", &["--invoke", "divide by zero"], &["0"], 134),
        ("traps", &["--invoke", "type mismatch"], &[], 134),
        ("deep", &["--invoke", "down", "--stack-size", "64K"], &["100000"], 134),
        ("traps", &["--invoke", "unreachable", "--no-address-map"], &[], 134),
    ];
    for (name, options, arguments, status) in cases {
        let run = |mode: &[&str]| {
            let run = wrun(options.iter())
                .args(mode)
                .args([guest(name)])
                .args(arguments.iter());
            let ended = run.stdin("some bytes\n").run().status(*status);
            (ended.stdout, ended.stderr)
        };
        let uncached = run(&[]);
        let cold = run(&["--cache-dir", utf8(&cache)]);
        let warm = run(&["--cache-dir", utf8(&cache), "--cache-mode", "require"]);
        assert_eq!(uncached, cold, "{name} {options:?}");
        assert_eq!(cold, warm, "{name} {options:?}");
    }
}

#[test]
fn the_same_module_is_known_by_its_contents_wherever_it_comes_from() {
    let dir = Dir::new();
    let text = fs::read(guest("hello")).expect("the guest exists");
    let wasm = wat::parse_bytes(&text).expect("the guest is well-formed").into_owned();
    dir.write("hello.wasm", &wasm);
    dir.wrun(["--cache-dir=cache", "hello.wasm"])
        .run()
        .prints("hello, world\n");
    let require = |module: &str| dir.wrun(["--cache-dir=cache", "--cache-mode=require", module]);
    dir.write("copy", &wasm);
    dir.write("text.wat", &text);
    require("copy").run().prints("hello, world\n");
    require("text.wat").run().prints("hello, world\n");
    require("-").stdin(wasm.clone()).run().prints("hello, world\n");
    require("-").stdin(text).run().prints("hello, world\n");
    require("/dev/stdin").stdin(wasm).run().prints("hello, world\n");
    assert_eq!(artifacts(&dir.path().join("cache")).len(), 1);
}

#[test]
fn where_the_cached_code_needs_more_room_than_there_is_other_code_is_made_and_kept() {
    let dir = Dir::new();
    let (cache, hello) = (dir.path().join("cache"), guest("hello"));
    let words = ["--cache-dir", utf8(&cache), utf8(&hello)];
    wrun(words).run().prints("hello, world\n");
    for _ in 0..2 {
        let ended = wrun_after("ulimit -v 3000000", words).run().status(0);
        assert_eq!(ended.stdout, b"hello, world\n");
        let ended = ended.says(["notice: ", "ulimit -v", "slower"]);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert_eq!(artifacts(&cache).len(), 2);
    }
    wrun(words).run().prints("hello, world\n");
}

#[test]
fn an_unchanged_file_is_not_read_again_and_a_changed_one_is() {
    let module = |status: u32| {
        let text = format!(
            "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
               (memory (export \"memory\") 1)
               (func (export \"_start\") (call $exit (i32.const {status}))))"
        );
        wat::parse_str(text).expect("it is well-formed")
    };
    let dir = Dir::new();
    let (first, second) = (module(11), module(22));
    assert_eq!(first.len(), second.len());
    let path = dir.write("x.wasm", &first);
    // Returns true if the log says that the file was read.
    let reads = |status: i32| {
        let ended = dir.wrun(["--cache-dir=cache", "x.wasm"]).env("WRUN_LOG", "debug").run();
        ended.status(status).stderr.contains("bytes from x.wasm")
    };
    assert!(reads(11), "it is not known yet");
    thread::sleep(SETTLED);
    assert!(reads(11), "it was too new to be remembered");
    assert!(!reads(11), "it is known");
    // The same file, with other contents of the same size and the same modification time.
    let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
    let modified = modified.expect("the file exists");
    dir.write("x.wasm", &second);
    let set = File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(modified));
    set.expect("the test owns the file");
    assert!(reads(22), "it is another module");
    thread::sleep(SETTLED);
    assert!(reads(22));
    assert!(!reads(22));
    // With other settings it has another artifact.
    let ended = dir
        .wrun([
            "--cache-dir=cache",
            "--no-address-map",
            "--cache-mode=require",
            "x.wasm",
        ])
        .run();
    ended.fails(126, ["the cache has no"]);
}

#[test]
fn a_warm_start_makes_few_system_calls_and_none_for_the_modules_bytes() {
    let dir = Dir::new();
    let cache = dir.path().join("cache");
    let hello = guest("hello");
    // The files of the guests may be new.
    thread::sleep(SETTLED);
    let run = || {
        wrun(["--cache-dir", utf8(&cache)])
            .args([&hello])
            .run()
            .prints("hello, world\n")
    };
    run();
    run();
    let traced = Command::new("strace")
        .args(["-f", "-o", utf8(&dir.path().join("trace"))])
        .args([env!("CARGO_BIN_EXE_wrun"), "--cache-dir", utf8(&cache)])
        .arg(&hello)
        .env_clear()
        .output()
        .expect("ci/install installs strace");
    assert_eq!(
        traced.stdout,
        b"hello, world\n",
        "{}",
        String::from_utf8_lossy(&traced.stderr)
    );
    let trace = fs::read_to_string(dir.path().join("trace")).expect("strace has written it");
    let calls: Vec<&str> = trace.lines().filter(|line| line.contains('(')).collect();
    assert!(calls.len() <= MOST_CALLS, "{} system calls:\n{trace}", calls.len());
    for call in ["clone", "fork", "/proc/self/cgroup", "futex", "getcwd"] {
        assert!(!trace.contains(call), "{call} in\n{trace}");
    }
    let opens_it = |call: &&str| call.contains("openat(") && call.contains("hello.wat");
    let opened = calls.iter().position(opens_it);
    let after = &calls[opened.expect("the module is opened")..];
    let reads = |call: &&str| call.contains("read(") || call.contains("pread");
    assert!(!after.iter().any(reads), "{trace}");
}

/// Returns the output of wrun on a terminal while it waits for another wrun that compiles `hello`.
fn on_a_terminal(term: &str, wait: Duration) -> String {
    let dir = Dir::new();
    let cache = dir.path().join("cache");
    fs::create_dir(&cache).expect("the directory for tests can be written");
    let key = wrun(["cache", "key"]).args([guest("hello")]).run().status(0).stdout;
    let key = String::from_utf8(key).expect("it is hexadecimal");
    // A process that compiles holds this lock.
    let lock = File::create(cache.join(format!("{}.lock", key.trim()))).expect("the test owns the cache");
    lock.lock().expect("no other process has it");
    let command = format!(
        "{} --cache-dir '{}' '{}'",
        env!("CARGO_BIN_EXE_wrun"),
        utf8(&cache),
        utf8(&guest("hello"))
    );
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).env_clear();
    script
        .env("TERM", term)
        .env("SHELL", "/bin/sh")
        .env("PATH", "/usr/bin:/bin");
    let waits = thread::spawn(move || script.output().expect("util-linux is there"));
    thread::sleep(wait);
    drop(lock);
    let ended = waits.join().expect("it does not panic");
    assert!(ended.status.success(), "{ended:?}");
    String::from_utf8(ended.stdout).expect("all of it is UTF-8")
}

#[test]
fn on_a_terminal_a_long_compilation_shows_and_its_line_is_erased() {
    let text = on_a_terminal("xterm", Duration::from_millis(2500));
    let lines: Vec<&str> = text.split("\r\x1b[K").collect();
    assert!(lines.len() >= 4, "{text:?}");
    assert_eq!(lines[0], "");
    assert_eq!(lines[1], "wrun: compiling hello.wat …");
    assert_eq!(lines[2], "wrun: compiling hello.wat … 1 s");
    assert_eq!(lines.last(), Some(&"hello, world\r\n"), "{text:?}");
}

#[test]
fn nothing_shows_where_a_line_cannot_be_erased_or_nobody_looks() {
    assert_eq!(on_a_terminal("dumb", Duration::from_millis(1200)), "hello, world\r\n");
}
