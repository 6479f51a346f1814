//! Exceptions inside of a store: the fields that compiled code reads, and what the runtime knows besides.

use std::cell::Cell;
use std::sync::Arc;

use wrun_artifact::types::{FuncType, ValType};

use crate::error::Backtrace;
use crate::vm::Slot;

/// A tag of a store: where exceptions with it come from, and what goes with them.
pub(crate) struct TagObject {
    /// The parameters are the payload.
    pub(crate) ty: FuncType,
    /// The name that the module gives it.
    pub(crate) name: Option<Arc<str>>,
    /// Positions in the payload of references to objects. `None` where there are none.
    references: Option<Arc<[usize]>>,
}

impl TagObject {
    /// A tag whose payload has the types of the parameters.
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

/// An exception that was thrown and that the guest can still find. [`Objects`](super::Objects) holds it.
pub(crate) struct Thrown {
    /// `wrun_artifact::vmlayout::exception`: a slot with the tag's number and the flag, then the payload.
    fields: Box<[Cell<Slot>]>,
    references: Option<Arc<[usize]>>,
    /// Return addresses of the calls that it went through, innermost first.
    pub(crate) trace: Vec<usize>,
    /// Frame pointer of the function whose handler it reached last.
    pub(crate) handler_frame: usize,
    /// The backtrace of its first throw, if it comes from outside of the guest.
    pub(crate) backtrace: Option<Backtrace>,
}

impl Thrown {
    /// A new exception with the tag of this number.
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

    /// Makes another exception of this one, in the same memory where possible.
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

    /// The address that a handler gets. Good as long as the exception is there.
    pub(crate) fn fields(&self) -> *const u8 {
        self.fields.as_ptr().cast()
    }

    /// The number of its tag.
    pub(crate) fn tag(&self) -> u64 {
        self.fields[0].get() as u64
    }

    /// True if the guest may keep a reference to it.
    pub(super) fn is_kept(&self) -> bool {
        self.fields[0].get() >> 64 != 0
    }

    /// Says that the guest may keep a reference to it.
    pub(crate) fn keep(&self) {
        let tag = Slot::from(self.tag());
        self.fields[0].set(tag | 1 << 64);
    }

    /// The values of the payload.
    pub(crate) fn payload(&self) -> impl Iterator<Item = Slot> {
        self.fields[1..].iter().map(Cell::get)
    }

    /// The references to objects in the payload.
    pub(super) fn references(&self) -> impl Iterator<Item = u64> {
        let positions = self.references.as_deref().unwrap_or_default();
        positions.iter().map(|at| self.fields[1 + at].get() as u64)
    }
}
