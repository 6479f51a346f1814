//! Values and functions whose types are known when the host is built.
//!
//! Input: closures, and values of Rust types. Output: host functions, and values in registers and slots. Must not hold: types
//! that are known only at run time.
//!
//! Numbers go to and from host functions in registers. Other values and several results go in slots. A call boxes nothing and
//! uses no dynamic dispatch.

use std::slice;
use std::sync::Arc;

use wrun_artifact::types::{FuncType, ValType};

use super::Caller;
use super::hostcall::host_call;
use super::{collect_if_always, collect_if_due};
use crate::error::Error;
use crate::state::{StoreCore, StorePtr};
use crate::vm::{HostFunc, Slot, VMHostContext};

/// A Rust type for a value of the guest: `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, `u128` for a vector with lane 0 in the lowest
/// bits, and `Option<Func>`, `Option<ExternRef>` and `Option<Exception>` for references.
pub trait HostParam: 'static + sealed::Value {}

/// Results of a host function: nothing, one value, a tuple of up to twelve values, or a `Result` of these.
pub trait HostResult: sealed::Outcome {}

/// Parameters or results of a guest's function: nothing, one value, or a tuple of up to twelve values.
pub trait ValueList: sealed::List {}

pub(crate) mod sealed {
    use super::{Error, Slot, StoreCore, ValType};

    /// A value in the form in which registers and slots hold it.
    pub trait Value: Sized + 'static {
        const TYPE: ValType;
        /// True if the Rust type is passed in a register in the same way as the guest's value.
        const IN_REGISTER: bool;
        fn from_slot(slot: Slot, store: &StoreCore) -> Result<Self, Error>;
        fn into_slot(self, store: &mut StoreCore) -> Result<Slot, Error>;
    }

    /// Several values in slots.
    pub trait List: Sized + 'static {
        const TYPES: &'static [ValType];
        /// Reads the values from the first slots.
        fn from_slots(slots: &[Slot], store: &StoreCore) -> Result<Self, Error>;
        /// Writes the values to the first slots.
        fn into_slots(self, slots: &mut [Slot], store: &mut StoreCore) -> Result<(), Error>;
    }

    /// The results of a host function, as values or an error.
    pub trait Outcome {
        /// The values. They are passed to the trampoline in a register if `IN_REGISTER` is true.
        type Values: super::ValueList;
        const IN_REGISTER: bool;
        fn into_result(self) -> Result<Self::Values, Error>;
    }

    /// The side of `IntoHostFunc` that the closure implements.
    pub trait Wrap<T, Params, Results> {
        fn wrap(self) -> super::HostFunc;
    }
}

/// Largest number of values in a list.
pub(crate) const MOST_VALUES: usize = 12;

macro_rules! list_of_one {
    ($ty:ty) => {
        impl $crate::call::sealed::List for $ty {
            const TYPES: &'static [ValType] = &[<$ty as $crate::call::sealed::Value>::TYPE];

            fn from_slots(slots: &[Slot], store: &StoreCore) -> Result<Self, Error> {
                $crate::call::sealed::Value::from_slot(slots[0], store)
            }

            fn into_slots(self, slots: &mut [Slot], store: &mut StoreCore) -> Result<(), Error> {
                slots[0] = $crate::call::sealed::Value::into_slot(self, store)?;
                Ok(())
            }
        }

        impl $crate::call::sealed::Outcome for $ty {
            type Values = Self;
            const IN_REGISTER: bool = <$ty as $crate::call::sealed::Value>::IN_REGISTER;

            fn into_result(self) -> Result<Self, Error> {
                Ok(self)
            }
        }

        impl $crate::call::HostParam for $ty {}
        impl $crate::call::HostResult for $ty {}
        impl $crate::call::ValueList for $ty {}
    };
}

pub(crate) use list_of_one;

