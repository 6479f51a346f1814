//! The part of a store that compiled code and signal handlers read.
//!
//! Input: addresses and settings. Output: fields. Must not hold: objects of the store (`state`).

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::{Activation, CodeMap, EpochSlot, Epochs, RawTrace, Reservations};

/// State that running code shares with the runtime. Each store has one. It holds everything that signal handlers read.
#[repr(C)]
pub(crate) struct VMStore {
    /// See [`wrun_artifact::vmlayout::store::EXIT_FP`].
    pub(crate) exit_fp: Cell<usize>,
    /// See [`wrun_artifact::vmlayout::store::STACK_LIMIT`].
    pub(crate) stack_limit: Cell<usize>,
    /// The innermost activation. Null if no guest is active.
    pub(crate) activation: Cell<*const Activation>,
    /// The highest address of the guest's stack.
    pub(crate) stack_top: Cell<usize>,
    /// The guard below the guest's stack.
    pub(crate) guard: Cell<(usize, usize)>,
    /// Set when the deadline was found to have passed. Host code checks it before it returns to the guest.
    pub(crate) interrupt: AtomicBool,
    /// Slot of the deadline. Null if the store has none.
    pub(crate) slot: Cell<*const EpochSlot>,
    /// The engine's epoch.
    pub(crate) epochs: *const Epochs,
    /// The store whose host function has called this store's guest, on the same thread.
    pub(crate) outer: Cell<*const Self>,
    /// The code of all instances of the store.
    pub(crate) code: AtomicPtr<CodeMap>,
    /// The address ranges of all memories of the store.
    pub(crate) reservations: AtomicPtr<Reservations>,
    /// The recorded addresses of the last trap or backtrace.
    pub(crate) trace: RawTrace,
}

impl VMStore {
    /// Makes the state of a store in which nothing has run yet. `epochs` belongs to its engine and must live as long.
    pub(crate) fn new(epochs: *const Epochs) -> Self {
        Self {
            exit_fp: Cell::new(0),
            stack_limit: Cell::new(0),
            activation: Cell::new(ptr::null()),
            stack_top: Cell::new(0),
            guard: Cell::new((0, 0)),
            interrupt: AtomicBool::new(false),
            slot: Cell::new(ptr::null()),
            epochs,
            outer: Cell::new(ptr::null()),
            code: AtomicPtr::default(),
            reservations: AtomicPtr::default(),
            trace: RawTrace::new(),
        }
    }

    /// Returns the slot of the deadline, if the store has one.
    pub(crate) fn slot(&self) -> Option<&EpochSlot> {
        // SAFETY: slots live as long as the engine, and the engine as long as its stores.
        unsafe { self.slot.get().as_ref() }
    }

    /// Returns true after the deadline has passed.
    pub(crate) fn is_due(&self) -> bool {
        // SAFETY: the engine lives as long as its stores.
        self.slot().is_some_and(|slot| slot.is_due(unsafe { &*self.epochs }))
    }

    /// Sets the flag for host code if the deadline has passed. Returns true if so.
    pub(crate) fn notice_deadline(&self) -> bool {
        let due = self.is_due();
        if due {
            self.interrupt.store(true, Ordering::Relaxed);
        }
        due
    }
}
