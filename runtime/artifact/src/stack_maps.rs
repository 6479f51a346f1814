//! The stack maps: the places of references to host objects in a function's frame during its calls.
//!
//! ```text
//! rows: u32 │ return address: [u32; rows] │ end: [u32; rows] │ slot: [u32; …]
//! ```
//!
//! Each row belongs to a call. Its return address is the offset in the text of the instruction after the call, and the rows are
//! sorted by it. The slots of row `n` are `slot[end[n - 1]..end[n]]`. A slot is a distance in bytes: the eight bytes at `frame
//! pointer - slot` are a reference that the function uses after the call. A call without such references has no row, and a
//! module without such calls has an empty section.
//!
//! Rows have a fixed size, so a lookup is a binary search in the mapped file. A lookup never panics, even if the bytes are
//! damaged.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

/// Collects the stack maps, one call after the other.
#[derive(Debug, Default)]
pub struct StackMapsBuilder {
    return_addresses: Vec<U32>,
    ends: Vec<U32>,
    slots: Vec<U32>,
}

impl StackMapsBuilder {
    /// Makes an empty section.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a slot of the call that returns to the offset `return_address` of the text. The reference lies `slot` bytes below
    /// the frame pointer.
    ///
    /// # Panics
    /// If `return_address` is less than that of the previous slot.
    pub fn push(&mut self, return_address: u32, slot: u32) {
        let last = self.return_addresses.last().map(|last| last.get());
        assert!(last <= Some(return_address), "rows come by rising return address");
        if last != Some(return_address) {
            self.return_addresses.push(U32::new(return_address));
            self.ends.push(U32::ZERO);
        }
        self.slots.push(U32::new(slot));
        let end = u32::try_from(self.slots.len()).expect("the linker bounds every section");
        *self.ends.last_mut().expect("a row was pushed") = U32::new(end);
    }

    /// Returns the size of the section in bytes.
    pub fn size(&self) -> usize {
        match self.slots.len() {
            0 => 0,
            slots => 4 + 8 * self.ends.len() + 4 * slots,
        }
    }

    /// Appends the section to `out`.
    pub fn finish(&self, out: &mut Vec<u8>) {
        if self.slots.is_empty() {
            return;
        }
        let rows = u32::try_from(self.ends.len()).expect("no more than slots");
        out.reserve(self.size());
        out.extend_from_slice(&rows.to_le_bytes());
        for part in [&self.return_addresses, &self.ends, &self.slots] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// The stack maps, searched in place.
#[derive(Copy, Clone, Debug, Default)]
pub struct StackMaps<'a> {
    return_addresses: &'a [U32],
    ends: &'a [U32],
    slots: &'a [U32],
}

impl<'a> StackMaps<'a> {
    /// Reads a section. It is empty if the bytes are damaged.
    pub fn read(section: &'a [u8]) -> Self {
        Self::try_read(section).unwrap_or_default()
    }

    fn try_read(section: &'a [u8]) -> Option<Self> {
        let (rows, rest) = U32::ref_from_prefix(section).ok()?;
        let rows = rows.get() as usize;
        let (return_addresses, rest) = <[U32]>::ref_from_prefix_with_elems(rest, rows).ok()?;
        let (ends, rest) = <[U32]>::ref_from_prefix_with_elems(rest, rows).ok()?;
        let (slots, _) = <[U32]>::ref_from_prefix_with_elems(rest, rest.len() / 4).ok()?;
        Some(Self {
            return_addresses,
            ends,
            slots,
        })
    }

    /// Returns true if no call has a row.
    pub fn is_empty(&self) -> bool {
        self.return_addresses.is_empty()
    }

    /// Returns the slots of the call that returns to this offset of the text, as distances below the frame pointer in bytes.
    /// The result is empty for a call without a row.
    pub fn lookup(&self, return_address: u32) -> impl Iterator<Item = u32> + use<'a> {
        self.row(return_address)
            .unwrap_or_default()
            .iter()
            .map(|slot| slot.get())
    }

    fn row(&self, return_address: u32) -> Option<&'a [U32]> {
        let row = self
            .return_addresses
            .binary_search_by_key(&return_address, |row| row.get());
        let row = row.ok()?;
        let start = match row.checked_sub(1) {
            Some(before) => self.ends.get(before)?.get() as usize,
            None => 0,
        };
        self.slots.get(start..self.ends.get(row)?.get() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compact::each_damage;

    /// Returns rows of calls with one to five slots.
    fn rows() -> Vec<(u32, Vec<u32>)> {
        (0..300_u32)
            .map(|row| {
                (
                    9 + row * 7,
                    (0..1 + row % 5).map(|slot| 8 + slot * 16 + row % 3).collect(),
                )
            })
            .collect()
    }

    fn encode(rows: &[(u32, Vec<u32>)]) -> Vec<u8> {
        let mut builder = StackMapsBuilder::new();
        for (return_address, slots) in rows {
            for slot in slots {
                builder.push(*return_address, *slot);
            }
        }
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        assert_eq!(bytes.len(), builder.size());
        bytes
    }

    #[test]
    fn exactly_the_rows_are_found() {
        let rows = rows();
        let bytes = encode(&rows);
        let maps = StackMaps::read(&bytes);
        let expected: std::collections::HashMap<_, _> = rows.iter().cloned().collect();
        for offset in 0..rows.last().expect("some").0 + 10 {
            let found: Vec<_> = maps.lookup(offset).collect();
            assert_eq!(found, expected.get(&offset).cloned().unwrap_or_default(), "at {offset}");
        }
        assert_eq!(maps.lookup(u32::MAX).count(), 0);
        assert!(!maps.is_empty());
    }

    #[test]
    fn a_module_without_references_has_an_empty_section() {
        assert_eq!(encode(&[]), []);
        let maps = StackMaps::read(&[]);
        assert!(maps.is_empty());
        assert_eq!(maps.lookup(0).count(), 0);
    }

    #[test]
    #[should_panic(expected = "rising return address")]
    fn rows_out_of_order_are_refused() {
        encode(&[(8, vec![8]), (4, vec![8])]);
    }

    #[test]
    fn damaged_bytes_do_not_panic() {
        each_damage(&encode(&rows()[..20]), |section, offset| {
            let maps = StackMaps::read(section);
            for offset in [offset, 9, 16, 9 + 19 * 7] {
                let _ = maps.lookup(offset).count();
            }
        });
    }
}
