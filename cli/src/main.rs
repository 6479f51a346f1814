//! `wrun`: runs a WASI program the way a shell runs a native one.
//!
//! Argv and environment come in, an exit status goes out. The order of the rooms: [`flags`] (what was typed), [`options`]
//! (what it means), [`run`] (the session), [`report`] (what people are told), [`exit`] (the one way out). Nothing that an
//! embedder would need may live here: that belongs to `wrun-runtime` and `wrun-wasi`.

mod exit;
mod flags;
mod invoke;
mod log;
mod missing;
mod options;
mod panic;
mod quantity;
mod report;
mod run;
mod source;

use std::time::Instant;

use exit::Status;
use flags::{Request, Typed};
use report::Failure;

fn main() {
    // The clock of `--epoch-timeout` starts here: reading and compiling the module count.
    let started = Instant::now();
    let status = match panic::catch(|| session(started)) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failure.print(),
        Err(bug) => bug.print(),
    };
    exit::exit(status)
}

/// Everything from argv to exit status.
fn session(started: Instant) -> Result<Status, Failure> {
    match flags::parse(std::env::args_os())? {
        Request::Print(text) => report::to_stdout(&text),
        Request::Run(Typed { flags, command }) => {
            log::start();
            let options = options::Options::new(flags, command)?;
            run::run(&options, started)
        }
    }
}
