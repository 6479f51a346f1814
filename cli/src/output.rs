//! Writes wrun's own output to its standard streams. Either all bytes are written, or the result is an error. `report` makes
//! the messages.
//!
//! The handles of Rust's standard library are not used: they treat a closed stream as if it had taken everything, and they wait
//! for a full pipe past the deadline. The signal of the deadline wakes only one thread, and other threads write too (logs, the
//! progress line). So with a deadline, no write starts that would block.

use std::io::{self, ErrorKind, Write};
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio;
use wrun_runtime::{Deadline, DeadlineWatch};

/// Number of bytes that a writable pipe accepts without blocking (`PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// Time between two checks of the deadline while a stream is not writable.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// The session's deadline, if it has one.
static DEADLINE: OnceLock<DeadlineWatch> = OnceLock::new();

/// Sets the deadline for all writes. After it has passed, only bytes that can be written without waiting are written.
pub(crate) fn heed(deadline: &Deadline) {
    // A session has at most one deadline.
    let _ = DEADLINE.set(deadline.watch());
}

/// Writes all of `bytes`.
///
/// # Errors
/// `TimedOut` if the deadline has passed and not all bytes were written, otherwise the system's error.
pub(crate) fn write_all(stream: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    let deadline = DEADLINE.get();
    let most = if deadline.is_some() { AT_ONCE } else { usize::MAX };
    while !bytes.is_empty() {
        // Read before the stream is polled, so that bytes that fit are still written after the deadline.
        let late = deadline.map(DeadlineWatch::passed);
        match late {
            Some(true) if !is_writable(stream, Some(&Timespec::default())) => return Err(ErrorKind::TimedOut.into()),
            Some(false) if !is_writable(stream, Some(&TICK)) => continue,
            _ => {}
        }
        match rustix::io::write(stream, &bytes[..bytes.len().min(most)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            // The signal of the deadline or another signal: see above.
            Err(Errno::INTR) => {}
            // Another process has made the shared stream non-blocking.
            Err(Errno::AGAIN) => match late {
                Some(true) => return Err(ErrorKind::TimedOut.into()),
                Some(false) => {}
                None => _ = is_writable(stream, None),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Returns true if a write would not block, now or after at most this time. The write itself reports errors.
fn is_writable(stream: BorrowedFd<'_>, wait: Option<&Timespec>) -> bool {
    match poll(&mut [PollFd::from_borrowed_fd(stream, PollFlags::OUT)], wait) {
        Ok(ready) => ready > 0,
        Err(error) => error != Errno::INTR,
    }
}

/// Standard error as a [`Write`].
#[derive(Debug)]
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_all(stdio::stderr(), bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
