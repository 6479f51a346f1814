//! The text: the code of all functions, with the tables that refer to it.
//!
//! Input: compiled functions, each once, in the order of the text. Output: one text with all references resolved, the place of
//! each function, and the tables of traps, addresses and stack maps. The output grows as functions arrive. Nothing else of a
//! function is kept, except its references to functions that come later.
//!
//! This file knows nothing of modules. It takes any subset of functions, with stubs for the others.

use wrun_artifact::address_map::AddressMapBuilder;
use wrun_artifact::elf::Writer;
use wrun_artifact::handlers::{Handler, HandlersBuilder};
use wrun_artifact::info::STUB_LEN;
use wrun_artifact::stack_maps::StackMapsBuilder;
use wrun_artifact::traps::TrapsBuilder;

use super::placement::Placement;
use crate::code::{CompiledFunction, FUNCTION_ALIGNMENT, Reloc, Symbol};
use crate::error::CompileError;

/// `int3`, the filler between functions. Execution that gets there by mistake stops.
const FILLER: u8 = 0xcc;

/// The largest size of the text and of each table in bytes, so that every distance fits in 32 bits.
const LIMIT: usize = i32::MAX as usize;

/// A text and its tables.
#[derive(Debug)]
pub(crate) struct Text {
    /// Room for the artifact's header, then the text.
    pub(super) file: Vec<u8>,
    /// Places of all functions and trampolines.
    pub(super) placement: Placement,
    /// Instructions that trap.
    pub(super) traps: TrapsBuilder,
    /// Map from code to offsets in the wasm file.
    pub(super) addresses: AddressMapBuilder,
    /// Places of references to host objects in frames.
    pub(super) stack_maps: StackMapsBuilder,
    pub(super) handlers: HandlersBuilder,
    padding: usize,
    unresolved: Vec<Unresolved>,
}

/// A reference to a function that has no place yet.
#[derive(Copy, Clone, Debug)]
struct Unresolved {
    /// The place in the text.
    at: u32,
    symbol: Symbol,
    addend: i32,
}

impl Text {
    /// Makes an empty text, with room for about `len` bytes and with `padding` bytes between functions.
    pub(super) fn new(len: usize, padding: u32) -> Self {
        // Reserved bytes that are not used take no memory.
        let mut file = Vec::with_capacity(Writer::TEXT_START + len.min(LIMIT));
        file.resize(Writer::TEXT_START, 0);
        Self {
            file,
            placement: Placement::default(),
            traps: TrapsBuilder::new(),
            addresses: AddressMapBuilder::new(),
            stack_maps: StackMapsBuilder::new(),
            handlers: HandlersBuilder::new(),
            padding: padding as usize,
            unresolved: Vec::new(),
        }
    }

    /// Returns the length of the text in bytes.
    pub(super) fn len(&self) -> usize {
        self.file.len() - Writer::TEXT_START
    }

    /// Places a function after all others.
    pub(super) fn push(&mut self, symbol: Symbol, function: &CompiledFunction) -> Result<(), CompileError> {
        let gap = if self.len() == 0 { 0 } else { self.padding };
        let start = (self.len() + gap).next_multiple_of(FUNCTION_ALIGNMENT as usize);
        let end = start + function.code.len();
        let tables = [
            self.traps.size(),
            self.addresses.size(),
            self.stack_maps.size(),
            self.handlers.size(),
        ];
        if end > LIMIT || tables.iter().any(|size| *size > LIMIT) {
            return Err(CompileError::Limit(
                "its machine code exceeds 2 GiB: split the module".into(),
            ));
        }
        let bug = |what: &str| CompileError::Bug(format!("linking {symbol:?}: {what}"));
        if function.code.is_empty() {
            return Err(bug("it has no code"));
        }
        if matches!(symbol, Symbol::Stub(_)) && function.code.len() > STUB_LEN as usize {
            return Err(bug("its stub is too long"));
        }
        self.file.resize(Writer::TEXT_START + start, FILLER);
        self.file.extend_from_slice(&function.code);
        let (start, end) = (to_u32(start), to_u32(end));
        self.placement
            .insert(symbol, start..end)
            .map_err(|_| bug("it comes out of order"))?;

        for reloc in &function.relocs {
            let Reloc {
                offset,
                symbol: target,
                addend,
            } = *reloc;
            if offset
                .checked_add(4)
                .is_none_or(|end| end as usize > function.code.len())
            {
                return Err(bug("a reference is outside of its code"));
            }
            let unresolved = Unresolved {
                at: start + offset,
                symbol: target,
                addend,
            };
            if !self.resolve(unresolved)? {
                self.unresolved.push(unresolved);
            }
        }
        for (offset, code) in &function.traps {
            self.traps.push(start + offset, *code);
        }
        for (offset, wasm) in &function.addresses {
            self.addresses.push(start + offset, *wasm);
        }
        for (return_address, slot) in &function.stack_slots {
            self.stack_maps.push(start + return_address, *slot);
        }
        for (return_address, handler) in &function.handlers {
            let landing = start + handler.landing;
            self.handlers
                .push(start + return_address, Handler { landing, ..*handler });
        }
        Ok(())
    }

