//! Where every function and trampoline came to lie in the text.
//!
//! In: symbols with their ranges, in text order. Out: the range of each symbol, for whoever writes text offsets into a
//! section. A function that is not in the set has an empty range at its predecessor's end.

use std::collections::BTreeMap;
use std::ops::Range;

use wrun_artifact::index::{DefinedFuncIndex, Index, IndexVec};

use crate::compile::function::Symbol;

/// Ranges of the text, by symbol.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    funcs: IndexVec<DefinedFuncIndex, Range<u32>>,
    trampolines: BTreeMap<Symbol, Range<u32>>,
}

impl Placement {
    /// Enters a symbol. Functions come in index order (some may be left out), before all trampolines. `Err` where the
    /// symbol is out of order or has a place already.
    pub(super) fn insert(&mut self, symbol: Symbol, range: Range<u32>) -> Result<(), OutOfOrder> {
        match symbol {
            Symbol::TextStart => return Err(OutOfOrder),
            Symbol::Func(func) => {
                if func.index() < self.funcs.len() || !self.trampolines.is_empty() {
                    return Err(OutOfOrder);
                }
                self.skip_to(func.index());
                self.funcs.push(range);
            }
            _ => {
                if self.trampolines.insert(symbol, range).is_some() {
                    return Err(OutOfOrder);
                }
            }
        }
        Ok(())
    }

    /// Gives an empty range to every function up to `count` that has none.
    pub(super) fn skip_to(&mut self, count: usize) {
        let end = self.funcs.values().next_back().map_or(0, |range| range.end);
        while self.funcs.len() < count {
            self.funcs.push(end..end);
        }
    }

    /// The range of a function's code, empty where it is not in the set.
    pub(crate) fn func(&self, func: DefinedFuncIndex) -> Range<u32> {
        self.funcs.get(func).cloned().unwrap_or_default()
    }

    /// Where a symbol's code begins; `None` where it is not in the set.
    pub(crate) fn start(&self, symbol: Symbol) -> Option<u32> {
        match symbol {
            Symbol::TextStart => Some(0),
            Symbol::Func(func) => self
                .funcs
                .get(func)
                .filter(|range| !range.is_empty())
                .map(|range| range.start),
            _ => self.trampolines.get(&symbol).map(|range| range.start),
        }
    }

    /// The functions that are in the set, in text order.
    pub(super) fn funcs(&self) -> impl Iterator<Item = (DefinedFuncIndex, Range<u32>)> {
        self.funcs
            .iter()
            .filter(|(_, range)| !range.is_empty())
            .map(|(func, range)| (func, range.clone()))
    }

    /// The trampolines, by symbol.
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
    fn functions_that_are_left_out_are_empty_at_their_predecessors_end() {
        let mut placement = Placement::default();
        placement.insert(func(1), 0..8).expect("in order");
        placement.insert(func(3), 32..40).expect("in order");
        placement.skip_to(5);
        let ranges: Vec<_> = (0..5).map(|i| placement.func(DefinedFuncIndex::from_u32(i))).collect();
        assert_eq!(ranges, [0..0, 0..8, 8..8, 32..40, 40..40]);
        assert_eq!(placement.start(func(2)), None);
        assert_eq!(placement.start(func(3)), Some(32));
        assert_eq!(placement.funcs().count(), 2);
    }

    #[test]
    fn symbols_out_of_order_are_refused() {
        let mut placement = Placement::default();
        placement.insert(func(1), 0..8).expect("in order");
        let thunk = Symbol::ImportThunk(wrun_artifact::index::FuncIndex::from_u32(0));
        for symbol in [func(0), func(1), Symbol::TextStart] {
            assert_eq!(placement.insert(symbol, 8..9), Err(OutOfOrder), "{symbol:?}");
        }
        placement.insert(thunk, 8..9).expect("new");
        assert_eq!(placement.insert(thunk, 9..10), Err(OutOfOrder));
        assert_eq!(placement.insert(func(2), 9..10), Err(OutOfOrder));
    }
}
