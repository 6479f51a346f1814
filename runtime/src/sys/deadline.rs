//! Deadlines: points in time.
//!
//! Input: a duration. Output: a flag that a timer sets, calls to observers, and an end to waiting for long work. Must not hold:
//! guests.

use std::io;
use std::panic::resume_unwind;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::signals;
use super::timer::{Expire, Timer};

/// Interval at which the signal is repeated after the deadline. A repeated signal interrupts a system call that began to wait
/// just after the flag was checked.
const TICK: Duration = Duration::from_millis(5);

/// A point in time at which guests are interrupted and compiling ends. It costs running code nothing.
///
/// A guest of a store with this deadline ([`crate::Store::set_deadline`]) ends with the trap *interrupt*, also in a loop or in
/// recursion. A host function that waits in a system call is interrupted (`EINTR`) and can then check
/// [`crate::Caller::interrupted`]. Guests may run on any thread.
///
/// Clones are the same deadline. It exists until the last clone is dropped. Stores and engines for which it was set keep a clone.
/// A child process made by `fork(2)` has no deadlines.
#[derive(Clone, Debug)]
pub struct Deadline(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Arc<State>,
    _timer: Timer,
}

/// Data that the timer's signal handler uses.
#[derive(Debug, Default)]
struct State {
    passed: AtomicBool,
    /// The observers, latest first. The list only grows.
    first: AtomicPtr<Told>,
}

struct Told {
    who: Arc<dyn Passes>,
    next: *mut Told,
}

/// An observer of a deadline.
pub(crate) trait Passes: Send + Sync {
    /// Called once, when the deadline passes.
    fn passed(&self);
    /// Called every few milliseconds afterwards.
    fn again(&self);
}

impl Expire for State {
    fn expire(&self) {
        let again = self.passed.swap(true, Ordering::SeqCst);
        for told in self.told() {
            if again { told.again() } else { told.passed() }
        }
    }
}

impl State {
    fn told(&self) -> impl Iterator<Item = &Arc<dyn Passes>> {
        let mut at = self.first.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: entries are boxes that live as long as the list. They are complete when they are added.
            let told = unsafe { at.as_ref() }?;
            at = told.next;
            Some(&told.who)
        })
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let mut at = *self.first.get_mut();
        while !at.is_null() {
            // SAFETY: this is a box that `tell` leaked. No handler uses the list any more.
            let told = unsafe { Box::from_raw(at) };
            at = told.next;
        }
    }
}

/// Tells any thread if a [`Deadline`] has passed. It does not keep the deadline: a dropped deadline never passes.
#[derive(Clone, Debug)]
pub struct DeadlineWatch(Arc<State>);

impl DeadlineWatch {
    /// Returns true after the deadline has passed.
    pub fn passed(&self) -> bool {
        self.flag().load(Ordering::Relaxed)
    }

    /// Returns the flag that is set when the deadline passes.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0.passed
    }
}

impl Deadline {
    /// Starts a deadline. [`signals::install`] must be called before.
    pub(crate) fn start(time: Duration) -> io::Result<Self> {
        signals::install_interrupts()?;
        signals::unblock_interrupts();
        let state = Arc::new(State::default());
        let timer = Timer::start(time, TICK, state.clone())?;
        Ok(Self(Arc::new(Inner { state, _timer: timer })))
    }

    /// Returns true after the deadline has passed.
    pub fn passed(&self) -> bool {
        self.0.state.passed.load(Ordering::SeqCst)
    }

    /// Returns a handle with which other threads can check if the deadline has passed.
    pub fn watch(&self) -> DeadlineWatch {
        DeadlineWatch(Arc::clone(&self.0.state))
    }

    /// Calls `who` once when the deadline passes, and at intervals afterwards. Returns false if the deadline has passed already.
    /// `who` then gets only the later calls.
    pub(crate) fn tell(&self, who: Arc<dyn Passes>) -> bool {
        let state = &self.0.state;
        if !state
            .told()
            .any(|told| ptr::addr_eq(Arc::as_ptr(told), Arc::as_ptr(&who)))
        {
            let next = state.first.load(Ordering::Relaxed);
            let told = Box::into_raw(Box::new(Told { who, next }));
            let mut expected = next;
            while let Err(first) = (state.first).compare_exchange(expected, told, Ordering::SeqCst, Ordering::Relaxed) {
                expected = first;
                // SAFETY: the entry is not in the list yet, so it is this function's alone.
                unsafe { (*told).next = first };
            }
        }
        !self.passed()
    }

    /// Does work that cannot be interrupted, on a separate thread. Returns `None` if the deadline passes first. The work then
    /// goes on until it is done or the process ends. If no thread can be started, the work runs on this thread, also beyond the
    /// deadline.
    pub fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Option<R> {
        run_until(|| self.passed(), WORK_STACK, work)
    }
}

/// Does the same as [`Deadline::run`] with a stack of this size.
fn run_until<R: Send + 'static>(
    passed: impl Fn() -> bool,
    stack_size: usize,
    work: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    // A thread that fails to start drops its closure, so the work is kept in a shared place.
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (done, result) = mpsc::channel();
    let for_worker = Arc::clone(&work);
    let thread = thread::Builder::new().name("work".into()).stack_size(stack_size);
    let started = thread.spawn(move || {
        if let Some(work) = take(&for_worker) {
            // The receiver is gone if the deadline has passed.
            let _ = done.send(work());
        }
    });
    let worker = match started {
        Ok(worker) => worker,
        Err(error) => {
            log::debug!("cannot start a thread, so the deadline does not end this work: {error}");
            return take(&work).map(|work| work());
        }
    };
    loop {
        match result.recv_timeout(TICK) {
            Ok(result) => return Some(result),
            Err(RecvTimeoutError::Timeout) if passed() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            // The thread ends without a result only if the work panics.
            Err(RecvTimeoutError::Disconnected) => {
                return worker.join().map_or_else(|panic| resume_unwind(panic), |()| None);
            }
        }
    }
}

/// Size of the working thread's stack in bytes. The first thread of a program has the same size.
const WORK_STACK: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_work_ends_with_the_deadline() {
        let hour = Duration::from_secs(3600);
        assert_eq!(run_until(|| true, WORK_STACK, move || thread::sleep(hour)), None);
    }

    #[test]
    fn without_room_for_a_thread_this_one_works() {
        let id = |stack_size| run_until(|| false, stack_size, || thread::current().id());
        let here = Some(thread::current().id());
        assert_ne!(id(WORK_STACK), here);
        assert_eq!(id(usize::MAX / 2), here);
    }

    #[test]
    #[should_panic(expected = "the work's own")]
    fn a_panic_of_the_work_goes_on() {
        run_until(|| false, WORK_STACK, || panic!("the work's own"));
    }
}
