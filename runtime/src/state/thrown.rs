//! Tags and exceptions in a store.
//!
//! Input: a tag, a payload. Output: the fields that compiled code reads, and the trace for the backtrace. Must not hold: the list
//! of objects (`objects`).

use std::cell::Cell;
use std::sync::Arc;

use wrun_artifact::types::{FuncType, ValType};

use crate::error::Backtrace;
use crate::vm::Slot;

/// A tag of a store, with the type of the payload.
pub(crate) struct TagObject {
    /// Type of the tag. The parameters are the payload.
    pub(crate) ty: FuncType,
    /// Name of the tag in the module.
    pub(crate) name: Option<Arc<str>>,
    /// Positions in the payload of references to objects. `None` if there are none.
    references: Option<Arc<[usize]>>,
}

impl TagObject {
    /// Makes a tag. The parameters of `ty` are the types of the payload.
    pub(crate) fn new(ty: FuncType, name: Option<&str>) -> Self {
        let is_object = |(at, ty): (usize, &ValType)| ty.is_object().then_some(at);
        let references: Vec<_> = ty.params().iter().enumerate().filter_map(is_object).collect();
        Self {
            ty,
            name: name.map(Arc::from),
            references: (!references.is_empty()).then(|| references.into()),
        }
    }
}

/// A thrown exception that the guest can still reach. [`Objects`](super::Objects) holds it.
pub(crate) struct Thrown {
    /// The layout of `wrun_artifact::vmlayout::exception`: a slot with the tag's number and the flag, then the payload.
    fields: Box<[Cell<Slot>]>,
    references: Option<Arc<[usize]>>,
    /// Return addresses of the calls that the exception left, innermost first.
    pub(crate) trace: Vec<usize>,
    /// Frame pointer of the function with the last handler that got the exception.
    pub(crate) handler_frame: usize,
    /// Backtrace of the first throw, if the exception comes from outside the guest.
    pub(crate) backtrace: Option<Backtrace>,
}

impl Thrown {
    /// Makes an exception. `number` is that of its tag.
    pub(crate) fn new(number: u64, tag: &TagObject, payload: impl Iterator<Item = Slot>) -> Self {
        let mut this = Self {
            fields: Box::default(),
            references: None,
            trace: Vec::new(),
            handler_frame: 0,
            backtrace: None,
        };
        this.renew(number, tag, payload);
        this
    }

    /// Replaces the exception by another one, in the same memory if it fits.
    pub(super) fn renew(&mut self, number: u64, tag: &TagObject, payload: impl Iterator<Item = Slot>) {
        let len = 1 + tag.ty.params().len();
        if self.fields.len() != len {
            self.fields = (0..len).map(|_| Cell::new(0)).collect();
        }
        self.fields[0].set(number.into());
        for (field, slot) in self.fields[1..].iter().zip(payload) {
            field.set(slot);
        }
        self.references.clone_from(&tag.references);
        self.trace.clear();
        self.handler_frame = 0;
        self.backtrace = None;
    }

    /// Returns the address that a handler gets. It is valid as long as the exception exists.
    pub(crate) fn fields(&self) -> *const u8 {
        self.fields.as_ptr().cast()
    }

    /// Returns the number of the tag.
    pub(crate) fn tag(&self) -> u64 {
        self.fields[0].get() as u64
    }

    /// Returns true if the guest may keep a reference to the exception.
    pub(super) fn is_kept(&self) -> bool {
        self.fields[0].get() >> 64 != 0
    }

    /// Marks that the guest may keep a reference to the exception.
    pub(crate) fn keep(&self) {
        let tag = Slot::from(self.tag());
        self.fields[0].set(tag | 1 << 64);
    }

    /// Returns the values of the payload.
    pub(crate) fn payload(&self) -> impl Iterator<Item = Slot> {
        self.fields[1..].iter().map(Cell::get)
    }

    /// Returns the references to objects in the payload.
    pub(super) fn references(&self) -> impl Iterator<Item = u64> {
        let positions = self.references.as_deref().unwrap_or_default();
        positions.iter().map(|at| self.fields[1 + at].get() as u64)
    }
}
