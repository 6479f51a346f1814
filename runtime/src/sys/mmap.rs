//! Ranges of address space.
//!
//! Input: a length, a file, a range. Output: memory that is reserved, accessible, or filled from a file, until it is dropped.
//! Must not hold: the meaning of the bytes.

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::{self, NonNull};

use rustix::mm::{MapFlags, MprotectFlags, MremapFlags, ProtFlags, mmap, mmap_anonymous, mprotect, mremap, munmap};

use super::PAGE;

/// A range of address space with this value as its only owner. Unmapped on drop.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is plain memory without thread affinity; access to its contents is up to its users.
unsafe impl Send for Mapping {}
// SAFETY: as above: the methods that take `&self` only make system calls that the kernel serialises.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves `len` bytes (a multiple of the page size, not 0) that cannot be accessed yet.
    pub(crate) fn reserve(len: usize) -> io::Result<Self> {
        Self::anonymous(len, ProtFlags::empty(), MapFlags::NORESERVE)
    }

    /// Maps `len` zero bytes (a multiple of the page size, not 0) that are readable and writable.
    pub(crate) fn zeroed(len: usize) -> io::Result<Self> {
        Self::anonymous(len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::empty())
    }

    fn anonymous(len: usize, protection: ProtFlags, flags: MapFlags) -> io::Result<Self> {
        assert!(len > 0 && len.is_multiple_of(PAGE), "a mapping has whole pages");
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let base = unsafe { mmap_anonymous(ptr::null_mut(), len, protection, MapFlags::PRIVATE | flags)? };
        Ok(Self {
            base: NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?,
            len,
        })
    }

    /// Maps the first `len` bytes of a file, readable and private.
    ///
    /// # Safety
    /// No process may change or truncate the file while it is mapped.
    pub(crate) unsafe fn of_file(file: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        assert!(len > 0, "a mapping is not empty");
        let len = super::round_up_to_pages(len).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: a new mapping at an address of the kernel's choice; the caller vouches for the file.
        let base = unsafe { mmap(ptr::null_mut(), len, ProtFlags::READ, MapFlags::PRIVATE, file, 0)? };
        Ok(Self {
            base: NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?,
            len,
        })
    }

    /// Returns the address of the first byte.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Returns the addresses of this mapping.
    pub(crate) fn addresses(&self) -> Range<usize> {
        let base = self.base.as_ptr() as usize;
        base..base + self.len
    }

    fn at(&self, range: &Range<usize>) -> *mut u8 {
        assert!(
            range.start <= range.end && range.end <= self.len && range.start.is_multiple_of(PAGE),
            "a range of a mapping lies inside of it and begins at a page"
        );
        // SAFETY: checked just now: the offset lies inside of the mapping.
        unsafe { self.base.as_ptr().add(range.start) }
    }

    /// Makes `range` readable and writable.
    pub(crate) fn make_writable(&self, range: Range<usize>) -> io::Result<()> {
        self.protect(range, MprotectFlags::READ | MprotectFlags::WRITE)
    }

    /// Makes `range` readable and executable, and not writable.
    pub(crate) fn make_executable(&self, range: Range<usize>) -> io::Result<()> {
        self.protect(range, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    fn protect(&self, range: Range<usize>, protection: MprotectFlags) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let at = self.at(&range);
        // SAFETY: the range lies inside this mapping (`at`), which this value owns. The bytes do not change. Users make Rust
        // references only to parts that they have made accessible.
        unsafe { Ok(mprotect(at.cast(), range.len(), protection)?) }
    }

    /// Grows a mapping of [`Mapping::zeroed`] to `len` bytes (a multiple of the page size). The new bytes are zero. The mapping
    /// may move to another address, without copying.
    ///
    /// # Safety
    /// Nothing may point into the mapping.
    pub(crate) unsafe fn lengthen(&mut self, len: usize) -> io::Result<()> {
        assert!(
            len >= self.len && len.is_multiple_of(PAGE),
            "a mapping gets longer by whole pages"
        );
        // SAFETY: the range is this mapping's, and the caller says that nobody points into it.
        let base = unsafe { mremap(self.base.as_ptr().cast(), self.len, len, MremapFlags::MAYMOVE)? };
        self.base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        self.len = len;
        Ok(())
    }

    /// Replaces `range` by a private, writable view of a file's bytes from `offset` on. Only pages that are written are copied.
    ///
    /// # Safety
    /// Nothing may refer to the bytes of `range`, and no process may change or truncate the file while it is mapped.
    pub(crate) unsafe fn map_file_over(&self, range: Range<usize>, file: impl AsFd, offset: u64) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let at = self.at(&range);
        // SAFETY: `MAP_FIXED` replaces pages of this mapping only (`at`); the caller vouches for the rest.
        unsafe {
            mmap(
                at.cast(),
                range.len(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::FIXED,
                file,
                offset,
            )?;
        }
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping. Pointers into it are gone, because each user keeps the mapping and the pointers
        // into it in one owner.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can be unmapped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_becomes_writable_in_part() {
        let mapping = Mapping::reserve(4 * PAGE).expect("small");
        mapping.make_writable(PAGE..2 * PAGE).expect("inside");
        // SAFETY: this page was just made accessible, and nothing else refers to it.
        unsafe {
            let byte = mapping.base().as_ptr().add(PAGE);
            assert_eq!(*byte, 0);
            *byte = 1;
            assert_eq!(*byte, 1);
        }
    }

    #[test]
    fn a_mapping_that_gets_longer_keeps_its_bytes_and_is_zero_from_there_on() {
        let mut mapping = Mapping::zeroed(PAGE).expect("small");
        // SAFETY: inside of a writable mapping that nothing else refers to; the pointers are made anew after each change.
        unsafe {
            *mapping.base().as_ptr().add(PAGE - 1) = 1;
            mapping.lengthen(1 << 30).expect("untouched pages take no room");
            for (at, byte) in [(PAGE - 1, 1), (PAGE, 0), ((1 << 30) - 1, 0)] {
                assert_eq!(*mapping.base().as_ptr().add(at), byte, "{at}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "lies inside")]
    fn a_range_outside_of_the_mapping_is_a_bug() {
        let mapping = Mapping::reserve(PAGE).expect("small");
        let _ = mapping.make_writable(PAGE..3 * PAGE);
    }
}
