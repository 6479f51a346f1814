//! Artifacts whose bytes have changed, in a cache and outside of one: they are verified once, and a damaged one never runs.

use std::collections::BTreeSet;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime};

use wrun_artifact::BUILD;
use wrun_artifact::config::CpuFeatures;
use wrun_artifact::elf::Expect;
use wrun_artifact::header::{Compare, HEADER_OFFSET, Header, PROGRAM_HEADER_OFFSET, Section};

use crate::cli::{Dir, Ended, artifacts};
use crate::site::compilations;

/// The log line for an artifact whose checksums are all right.
const VERIFIED: &str = "the checksums of all ";

/// The log line for damage.
const DAMAGED: &str = "the compiled module is damaged (the checksum of ";

/// Age of a file from which on the cache trusts its times.
const SETTLED: Duration = Duration::from_millis(3300);

/// A module with something in every section that an artifact can have.
const MODULE: &str = r#"(module $app
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (table 2 funcref)
  (elem (i32.const 0) $say $trap)
  (export "keep" (func $keep))
  (type $t (func))
  (data (i32.const 131072) "\00\00\02\00\06\00\00\00")
  (data $text "whole\n")
  (func $trap (unreachable))
  (func $keep (param externref) (result externref)
    (block $caught (try_table (catch_all $caught) (call $say)))
    (local.get 0))
  (func $say
    (memory.init $text (i32.const 131072) (i32.const 0) (i32.const 6))
    (i32.store (i32.const 0) (i32.const 131072))
    (i32.store (i32.const 4) (i32.const 6))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
  (func (export "_start") (call_indirect (type $t) (i32.load8_u (i32.const 131073)))))"#;

/// Its output.
const OUTPUT: &str = "whole\n";

/// A directory with the module, and with its artifact in a cache.
struct Place {
    dir: Dir,
    good: Vec<u8>,
}

impl Place {
    fn new() -> Self {
        let dir = Dir::new();
        // The last section is a DWARF section, which the artifact keeps.
        let mut wasm = wat::parse_str(MODULE).expect("well-formed");
        let section = [&[13][..], b".debug_abbrev", &[0; 16]].concat();
        wasm.extend([0, u8::try_from(section.len()).expect("short")]);
        wasm.extend(section);
        dir.write("m.wasm", wasm);
        let mut place = Self { dir, good: Vec::new() };
        place.runs(&[]);
        place.good = fs::read(place.entry()).expect("readable");
        place
    }

    fn entry(&self) -> PathBuf {
        entry(&self.dir.path().join("cache"))
    }

    /// Runs the module, checks the result, and returns the log.
    #[track_caller]
    fn runs(&self, options: &[&str]) -> String {
        self.runs_with("cache", options)
    }

    #[track_caller]
    fn runs_with(&self, cache: &str, options: &[&str]) -> String {
        let wrun = self.dir.wrun(["--cache-dir", cache]).args(options).args(["m.wasm"]);
        let ended = wrun.env("WRUN_LOG", "debug").run().status(0);
        assert_eq!(ended.stdout, OUTPUT.as_bytes(), "{ended:?}");
        ended.stderr
    }

    /// Runs a file of native code, with or without a cache. Returns the result, and true if the log says that the file was
    /// verified.
    fn native_code(&self, name: &str, options: &[&str]) -> (Ended, bool) {
        let wrun = self.dir.wrun(["--allow-precompiled"]).args(options).args([name]);
        let ended = wrun.env("WRUN_LOG", "debug").run();
        let verified = ended.stderr.contains(VERIFIED);
        (ended, verified)
    }

    /// Returns offsets of bytes in every part of the artifact, with the name of the part.
    fn places(&self) -> Vec<(String, usize)> {
        let expect = Expect {
            build: BUILD,
            config: None,
            cpu: CpuFeatures::detect(),
        };
        let header = Header::read(&self.good, &expect, Compare::All).expect("wrun has written it");
        let mut places = vec![
            ("ELF header".to_owned(), 24),
            ("reserved field".to_owned(), HEADER_OFFSET + 12),
            ("checksum of the text".to_owned(), PROGRAM_HEADER_OFFSET - 24),
            ("checksum of the data".to_owned(), PROGRAM_HEADER_OFFSET - 16),
            ("checksum of the head".to_owned(), PROGRAM_HEADER_OFFSET - 8),
            ("program header".to_owned(), PROGRAM_HEADER_OFFSET + 8),
            ("section headers".to_owned(), self.good.len() - 1),
            ("debug sections".to_owned(), header.section(Section::Names).end + 3),
            ("padding of the text".to_owned(), header.executable().end - 1),
        ];
        for section in Section::ALL {
            let range = header.section(section).range();
            assert!(!range.is_empty(), "the module has something in {section:?}");
            places.push((format!("first of {}", section.name()), range.start));
            places.push((format!("last of {}", section.name()), range.end - 1));
        }
        places
    }
}

