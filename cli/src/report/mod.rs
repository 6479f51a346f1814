//! Output for people: results on stdout, and messages on stderr. A message is one line, `wrun: …`, with the cause and the fix.
//!
//! Only the message of a trap or an interrupt has more lines: the wasm backtrace. Control characters in text from a module,
//! such as a name, are escaped, so that the text can neither break the line nor control a terminal.

pub(crate) mod import_hints;
pub(crate) mod log;
pub(crate) mod panic;
pub(crate) mod progress;
mod proposal_hints;
pub(crate) mod quantity;

use std::fmt;
use std::io::{self, ErrorKind};

use rustix::stdio;
use wrun_runtime::{Backtrace, CompileError, Error, ImportsError, Miss, Trap, TrapCode};
use wrun_wasi::Exit;

use self::import_hints::Traits;
use crate::exit::Status;
use crate::output;

/// Advice for a component: how to build a core module instead.
const COMPONENT: &str = "build for wasm32-wasip1 (Rust, wasi-sdk) or -target=wasip1 (TinyGo); componentize-py, componentize-js and \
                         cargo-component make nothing but components";

/// A message and the status that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    line: String,
    /// The lines of a backtrace, each with its newline.
    more: String,
}

impl Failure {
    /// Makes a failure with a message of one line.
    pub(crate) fn new(status: Status, line: &str) -> Self {
        Self {
            status,
            line: printable(line),
            more: String::new(),
        }
    }

    /// Makes the failure of wrong usage.
    pub(crate) fn usage(line: &str) -> Self {
        Self::new(Status::Failure, &format!("{line} (see `wrun --help`)"))
    }

    /// Makes the failure of a bug in wrun.
    pub(crate) fn bug(what: &str) -> Self {
        Self::new(
            Status::Failure,
            &format!("this is a bug in wrun: {what} (please report)"),
        )
    }

    /// Adds a backtrace below the line.
    fn with_backtrace(mut self, backtrace: &Backtrace, frames: Frames) -> Self {
        self.more = match frames {
            Frames::All => backtrace.lines(shown),
            Frames::Few => backtrace.shortened(INNERMOST, OUTERMOST).lines(shown),
            Frames::None => return self,
        };
        if !self.more.is_empty() {
            self.more.push('\n');
        }
        self
    }

    /// Appends a note to the lines below.
    fn note(mut self, text: &str) -> Self {
        self.more.push_str(&format!("note: {text}\n"));
        self
    }

    /// Returns the status.
    #[cfg(test)]
    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// Returns the line without the prefix `wrun: `.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Returns the text to print.
    pub(crate) fn text(&self) -> String {
        format!("wrun: {}\n{}", self.line, self.more)
    }

    /// Prints the failure in one write. An error of stderr, or a full stderr after the deadline, does not change the status.
    pub(crate) fn print(&self) -> Status {
        let _ = output::write_all(stdio::stderr(), self.text().as_bytes());
        self.status
    }
}

/// Prints a line that is not a failure.
pub(crate) fn notice(line: &str) {
    let line = format!("wrun: {}\n", printable(line));
    let _ = output::write_all(stdio::stderr(), line.as_bytes());
}

/// Prints a result. A closed pipe is not an error (`wrun --help | head -1`).
pub(crate) fn to_stdout(text: &[u8]) -> Result<Status, Failure> {
    printed(output::write_all(stdio::stdout(), text))
}

fn printed(written: io::Result<()>) -> Result<Status, Failure> {
    match written {
        Ok(()) => Ok(Status::Success),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Status::Success),
        Err(error) => Err(Failure::new(
            Status::Failure,
            &format!("cannot write to stdout: {error}"),
        )),
    }
}

/// The most characters of a name in a backtrace. Names of templates are long, and a hostile module can have longer ones.
const LONGEST_NAME: usize = 1000;

/// Returns a name for a backtrace, on one line and shortened.
fn shown(name: &str) -> String {
    let end = name.char_indices().nth(LONGEST_NAME);
    let (name, more) = end.map_or((name, ""), |(end, _)| (&name[..end], "…"));
    printable(name) + more
}

/// Returns true for a character that controls a terminal, breaks a line, or changes the order in which others are shown.
fn is_unprintable(c: char) -> bool {
    const FORMAT: &[char] = &[
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
    ];
    c.is_control() || FORMAT.contains(&c)
}

/// Returns `line` with such characters escaped.
pub(crate) fn printable(line: &str) -> String {
    if !line.contains(is_unprintable) {
        return line.to_owned();
    }
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        if is_unprintable(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// The purpose for which a module is read.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// To run it.
    Run,
    /// To compile it to a file.
    Compile,
    /// To inspect it.
    Inspect,
    /// To compute its key in the cache.
    Key,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Run => "run",
            Self::Compile => "compile",
            Self::Inspect => "inspect",
            Self::Key => "give the key of",
        })
    }
}

/// Turns the errors of a run into messages.
pub(crate) struct Reporter<'a> {
    /// The purpose for which the module is read.
    pub(crate) action: Action,
    /// The module's name.
    pub(crate) module: &'a dyn fmt::Display,
    /// The size of the guest's stack in bytes.
    pub(crate) stack_size: u32,
    /// The deadline as it was typed.
    pub(crate) timeout: Option<&'a str>,
    /// True if backtraces show wasm offsets and source lines.
    pub(crate) address_map: bool,
    /// The frames of a backtrace to print.
    pub(crate) frames: Frames,
}

