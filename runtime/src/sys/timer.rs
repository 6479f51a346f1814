//! Timers of two kinds. One calls a function at a point in time and then at intervals. The other signals its own thread at
//! intervals.
//!
//! Input: times, a function. Output: calls of the function from a signal handler. Must not hold: epochs.
//!
//! Both kinds send the signal of [`signals::interrupt_signal`]. The first kind sends it to the process, so any thread may run the
//! function. The second kind makes system calls of its thread return.

use std::cell::Cell;
use std::io;
use std::mem;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use super::signals;

/// The function of a [`Timer`].
pub(crate) trait Expire: Send + Sync {
    /// Called inside a signal handler, on any thread. It may only read memory, use atomics and send signals.
    fn expire(&self);
}

/// The target of a timer, in a box, so that a single pointer leads to it.
type Target = Box<Arc<dyn Expire>>;

/// A place for a timer in the list that signal handlers search. It is never freed, but used again: there are as many places as
/// there were timers at the same time.
struct Slot {
    next: AtomicPtr<Slot>,
    taken: AtomicBool,
    /// Number that the timer's signal carries. 0 means no timer. No two timers have the same number.
    number: AtomicUsize,
    target: AtomicPtr<Arc<dyn Expire>>,
    /// Number of signal handlers that are using the target.
    users: AtomicUsize,
}

static FIRST: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());

/// Number of forks between the process that made its first timer and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

fn slots() -> impl Iterator<Item = &'static Slot> {
    let mut at = FIRST.load(Ordering::Acquire);
    std::iter::from_fn(move || {
        // SAFETY: slots are leaked boxes. They are complete when they are added to the list.
        let slot = unsafe { at.as_ref() }?;
        at = slot.next.load(Ordering::Relaxed);
        Some(slot)
    })
}

/// Takes a free slot of the list, or adds one.
fn take_slot() -> &'static Slot {
    if let Some(slot) = slots().find(|slot| !slot.taken.swap(true, Ordering::Acquire)) {
        return slot;
    }
    let slot: &'static Slot = Box::leak(Box::new(Slot {
        next: AtomicPtr::default(),
        taken: AtomicBool::new(true),
        number: AtomicUsize::new(0),
        target: AtomicPtr::default(),
        users: AtomicUsize::new(0),
    }));
    let mut first = FIRST.load(Ordering::Relaxed);
    loop {
        slot.next.store(first, Ordering::Relaxed);
        let new = ptr::from_ref(slot).cast_mut();
        match FIRST.compare_exchange(first, new, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return slot,
            Err(other) => first = other,
        }
    }
}

/// Calls the function of the timer with this number. Any process that may send signals to this one can send any number. The
/// number is only compared.
pub(super) fn expire(number: usize) {
    let Some(slot) = slots().find(|slot| number != 0 && slot.number.load(Ordering::Relaxed) == number) else {
        return;
    };
    slot.users.fetch_add(1, Ordering::SeqCst);
    // The timer may be gone by now. From here on, stopping it waits for this handler.
    if slot.number.load(Ordering::SeqCst) == number {
        // SAFETY: set before the number, and freed after the number is taken away and no handler uses it.
        let target = unsafe { &*slot.target.load(Ordering::Acquire) };
        target.expire();
    }
    slot.users.fetch_sub(1, Ordering::SeqCst);
}

/// A timer of the process (`timer_create(2)`). Dropping it stops it. A child process made by `fork(2)` does not have it.
#[derive(Debug)]
pub(crate) struct Timer {
    id: Id,
    slot: &'static Slot,
    forks: u32,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.number.load(Ordering::Relaxed))
    }
}

/// The identifier of a timer: a number of the kernel in the type of a pointer.
#[derive(Copy, Clone, Debug)]
struct Id(libc::timer_t);

// SAFETY: the identifier is valid in each thread of the process.
unsafe impl Send for Id {}
// SAFETY: as above.
unsafe impl Sync for Id {}

impl Timer {
    /// Starts a timer that calls `target` after `after`, and then every `every`. [`signals::install_interrupts`] must be called
    /// before.
    pub(crate) fn start(after: Duration, every: Duration, target: Arc<dyn Expire>) -> io::Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: all-zero is a valid `sigevent`: plain numbers and pointers.
        let mut event: libc::sigevent = unsafe { mem::zeroed() };
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = signals::interrupt_signal();
        event.sigev_value.sival_ptr = ptr::without_provenance_mut(number);
        let id = create(&mut event)?;
        let slot = take_slot();
        let target: Target = Box::new(target);
        slot.target.store(Box::into_raw(target), Ordering::Relaxed);
        slot.number.store(number, Ordering::SeqCst);
        let timer = Self {
            id,
            slot,
            forks: FORKS.load(Ordering::Relaxed),
        };
        // A time of zero would not start the timer.
        set(timer.id, after.max(Duration::from_nanos(1)), every)?;
        Ok(timer)
    }

    /// Returns the number that the timer's signal carries.
    #[cfg(test)]
    pub(super) fn number(&self) -> usize {
        self.slot.number.load(Ordering::Relaxed)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        delete(self.id, self.forks);
        // A signal that arrives after this finds no timer.
        self.slot.number.store(0, Ordering::SeqCst);
        while self.slot.users.load(Ordering::SeqCst) != 0 {
            // A handler on another thread is done after a short time.
            std::thread::yield_now();
        }
        let target = self.slot.target.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: `start` made the pointer from a box. No handler uses it or can find it any more.
        drop(unsafe { Target::from_raw(target) });
        self.slot.taken.store(false, Ordering::Release);
    }
}

