//! Sorted rows in compressed blocks: the common part of the trap section and the address map.
//!
//! ```text
//! blocks: u32 │ first: [u32; blocks] │ start: [u32; blocks] │ payload
//! ```
//!
//! The rows are sorted by an offset in the text. Up to [`BLOCK`] rows make a block. `first` is the offset in the text of the
//! block's first row, and `start` is the offset of the block in the payload. A lookup searches `first` in place, then reads one
//! block from its beginning. Each section defines the contents of its blocks. Numbers in them are written by [`push_varint`].
//!
//! Lookups run in signal handlers, so they neither allocate nor panic, even if the bytes are damaged.

use zerocopy::FromBytes;
use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

/// Largest number of rows in a block. A lookup decodes half of them on average, and the index costs 8 bytes per block.
const BLOCK: usize = 128;

/// Writes blocks.
#[derive(Debug, Default)]
pub(crate) struct BlocksBuilder {
    first: Vec<U32>,
    start: Vec<U32>,
    payload: Vec<u8>,
    /// Number of rows in the last block.
    rows: usize,
}

impl BlocksBuilder {
    /// Adds a row at `offset`. Returns true if it begins a block. The caller then appends the row to the payload.
    ///
    /// # Panics
    /// If the payload exceeds 4 GiB. The linker limits every section to less.
    pub(crate) fn row(&mut self, offset: u32) -> bool {
        let begins = self.first.is_empty() || self.rows == BLOCK;
        if begins {
            let start = u32::try_from(self.payload.len()).expect("the linker bounds every section");
            self.first.push(U32::new(offset));
            self.start.push(U32::new(start));
            self.rows = 0;
        }
        self.rows += 1;
        begins
    }

    /// Returns the payload, for appending a row.
    pub(crate) fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.payload
    }

    /// Returns the size of the section in bytes.
    pub(crate) fn size(&self) -> usize {
        4 + 8 * self.first.len() + self.payload.len()
    }

    /// Appends the section to `out`.
    pub(crate) fn finish(&self, out: &mut Vec<u8>) {
        let blocks = u32::try_from(self.first.len()).expect("the linker bounds every section");
        out.reserve(self.size());
        out.extend_from_slice(&blocks.to_le_bytes());
        out.extend_from_slice(self.first.as_bytes());
        out.extend_from_slice(self.start.as_bytes());
        out.extend_from_slice(&self.payload);
    }
}

/// Reads blocks.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Blocks<'a> {
    first: &'a [U32],
    start: &'a [U32],
    payload: &'a [u8],
}

impl<'a> Blocks<'a> {
    /// Reads a section. There are no blocks if it is damaged.
    pub(crate) fn read(section: &'a [u8]) -> Self {
        Self::try_read(section).unwrap_or_default()
    }

    fn try_read(section: &'a [u8]) -> Option<Self> {
        let (blocks, rest) = U32::ref_from_prefix(section).ok()?;
        let blocks = blocks.get() as usize;
        let (first, rest) = <[U32]>::ref_from_prefix_with_elems(rest, blocks).ok()?;
        let (start, payload) = <[U32]>::ref_from_prefix_with_elems(rest, blocks).ok()?;
        Some(Self { first, start, payload })
    }

    /// Returns all blocks in order: the offset of the first row, and the payload.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u32, Reader<'a>)> {
        let block = move |(number, first): (usize, &U32)| self.payload(number).map(|payload| (first.get(), payload));
        self.first.iter().enumerate().map_while(block)
    }

    /// Returns the payload of a block.
    fn payload(&self, block: usize) -> Option<Reader<'a>> {
        let start = self.start.get(block)?.get() as usize;
        let end = self
            .start
            .get(block + 1)
            .map_or(self.payload.len(), |end| end.get() as usize);
        Some(Reader(self.payload.get(start..end)?))
    }

    /// Returns the block that contains the last row that is not after `offset`: the offset of the block's first row, and its
    /// payload. `None` if all rows are after `offset`.
    pub(crate) fn find(&self, offset: u32) -> Option<(u32, Reader<'a>)> {
        let block = self
            .first
            .partition_point(|first| first.get() <= offset)
            .checked_sub(1)?;
        Some((self.first.get(block)?.get(), self.payload(block)?))
    }
}

/// Appends a number in LEB128: groups of seven bits, the lowest first, with the highest bit set in each byte but the last.
pub(crate) fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Reads the payload of a block.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// Returns the next byte, or `None` at the end.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// Returns the next number that [`push_varint`] wrote. `None` at the end, and for a number of more than 63 bits.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

/// Calls `lookup` with copies of a section in which one byte is damaged or which are truncated, and with offsets of all sizes.
#[cfg(test)]
pub(crate) fn each_damage(section: &[u8], lookup: impl Fn(&[u8], u32)) {
    for at in 0..section.len() {
        let mut damaged = section.to_vec();
        damaged[at] ^= 0xff;
        for section in [&damaged[..], &section[..at]] {
            for offset in [0, 100, 100_000, 1_000_000, u32::MAX] {
                lookup(section, offset);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_round_trip() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), (1 << 63) - 1] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            let mut reader = Reader(&bytes);
            assert_eq!((reader.varint(), reader.byte()), (Some(number), None));
        }
        assert_eq!(Reader(&[0x80; 20]).varint(), None);
    }
}
