//! Several processes and one cache: simultaneous cold starts, a compiling process that dies or stops, and an artifact that is
//! evicted, replaced or removed while a guest runs from it.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Program, Size};
use crate::site::{Live, Site, compilations, wait_until};

/// Starts a run with a log.
fn spawn(site: &Site, options: &[&str]) -> Child {
    site.command(options)
        .env("WRUN_LOG", "debug")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cargo has built the binary")
}

/// Waits for a run, checks its result, and returns the number of its compilations.
#[track_caller]
fn ends_right(site: &Site, child: Child) -> usize {
    let output = child.wait_with_output().expect("the test owns the child");
    let log = String::from_utf8(output.stderr).expect("logs are UTF-8");
    assert!(output.status.success(), "{}: {log}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stdout), site.program().output());
    compilations(&log)
}

/// Starts a process that compiles the module of a site and holds its lock.
fn compiling(site: &Site) -> Child {
    let child = spawn(site, &[]);
    wait_until("a process that compiles", || !site.names_with(".lock").is_empty());
    child
}

#[track_caller]
fn is_compiling(site: &Site, child: &mut Child) {
    assert!(
        child.try_wait().expect("the test owns the child").is_none() && site.names_with(".wrun").is_empty(),
        "the module is too small for this test: it is compiled already"
    );
}

#[test]
fn of_32_processes_that_start_cold_one_compiles() {
    let site = Site::new(Program::new(Size::LARGE));
    let mut children: Vec<_> = (0..32).map(|_| spawn(&site, &[])).collect();
    is_compiling(&site, &mut children[0]);
    let compiled: usize = children.into_iter().map(|child| ends_right(&site, child)).sum();
    assert_eq!(compiled, 1);
    assert_eq!(site.names_with(".wrun").len(), 1);
    let others = site.names_with(".lock").len() + site.names().iter().filter(|name| name.starts_with("new-")).count();
    assert_eq!(others, 0, "{:?}", site.names());
    assert_eq!(site.compiles(), 0);
}

#[test]
fn different_modules_do_not_wait_for_each_other() {
    let site = Site::new(Program::new(Size::LARGE));
    let first = compiling(&site);
    signal(&first, "STOP");
    let other = Program::new(Size::SMALL);
    fs::write(site.path().join("other.wasm"), other.wasm()).expect("writable");
    let cache = site.cache();
    let ended = crate::cli::wrun(["--cache-dir".as_ref(), cache.as_os_str()])
        .args([site.path().join("other.wasm")])
        .run();
    ended.prints(other.output());
    assert_eq!(site.names_with(".wrun").len(), 1, "the first one is not ready");
    signal(&first, "CONT");
    assert_eq!(ends_right(&site, first), 1);
}

#[test]
fn evicting_one_another_harms_nobody() {
    let small = Program::new(Size::SMALL);
    let sites: Vec<_> = (0..8).map(|seed| Site::new(small.seeded(seed))).collect();
    let shared = sites[0].cache();
    let shared = shared.to_str().expect("made here");
    for _ in 0..4 {
        // The last `--cache-dir` takes effect.
        let options = ["--cache-dir", shared, "--cache-size", "1"];
        let children: Vec<_> = sites.iter().map(|site| (site, spawn(site, &options))).collect();
        for (site, child) in children {
            ends_right(site, child);
        }
    }
    assert!(sites[0].names_with(".wrun").len() < 8);
}

#[test]
fn a_compiler_that_is_killed_holds_nobody_up() {
    let site = Site::new(Program::new(Size::LARGE));
    let mut first = compiling(&site);
    let waiting: Vec<_> = (0..3).map(|_| spawn(&site, &[])).collect();
    std::thread::sleep(Duration::from_millis(100));
    is_compiling(&site, &mut first);
    first.kill().expect("the test owns the child");
    first.wait().expect("the test owns the child");
    let compiled: usize = waiting.into_iter().map(|child| ends_right(&site, child)).sum();
    assert_eq!(compiled, 1, "one of those who waited");
    assert_eq!(site.names_with(".lock"), [""; 0]);
}

/// Runs `kill -NAME PID`.
fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .expect("there is a `kill`");
    assert!(status.success());
}

