//! The places of all functions and trampolines in the text.
//!
//! Input: symbols with their ranges, in text order. Output: the range of each symbol, for the sections that contain text
//! offsets. A function that is not in the set has an empty range at the place of its stub.

use std::collections::BTreeMap;
use std::ops::Range;

use wrun_artifact::index::{DefinedFuncIndex, Index, IndexVec};

use crate::code::Symbol;

/// Ranges of the text, by symbol.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    funcs: IndexVec<DefinedFuncIndex, Range<u32>>,
    trampolines: BTreeMap<Symbol, Range<u32>>,
}

impl Placement {
    /// Adds a symbol. First come the functions or their stubs in index order, then the trampolines. Fails if the symbol is out
    /// of order or has a place already.
    pub(super) fn insert(&mut self, symbol: Symbol, range: Range<u32>) -> Result<(), OutOfOrder> {
        match symbol {
            Symbol::TextStart => return Err(OutOfOrder),
            Symbol::Func(func) | Symbol::Stub(func) => {
                if func.index() != self.funcs.len() || !self.trampolines.is_empty() {
                    return Err(OutOfOrder);
                }
                let end = match symbol {
                    Symbol::Stub(_) => range.start,
                    _ => range.end,
                };
                self.funcs.push(range.start..end);
            }
            _ => {
                if self.trampolines.insert(symbol, range).is_some() {
                    return Err(OutOfOrder);
                }
            }
        }
        Ok(())
    }

    /// Returns the number of functions that have a place.
    pub(super) fn func_count(&self) -> usize {
        self.funcs.len()
    }

    /// Returns the range of a function's code, which is empty if the function is not in the set.
    pub(crate) fn func(&self, func: DefinedFuncIndex) -> Range<u32> {
        self.funcs.get(func).cloned().unwrap_or_default()
    }

    /// Returns the offset of a symbol's code, or of a function's stub. `None` if the symbol has no place.
    pub(crate) fn start(&self, symbol: Symbol) -> Option<u32> {
        match symbol {
            Symbol::TextStart => Some(0),
            Symbol::Func(func) | Symbol::Stub(func) => self.funcs.get(func).map(|range| range.start),
            _ => self.trampolines.get(&symbol).map(|range| range.start),
        }
    }

    /// Returns the functions that are in the set, in text order.
    pub(super) fn funcs(&self) -> impl Iterator<Item = (DefinedFuncIndex, Range<u32>)> {
        self.funcs
            .iter()
            .filter(|(_, range)| !range.is_empty())
            .map(|(func, range)| (func, range.clone()))
    }

    /// Returns the trampolines, by symbol.
    pub(super) fn trampolines(&self) -> impl Iterator<Item = (Symbol, Range<u32>)> {
        self.trampolines.iter().map(|(symbol, range)| (*symbol, range.clone()))
    }
}

/// A symbol was pushed out of order, or twice.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct OutOfOrder;

#[cfg(test)]
mod tests {
    use super::*;

    const fn func(number: u32) -> Symbol {
        Symbol::Func(DefinedFuncIndex::from_u32(number))
    }

    #[test]
    fn functions_that_are_left_out_are_empty_where_their_stub_is() {
        let mut placement = Placement::default();
        let stub = |number| Symbol::Stub(DefinedFuncIndex::from_u32(number));
        for (symbol, start) in [(stub(0), 0), (func(1), 32), (stub(2), 64)] {
            placement.insert(symbol, start..start + 8).expect("in order");
        }
        let ranges: Vec<_> = (0..3).map(|i| placement.func(DefinedFuncIndex::from_u32(i))).collect();
        assert_eq!(ranges, [0..0, 32..40, 64..64]);
        assert_eq!([1, 2, 3].map(|i| placement.start(func(i))), [Some(32), Some(64), None]);
        assert_eq!(placement.funcs().count(), 1);
    }

    #[test]
    fn symbols_out_of_order_are_refused() {
        let mut placement = Placement::default();
        placement.insert(func(0), 0..8).expect("in order");
        let thunk = Symbol::ImportThunk(wrun_artifact::index::FuncIndex::from_u32(0));
        for symbol in [func(0), func(2), Symbol::TextStart] {
            assert_eq!(placement.insert(symbol, 8..9), Err(OutOfOrder), "{symbol:?}");
        }
        placement.insert(thunk, 8..9).expect("new");
        assert_eq!(placement.insert(thunk, 9..10), Err(OutOfOrder));
        assert_eq!(placement.insert(func(1), 9..10), Err(OutOfOrder));
    }
}
