//! Files that look like the file that the cache remembers: wrun always runs the current contents of the file.

use std::fs::{self, File, FileTimes};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use wrun_tests::skip;

use crate::cli::Dir;
use crate::program::{Program, Size};
use crate::site::links;

/// A directory with a cache, and modules of one length.
struct Place {
    dir: Dir,
    program: Program,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: Dir::new(),
            program: Program::new(Size::SMALL),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("m.wasm")
    }

    /// Overwrites the module's file with another module.
    fn write(&self, seed: u64) {
        fs::write(self.path(), self.program.seeded(seed).wasm()).expect("writable");
    }

    /// Checks that a run executes this module.
    #[track_caller]
    fn is(&self, seed: u64) {
        let ended = self.dir.wrun(["--cache-dir", "cache", "m.wasm"]).run();
        ended.prints(self.program.seeded(seed).output());
    }

    /// Returns the number of files that the cache remembers by their identity.
    fn known(&self) -> usize {
        links(&self.dir.path().join("cache")).len()
    }

    /// Writes a module, and runs it until the cache remembers its file.
    fn know(&self, seed: u64) {
        self.write(seed);
        thread::sleep(Duration::from_millis(3300));
        self.is(seed);
        self.is(seed);
        assert!(self.known() > 0, "the file has long been the same");
    }
}

fn times(path: &Path) -> FileTimes {
    let metadata = fs::metadata(path).expect("the file exists");
    FileTimes::new()
        .set_modified(metadata.modified().expect("it has one"))
        .set_accessed(metadata.accessed().expect("it has one"))
}

fn restore(path: &Path, times: FileTimes) {
    let file = File::options().write(true).open(path).expect("the test owns the file");
    file.set_times(times).expect("the test owns the file");
}

#[test]
fn a_file_that_was_rewritten_at_once() {
    let place = Place::new();
    for seed in 0..30 {
        place.write(seed);
        place.is(seed);
        // Most likely within the same tick of the file system's clock.
        place.write(seed + 100);
        place.is(seed + 100);
    }
    assert_eq!(place.known(), 0, "none of them was old enough");
}

