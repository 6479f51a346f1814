//! A scratch directory with a module and a cache, and functions that run the module with the cache.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::cli::{Dir, Ended, Wrun};
use crate::program::{Program, READY};

/// The phase that the log has once for each compiled module.
const COMPILED: &str = "translate+compile";

/// Age of a file from which on the cache trusts its times.
const SETTLED: Duration = Duration::from_millis(3300);

/// A run that takes this long hangs.
const HANGS: Duration = Duration::from_secs(120);

/// A scratch directory with a module and a cache. It is removed at the end.
pub(crate) struct Site {
    dir: Dir,
    program: Program,
}

impl Site {
    /// Makes a site with a module and without a cache.
    pub(crate) fn new(program: Program) -> Self {
        let dir = Dir::new();
        dir.write("module.wasm", program.wasm());
        Self { dir, program }
    }

    /// Waits until the cache can remember the module's file by its identity.
    pub(crate) fn settle(&self) {
        thread::sleep(SETTLED);
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn module(&self) -> PathBuf {
        self.path().join("module.wasm")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Prepares `wrun` with the cache, these options and the module.
    pub(crate) fn wrun(&self, options: &[&str]) -> Wrun {
        let cache = self.cache();
        self.dir
            .wrun(["--cache-dir".as_ref(), cache.as_os_str()])
            .args(options)
            .args(["module.wasm"])
    }

    /// Runs the module, and checks that it writes the right result and nothing else.
    #[track_caller]
    pub(crate) fn runs(&self) -> Ended {
        self.wrun(&[]).run().prints(self.program.output())
    }

    /// Runs the module with these options, and checks the result. Returns the number of compilations, and the log.
    #[track_caller]
    pub(crate) fn logged(&self, options: &[&str]) -> (usize, String) {
        let ended = self.wrun(options).env("WRUN_LOG", "debug").run().status(0);
        assert_eq!(
            ended.stdout.escape_ascii().to_string(),
            self.program.output().escape_default().to_string()
        );
        (compilations(&ended.stderr), ended.stderr)
    }

    /// Runs the module, and checks the result. Returns the number of compilations.
    #[track_caller]
    pub(crate) fn compiles(&self) -> usize {
        self.logged(&[]).0
    }

    /// Runs the module with `--cache-mode require`, and checks that this fails because the cache does not have it.
    #[track_caller]
    pub(crate) fn is_missed(&self) {
        self.wrun(&["--cache-mode", "require"]).run().fails(126, ["cache"]);
    }

    /// Prepares `wrun` as a process that a test inspects while it runs.
    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wrun"));
        command
            .env_clear()
            .current_dir(self.path())
            .arg("--cache-dir")
            .arg(self.cache())
            .args(options)
            .arg("module.wasm");
        command
    }

    /// Returns the names in the cache, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.cache())
    }

    /// Returns the names in the cache with this suffix.
    pub(crate) fn names_with(&self, suffix: &str) -> Vec<String> {
        let mut names = self.names();
        names.retain(|name| name.ends_with(suffix));
        names
    }

    /// Returns the path of the only artifact in the cache.
    #[track_caller]
    pub(crate) fn entry(&self) -> PathBuf {
        let names = self.names_with(".wrun");
        assert_eq!(names.len(), 1, "{names:?}");
        self.cache().join(&names[0])
    }
}

/// Returns the number of compilations in a log.
pub(crate) fn compilations(log: &str) -> usize {
    log.lines().filter(|line| line.contains(COMPILED)).count()
}

/// Returns the names in a directory, sorted. There are none if it does not exist.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Returns the names of the symlinks in a cache from wasm files to artifacts, sorted.
pub(crate) fn links(cache: &Path) -> Vec<String> {
    let mut names = names(&cache.join("by-file"));
    names.retain(|name| name.split('-').count() == 8);
    names
}

/// Makes a file look as if it had been written an hour ago.
pub(crate) fn age(path: &Path) {
    let old = SystemTime::now() - Duration::from_secs(3600);
    let file = File::open(path).expect("the file exists");
    file.set_times(fs::FileTimes::new().set_accessed(old).set_modified(old))
        .expect("the file is this user's");
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, so: impl Fn() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < HANGS, "waited in vain for {what}");
        thread::sleep(Duration::from_micros(300));
    }
}

/// A running program that waits for input.
pub(crate) struct Live {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
    program: Program,
}

impl Live {
    /// Starts the module of a site, and waits until the guest runs.
    #[track_caller]
    pub(crate) fn start(site: &Site) -> Self {
        let mut child = site
            .command(&[])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built the binary");
        let stdin = child.stdin.take().expect("it is a pipe");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a pipe can be read");
        assert_eq!(line, READY);
        Self {
            child,
            stdin,
            stdout,
            program: site.program().clone(),
        }
    }

    /// Returns the text of one of its files in `/proc`.
    pub(crate) fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("it runs")
    }

    /// Lets it continue, and checks its result.
    #[track_caller]
    pub(crate) fn ends_right(mut self) {
        drop(self.stdin);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("a pipe can be read");
        let mut stderr = String::new();
        let mut from = self.child.stderr.take().expect("it is a pipe");
        from.read_to_string(&mut stderr).expect("a pipe can be read");
        let status = self.child.wait().expect("the test owns the child");
        assert_eq!((rest, stderr), (self.program.result(), String::new()), "{status}");
        assert!(status.success(), "{status}");
    }
}
