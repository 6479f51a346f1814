//! Stores: what instances, and everything that they refer to, live in.
//!
//! # Safety
//! This file may use `unsafe`: a store is referred to by the contexts of its instances and is entered again from host
//! functions, so it lives behind a raw pointer, and every access borrows it for a moment only. Everything that compiled code
//! or a context points to is in an [`Arena`], which neither moves nor frees it before the store ends.
#![allow(unsafe_code, reason = "stores are referred to from compiled code")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::call::{HOST_STACK, HostFunc};
use crate::deadline::{Deadline, NEVER};
use crate::engine::Engine;
use crate::error::Error;
use crate::instantiate::{InstanceData, MemoryObject, TableObject};
use crate::load::Image;
use crate::sys::stack::Stack;
use crate::trap::{CodeMap, RawTrace, Reservations};
use crate::vm::{Slot, VMFuncRef, VMHostContext, VMMemoryDefinition, VMStore, VMTableDefinition};

/// Values that stay where they are until the arena is dropped.
pub(crate) struct Arena<V>(Vec<NonNull<V>>);

impl<V> Arena<V> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a value; its address is good for as long as the arena lives.
    pub(crate) fn push(&mut self, value: V) -> NonNull<V> {
        let value = NonNull::from(Box::leak(Box::new(value)));
        self.0.push(value);
        value
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that was added at this place.
    pub(crate) fn get(&self, index: usize) -> Option<NonNull<V>> {
        self.0.get(index).copied()
    }
}

impl<V> Drop for Arena<V> {
    fn drop(&mut self) {
        for value in self.0.drain(..) {
            // SAFETY: `push` leaked a box, and each is freed once.
            drop(unsafe { Box::from_raw(value.as_ptr()) });
        }
    }
}

/// A store, without the host's data. The first field is what compiled code sees.
#[repr(C)]
pub struct StoreCore {
    pub(crate) vm: VMStore,
    pub(crate) engine: Engine,
    id: u64,
    pub(crate) instances: Arena<InstanceData>,
    pub(crate) memories: Vec<MemoryObject>,
    pub(crate) tables: Vec<TableObject>,
    pub(crate) func_refs: Arena<VMFuncRef>,
    pub(crate) host_contexts: Arena<VMHostContext>,
    pub(crate) memory_definitions: Arena<VMMemoryDefinition>,
    pub(crate) table_definitions: Arena<VMTableDefinition>,
    pub(crate) globals: Arena<Slot>,
    /// Keeps the closures of host functions alive.
    pub(crate) host_funcs: Vec<HostFunc>,
    stack: Option<Stack>,
    failure: Option<Error>,
    interrupted: bool,
}

impl StoreCore {
    /// Says whether the guest may be called.
    pub(crate) fn prepare_call(&self) -> Result<(), Error> {
        if self.interrupted {
            return Err(Error::Refused(
                "the store's guest was stopped in the middle of its work and cannot be called again".into(),
            ));
        }
        crate::trap::install()
    }

    /// Where the guest's stack begins. Makes the stack when there is none yet.
    pub(crate) fn stack_top(&mut self) -> Result<usize, Error> {
        if self.stack.is_none() {
            let size = self.engine.config().stack_size.saturating_add(HOST_STACK);
            let stack =
                Stack::new(size).map_err(|error| Error::resource("cannot reserve the guest's stack", &error))?;
            self.vm.stack_limit.set(stack.bottom() + HOST_STACK);
            self.vm.stack_top.set(stack.top());
            let guard = stack.guard();
            self.vm.guard.set((guard.start, guard.end));
            self.stack = Some(stack);
        }
        Ok(self.vm.stack_top.get())
    }

    pub(crate) fn set_failure(&mut self, error: Error) {
        self.failure = Some(error);
    }

    pub(crate) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// Refuses all further calls.
    pub(crate) fn poison(&mut self) {
        self.interrupted = true;
    }

    /// To be asked now and then in long work for the guest: ends it when the deadline has passed.
    pub(crate) fn check_deadline(&self) -> Result<(), Error> {
        if self.vm.interrupt.get().load(Ordering::Relaxed) {
            return Err(Error::interrupt());
        }
        Ok(())
    }

    /// The same, for every 65,536th step of a loop.
    pub(crate) fn check_deadline_at(&self, step: u32) -> Result<(), Error> {
        if step.is_multiple_of(1 << 16) {
            self.check_deadline()
        } else {
            Ok(())
        }
    }

