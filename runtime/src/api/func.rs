//! Functions of a store: those of guests and those of the host.
//!
//! Input: a function reference or a closure, and arguments. Output: results, or the error that ended the call. Must not hold:
//! entering the guest (`call`).
//!
//! # Safety
//! This file may use `unsafe` because it prepares calls. `instantiate` and [`Func::new`] make each function from a code, a
//! context and a type that fit each other. Arguments are compared with the type before a call.
#![allow(unsafe_code, reason = "calls compiled code with checked arguments")]

use std::ptr;
use std::sync::Arc;

use wrun_artifact::types::FuncType;

use super::{AsStore, Store, Value};
use crate::call::{self, Caller, IntoHostFunc, collect_if_always, host_entry, wrap};
use crate::error::Error;
use crate::pipeline::Phase;
use crate::state::{InstanceData, StoreCore, StorePtr, core_of, core_of_mut};
use crate::vm::{EntryTrampoline, FuncPtr, HOST, HostFunc, Slot};
use crate::vm::{VMContext, VMFuncRef, VMHostContext, VMMemoryDefinition};

/// A function. It belongs to a store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Func {
    store: u64,
    ptr: FuncPtr,
}

/// Holds a closure whose type is known only at run time.
struct Untyped<F> {
    ty: FuncType,
    closure: F,
}

/// Makes a host function from such a closure.
pub(crate) fn untyped<T, F>(ty: FuncType, closure: F) -> HostFunc
where
    T: 'static,
    F: Fn(Caller<'_, T>, &[Value], &mut [Value]) -> Result<(), Error> + Send + Sync + 'static,
{
    /// # Safety
    /// The caller is a trampoline for the closure's type, and the context holds an `Untyped<F>`.
    unsafe extern "C" fn call<T, F>(context: *const VMHostContext, slots: *mut Slot)
    where
        T: 'static,
        F: Fn(Caller<'_, T>, &[Value], &mut [Value]) -> Result<(), Error> + Send + Sync + 'static,
    {
        // SAFETY: `untyped` put the closure and this function into the same host function.
        let this = unsafe { &*(*context).closure.cast::<Untyped<F>>() };
        let function = |caller: Caller<'_, T>| {
            let core = caller.core_ptr();
            // SAFETY: the slots hold the parameters, of these types; the store is alive.
            let params: Vec<Value> = (0..)
                .zip(this.ty.params())
                .map(|(at, ty)| unsafe { Value::from_slot(slots.add(at).read(), *ty, &*core) })
                .collect::<Result<_, _>>()?;
            // SAFETY: the guest is suspended, and its references are in `params` now.
            collect_if_always(unsafe { &mut *core })?;
            let mut results: Vec<Value> = this.ty.results().iter().copied().map(Value::default_of).collect();
            (this.closure)(caller, &params, &mut results)?;
            for (ty, value) in this.ty.results().iter().zip(&results) {
                // SAFETY: the closure is done, so nothing else uses the store.
                if !value.is(*ty, unsafe { &*core }) {
                    return Err(Error::HostPanic(format!("a result is {}, not {ty}", value.ty())));
                }
            }
            // SAFETY: the closure is done, so nothing else uses the store.
            let core = unsafe { &mut *core };
            // SAFETY: the slots have room for the results.
            Value::to_slots(&results, core, |at, slot| unsafe { slots.add(at).write(slot) })
        };
        // SAFETY: called from the guest of that context's store, through a trampoline.
        unsafe { call::host_call::<T, _>(context, function) }
    }

    HostFunc {
        ty: ty.clone(),
        typed: None,
        untyped: call::<T, F>,
        closure: Arc::new(Untyped { ty, closure }),
    }
}

impl Func {
    /// Makes a host function whose type is known only at run time. The closure gets the parameters. It writes its results over
    /// the default values that its last argument holds.
    pub fn new<T: 'static>(
        store: &mut Store<T>,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Value], &mut [Value]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        Self::of_host(store, untyped(ty, closure))
    }

    /// Makes a host function with the type of the closure.
    pub fn wrap<T: 'static, P, R>(store: &mut Store<T>, closure: impl IntoHostFunc<T, P, R>) -> Self {
        Self::of_host(store, wrap(closure))
    }

    fn of_host<T>(store: &mut Store<T>, host: HostFunc) -> Self {
        let core = core_of_mut(store);
        let context = core.host_contexts.push(VMHostContext {
            func: host.untyped as *const u8,
            store: &raw const core.vm,
            closure: host.closure_ptr(),
            untyped: host.untyped,
            memory: ptr::null::<VMMemoryDefinition>().into(),
            importer: None.into(),
        });
        let func = VMFuncRef {
            code: ptr::null::<u8>().into(),
            vmctx: context.as_ptr().cast::<u8>().into(),
            sig: core.engine.sig_id(&host.ty),
            local_sig: HOST,
        };
        core.host_funcs.push(host);
        let ptr = FuncPtr::new(core.func_refs.push(func));
        Self::of(ptr, core)
    }

    pub(crate) fn of(ptr: FuncPtr, store: &StoreCore) -> Self {
        Self { store: store.id(), ptr }
    }

    /// Returns the id of the function's store.
    pub(super) fn store(self) -> u64 {
        self.store
    }

    /// Returns the function's reference, for use in its store.
    pub(crate) fn ptr(self, store: &StoreCore) -> Result<FuncPtr, Error> {
        store.check(self.store)?;
        Ok(self.ptr)
    }

    /// Returns the function's type.
    ///
    /// # Panics
    /// Panics if the function belongs to another store.
    pub fn ty(&self, store: &impl AsStore) -> FuncType {
        self.ty_in(core_of(store))
            .expect("a function is used with its own store")
    }

    pub(crate) fn ty_in(&self, core: &StoreCore) -> Result<FuncType, Error> {
        // SAFETY: a function of this store, which is alive.
        let func = unsafe { self.ptr(core)?.get() };
        core.engine
            .sig_type(func.sig)
            .ok_or_else(|| Error::damaged("the type of a function"))
    }

    /// Returns the id that the engine gives the function's type, or `None` for a function of another store.
    pub(crate) fn sig_id(&self, core: &StoreCore) -> Option<u32> {
        // SAFETY: a function of this store, which is alive.
        Some(unsafe { self.ptr(core).ok()?.get() }.sig)
    }

    /// Calls the function.
    ///
    /// # Errors
    /// Fails if the arguments do not fit the function's type, if the guest traps or throws an exception, or if a host function
    /// ends the call.
    pub fn call(&self, store: &mut impl AsStore, args: &[Value]) -> Result<Vec<Value>, Error> {
        let core = core_of_mut(store);
        let ty = self.ty_in(core)?;
        let fit = args.iter().zip(ty.params()).all(|(arg, ty)| arg.is(*ty, core));
        if !fit || args.len() != ty.params().len() {
            let given: Vec<_> = args.iter().map(|arg| arg.ty().to_string()).collect();
            return Err(Error::Refused(format!(
                "the function has type {ty}, but was called with ({})",
                given.join(", ")
            )));
        }
        let mut slots = vec![0; ty.params().len().max(ty.results().len())];
        Value::to_slots(args, core, |at, slot| slots[at] = slot)?;
        Callee::of(*self, core)?.call(core, &mut slots)?;
        let results = slots.iter().zip(ty.results());
        results.map(|(slot, ty)| Value::from_slot(*slot, *ty, core)).collect()
    }
}

