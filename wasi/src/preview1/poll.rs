//! `poll_oneoff`: waits for descriptors and clocks.

use rustix::time::ClockId;

use super::clock::{MONOTONIC, REALTIME};
use super::flags::{eventrwflags, eventtype, subclockflags};
use super::layout::{self, EVENT_SIZE};
use super::{Version, memory};
use crate::host::poll::{Awaited, Poll};
use crate::host::{self, WasiCtx};
use crate::types::{Errno, Result};

/// Largest number of subscriptions of a call.
const MAX: u32 = 4096;

/// State of a call that outlives an interruption: the time when the call began, so that timeouts do not start again.
#[derive(Default)]
pub(crate) struct Wait {
    started: Option<u64>,
}

/// Parts of a subscription that its event repeats.
struct Tag {
    userdata: u64,
    eventtype: u8,
}

/// Waits until at least one subscribed event has happened, and writes all events that have.
#[allow(
    clippy::too_many_arguments,
    reason = "these are the arguments of the WASI function, and two more"
)]
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
    memory::check_array(memory, input, nsubscriptions, layout::subscription_size(version))?;
    memory::check_array(memory, output, nsubscriptions, EVENT_SIZE)?;
    memory::check(memory, nevents, 4)?;
    let now = host::clock::now(ClockId::Monotonic)?;
    let started = *wait.started.get_or_insert(now);

    // All subscriptions are read before any event is written, because the two arrays may overlap.
    let mut poll = Poll::new(&ctx.table, nsubscriptions as usize);
    for index in 0..nsubscriptions {
        let (tag, awaited) = subscription(memory, version, input, index, started)?;
        poll.add(tag, awaited);
    }
    let mut count = 0;
    poll.wait(|tag, event| {
        let error = event.error.map_or(0, |errno| errno.0);
        let flags = if event.hangup {
            eventrwflags::FD_READWRITE_HANGUP
        } else {
            0
        };
        let bytes = layout::event(tag.userdata, error, tag.eventtype, event.nbytes, flags);
        memory::write(memory, output + count * EVENT_SIZE, &bytes)?;
        count += 1;
        Ok(())
    })?;
    memory::write_u32(memory, nevents, count)
}

/// Reads a subscription. An unknown kind makes the whole call fail, because no event can report it.
fn subscription(memory: &[u8], version: Version, input: u32, index: u32, started: u64) -> Result<(Tag, Awaited)> {
    let size = layout::subscription_size(version);
    let bytes = memory::bytes(memory, input + index * size, size)?;
    let eventtype = bytes[8];
    let awaited = match eventtype {
        eventtype::CLOCK => clock(&bytes[layout::subscription_clock(version)..], started),
        eventtype::FD_READ => Awaited::Readable(memory::u32_at(bytes, 16)),
        eventtype::FD_WRITE => Awaited::Writable(memory::u32_at(bytes, 16)),
        _ => return Err(Errno::INVAL),
    };
    let userdata = memory::u64_at(bytes, 0);
    Ok((Tag { userdata, eventtype }, awaited))
}

/// Reads a `subscription_clock`. A relative timeout on the realtime clock is a span of time: setting the clock does not change
/// it.
fn clock(clock: &[u8], started: u64) -> Awaited {
    let timeout = memory::u64_at(clock, 8);
    let absolute = match memory::u16_at(clock, 24) {
        0 => false,
        subclockflags::SUBSCRIPTION_CLOCK_ABSTIME => true,
        _ => return Awaited::Failed(Errno::INVAL),
    };
    match (memory::u32_at(clock, 0), absolute) {
        (MONOTONIC, true) => Awaited::Monotonic(timeout),
        (REALTIME, true) => Awaited::Realtime(timeout),
        (MONOTONIC | REALTIME, false) => Awaited::Monotonic(started.saturating_add(timeout)),
        // The CPU time of the program does not advance while it waits.
        (2 | 3, _) => Awaited::Failed(Errno::NOTSUP),
        _ => Awaited::Failed(Errno::INVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::table::{Descriptor, File};
    use crate::types::Access;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    const MILLISECOND: u64 = 1_000_000;
    const HOUR: u64 = 3_600_000 * MILLISECOND;

    fn monotonic() -> Result<u64> {
        host::clock::now(ClockId::Monotonic)
    }

    fn realtime() -> Result<u64> {
        host::clock::now(ClockId::Realtime)
    }

    fn clock_subscription(userdata: u64, id: u32, timeout: u64, flags: u16) -> Vec<u8> {
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
            .insert(Descriptor::File(File::owned(reader, true, Access::ReadWrite)))
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
                    let mut subscriptions = vec![clock_subscription(7, id, timeout, absolute.into())];
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
            .insert(Descriptor::File(File::owned(silent, true, Access::ReadWrite)))
            .unwrap();
        rustix::io::write(&writer, b"abc").unwrap();
        let subscriptions = [
            fd(1, eventtype::FD_READ, 4),
            fd(2, eventtype::FD_READ, 3),
            clock_subscription(3, MONOTONIC, HOUR, 0),
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
            clock_subscription(3, MONOTONIC, 0, 0),
            clock_subscription(4, 9, 0, 0),
            clock_subscription(5, MONOTONIC, 0, 2),
            clock_subscription(6, 2, 0, 0),
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
        memory.extend(clock_subscription(7, MONOTONIC, HOUR, 0));
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
        let mut old = clock_subscription(7, MONOTONIC, 0, 0);
        old.splice(16..16, [0xff; 8]);
        assert_eq!(poll_with(&mut ctx, Version::Preview0, &[old]), Ok(vec![(7, 0, 0, 0)]));
    }
}