    /// The number that tells stores apart.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Refuses things of another store.
    pub(crate) fn check(&self, id: u64) -> Result<(), Error> {
        if self.id == id {
            return Ok(());
        }
        Err(Error::Refused("this belongs to another store".into()))
    }

    /// Makes the code of an image known to the signal handler.
    pub(crate) fn add_code(&mut self, image: &Arc<Image>) {
        let old = self.vm.code.load(Ordering::Relaxed);
        // SAFETY: the pointer is null or was leaked here.
        let new = unsafe { old.as_ref() }.map_or_else(|| CodeMap::default().with(image), |map| map.with(image));
        self.vm.code.store(Box::into_raw(Box::new(new)), Ordering::Relaxed);
        // SAFETY: leaked here, replaced just now; signal handlers that looked at it ran on this thread and are done.
        unsafe { free(old) };
    }

    /// Makes the addresses of all memories known to the signal handler.
    pub(crate) fn update_reservations(&mut self) {
        let ranges = self.memories.iter().map(MemoryObject::reservation).collect();
        let old = self.vm.reservations.load(Ordering::Relaxed);
        let new = Box::into_raw(Box::new(Reservations(ranges)));
        self.vm.reservations.store(new, Ordering::Relaxed);
        // SAFETY: as for the code.
        unsafe { free(old) };
    }
}

/// # Safety
/// `pointer` is null or a leaked box that nothing refers to any more.
unsafe fn free<V>(pointer: *mut V) {
    if !pointer.is_null() {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(pointer) });
    }
}

impl Drop for StoreCore {
    fn drop(&mut self) {
        // SAFETY: no guest runs any more, and both were leaked by this store.
        unsafe {
            free(self.vm.code.swap(ptr::null_mut(), Ordering::Relaxed));
            free(self.vm.reservations.swap(ptr::null_mut(), Ordering::Relaxed));
        }
    }
}

/// A store with the host's data. `repr(C)`: a pointer to it is a pointer to its core.
#[repr(C)]
pub(crate) struct StoreInner<T> {
    pub(crate) core: StoreCore,
    pub(crate) data: T,
}

/// Where instances live, together with data of the host that host functions can reach.
pub struct Store<T> {
    inner: NonNull<StoreInner<T>>,
    owns: PhantomData<StoreInner<T>>,
}

impl<T> Store<T> {
    /// An empty store for modules of `engine`.
    pub fn new(engine: &Engine, data: T) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let core = StoreCore {
            vm: VMStore {
                exit_fp: Cell::new(0),
                activation: Cell::new(ptr::null()),
                stack_top: Cell::new(0),
                stack_limit: Cell::new(0),
                guard: Cell::new((0, 0)),
                interrupt: Cell::new(&NEVER),
                code: AtomicPtr::default(),
                reservations: AtomicPtr::default(),
                trace: RawTrace::new(),
            },
            engine: engine.clone(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            instances: Arena::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            func_refs: Arena::new(),
            host_contexts: Arena::new(),
            memory_definitions: Arena::new(),
            table_definitions: Arena::new(),
            globals: Arena::new(),
            host_funcs: Vec::new(),
            stack: None,
            failure: None,
            interrupted: false,
        };
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

/// A [`Store`], or a host function's view of one ([`crate::Caller`]).
pub trait AsStore: sealed::StorePtr {}

impl<S: sealed::StorePtr> AsStore for S {}

pub(crate) mod sealed {
    use super::StoreCore;

    /// Gives the store that a value stands for.
    pub trait StorePtr {
        /// The store. It is alive while `self` is borrowed.
        fn core_ptr(&self) -> *mut StoreCore;
    }
}

impl<T> sealed::StorePtr for Store<T> {
    fn core_ptr(&self) -> *mut StoreCore {
        self.inner.as_ptr().cast()
    }
}

impl<S: sealed::StorePtr> sealed::StorePtr for &mut S {
    fn core_ptr(&self) -> *mut StoreCore {
        (**self).core_ptr()
    }
}

/// The store's core, to look at.
pub(crate) fn core_of(store: &impl AsStore) -> &StoreCore {
    // SAFETY: the store is alive while it is borrowed, and no guest runs meanwhile.
    unsafe { &*store.core_ptr() }
}

/// The store's core, to change.
pub(crate) fn core_of_mut(store: &mut impl AsStore) -> &mut StoreCore {
    // SAFETY: as above, borrowed exclusively.
    unsafe { &mut *store.core_ptr() }
}
