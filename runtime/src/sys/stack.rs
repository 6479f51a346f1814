//! Stacks: for running code, with a guard below it, and for signal handlers.
//!
//! Input: a size. Output: addresses of a mapped stack. Must not hold: switching stacks.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::ptr;

use super::mmap::Mapping;
use super::{PAGE, round_up_to_pages, signals};

/// Number of bytes below a stack that are never accessible. Code with frames larger than a page probes every page.
const GUARD: usize = 64 * 1024;

/// Size of the stack for signal handlers in bytes: the kernel's frame (about 3 KiB with AVX-512 state) and a walk over frame
/// pointers.
const SIGNAL_STACK: usize = 64 * 1024;

/// A stack with a guard region below it. It is reserved, and takes memory only for pages that are used.
#[derive(Debug)]
pub(crate) struct Stack {
    mapping: Mapping,
}

impl Stack {
    /// Makes a stack of at least `size` bytes.
    pub(crate) fn new(size: usize) -> io::Result<Self> {
        let size = round_up_to_pages(size.max(PAGE)).ok_or(io::ErrorKind::OutOfMemory)?;
        let len = size.checked_add(GUARD).ok_or(io::ErrorKind::OutOfMemory)?;
        let mapping = Mapping::reserve(len)?;
        mapping.make_writable(GUARD..len)?;
        Ok(Self { mapping })
    }

    /// Returns the highest address, which is the stack pointer of an empty stack. It is a multiple of the page size.
    pub(crate) fn top(&self) -> usize {
        self.mapping.addresses().end
    }

    /// Returns the lowest usable address.
    pub(crate) fn bottom(&self) -> usize {
        self.mapping.addresses().start + GUARD
    }

    /// Returns the addresses of the guard.
    pub(crate) fn guard(&self) -> Range<usize> {
        self.mapping.addresses().start..self.bottom()
    }
}

thread_local! {
    static SIGNAL_STACK_OF_THREAD: RefCell<Option<SignalStack>> = const { RefCell::new(None) };
}

/// An alternate signal stack of this thread, removed when the thread ends.
struct SignalStack {
    _mapping: Mapping,
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        let disable = libc::stack_t {
            ss_sp: ptr::null_mut(),
            ss_flags: libc::SS_DISABLE,
            ss_size: 0,
        };
        // SAFETY: a valid structure; the thread is ending and not on its signal stack.
        unsafe { libc::sigaltstack(&disable, ptr::null_mut()) };
    }
}

/// Prepares this thread for faults: gives it an alternate signal stack of sufficient size and unblocks the signals of faults.
pub(crate) fn prepare_thread_for_faults() -> io::Result<()> {
    SIGNAL_STACK_OF_THREAD.with(|slot| {
        let mut slot = slot.borrow_mut();
        if slot.is_some() {
            return Ok(());
        }
        let mapping = Mapping::reserve(PAGE + SIGNAL_STACK)?;
        mapping.make_writable(PAGE..PAGE + SIGNAL_STACK)?;
        let stack = libc::stack_t {
            ss_sp: (mapping.addresses().start + PAGE) as *mut libc::c_void,
            ss_flags: 0,
            ss_size: SIGNAL_STACK,
        };
        // SAFETY: the memory is mapped and unused until this thread removes the stack (`Drop`).
        if unsafe { libc::sigaltstack(&stack, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        signals::unblock_faults();
        *slot = Some(SignalStack { _mapping: mapping });
        Ok(())
    })
}
