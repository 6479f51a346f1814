//! The bytes of a table's entries: allocated, or a view of the artifact's file. Either can fail to be had.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ptr::NonNull;

use crate::load::Image;
use crate::sys::mmap::Mapping;
use crate::sys::{PAGE, round_up_to_pages};

/// From this many bytes on, mapping costs less than copying.
const MAPPED_FROM: usize = 4 * PAGE;

/// What the first byte's address is a multiple of.
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
    /// Part of this mapping.
    Mapping(#[expect(dead_code, reason = "is there to be unmapped on drop")] Mapping),
}

impl Block {
    /// `size` zero bytes; `None` when they are not to be had. Large ones come from the system untouched.
    pub(super) fn zeroed(size: usize) -> Option<Self> {
        let layout = Layout::from_size_align(size, ALIGNMENT).ok()?;
        let (base, from) = if size == 0 {
            (NonNull::<u64>::dangling().cast(), Origin::Nowhere)
        } else {
            // SAFETY: the size is not 0.
            (NonNull::new(unsafe { alloc_zeroed(layout) })?, Origin::Heap(layout))
        };
        Some(Self { base, size, from })
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
                    from: Origin::Mapping(mapping),
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
