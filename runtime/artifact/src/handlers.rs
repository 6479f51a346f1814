//! The section of exception handlers: the place where a function continues when a call in it throws an exception.
//!
//! Input: handlers in the order of their calls, or the bytes of the section. Output: the other of the two. Must not hold: tags,
//! how frames are found.
//!
//! ```text
//! rows: u32 │ return address: [u32; rows] │ landing: [u32; rows] │ depth: [u32; rows]
//! ```
//!
//! A row belongs to a call inside a `try_table` or `try`. The return address is the offset in the text of the instruction after
//! the call. Rows are sorted by it. The landing is the offset in the text of the code that handles the exception. At its
//! beginning the frame pointer is that of the function, and the stack pointer is `depth` bytes below the frame pointer. Calls
//! outside such blocks have no row. A module without handlers has an empty section.
//!
//! Rows have a fixed size, so a lookup is a binary search in the mapped file. A lookup does not panic, whatever the bytes are.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

/// The place where a function continues after a call that has thrown an exception.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Handler {
    /// Offset of the landing in the text.
    pub landing: u32,
    /// Distance in bytes of the stack pointer below the frame pointer at the landing.
    pub depth: u32,
}

/// Collects the handlers of one call after the other.
#[derive(Debug, Default)]
pub struct HandlersBuilder {
    return_addresses: Vec<U32>,
    landings: Vec<U32>,
    depths: Vec<U32>,
}

impl HandlersBuilder {
    /// Makes an empty section.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handler of the call that returns to the offset `return_address` of the text.
    ///
    /// # Panics
    /// Panics if `return_address` is not above that of the call before. Functions must be placed one after the other.
    pub fn push(&mut self, return_address: u32, handler: Handler) {
        let last = self.return_addresses.last().map(|last| last.get());
        assert!(last < Some(return_address), "rows come by rising return address");
        self.return_addresses.push(U32::new(return_address));
        self.landings.push(U32::new(handler.landing));
        self.depths.push(U32::new(handler.depth));
    }

    /// Returns the size of the section in bytes.
    pub fn size(&self) -> usize {
        match self.return_addresses.len() {
            0 => 0,
            rows => 4 + 12 * rows,
        }
    }

    /// Appends the section to `out`.
    pub fn finish(&self, out: &mut Vec<u8>) {
        if self.return_addresses.is_empty() {
            return;
        }
        let rows = u32::try_from(self.return_addresses.len()).expect("the linker bounds every section");
        out.reserve(self.size());
        out.extend_from_slice(&rows.to_le_bytes());
        for part in [&self.return_addresses, &self.landings, &self.depths] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// The handlers, searched in place.
#[derive(Copy, Clone, Debug, Default)]
pub struct Handlers<'a> {
    return_addresses: &'a [U32],
    landings: &'a [U32],
    depths: &'a [U32],
}

impl<'a> Handlers<'a> {
    /// Reads the section with these bytes. A damaged section counts as empty.
    pub fn read(section: &'a [u8]) -> Self {
        Self::try_read(section).unwrap_or_default()
    }

    fn try_read(section: &'a [u8]) -> Option<Self> {
        let (rows, rest) = U32::ref_from_prefix(section).ok()?;
        let rows = rows.get() as usize;
        let (return_addresses, rest) = <[U32]>::ref_from_prefix_with_elems(rest, rows).ok()?;
        let (landings, rest) = <[U32]>::ref_from_prefix_with_elems(rest, rows).ok()?;
        let (depths, _) = <[U32]>::ref_from_prefix_with_elems(rest, rows).ok()?;
        Some(Self {
            return_addresses,
            landings,
            depths,
        })
    }

    /// Returns the number of calls with a handler.
    pub fn len(&self) -> usize {
        self.return_addresses.len()
    }

    /// Returns true if no call has a handler.
    pub fn is_empty(&self) -> bool {
        self.return_addresses.is_empty()
    }

    /// Returns the handler of the call that returns to this offset of the text.
    pub fn lookup(&self, return_address: u32) -> Option<Handler> {
        let row = self
            .return_addresses
            .binary_search_by_key(&return_address, |row| row.get())
            .ok()?;
        Some(Handler {
            landing: self.landings.get(row)?.get(),
            depth: self.depths.get(row)?.get(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compact::each_damage;

    fn handler(row: u32) -> Handler {
        Handler {
            landing: 7 * row + 3,
            depth: 16 * (row % 5),
        }
    }

    fn encode(rows: u32) -> Vec<u8> {
        let mut builder = HandlersBuilder::new();
        for row in 0..rows {
            builder.push(5 + 3 * row, handler(row));
        }
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        assert_eq!(bytes.len(), builder.size());
        bytes
    }

    #[test]
    fn exactly_the_rows_are_found() {
        let bytes = encode(300);
        let handlers = Handlers::read(&bytes);
        assert_eq!(handlers.len(), 300);
        for offset in 0..1000_u32 {
            let row = offset.checked_sub(5).filter(|at| at % 3 == 0).map(|at| at / 3);
            let expected = row.filter(|row| *row < 300).map(handler);
            assert_eq!(handlers.lookup(offset), expected, "at {offset}");
        }
        assert_eq!(handlers.lookup(u32::MAX), None);
    }

    #[test]
    fn a_module_that_catches_nothing_has_an_empty_section() {
        assert_eq!(encode(0), []);
        assert!(Handlers::read(&[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "rising return address")]
    fn rows_out_of_order_are_refused() {
        let mut builder = HandlersBuilder::new();
        builder.push(8, handler(0));
        builder.push(8, handler(1));
    }

    #[test]
    fn damaged_bytes_do_not_panic() {
        each_damage(&encode(20), |section, offset| {
            let handlers = Handlers::read(section);
            for offset in [offset, 5, 8, 62] {
                let _ = handlers.lookup(offset);
            }
        });
    }
}
