//! The address map: maps an offset in the text to the place in the wasm file that the code comes from.
//!
//! [`crate::compact`] describes the blocks. This is the payload of a block:
//!
//! ```text
//! wasm: varint │ row │ row │ …      the block's first row is its offset in the index, and this place in the wasm file
//! row: varint (distance to the row before) │ varint (distance in the wasm file, zigzag)
//! ```

use crate::compact::{Blocks, BlocksBuilder, Reader, push_varint};

/// Collects the address map, row by row.
#[derive(Debug, Default)]
pub struct AddressMapBuilder {
    blocks: BlocksBuilder,
    /// The last row that was written.
    last: (u32, u32),
    /// The newest row, not written yet: a further row with the same offset replaces it.
    pending: Option<(u32, u32)>,
}

impl AddressMapBuilder {
    /// Makes an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row: the code from `offset` of the text on, up to the next row, comes from the offset `wasm` in the wasm file.
    ///
    /// # Panics
    /// If `offset` is less than that of the previous row.
    pub fn push(&mut self, offset: u32, wasm: u32) {
        match self.pending {
            Some((_, same)) if same == wasm => return,
            Some((before, pending)) if before < offset => self.write(before, pending),
            Some((before, _)) => assert_eq!(before, offset, "rows come by rising offset"),
            None => {}
        }
        self.pending = Some((offset, wasm));
    }

    fn write(&mut self, offset: u32, wasm: u32) {
        if self.blocks.row(offset) {
            push_varint(self.blocks.payload(), wasm.into());
        } else {
            let distance = i64::from(wasm) - i64::from(self.last.1);
            let zigzag = distance.unsigned_abs() * 2 - u64::from(distance < 0);
            push_varint(self.blocks.payload(), (offset - self.last.0).into());
            push_varint(self.blocks.payload(), zigzag);
        }
        self.last = (offset, wasm);
    }

    /// Returns an upper bound of the section's size in bytes.
    pub fn size(&self) -> usize {
        self.blocks.size() + 20
    }

    /// Appends the section to `out`.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        if let Some((offset, wasm)) = self.pending.take() {
            self.write(offset, wasm);
        }
        self.blocks.finish(out);
    }
}

/// An address map, searched in place.
#[derive(Copy, Clone, Debug, Default)]
pub struct AddressMap<'a>(Blocks<'a>);

impl<'a> AddressMap<'a> {
    /// Reads a section. The map is empty if the bytes are damaged.
    pub fn read(section: &'a [u8]) -> Self {
        Self(Blocks::read(section))
    }

    /// Returns the offset in the wasm file that the code at `offset` of the text comes from: that of the last row that is not
    /// after `offset`. The caller must know that `offset` is inside a function.
    pub fn lookup(&self, offset: u32) -> Option<u32> {
        let (first, rows) = self.0.find(offset)?;
        let is_before = |(at, _): &(u32, u32)| *at <= offset;
        Rows::new(first, rows)
            .take_while(is_before)
            .last()
            .map(|(_, wasm)| wasm)
    }

    /// Returns all rows by rising offset: an offset in the text, and the offset in the wasm file that the code from there on
    /// comes from.
    pub fn rows(self) -> impl Iterator<Item = (u32, u32)> + 'a {
        self.0.iter().flat_map(|(first, rows)| Rows::new(first, rows))
    }
}

/// The rows of a block, up to its end or the first damaged row.
struct Rows<'a> {
    rows: Reader<'a>,
    /// The row that was read last. `None` before the first one.
    last: Option<(u32, i64)>,
    first: u32,
}

impl<'a> Rows<'a> {
    fn new(first: u32, rows: Reader<'a>) -> Self {
        Self {
            rows,
            last: None,
            first,
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        let (at, wasm) = match self.last {
            None => (self.first, i64::try_from(self.rows.varint()?).ok()?),
            Some((at, wasm)) => {
                let at = u64::from(at).checked_add(self.rows.varint()?)?;
                let zigzag = self.rows.varint()?;
                let magnitude = i64::try_from(zigzag.div_ceil(2)).ok()?;
                let step = if zigzag % 2 == 1 { -magnitude } else { magnitude };
                (u32::try_from(at).ok()?, wasm.checked_add(step)?)
            }
        };
        self.last = Some((at, wasm));
        Some((at, u32::try_from(wasm).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compact::each_damage;

    /// Returns rows for several blocks that go back and forth in the wasm file.
    fn rows() -> Vec<(u32, u32)> {
        let mut at = 3;
        let mut wasm = 70_000;
        (0..1000_usize)
            .map(|i| {
                at += [1, 4, 127, 128, 20_000, 7][i % 6];
                wasm = u32::try_from(i64::from(wasm) + [1, 2, -64, 1000, -900, 70_000, -1][i % 7]).expect("positive");
                (at, wasm)
            })
            .collect()
    }

    fn encode(rows: &[(u32, u32)]) -> Vec<u8> {
        let mut builder = AddressMapBuilder::new();
        for (offset, wasm) in rows {
            builder.push(*offset, *wasm);
        }
        let mut bytes = Vec::new();
        let bound = builder.size();
        builder.finish(&mut bytes);
        assert!(bytes.len() <= bound);
        bytes
    }

    #[test]
    fn all_rows_are_listed() {
        let rows = rows();
        let bytes = encode(&rows);
        assert!(AddressMap::read(&bytes).rows().eq(rows.iter().copied()));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            assert!(AddressMap::read(&damaged).rows().count() <= bytes.len());
        }
    }

    #[test]
    fn the_last_row_that_is_not_after_the_offset_is_found() {
        let rows = rows();
        let bytes = encode(&rows);
        let map = AddressMap::read(&bytes);
        assert_eq!(map.lookup(rows[0].0 - 1), None);
        for pair in rows.windows(2) {
            for offset in [pair[0].0, pair[0].0 + (pair[1].0 - pair[0].0) / 2, pair[1].0 - 1] {
                assert_eq!(map.lookup(offset), Some(pair[0].1), "at {offset}");
            }
        }
        assert_eq!(map.lookup(u32::MAX), rows.last().map(|row| row.1));
    }

    #[test]
    fn empty_and_repeated_rows_are_left_out() {
        let map = encode(&[(0, 5), (0, 6), (4, 6), (8, 7), (8, 6), (9, 0), (9, u32::MAX)]);
        assert_eq!(
            [0, 8, 9].map(|at| AddressMap::read(&map).lookup(at)),
            [Some(6), Some(6), Some(u32::MAX)]
        );
        assert_eq!(AddressMap::read(&encode(&[])).lookup(7), None);
    }

    #[test]
    fn damaged_bytes_do_not_panic() {
        each_damage(&encode(&rows()), |section, offset| {
            let _ = AddressMap::read(section).lookup(offset);
        });
    }
}
