//! The progress line: says that wrun is compiling. It appears only on a terminal and only if compiling takes a while, and it is
//! erased at the end.
//!
//! A separate thread writes the line, because the compiling thread is busy. If standard error is not a terminal, there is no
//! such thread.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::stdio;

use super::printable;
use crate::output;

/// The time before the line appears.
const PATIENCE: Duration = Duration::from_millis(500);

/// The time between two updates of the line.
const TICK: Duration = Duration::from_secs(1);

/// The most characters of the module's name, so that the text fits on one line: only one line can be erased.
const LONGEST_NAME: usize = 40;

/// Moves to the beginning of the line and erases it.
const ERASE: &str = "\r\x1b[K";

/// Runs `work`, the compilation of `module`, while the progress line is shown.
pub(crate) fn during<R>(module: &dyn Display, work: impl FnOnce() -> R) -> R {
    let line = is_wanted().then(|| Line::start(&module.to_string())).flatten();
    let result = work();
    drop(line);
    result
}

/// Returns true if standard error is a terminal that can erase a line.
fn is_wanted() -> bool {
    let dumb = || std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stderr().is_terminal() && !dumb()
}

/// The thread that writes.
struct Line {
    thread: Option<JoinHandle<()>>,
    /// Closed to end the thread.
    done: Option<Sender<()>>,
}

impl Line {
    /// Starts the thread. Returns `None` if no thread can be started. Then there is no progress line.
    fn start(module: &str) -> Option<Self> {
        let name = shown(module);
        let (done, end) = mpsc::channel();
        let thread = thread::Builder::new().name("progress".to_owned()).stack_size(64 << 10);
        let thread = thread.spawn(move || write(&name, &end)).ok()?;
        Some(Self {
            thread: Some(thread),
            done: Some(done),
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.done.take());
        // Wait until the line is erased before anything else is written.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes the line again and again until `end` is closed.
fn write(name: &str, end: &Receiver<()>) {
    let start = Instant::now();
    let mut wait = PATIENCE;
    let mut is_there = false;
    while end.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        let text = match start.elapsed().as_secs() {
            0 => format!("{ERASE}wrun: compiling {name} …"),
            seconds => format!("{ERASE}wrun: compiling {name} … {seconds} s"),
        };
        let _ = output::write_all(stdio::stderr(), text.as_bytes());
        (wait, is_there) = (TICK, true);
    }
    if is_there {
        let _ = output::write_all(stdio::stderr(), ERASE.as_bytes());
    }
}

/// Returns the last part of a path, shortened and with control characters escaped.
fn shown(module: &str) -> String {
    let name = module.rsplit('/').find(|part| !part.is_empty()).unwrap_or(module);
    let name = printable(name);
    if name.chars().count() <= LONGEST_NAME {
        return name;
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_name_fits_the_line() {
        let long = format!("/a/{}.wasm", "x".repeat(100));
        let short = format!("{}…", "x".repeat(39));
        for (module, name) in [
            ("-", "-"),
            ("a.wasm", "a.wasm"),
            ("/usr/lib/a.wasm", "a.wasm"),
            ("dir/", "dir"),
            ("/", "/"),
            ("a\nb", "a\\nb"),
            (&long, &short),
        ] {
            assert_eq!(shown(module), name);
        }
    }
}
