//! Memories: reserved address space with an accessible beginning.
//!
//! Input: a type, a mode, initial contents. Output: addresses and bytes. Must not hold: accesses of compiled code.

use std::ops::Range;
use std::ptr::NonNull;

use wrun_artifact::config::{GUARD_SIZE, MemoryMode, RESERVATION, RESERVATION_64};
use wrun_artifact::info::RunRow;
use wrun_artifact::types::{IndexType, MemoryType};

use crate::error::Error;
use crate::load::Image;
use crate::sys::mmap::Mapping;
use crate::sys::process::address_space_limit;
use crate::sys::{PAGE, round_up_to_pages};
use crate::vm::VMMemoryDefinition;

/// A memory of a store.
pub(crate) struct MemoryObject {
    ty: MemoryType,
    mode: MemoryMode,
    mapping: Mapping,
    /// Number of bytes in the mapping before the memory, for an instance's context.
    before: usize,
    definition: NonNull<VMMemoryDefinition>,
}

/// Largest run, in bytes, that is copied. A mapping would cost more, because the kernel copies its pages at the first write.
const COPIED: usize = 2 * PAGE;

/// Bytes of a memory that are moved between two checks of the deadline.
const MOVED: usize = 1024 * PAGE;

/// Smallest limit on address space, in bytes, with which a process can have a guarded memory: the smallest reservation, and the
/// process itself.
#[cfg(feature = "compiler")]
const ROOM_FOR_GUARDED: u64 = RESERVATION + GUARD_SIZE + (224 << 20);

/// Returns the error of a guarded memory if the limit of this process (`ulimit -v`) leaves no room for one. Asked before a module
/// is compiled, so that it is not compiled in vain.
#[cfg(feature = "compiler")]
pub(crate) fn little_address_space() -> Option<Error> {
    address_space_limit()
        .filter(|limit| *limit < ROOM_FOR_GUARDED)
        .map(|_| little())
}

fn little() -> Error {
    Error::AddressSpace("there is little address space (ulimit -v)".to_owned())
}

/// Bytes that are accessible in a memory of this many wasm pages: whole pages of the machine.
fn accessible(ty: &MemoryType, pages: u64) -> Option<usize> {
    round_up_to_pages(usize::try_from(ty.bytes(pages)?).ok()?)
}

impl MemoryObject {
    /// Makes a memory of its minimal size, filled with zeros, with `before` accessible bytes in front of it, which are whole pages.
    /// Set its definition next.
    ///
    /// # Errors
    /// Fails if the minimum is more than wrun allows, or if address space runs out.
    pub(crate) fn new(ty: MemoryType, mode: MemoryMode, before: usize) -> Result<Self, Error> {
        if ty.min > ty.most_pages() {
            let (min, most) = (ty.min, ty.most_pages());
            return Err(Error::Refused(format!(
                "a memory would have {min} pages, and wrun allows {most}"
            )));
        }
        let length = accessible(&ty, ty.min).ok_or_else(|| Error::damaged("the size of a memory"))?;
        let reserved = match (mode, ty.index) {
            (MemoryMode::Guarded, IndexType::I32) => usize::try_from(RESERVATION + GUARD_SIZE),
            (MemoryMode::Guarded, IndexType::I64) => usize::try_from(RESERVATION_64 + GUARD_SIZE),
            // One page is never accessible, so that an empty memory also has an address.
            (MemoryMode::Checked, _) => Ok(length + PAGE),
        };
        let reserved = reserved.map_err(|_| Error::damaged("the reservation of a memory"))?;
        let mapping = Mapping::reserve(before + reserved).map_err(|error| match (mode, address_space_limit()) {
            (MemoryMode::Guarded, Some(_)) => little(),
            (MemoryMode::Guarded, None) => {
                Error::AddressSpace(format!("cannot reserve address space for a memory: {error}"))
            }
            (MemoryMode::Checked, _) => Error::resource("cannot allocate a memory", &error),
        })?;
        mapping
            .make_writable(0..before + length)
            .map_err(|error| Error::resource("cannot allocate a memory", &error))?;
        Ok(Self {
            ty,
            mode,
            mapping,
            before,
            definition: NonNull::dangling(),
        })
    }

    /// Sets the place where compiled code finds the memory. The definition must live as long as the memory.
    pub(crate) fn set_definition(&mut self, definition: NonNull<VMMemoryDefinition>) {
        self.definition = definition;
        let this = self.definition();
        this.base.set(self.base().as_ptr());
        // `new` has checked that it fits.
        this.length.set(self.ty.min << self.ty.page.log2());
    }

    /// Returns the definition that compiled code reads.
    pub(crate) fn definition(&self) -> &VMMemoryDefinition {
        // SAFETY: set by `set_definition` to one that lives as long (a context or an arena of the same store).
        unsafe { self.definition.as_ref() }
    }

    /// Returns the address of the first byte.
    pub(crate) fn base(&self) -> NonNull<u8> {
        // SAFETY: the reservation is longer than the part before the memory.
        unsafe { self.mapping.base().add(self.before) }
    }

    /// Returns the addresses at which a fault can be an access of the guest.
    pub(crate) fn reservation(&self) -> Range<usize> {
        let all = self.mapping.addresses();
        all.start + self.before..all.end
    }

    /// Returns the length in bytes.
    pub(crate) fn length(&self) -> usize {
        // The length fitted when the memory was made or grown.
        self.definition().length.get() as usize
    }

