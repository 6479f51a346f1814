//! The inner part of a store: instances with everything that they refer to.
//!
//! Input: an engine, code, items. Output: items by number, the guest's stack, checks of deadlines. Must not hold: the public
//! handle.
//!
//! # Safety
//! This file may use `unsafe`: the contexts of instances refer to their store, and host functions use the store while its guest
//! waits. So the store lives behind a raw pointer, and every access borrows it only for a moment. Everything that compiled code
//! or a context points to is in an [`Arena`], which neither moves nor frees it before the store ends.
#![allow(unsafe_code, reason = "stores are referred to from compiled code")]

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Arena, EngineCore, InstanceData, Item, MemoryObject, Objects, TableObject, TagObject};
use crate::error::Error;
use crate::load::Image;
use crate::sys::stack::Stack;
use crate::vm::{Code, CodeMap, HOST_STACK, HostFunc, Reservations, Slot};
use crate::vm::{FuncPtr, VMFuncRef, VMHostContext, VMMemoryDefinition, VMStore, VMTableDefinition};

/// A store without the host's data. Compiled code reads the first field.
#[repr(C)]
pub struct StoreCore {
    pub(crate) vm: VMStore,
    pub(crate) engine: Arc<EngineCore>,
    id: u64,
    pub(crate) instances: Arena<InstanceData>,
    pub(crate) memories: Vec<MemoryObject>,
    pub(crate) tables: Vec<TableObject>,
    pub(crate) func_refs: Arena<VMFuncRef>,
    pub(crate) host_contexts: Arena<VMHostContext>,
    pub(crate) memory_definitions: Arena<VMMemoryDefinition>,
    pub(crate) table_definitions: Arena<VMTableDefinition>,
    pub(crate) globals: Arena<Slot>,
    /// The globals that hold references to objects, including those of instances. They live as long as the store.
    pub(crate) reference_globals: Vec<NonNull<u64>>,
    /// The tags of instances and of the host. Their numbers count from 1.
    pub(crate) tags: Vec<TagObject>,
    /// The objects to which references refer.
    pub(crate) objects: Objects,
    /// Keeps the closures of host functions alive.
    pub(crate) host_funcs: Vec<HostFunc>,
    stack: Option<Stack>,
    failure: Option<Error>,
    interrupted: bool,
}

