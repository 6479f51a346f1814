//! A timer that signals one thread: once at a deadline, then again and again.

use std::io;
use std::mem;
use std::ptr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::signals;

/// A timer of the calling thread (`timer_create(2)` with `SIGEV_THREAD_ID`). Stopped on drop.
#[derive(Debug)]
pub(crate) struct Timer {
    id: libc::timer_t,
}

impl Timer {
    /// Starts a timer that, from `after` on and then every `every`, calls this thread's timer handler (see
    /// [`signals::install`]) with `flag`. The flag lives for ever since a signal may still be pending when the timer is
    /// stopped.
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
        let timer = Self { id };
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
    }
}
