//! Sorted rows in compressed blocks: what traps and address map have in common.
//!
//! ```text
//! blocks: u32 │ first: [u32; blocks] │ start: [u32; blocks] │ payload
//! ```
//!
//! The rows are sorted by an offset in the text. Up to [`BLOCK`] of them make a block: `first` is the offset of the block's
//! first row, `start` where in the payload the block begins. A lookup searches `first` in place, then reads one block from
//! its beginning. What a block consists of is for the section to say; numbers in it are [`push_varint`]s.
//!
//! Lookups run in signal handlers: they neither allocate nor panic, whatever the bytes.

use zerocopy::FromBytes;
use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

/// Rows in a block: a lookup decodes half as many on average, and the index costs 8 bytes for each block.
const BLOCK: usize = 128;

/// Writes blocks.
#[derive(Debug, Default)]
pub(crate) struct BlocksBuilder {
    first: Vec<U32>,
    start: Vec<U32>,
    payload: Vec<u8>,
    /// Rows in the last block.
    rows: usize,
}

impl BlocksBuilder {
    /// Counts a row at `offset`, and says whether it begins a block. The caller then appends it to the payload.
    ///
    /// # Panics
    /// When the payload exceeds 4 GiB: whoever links keeps every section far below that.
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

    /// The payload, to append a row to.
    pub(crate) fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.payload
    }

    /// Size of the section in bytes.
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
    /// The blocks of a section; none where it is damaged.
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

    /// All blocks, in their order: the offset of the first row, and the payload.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u32, Reader<'a>)> {
        let block = move |(number, first): (usize, &U32)| self.payload(number).map(|payload| (first.get(), payload));
        self.first.iter().enumerate().map_while(block)
    }

    /// The payload of a block.
    fn payload(&self, block: usize) -> Option<Reader<'a>> {
        let start = self.start.get(block)?.get() as usize;
        let end = self
            .start
            .get(block + 1)
            .map_or(self.payload.len(), |end| end.get() as usize);
        Some(Reader(self.payload.get(start..end)?))
    }

    /// The block whose rows may include the greatest one that is not after `offset`: the offset of its first row, and its
    /// payload. `None` where all rows are after `offset`.
    pub(crate) fn find(&self, offset: u32) -> Option<(u32, Reader<'a>)> {
        let block = self
            .first
            .partition_point(|first| first.get() <= offset)
            .checked_sub(1)?;
        Some((self.first.get(block)?.get(), self.payload(block)?))
    }
}

/// Appends a number in groups of seven bits, lowest first, each but the last with the highest bit set (LEB128).
pub(crate) fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Takes a block's payload apart.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// The next byte.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// The next number that [`push_varint`] wrote. `None` at the end, and for a number of more than 63 bits.
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

/// Calls `lookup` with every damage of one byte and every cut of a section, and with offsets of all sizes.
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