    /// Returns true if a reference to `symbol` is unresolved.
    pub(super) fn is_wanted(&self, symbol: Symbol) -> bool {
        self.unresolved.iter().any(|reference| reference.symbol == symbol)
    }

    /// Resolves the remaining references. `functions` is the number of functions that the module defines.
    pub(super) fn finish(&mut self, functions: usize) -> Result<(), CompileError> {
        if self.placement.func_count() != functions {
            let placed = self.placement.func_count();
            return Err(CompileError::Bug(format!(
                "{placed} of {functions} functions have a place in the text"
            )));
        }
        for unresolved in core::mem::take(&mut self.unresolved) {
            if !self.resolve(unresolved)? {
                let Unresolved { at, symbol, .. } = unresolved;
                return Err(CompileError::Bug(format!(
                    "text offset {at:#x} refers to {symbol:?}, which is left out"
                )));
            }
        }
        Ok(())
    }

    /// Writes the distance to a symbol if it has a place. Returns true if it has.
    fn resolve(&mut self, reference: Unresolved) -> Result<bool, CompileError> {
        let Unresolved { at, symbol, addend } = reference;
        let Some(target) = self.placement.start(symbol) else {
            return Ok(false);
        };
        let distance = i64::from(target) + i64::from(addend) - i64::from(at);
        let distance = i32::try_from(distance)
            .map_err(|_| CompileError::Limit("the distance of a call exceeds 2 GiB: split the module".into()))?;
        let place = Writer::TEXT_START + at as usize;
        self.file[place..place + 4].copy_from_slice(&distance.to_le_bytes());
        Ok(true)
    }
}

