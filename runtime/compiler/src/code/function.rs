//! A compiled function in wrun's own types. `compile` makes it, and `link` places it in the text.

use wrun_artifact::TrapCode;
use wrun_artifact::handlers::Handler;

use super::Symbol;

/// Smallest alignment of the beginning of a function in bytes: the target's preferred alignment. No constant inside a function
/// needs a larger one. Compiling checks this.
pub(crate) const FUNCTION_ALIGNMENT: u32 = 32;

/// A relocation: a place in a function's code that is to hold the distance to a symbol, `symbol + addend - place`, as a 32-bit
/// number.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reloc {
    /// Offset in the function's code.
    pub(crate) offset: u32,
    /// Target of the reference.
    pub(crate) symbol: Symbol,
    /// Added to the distance.
    pub(crate) addend: i32,
}

/// The machine code of a function or trampoline, with its tables. Offsets are in bytes from the beginning of the code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct CompiledFunction {
    /// Machine code.
    pub(crate) code: Vec<u8>,
    /// References that linking resolves.
    pub(crate) relocs: Vec<Reloc>,
    /// Instructions that can trap, by rising offset.
    pub(crate) traps: Vec<(u32, TrapCode)>,
    /// Pairs (offset, offset in the wasm file), by rising offset: the code from the first offset on comes from the second one.
    /// Empty without address map.
    pub(crate) addresses: Vec<(u32, u32)>,
    /// Places of references to host objects during calls, as pairs (offset of the instruction after the call, distance below
    /// the frame pointer in bytes), by rising offset. Empty without such references.
    pub(crate) stack_slots: Vec<(u32, u32)>,
    /// Handlers of exceptions, as (offset of the instruction after the call, handler), by rising offset.
    pub(crate) handlers: Vec<(u32, Handler)>,
}

impl CompiledFunction {
    /// Removes the contents and keeps the allocations.
    pub(crate) fn clear(&mut self) {
        let Self {
            code,
            relocs,
            traps,
            addresses,
            stack_slots,
            handlers,
        } = self;
        code.clear();
        relocs.clear();
        traps.clear();
        addresses.clear();
        stack_slots.clear();
        handlers.clear();
    }

    /// Returns the number of bytes that this function holds until it is linked.
    pub(crate) fn weight(&self) -> usize {
        self.code.len()
            + size_of_val(self.relocs.as_slice())
            + size_of_val(self.traps.as_slice())
            + size_of_val(self.addresses.as_slice())
            + size_of_val(self.stack_slots.as_slice())
            + size_of_val(self.handlers.as_slice())
    }
}
