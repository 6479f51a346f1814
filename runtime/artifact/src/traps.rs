//! The trap section: the instructions of the text that can trap, with their trap codes.
//!
//! [`crate::compact`] describes the blocks. This is the payload of a block:
//!
//! ```text
//! code: u8 │ row │ row │ …        the block's first row is its offset in the index, and this code
//! row: varint (distance to the row before) * 2 + changed │ if changed, code: u8
//! ```
//!
//! Most rows are memory accesses a few bytes apart and take one byte.

use crate::TrapCode;
use crate::compact::{Blocks, BlocksBuilder, push_varint};

/// Collects the trap section, row by row.
#[derive(Debug, Default)]
pub struct TrapsBuilder {
    blocks: BlocksBuilder,
    last: Option<(u32, TrapCode)>,
}

impl TrapsBuilder {
    /// Makes an empty section.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row: the instruction at `offset` of the text traps with `code`. If an instruction has several codes, the first
    /// one counts.
    ///
    /// # Panics
    /// If `offset` is less than that of the previous row.
    pub fn push(&mut self, offset: u32, code: TrapCode) {
        let last = self.last.unwrap_or((0, code));
        let distance = offset.checked_sub(last.0).expect("rows come by rising offset");
        if self.last.is_some() && distance == 0 {
            return;
        }
        if self.blocks.row(offset) {
            self.blocks.payload().push(code.code());
        } else {
            let changed = code != last.1;
            push_varint(self.blocks.payload(), u64::from(distance) * 2 + u64::from(changed));
            if changed {
                self.blocks.payload().push(code.code());
            }
        }
        self.last = Some((offset, code));
    }

    /// Returns the size of the section in bytes.
    pub fn size(&self) -> usize {
        self.blocks.size()
    }

    /// Appends the section to `out`.
    pub fn finish(self, out: &mut Vec<u8>) {
        self.blocks.finish(out);
    }
}

/// A trap section, searched in place.
#[derive(Copy, Clone, Debug, Default)]
pub struct Traps<'a>(Blocks<'a>);

impl<'a> Traps<'a> {
    /// Reads a section. It is empty if the bytes are damaged.
    pub fn read(section: &'a [u8]) -> Self {
        Self(Blocks::read(section))
    }

    /// Returns the trap code of the instruction at `offset` of the text, or `None` if it cannot trap. Signal handlers may call
    /// this.
    pub fn lookup(&self, offset: u32) -> Option<TrapCode> {
        let (first, mut rows) = self.0.find(offset)?;
        let mut at = u64::from(first);
        let mut code = rows.byte()?;
        while at < u64::from(offset) {
            let row = rows.varint()?;
            at = at.checked_add(row / 2)?;
            if row % 2 == 1 {
                code = rows.byte()?;
            }
        }
        TrapCode::from_u8(code).filter(|_| at == u64::from(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compact::each_damage;

    /// Returns rows for several blocks, with distances that take one to three bytes, and with every code.
    fn rows() -> Vec<(u32, TrapCode)> {
        let mut at = 5;
        (0..1000_u32)
            .map(|i| {
                at += [1, 4, 63, 64, 9000, 7][i as usize % 6];
                let code = if i % 5 == 0 {
                    TrapCode::ALL[i as usize % TrapCode::ALL.len()]
                } else {
                    TrapCode::MemoryOutOfBounds
                };
                (at, code)
            })
            .collect()
    }

    fn encode(rows: &[(u32, TrapCode)]) -> Vec<u8> {
        let mut builder = TrapsBuilder::new();
        for (offset, code) in rows {
            builder.push(*offset, *code);
        }
        let mut bytes = Vec::new();
        let size = builder.size();
        builder.finish(&mut bytes);
        assert_eq!(bytes.len(), size);
        bytes
    }

    #[test]
    fn exactly_the_rows_are_found() {
        let rows = rows();
        let bytes = encode(&rows);
        let traps = Traps::read(&bytes);
        let expected: std::collections::HashMap<_, _> = rows.iter().copied().collect();
        for offset in 0..rows.last().expect("some").0 + 10 {
            assert_eq!(traps.lookup(offset), expected.get(&offset).copied(), "at {offset}");
        }
        assert_eq!(traps.lookup(u32::MAX), None);
    }

    #[test]
    fn an_empty_section_has_no_traps() {
        assert_eq!(Traps::read(&encode(&[])).lookup(0), None);
        assert_eq!(Traps::default().lookup(0), None);
    }

    #[test]
    fn the_first_code_of_an_instruction_counts() {
        let bytes = encode(&[
            (0, TrapCode::Unreachable),
            (0, TrapCode::Interrupt),
            (9, TrapCode::Interrupt),
        ]);
        let traps = Traps::read(&bytes);
        assert_eq!(
            [0, 9].map(|at| traps.lookup(at)),
            [Some(TrapCode::Unreachable), Some(TrapCode::Interrupt)]
        );
    }

    #[test]
    fn memory_accesses_take_less_than_two_bytes() {
        let rows: Vec<_> = (0..10_000).map(|i| (i * 9, TrapCode::MemoryOutOfBounds)).collect();
        assert!(encode(&rows).len() < 2 * rows.len());
    }

    #[test]
    fn damaged_bytes_do_not_panic() {
        each_damage(&encode(&rows()), |section, offset| {
            let _ = Traps::read(section).lookup(offset);
        });
    }
}
