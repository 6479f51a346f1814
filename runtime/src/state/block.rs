//! The bytes of a table's entries.
//!
//! Input: a size, and initial contents. Output: writable bytes that are allocated, mapped, or a view of the artifact's file. Each
//! can fail for lack of memory. Must not hold: the meaning of the bytes.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ptr::NonNull;

use crate::load::Image;
use crate::sys::mmap::Mapping;
use crate::sys::{PAGE, round_up_to_pages};

/// Number of bytes from which on mapping contents costs less than copying them.
const MAPPED_FROM: usize = 4 * PAGE;

/// Number of bytes from which on zeros are mapped, so that the block can grow without being copied.
const LARGE: usize = 16 * PAGE;

/// Alignment of the first byte, in bytes.
const ALIGNMENT: usize = 8;

/// Writable bytes that this value owns. The first byte is at a multiple of [`ALIGNMENT`].
#[derive(Debug)]
pub(super) struct Block {
    base: NonNull<u8>,
    size: usize,
    from: Origin,
}

#[derive(Debug)]
enum Origin {
    Nowhere,
    /// An allocation with this layout.
    Heap(Layout),
    /// All of this mapping, filled with zeros at first.
    Mapping(Mapping),
    /// A part of this mapping, which shows another file in part.
    File(#[expect(dead_code, reason = "is there to be unmapped on drop")] Mapping),
}

impl Block {
    /// Returns at least `size` zero bytes. Large blocks are not touched. Returns `None` if memory runs out.
    pub(super) fn zeroed(size: usize) -> Option<Self> {
        if size >= LARGE {
            let size = round_up_to_pages(size)?;
            let mapping = Mapping::zeroed(size).ok()?;
            return Some(Self {
                base: mapping.base(),
                size,
                from: Origin::Mapping(mapping),
            });
        }
        let layout = Layout::from_size_align(size, ALIGNMENT).ok()?;
        let (base, from) = if size == 0 {
            (NonNull::<u64>::dangling().cast(), Origin::Nowhere)
        } else {
            // SAFETY: the size is not 0.
            (NonNull::new(unsafe { alloc_zeroed(layout) })?, Origin::Heap(layout))
        };
        Some(Self { base, size, from })
    }

    /// Grows to at least `size` bytes. The new bytes are zero. Returns `None` and changes nothing if memory runs out.
    ///
    /// # Safety
    /// The bytes may move, so nothing may point to them.
    pub(super) unsafe fn lengthen(&mut self, size: usize) -> Option<()> {
        if size <= self.size {
            return Some(());
        }
        if let Origin::Mapping(mapping) = &mut self.from {
            let size = round_up_to_pages(size)?;
            // SAFETY: the caller's promise.
            unsafe { mapping.lengthen(size) }.ok()?;
            (self.base, self.size) = (mapping.base(), size);
            return Some(());
        }
        let longer = Self::zeroed(size)?;
        // SAFETY: both have at least this many bytes, and are different blocks.
        unsafe {
            let old = self.base.as_ptr();
            longer.base.as_ptr().copy_from_nonoverlapping(old, self.size);
        }
        *self = longer;
        Some(())
    }

    /// Returns at least `size` bytes that begin with `contents`, a part of the image's bytes, and continue with zeros. Long
    /// contents are mapped from the image's file, if there is one, so that only pages written later are copied.
    ///
    /// # Panics
    /// Panics if `contents` are longer than `size`, or are not a part of the image.
    pub(super) fn with_contents(size: usize, contents: &[u8], image: &Image) -> io::Result<Self> {
        assert!(contents.len() <= size, "the contents fit");
        match image.file() {
            Some(file) if contents.len() >= MAPPED_FROM && (contents.as_ptr() as usize).is_multiple_of(ALIGNMENT) => {
                let start = contents.as_ptr() as usize - image.bytes().as_ptr() as usize;
                let before = start % PAGE;
                let whole = round_up_to_pages(before + contents.len()).zip(round_up_to_pages(before + size));
                let (mapped, whole) = whole.ok_or(io::ErrorKind::OutOfMemory)?;
                let mapping = Mapping::zeroed(whole)?;
                // SAFETY: the mapping is new. The image's file is mapped already, and the image's maker has promised that it does
                // not change.
                unsafe { mapping.map_file_over(0..mapped, file, (start - before) as u64)? };
                // SAFETY: the contents begin within the first page.
                let base = unsafe { mapping.base().add(before) };
                // SAFETY: from the end of the contents to the end of its page: private now, and writable.
                unsafe {
                    let end = base.add(contents.len());
                    end.write_bytes(0, mapped - before - contents.len());
                }
                Ok(Self {
                    base,
                    size: whole - before,
                    from: Origin::File(mapping),
                })
            }
            _ => {
                let block = Self::zeroed(size).ok_or(io::ErrorKind::OutOfMemory)?;
                // SAFETY: the block is new, and not shorter than the contents.
                unsafe {
                    block
                        .base
                        .as_ptr()
                        .copy_from_nonoverlapping(contents.as_ptr(), contents.len());
                }
                Ok(block)
            }
        }
    }

    /// Returns the number of bytes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Returns the address of the first byte.
    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Origin::Heap(layout) = self.from {
            // SAFETY: allocated with this layout, freed once.
            unsafe { dealloc(self.base.as_ptr(), layout) };
        }
    }
}
