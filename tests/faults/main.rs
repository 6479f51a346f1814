//! Faults of the cache and of artifacts, tested through the built binary. Whatever happens to the directory, to a file in it or
//! to another wrun, the program runs and its result is right, or, with `--cache-mode require`, there is a clear error.
//!
//! ```text
//! program    a guest whose result shows that all of its code, data and table are right
//! site       a scratch directory with a module and a cache, and ways to run the one with the other
//!
//! damage     artifacts that are damaged, truncated or from another version
//! impossible undamaged artifacts whose code does something impossible
//! places     directories that are full, read-only, not executable, absent, or removed meanwhile
//! sharing    several processes: simultaneous cold starts, a compiling process that dies or stops, an artifact that is removed while in use
//! kills      a wrun that is killed at any moment
//! identity   files that look like the file that the cache remembers
//! verify     artifacts whose bytes have changed, or that were restored from an archive
//! ```

#[path = "../cli/support/mod.rs"]
mod cli;
mod program;
mod site;

mod damage;
mod identity;
mod impossible;
mod kills;
mod places;
mod sharing;
mod verify;