macro_rules! numbers {
    ($($ty:ty: $val_type:ident, $in_register:expr, $from:expr, $into:expr;)*) => {$(
        impl sealed::Value for $ty {
            const TYPE: ValType = ValType::$val_type;
            const IN_REGISTER: bool = $in_register;

            fn from_slot(slot: Slot, _store: &StoreCore) -> Result<Self, Error> {
                Ok(($from)(slot))
            }

            fn into_slot(self, _store: &mut StoreCore) -> Result<Slot, Error> {
                Ok(($into)(self))
            }
        }

        list_of_one!($ty);
    )*};
}

numbers! {
    i32: I32, true, |slot| slot as i32, |value: i32| Slot::from(value as u32);
    u32: I32, true, |slot| slot as u32, Slot::from;
    i64: I64, true, |slot| slot as i64, |value: i64| Slot::from(value as u64);
    u64: I64, true, |slot| slot as u64, Slot::from;
    f32: F32, true, |slot| f32::from_bits(slot as u32), |value: f32| Slot::from(value.to_bits());
    f64: F64, true, |slot| f64::from_bits(slot as u64), |value: f64| Slot::from(value.to_bits());
    u128: V128, false, |slot| slot, |value| value;
}

macro_rules! tuples {
    ($(($($value:ident)*) $in_register:expr;)*) => {$(
        #[allow(non_snake_case, unused_mut, unused_assignments, unused_variables, reason = "named after their types; some have none")]
        impl<$($value: HostParam,)*> sealed::List for ($($value,)*) {
            const TYPES: &'static [ValType] = &[$($value::TYPE,)*];

            fn from_slots(slots: &[Slot], store: &StoreCore) -> Result<Self, Error> {
                let mut slots = slots.iter();
                Ok(($({
                    let slot = slots.next().expect("wrun bug: there is a slot for each value");
                    <$value as sealed::Value>::from_slot(*slot, store)?
                },)*))
            }

            fn into_slots(self, slots: &mut [Slot], store: &mut StoreCore) -> Result<(), Error> {
                let mut slots = slots.iter_mut();
                let ($($value,)*) = self;
                $(
                    let slot = slots.next().expect("wrun bug: there is a slot for each value");
                    *slot = sealed::Value::into_slot($value, store)?;
                )*
                Ok(())
            }
        }

        impl<$($value: HostParam,)*> sealed::Outcome for ($($value,)*) {
            type Values = Self;
            const IN_REGISTER: bool = $in_register;

            fn into_result(self) -> Result<Self, Error> {
                Ok(self)
            }
        }

        impl<$($value: HostParam,)*> HostResult for ($($value,)*) {}
        impl<$($value: HostParam,)*> ValueList for ($($value,)*) {}
    )*};
}

tuples! {
    () true;
    (A1) false;
    (A1 A2) false;
    (A1 A2 A3) false;
    (A1 A2 A3 A4) false;
    (A1 A2 A3 A4 A5) false;
    (A1 A2 A3 A4 A5 A6) false;
    (A1 A2 A3 A4 A5 A6 A7) false;
    (A1 A2 A3 A4 A5 A6 A7 A8) false;
    (A1 A2 A3 A4 A5 A6 A7 A8 A9) false;
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10) false;
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11) false;
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12) false;
}

impl<R: sealed::Outcome> sealed::Outcome for Result<R, Error> {
    type Values = R::Values;
    const IN_REGISTER: bool = R::IN_REGISTER;

    fn into_result(self) -> Result<R::Values, Error> {
        self.and_then(R::into_result)
    }
}

impl<R: HostResult> HostResult for Result<R, Error> {}

/// Writes values for the guest to the first slots. A collection can happen before that, but not between two values, because a
/// collection does not see references in slots.
pub(crate) fn hand_over<L: ValueList>(values: L, slots: &mut [Slot], store: &mut StoreCore) -> Result<(), Error> {
    if L::TYPES.iter().any(|ty| ty.is_object()) {
        collect_if_due(store)?;
    }
    values.into_slots(slots, store)
}

/// A closure that can be a host function: `Fn(Caller<'_, T>, A…) -> R` with up to twelve parameters. It may be called on any
/// thread.
pub trait IntoHostFunc<T, Params, Results>: sealed::Wrap<T, Params, Results> {}

impl<T, Params, Results, F: sealed::Wrap<T, Params, Results>> IntoHostFunc<T, Params, Results> for F {}

