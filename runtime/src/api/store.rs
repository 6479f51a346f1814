//! Stores: what instances, and everything that they refer to, live in.
//!
//! # Safety
//! This file may use `unsafe`: a store is referred to by the contexts of its instances and is entered again from host
//! functions, so it lives behind a raw pointer, and every access borrows it for a moment only.
#![allow(unsafe_code, reason = "stores are referred to from compiled code")]

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use super::Engine;
use crate::call::collect;
use crate::error::Error;
use crate::state::{StoreCore, StoreInner, StorePtr, core_of, core_of_mut};
use crate::sys::deadline::Deadline;

/// Instances, and everything that they refer to, together with data of the host that host functions can reach.
pub struct Store<T> {
    inner: NonNull<StoreInner<T>>,
    owns: PhantomData<StoreInner<T>>,
    /// Kept until another one is set.
    deadline: Option<Deadline>,
}

// SAFETY: a store owns all that its pointers lead to; closures of the host are `Send` and `Sync`, engines and modules are shared
// between threads anyway. No guest runs while the store is moved, and each call says on which thread it runs.
unsafe impl<T: Send> Send for Store<T> {}

impl<T> Store<T> {
    /// An empty store for modules of `engine`.
    pub fn new(engine: &Engine, data: T) -> Self {
        let core = StoreCore::new(engine.core());
        Self {
            inner: NonNull::from(Box::leak(Box::new(StoreInner { core, data }))),
            owns: PhantomData,
            deadline: None,
        }
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        // SAFETY: the store is alive, and nobody runs in it while it is borrowed here.
        unsafe { &(*self.inner.as_ptr()).data }
    }

    /// The host's data.
    pub fn data_mut(&mut self) -> &mut T {
        // SAFETY: as above, borrowed exclusively.
        unsafe { &mut (*self.inner.as_ptr()).data }
    }

    /// Ends the store; gives back the host's data.
    pub fn into_data(mut self) -> T {
        let inner = self.inner;
        drop(self.deadline.take());
        std::mem::forget(self);
        // SAFETY: leaked by `new`, and not freed by `Drop` since `self` is forgotten.
        let inner = unsafe { Box::from_raw(inner.as_ptr()) };
        inner.data
    }

    /// Lets guests of this store run until the engine's epoch has been incremented `ticks_beyond_current` times from now on. Then
    /// they end with the trap *interrupt* wherever they are: in a loop, in recursion, or in a host function, which ends as
    /// soon as it returns or, if it waits in a system call, looks at [`crate::Caller::interrupted`].
    ///
    /// - 0 means that the deadline has passed: no guest is called any more, and each call ends with that trap. A later call of this
    ///   function lets guests run again, except those that were stopped in the middle of their work.
    /// - A store without a deadline is never interrupted.
    /// - A deadline is the store's, whatever thread it is on. If a host function calls a guest of another store, that guest is
    ///   a part of the host function: it is stopped by its own store's deadline only, and this store's guest ends when it
    ///   has returned.
    /// - In a child made with `fork(2)`, an epoch is incremented for that process alone.
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        core_of_mut(self).set_epoch_deadline(ticks_beyond_current);
    }

    /// The number of host objects that the store keeps for references of its guests. Objects that no guest can reach any more
    /// count until the next collection.
    pub fn host_object_count(&self) -> usize {
        core_of(self).objects.len()
    }

    /// Drops the host objects that no guest of the store can reach. This also happens by itself when the objects have doubled.
    ///
    /// # Errors
    /// When dropping an object panics. The others are dropped all the same.
    pub fn collect_host_objects(&mut self) -> Result<(), Error> {
        collect(core_of_mut(self))
    }

    /// Interrupts guests of this store when `deadline` passes, in the manner of [`Store::set_epoch_deadline`]. The store keeps the
    /// deadline. It counts as one increment of the epoch of the store's engine.
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
