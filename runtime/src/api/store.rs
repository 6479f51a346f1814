//! Stores: instances with everything that they refer to.
//!
//! Input: an engine, data of the host, deadlines. Output: a store, in which instances are made and functions are called. Must not
//! hold: how the epoch reaches a running guest (`vm`).
//!
//! # Safety
//! This file may use `unsafe`: the contexts of instances refer to their store, and host functions use the store while its guest
//! waits. So the store lives behind a raw pointer, and every access borrows it only for a moment.
#![allow(unsafe_code, reason = "stores are referred to from compiled code")]

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use super::Engine;
use crate::call::collect;
use crate::error::Error;
use crate::state::{StoreCore, StoreInner, StorePtr, core_of, core_of_mut};
use crate::sys::deadline::Deadline;

/// Holds instances, everything that they refer to, and data of the host that host functions can use.
pub struct Store<T> {
    inner: NonNull<StoreInner<T>>,
    owns: PhantomData<StoreInner<T>>,
    /// Kept alive until another deadline is set.
    deadline: Option<Deadline>,
}

// SAFETY: a store owns everything that its pointers lead to. Closures of the host are `Send` and `Sync`, and threads may share
// engines and modules. No guest runs while the store is moved, and each call records its own thread.
unsafe impl<T: Send> Send for Store<T> {}

impl<T> Store<T> {
    /// Makes an empty store for modules of `engine`.
    pub fn new(engine: &Engine, data: T) -> Self {
        let core = StoreCore::new(engine.core());
        Self {
            inner: NonNull::from(Box::leak(Box::new(StoreInner { core, data }))),
            owns: PhantomData,
            deadline: None,
        }
    }

    /// Returns the host's data.
    pub fn data(&self) -> &T {
        // SAFETY: the store is alive, and no code runs in it while it is borrowed here.
        unsafe { &(*self.inner.as_ptr()).data }
    }

    /// Returns the host's data.
    pub fn data_mut(&mut self) -> &mut T {
        // SAFETY: as above, borrowed exclusively.
        unsafe { &mut (*self.inner.as_ptr()).data }
    }

    /// Ends the store and returns the host's data.
    pub fn into_data(mut self) -> T {
        let inner = self.inner;
        drop(self.deadline.take());
        std::mem::forget(self);
        // SAFETY: leaked by `new`, and not freed by `Drop` since `self` is forgotten.
        let inner = unsafe { Box::from_raw(inner.as_ptr()) };
        inner.data
    }

    /// Lets guests of this store run until the engine's epoch has been incremented `ticks_beyond_current` times from now on. Then
    /// a guest ends with the trap *interrupt*, also in a loop or in recursion. A guest that waits for a host function ends as
    /// soon as that function returns. A host function that waits in a system call can check [`crate::Caller::interrupted`].
    ///
    /// - 0 means that the deadline has passed: each call ends with this trap at once. A later call of this function lets guests
    ///   run again, except those that were stopped in the middle of their work.
    /// - A store without a deadline is never interrupted.
    /// - A deadline applies to the guests of its store, on any thread. If a host function calls a guest of another store, only
    ///   the other store's deadline stops that guest. The guest of this store then ends when the host function returns.
    /// - In a child process made by `fork(2)`, an increment applies to that process alone.
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        core_of_mut(self).set_epoch_deadline(ticks_beyond_current);
    }

    /// Returns the number of host objects that the store keeps for references of its guests. An object that no guest can reach
    /// any more counts until the next collection.
    pub fn host_object_count(&self) -> usize {
        core_of(self).objects.len()
    }

    /// Drops the host objects that no guest of the store can reach. The store also does this by itself when enough objects were
    /// added.
    ///
    /// # Errors
    /// Fails if dropping an object panics. All other objects are dropped nevertheless.
    pub fn collect_host_objects(&mut self) -> Result<(), Error> {
        collect(core_of_mut(self))
    }

    /// Interrupts guests of this store when `deadline` passes, in the same way as [`Store::set_epoch_deadline`]. The store keeps
    /// the deadline. A deadline counts as one increment of the engine's epoch.
    pub fn set_deadline(&mut self, deadline: &Deadline) {
        let core = core_of_mut(self);
        core.set_epoch_deadline(1);
        let engine = Arc::clone(&core.engine);
        if !deadline.tell(engine) {
            core_of_mut(self).set_epoch_deadline(0);
        }
        self.deadline = Some(deadline.clone());
    }
}

impl<T> Drop for Store<T> {
    fn drop(&mut self) {
        // SAFETY: leaked by `new`; dropped once.
        drop(unsafe { Box::from_raw(self.inner.as_ptr()) });
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("data", self.data())
            .finish_non_exhaustive()
    }
}

impl<T> StorePtr for Store<T> {
    fn core_ptr(&self) -> *mut StoreCore {
        self.inner.as_ptr().cast()
    }
}

/// A [`Store`], or a host function's view of one ([`crate::Caller`]).
pub trait AsStore: StorePtr {}

impl<S: StorePtr> AsStore for S {}
