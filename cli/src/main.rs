//! `wrun`: runs a WASI program the way a shell runs a native one.
//!
//! Input: argv and the environment. Output: an exit status. These are the rooms in order. A room may use those above it, never
//! those below it:
//!
//! ```text
//! exit      the exit statuses, and the end of the process
//! output    writing to stdout and stderr, without waiting past the deadline
//! report    messages for people: failures, backtraces, import hints, panics, logs, the progress line
//! flags     argv as it was typed
//! options   the meaning of the flags: checked settings
//! input     the module: from a file, stdin or the cache to a compiled module
//! run       the run of one module
//! commands  compile, cache, inspect: commands that run no guest
//! main      the start of the process (`entry`) and the choice between run and commands (`session`)
//! ```
//!
//! Code that an embedder would need belongs to `wrun-runtime` or `wrun-wasi`, not to this crate.
// `entry` defines the process's first function.
#![cfg_attr(not(test), no_main)]
#![cfg_attr(test, allow(dead_code, reason = "tests begin elsewhere"))]

mod commands;
mod entry;
mod exit;
mod flags;
mod input;
mod options;
mod output;
mod report;
mod run;

use std::time::Instant;

use exit::Status;
use flags::{Request, Typed};
use report::{Failure, log};

/// Runs everything from argv to the exit status.
fn session(started: Instant) -> Result<Status, Failure> {
    let request = flags::parse(std::env::args_os())?;
    match request {
        Request::Print(text) => report::to_stdout(&text),
        Request::Compile(line) => {
            log::start();
            commands::compile(line)
        }
        Request::Cache(line) => {
            log::start();
            commands::cache(line)
        }
        Request::Inspect(line) => {
            log::start();
            commands::inspect(line)
        }
        Request::Run(Typed { flags, command }) => {
            log::start();
            let options = options::Options::new(flags, command)?;
            options.codegen.check_machine()?;
            run::run(&options, started)
        }
    }
}
