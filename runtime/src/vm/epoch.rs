//! Epochs: a counter in each engine, and the threads to signal when it reaches a store's deadline.
//!
//! Input: deadlines, threads, increments. Output: signals to threads. Must not hold: what a signal does (`trap::handler`).
//!
//! Compiled code does not read the counter. An increment signals each thread that runs a guest whose deadline is reached, and the
//! signal's handler ends the guest. Signal handlers can increment the counter too: apart from [`Epochs::take_slot`], nothing here
//! takes a lock or allocates.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, Ordering};

use crate::sys::signals;

/// Deadline of a store without deadline.
const NEVER: u64 = u64::MAX;

/// The epoch of an engine, and the stores with a deadline.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    now: AtomicU64,
    /// Slots, latest first. There are as many as there were stores with a deadline at the same time.
    first: AtomicPtr<EpochSlot>,
}

/// The deadline of a store, and the thread that runs its guest.
#[derive(Debug)]
pub(crate) struct EpochSlot {
    next: *mut EpochSlot,
    taken: AtomicBool,
    /// Number of the thread. 0 while no guest of the store is active.
    thread: AtomicI32,
    /// First epoch in which the guest may not run.
    deadline: AtomicU64,
    /// True while a signal is on its way, so that many increments send only one signal.
    signalled: AtomicBool,
}

impl Epochs {
    /// Returns the current epoch.
    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    /// Begins the next epoch, and signals the threads whose guests have reached their deadline. Safe in signal handlers.
    pub(crate) fn increment(&self) {
        self.now.fetch_add(1, Ordering::SeqCst);
        self.signal();
    }

    /// Signals the threads whose guests have reached their deadline. Safe in signal handlers.
    pub(crate) fn signal(&self) {
        let now = self.now();
        for slot in self.slots() {
            // If a store is entered at this moment, either its thread is visible here or it sees the new epoch, because both
            // sides are ordered.
            let thread = slot.thread.load(Ordering::SeqCst);
            let due = thread != 0 && slot.deadline.load(Ordering::SeqCst) <= now;
            if due && !slot.signalled.swap(true, Ordering::SeqCst) && !signals::interrupt(thread) {
                // The next increment tries again.
                slot.signalled.store(false, Ordering::SeqCst);
            }
        }
    }

    fn slots(&self) -> impl Iterator<Item = &EpochSlot> {
        let mut at = self.first.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: slots are leaked boxes. They are complete when they are added to the list, and freed with it.
            let slot = unsafe { at.as_ref() }?;
            at = slot.next;
            Some(slot)
        })
    }

    /// Takes a slot for a store of this engine. Return it with [`EpochSlot::give_back`]. It lives as long as the engine.
    pub(crate) fn take_slot(&self) -> NonNull<EpochSlot> {
        if let Some(slot) = self.slots().find(|slot| !slot.taken.swap(true, Ordering::Acquire)) {
            return NonNull::from(slot);
        }
        let slot = Box::leak(Box::new(EpochSlot {
            next: self.first.load(Ordering::Relaxed),
            taken: AtomicBool::new(true),
            thread: AtomicI32::new(0),
            deadline: AtomicU64::new(NEVER),
            signalled: AtomicBool::new(false),
        }));
        while let Err(first) = (self.first).compare_exchange(slot.next, slot, Ordering::Release, Ordering::Relaxed) {
            slot.next = first;
        }
        NonNull::from(slot)
    }

    /// Returns the number of slots.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.slots().count()
    }
}

impl Drop for Epochs {
    fn drop(&mut self) {
        let mut at = *self.first.get_mut();
        while !at.is_null() {
            // SAFETY: a box that `take_slot` leaked. Stores keep their engine alive, so no slot is in use.
            let slot = unsafe { Box::from_raw(at) };
            at = slot.next;
        }
        self.first = AtomicPtr::new(ptr::null_mut());
    }
}

impl EpochSlot {
    /// Sets the first epoch in which the guest may not run.
    pub(crate) fn set_deadline(&self, epoch: u64) {
        self.deadline.store(epoch, Ordering::SeqCst);
    }

    /// Returns true after the deadline is reached.
    pub(crate) fn is_due(&self, epochs: &Epochs) -> bool {
        self.deadline.load(Ordering::SeqCst) <= epochs.now()
    }

    /// Records that this thread runs the store's guest.
    pub(crate) fn enter(&self, thread: i32) {
        self.signalled.store(false, Ordering::SeqCst);
        self.thread.store(thread, Ordering::SeqCst);
    }

    /// Records that no thread runs the store's guest any more.
    pub(crate) fn leave(&self) {
        self.thread.store(0, Ordering::Release);
    }

    /// Records that the signal has arrived.
    pub(crate) fn arrived(&self) {
        self.signalled.store(false, Ordering::SeqCst);
    }

    /// Lets another store use the slot.
    pub(crate) fn give_back(&self) {
        self.deadline.store(NEVER, Ordering::SeqCst);
        self.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_used_again() {
        let epochs = Epochs::default();
        for _ in 0..1000 {
            let (one, two) = (epochs.take_slot(), epochs.take_slot());
            assert_ne!(one, two);
            // SAFETY: the engine is alive.
            unsafe {
                assert!(!one.as_ref().is_due(&epochs));
                one.as_ref().set_deadline(epochs.now() + 1);
                epochs.increment();
                assert!(one.as_ref().is_due(&epochs) && !two.as_ref().is_due(&epochs));
                one.as_ref().give_back();
                two.as_ref().give_back();
            }
        }
        assert_eq!(epochs.len(), 2);
    }
}
