//! State of a store that compiled code and signal handlers read.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr};

use super::{Activation, CodeMap, RawTrace, Reservations};

/// The flag of stores without a deadline.
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);

/// State that running code shares with the runtime, one per store. Everything that signal handlers look at is here.
#[repr(C)]
pub(crate) struct VMStore {
    /// See [`wrun_artifact::vmlayout::store::EXIT_FP`].
    pub(crate) exit_fp: Cell<usize>,
    /// See [`wrun_artifact::vmlayout::store::STACK_LIMIT`].
    pub(crate) stack_limit: Cell<usize>,
    /// The innermost entry into the guest, null when none is active.
    pub(crate) activation: Cell<*const Activation>,
    /// The highest address of the stack that the guest runs on.
    pub(crate) stack_top: Cell<usize>,
    /// The guard below the guest's stack.
    pub(crate) guard: Cell<(usize, usize)>,
    /// Set when the deadline has passed.
    pub(crate) interrupt: Cell<&'static AtomicBool>,
    /// The code of all instances of the store.
    pub(crate) code: AtomicPtr<CodeMap>,
    /// The address ranges of all memories of the store.
    pub(crate) reservations: AtomicPtr<Reservations>,
    /// Addresses of the last trap that the signal handler made.
    pub(crate) trace: RawTrace,
}

impl VMStore {
    /// The state of a store in which nothing has run yet.
    pub(crate) fn new() -> Self {
        Self {
            exit_fp: Cell::new(0),
            stack_limit: Cell::new(0),
            activation: Cell::new(std::ptr::null()),
            stack_top: Cell::new(0),
            guard: Cell::new((0, 0)),
            interrupt: Cell::new(&NEVER),
            code: AtomicPtr::default(),
            reservations: AtomicPtr::default(),
            trace: RawTrace::new(),
        }
    }
}
