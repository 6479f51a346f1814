//! A timer that signals one thread: once at a deadline, then again and again.

use std::io;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::time::Duration;

use super::signals;

/// A timer of the calling thread (`timer_create(2)` with `SIGEV_THREAD_ID`). Stopped on drop.
#[derive(Debug)]
pub(crate) struct Timer {
    id: libc::timer_t,
    /// A box of this timer's own. Raw, since the signal handler reads it at any time.
    entry: *mut Entry,
}

/// A timer in the list of its thread.
#[derive(Debug)]
struct Entry {
    flag: &'static AtomicBool,
    next: AtomicPtr<Entry>,
}

thread_local! {
    /// The timers of this thread. Only this thread changes the list; its signal handler, which comes in between any two
    /// instructions, finds it whole, since timers come and go with a single store.
    static FIRST: AtomicPtr<Entry> = const { AtomicPtr::new(ptr::null_mut()) };
}

/// The flag of a timer of this thread, by the value that its signal carries. Whoever may send signals to this process can send
/// any value, so it is only compared.
pub(super) fn flag_of(value: usize) -> Option<&'static AtomicBool> {
    let mut at = FIRST.with(|first| first.load(Ordering::Acquire));
    // SAFETY: entries in the list are boxes that only this thread frees, after it has taken them out; it is here meanwhile.
    while let Some(entry) = unsafe { at.as_ref() } {
        if ptr::from_ref(entry.flag) as usize == value {
            return Some(entry.flag);
        }
        at = entry.next.load(Ordering::Acquire);
    }
    None
}

/// Adds a timer to the list of this thread.
fn enlist(flag: &'static AtomicBool) -> *mut Entry {
    FIRST.with(|first| {
        let next = AtomicPtr::new(first.load(Ordering::Relaxed));
        let entry = Box::into_raw(Box::new(Entry { flag, next }));
        first.store(entry, Ordering::Release);
        entry
    })
}

/// Takes a timer out of the list of this thread, and frees its entry.
fn delist(entry: *mut Entry) {
    FIRST.with(|first| {
        let mut link = first;
        // SAFETY: as in `flag_of`; the entry is in the list until it is freed here, once.
        unsafe {
            while link.load(Ordering::Relaxed) != entry {
                link = &(*link.load(Ordering::Relaxed)).next;
            }
            link.store((*entry).next.load(Ordering::Relaxed), Ordering::Release);
            drop(Box::from_raw(entry));
        }
    });
}

impl Timer {
    /// Starts a timer that, from `after` on and then every `every`, calls this thread's timer handler (see
    /// [`signals::install_timer`]) with `flag`.
    pub(crate) fn start(after: Duration, every: Duration, flag: &'static AtomicBool) -> io::Result<Self> {
        // SAFETY: all-zero is a valid `sigevent`: plain numbers and pointers.
        let mut event: libc::sigevent = unsafe { mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signals::timer_signal();
        event.sigev_value.sival_ptr = ptr::from_ref(flag).cast_mut().cast();
        event.sigev_notify_thread_id = rustix::thread::gettid().as_raw_nonzero().get();
        let mut id: libc::timer_t = ptr::null_mut();
        // SAFETY: both structures are valid for the call.
        if unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut id) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let entry = enlist(flag);
        let timer = Self { id, entry };
        // A time of zero would not start the timer.
        let first = after.max(Duration::from_nanos(1));
        let times = libc::itimerspec {
            it_interval: to_timespec(every),
            it_value: to_timespec(first),
        };
        // SAFETY: the timer was just created, and the structure is valid.
        if unsafe { libc::timer_settime(timer.id, 0, &times, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(timer)
    }
}

fn to_timespec(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer belongs to this value and is deleted once.
        unsafe { libc::timer_delete(self.id) };
        // A signal that is still on its way is nobody's then.
        delist(self.entry);
    }
}
