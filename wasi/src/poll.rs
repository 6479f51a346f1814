//! `poll_oneoff`: waits for descriptors and clocks. One `ppoll` asks for all descriptors; then every descriptor that is
//! ready and every clock that has expired is reported, in the order of the subscriptions. A subscription that makes no
//! sense is an event with an error, so that one closed descriptor does not hide the others.
//!
//! Clocks alone are slept for on the right clock, until a point in time: neither a signal nor a change of the time of day
//! makes the sleep longer or shorter than it should be.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::FileType;
use rustix::thread::{ClockId, clock_nanosleep_absolute};

use crate::clock::{self, MONOTONIC, REALTIME};
use crate::ctx::WasiCtx;
use crate::memory;
use crate::types::{self, EVENT_SIZE, Errno, Result, Version, eventrwflags, eventtype, subclockflags};

/// The most subscriptions of a call.
const MAX: u32 = 4096;

/// How long is waited at a time while a time of day is waited for together with descriptors: the kernel's timeout does not
/// notice that the time of day was set.
const SLICE: u64 = 1_000_000_000;

/// What must outlive an interruption of a call: when it began, so that timeouts do not begin again.
#[derive(Default)]
pub(crate) struct Wait {
    started: Option<u64>,
}

/// One subscription.
struct Subscription {
    userdata: u64,
    eventtype: u8,
    target: Target,
}

/// What is waited for.
enum Target {
    /// A point in monotonic time.
    Monotonic(u64),
    /// A time of day.
    Realtime(u64),
    /// An element of the array for `ppoll`.
    Fd(usize),
    /// Nothing: this is reported at once.
    Failed(Errno),
}

#[allow(
    clippy::too_many_arguments,
    reason = "these are the arguments of the WASI function, and two more"
)]
/// Waits until something that was subscribed to happens, and writes what did.
pub(crate) fn poll_oneoff(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    version: Version,
    wait: &mut Wait,
    input: u32,
    output: u32,
    nsubscriptions: u32,
    nevents: u32,
) -> Result {
    if nsubscriptions == 0 || nsubscriptions > MAX {
        return Err(Errno::INVAL);
    }
    memory::check_array(memory, input, nsubscriptions, types::subscription_size(version))?;
    memory::check_array(memory, output, nsubscriptions, EVENT_SIZE)?;
    memory::check(memory, nevents, 4)?;
    let now = monotonic()?;
    let started = *wait.started.get_or_insert(now);

    // All is read before anything is written: the two arrays may overlap.
    let mut fds = Vec::new();
    let mut subscriptions = Vec::with_capacity(nsubscriptions as usize);
    for index in 0..nsubscriptions {
        subscriptions.push(subscription(ctx, memory, version, input, index, started, &mut fds)?);
    }
    let count = loop {
        sleep(&subscriptions, &mut fds)?;
        let count = report(&subscriptions, &fds, memory, output)?;
        if count > 0 {
            break count;
        }
    };
    memory::write_u32(memory, nevents, count)
}

/// Reads a subscription. A kind that does not exist cannot be reported as an event: it fails the call.
fn subscription<'a>(
    ctx: &'a WasiCtx,
    memory: &[u8],
    version: Version,
    input: u32,
    index: u32,
    started: u64,
    fds: &mut Vec<PollFd<'a>>,
) -> Result<Subscription> {
    let size = types::subscription_size(version);
    let bytes = memory::bytes(memory, input + index * size, size)?;
    let eventtype = bytes[8];
    let target = match eventtype {
        eventtype::CLOCK => clock_target(&bytes[types::subscription_clock(version)..], started),
        eventtype::FD_READ | eventtype::FD_WRITE => {
            let flags = if eventtype == eventtype::FD_READ {
                PollFlags::IN
            } else {
                PollFlags::OUT
            };
            match ctx.table.get(memory::u32_at(bytes, 16)) {
                Ok(descriptor) => {
                    fds.push(PollFd::from_borrowed_fd(descriptor.fd(), flags));
                    Target::Fd(fds.len() - 1)
                }
                Err(errno) => Target::Failed(errno),
            }
        }
        _ => return Err(Errno::INVAL),
    };
    Ok(Subscription {
        userdata: memory::u64_at(bytes, 0),
        eventtype,
        target,
    })
}

