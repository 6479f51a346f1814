//! The recorded reason for a stop and, with the feature `backtrace`, the addresses of its backtrace.
//!
//! Input: a reason, addresses. Output: the same. Must not hold: allocation, since signal handlers record too.

use std::cell::Cell;

use wrun_artifact::TrapCode;

/// The reason and the addresses of a stop.
pub(crate) struct RawTrace {
    code: Cell<u8>,
    #[cfg(feature = "backtrace")]
    addresses: Addresses,
}

impl RawTrace {
    /// Makes an empty trace.
    pub(crate) const fn new() -> Self {
        Self {
            code: Cell::new(0),
            #[cfg(feature = "backtrace")]
            addresses: Addresses::new(),
        }
    }

    /// Empties the trace.
    pub(crate) fn clear(&self) {
        self.code.set(0);
        #[cfg(feature = "backtrace")]
        self.addresses.clear();
    }

    /// Starts a trace with the reason for the stop. No reason means a fault that correct code does not cause.
    pub(crate) fn start(&self, reason: Option<TrapCode>) {
        self.clear();
        self.code.set(reason.map_or(0, TrapCode::code));
    }

    /// Returns the reason that [`RawTrace::start`] got.
    pub(crate) fn code(&self) -> Option<TrapCode> {
        TrapCode::from_u8(self.code.get())
    }

    /// Returns the addresses of the backtrace.
    #[cfg(feature = "backtrace")]
    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }
}

#[cfg(feature = "backtrace")]
pub(crate) use addresses::Addresses;

#[cfg(feature = "backtrace")]
mod addresses {
    use std::cell::Cell;

    /// Number of innermost frames that are kept.
    const FIRST: usize = 48;

    /// Number of outermost frames that are kept.
    const LAST: usize = 16;

    /// Addresses of a backtrace, innermost first.
    pub(crate) struct Addresses {
        /// True if the first address is that of an instruction, and not a return address.
        exact: Cell<bool>,
        first: [Cell<usize>; FIRST],
        last: [Cell<usize>; LAST],
        count: Cell<usize>,
    }

    impl Addresses {
        pub(super) const fn new() -> Self {
            Self {
                exact: Cell::new(false),
                first: [const { Cell::new(0) }; FIRST],
                last: [const { Cell::new(0) }; LAST],
                count: Cell::new(0),
            }
        }

        pub(super) fn clear(&self) {
            self.exact.set(false);
            self.count.set(0);
        }

        /// Starts with the address of an instruction.
        pub(crate) fn begin(&self, pc: usize) {
            self.exact.set(true);
            self.push(pc);
        }

        /// Adds the return address of the next outer frame.
        pub(crate) fn push(&self, address: usize) {
            let count = self.count.get();
            match self.first.get(count) {
                Some(cell) => cell.set(address),
                None => self.last[(count - FIRST) % LAST].set(address),
            }
            self.count.set(count + 1);
        }

        /// Returns the addresses and the gap: (addresses, number before the gap, number left out). Return addresses are lowered
        /// by 1, so that they lie in the call from which they return.
        pub(crate) fn get(&self) -> (Vec<usize>, usize, usize) {
            let count = self.count.get();
            let mut addresses: Vec<usize> = self.first[..count.min(FIRST)].iter().map(Cell::get).collect();
            let head = addresses.len();
            let tail = count.saturating_sub(FIRST);
            for index in count - tail.min(LAST)..count {
                addresses.push(self.last[(index - FIRST) % LAST].get());
            }
            for (index, address) in addresses.iter_mut().enumerate() {
                if index > 0 || !self.exact.get() {
                    *address -= 1;
                }
            }
            (addresses, head, tail.saturating_sub(LAST))
        }
    }
}