fn entry(cache: &Path) -> PathBuf {
    let names = artifacts(cache);
    assert_eq!(names.len(), 1, "{names:?}");
    cache.join(&names[0])
}

/// Changes one byte of a file in place.
fn flip(path: &Path, at: usize) {
    let file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("the test owns it");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).expect("inside");
    file.write_all_at(&[byte[0] ^ 0x10], at as u64)
        .expect("the test owns it");
}

fn times(path: &Path) -> FileTimes {
    let metadata = fs::metadata(path).expect("it exists");
    FileTimes::new()
        .set_modified(metadata.modified().expect("it has one"))
        .set_accessed(metadata.accessed().expect("it has one"))
}

fn set_times(path: &Path, times: FileTimes) {
    let file = File::options().write(true).open(path).expect("the test owns it");
    file.set_times(times).expect("the test owns it");
}

#[test]
fn an_artifact_with_one_changed_byte_is_compiled_again_and_the_log_has_the_reason() {
    let place = Place::new();
    let mut reasons = BTreeSet::new();
    for (name, at) in place.places() {
        for restore_times in [false, true] {
            let before = times(&place.entry());
            flip(&place.entry(), at);
            if restore_times {
                set_times(&place.entry(), before);
            }
            let log = place.runs(&[]);
            assert_eq!(compilations(&log), 1, "{name}: {log}");
            let reason = log.split(DAMAGED).nth(1).and_then(|rest| rest.split(" differs").next());
            reasons.insert(reason.unwrap_or_else(|| panic!("{name}: {log}")).to_owned());
            assert!(
                fs::read(place.entry()).expect("readable") == place.good,
                "{name}: it is replaced"
            );
            let log = place.runs(&[]);
            assert!(compilations(&log) == 0 && !log.contains(VERIFIED), "{name}: {log}");
        }
    }
    assert_eq!(
        reasons.into_iter().collect::<Vec<_>>(),
        ["its data", "its header or info", "its text"]
    );
}

#[test]
fn a_restored_cache_is_verified_once() {
    let place = Place::new();
    let path = place.dir.path();
    // Each cache remembers the module's file by its identity.
    thread::sleep(SETTLED);
    place.runs(&[]);
    let run = |program: &str, words: &[&str]| {
        let status = Command::new(program).args(words).current_dir(path).status();
        assert!(status.expect("coreutils and tar are there").success(), "{program}");
    };
    run("cp", &["-a", "cache", "copied"]);
    run("tar", &["-cf", "cache.tar", "cache"]);
    fs::create_dir(path.join("unpacked")).expect("new");
    run("tar", &["-xpf", "cache.tar", "-C", "unpacked"]);
    for cache in ["copied", "unpacked/cache"] {
        let log = place.runs_with(cache, &[]);
        assert!(compilations(&log) == 0 && log.contains(VERIFIED), "{cache}: {log}");
        assert!(!log.contains("bytes from m.wasm"), "{cache}: {log}");
        for _ in 0..2 {
            let log = place.runs_with(cache, &[]);
            assert!(compilations(&log) == 0 && !log.contains(VERIFIED), "{cache}: {log}");
        }
        // Pruning removes only the symlinks for inodes of the cache that was archived.
        let links = || {
            fs::read_dir(path.join(cache).join("by-file"))
                .expect("it exists")
                .count()
        };
        assert_eq!(links(), 3, "the module, the old inode and the new one");
        let prune = place.dir.wrun(["cache", "--cache-dir", cache, "prune"]).run();
        prune.prints("removed 0 artifacts of 0 bytes\n");
        assert_eq!(links(), 2);
        let log = place.runs_with(cache, &[]);
        assert!(!log.contains(VERIFIED), "{cache}: {log}");
    }
}

