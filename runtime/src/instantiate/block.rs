//! Zeroed memory that can fail to be had.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Zeroed bytes, aligned to 16. Large ones come from the system untouched.
#[derive(Debug)]
pub(super) struct Block {
    base: NonNull<u8>,
    layout: Layout,
}

impl Block {
    /// `size` zero bytes; `None` when they are not to be had.
    pub(super) fn zeroed(size: usize) -> Option<Self> {
        let layout = Layout::from_size_align(size, 16).ok()?;
        if size == 0 {
            let base = NonNull::<u128>::dangling().cast();
            return Some(Self { base, layout });
        }
        // SAFETY: the size is not 0.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { base, layout })
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> usize {
        self.layout.size()
    }

    /// The first byte.
    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.layout.size() > 0 {
            // SAFETY: allocated with this layout, freed once.
            unsafe { dealloc(self.base.as_ptr(), self.layout) };
        }
    }
}
