//! Arenas: owners of values that compiled code and contexts point to.
//!
//! Input: values. Output: addresses that stay valid as long as the arena lives. Must not hold: the types of the values.

use std::ptr::NonNull;

/// Holds values that do not move until the arena is dropped.
pub(crate) struct Arena<V>(Vec<NonNull<V>>);

impl<V> Arena<V> {
    /// Makes an empty arena.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a value. Its address is valid as long as the arena lives.
    pub(crate) fn push(&mut self, value: V) -> NonNull<V> {
        let value = NonNull::from(Box::leak(Box::new(value)));
        self.0.push(value);
        value
    }

    /// Returns the number of values.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the value at this index, in the order of adding.
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