impl StoreCore {
    /// Makes an empty store.
    pub(crate) fn new(engine: &Arc<EngineCore>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            vm: VMStore::new(engine.epochs()),
            engine: Arc::clone(engine),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            instances: Arena::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            func_refs: Arena::new(),
            host_contexts: Arena::new(),
            memory_definitions: Arena::new(),
            table_definitions: Arena::new(),
            globals: Arena::new(),
            reference_globals: Vec::new(),
            tags: Vec::new(),
            objects: Objects::new(engine.config().collect_always),
            host_funcs: Vec::new(),
            stack: None,
            failure: None,
            interrupted: false,
        }
    }

    /// Adds a tag and returns its number.
    pub(crate) fn add_tag(&mut self, tag: TagObject) -> u64 {
        self.tags.push(tag);
        self.tags.len() as u64
    }

    /// Returns the tag with this number.
    pub(crate) fn tag(&self, number: u64) -> Result<&TagObject, Error> {
        let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let tag = place.and_then(|place| self.tags.get(place));
        tag.ok_or_else(|| Error::damaged("the number of a tag"))
    }

    /// Refuses calls if a guest was stopped in the middle of its work.
    pub(crate) fn check_callable(&self) -> Result<(), Error> {
        if self.interrupted {
            return Err(Error::Refused(
                "the store's guest was stopped in the middle of its work and cannot be called again".into(),
            ));
        }
        Ok(())
    }

    /// Returns the reference to a function of the instance at this index, by its number in the function index space.
    pub(crate) fn instance_func(&mut self, place: usize, func: u32) -> Result<FuncPtr, Error> {
        let instance = self.instances.get(place).ok_or_else(no_instance)?;
        // SAFETY: in an arena of this store; instances are only borrowed shared.
        unsafe { instance.as_ref() }.func_ref(self, func)
    }

    /// Returns the item that the instance at this index exports under a name.
    pub(crate) fn instance_export(&mut self, place: usize, name: &str) -> Result<Option<Item>, Error> {
        let instance = self.instances.get(place).ok_or_else(no_instance)?;
        // SAFETY: as above.
        unsafe { instance.as_ref() }.export(self, name)
    }

    /// Returns the highest address of the guest's stack. Makes the stack at the first call.
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

    /// Sets the deadline to the engine's epoch plus `ticks`. Guests are interrupted from then on.
    pub(crate) fn set_epoch_deadline(&mut self, ticks: u64) {
        if self.vm.slot().is_none() {
            self.vm.slot.set(self.engine.epochs().take_slot().as_ptr());
        }
        let deadline = self.engine.epochs().now().saturating_add(ticks);
        if let Some(slot) = self.vm.slot() {
            slot.set_deadline(deadline);
        }
        self.vm.interrupt.store(false, Ordering::Relaxed);
    }

    /// Ends the guest if the deadline has passed. Long work for a guest calls this at intervals.
    pub(crate) fn check_deadline(&self) -> Result<(), Error> {
        if self.vm.is_due() {
            return Err(Error::interrupt());
        }
        Ok(())
    }

    /// Does the same at every 65,536th step of a loop.
    pub(crate) fn check_deadline_at(&self, step: u32) -> Result<(), Error> {
        if step.is_multiple_of(1 << 16) {
            self.check_deadline()
        } else {
            Ok(())
        }
    }

    /// Returns the store's id, which differs from that of any other store.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Refuses items of another store.
    pub(crate) fn check(&self, id: u64) -> Result<(), Error> {
        if self.id == id {
            return Ok(());
        }
        Err(Error::Refused("this belongs to another store".into()))
    }

    /// Adds the code of an image to the map that the signal handler reads.
    pub(crate) fn add_code(&mut self, image: &Arc<Image>) {
        let old = self.vm.code.load(Ordering::Relaxed);
        let code: Arc<dyn Code> = image.clone();
        // SAFETY: the pointer is null or was leaked here.
        let new = unsafe { old.as_ref() }.map_or_else(
            || CodeMap::default().with(Arc::clone(&code)),
            |map| map.with(Arc::clone(&code)),
        );
        self.vm.code.store(Box::into_raw(Box::new(new)), Ordering::Relaxed);
        // SAFETY: leaked here, replaced just now; signal handlers that looked at it ran on this thread and are done.
        unsafe { free(old) };
    }

    /// Updates the addresses of all memories, which the signal handler reads.
    pub(crate) fn update_reservations(&mut self) {
        let ranges = self.memories.iter().map(MemoryObject::reservation).collect();
        let old = self.vm.reservations.load(Ordering::Relaxed);
        let new = Box::into_raw(Box::new(Reservations(ranges)));
        self.vm.reservations.store(new, Ordering::Relaxed);
        // SAFETY: as for the code.
        unsafe { free(old) };
    }
}

fn no_instance() -> Error {
    Error::Refused("the store has no such instance".into())
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
        if let Some(slot) = self.vm.slot() {
            slot.give_back();
        }
        // SAFETY: no guest runs any more, and both were leaked by this store.
        unsafe {
            free(self.vm.code.swap(ptr::null_mut(), Ordering::Relaxed));
            free(self.vm.reservations.swap(ptr::null_mut(), Ordering::Relaxed));
        }
    }
}

/// A store with the host's data. Because of `repr(C)`, a pointer to it is also a pointer to its core.
#[repr(C)]
pub(crate) struct StoreInner<T> {
    pub(crate) core: StoreCore,
    pub(crate) data: T,
}

/// A value that refers to a store.
pub trait StorePtr {
    /// Returns the store. It is alive while `self` is borrowed.
    fn core_ptr(&self) -> *mut StoreCore;
}

impl<S: StorePtr> StorePtr for &mut S {
    fn core_ptr(&self) -> *mut StoreCore {
        (**self).core_ptr()
    }
}

/// Returns the store's core.
pub(crate) fn core_of(store: &impl StorePtr) -> &StoreCore {
    // SAFETY: the store is alive while it is borrowed, and no guest runs meanwhile.
    unsafe { &*store.core_ptr() }
}

/// Returns the store's core for changes.
pub(crate) fn core_of_mut(store: &mut impl StorePtr) -> &mut StoreCore {
    // SAFETY: as above, borrowed exclusively.
    unsafe { &mut *store.core_ptr() }
}
