//! The reason for a stop and, with the feature `backtrace`, the addresses of its backtrace. Kept without allocating: signal
//! handlers record them too.

use std::cell::Cell;

use wrun_artifact::TrapCode;

/// The reason and the addresses of a stop.
pub(crate) struct RawTrace {
    code: Cell<u8>,
    #[cfg(feature = "backtrace")]
    addresses: Addresses,
}

impl RawTrace {
    /// A trace of nothing.
    pub(crate) const fn new() -> Self {
        Self {
            code: Cell::new(0),
            #[cfg(feature = "backtrace")]
            addresses: Addresses::new(),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.code.set(0);
        #[cfg(feature = "backtrace")]
        self.addresses.clear();
    }

    /// Starts a trace with the reason for the stop. Without a reason, the code has a fault that it must not have.
    pub(crate) fn start(&self, reason: Option<TrapCode>) {
        self.clear();
        self.code.set(reason.map_or(0, TrapCode::code));
    }

    /// The reason that [`RawTrace::start`] was given.
    pub(crate) fn code(&self) -> Option<TrapCode> {
        TrapCode::from_u8(self.code.get())
    }

    /// The addresses of the backtrace.
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

    /// Innermost frames that are kept.
    const FIRST: usize = 48;

    /// Outermost frames that are kept.
    const LAST: usize = 16;

    /// Addresses of a backtrace, innermost first.
    pub(crate) struct Addresses {
        /// True if the first address is that of an instruction rather than a return address.
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

        /// Begins with the address of an instruction.
        pub(crate) fn begin(&self, pc: usize) {
            self.exact.set(true);
            self.push(pc);
        }

        /// Adds the return address of the next frame outwards.
        pub(crate) fn push(&self, address: usize) {
            let count = self.count.get();
            match self.first.get(count) {
                Some(cell) => cell.set(address),
                None => self.last[(count - FIRST) % LAST].set(address),
            }
            self.count.set(count + 1);
        }

        /// The addresses, and how many are left out after how many: (addresses, kept before the gap, left out). Return addresses
        /// are lowered by 1, so that they lie in the call that they return from.
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
