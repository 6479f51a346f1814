//! The start of the process. The C library calls [`main`], and the start-up code of Rust's standard library does not run.
//!
//! The start-up code of the standard library takes fifteen system calls and a tenth of a millisecond, a tenth of a warm start.
//! It installs a handler for stack overflows, which wrun's own signal handlers would replace. [`wrun_runtime::start_process`]
//! does the part that wrun needs. The standard library finds argv and the environment without its start-up code.
//!
//! # Safety
//! This file may use `unsafe` to give one function its name. Nothing else in wrun is called `main`.
#![allow(unsafe_code, reason = "C's name for the beginning is `main`")]

use std::ffi::{c_char, c_int};
use std::time::Instant;

use crate::exit::{self, Status};
use crate::report::Failure;
use crate::report::panic;
use crate::session;

/// Runs the session and exits. It does not return, and it catches panics.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    // The clock of `--epoch-timeout` starts here: reading and compiling the module count.
    let started = Instant::now();
    let status = match panic::catch(|| ready().and_then(|()| session(started))) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failure.print(),
        Err(bug) => bug.print(),
    };
    exit::exit(status)
}

fn ready() -> Result<(), Failure> {
    wrun_runtime::start_process().map_err(|error| {
        Failure::new(
            Status::Failure,
            &format!("a standard stream is closed, and /dev/null cannot be opened in its place: {error} (start wrun with open streams)"),
        )
    })
}
