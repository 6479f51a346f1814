//! References to host objects, in the form that the host uses.
//!
//! Input: an object of the host. Output: a reference that guests can hold. Must not hold: the number of an object in a store.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A reference to a host object: the value of an `externref` that is not null.
///
/// A guest can keep it, pass it on and return it, but cannot read the object. The object lives as long as the host has a clone of
/// the reference, or a guest can reach it. Clones are equal, and refer to the same object.
///
/// An object that owns a reference to itself, directly or through others, is never dropped, as with [`Arc`].
#[derive(Clone)]
pub struct ExternRef(Arc<dyn Any + Send + Sync>);

impl ExternRef {
    /// Makes a reference to a new object.
    pub fn new(object: impl Any + Send + Sync) -> Self {
        Self(Arc::new(object))
    }

    /// Returns the object, or `None` if it has another type.
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// Returns true if both refer to the same object. Equal objects do not suffice.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the number of references to the object.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl PartialEq for ExternRef {
    /// Compares as [`ExternRef::ptr_eq`] does.
    fn eq(&self, other: &Self) -> bool {
        self.ptr_eq(other)
    }
}

impl Eq for ExternRef {}

impl fmt::Debug for ExternRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternRef({:p})", self.0)
    }
}
