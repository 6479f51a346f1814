//! The operating system, without a word of wasm: mappings, signals, timers, stacks, clocks.
//!
//! # Safety
//! The files of this room may use `unsafe`: they call the C library and hand out raw memory. What they offer upwards is
//! safe where misuse cannot break memory safety, and an `unsafe fn` with its conditions where it can.
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

/// `bytes` rounded up to whole pages; `None` on overflow.
pub(crate) fn round_up_to_pages(bytes: usize) -> Option<usize> {
    Some(bytes.checked_add(PAGE - 1)? & !(PAGE - 1))
}
