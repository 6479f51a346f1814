//! Writes wrun's own words to its standard streams: bytes in, all of them written or an error out. `report` chooses the words.
//!
//! Rust's own handles are not used: they take a closed stream for one that has taken everything, and they wait for a full pipe
//! past the deadline. The deadline's signal wakes only one thread, and other threads write too (logs, the line about
//! compiling). So with a deadline, no write starts that would wait.

use std::io::{self, ErrorKind, Write};
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio;
use wrun_runtime::{Deadline, DeadlineWatch};

/// Bytes that a pipe with room takes without waiting (`PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// Time between two looks at the deadline while there is no room.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// The session's deadline, if it has one.
static DEADLINE: OnceLock<DeadlineWatch> = OnceLock::new();

/// Sets the deadline for all writes: once it has passed, only what goes at once is written.
pub(crate) fn heed(deadline: &Deadline) {
    // A session has one.
    let _ = DEADLINE.set(deadline.watch());
}

/// Writes all of `bytes`.
///
/// # Errors
/// `TimedOut` when the deadline has passed and not all was written, else the system's error.
pub(crate) fn write_all(stream: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    let deadline = DEADLINE.get();
    let most = if deadline.is_some() { AT_ONCE } else { usize::MAX };
    while !bytes.is_empty() {
        // Looked at before the room is: what there is room for is written.
        let late = deadline.map(DeadlineWatch::passed);
        match late {
            Some(true) if !is_writable(stream, Some(&Timespec::default())) => return Err(ErrorKind::TimedOut.into()),
            Some(false) if !is_writable(stream, Some(&TICK)) => continue,
            _ => {}
        }
        match rustix::io::write(stream, &bytes[..bytes.len().min(most)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            // The deadline's signal, or another: see above.
            Err(Errno::INTR) => {}
            // Somebody who has the stream too made it so.
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

/// Returns true if a write would not wait, now or at the latest after this time. The write itself reports errors.
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
