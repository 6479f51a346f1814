//! A compiled function in wrun's own types: what `compile` gives to `link`.

use wrun_artifact::TrapCode;

use super::Symbol;

/// Alignment of the beginning of each function, at least: the target's preferred alignment. No constant inside of a
/// function needs more, which compiling checks.
pub(crate) const FUNCTION_ALIGNMENT: u32 = 32;

/// A place in a function's code that holds the distance to a symbol: `symbol + addend - place` as a 32-bit number.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reloc {
    /// Offset in the function's code.
    pub(crate) offset: u32,
    /// Target of the reference.
    pub(crate) symbol: Symbol,
    /// Added to the distance.
    pub(crate) addend: i32,
}

/// A function's (or trampoline's) machine code and what goes with it. Offsets count from the beginning of the code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct CompiledFunction {
    /// Machine code.
    pub(crate) code: Vec<u8>,
    /// References to be resolved by linking.
    pub(crate) relocs: Vec<Reloc>,
    /// Instructions that can trap, by rising offset.
    pub(crate) traps: Vec<(u32, TrapCode)>,
    /// From which offset on the code belongs to which offset in the wasm file, by rising offset; empty without address map.
    pub(crate) addresses: Vec<(u32, u32)>,
    /// Places of references to host objects during calls, as (offset of the instruction after the call, distance below the frame
    /// pointer in bytes), by rising offset; empty without such references.
    pub(crate) stack_slots: Vec<(u32, u32)>,
}

impl CompiledFunction {
    /// Forgets the contents and keeps the allocations.
    pub(crate) fn clear(&mut self) {
        let Self {
            code,
            relocs,
            traps,
            addresses,
            stack_slots,
        } = self;
        code.clear();
        relocs.clear();
        traps.clear();
        addresses.clear();
        stack_slots.clear();
    }

    /// Bytes that this function holds while it waits for being linked.
    pub(crate) fn weight(&self) -> usize {
        self.code.len()
            + size_of_val(self.relocs.as_slice())
            + size_of_val(self.traps.as_slice())
            + size_of_val(self.addresses.as_slice())
            + size_of_val(self.stack_slots.as_slice())
    }
}
