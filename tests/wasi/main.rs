//! WASI as guests see it, through the built binary: what each function gives, how each fails, and that nothing outside of the
//! grants is touched meanwhile.
//!
//! ```text
//! guests     compiles the C programs of tests/guests/wasi and tests/support, once
//! tree       a scratch world: a grant, a read-only grant, and what lies outside of both
//! script     calls of WASI functions as a table: one line for each call, with what it must print
//! live       a guest that is stopped in the middle, to be looked at
//! text       a guest in the text format, made for a list of calls with any arguments
//!
//! descriptors, streams, paths, times, directories, polling, process, sockets, limits    what each family does
//! arguments  wrong addresses, flags and numbers, for every function
//! sandbox, read_only, race    what stays outside
//! signatures names, types and numbers, against independent sources
//! unstable   the older interface
//! fuzz       random calls
//! ```
//!
//! Every test that touches files runs three times: as it is, and with `openat2` denied by the kernel in the two ways that
//! exist out there. `tree::each_way` does that.

#![allow(
    dead_code,
    reason = "the support module is shared: each test binary uses a part of it"
)]

#[path = "../cli/support/mod.rs"]
mod cli;
mod guests;
mod live;
mod script;
mod text;
mod tree;

mod arguments;
mod descriptors;
mod directories;
mod exhaustion;
mod fuzz;
mod paths;
mod polling;
mod process;
mod race;
mod read_only;
mod sandbox;
mod signatures;
mod sockets;
mod streams;
mod times;
mod unstable;
