//! Deadlines: a flag that a timer sets, and the timer's signal that ends running code and waiting system calls.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::sys::{signals, timer::Timer};

/// Once the deadline has passed the signal comes again and again, so that a system call that begins to wait just after the
/// flag was looked at is interrupted too.
const TICK: Duration = Duration::from_millis(5);

/// A point in time after which this thread's guests are interrupted. Costs running code nothing.
///
/// A guest of a store with this deadline ([`crate::Store::set_deadline`]) ends with the trap *interrupt* wherever it is: in a
/// loop, in recursion, or in a host function that waits in a system call and looks at [`crate::Caller::interrupted`] when
/// that is interrupted (`EINTR`). Only guests that run on the thread that made the deadline are interrupted.
#[derive(Debug)]
pub struct Deadline {
    flag: &'static AtomicBool,
    _timer: Timer,
    /// A deadline belongs to its thread.
    _not_send: std::marker::PhantomData<*const ()>,
}

/// Tells any thread whether a [`Deadline`] has passed, as long as that is there.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineWatch(&'static AtomicBool);

impl DeadlineWatch {
    /// Whether the deadline has passed.
    pub fn passed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Deadline {
    /// The deadline that passes after this time, for guests of the calling thread.
    ///
    /// # Errors
    /// When the system gives no timer or no signal handler.
    pub fn after(time: Duration) -> Result<Self, Error> {
        super::install()?;
        signals::install_timer().map_err(|error| Error::resource("cannot handle signals", &error))?;
        signals::unblock_timer_signal();
        // Stores that were told of the deadline look at the flag when it is long gone, so the flag stays: one byte per deadline.
        let flag: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let timer = Timer::start(time, TICK, flag)
            .map_err(|error| Error::resource("cannot start a timer (ulimit -i limits their number)", &error))?;
        Ok(Self {
            flag,
            _timer: timer,
            _not_send: std::marker::PhantomData,
        })
    }

    /// Whether the deadline has passed.
    pub fn passed(&self) -> bool {
        self.watch().passed()
    }

    /// What other threads can ask whether the deadline has passed.
    pub fn watch(&self) -> DeadlineWatch {
        DeadlineWatch(self.flag)
    }

    pub(crate) fn flag(&self) -> &'static AtomicBool {
        self.flag
    }

    /// Does work that nothing can interrupt, on a thread of its own: `None` when the deadline passes meanwhile, and then the work
    /// is left to itself, to end by itself or with the process. Where there is no room for a thread, this one works, and the
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
