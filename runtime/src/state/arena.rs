//! Values that compiled code and contexts point to.

use std::ptr::NonNull;

/// Values that stay where they are until the arena is dropped.
pub(crate) struct Arena<V>(Vec<NonNull<V>>);

impl<V> Arena<V> {
    /// An arena without values.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a value; its address is good for as long as the arena lives.
    pub(crate) fn push(&mut self, value: V) -> NonNull<V> {
        let value = NonNull::from(Box::leak(Box::new(value)));
        self.0.push(value);
        value
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that was added at this place.
    pub(crate) fn get(&self, index: usize) -> Option<NonNull<V>> {
        self.0.get(index).copied()
    }
}

impl<V> Drop for Arena<V> {
    fn drop(&mut self) {
        for value in self.0.drain(..) {
            // SAFETY: `push` leaked a box, and each is freed once.
            drop(unsafe { Box::from_raw(value.as_ptr()) });
        }
    }
}