#[test]
fn a_file_that_was_rewritten_at_once_with_the_times_of_long_ago() {
    let place = Place::new();
    place.write(0);
    let old = FileTimes::new()
        .set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .set_accessed(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    for seed in 0..10 {
        place.write(seed);
        restore(&place.path(), old);
        place.is(seed);
    }
    assert_eq!(place.known(), 0, "their inodes were changed just now");
}

#[test]
fn a_file_that_got_its_old_times_back() {
    let place = Place::new();
    place.know(1);
    let before = times(&place.path());
    place.write(2);
    restore(&place.path(), before);
    place.is(2);
    // The first module again, in the same inode.
    place.write(1);
    restore(&place.path(), before);
    place.is(1);
}

#[test]
fn a_file_with_times_of_the_future() {
    let place = Place::new();
    place.write(1);
    let future = std::time::SystemTime::now() + Duration::from_secs(1_000_000);
    restore(&place.path(), FileTimes::new().set_modified(future));
    thread::sleep(Duration::from_millis(3300));
    place.is(1);
    assert_eq!(place.known(), 0);
    place.write(2);
    restore(&place.path(), FileTimes::new().set_modified(future));
    place.is(2);
}

#[test]
fn another_file_that_was_moved_over_it() {
    let place = Place::new();
    let other = place.dir.path().join("other.wasm");
    fs::write(&other, place.program.seeded(2).wasm()).expect("writable");
    place.know(1);
    restore(&other, times(&place.path()));
    fs::rename(&other, place.path()).expect("writable");
    place.is(2);
}

#[test]
fn an_inode_that_is_used_again() {
    let place = Place::new();
    place.know(1);
    let (before, inode) = (
        times(&place.path()),
        fs::metadata(place.path()).expect("it exists").ino(),
    );
    let mut reused = false;
    for _ in 0..200 {
        fs::remove_file(place.path()).expect("it exists");
        place.write(2);
        restore(&place.path(), before);
        reused = fs::metadata(place.path()).expect("it exists").ino() == inode;
        if reused {
            break;
        }
    }
    if !reused {
        skip("inode", "this file system did not give out the inode again");
    }
    place.is(2);
}

#[test]
fn one_file_with_several_names_is_known_by_all_of_them() {
    let place = Place::new();
    place.write(1);
    fs::hard_link(place.path(), place.dir.path().join("hard.wasm")).expect("writable");
    std::os::unix::fs::symlink("m.wasm", place.dir.path().join("soft.wasm")).expect("writable");
    place.know(1);
    assert_eq!(place.known(), 1);
    for name in ["hard.wasm", "soft.wasm"] {
        let ended = place.dir.wrun(["--cache-dir", "cache", name]).run();
        ended.prints(place.program.seeded(1).output());
    }
    assert_eq!(place.known(), 1);
    // A symlink stands for its current target.
    let other = place.dir.write("other.wasm", place.program.seeded(2).wasm());
    fs::remove_file(place.dir.path().join("soft.wasm")).expect("it exists");
    std::os::unix::fs::symlink(other, place.dir.path().join("soft.wasm")).expect("writable");
    let ended = place.dir.wrun(["--cache-dir", "cache", "soft.wasm"]).run();
    ended.prints(place.program.seeded(2).output());
}

#[test]
fn a_file_that_changes_while_it_is_run_again_and_again() {
    let place = Place::new();
    place.write(0);
    let path = place.path();
    // Replaced by renaming, as builds do, so the file is always complete.
    let writer = thread::spawn({
        let (program, directory) = (place.program.clone(), place.dir.path().to_owned());
        move || {
            for seed in 1..=60 {
                let new = directory.join("new.wasm");
                fs::write(&new, program.seeded(seed).wasm()).expect("writable");
                fs::rename(&new, &path).expect("writable");
                thread::sleep(Duration::from_millis(15));
            }
        }
    });
    let results: Vec<_> = (0..=60).map(|seed| place.program.seeded(seed).output()).collect();
    let mut least = 0;
    while !writer.is_finished() {
        let ended = place
            .dir
            .wrun(["--cache-dir", "cache", "m.wasm"])
            .run()
            .status(0)
            .quiet();
        let found = results.iter().position(|result| result.as_bytes() == ended.stdout);
        let found = found.expect("one of them");
        assert!(found >= least, "{found} after {least}");
        least = found;
    }
    writer.join().expect("it does not fail");
    place.is(60);
}

/// Another process that has mapped a module's file and writes to the mapping.
struct Mapped {
    child: Child,
    program: Program,
}

impl Mapped {
    fn new(path: &Path, program: &Program) -> Self {
        let script = "import mmap, sys
file = open(sys.argv[1], 'r+b')
view = mmap.mmap(file.fileno(), 0)
for line in sys.stdin:
    at, byte = map(int, line.split())
    view[at] = byte
    print('written', flush=True)";
        let child = Command::new("python3")
            .args(["-c", script])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ci/install installs python3");
        let program = program.clone();
        Self { child, program }
    }

    /// Changes the module through the mapping to the one with this seed, which is below 256.
    fn write(&mut self, seed: u64) {
        let [zero, one, new] = [0, 255, seed].map(|seed| self.program.seeded(seed));
        let differs = zero.wasm().iter().zip(one.wasm()).position(|(a, b)| a != b);
        let at = differs.expect("the seed is in it");
        let stdin = self.child.stdin.as_mut().expect("it is a pipe");
        writeln!(stdin, "{at} {}", new.wasm()[at]).expect("it listens");
        let mut line = String::new();
        let stdout = self.child.stdout.as_mut().expect("it is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it answers");
        assert_eq!(line, "written\n");
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn a_file_that_is_written_through_a_mapping() {
    let place = Place::new();
    place.write(0);
    let mut mapped = Mapped::new(&place.path(), &place.program);
    for seed in [1, 3] {
        // The page is written again before it is on disk.
        mapped.write(seed);
        thread::sleep(Duration::from_millis(3300));
        place.is(seed);
        place.is(seed);
        assert!(place.known() > 0, "the file has long been the same");
        mapped.write(seed + 1);
        place.is(seed + 1);
    }
}

#[test]
fn a_file_in_memory_that_is_written_through_a_mapping() {
    let place = Place::new();
    let path = Path::new("/dev/shm").join(format!("wrun-faults-{}.wasm", std::process::id()));
    if let Err(error) = fs::write(&path, place.program.seeded(0).wasm()) {
        return skip("shm", format!("no file system in memory: {error}"));
    }
    let is = |seed| {
        let ended = place.dir.wrun(["--cache-dir", "cache"]).args([&path]).run();
        ended.prints(place.program.seeded(seed).output());
    };
    let mut mapped = Mapped::new(&path, &place.program);
    mapped.write(1);
    thread::sleep(Duration::from_millis(3300));
    is(1);
    is(1);
    mapped.write(2);
    is(2);
    assert_eq!(place.known(), 0, "its times do not tell");
    fs::remove_file(&path).expect("the test owns it");
}
