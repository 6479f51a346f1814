//! The bytes of a table's entries: allocated, mapped, or a view of the artifact's file. Each can fail to be had.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ptr::NonNull;

use crate::load::Image;
use crate::sys::mmap::Mapping;
use crate::sys::{PAGE, round_up_to_pages};

/// From this many bytes on, mapping contents costs less than copying them.
const MAPPED_FROM: usize = 4 * PAGE;

/// From this many bytes on, zeros are mapped, so that they can become more without being copied.
const LARGE: usize = 16 * PAGE;

/// Alignment of the first byte, in bytes.
const ALIGNMENT: usize = 8;

/// Bytes that are writable and belong to this value, from a multiple of [`ALIGNMENT`] on.
#[derive(Debug)]
pub(super) struct Block {
    base: NonNull<u8>,
    size: usize,
    from: Origin,
}

#[derive(Debug)]
enum Origin {
    Nowhere,
    /// The allocator, with this layout.
    Heap(Layout),
    /// All of this mapping, zero at first.
    Mapping(Mapping),
    /// Part of this mapping, which is another file's in part.
    File(#[expect(dead_code, reason = "is there to be unmapped on drop")] Mapping),
}

impl Block {
    /// At least `size` zero bytes, not touched where they are many; `None` when they are not to be had.
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

    /// Makes room for at least `size` bytes, of which the new ones are zero. `None`, and nothing is changed, when they are not to
    /// be had.
    ///
    /// # Safety
    /// Nothing may point to the bytes: they may move.
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

    /// At least `size` bytes that begin with `contents`, a part of the image's bytes, and are zero from there on. Where there is a
    /// file, long contents are mapped from it: only what is written later gets copied.
    ///
    /// # Panics
    /// When `contents` are longer than `size`, or mapped from elsewhere.
    pub(super) fn with_contents(size: usize, contents: &[u8], image: &Image) -> io::Result<Self> {
        assert!(contents.len() <= size, "the contents fit");
        match image.file() {
            Some(file) if contents.len() >= MAPPED_FROM && (contents.as_ptr() as usize).is_multiple_of(ALIGNMENT) => {
                let start = contents.as_ptr() as usize - image.bytes().as_ptr() as usize;
                let before = start % PAGE;
                let whole = round_up_to_pages(before + contents.len()).zip(round_up_to_pages(before + size));
                let (mapped, whole) = whole.ok_or(io::ErrorKind::OutOfMemory)?;
                let mapping = Mapping::zeroed(whole)?;
                // SAFETY: the mapping is new; the image's file is mapped already, and whoever made the image has
                // vouched for it.
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

    /// How many bytes there are.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The first byte.
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