#[test]
fn a_cache_that_is_only_read_is_verified_each_time_until_cache_verify_was_run() {
    let place = Place::new();
    let names = || {
        fs::read_dir(place.dir.path().join("cache/by-file"))
            .expect("it exists")
            .count()
    };
    for mode in ["read-only", "require"] {
        let modified = FileTimes::new().set_modified(SystemTime::now());
        set_times(&place.entry(), modified);
        let before = names();
        for _ in 0..2 {
            let log = place.runs(&["--cache-mode", mode]);
            assert!(compilations(&log) == 0 && log.contains(VERIFIED), "{mode}: {log}");
        }
        assert_eq!(names(), before, "nothing is written");
        let verify = place.dir.wrun(["cache", "--cache-dir", "cache", "verify"]).run();
        verify.prints("1 sound, 0 stale, 0 damaged\n");
        let log = place.runs(&["--cache-mode", mode]);
        assert!(!log.contains(VERIFIED), "{mode}: {log}");
    }
}

#[test]
fn recording_a_use_changes_nothing_about_what_is_verified() {
    let place = Place::new();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let old = FileTimes::new().set_accessed(hour_ago).set_modified(hour_ago);
    set_times(&place.entry(), old);
    place
        .dir
        .wrun(["cache", "--cache-dir", "cache", "verify"])
        .run()
        .status(0);
    let used = || fs::metadata(place.entry()).and_then(|metadata| metadata.accessed());
    for _ in 0..2 {
        let log = place.runs(&[]);
        assert!(!log.contains(VERIFIED), "{log}");
        assert!(used().expect("it exists").elapsed().expect("past") < Duration::from_secs(60));
    }
    // It does not cover a change at the same time.
    set_times(&place.entry(), old);
    assert!(place.runs(&[]).contains(VERIFIED));
}

#[test]
fn damage_that_the_inode_does_not_show_is_found_by_cache_verify_and_does_not_run_again() {
    let place = Place::new();
    let (_, at) = place.places().pop().expect("there are many");
    flip(&place.entry(), at);
    // Like a bit flip on the disk: the inode is the verified one.
    let link = "import os, sys
s = os.stat(sys.argv[1])
name = '-'.join('%x' % n for n in [s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns // 10**9, s.st_mtime_ns % 10**9, s.st_ctime_ns // 10**9, s.st_ctime_ns % 10**9])
os.symlink('../' + os.path.basename(sys.argv[1]), os.path.dirname(sys.argv[1]) + '/by-file/' + name)";
    let made = Command::new("python3").args(["-c", link]).arg(place.entry()).status();
    assert!(made.expect("ci/install installs python3").success());
    assert!(!place.runs(&[]).contains(DAMAGED), "it looks as it should");
    let verify = || place.dir.wrun(["cache", "--cache-dir", "cache", "verify"]).run();
    verify().status(125).says(["the cache is damaged"]);
    let log = place.runs(&[]);
    assert!(compilations(&log) == 1 && log.contains(DAMAGED), "{log}");
    verify().prints("1 sound, 0 stale, 0 damaged\n");
}

#[test]
fn a_damaged_file_of_native_code_is_refused() {
    let place = Place::new();
    for (name, at) in place.places() {
        let path = place.dir.write("bad", &place.good);
        flip(&path, at);
        for options in [&["--no-cache"][..], &["--cache-dir", "cache"]] {
            let (ended, _) = place.native_code("bad", options);
            let ended = ended.status(126);
            assert!(ended.stderr.contains(DAMAGED), "{name}: {}", ended.stderr);
            assert!(ended.stdout.is_empty(), "{name}: {ended:?}");
        }
    }
}

#[test]
fn a_file_of_native_code_is_verified_once_where_there_is_a_cache() {
    let place = Place::new();
    place.dir.write("out", &place.good);
    let run = |options: &[&str]| {
        let (ended, verified) = place.native_code("out", options);
        assert_eq!(ended.status(0).stdout, OUTPUT.as_bytes());
        verified
    };
    assert!(run(&["--cache-dir", "cache"]));
    assert!(run(&["--cache-dir", "cache"]), "it was written just now");
    thread::sleep(SETTLED);
    assert!(run(&["--cache-dir", "cache"]));
    for _ in 0..2 {
        assert!(!run(&["--cache-dir", "cache"]));
        assert!(run(&["--no-cache"]), "nothing remembers it");
    }
    place.dir.write("out", &place.good);
    assert!(run(&["--cache-dir", "cache"]), "it was written again");
}
