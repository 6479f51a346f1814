//! Faults of the cache and of artifacts, through the built binary. Whatever happens to the directory, to a file in it, or to
//! another wrun: the program runs and its result is right, or, with `--cache-mode require`, there is a clear error.
//!
//! ```text
//! program    a guest whose result says whether all of its code, data and table arrived
//! site       a scratch directory with a module and a cache, and ways to run the one with the other
//!
//! damage     entries that are damaged, cut, or another version's
//! impossible artifacts that are whole, with code that does what it never should
//! places     directories that are full, read-only, not executable, absent, or removed meanwhile
//! sharing    several processes: a cold start together, a compiler that dies or stops, an entry that goes while it is in use
//! kills      a wrun that is killed at any moment
//! identity   files that look like the one that was known
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
