//! The addresses of a backtrace, kept without allocating: signal handlers record them too.

use std::cell::Cell;

use wrun_artifact::TrapCode;

/// Innermost frames that are kept.
const FIRST: usize = 48;

/// Outermost frames that are kept.
const LAST: usize = 16;

/// The reason and the addresses of a stop.
pub(crate) struct RawTrace {
    code: Cell<u8>,
    /// True if the first address is that of an instruction rather than a return address.
    exact: Cell<bool>,
    first: [Cell<usize>; FIRST],
    last: [Cell<usize>; LAST],
    count: Cell<usize>,
}

impl RawTrace {
    /// A trace without addresses.
    pub(crate) const fn new() -> Self {
        Self {
            code: Cell::new(0),
            exact: Cell::new(false),
            first: [const { Cell::new(0) }; FIRST],
            last: [const { Cell::new(0) }; LAST],
            count: Cell::new(0),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.code.set(0);
        self.exact.set(false);
        self.count.set(0);
    }

    /// Starts a trace at an instruction, with the reason for the stop. Without a reason, the code has a fault that it must not
    /// have.
    pub(crate) fn start(&self, reason: Option<TrapCode>, pc: usize) {
        self.clear();
        self.code.set(reason.map_or(0, TrapCode::code));
        self.exact.set(true);
        self.push(pc);
    }

    /// The reason that [`RawTrace::start`] was given.
    pub(crate) fn code(&self) -> Option<TrapCode> {
        TrapCode::from_u8(self.code.get())
    }

    /// The addresses, innermost first, and how many are left out after how many: (addresses, kept before the gap, left out).
    /// Return addresses are lowered by 1, so that they lie in the call that they return from.
    pub(crate) fn addresses(&self) -> (Vec<usize>, usize, usize) {
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

    /// Adds the address of the next frame outwards.
    pub(crate) fn push(&self, address: usize) {
        let count = self.count.get();
        match self.first.get(count) {
            Some(cell) => cell.set(address),
            None => self.last[(count - FIRST) % LAST].set(address),
        }
        self.count.set(count + 1);
    }
}
