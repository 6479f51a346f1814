//! The operating system: mappings, signals, timers, stacks, clocks, files.
//!
//! Input: requests of the other rooms. Output: system calls. Must not hold: wasm.
//!
//! # Safety
//! The files of this room may use `unsafe`: they call the C library and return raw memory. A function whose misuse could break
//! memory safety is an `unsafe fn` with its conditions. All others are safe.
#![allow(
    unsafe_code,
    reason = "mappings, signal handlers and timers cannot be had without it"
)]

pub(crate) mod clock;
pub(crate) mod deadline;
pub(crate) mod dir;
pub(crate) mod file;
pub(crate) mod mmap;
pub(crate) mod process;
pub(crate) mod signals;
pub(crate) mod stack;
pub(crate) mod timer;

/// The page size of x86-64 Linux, in bytes.
pub(crate) const PAGE: usize = 4096;

/// Rounds `bytes` up to whole pages. Returns `None` on overflow.
pub(crate) fn round_up_to_pages(bytes: usize) -> Option<usize> {
    Some(bytes.checked_add(PAGE - 1)? & !(PAGE - 1))
}
