//! Functions of guests whose types are known when the host is built.
//!
//! Input: a function and its Rust types, compared once. Output: calls without further checks. Must not hold: conversions of
//! single values (`call`).

use std::fmt;
use std::marker::PhantomData;

use wrun_artifact::types::FuncType;

use super::func::Callee;
use super::{AsStore, Func, Instance};
use crate::call::{MOST_VALUES, ValueList, hand_over};
use crate::error::Error;
use crate::state::core_of_mut;

/// A function whose type was compared with `Params` and `Results` once. A call compares no types and allocates nothing. It
/// belongs to a store.
///
/// `Params` and `Results` are `()`, one value, or a tuple of up to twelve: see [`ValueList`].
pub struct TypedFunc<Params, Results> {
    func: Func,
    callee: Callee,
    types: PhantomData<fn(Params) -> Results>,
}

impl<Params, Results> Copy for TypedFunc<Params, Results> {}

impl<Params, Results> Clone for TypedFunc<Params, Results> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Params, Results> fmt::Debug for TypedFunc<Params, Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.func.fmt(f)
    }
}

impl<Params: ValueList, Results: ValueList> TypedFunc<Params, Results> {
    /// Calls the function.
    ///
    /// # Errors
    /// Fails if the function or a reference among the parameters belongs to another store, if the guest traps or throws an
    /// exception, or if a host function ends the call.
    pub fn call(&self, store: &mut impl AsStore, params: Params) -> Result<Results, Error> {
        let core = core_of_mut(store);
        core.check(self.func.store())?;
        let mut slots = [0; MOST_VALUES];
        hand_over(params, &mut slots, core)?;
        self.callee.call(core, &mut slots)?;
        Results::from_slots(&slots, core)
    }

    /// Returns the function without its Rust types.
    pub fn func(&self) -> Func {
        self.func
    }
}

impl Func {
    /// Returns the function, if it takes `Params` and returns `Results`.
    ///
    /// # Errors
    /// Fails if the function has another type, or belongs to another store.
    pub fn typed<Params: ValueList, Results: ValueList>(
        &self,
        store: &impl AsStore,
    ) -> Result<TypedFunc<Params, Results>, Error> {
        let core = crate::state::core_of(store);
        let (ty, wanted) = (self.ty_in(core)?, FuncType::new(Params::TYPES, Results::TYPES));
        if ty != wanted {
            return Err(Error::Refused(format!("the function has type {ty}, not {wanted}")));
        }
        Ok(TypedFunc {
            func: *self,
            callee: Callee::of(*self, core)?,
            types: PhantomData,
        })
    }
}

impl Instance {
    /// Returns the function that is exported under this name, if it takes `Params` and returns `Results`.
    ///
    /// # Errors
    /// Fails if no function is exported under this name, or if it has another type.
    pub fn typed_func<Params: ValueList, Results: ValueList>(
        &self,
        store: &mut impl AsStore,
        name: &str,
    ) -> Result<TypedFunc<Params, Results>, Error> {
        match self.func(store, name) {
            Some(func) => func.typed(store),
            None => Err(Error::Refused(format!("no function is exported as `{name}`"))),
        }
    }
}
