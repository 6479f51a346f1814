//! wrun's own words on its standard streams: bytes in, all of them written or an error out. Which words is for `report`.
//!
//! Not through Rust's own handles, which take a closed stream for one that has taken everything, and which wait for a full
//! pipe whatever the deadline.

use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use wrun_runtime::Deadline;

/// So much a pipe that has room takes without waiting (`PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// Writes all of `bytes`. Nothing is waited for once the deadline has passed: only what goes at once is written then.
///
/// # Errors
/// `TimedOut` when the deadline has passed and not all was written; else what the system says.
pub(crate) fn write_all(stream: BorrowedFd<'_>, mut bytes: &[u8], deadline: Option<&Deadline>) -> io::Result<()> {
    while !bytes.is_empty() {
        let late = deadline.is_some_and(Deadline::passed);
        if late && !has_room(stream, Some(&Timespec::default())) {
            return Err(ErrorKind::TimedOut.into());
        }
        let most = if late { AT_ONCE } else { usize::MAX };
        match rustix::io::write(stream, &bytes[..bytes.len().min(most)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            // The deadline's signal, or another: see above.
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if late => return Err(ErrorKind::TimedOut.into()),
            // Somebody who has the stream too made it so.
            Err(Errno::AGAIN) => _ = has_room(stream, None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether a write would not wait, now or, at the latest, after this time. An error is for the write to tell.
fn has_room(stream: BorrowedFd<'_>, wait: Option<&Timespec>) -> bool {
    poll(&mut [PollFd::from_borrowed_fd(stream, PollFlags::OUT)], wait).is_ok_and(|ready| ready > 0)
}
