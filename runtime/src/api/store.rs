//! Stores: what instances, and everything that they refer to, live in.
//!
//! # Safety
//! This file may use `unsafe`: a store is referred to by the contexts of its instances and is entered again from host
//! functions, so it lives behind a raw pointer, and every access borrows it for a moment only.
#![allow(unsafe_code, reason = "stores are referred to from compiled code")]

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::Engine;
use crate::state::{StoreCore, StoreInner, StorePtr};
use crate::trap::Deadline;

/// Where instances live, together with data of the host that host functions can reach.
pub struct Store<T> {
    inner: NonNull<StoreInner<T>>,
    owns: PhantomData<StoreInner<T>>,
}

impl<T> Store<T> {
    /// An empty store for modules of `engine`.
    pub fn new(engine: &Engine, data: T) -> Self {
        let core = StoreCore::new(engine.core());
        Self {
            inner: NonNull::from(Box::leak(Box::new(StoreInner { core, data }))),
            owns: PhantomData,
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
    pub fn into_data(self) -> T {
        let inner = self.inner;
        std::mem::forget(self);
        // SAFETY: leaked by `new`, and not freed by `Drop` since `self` is forgotten.
        let inner = unsafe { Box::from_raw(inner.as_ptr()) };
        inner.data
    }

    /// Interrupts guests of this store when `deadline` passes. The deadline must live as long as guests may run.
    pub fn set_deadline(&mut self, deadline: &Deadline) {
        self.core().vm.interrupt.set(deadline.flag());
    }

    fn core(&self) -> &StoreCore {
        // SAFETY: as for `data`.
        unsafe { &(*self.inner.as_ptr()).core }
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
