//! Tests of the command, through the built binary: command lines, files, messages, statuses.
//!
//! ```text
//! support         a directory for each test, and running `wrun` and checking its result
//!
//! usage           help, version, completions, reserved words, options, wrong usage
//! modules         modules that cannot be run
//! refusals        the order of refusals, and the advice of each
//! guest           arguments, environment, standard streams and directories, as the guest sees them
//! invoke          `--invoke`
//! traps           messages and backtraces of traps
//! deadline        `--epoch-timeout`
//! deterministic   `--deterministic`
//! limits          memory that calls of the guest make wrun use
//! sockets         `--listen`, and the sockets of a service manager
//! logs            `WRUN_LOG`
//! profilers       output of gdb and perf for a running guest
//! compile         `wrun compile`, and compiled modules as MODULE
//! inspect         `wrun inspect`
//! inspect_refused `wrun inspect` of modules that cannot be run
//! backtrace       `--backtrace`
//! peers           options of other runners
//! shebang         modules that begin with a `#!` line
//! completions     the scripts of `wrun completions`, in the shells
//! tools           make, CMake, cargo, go and the kernel as callers of wrun
//! cache_dir       the directory of the cache and its permitted use
//! cache_start     warm starts, and the progress line
//! cache_commands  `wrun cache …`
//! ```
//!
//! `cargo test -p wrun --test cli traps::` runs one file.

mod support;

mod backtrace;
mod cache_commands;
mod cache_dir;
mod cache_start;
mod compile;
mod completions;
mod deadline;
mod deterministic;
mod exceptions;
mod guest;
mod inspect;
mod inspect_refused;
mod invoke;
mod limits;
mod logs;
mod modules;
mod peers;
mod profilers;
mod refusals;
mod shebang;
mod sockets;
mod tools;
mod traps;
mod usage;
