//! Values of the guest, in the form that the host uses.
//!
//! Input: values of the host, or slots of compiled code. Output: the other of the two. Must not hold: calls.

use wrun_artifact::types::{HeapType, RefType, ValType};

use super::Func;
use crate::call::{self, collect_if_due, list_of_one, sealed};
use crate::error::Error;
use crate::error::Exception;
use crate::state::StoreCore;
use crate::vm::{ExternRef, FuncPtr, Slot};

/// A value. A float is kept as its bits, so NaNs do not change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// `i32`.
    I32(i32),
    /// `i64`.
    I64(i64),
    /// `f32`, as its bits.
    F32(u32),
    /// `f64`, as its bits.
    F64(u64),
    /// `v128`, lane 0 in the lowest bits.
    V128(u128),
    /// `funcref`.
    FuncRef(Option<Func>),
    /// `externref`.
    ExternRef(Option<ExternRef>),
    /// `exnref`.
    ExnRef(Option<Exception>),
}

impl Value {
    /// Returns the value's type. A reference has the most general type of its kind.
    pub fn ty(&self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F32(_) => ValType::F32,
            Self::F64(_) => ValType::F64,
            Self::V128(_) => ValType::V128,
            Self::FuncRef(_) => ValType::FUNCREF,
            Self::ExternRef(_) => ValType::EXTERNREF,
            Self::ExnRef(_) => ValType::EXNREF,
        }
    }

    /// Returns true if this value has the type `ty`. `ty` uses the engine's ids for function types.
    pub(crate) fn is(&self, ty: ValType, core: &StoreCore) -> bool {
        let ValType::Ref(RefType { nullable, heap }) = ty else {
            return self.ty() == ty;
        };
        match (self, heap) {
            (Self::FuncRef(None), HeapType::Func | HeapType::NoFunc | HeapType::Concrete(_))
            | (Self::ExternRef(None), HeapType::Extern | HeapType::NoExtern)
            | (Self::ExnRef(None), HeapType::Exn | HeapType::NoExn) => nullable,
            (Self::FuncRef(Some(_)), HeapType::Func)
            | (Self::ExternRef(Some(_)), HeapType::Extern)
            | (Self::ExnRef(Some(_)), HeapType::Exn) => true,
            (Self::FuncRef(Some(func)), HeapType::Concrete(id)) => func.sig_id(core) == Some(id),
            _ => false,
        }
    }

    /// Returns zero or null.
    pub fn default_of(ty: ValType) -> Self {
        match ty {
            ValType::I32 => Self::I32(0),
            ValType::I64 => Self::I64(0),
            ValType::F32 => Self::F32(0),
            ValType::F64 => Self::F64(0),
            ValType::V128 => Self::V128(0),
            ty if ty.is_func() => Self::FuncRef(None),
            ty if ty.is_exn() => Self::ExnRef(None),
            ValType::Ref(_) => Self::ExternRef(None),
        }
    }

    /// Writes values to slots, in the form that compiled code takes. Refuses functions of another store.
    ///
    /// Pass all values of a call together. A collection can happen before they are written, but not between two of them, because
    /// a collection does not see references in `slots`.
    pub(crate) fn to_slots(
        values: &[Self],
        store: &mut StoreCore,
        mut write: impl FnMut(usize, Slot),
    ) -> Result<(), Error> {
        if values
            .iter()
            .any(|value| matches!(value, Self::ExternRef(Some(_)) | Self::ExnRef(Some(_))))
        {
            collect_if_due(store)?;
        }
        for (at, value) in values.iter().enumerate() {
            write(at, value.to_slot(store)?);
        }
        Ok(())
    }

    fn to_slot(&self, store: &mut StoreCore) -> Result<Slot, Error> {
        Ok(match self {
            Self::I32(value) => (*value as u32).into(),
            Self::I64(value) => (*value as u64).into(),
            Self::F32(bits) => (*bits).into(),
            Self::F64(bits) => (*bits).into(),
            Self::V128(bits) => *bits,
            Self::FuncRef(None) | Self::ExternRef(None) | Self::ExnRef(None) => 0,
            Self::FuncRef(Some(func)) => func.ptr(store)?.as_ptr() as Slot,
            Self::ExternRef(Some(object)) => store.objects.insert(object.clone()).into(),
            Self::ExnRef(Some(exception)) => call::insert_exception(store, exception)?.into(),
        })
    }

    /// Converts a single value to the form that compiled code takes. A collection can happen before, as in [`Value::to_slots`].
    pub(crate) fn to_only_slot(&self, store: &mut StoreCore) -> Result<Slot, Error> {
        let mut only = 0;
        Self::to_slots(std::slice::from_ref(self), store, |_, slot| only = slot)?;
        Ok(only)
    }

    /// Converts a value that compiled code returned.
    pub(crate) fn from_slot(slot: Slot, ty: ValType, store: &StoreCore) -> Result<Self, Error> {
        Ok(match ty {
            ValType::I32 => Self::I32(slot as i32),
            ValType::I64 => Self::I64(slot as i64),
            ValType::F32 => Self::F32(slot as u32),
            ValType::F64 => Self::F64(slot as u64),
            ValType::V128 => Self::V128(slot),
            ty if ty.is_func() => Self::FuncRef(FuncPtr::from_slot(slot).map(|ptr| Func::of(ptr, store))),
            ty if ty.is_exn() => Self::ExnRef(match slot as u64 {
                0 => None,
                number => Some(call::exception(store, number)?),
            }),
            ValType::Ref(_) => Self::ExternRef(match slot as u64 {
                0 => None,
                number => {
                    let object = store.objects.get(number).cloned();
                    Some(object.ok_or_else(|| Error::damaged("a stack map"))?)
                }
            }),
        })
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::I32(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::I64(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::F32(value.to_bits())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::F64(value.to_bits())
    }
}

/// Implements the conversions between a kind of reference and its own Rust type, by those of [`Value`].
macro_rules! references {
    ($($ty:ident: $val_type:ident)*) => {$(
        impl sealed::Value for Option<$ty> {
            const TYPE: ValType = ValType::$val_type;
            const IN_REGISTER: bool = false;

            fn from_slot(slot: Slot, store: &StoreCore) -> Result<Self, Error> {
                match Value::from_slot(slot, ValType::$val_type, store)? {
                    Value::$ty(reference) => Ok(reference),
                    other => unreachable!("{other:?} has another type"),
                }
            }

            fn into_slot(self, store: &mut StoreCore) -> Result<Slot, Error> {
                Value::$ty(self).to_slot(store)
            }
        }

        list_of_one!(Option<$ty>);
    )*};
}

type FuncRef = Func;
type ExnRef = Exception;

references!(FuncRef: FUNCREF ExternRef: EXTERNREF ExnRef: EXNREF);
