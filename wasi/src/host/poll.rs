//! Waits for descriptors and clocks. One `ppoll` covers all descriptors. Then every ready descriptor and every expired clock is
//! reported, in the order of the subscriptions. An invalid subscription gives an event with an error, so that one closed
//! descriptor does not hide the others.
//!
//! If there are only clocks, the wait is a sleep on the same clock until a point in time. Neither a signal nor a change of the
//! time of day makes it too long or too short.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::FileType;
use rustix::io::Errno as HostErrno;
use rustix::thread::{ClockId, clock_nanosleep_absolute};

use crate::host::clock;
use crate::host::table::Table;
use crate::types::{Errno, Result};

/// Longest single wait in nanoseconds for a time of day together with descriptors. The timeout of `ppoll` does not change when
/// the time of day is set, so the clock is read again after each wait.
const SLICE: u64 = 1_000_000_000;

/// Event that is waited for.
#[derive(Clone, Copy)]
pub(crate) enum Awaited {
    /// Point in monotonic time, in nanoseconds.
    Monotonic(u64),
    /// Time of day, in nanoseconds since 1970.
    Realtime(u64),
    /// Descriptor that can be read.
    Readable(u32),
    /// Descriptor that can be written.
    Writable(u32),
    /// Invalid subscription, which is reported at once.
    Failed(Errno),
}

/// Event that has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Event {
    /// Reason why a subscription failed.
    pub(crate) error: Option<Errno>,
    /// Number of bytes that can be read or written, as far as it is known.
    pub(crate) nbytes: u64,
    /// The other side has closed the stream.
    pub(crate) hangup: bool,
}

impl Event {
    fn failed(errno: Errno) -> Event {
        Event {
            error: Some(errno),
            ..Event::default()
        }
    }
}

/// Set of subscriptions, each with a tag of the caller.
pub(crate) struct Poll<'a, T> {
    table: &'a Table,
    fds: Vec<PollFd<'a>>,
    subscriptions: Vec<(T, Target)>,
}

/// Event of a subscription, in terms of the host.
enum Target {
    Monotonic(u64),
    Realtime(u64),
    /// Descriptor, its index in the array for `ppoll`, and true for reading.
    Fd {
        fd: u32,
        index: usize,
        read: bool,
    },
    /// Virtual directory. Like every directory it is always ready.
    Ready(bool),
    Failed(Errno),
}