fn create(event: &mut libc::sigevent) -> io::Result<Id> {
    let mut id: libc::timer_t = ptr::null_mut();
    // SAFETY: both structures are valid for the call.
    match unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, event, &mut id) } {
        0 => Ok(Id(id)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sets a timer to go off after `after` and then every `every`. A zero `after` stops it.
fn set(id: Id, after: Duration, every: Duration) -> io::Result<()> {
    let times = libc::itimerspec {
        it_interval: to_timespec(every),
        it_value: to_timespec(after),
    };
    // SAFETY: the structure is valid; an identifier that is no timer's any more is an error.
    match unsafe { libc::timer_settime(id.0, 0, &times, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Deletes a timer that was made after this many forks. A child process has none of its parent's timers, but may have another one
/// with the same identifier.
fn delete(id: Id, forks: u32) {
    if forks == FORKS.load(Ordering::Relaxed) {
        // SAFETY: the timer is there, and this is its owner.
        unsafe { libc::timer_delete(id.0) };
    }
}

fn to_timespec(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// A thread that can be interrupted.
struct Thread {
    /// Number of the thread. 0 before [`prepare_thread`].
    id: Cell<i32>,
    /// The thread's own timer.
    timer: Cell<Option<Id>>,
    forks: Cell<u32>,
    repeats: Cell<bool>,
}

thread_local! {
    /// Data of this thread. It has no destructor, so that signal handlers can use it at any time.
    static THREAD: Thread = const {
        Thread { id: Cell::new(0), timer: Cell::new(None), forks: Cell::new(0), repeats: Cell::new(false) }
    };
    static AT_EXIT: AtExit = const { AtExit };
}

/// Deletes the thread's timer when the thread ends.
struct AtExit;

impl Drop for AtExit {
    fn drop(&mut self) {
        THREAD.with(|thread| {
            if let Some(timer) = thread.timer.take() {
                delete(timer, thread.forks.get());
            }
            thread.id.set(0);
        });
    }
}

/// Interval at which a thread is signalled again ([`repeat`]).
const AGAIN: Duration = Duration::from_millis(5);

/// Prepares this thread for interrupts: unblocks the signal, and makes a timer for [`repeat`] at the first call. Returns the
/// thread's number for [`signals::interrupt`].
pub(crate) fn prepare_thread() -> io::Result<i32> {
    THREAD.with(|thread| {
        if thread.id.get() != 0 {
            return Ok(thread.id.get());
        }
        signals::install_interrupts()?;
        signals::unblock_interrupts();
        make_timer(thread)?;
        AT_EXIT.with(|_| {});
        thread.id.set(thread_id());
        Ok(thread.id.get())
    })
}

/// Returns the number of this thread. 0 before [`prepare_thread`].
pub(super) fn this_thread() -> i32 {
    THREAD.with(|thread| thread.id.get())
}

fn thread_id() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

fn make_timer(thread: &Thread) -> io::Result<()> {
    // SAFETY: as in `Timer::start`.
    let mut event: libc::sigevent = unsafe { mem::zeroed() };
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_signo = signals::interrupt_signal();
    event.sigev_notify_thread_id = thread_id();
    thread.timer.set(Some(create(&mut event)?));
    thread.forks.set(FORKS.load(Ordering::Relaxed));
    Ok(())
}

/// Starts or stops sending the signal to this thread every few milliseconds. Safe in signal handlers.
pub(crate) fn repeat(on: bool) {
    THREAD.with(|thread| {
        if let Some(timer) = thread.timer.get().filter(|_| thread.repeats.replace(on) != on) {
            let time = if on { AGAIN } else { Duration::ZERO };
            // The timer belongs to this thread and the times are valid, so this cannot fail.
            let _ = set(timer, time, time);
        }
    });
}

/// Prepares the only thread of a forked child again, if it was prepared in the parent.
pub(super) fn after_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    for slot in slots() {
        // The handlers ran on threads that this process does not have.
        slot.users.store(0, Ordering::Relaxed);
    }
    THREAD.with(|thread| {
        if thread.id.get() != 0 {
            thread.id.set(thread_id());
            thread.repeats.set(false);
            if make_timer(thread).is_err() {
                thread.timer.set(None);
            }
        }
    });
}
