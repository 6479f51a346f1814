//! Helpers for tests of the binary: a private directory for each test, and running `wrun` and checking its result.

#![allow(dead_code, reason = "every test binary uses a part of this")]

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wrun_tests::Scratch;

/// A `wrun` that takes this long hangs.
const HANGS: Duration = Duration::from_secs(120);

/// Returns the path of a guest in `tests/guests`.
pub(crate) fn guest(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/guests")
        .join(name)
        .with_extension("wat");
    path.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the names of the artifacts in a cache.
pub(crate) fn artifacts(cache: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(cache).unwrap_or_else(|error| panic!("{}: {error}", cache.display()));
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name.ends_with(".wrun")).collect()
}

/// Calls `again` repeatedly on another thread while `act` runs.
pub(crate) fn while_repeating<R>(mut again: impl FnMut() + Send, act: impl FnOnce() -> R) -> R {
    /// Ends the thread even if `act` panics, because the scope waits for it.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _done = Done(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                again();
            }
        });
        act()
    })
}

/// A scratch directory in which `wrun` runs.
pub(crate) struct Dir(Scratch);

impl Dir {
    /// Makes an empty directory.
    pub(crate) fn new() -> Self {
        Self(Scratch::new())
    }

    /// Prepares a `wrun` that runs in this directory.
    pub(crate) fn wrun<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Wrun {
        wrun(args).current_dir(&self.0)
    }
}

impl Deref for Dir {
    type Target = Scratch;

    fn deref(&self) -> &Scratch {
        &self.0
    }
}

/// Standard input of a `wrun`.
enum Input {
    Bytes(Vec<u8>),
    /// An open pipe to which nothing is written.
    Open,
}

/// A command line of `wrun`.
pub(crate) struct Wrun {
    command: Command,
    input: Input,
}

/// Prepares `wrun` with these arguments, an empty environment and an empty standard input.
pub(crate) fn wrun<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Wrun {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wrun"));
    command.args(args);
    Wrun::new(command)
}

/// Prepares `wrun` with these arguments, started by a shell after the command `prepare`, such as `ulimit`.
pub(crate) fn wrun_after<S: AsRef<OsStr>>(prepare: &str, args: impl IntoIterator<Item = S>) -> Wrun {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(format!("{prepare} && exec \"$0\" \"$@\""))
        .arg(env!("CARGO_BIN_EXE_wrun"))
        .args(args);
    Wrun::new(command)
}

/// Prepares `wrun` with these arguments, started by another program.
pub(crate) fn wrun_through<S: AsRef<OsStr>>(prefix: &[&str], args: impl IntoIterator<Item = S>) -> Wrun {
    let Some((program, words)) = prefix.split_first() else {
        return wrun(args);
    };
    let mut command = Command::new(program);
    command.args(words).arg(env!("CARGO_BIN_EXE_wrun")).args(args);
    Wrun::new(command)
}

/// Returns a prefix for [`wrun_through`] with which permissions apply to `wrun` even if root runs the tests.
pub(crate) fn bound_by_permissions() -> &'static [&'static str] {
    match rustix::process::geteuid().is_root() {
        true => &["setpriv", "--bounding-set=-dac_override,-dac_read_search"],
        false => &[],
    }
}

impl Wrun {
    fn new(mut command: Command) -> Self {
        command.env_clear();
        Self {
            command,
            input: Input::Bytes(Vec::new()),
        }
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of wrun's own environment.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working directory.
    pub(crate) fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives it this standard input.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Input::Bytes(bytes.into());
        self
    }

    /// Gives it a standard input that stays open and empty.
    pub(crate) fn stdin_open(mut self) -> Self {
        self.input = Input::Open;
        self
    }

    /// Runs it with this standard output. [`Ended::stdout`] is empty then.
    pub(crate) fn run_with_stdout(self, stdout: impl Into<Stdio>) -> Ended {
        self.go(stdout.into(), Stdio::piped())
    }