impl<'a, T> Poll<'a, T> {
    /// Creates a set with room for `capacity` subscriptions to descriptors of a table.
    pub(crate) fn new(table: &'a Table, capacity: usize) -> Poll<'a, T> {
        Poll {
            table,
            fds: Vec::new(),
            subscriptions: Vec::with_capacity(capacity),
        }
    }

    /// Adds a subscription.
    pub(crate) fn add(&mut self, tag: T, awaited: Awaited) {
        let target = match awaited {
            Awaited::Monotonic(time) => Target::Monotonic(time),
            Awaited::Realtime(time) => Target::Realtime(time),
            Awaited::Readable(fd) => self.descriptor(fd, true),
            Awaited::Writable(fd) => self.descriptor(fd, false),
            Awaited::Failed(errno) => Target::Failed(errno),
        };
        self.subscriptions.push((tag, target));
    }

    fn descriptor(&mut self, fd: u32, read: bool) -> Target {
        match self.table.get(fd) {
            Ok(descriptor) => {
                let Some(host) = descriptor.fd() else {
                    return Target::Ready(read);
                };
                self.fds.push(PollFd::from_borrowed_fd(host, direction(read)));
                let index = self.fds.len() - 1;
                Target::Fd { fd, index, read }
            }
            Err(errno) => Target::Failed(errno),
        }
    }

    /// Waits until at least one event has happened, and calls `each` for every one that has.
    ///
    /// # Errors
    ///
    /// `INTR` when a signal came first.
    pub(crate) fn wait(&mut self, mut each: impl FnMut(&T, Event) -> Result) -> Result {
        loop {
            self.sleep()?;
            if self.report(&mut each)? {
                return Ok(());
            }
        }
    }

    /// Waits until a descriptor is ready or a clock expires, or for a while.
    fn sleep(&mut self) -> Result {
        let (mut monotonic_end, mut realtime_end): (Option<u64>, Option<u64>) = (None, None);
        let mut is_due = false;
        let earlier = |end: &mut Option<u64>, time: u64| *end = Some(end.map_or(time, |end| end.min(time)));
        for (_, target) in &self.subscriptions {
            match *target {
                Target::Monotonic(time) => earlier(&mut monotonic_end, time),
                Target::Realtime(time) => earlier(&mut realtime_end, time),
                Target::Failed(_) | Target::Ready(_) => is_due = true,
                Target::Fd { .. } => {}
            }
        }
        if is_due {
            // One event has already happened, so the descriptors are polled without waiting.
            return self.poll(Some(0));
        }
        match (self.fds.is_empty(), monotonic_end, realtime_end) {
            (true, Some(end), None) => nanosleep(ClockId::Monotonic, end),
            (true, None, Some(end)) => nanosleep(ClockId::Realtime, end),
            (_, None, None) => self.poll(None),
            (_, monotonic_end, realtime_end) => {
                let mut timeout = u64::MAX;
                if let Some(end) = monotonic_end {
                    timeout = end.saturating_sub(clock::now(ClockId::Monotonic)?);
                }
                if let Some(end) = realtime_end {
                    timeout = timeout
                        .min(end.saturating_sub(clock::now(ClockId::Realtime)?))
                        .min(SLICE);
                }
                self.poll(Some(timeout))
            }
        }
    }

    /// Polls all descriptors, and waits for at most `timeout` nanoseconds.
    fn poll(&mut self, timeout: Option<u64>) -> Result {
        let timeout = timeout.map(clock::timespec);
        match rustix::event::poll(&mut self.fds, timeout.as_ref()) {
            // The kernel accepts no more elements than the process may have descriptors, and the guest may have several
            // subscriptions to one descriptor.
            Err(HostErrno::INVAL) => {
                self.merge();
                rustix::event::poll(&mut self.fds, timeout.as_ref())?;
            }
            result => {
                result?;
            }
        }
        Ok(())
    }

    /// Reduces the array for `ppoll` to one element per descriptor.
    #[cold]
    fn merge(&mut self) {
        let mut merged: HashMap<u32, (usize, PollFlags)> = HashMap::new();
        self.fds.clear();
        for (_, target) in &mut self.subscriptions {
            let Target::Fd { fd, index, read } = target else {
                continue;
            };
            let Some(host) = self.table.get(*fd).ok().and_then(|descriptor| descriptor.fd()) else {
                continue;
            };
            let next = merged.len();
            let (place, flags) = merged.entry(*fd).or_insert((next, PollFlags::empty()));
            *flags |= direction(*read);
            *index = *place;
            let element = PollFd::from_borrowed_fd(host, *flags);
            match self.fds.get_mut(*place) {
                Some(known) => *known = element,
                None => self.fds.push(element),
            }
        }
    }

    /// Calls `each` for each subscription that is due. Returns true if there was one.
    fn report(&self, each: &mut impl FnMut(&T, Event) -> Result) -> Result<bool> {
        let (monotonic, realtime) = (clock::now(ClockId::Monotonic)?, clock::now(ClockId::Realtime)?);
        let mut any = false;
        for (tag, target) in &self.subscriptions {
            let event = match *target {
                Target::Monotonic(time) if time <= monotonic => Event::default(),
                Target::Realtime(time) if time <= realtime => Event::default(),
                Target::Failed(errno) => Event::failed(errno),
                Target::Ready(read) => Event {
                    nbytes: u64::from(!read),
                    ..Event::default()
                },
                Target::Fd { index, read, .. } if is_due(&self.fds[index], read) => ready(&self.fds[index], read),
                _ => continue,
            };
            each(tag, event)?;
            any = true;
        }
        Ok(any)
    }
}

fn nanosleep(clock: ClockId, end: u64) -> Result {
    if end > clock::now(clock)? {
        clock_nanosleep_absolute(clock, &clock::timespec(end))?;
    }
    Ok(())
}

/// Returns the kernel's flag for reading or writing.
fn direction(read: bool) -> PollFlags {
    if read { PollFlags::IN } else { PollFlags::OUT }
}

/// Returns true if `ppoll` reported an event of a descriptor in this direction, or a hangup or an error.
fn is_due(fd: &PollFd<'_>, read: bool) -> bool {
    !(fd.revents() - direction(!read)).is_empty()
}

/// Returns the event of a descriptor that `ppoll` reported.
fn ready(fd: &PollFd<'_>, read: bool) -> Event {
    let revents = fd.revents();
    if revents.contains(PollFlags::NVAL) {
        return Event::failed(Errno::BADF);
    }
    if revents.contains(PollFlags::ERR) {
        return Event::failed(Errno::IO);
    }
    Event {
        error: None,
        // The number of bytes that can be written is not known, and 0 would mean that none can be written.
        nbytes: if read { readable_bytes(fd.as_fd()) } else { 1 },
        hangup: revents.contains(PollFlags::HUP),
    }
}

/// Returns the number of bytes that can be read, as far as that is known.
fn readable_bytes(fd: BorrowedFd<'_>) -> u64 {
    if let Ok(stat) = rustix::fs::fstat(fd)
        && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
    {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        return size.saturating_sub(rustix::fs::tell(fd).unwrap_or(0));
    }
    rustix::io::ioctl_fionread(fd).unwrap_or(0)
}
