//! wrun's own words on its standard streams: bytes in, all of them written or an error out. Which words is for `report`.
//!
//! Not through Rust's own handles, which take a closed stream for one that has taken everything, and which wait for a full
//! pipe whatever the deadline. The deadline's signal wakes one thread only, and others have words too (logs, the line about
//! compiling), so with a deadline no write is begun that would wait.

use std::io::{self, ErrorKind, Write};
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio;
use wrun_runtime::{Deadline, DeadlineWatch};

/// So much a pipe that has room takes without waiting (`PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// How often the deadline is looked at while there is no room.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// The session's deadline, if it has one.
static DEADLINE: OnceLock<DeadlineWatch> = OnceLock::new();

/// From now on nothing is waited for once this deadline has passed: only what goes at once is written then.
pub(crate) fn heed(deadline: &Deadline) {
    // A session has one.
    let _ = DEADLINE.set(deadline.watch());
}

/// Writes all of `bytes`.
///
/// # Errors
/// `TimedOut` when the deadline has passed and not all was written; else what the system says.
pub(crate) fn write_all(stream: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    let deadline = DEADLINE.get();
    let most = if deadline.is_some() { AT_ONCE } else { usize::MAX };
    while !bytes.is_empty() {
        // Looked at before the room is: what there is room for is written.
        let late = deadline.map(DeadlineWatch::passed);
        match late {
            Some(true) if !has_room(stream, Some(&Timespec::default())) => return Err(ErrorKind::TimedOut.into()),
            Some(false) if !has_room(stream, Some(&TICK)) => continue,
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
                None => _ = has_room(stream, None),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether a write would not wait, now or, at the latest, after this time. An error is for the write to tell.
fn has_room(stream: BorrowedFd<'_>, wait: Option<&Timespec>) -> bool {
    match poll(&mut [PollFd::from_borrowed_fd(stream, PollFlags::OUT)], wait) {
        Ok(ready) => ready > 0,
        Err(error) => error != Errno::INTR,
    }
}

/// Standard error for those who want something to write to.
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