    /// Returns the type, with the current size as its minimum (spec 4.5.2).
    pub(crate) fn ty(&self) -> MemoryType {
        MemoryType {
            min: self.pages(),
            ..self.ty
        }
    }

    /// Returns the size in pages.
    pub(crate) fn pages(&self) -> u64 {
        self.definition().length.get() >> self.ty.page.log2()
    }

    /// Adds pages. Returns the size before and true if the memory has moved. Returns `None` if the pages exceed the maximum or
    /// memory runs out. Calls `check` at intervals while the memory moves.
    ///
    /// # Errors
    /// Fails with the error of `check`. The memory is then unchanged.
    pub(crate) fn grow(
        &mut self,
        delta: u64,
        mut check: impl FnMut() -> Result<(), Error>,
    ) -> Result<Option<(u64, bool)>, Error> {
        let mut stopped = Ok(());
        let grown = self.try_grow(delta, || {
            stopped = check();
            stopped.is_ok()
        });
        stopped.map(|()| grown)
    }

    /// Does the same as [`MemoryObject::grow`]. Returns `None` and changes nothing if `go_on` returns false.
    fn try_grow(&mut self, delta: u64, mut go_on: impl FnMut() -> bool) -> Option<(u64, bool)> {
        let pages = self.pages();
        let new = pages.checked_add(delta)?;
        if new > self.ty.max.unwrap_or(u64::MAX).min(self.ty.most_pages()) {
            return None;
        }
        let (old_end, new_end) = (accessible(&self.ty, pages)?, accessible(&self.ty, new)?);
        let mut moved = false;
        match self.mode {
            // With small pages, a memory can grow inside the last page of its mapping. The new bytes are zero, because no access
            // has reached beyond the length.
            _ if old_end == new_end => {}
            MemoryMode::Guarded => {
                let grown = self.before + old_end..self.before + new_end;
                self.mapping.make_writable(grown).ok()?;
            }
            MemoryMode::Checked => {
                let mapping = Mapping::reserve(self.before + new_end + PAGE).ok()?;
                mapping.make_writable(0..self.before + new_end).ok()?;
                for at in (0..self.before + old_end).step_by(PAGE) {
                    if at.is_multiple_of(MOVED) && !go_on() {
                        return None;
                    }
                    // SAFETY: both are accessible for this long, and different mappings. No guest runs.
                    let (old, new) = unsafe {
                        let (old, new) = (self.mapping.base().add(at), mapping.base().add(at));
                        (old.cast::<[u8; PAGE]>().as_ref(), new.cast::<[u8; PAGE]>())
                    };
                    // Pages that the guest never wrote take no memory, so they are not written here either.
                    if *old != [0; PAGE] {
                        // SAFETY: as above.
                        unsafe { new.write(*old) };
                    }
                }
                self.mapping = mapping;
                moved = true;
            }
        }
        self.definition().base.set(self.base().as_ptr());
        self.definition().length.set(self.ty.bytes(new)?);
        Some((pages, moved))
    }

    /// Fills in the initial contents by mapping the image's file over the memory. Short runs are copied, and all runs if there is
    /// no file.
    pub(crate) fn load_image(&mut self, image: &Image, runs: &[RunRow]) -> Result<(), Error> {
        let number = |n: u64| usize::try_from(n).map_err(|_| Error::damaged("the initial contents of a memory"));
        for run in runs {
            let (at, from, len) = (
                number(run.offset.get())?,
                number(run.file_offset.get())?,
                number(run.len.get())?,
            );
            let end = at.checked_add(len).filter(|end| *end <= self.length());
            let bytes = from
                .checked_add(len)
                .and_then(|file_end| image.bytes().get(from..file_end));
            let (Some(end), Some(bytes)) = (end, bytes) else {
                return Err(Error::damaged("the initial contents of a memory"));
            };
            if !(at.is_multiple_of(PAGE) && len.is_multiple_of(PAGE) && from.is_multiple_of(PAGE)) {
                return Err(Error::damaged("the initial contents of a memory"));
            }
            if let Some(file) = image.file().filter(|_| len > COPIED) {
                // SAFETY: the memory is new, nothing refers to it; the file is the image's, which nobody changes.
                unsafe {
                    self.mapping
                        .map_file_over(self.before + at..self.before + end, file, run.file_offset.get())
                }
                .map_err(|error| Error::resource("cannot map a memory's initial contents", &error))?;
            } else {
                // SAFETY: both ranges were checked just now; the memory is new.
                unsafe {
                    self.base()
                        .as_ptr()
                        .add(at)
                        .copy_from_nonoverlapping(bytes.as_ptr(), len)
                };
            }
        }
        Ok(())
    }

    /// Returns the contents.
    ///
    /// # Safety
    /// While they are borrowed, no guest of the store runs, and nothing else borrows them mutably.
    pub(crate) unsafe fn bytes<'a>(&self) -> &'a [u8] {
        // SAFETY: this many bytes are accessible; the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base().as_ptr(), self.length()) }
    }

    /// Returns the contents for writing.
    ///
    /// # Safety
    /// While they are borrowed, no guest of the store runs, and nothing else borrows them.
    pub(crate) unsafe fn bytes_mut<'a>(&self) -> &'a mut [u8] {
        // SAFETY: this many bytes are accessible; the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.base().as_ptr(), self.length()) }
    }
}
