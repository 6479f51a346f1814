//! Host functions whose types are known when the host is built: values stay in registers, nothing is boxed or dispatched on.

use std::sync::Arc;

use wrun_artifact::types::{FuncType, ValType};

use super::Caller;
use super::hostcall::{collect_before, host_call};
use crate::error::Error;
use crate::vm::{HostFunc, Slot, VMHostContext};

/// A Rust type that a host function can take. Implemented for `i32`, `u32`, `i64`, `u64`, `f32` and `f64`.
pub trait HostParam: Copy + 'static + sealed::Value {}

/// What a host function can return: nothing or one value, or a `Result` of these.
pub trait HostResult: sealed::Outcome {}

mod sealed {
    use super::{Error, Slot, ValType};

    /// A value as it travels in registers and in slots.
    pub trait Value: Copy + 'static {
        const TYPE: ValType;
        fn from_slot(slot: Slot) -> Self;
        fn into_slot(self) -> Slot;
    }

    /// What a host function returns, taken apart.
    pub trait Outcome {
        /// What the trampoline gets in a register.
        type Abi: 'static;
        const TYPE: Option<ValType>;
        fn into_result(self) -> Result<Self::Abi, Error>;
        fn into_slot(value: Self::Abi) -> Slot;
    }

    /// The closure's side of `IntoHostFunc`.
    pub trait Wrap<T, Params, Results> {
        fn wrap(self) -> super::HostFunc;
    }
}

macro_rules! values {
    ($($ty:ty: $val_type:ident, $from:expr, $into:expr;)*) => {$(
        impl sealed::Value for $ty {
            const TYPE: ValType = ValType::$val_type;

            fn from_slot(slot: Slot) -> Self {
                ($from)(slot)
            }

            fn into_slot(self) -> Slot {
                ($into)(self)
            }
        }

        impl HostParam for $ty {}

        impl sealed::Outcome for $ty {
            type Abi = $ty;
            const TYPE: Option<ValType> = Some(ValType::$val_type);

            fn into_result(self) -> Result<$ty, Error> {
                Ok(self)
            }

            fn into_slot(value: $ty) -> Slot {
                sealed::Value::into_slot(value)
            }
        }

        impl HostResult for $ty {}
    )*};
}

values! {
    i32: I32, |slot| slot as i32, |value: i32| Slot::from(value as u32);
    u32: I32, |slot| slot as u32, Slot::from;
    i64: I64, |slot| slot as i64, |value: i64| Slot::from(value as u64);
    u64: I64, |slot| slot as u64, Slot::from;
    f32: F32, |slot| f32::from_bits(slot as u32), |value: f32| Slot::from(value.to_bits());
    f64: F64, |slot| f64::from_bits(slot as u64), |value: f64| Slot::from(value.to_bits());
}

impl sealed::Outcome for () {
    type Abi = ();
    const TYPE: Option<ValType> = None;

    fn into_result(self) -> Result<(), Error> {
        Ok(())
    }

    fn into_slot((): ()) -> Slot {
        0
    }
}

impl HostResult for () {}

impl<R: sealed::Outcome> sealed::Outcome for Result<R, Error> {
    type Abi = R::Abi;
    const TYPE: Option<ValType> = R::TYPE;

    fn into_result(self) -> Result<R::Abi, Error> {
        self.and_then(R::into_result)
    }

    fn into_slot(value: R::Abi) -> Slot {
        R::into_slot(value)
    }
}

impl<R: HostResult> HostResult for Result<R, Error> {}

/// A closure that can be a host function: `Fn(Caller<'_, T>, A…) -> R` with up to twelve parameters. It may be called on any
/// thread.
pub trait IntoHostFunc<T, Params, Results>: sealed::Wrap<T, Params, Results> {}

impl<T, Params, Results, F: sealed::Wrap<T, Params, Results>> IntoHostFunc<T, Params, Results> for F {}

/// The host function that a closure makes.
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
                /// Called by a trampoline for this type, with a context that holds a closure of type `F`.
                #[allow(non_snake_case, reason = "named after their types")]
                unsafe extern "C" fn typed<T, F, R, $($param,)*>(
                    context: *const VMHostContext,
                    $($param: $param,)*
                ) -> R::Abi
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
                /// As for `typed`; `slots` holds the parameters and has room for the result.
                #[allow(non_snake_case, unused_mut, unused_variables, unused_assignments, reason = "named after their types; some have none")]
                unsafe extern "C" fn untyped<T, F, R, $($param,)*>(context: *const VMHostContext, slots: *mut Slot)
                where
                    T: 'static,
                    F: Fn(Caller<'_, T>, $($param,)*) -> R + Send + Sync + 'static,
                    R: HostResult,
                    $($param: HostParam,)*
                {
                    // SAFETY: called from the guest of that context's store; this frame has nothing to drop.
                    unsafe { collect_before(context) };
                    let mut at = slots;
                    $(
                        // SAFETY: there is a slot for each parameter.
                        let $param = unsafe { <$param as sealed::Value>::from_slot(at.read()) };
                        at = at.wrapping_add(1);
                    )*
                    // SAFETY: the same conditions.
                    let result = unsafe { typed::<T, F, R, $($param,)*>(context, $($param,)*) };
                    if R::TYPE.is_some() {
                        // SAFETY: there is room for the result.
                        unsafe { slots.write(R::into_slot(result)) };
                    }
                }

                let params: &[ValType] = &[$(<$param as sealed::Value>::TYPE,)*];
                HostFunc {
                    ty: FuncType::new(params, R::TYPE.as_slice()),
                    typed: Some(typed::<T, F, R, $($param,)*> as *const u8),
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
