//! Makes a process ready in which Rust's own start-up does not run.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, fcntl_getfd};
use rustix::process::{Resource, getrlimit};
use rustix::stdio;

/// Makes a process ready that has an entry of its own (`#![no_main]`): the number of a standard stream that is closed is taken,
/// and writing to a pipe without a reader, or more to a file than the process may (`ulimit -f`), is an error, not the end of
/// the process.
///
/// Rust's start-up does much the same, and more: it prepares a message for an overflow of the first thread's stack, which takes
/// fifteen system calls. Without it such an overflow ends in a plain `SIGSEGV`.
///
/// A closed stream matters: the next file to be opened would get its number, and a guest or a message would be given that file
/// as its standard stream. So this comes before anything is opened. What takes the number can be neither read nor written, as
/// if the stream were closed still: a program that writes its results to nowhere has to be told.
///
/// # Errors
/// When a stream is closed and there is no `/dev/null` to take its number.
pub fn start_process() -> io::Result<()> {
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: ignoring a signal is always allowed.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    for is_closed in closed_streams()? {
        if is_closed {
            // It gets the lowest free number, which is this stream's since those below are open by now.
            let null = openat(CWD, c"/dev/null", OFlags::PATH, Mode::empty())?;
            debug_assert!(null.as_raw_fd() < 3);
            // For the rest of the process.
            mem::forget(null);
        }
    }
    Ok(())
}

/// Which of the standard streams are closed.
fn closed_streams() -> io::Result<[bool; 3]> {
    let streams = [stdio::stdin(), stdio::stdout(), stdio::stderr()];
    let mut polled = streams.each_ref().map(|stream| PollFd::new(stream, PollFlags::empty()));
    match poll(&mut polled, Some(&Timespec::default())) {
        Ok(_) => Ok(polled
            .each_ref()
            .map(|stream| stream.revents().contains(PollFlags::NVAL))),
        // With few descriptors allowed (`ulimit -n 2`), or little memory.
        Err(_) => {
            let is_closed = |stream: BorrowedFd<'_>| fcntl_getfd(stream) == Err(Errno::BADF);
            Ok(streams.map(is_closed))
        }
    }
}

/// Bytes of address space that this process may use (`RLIMIT_AS`, `ulimit -v`). `None` means no limit.
pub(crate) fn address_space_limit() -> Option<u64> {
    getrlimit(Resource::As).current
}

/// The number that the system knows this thread by.
pub(crate) fn thread_id() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}
