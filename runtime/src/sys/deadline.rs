//! Points in time: a flag that a timer sets, whoever wants to be told, and work that nothing can interrupt.

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

/// Once the deadline has passed the signal comes again and again, so that a system call that begins to wait just after the
/// flag was looked at is interrupted too.
const TICK: Duration = Duration::from_millis(5);

/// A point in time after which guests are interrupted, and compiling ends. Costs running code nothing.
///
/// A guest of a store with this deadline ([`crate::Store::set_deadline`]) ends with the trap *interrupt* wherever it is: in a
/// loop, in recursion, or in a host function that waits in a system call and looks at [`crate::Caller::interrupted`] when
/// that is interrupted (`EINTR`). Guests may run on any thread.
///
/// Clones are the same deadline. It is there until the last of them is dropped; stores and engines that it was set for keep
/// one. A child made with `fork(2)` has no deadlines.
#[derive(Clone, Debug)]
pub struct Deadline(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Arc<State>,
    _timer: Timer,
}

/// State that the timer's signal handler uses.
#[derive(Debug, Default)]
struct State {
    passed: AtomicBool,
    /// Those to be told, latest first. Only ever grows.
    first: AtomicPtr<Told>,
}

struct Told {
    who: Arc<dyn Passes>,
    next: *mut Told,
}

/// Something to be told that a deadline has passed.
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
            // SAFETY: entries are boxes that live as long as the list, complete before they come into it.
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
            // SAFETY: a box that `tell` leaked; no handler uses the list any more.
            let told = unsafe { Box::from_raw(at) };
            at = told.next;
        }
    }
}

/// Tells any thread if a [`Deadline`] has passed. Does not keep it: a deadline that is dropped does not pass.
#[derive(Clone, Debug)]
pub struct DeadlineWatch(Arc<State>);

impl DeadlineWatch {
    /// True once the deadline has passed.
    pub fn passed(&self) -> bool {
        self.flag().load(Ordering::Relaxed)
    }

    /// The flag that is set when the deadline passes.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0.passed
    }
}

impl Deadline {
    /// Starts a deadline. [`signals::install`] comes first.
    pub(crate) fn start(time: Duration) -> io::Result<Self> {
        signals::install_interrupts()?;
        signals::unblock_interrupts();
        let state = Arc::new(State::default());
        let timer = Timer::start(time, TICK, state.clone())?;
        Ok(Self(Arc::new(Inner { state, _timer: timer })))
    }

    /// True once the deadline has passed.
    pub fn passed(&self) -> bool {
        self.0.state.passed.load(Ordering::SeqCst)
    }

    /// A handle that other threads can ask if the deadline has passed.
    pub fn watch(&self) -> DeadlineWatch {
        DeadlineWatch(Arc::clone(&self.0.state))
    }

    /// Tells `who`, once, when the deadline passes, and again and again afterwards. Gives `false` when it has passed already: then
    /// `who` is told of the ticks that follow only.
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

    /// Does work that nothing can interrupt, on a thread of its own: `None` when the deadline passes meanwhile, and then the work
    /// is left to itself, to end by itself or with the process. If there is no room for a thread, this one works, and the
    /// deadline waits for it.
    pub fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Option<R> {
        run_until(|| self.passed(), WORK_STACK, work)
    }
}

/// [`Deadline::run`] with a stack of this size.
fn run_until<R: Send + 'static>(
    passed: impl Fn() -> bool,
    stack_size: usize,
    work: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    // A thread that cannot be started takes what it was given with it.
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (done, result) = mpsc::channel();
    let for_worker = Arc::clone(&work);
    let thread = thread::Builder::new().name("work".into()).stack_size(stack_size);
    let started = thread.spawn(move || {
        if let Some(work) = take(&for_worker) {
            // Nobody waits any more when the deadline has passed.
            let _ = done.send(work());
        }
    });
    let worker = match started {
        Ok(worker) => worker,
        Err(error) => {
            log::debug!("working without a thread, so that the deadline has to wait: {error}");
            return take(&work).map(|work| work());
        }
    };
    loop {
        match result.recv_timeout(TICK) {
            Ok(result) => return Some(result),
            Err(RecvTimeoutError::Timeout) if passed() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            // It ends without a result only when the work panics.
            Err(RecvTimeoutError::Disconnected) => {
                return worker.join().map_or_else(|panic| resume_unwind(panic), |()| None);
            }
        }
    }
}

/// The stack of a thread that works, as large as a program's first one.
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
