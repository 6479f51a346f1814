//! The order in which instantiation copies active segments, and where a guest can observe that order.
//!
//! Input: the described module. Output: the segments that must be copied in order. They may not be part of an image that is
//! mapped from the start.

use wrun_artifact::index::{DataIndex, ElemIndex};

use super::module::{ElemItems, Mode, Module};

/// A segment, in the order of instantiation: element segments, then data segments, each in the module's order.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Segment {
    /// An element segment.
    Elem(ElemIndex),
    /// A data segment.
    Data(DataIndex),
}

impl Module<'_> {
    /// Returns the first active segment that may trap at a time when another instance can already call functions of this
    /// module. It could then observe that later segments were not copied. That is possible only after a segment was copied to a
    /// table of another instance, because an instance that fails to be made is not given to anybody.
    pub(crate) fn first_visible_trap(&self) -> Option<Segment> {
        let (leak, _) = self.elems.iter().find(
            |(_, elem)| matches!(elem.mode, Mode::Active { target, .. } if self.defined_table(target).is_none()),
        )?;
        self.elems_that_may_trap()
            .chain(self.data_that_may_trap())
            .find(|segment| *segment > Segment::Elem(leak))
    }

    fn elems_that_may_trap(&self) -> impl Iterator<Item = Segment> {
        self.elems.iter().filter_map(|(index, elem)| {
            let Mode::Active { target, offset } = &elem.mode else {
                return None;
            };
            let len = match &elem.items {
                ElemItems::Funcs(items) => items.len(),
                ElemItems::Exprs(items) => items.len(),
            };
            let ty = &self.tables[*target];
            may_trap(offset.offset(ty.index), len, ty.min).then_some(Segment::Elem(index))
        })
    }

    fn data_that_may_trap(&self) -> impl Iterator<Item = Segment> {
        self.data.iter().filter_map(|(index, data)| {
            let Mode::Active { target, offset } = &data.mode else {
                return None;
            };
            let ty = &self.memories[*target];
            let room = ty.bytes(ty.min).unwrap_or(u64::MAX);
            may_trap(offset.offset(ty.index), data.bytes.len(), room).then_some(Segment::Data(index))
        })
    }
}

/// Returns true if a segment of `len` elements or bytes at `start` might be out of bounds of a memory or table with at least
/// `room` of them.
fn may_trap(start: Option<u64>, len: usize, room: u64) -> bool {
    start.is_none_or(|start| start.saturating_add(len as u64) > room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use wrun_artifact::Config;
    use wrun_artifact::index::Index;

    fn first(segments: &str) -> Option<Segment> {
        let text = format!(
            "(module (import \"\" \"t\" (table $foreign 2 funcref)) (import \"\" \"g\" (global $g i32))
               (table $own 2 funcref) (memory 1) (func $f) {segments})"
        );
        let wasm = wat::parse_str(text).expect("text");
        parse(&wasm, &Config::native()).expect("valid").first_visible_trap()
    }

    #[test]
    fn a_trap_is_visible_only_behind_a_segment_for_a_foreign_table() {
        let elem = |index| Some(Segment::Elem(ElemIndex::new(index)));
        let data = |index| Some(Segment::Data(DataIndex::new(index)));
        let leak = "(elem (table $foreign) (i32.const 1) func $f)";
        for (segments, expect) in [
            (String::new(), None),
            (leak.to_owned(), None),
            (leak.repeat(2), None),
            ("(elem (table $own) (global.get $g) func $f)".to_owned(), None),
            ("(data (i32.const 65536) \"x\")".to_owned(), None),
            // The segment that traps writes nothing, so no reference has escaped.
            ("(elem (table $foreign) (global.get $g) func $f)".to_owned(), None),
            (format!("{leak} (elem func $f) (elem declare func $f)"), None),
            (format!("{leak} (elem (table $own) (i32.const 1) func $f)"), None),
            (format!("{leak} (elem (table $own) (i32.const 2) func $f)"), elem(1)),
            (format!("{leak} (elem (table $own) (i32.const 3) func)"), elem(1)),
            (format!("{leak} (elem (table $own) (i32.const -1) func $f)"), elem(1)),
            (
                format!("(elem (table $own) (i32.const 2) func $f) {leak} (elem (table $own) (global.get $g) func $f)"),
                elem(2),
            ),
            (format!("(data (i32.const 0) \"x\") {leak}"), None),
            (
                format!("(data (i32.const 0) \"x\") (data (i32.const 65535) \"xy\") {leak}"),
                data(1),
            ),
            (format!("{leak} (data (global.get $g) \"\")"), data(0)),
            (format!("{leak} (data (i32.const 65536) \"\")"), None),
        ] {
            assert_eq!(first(&segments), expect, "{segments}");
        }
    }
}
