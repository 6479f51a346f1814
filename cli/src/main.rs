//! `wrun`: runs a WASI program the way a shell runs a native one.
//!
//! Argv and environment come in, an exit status goes out. The order of the rooms: [`flags`] (what was typed), [`options`]
//! (what it means), [`run`] (the session) or [`commands`] (those without a guest), [`module`] (where code comes from),
//! [`report`] (what people are told), [`output`] (how it is written), [`exit`] (the one way out). [`entry`] comes before all
//! of them. Nothing that an embedder would need may live here: that belongs to `wrun-runtime` and `wrun-wasi`.
// Where the process begins is for `entry`.
#![cfg_attr(not(test), no_main)]
#![cfg_attr(test, allow(dead_code, reason = "tests begin elsewhere"))]

mod caching;
mod code;
mod commands;
mod entry;
mod exit;
mod flags;
mod invoke;
mod listen;
mod log;
mod missing;
mod module;
mod options;
mod output;
mod panic;
mod precompiled;
mod progress;
mod quantity;
mod report;
mod run;
mod source;

use std::time::Instant;

use exit::Status;
use flags::{Request, Typed};
use report::Failure;

/// Everything from argv to exit status.
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
            options.code.check_machine()?;
            run::run(&options, started)
        }
    }
}