#[test]
fn waiting_for_a_compiler_that_stopped_ends_with_the_deadline() {
    let site = Site::new(Program::new(Size::LARGE));
    let mut first = compiling(&site);
    signal(&first, "STOP");
    is_compiling(&site, &mut first);
    // Processes that only read the cache do not wait.
    let reader = spawn(&site, &["--cache-mode", "read-only"]);
    assert_eq!(ends_right(&site, reader), 1);
    site.is_missed();

    let started = Instant::now();
    let mut second = spawn(&site, &["--epoch-timeout", "500ms"]);
    let status = second.wait().expect("the test owns the child");
    let mut log = String::new();
    let mut stderr = second.stderr.take().expect("it is a pipe");
    stderr.read_to_string(&mut log).expect("a pipe can be read");
    assert_eq!(status.code(), Some(124), "{log}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());

    signal(&first, "CONT");
    assert_eq!(ends_right(&site, first), 1);
}

#[test]
fn a_compiler_that_stopped_is_replaced_by_one_of_those_that_wait() {
    let site = Site::new(Program::new(Size::LARGE));
    let mut first = compiling(&site);
    signal(&first, "STOP");
    is_compiling(&site, &mut first);
    let waiting: Vec<_> = (0..4).map(|_| spawn(&site, &[])).collect();
    let compiled: usize = waiting.into_iter().map(|child| ends_right(&site, child)).sum();
    assert_eq!(compiled, 1, "one of those who waited");

    signal(&first, "CONT");
    // It may have been stopped just before it began to compile. Then it finds the artifact of the other process.
    assert!(ends_right(&site, first) <= 1);
    assert_eq!(site.names_with(".wrun").len(), 1);
    assert_eq!(site.names_with(".lock"), [""; 0]);
    assert_eq!(site.compiles(), 0);
}

/// Another program, not wrun, holds the lock and does nothing with it.
#[test]
fn a_lock_that_somebody_else_holds_delays_for_some_seconds_and_no_longer_than_the_deadline() {
    let site = Site::new(Program::new(Size::SMALL));
    site.runs();
    let lock = site.entry().with_extension("lock");
    fs::remove_file(site.entry()).expect("it exists");
    let file = fs::File::create(&lock).expect("writable");
    file.lock().expect("no other process has it");

    let started = Instant::now();
    let ended = site.wrun(&["--epoch-timeout", "500ms"]).run().status(124);
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(4), "{waited:?}: {}", ended.stderr);

    let started = Instant::now();
    assert_eq!(site.compiles(), 1);
    let waited = started.elapsed();
    assert!((5..15).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(site.names_with(".lock"), [""; 0], "it was taken over");
    assert_eq!(site.compiles(), 0);
}

/// An event that happens to the only artifact in a site's cache.
type Event = fn(&Site);

/// The events.
const EVENTS: &[(&str, Event)] = &[
    ("evicted", |site| {
        // Another program needs the space.
        let other = Site::new(Program::new(Size::SMALL).seeded(99));
        let cache = site.cache();
        let ended = crate::cli::wrun([
            "--cache-size".as_ref(),
            "1".as_ref(),
            "--cache-dir".as_ref(),
            cache.as_os_str(),
        ]);
        ended.args([other.module()]).run().prints(other.program().output());
        assert_eq!(site.names_with(".wrun").len(), 1, "the other one's");
    }),
    ("cleared", |site| {
        let cache = site.cache();
        let ended = crate::cli::wrun([
            "cache".as_ref(),
            "clear".as_ref(),
            "--cache-dir".as_ref(),
            cache.as_os_str(),
        ]);
        ended.run().status(0);
        assert_eq!(site.names_with(".wrun"), [""; 0]);
    }),
    ("replaced", |site| {
        let entry = site.entry();
        let bytes = fs::read(&entry).expect("readable");
        let other = site.cache().join("other");
        fs::write(&other, vec![0xcc; bytes.len()]).expect("writable");
        fs::rename(other, entry).expect("writable");
    }),
    ("removed with the whole directory", |site| {
        fs::remove_dir_all(site.cache()).expect("it exists");
    }),
];

#[test]
fn a_running_guest_does_not_notice_what_becomes_of_its_artifact() {
    let size = Size {
        data: 2_000_000,
        ..Size::LARGE
    };
    let program = Program::new(size);
    for (event, happens) in EVENTS {
        let site = Site::new(program.clone());
        // One guest has just compiled the module, and one has found it in the cache.
        let cold = Live::start(&site);
        let warm = Live::start(&site);
        happens(&site);
        // A guest that starts afterwards.
        let later = Live::start(&site);
        for (name, live) in [("cold", cold), ("warm", warm), ("later", later)] {
            println!("{event}, {name}");
            live.ends_right();
        }
        assert_eq!(site.compiles(), 0, "{event}: it is there again");
    }
}

#[test]
fn a_known_file_is_not_read_and_its_artifact_is_not_copied() {
    let counts = |data| {
        let site = Site::new(Program::new(Size { data, ..Size::SMALL }));
        site.settle();
        site.runs();
        site.runs();
        let live = Live::start(&site);
        let read = field(&live.proc("io"), "rchar:");
        // Only copied pages: pages of a file that was just written, such as wrun's own, count as dirty too.
        let private = field(&live.proc("smaps_rollup"), "Anonymous:");
        live.ends_right();
        (read, private)
    };
    let (read, private) = counts(40_000);
    let (more_read, more_private) = counts(8_000_000);
    assert!(more_read < read + 10_000, "{read} and {more_read} bytes are read");
    assert!(
        more_private < private + 200,
        "{private} and {more_private} KiB are private"
    );
}

/// Returns a number from the text of a file in `/proc`.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.expect("the kernel counts it").parse().expect("it is a number")
}
