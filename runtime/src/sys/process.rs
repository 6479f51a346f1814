//! Prepares a process that starts without Rust's own start-up.
//!
//! Input: none. Output: usable standard streams, ignored signals, facts about the process. Must not hold: the guest.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, fcntl_getfd};
use rustix::process::{Resource, getrlimit};
use rustix::stdio;

/// Prepares a process that has its own entry (`#![no_main]`). The numbers of closed standard streams are taken. Writing to a pipe
/// without a reader, or more to a file than the process may (`ulimit -f`), becomes an error instead of the end of the process.
///
/// Rust's start-up does the same and more: it prepares a message for an overflow of the first thread's stack, which takes fifteen
/// system calls. Without it, such an overflow ends with a plain `SIGSEGV`.
///
/// The number of a closed stream must be taken, because otherwise the next file to be opened would get it, and a guest or a
/// message would use that file as a standard stream. So this function must be called before any file is opened. The replacement
/// can be neither read nor written, like a closed stream, so a program notices that its output goes nowhere.
///
/// # Errors
/// Fails if a stream is closed and `/dev/null` is missing.
pub fn start_process() -> io::Result<()> {
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: ignoring a signal is always allowed.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    for is_closed in closed_streams()? {
        if is_closed {
            // The file gets the lowest free number. This is the number of the stream, because the lower ones are open by now.
            let null = openat(CWD, c"/dev/null", OFlags::PATH, Mode::empty())?;
            debug_assert!(null.as_raw_fd() < 3);
            // The file stays open for the rest of the process.
            mem::forget(null);
        }
    }
    Ok(())
}

/// Returns for each of the standard streams if it is closed.
fn closed_streams() -> io::Result<[bool; 3]> {
    let streams = [stdio::stdin(), stdio::stdout(), stdio::stderr()];
    let mut polled = streams.each_ref().map(|stream| PollFd::new(stream, PollFlags::empty()));
    match poll(&mut polled, Some(&Timespec::default())) {
        Ok(_) => Ok(polled
            .each_ref()
            .map(|stream| stream.revents().contains(PollFlags::NVAL))),
        // The causes are a low limit on descriptors (`ulimit -n 2`) and lack of memory.
        Err(_) => {
            let is_closed = |stream: BorrowedFd<'_>| fcntl_getfd(stream) == Err(Errno::BADF);
            Ok(streams.map(is_closed))
        }
    }
}

/// Returns the limit on address space of this process in bytes (`RLIMIT_AS`, `ulimit -v`). `None` means no limit.
pub(crate) fn address_space_limit() -> Option<u64> {
    getrlimit(Resource::As).current
}

/// Returns the number of this thread in the system.
pub(crate) fn thread_id() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}
