//! Tells a debugger about loaded code through gdb's JIT interface.
//!
//! Input: an artifact that is mapped. Output: an entry in the debugger's list, which lasts as long as the image. Must not hold:
//! how an image is checked.
//!
//! gdb finds the list by the symbol `__jit_debug_descriptor`. It stops at `__jit_debug_register_code` to see changes (gdb manual,
//! "JIT Compilation Interface"). Each entry points to a file in memory ([`Symfile`]) that leads to the symbol table of the mapped
//! artifact. No part of the artifact is read or copied: an image costs an allocation of less than 600 bytes.
//!
//! # Safety
//! This file may use `unsafe`: it defines symbols that debuggers know by name. In the process, only this file follows their
//! pointers, and it holds a lock.
#![allow(unsafe_code, reason = "defines the symbols of gdb's JIT interface")]

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wrun_artifact::elf::{Artifact, Symfile};

/// `struct jit_code_entry`.
#[derive(Debug)]
#[repr(C)]
struct Entry {
    next: *mut Entry,
    previous: *mut Entry,
    symfile: *const Symfile,
    /// Distance in bytes from the symfile to the end of the artifact.
    size: u64,
}

/// `struct jit_descriptor`.
#[repr(C)]
struct Descriptor {
    version: u32,
    /// Last event: 0 none, 1 `relevant` was added, 2 `relevant` was removed.
    action: u32,
    relevant: *mut Entry,
    first: *mut Entry,
}

const ADDED: u32 = 1;
const REMOVED: u32 = 2;

/// The list, at an address that debuggers find by the symbol.
#[repr(transparent)]
struct Shared(UnsafeCell<Descriptor>);

// SAFETY: the fields are only used under `LOCK`. A debugger reads them while the process is stopped.
unsafe impl Sync for Shared {}

#[unsafe(no_mangle)]
#[used]
static __jit_debug_descriptor: Shared = Shared(UnsafeCell::new(Descriptor {
    version: 1,
    action: 0,
    relevant: ptr::null_mut(),
    first: ptr::null_mut(),
}));

/// A debugger that traces wrun sets a breakpoint here.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn __jit_debug_register_code() {
    // SAFETY: the statement has no instructions. It keeps the compiler from removing the calls and the writes before them.
    unsafe { std::arch::asm!("", options(nostack, preserves_flags)) }
}

/// Held during changes of the list.
static LOCK: Mutex<()> = Mutex::new(());

fn lock() -> MutexGuard<'static, ()> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An image that debuggers know. Dropping this removes it from the list.
#[derive(Debug)]
pub(super) struct Shown(Box<Allocation>);

#[derive(Debug)]
struct Allocation {
    entry: Entry,
    symfile: Symfile,
}

// SAFETY: its pointers lead to its own allocation and to entries of the list, which are followed only under `LOCK`.
unsafe impl Send for Shown {}
// SAFETY: as above. A shared reference gives no access.
unsafe impl Sync for Shown {}

impl Shown {
    /// Shows an artifact that is mapped at `base`. It must stay mapped as long as the result lives. Returns `None` if the
    /// artifact lies below the heap, which no usual layout of the address space has. Debuggers then do not know its functions.
    pub(super) fn new(artifact: &Artifact<'_>, base: usize) -> Option<Self> {
        let mut shown = Box::<Allocation>::new_uninit();
        let place = shown.as_mut_ptr();
        // SAFETY: computes an address inside the allocation.
        let symfile = unsafe { &raw const (*place).symfile };
        let (file, size) = Symfile::new(artifact, base as u64, symfile as u64)?;
        let entry = Entry {
            next: ptr::null_mut(),
            previous: ptr::null_mut(),
            symfile,
            size,
        };
        let mut shown = Box::write(shown, Allocation { entry, symfile: file });
        let entry: *mut Entry = &raw mut shown.entry;
        let _lock = lock();
        // SAFETY: the lock is held; entries in the list are alive, since dropping one removes it first.
        unsafe {
            let list = __jit_debug_descriptor.0.get();
            let next = (*list).first;
            (*entry).next = next;
            if let Some(next) = next.as_mut() {
                next.previous = entry;
            }
            (*list).first = entry;
            tell(list, ADDED, entry);
        }
        Some(Self(shown))
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let entry: *mut Entry = &raw mut self.0.entry;
        let _lock = lock();
        // SAFETY: as in `new`; this entry is in the list.
        unsafe {
            let list = __jit_debug_descriptor.0.get();
            let Entry { next, previous, .. } = *entry;
            match previous.as_mut() {
                Some(previous) => previous.next = next,
                None => (*list).first = next,
            }
            if let Some(next) = next.as_mut() {
                next.previous = previous;
            }
            tell(list, REMOVED, entry);
        }
    }
}

/// # Safety
/// `LOCK` is held.
unsafe fn tell(list: *mut Descriptor, action: u32, entry: *mut Entry) {
    // SAFETY: the caller holds the lock. A debugger that stops in the function reads these fields.
    unsafe {
        (&raw mut (*list).action).write_volatile(action);
        (&raw mut (*list).relevant).write_volatile(entry);
    }
    __jit_debug_register_code();
}

#[cfg(test)]
mod tests {
    use wrun_artifact::BUILD;
    use wrun_artifact::config::Config;
    use wrun_artifact::elf::Writer;
    use wrun_artifact::header::Section;
    use wrun_artifact::info::InfoBuilder;

    use super::*;
    use crate::load::Image;

    /// Returns the entries in the order of the list, after comparing them with the links back.
    fn listed() -> Vec<*const Entry> {
        let _lock = lock();
        let mut found = Vec::new();
        let mut previous = ptr::null_mut();
        // SAFETY: the lock is held; entries in the list are alive.
        unsafe {
            let mut at = (*__jit_debug_descriptor.0.get()).first;
            while let Some(entry) = at.as_ref() {
                assert_eq!(entry.previous, previous, "of entry {}", found.len());
                found.push(at.cast_const());
                previous = at;
                at = entry.next;
            }
        }
        found
    }

    /// Returns an artifact without functions.
    fn empty(config: &Config) -> Vec<u8> {
        let mut writer = Writer::new(vec![0; Writer::TEXT_START + 1]);
        for section in &Section::ALL[1..] {
            writer.section(*section, |out| {
                if *section == Section::Info {
                    out.extend(InfoBuilder::default().encode());
                }
            });
        }
        writer.finish(BUILD, config, 0)
    }

    fn entry(image: &Image) -> *const Entry {
        let shown = image._shown.as_ref().expect("it lies above the heap");
        &raw const shown.0.entry
    }

    #[test]
    fn the_list_has_an_entry_for_each_image_that_lives_and_for_no_other() {
        let config = Config::native();
        let artifact = empty(&config);
        let load = |_| Image::from_compiler(&artifact, &config).expect("loads");
        let mut images: Vec<Image> = (0..4).map(load).collect();
        // Removes from the middle of the list first, then from its ends.
        for gone in [1, 2, 0, 0] {
            let list = listed();
            assert!(images.iter().all(|image| list.contains(&entry(image))), "{list:?}");
            let image = images.remove(gone);
            let removed = entry(&image);
            drop(image);
            assert!(!listed().contains(&removed));
        }
    }
}
