//! Deadlines: a flag that a timer sets, and the timer's signal that ends running code and waiting system calls.

use std::sync::atomic::{AtomicBool, Ordering};
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

/// The flag of stores without a deadline.
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);

impl Deadline {
    /// The deadline that passes after this time, for guests of the calling thread.
    ///
    /// # Errors
    /// When the system gives no timer or no signal handler.
    pub fn after(time: Duration) -> Result<Self, Error> {
        crate::trap::install()?;
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
        self.flag.load(Ordering::Relaxed)
    }

    pub(crate) fn flag(&self) -> &'static AtomicBool {
        self.flag
    }
}