/// Everything that a call of a function needs.
#[derive(Copy, Clone, Debug)]
pub(super) struct Callee {
    trampoline: EntryTrampoline,
    code: *const u8,
    context: *mut u8,
    /// The number of slots that hold parameters and results.
    slots: usize,
}

// SAFETY: these are addresses, and they are used only with the store of the function that they were taken from.
unsafe impl Send for Callee {}
// SAFETY: as above.
unsafe impl Sync for Callee {}

impl Callee {
    /// Reads how to call a function of this store.
    pub(super) fn of(func: Func, core: &StoreCore) -> Result<Self, Error> {
        let damaged = || Error::damaged("the type of a function");
        // SAFETY: a function of this store, which is alive.
        let func = unsafe { func.ptr(core)?.get() };
        let ty = core.engine.sig_type(func.sig).ok_or_else(damaged)?;
        let slots = ty.params().len().max(ty.results().len());
        let context = func.vmctx.get();
        if func.local_sig == HOST {
            // The context may hold a typed function. It fits only the trampoline of the import that it is bound to, so it is not
            // used here.
            // SAFETY: a host function has a host context.
            let untyped = unsafe { (*context.cast::<VMHostContext>()).untyped };
            return Ok(Self {
                trampoline: host_entry,
                code: untyped as *const u8,
                context,
                slots,
            });
        }
        // SAFETY: a guest's function has the context of its instance, which is complete.
        let instance = unsafe { InstanceData::of(VMContext::new(ptr::NonNull::new(context).ok_or_else(damaged)?)) };
        let row = instance.info().sigs.get(func.local_sig as usize).ok_or_else(damaged)?;
        let entry = instance.code(row.entry.get())?;
        Ok(Self {
            // SAFETY: the entry trampoline of the function's own signature.
            trampoline: unsafe { std::mem::transmute::<*const u8, EntryTrampoline>(entry) },
            code: func.code.get(),
            context,
            slots,
        })
    }

    /// Calls the function with the values in the slots, and writes the results to the slots. The values must fit the function's
    /// type, and the function must belong to this store.
    pub(super) fn call(&self, core: &mut StoreCore, slots: &mut [Slot]) -> Result<(), Error> {
        assert!(slots.len() >= self.slots, "wrun bug: there is a slot for each value");
        let _phase = core.vm.activation.get().is_null().then(|| Phase::start("call"));
        // SAFETY: `of` took all three from one function of this store, which is borrowed exclusively; there are enough slots.
        unsafe { call::call_guest(core, self.trampoline, self.code, self.context, slots.as_mut_ptr()) }
    }
}