/// The frames of a backtrace to print.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Frames {
    /// All frames that the runtime has collected.
    All,
    /// The innermost [`INNERMOST`] and the outermost [`OUTERMOST`].
    Few,
    /// Only the reason of the trap.
    None,
}

/// The innermost frames of a short backtrace.
const INNERMOST: usize = 15;

/// The outermost frames of a short backtrace.
const OUTERMOST: usize = 5;

impl Reporter<'_> {
    /// Prints results, unless the deadline passes before they can be written.
    pub(crate) fn to_stdout(&self, text: &[u8]) -> Result<Status, Failure> {
        match output::write_all(stdio::stdout(), text) {
            Err(error) if error.kind() == ErrorKind::TimedOut => Err(self.deadline(None)),
            written => printed(written),
        }
    }

    /// Returns the failure of a module that cannot be run, compiled or inspected, with this reason.
    pub(crate) fn cannot_run(&self, reason: &str) -> Failure {
        let Self { action, module, .. } = self;
        Failure::new(Status::CannotRun, &format!("cannot {action} `{module}`: {reason}"))
    }

    /// Turns an error into the guest's status if it is an exit, otherwise into a failure.
    pub(crate) fn outcome(&self, error: &Error) -> Result<Status, Failure> {
        match error.downcast_host() {
            Some(Exit(status)) => Ok(Status::Guest(*status)),
            None => Err(self.failure(error)),
        }
    }

    /// Turns an error that is not the guest's exit into a failure.
    pub(crate) fn failure(&self, error: &Error) -> Failure {
        match error {
            Error::Compile(error) => self.compile(error),
            Error::Artifact(_) | Error::Refused(_) => self.cannot_run(&error.to_string()),
            Error::Imports(imports) => self.imports(imports, Traits::UNKNOWN),
            Error::Trap(trap) => self.trap(trap),
            Error::Exception(exception) => Failure::new(Status::Trap, &error.to_string())
                .with_backtrace(exception.backtrace(), self.frames)
                .without_map(self.address_map),
            Error::CacheMiss { reason, .. } => self.cannot_run(&match reason {
                Miss::Absent => format!("{error}: run it once without `--cache-mode require` to fill the cache"),
                Miss::Stale(_) => format!("{error} (a run without `--cache-mode require` replaces it)"),
                Miss::Unusable(_) => format!("{error}: fix this, or remove the file and fill the cache again"),
            }),
            Error::BadCode(_) => Failure::new(
                Status::Failure,
                &format!("{error}: run `wrun cache verify`, and `wrun cache clear` if it finds damage"),
            ),
            Error::HostPanic(text) => Failure::bug(&panic::noted().unwrap_or_else(|| text.clone())),
            _ => Failure::new(Status::Failure, &error.to_string()),
        }
    }

    /// Returns the failure of missing imports or imports of another type. The likely reason comes first, then some of the
    /// imports.
    pub(crate) fn imports(&self, error: &ImportsError, traits: Traits) -> Failure {
        let reason = import_hints::likely_reason(error, traits);
        let listed = if error.is_all_listed() {
            String::new()
        } else {
            format!("; `wrun inspect {}` lists all", self.module)
        };
        self.cannot_run(&format!("{reason} ({error}{listed})"))
    }

    fn compile(&self, error: &CompileError) -> Failure {
        let reason = error.to_string();
        match error {
            CompileError::Interrupted => self.deadline(None),
            CompileError::Cpu(_) => Failure::new(Status::Failure, &reason),
            CompileError::Function { bug: true, .. } => Failure::new(Status::Failure, &reason),
            CompileError::Unsupported { proposals, .. } => {
                self.cannot_run(&format!("{reason}: {}", proposal_hints::advice(proposals)))
            }
            CompileError::Component => self.cannot_run(&format!("{reason}: {COMPONENT}")),
            _ => self.cannot_run(&reason),
        }
    }

    fn trap(&self, trap: &Trap) -> Failure {
        match trap.code() {
            TrapCode::Interrupt => return self.deadline(Some(trap.backtrace())),
            TrapCode::CallStackExhausted => Failure::new(
                Status::Trap,
                &format!(
                    "trap: {trap} (the stack has {}: --stack-size sets it)",
                    quantity::exact(self.stack_size.into())
                ),
            ),
            _ => Failure::new(Status::Trap, &format!("trap: {trap}")),
        }
        .with_backtrace(trap.backtrace(), self.frames)
        .without_map(self.address_map)
    }

    /// Returns the failure of a passed deadline. `backtrace` shows where the guest was, if it had started.
    pub(crate) fn deadline(&self, backtrace: Option<&Backtrace>) -> Failure {
        let typed = self.timeout.unwrap_or_default();
        let line = format!("interrupted: the deadline of {typed} has passed (--epoch-timeout)");
        let failure = Failure::new(Status::Deadline, &line);
        match backtrace {
            None => failure,
            Some(backtrace) => failure
                .with_backtrace(backtrace, self.frames)
                .without_map(self.address_map),
        }
    }
}

impl Failure {
    /// Adds a note if the backtrace shows no offsets because of `--no-address-map`.
    fn without_map(self, address_map: bool) -> Self {
        if address_map || self.more.is_empty() {
            return self;
        }
        self.note("no wasm offsets and no source lines: this is a run with --no-address-map")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_on_its_line() {
        let failure = Failure::new(Status::CannotRun, "no file `a\nb\x1b[31m\u{9b}`, ü\t\u{202e}\u{2028}");
        assert_eq!(
            failure.text(),
            "wrun: no file `a\\nb\\u{1b}[31m\\u{9b}`, ü\\t\\u{202e}\\u{2028}\n"
        );
    }
}
