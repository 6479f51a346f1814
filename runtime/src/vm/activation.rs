//! Entries into the guest that are active.

use std::cell::Cell;
use std::ptr;

use crate::sys::signals::Resume;

/// One entry into the guest. Lives in a frame of the host function that made the entry.
#[repr(C)]
pub(crate) struct Activation {
    /// The host's stack pointer. Written by the entry, which knows this offset.
    host_sp: Cell<usize>,
    /// Address of the landing, written by the entry too. The landing takes this activation as its argument.
    landing: Cell<usize>,
    /// The entry before this one, when a host function has called the guest again.
    pub(crate) previous: *const Activation,
    /// The store's exit frame of that entry.
    pub(crate) previous_exit_fp: usize,
}

impl Activation {
    /// An entry that is about to happen.
    pub(crate) fn new(previous: *const Self, previous_exit_fp: usize) -> Self {
        Self {
            host_sp: Cell::new(0),
            landing: Cell::new(0),
            previous,
            previous_exit_fp,
        }
    }

    /// The place to go on at to end this activation without its results.
    pub(crate) fn landing(&self) -> Resume {
        Resume {
            pc: self.landing.get(),
            argument: ptr::from_ref(self) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn an_activation_begins_as_the_entry_expects() {
        assert_eq!(offset_of!(Activation, host_sp), 0);
        assert_eq!(offset_of!(Activation, landing), 8);
    }
}
