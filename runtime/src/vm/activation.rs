//! Activations: active entries into the guest.
//!
//! Input: the activation before. Output: the place to resume at when the guest ends early. Must not hold: the entry itself
//! (`call`).

use std::cell::Cell;
use std::ptr;

use crate::sys::signals::Resume;

/// An active entry into the guest. It lies in a frame of the function that made the entry.
#[repr(C)]
pub(crate) struct Activation {
    /// Stack pointer of the host. The entry writes it at this offset.
    host_sp: Cell<usize>,
    /// Address of the landing. The entry writes it too. The landing takes this activation as its argument.
    landing: Cell<usize>,
    /// The activation before this one, if a host function has called the guest again.
    pub(crate) previous: *const Activation,
    /// The store's exit frame in that activation.
    pub(crate) previous_exit_fp: usize,
}

impl Activation {
    /// Makes an activation for an entry.
    pub(crate) fn new(previous: *const Self, previous_exit_fp: usize) -> Self {
        Self {
            host_sp: Cell::new(0),
            landing: Cell::new(0),
            previous,
            previous_exit_fp,
        }
    }

    /// Returns the place where execution goes on to end this activation without results.
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