    /// Runs it with this standard error. [`Ended::stderr`] is empty then.
    pub(crate) fn run_with_stderr(self, stderr: impl Into<Stdio>) -> Ended {
        self.go(Stdio::piped(), stderr.into())
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ended {
        self.go(Stdio::piped(), Stdio::piped())
    }

    fn go(mut self, stdout: Stdio, stderr: Stdio) -> Ended {
        let words = format!("{:?}", self.command);
        let started = Instant::now();
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .expect("cargo has built the binary");
        let mut stdin = child.stdin.take();
        let input = thread::spawn(move || match self.input {
            Input::Bytes(bytes) => {
                // wrun need not read all of it, so an error is ignored.
                let _ = stdin.take().map(|mut stdin| stdin.write_all(&bytes));
                None
            }
            Input::Open => stdin,
        });
        let out = child.stdout.take().map(collect);
        let err = child.stderr.take().map(collect);
        let status = loop {
            if let Some(status) = child.try_wait().expect("the test owns the child") {
                break status;
            }
            if started.elapsed() > HANGS {
                child.kill().expect("the test owns the child");
                panic!("{words} hangs");
            }
            thread::sleep(Duration::from_millis(1));
        };
        let wall = started.elapsed();
        drop(input.join().expect("writing does not panic"));
        let collected = |thread: Option<JoinHandle<io::Result<Vec<u8>>>>| {
            thread.map_or_else(Vec::new, |thread| {
                thread
                    .join()
                    .expect("reading does not panic")
                    .expect("a pipe can be read")
            })
        };
        Ended {
            words,
            status,
            stdout: collected(out),
            stderr: String::from_utf8(collected(err)).expect("messages are UTF-8"),
            wall,
        }
    }
}

/// Reads a stream to its end on a new thread.
fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).map(|_| bytes)
    })
}

/// The result of running `wrun`.
#[derive(Debug)]
pub(crate) struct Ended {
    words: String,
    status: ExitStatus,
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
    /// Its standard error.
    pub(crate) stderr: String,
    /// The elapsed time.
    pub(crate) wall: Duration,
}

impl Ended {
    /// Checks the exit status. A process that was ended by a signal has none.
    #[track_caller]
    pub(crate) fn status(self, status: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(status),
            "{}: {}\n{}",
            self.words,
            self.status,
            self.stderr
        );
        self
    }

    /// Checks that this signal ended it.
    #[track_caller]
    pub(crate) fn dies_of(self, signal: i32) -> Self {
        assert_eq!(
            self.status.signal(),
            Some(signal),
            "{}: {}\n{}",
            self.words,
            self.status,
            self.stderr
        );
        self
    }

    /// Checks that it succeeded, wrote exactly this to standard output, and nothing to standard error.
    #[track_caller]
    pub(crate) fn prints(self, stdout: impl AsRef<[u8]>) -> Self {
        let ended = self.status(0).quiet();
        let (found, expected) = (ended.stdout.escape_ascii(), stdout.as_ref().escape_ascii());
        assert_eq!(found.to_string(), expected.to_string(), "{}", ended.words);
        ended
    }

    /// Checks that standard error is empty.
    #[track_caller]
    pub(crate) fn quiet(self) -> Self {
        assert_eq!(self.stderr, "", "{}", self.words);
        self
    }

    /// Checks a failure: this status, and exactly one line on standard error, which is a message of wrun with all these parts.
    #[track_caller]
    pub(crate) fn fails<S: AsRef<str>>(self, status: i32, parts: impl IntoIterator<Item = S>) -> Self {
        let ended = self.status(status).says(parts);
        assert!(
            ended.stderr.ends_with('\n') && ended.stderr.lines().count() == 1,
            "{}:\n{}",
            ended.words,
            ended.stderr
        );
        assert_eq!(ended.stdout.escape_ascii().to_string(), "", "{}", ended.words);
        ended
    }

    /// Checks a failure with a backtrace: this status, this first line, and all these parts in the lines below.
    #[track_caller]
    pub(crate) fn traps<S: AsRef<str>>(self, status: i32, line: &str, below: impl IntoIterator<Item = S>) -> Self {
        let ended = self.status(status);
        let (first, rest) = ended.stderr.split_once('\n').unwrap_or((&ended.stderr, ""));
        assert_eq!(first, format!("wrun: {line}"), "{}", ended.words);
        for part in below {
            let part = part.as_ref();
            assert!(rest.contains(part), "{}: no `{part}` in\n{rest}", ended.words);
        }
        ended.without_rust()
    }

    /// Checks that standard error begins with a message of wrun and contains all these parts.
    #[track_caller]
    pub(crate) fn says<S: AsRef<str>>(self, parts: impl IntoIterator<Item = S>) -> Self {
        assert!(self.stderr.starts_with("wrun: "), "{}: {}", self.words, self.stderr);
        for part in parts {
            let part = part.as_ref();
            assert!(
                self.stderr.contains(part),
                "{}: no `{part}` in\n{}",
                self.words,
                self.stderr
            );
        }
        self.without_rust()
    }

    /// Checks that standard error contains no Rust panic or backtrace.
    #[track_caller]
    fn without_rust(self) -> Self {
        for word in ["panicked", "RUST_BACKTRACE", "stack backtrace", ".rs:"] {
            assert!(!self.stderr.contains(word), "{}:\n{}", self.words, self.stderr);
        }
        self
    }
}