/// Converts an offset in the text to 32 bits.
fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).expect("the text is below 2 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrun_artifact::TrapCode;
    use wrun_artifact::address_map::AddressMap;
    use wrun_artifact::handlers::Handlers;
    use wrun_artifact::index::{DefinedFuncIndex, SigIndex};
    use wrun_artifact::stack_maps::StackMaps;
    use wrun_artifact::traps::Traps;

    const fn func(number: u32) -> Symbol {
        Symbol::Func(DefinedFuncIndex::from_u32(number))
    }

    const fn stub(number: u32) -> Symbol {
        Symbol::Stub(DefinedFuncIndex::from_u32(number))
    }

    const ENTRY: Symbol = Symbol::Entry(SigIndex::from_u32(0));

    /// Makes a function of `len` bytes that calls `targets`, one at each fourth byte, as `call rel32` does.
    fn calls(len: usize, targets: &[Symbol]) -> CompiledFunction {
        let relocs = targets
            .iter()
            .zip((0..).step_by(4))
            .map(|(symbol, offset)| Reloc {
                offset,
                symbol: *symbol,
                addend: -4,
            })
            .collect();
        CompiledFunction {
            code: vec![0x90; len],
            relocs,
            ..CompiledFunction::default()
        }
    }

    /// Returns the target of the call at `at`.
    fn target(text: &Text, at: usize) -> i64 {
        let bytes = text.file[Writer::TEXT_START + at..][..4].try_into().expect("4 bytes");
        i64::try_from(at).expect("small") + 4 + i64::from(i32::from_le_bytes(bytes))
    }

    #[test]
    fn references_go_to_their_targets_in_both_directions() {
        for padding in [0, 1, 1000, 1 << 20] {
            let mut text = Text::new(0, padding);
            text.push(func(0), &calls(20, &[func(1), func(0), ENTRY, Symbol::TextStart]))
                .expect("fits");
            text.push(func(1), &calls(40, &[func(0), func(1), ENTRY]))
                .expect("fits");
            text.push(ENTRY, &calls(4, &[func(1)])).expect("fits");
            text.finish(2).expect("complete");
            let at = |symbol| {
                text.placement
                    .start(symbol)
                    .map(|start| start as usize)
                    .expect("placed")
            };
            let starts = [func(0), func(1), ENTRY].map(at);
            assert_eq!(starts[0], 0);
            assert!(starts[1] >= 20 + padding as usize && starts[2] >= starts[1] + 40 + padding as usize);
            assert!(starts.iter().all(|start| start.is_multiple_of(32)));
            let expected = [
                (0, func(1)),
                (4, func(0)),
                (8, ENTRY),
                (12, Symbol::TextStart),
                (starts[1], func(0)),
                (starts[1] + 4, func(1)),
                (starts[1] + 8, ENTRY),
                (starts[2], func(1)),
            ];
            for (place, symbol) in expected {
                assert_eq!(
                    target(&text, place),
                    i64::try_from(at(symbol)).expect("small"),
                    "at {place}"
                );
            }
            assert!(
                text.file[Writer::TEXT_START + 20..][..12]
                    .iter()
                    .all(|byte| *byte == FILLER)
            );
        }
    }

    fn handler(landing: u32) -> Handler {
        Handler { landing, depth: 48 }
    }

    #[test]
    fn tables_count_from_the_beginning_of_the_text() {
        let mut text = Text::new(0, 0);
        for number in [0, 1] {
            let function = CompiledFunction {
                traps: vec![(1, TrapCode::Unreachable)],
                addresses: vec![(0, 100 + number), (3, 200 + number)],
                stack_slots: vec![(5, 8), (5, 24 + number), (20, 16)],
                handlers: vec![(5, handler(9)), (20, handler(number))],
                ..calls(20, &[])
            };
            text.push(func(number), &function).expect("fits");
        }
        text.finish(2).expect("complete");
        let (mut traps, mut addresses, mut stack_maps, mut handlers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        text.traps.finish(&mut traps);
        text.addresses.finish(&mut addresses);
        text.stack_maps.finish(&mut stack_maps);
        text.handlers.finish(&mut handlers);
        let found = [0, 1, 33].map(|at| Traps::read(&traps).lookup(at));
        assert_eq!(found, [None, Some(TrapCode::Unreachable), Some(TrapCode::Unreachable)]);
        let found = [0, 3, 32, 36].map(|at| AddressMap::read(&addresses).lookup(at));
        assert_eq!(found, [Some(100), Some(200), Some(101), Some(201)]);
        let found = [5, 6, 20, 37, 52].map(|at| Handlers::read(&handlers).lookup(at));
        let expect = [
            Some(handler(9)),
            None,
            Some(handler(0)),
            Some(handler(41)),
            Some(handler(33)),
        ];
        assert_eq!(found, expect);
        let found = [5, 6, 20, 37, 52].map(|at| StackMaps::read(&stack_maps).lookup(at).collect::<Vec<_>>());
        assert_eq!(found, [vec![8, 24], vec![], vec![16], vec![8, 25], vec![16]]);
        let ranges = [0, 1].map(|number| text.placement.func(DefinedFuncIndex::from_u32(number)));
        assert_eq!(ranges, [0..20, 32..52]);
    }

    #[test]
    fn broken_functions_are_wruns_fault() {
        let outside = CompiledFunction {
            relocs: vec![Reloc {
                offset: 17,
                symbol: func(0),
                addend: 0,
            }],
            ..calls(20, &[])
        };
        for broken in [calls(0, &[]), outside] {
            let error = Text::new(0, 0).push(func(0), &broken).expect_err("refused");
            assert!(matches!(error, CompileError::Bug(_)), "{error}");
        }
        let mut text = Text::new(0, 0);
        text.push(func(0), &calls(20, &[])).expect("fits");
        for again in [func(0), stub(0), func(2)] {
            assert!(matches!(text.push(again, &calls(20, &[])), Err(CompileError::Bug(_))));
        }
        assert!(matches!(text.push(stub(1), &calls(33, &[])), Err(CompileError::Bug(_))));
    }

    #[test]
    fn a_reference_to_a_function_that_is_left_out_goes_to_its_stub() {
        let mut text = Text::new(0, 0);
        text.push(func(0), &calls(20, &[func(1)])).expect("fits");
        text.push(stub(1), &calls(6, &[])).expect("fits");
        text.push(func(2), &calls(20, &[func(0), func(1)])).expect("fits");
        text.finish(3).expect("complete");
        assert_eq!([0, 68].map(|place| target(&text, place)), [32, 32]);
        assert_eq!(text.placement.func(DefinedFuncIndex::from_u32(1)), 32..32);
    }

    #[test]
    fn what_is_nowhere_in_the_text_is_wruns_fault() {
        let mut text = Text::new(0, 0);
        text.push(func(0), &calls(20, &[ENTRY])).expect("fits");
        let error = text.finish(1).expect_err("there is no trampoline").to_string();
        assert!(error.contains("Entry"), "{error}");
        let error = Text::new(0, 0).finish(1).expect_err("there is no function").to_string();
        assert!(error.contains("0 of 1"), "{error}");
    }
}
