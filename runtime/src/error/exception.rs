//! Exceptions that have left the guest, or that the host is about to throw.

use std::fmt;
use std::sync::Arc;

use wrun_artifact::types::{FuncType, ValType};

use super::Backtrace;
use crate::vm::{ExternRef, FuncPtr, Slot};

/// An exception: a tag, the values that go with it, and where it was thrown.
///
/// A guest's call that throws an exception which nothing in the guest catches ends with [`crate::Error::Exception`]. A host function
/// throws one by returning that error. Clones are the same exception. It belongs to a store.
#[derive(Clone)]
pub struct Exception(Arc<Inner>);

struct Inner {
    store: u64,
    tag: u64,
    name: Option<String>,
    ty: FuncType,
    payload: Vec<Part>,
    backtrace: Option<Backtrace>,
}

/// A value of an exception's payload, which needs no store to live.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A number, a function, or null.
    Plain(Slot),
    /// A reference to an object of the host.
    Object(ExternRef),
    /// A reference to an exception.
    Exception(Exception),
}

impl Exception {
    /// An exception with this tag of a store, which has this name and type. There is a part for each parameter of the type.
    pub(crate) fn from_parts(
        store: u64,
        (tag, name, ty): (u64, Option<String>, FuncType),
        payload: Vec<Part>,
        backtrace: Option<Backtrace>,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            tag,
            name,
            ty,
            payload,
            backtrace,
        }))
    }

    /// The number of the store that the exception belongs to.
    pub(crate) fn store(&self) -> u64 {
        self.0.store
    }

    /// The number of its tag in the store.
    pub(crate) fn tag_number(&self) -> u64 {
        self.0.tag
    }

    /// The values of the payload.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.0.payload
    }

    /// The type of its tag, whose parameters are the types of the payload.
    pub fn ty(&self) -> &FuncType {
        &self.0.ty
    }

    /// The name of its tag, in the name section of the module that defines it or as which that module exports it.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The functions that were active where the exception was thrown for the first time, innermost first. Empty for an exception
    /// that the host has made and no guest has seen.
    pub fn backtrace(&self) -> &Backtrace {
        self.0.backtrace.as_ref().unwrap_or(Backtrace::EMPTY)
    }

    /// The backtrace, if it was thrown before.
    pub(crate) fn known_backtrace(&self) -> Option<&Backtrace> {
        self.0.backtrace.as_ref()
    }
}

impl PartialEq for Exception {
    /// Returns true if both are the same exception, rather than equal ones.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Exception {}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exception({self})")
    }
}

impl fmt::Display for Exception {
    /// The tag's name and the payload: `out_of_paper(i32 7, externref)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("unnamed tag"))?;
        let values = self.0.ty.params().iter().zip(&self.0.payload);
        for (index, (ty, part)) in values.enumerate() {
            f.write_str(if index == 0 { "(" } else { ", " })?;
            write_value(f, *ty, part)?;
        }
        match self.0.payload.is_empty() {
            true => Ok(()),
            false => f.write_str(")"),
        }
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, ty: ValType, part: &Part) -> fmt::Result {
    write!(f, "{ty}")?;
    let Part::Plain(slot) = *part else {
        return Ok(());
    };
    match ty {
        ValType::I32 => write!(f, " {}", slot as i32),
        ValType::I64 => write!(f, " {}", slot as i64),
        ValType::F32 => write!(f, " {}", f32::from_bits(slot as u32)),
        ValType::F64 => write!(f, " {}", f64::from_bits(slot as u64)),
        ValType::V128 => write!(f, " {slot:#034x}"),
        ValType::Ref(_) => match FuncPtr::from_slot(slot) {
            None => f.write_str(" null"),
            Some(_) => Ok(()),
        },
    }
}