/// Makes a host function from a closure.
pub(crate) fn wrap<T, Params, Results>(closure: impl IntoHostFunc<T, Params, Results>) -> HostFunc {
    sealed::Wrap::wrap(closure)
}

macro_rules! closures {
    ($(($($param:ident)*))*) => {$(
        impl<T, F, R, $($param,)*> sealed::Wrap<T, ($($param,)*), R> for F
        where
            T: 'static,
            F: Fn(Caller<'_, T>, $($param,)*) -> R + Send + Sync + 'static,
            R: HostResult,
            $($param: HostParam,)*
        {
            fn wrap(self) -> HostFunc {
                /// # Safety
                /// The caller is a trampoline for this type, and the context holds a closure of type `F`. All values go in
                /// registers.
                #[allow(non_snake_case, reason = "named after their types")]
                unsafe extern "C" fn typed<T, F, R, $($param,)*>(
                    context: *const VMHostContext,
                    $($param: $param,)*
                ) -> R::Values
                where
                    T: 'static,
                    F: Fn(Caller<'_, T>, $($param,)*) -> R + Send + Sync + 'static,
                    R: HostResult,
                    $($param: HostParam,)*
                {
                    // SAFETY: `wrap` put the closure and this function into the same host function.
                    let closure = unsafe { &*(*context).closure.cast::<F>() };
                    // SAFETY: called from the guest of that context's store, through a trampoline.
                    unsafe { host_call::<T, _>(context, |caller| closure(caller, $($param,)*).into_result()) }
                }

                /// # Safety
                /// As for `typed`, but the values are in `slots`, with a slot for each parameter and each result.
                #[allow(non_snake_case, reason = "named after their types")]
                unsafe extern "C" fn untyped<T, F, R, $($param,)*>(context: *const VMHostContext, slots: *mut Slot)
                where
                    T: 'static,
                    F: Fn(Caller<'_, T>, $($param,)*) -> R + Send + Sync + 'static,
                    R: HostResult,
                    $($param: HostParam,)*
                {
                    // SAFETY: as above.
                    let closure = unsafe { &*(*context).closure.cast::<F>() };
                    let function = |caller: Caller<'_, T>| {
                        let core = caller.core_ptr();
                        let params = <($($param,)*) as sealed::List>::TYPES.len();
                        // SAFETY: there is a slot for each parameter; the store is alive, and nothing else uses it now.
                        let ($($param,)*) = unsafe {
                            sealed::List::from_slots(slice::from_raw_parts(slots, params), &*core)?
                        };
                        // SAFETY: as above; the guest's references are in the parameters now.
                        collect_if_always(unsafe { &mut *core })?;
                        let values = closure(caller, $($param,)*).into_result()?;
                        let results = <R::Values as sealed::List>::TYPES.len();
                        // SAFETY: there is a slot for each result; the closure is done, so nothing else uses the store.
                        unsafe {
                            hand_over(values, slice::from_raw_parts_mut(slots, results), &mut *core)
                        }
                    };
                    // SAFETY: as above.
                    unsafe { host_call::<T, _>(context, function) }
                }

                let in_registers = R::IN_REGISTER $(&& $param::IN_REGISTER)*;
                HostFunc {
                    ty: FuncType::new(
                        <($($param,)*) as sealed::List>::TYPES,
                        <R::Values as sealed::List>::TYPES,
                    ),
                    typed: in_registers.then_some(typed::<T, F, R, $($param,)*> as *const u8),
                    untyped: untyped::<T, F, R, $($param,)*>,
                    closure: Arc::new(self),
                }
            }
        }
    )*};
}

closures! {
    ()
    (A1)
    (A1 A2)
    (A1 A2 A3)
    (A1 A2 A3 A4)
    (A1 A2 A3 A4 A5)
    (A1 A2 A3 A4 A5 A6)
    (A1 A2 A3 A4 A5 A6 A7)
    (A1 A2 A3 A4 A5 A6 A7 A8)
    (A1 A2 A3 A4 A5 A6 A7 A8 A9)
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10)
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11)
    (A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12)
}