/// When a clock expires. A relative time of day is a span of time, which setting the clock does not change.
fn clock_target(clock: &[u8], started: u64) -> Target {
    let timeout = memory::u64_at(clock, 8);
    let absolute = match memory::u16_at(clock, 24) {
        0 => false,
        subclockflags::SUBSCRIPTION_CLOCK_ABSTIME => true,
        _ => return Target::Failed(Errno::INVAL),
    };
    match (memory::u32_at(clock, 0), absolute) {
        (MONOTONIC, true) => Target::Monotonic(timeout),
        (REALTIME, true) => Target::Realtime(timeout),
        (MONOTONIC | REALTIME, false) => Target::Monotonic(started.saturating_add(timeout)),
        // The time that a program has used does not pass while it waits.
        (2 | 3, _) => Target::Failed(Errno::NOTSUP),
        _ => Target::Failed(Errno::INVAL),
    }
}

/// Waits until a descriptor is ready or a clock expires, or for a while.
fn sleep(subscriptions: &[Subscription], fds: &mut [PollFd<'_>]) -> Result {
    let (mut monotonic_end, mut realtime_end): (Option<u64>, Option<u64>) = (None, None);
    let mut failed = false;
    let earlier = |end: &mut Option<u64>, time: u64| *end = Some(end.map_or(time, |end| end.min(time)));
    for subscription in subscriptions {
        match subscription.target {
            Target::Monotonic(time) => earlier(&mut monotonic_end, time),
            Target::Realtime(time) => earlier(&mut realtime_end, time),
            Target::Failed(_) => failed = true,
            Target::Fd(_) => {}
        }
    }
    if failed {
        // The event is there already; the others are asked, not waited for.
        return poll(fds, Some(0));
    }
    match (fds.is_empty(), monotonic_end, realtime_end) {
        (true, Some(end), None) => nanosleep(ClockId::Monotonic, end, monotonic()?),
        (true, None, Some(end)) => nanosleep(ClockId::Realtime, end, realtime()?),
        (_, None, None) => poll(fds, None),
        (_, monotonic_end, realtime_end) => {
            let mut timeout = u64::MAX;
            if let Some(end) = monotonic_end {
                timeout = end.saturating_sub(monotonic()?);
            }
            if let Some(end) = realtime_end {
                timeout = timeout.min(end.saturating_sub(realtime()?)).min(SLICE);
            }
            poll(fds, Some(timeout))
        }
    }
}

fn nanosleep(clock: ClockId, end: u64, now: u64) -> Result {
    if end > now {
        clock_nanosleep_absolute(clock, &clock::timespec(end))?;
    }
    Ok(())
}

fn poll(fds: &mut [PollFd<'_>], timeout: Option<u64>) -> Result {
    let timeout = timeout.map(clock::timespec);
    rustix::event::poll(fds, timeout.as_ref())?;
    Ok(())
}

/// Writes an event for each subscription that is due, and gives their number.
fn report(subscriptions: &[Subscription], fds: &[PollFd<'_>], memory: &mut [u8], output: u32) -> Result<u32> {
    let (monotonic, realtime) = (monotonic()?, realtime()?);
    let mut count = 0;
    for subscription in subscriptions {
        let (error, nbytes, flags) = match subscription.target {
            Target::Monotonic(time) if time <= monotonic => (0, 0, 0),
            Target::Realtime(time) if time <= realtime => (0, 0, 0),
            Target::Failed(errno) => (errno.0, 0, 0),
            Target::Fd(index) if !fds[index].revents().is_empty() => ready(&fds[index], subscription.eventtype),
            _ => continue,
        };
        let event = types::event(subscription.userdata, error, subscription.eventtype, nbytes, flags);
        memory::write(memory, output + count * EVENT_SIZE, &event)?;
        count += 1;
    }
    Ok(count)
}

/// Error, bytes and flags of the event of a descriptor that `ppoll` reported.
fn ready(fd: &PollFd<'_>, eventtype: u8) -> (u16, u64, u16) {
    let revents = fd.revents();
    if revents.contains(PollFlags::NVAL) {
        return (Errno::BADF.0, 0, 0);
    }
    if revents.contains(PollFlags::ERR) {
        return (Errno::IO.0, 0, 0);
    }
    let flags = if revents.contains(PollFlags::HUP) {
        eventrwflags::FD_READWRITE_HANGUP
    } else {
        0
    };
    let nbytes = match eventtype {
        eventtype::FD_READ => readable_bytes(std::os::fd::AsFd::as_fd(fd)),
        // More is not known, and less would say that nothing can be written.
        _ => 1,
    };
    (0, nbytes, flags)
}

/// How many bytes can be read, as far as that is known.
fn readable_bytes(fd: BorrowedFd<'_>) -> u64 {
    if let Ok(stat) = rustix::fs::fstat(fd)
        && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
    {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        return size.saturating_sub(rustix::fs::tell(fd).unwrap_or(0));
    }
    rustix::io::ioctl_fionread(fd).unwrap_or(0)
}

fn monotonic() -> Result<u64> {
    clock::nanoseconds(rustix::time::clock_gettime(ClockId::Monotonic))
}

fn realtime() -> Result<u64> {
    clock::nanoseconds(rustix::time::clock_gettime(ClockId::Realtime))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Descriptor, DirAccess, File};
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    const MILLISECOND: u64 = 1_000_000;

    fn clock(userdata: u64, id: u32, timeout: u64, flags: u16) -> Vec<u8> {
        let mut bytes = vec![0; 48];
        bytes[..8].copy_from_slice(&userdata.to_le_bytes());
        bytes[16..20].copy_from_slice(&id.to_le_bytes());
        bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
        bytes[40..42].copy_from_slice(&flags.to_le_bytes());
        bytes
    }

    fn fd(userdata: u64, eventtype: u8, fd: u32) -> Vec<u8> {
        let mut bytes = vec![0; 48];
        bytes[..8].copy_from_slice(&userdata.to_le_bytes());
        bytes[8] = eventtype;
        bytes[16..20].copy_from_slice(&fd.to_le_bytes());
        bytes
    }

    /// User data, error, bytes and flags of an event.
    type Event = (u64, u16, u64, u16);

    fn poll_with(ctx: &mut WasiCtx, version: Version, subscriptions: &[Vec<u8>]) -> Result<Vec<Event>> {
        let mut memory = vec![0; 8];
        memory.extend(subscriptions.concat());
        let count = subscriptions.len() as u32;
        // The events overwrite the subscriptions.
        poll_oneoff(ctx, &mut memory, version, &mut Wait::default(), 8, 8, count, 0)?;
        let events = memory[8..].chunks(32).take(memory::u32_at(&memory, 0) as usize);
        let event = |bytes: &[u8]| {
            let (error, flags) = (memory::u16_at(bytes, 8), memory::u16_at(bytes, 24));
            (memory::u64_at(bytes, 0), error, memory::u64_at(bytes, 16), flags)
        };
        Ok(events.map(event).collect())
    }

    fn poll(ctx: &mut WasiCtx, subscriptions: &[Vec<u8>]) -> Result<Vec<Event>> {
        poll_with(ctx, Version::Preview1, subscriptions)
    }

    /// A guest with the read end of a pipe as number 3.
    fn guest_with_pipe() -> (WasiCtx, OwnedFd) {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let mut ctx = WasiCtx::builder().stdin_empty().build().unwrap();
        ctx.table
            .insert(Descriptor::File(File::owned(reader, true, DirAccess::ReadWrite)))
            .unwrap();
        (ctx, writer)
    }

    #[test]
    fn clocks_of_each_kind_end_on_time() {
        let (mut ctx, _writer) = guest_with_pipe();
        for id in [REALTIME, MONOTONIC] {
            for absolute in [false, true] {
                let now = if id == REALTIME { realtime() } else { monotonic() }.unwrap();
                let timeout = 20 * MILLISECOND + if absolute { now } else { 0 };
                for with_fd in [false, true] {
                    let mut subscriptions = vec![clock(7, id, timeout, absolute.into())];
                    if with_fd {
                        subscriptions.push(fd(8, eventtype::FD_READ, 3));
                    }
                    let start = Instant::now();
                    assert_eq!(poll(&mut ctx, &subscriptions), Ok(vec![(7, 0, 0, 0)]));
                    let took = start.elapsed();
                    if !(absolute && with_fd) {
                        // The absolute time has passed already on the second round.
                        assert!(
                            took >= Duration::from_millis(19),
                            "clock {id}, absolute {absolute}: {took:?}"
                        );
                    }
                    assert!(took < Duration::from_secs(5));
                }
            }
        }
    }

    #[test]
    fn a_silent_descriptor_is_not_ready_because_another_one_is() {
        let (mut ctx, writer) = guest_with_pipe();
        let (silent, _silent_writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        ctx.table
            .insert(Descriptor::File(File::owned(silent, true, DirAccess::ReadWrite)))
            .unwrap();
        rustix::io::write(&writer, b"abc").unwrap();
        let subscriptions = [
            fd(1, eventtype::FD_READ, 4),
            fd(2, eventtype::FD_READ, 3),
            clock(3, MONOTONIC, 3600 * SLICE, 0),
        ];
        assert_eq!(poll(&mut ctx, &subscriptions), Ok(vec![(2, 0, 3, 0)]));
    }

    #[test]
    fn unknown_descriptors_and_expired_clocks_are_events_beside_others() {
        let (mut ctx, writer) = guest_with_pipe();
        rustix::io::write(&writer, b"abc").unwrap();
        let subscriptions = [
            fd(1, eventtype::FD_READ, 99),
            fd(2, eventtype::FD_READ, 3),
            clock(3, MONOTONIC, 0, 0),
            clock(4, 9, 0, 0),
            clock(5, MONOTONIC, 0, 2),
            clock(6, 2, 0, 0),
        ];
        let expected = vec![
            (1, Errno::BADF.0, 0, 0),
            (2, 0, 3, 0),
            (3, 0, 0, 0),
            (4, Errno::INVAL.0, 0, 0),
            (5, Errno::INVAL.0, 0, 0),
            (6, Errno::NOTSUP.0, 0, 0),
        ];
        assert_eq!(poll(&mut ctx, &subscriptions), Ok(expected));
    }

    #[test]
    fn a_closed_pipe_is_readable_with_a_hangup() {
        let (mut ctx, writer) = guest_with_pipe();
        drop(writer);
        let hangup = eventrwflags::FD_READWRITE_HANGUP;
        assert_eq!(
            poll(&mut ctx, &[fd(1, eventtype::FD_READ, 3)]),
            Ok(vec![(1, 0, 0, hangup)])
        );
        assert_eq!(
            poll(&mut ctx, &[fd(1, eventtype::FD_READ, 0)]),
            Ok(vec![(1, 0, 0, hangup)])
        );
    }

    #[test]
    fn wrong_arguments_are_errors() {
        let (mut ctx, _writer) = guest_with_pipe();
        assert_eq!(poll(&mut ctx, &[]), Err(Errno::INVAL));
        assert_eq!(poll(&mut ctx, &[fd(1, 3, 0)]), Err(Errno::INVAL));
        let mut call = |size: usize, input, output, count, nevents| {
            let mut memory = vec![0; size];
            poll_oneoff(
                &mut ctx,
                &mut memory,
                Version::Preview1,
                &mut Wait::default(),
                input,
                output,
                count,
                nevents,
            )
        };
        assert_eq!(call(100, 0, 0, 3, 0), Err(Errno::FAULT));
        assert_eq!(call(100, 0, 69, 1, 0), Err(Errno::FAULT));
        assert_eq!(call(100, 0, 0, 1, 97), Err(Errno::FAULT));
        assert_eq!(call(1 << 20, 0, 0, MAX + 1, 0), Err(Errno::INVAL));
        assert_eq!(call(100, 0, 0, u32::MAX, 0), Err(Errno::INVAL));
    }

    #[test]
    fn an_interrupted_timeout_does_not_begin_again() {
        let (mut ctx, _writer) = guest_with_pipe();
        let mut memory = vec![0; 8];
        memory.extend(clock(7, MONOTONIC, 3600 * SLICE, 0));
        let mut wait = Wait { started: Some(1) };
        memory[8 + 24..8 + 32].copy_from_slice(&(monotonic().unwrap() - 1).to_le_bytes());
        let start = Instant::now();
        poll_oneoff(&mut ctx, &mut memory, Version::Preview1, &mut wait, 8, 8, 1, 0).unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
        assert_eq!(memory::u32_at(&memory, 0), 1);
    }

    #[test]
    fn preview0_has_its_clock_eight_bytes_later() {
        let (mut ctx, _writer) = guest_with_pipe();
        let mut old = clock(7, MONOTONIC, 0, 0);
        old.splice(16..16, [0xff; 8]);
        assert_eq!(poll_with(&mut ctx, Version::Preview0, &[old]), Ok(vec![(7, 0, 0, 0)]));
    }
}
