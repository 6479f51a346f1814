//! A scratch directory with a module and a cache, and ways to run the one with the other.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::cli::{Dir, Ended, Wrun};
use crate::program::{Program, READY};

/// The log has this phase once for each module that is compiled.
const COMPILED: &str = "translate+compile";

/// After this, a file's times tell it from the file that it may become.
const SETTLED: Duration = Duration::from_millis(3300);

/// Nothing takes this long.
const HANGS: Duration = Duration::from_secs(120);

/// A scratch directory, removed at its end.
pub(crate) struct Site {
    dir: Dir,
    program: Program,
}

impl Site {
    /// A module, and a cache that is not there yet.
    pub(crate) fn new(program: Program) -> Self {
        let dir = Dir::new();
        dir.write("module.wasm", program.wasm());
        Self { dir, program }
    }

    /// Waits until the module's file may be known by its identity.
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

    /// `wrun` with the cache, these options and the module.
    pub(crate) fn wrun(&self, options: &[&str]) -> Wrun {
        let cache = self.cache();
        self.dir
            .wrun(["--cache-dir".as_ref(), cache.as_os_str()])
            .args(options)
            .args(["module.wasm"])
    }

    /// Runs the module: nothing but the right result may be seen.
    #[track_caller]
    pub(crate) fn runs(&self) -> Ended {
        self.wrun(&[]).run().prints(self.program.output())
    }

    /// Runs the module with these options: the result must be right. How often it was compiled, and the log.
    #[track_caller]
    pub(crate) fn logged(&self, options: &[&str]) -> (usize, String) {
        let ended = self.wrun(options).env("WRUN_LOG", "debug").run().status(0);
        assert_eq!(
            ended.stdout.escape_ascii().to_string(),
            self.program.output().escape_default().to_string()
        );
        (compilations(&ended.stderr), ended.stderr)
    }

    /// Runs the module: the result must be right. How often it was compiled.
    #[track_caller]
    pub(crate) fn compiles(&self) -> usize {
        self.logged(&[]).0
    }

    /// Runs the module where only the cache may help: it cannot, and says so.
    #[track_caller]
    pub(crate) fn is_missed(&self) {
        self.wrun(&["--cache-mode", "require"]).run().fails(126, ["cache"]);
    }

    /// `wrun`, to be looked at while it runs.
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

    /// The names in the cache, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.cache())
    }

    /// The names in the cache that end so.
    pub(crate) fn names_with(&self, suffix: &str) -> Vec<String> {
        let mut names = self.names();
        names.retain(|name| name.ends_with(suffix));
        names
    }

    /// The one artifact in the cache.
    #[track_caller]
    pub(crate) fn entry(&self) -> PathBuf {
        let names = self.names_with(".wrun");
        assert_eq!(names.len(), 1, "{names:?}");
        self.cache().join(&names[0])
    }
}

/// How often a log says that a module was compiled.
pub(crate) fn compilations(log: &str) -> usize {
    log.lines().filter(|line| line.contains(COMPILED)).count()
}

/// The names in a directory, sorted; none if it is not there.
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

/// The names of the links in a cache from wasm files to artifacts, sorted.
pub(crate) fn links(cache: &Path) -> Vec<String> {
    let mut names = names(&cache.join("by-file"));
    names.retain(|name| name.split('-').count() == 8);
    names
}

/// Makes a file look as if it had been written an hour ago.
pub(crate) fn age(path: &Path) {
    let old = SystemTime::now() - Duration::from_secs(3600);
    let file = File::open(path).expect("the file is there");
    file.set_times(fs::FileTimes::new().set_accessed(old).set_modified(old))
        .expect("the file is this user's");
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, so: impl Fn() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < HANGS, "waited in vain for {what}");
        thread::sleep(Duration::from_micros(300));
    }
}

/// A program that has begun and waits to be let go on.
pub(crate) struct Live {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
    program: Program,
}

impl Live {
    /// Starts the module of a site, and waits until it runs.
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

    /// A file of `/proc` about it.
    pub(crate) fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("it runs")
    }

    /// Lets it go on: its result must be right.
    #[track_caller]
    pub(crate) fn ends_right(mut self) {
        drop(self.stdin);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("a pipe can be read");
        let mut stderr = String::new();
        let mut from = self.child.stderr.take().expect("it is a pipe");
        from.read_to_string(&mut stderr).expect("a pipe can be read");
        let status = self.child.wait().expect("the child is ours");
        assert_eq!((rest, stderr), (self.program.result(), String::new()), "{status}");
        assert!(status.success(), "{status}");
    }
}
