//! Exceptions in the form that the host sees: those that have left the guest, and those that the host will throw.
//!
//! Input: a tag, a payload, a backtrace. Output: a value that lives without its store, with its wording. Must not hold: the
//! fields that compiled code reads (`state`).

use std::fmt;
use std::mem;
use std::sync::Arc;

use wrun_artifact::types::{FuncType, ValType};

use super::Backtrace;
use crate::vm::{ExternRef, FuncPtr, Slot};

/// An exception: a tag, a payload, and the place of its throw.
///
/// If the guest does not catch an exception, the call of the guest ends with [`crate::Error::Exception`]. A host function throws
/// an exception by returning this error. Clones are the same exception. An exception belongs to a store.
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

/// A value of an exception's payload, which lives without the store.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A number, a function, or null.
    Plain(Slot),
    /// A reference to an object of the host.
    Object(ExternRef),
    /// A reference to an exception.
    Exception(Exception),
}

impl Drop for Inner {
    /// Drops the exceptions that only this one refers to, without recursion: a chain of them can be longer than the stack allows.
    fn drop(&mut self) {
        let mut pending = mem::take(&mut self.payload);
        while let Some(part) = pending.pop() {
            if let Part::Exception(exception) = part
                && let Some(mut inner) = Arc::into_inner(exception.0)
            {
                pending.append(&mut inner.payload);
            }
        }
    }
}

impl Exception {
    /// Makes an exception with a tag of this store, the tag's name and its type. The list has a part for each parameter of the
    /// type.
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

    /// Returns the id of the exception's store.
    pub(crate) fn store(&self) -> u64 {
        self.0.store
    }

    /// Returns a number that no other exception has at the same time.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Returns the number of the tag in the store.
    pub(crate) fn tag_number(&self) -> u64 {
        self.0.tag
    }

    /// Returns the values of the payload.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.0.payload
    }

    /// Returns the type of the tag. Its parameters are the types of the payload.
    pub fn ty(&self) -> &FuncType {
        &self.0.ty
    }

    /// Returns the name of the tag in the module that defines it: from the name section, or else from its export.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Returns the functions that were active when the exception was thrown for the first time, innermost first. The list is
    /// empty for an exception that the host has made and that no guest has seen.
    pub fn backtrace(&self) -> &Backtrace {
        self.0.backtrace.as_ref().unwrap_or(Backtrace::EMPTY)
    }

    /// Returns the backtrace, if the exception was thrown before.
    pub(crate) fn known_backtrace(&self) -> Option<&Backtrace> {
        self.0.backtrace.as_ref()
    }
}

impl PartialEq for Exception {
    /// Returns true if both are the same exception. Equal contents do not suffice.
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
    /// Writes the tag's name and the payload: `out_of_paper(i32 7, externref)`.
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
