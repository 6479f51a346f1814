//! Bounds checks: they keep accesses inside memories and tables. The sandbox depends on this file.
//!
//! Input: an index of 32 or 64 bits, a static offset and a size. Output: an address that is safe to access.
//!
//! The *end* of an access is its static offset plus its size. What the checks rely on:
//!
//! - A guarded memory has [`RESERVATION`](wrun_artifact::config::RESERVATION) or [`RESERVATION_64`] bytes of address space, by its
//!   index type, and [`GUARD_SIZE`] bytes behind them. It never moves. What lies behind its length there is not accessible, if the
//!   length is whole pages of the machine: wasm's own pages of 64 KiB are, pages of 1 byte are not.
//! - A memory with 64-bit indices has at most [`RESERVATION_64`] bytes, guarded or not, one with 32-bit indices at most 2^32.
//!
//! | memory | end | check |
//! |---|---|---|
//! | guarded, 32-bit, 64 KiB pages | at most the guard | none: the access is inside of the reservation and its guard |
//! | guarded, 64-bit, 64 KiB pages | at most the guard | the index is compared with the reservation: then the same holds |
//! | any other, 32-bit | any | index + end is compared with the length. Index and end are below 2^33 |
//! | any other, 64-bit | at most the reservation | the same with the lesser of index and length: both numbers are at most 2^36 |
//! | 64-bit | more, or more than 64 bits | none: the access always traps |
//!
//! So no sum that is compared can overflow. The sum that is the address can, but then the comparison has failed.
//!
//! A failed comparison selects the address 0 and does not branch. The access then faults on the null page, with its own trap
//! code, and speculative execution cannot read anything either. For this reason the static offset is added before the
//! selection. Offsets that are added after it are small: entries of tables have at most 32 bytes.
//!
//! An index into a table is compared with the length in the table's index type. A length is below 2^32.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Value, types};
use wasmparser::MemArg;
use wrun_artifact::TrapCode;
use wrun_artifact::config::{GUARD_SIZE, MemoryMode, RESERVATION_64};
use wrun_artifact::index::{Index, MemoryIndex, TableIndex};
use wrun_artifact::types::{IndexType, PageSize};
use wrun_artifact::vmlayout::{memory, table};

use super::Translator;
use super::abi::POINTER;
use super::environ::Region;
use super::memory::Address;
use super::trap;

impl Translator<'_> {
    /// Extends an index, or a length in the same type, to 64 bits.
    pub(super) fn index_to_i64(&mut self, ty: IndexType, index: Value) -> Value {
        match ty {
            IndexType::I32 => self.widen(index),
            IndexType::I64 => index,
        }
    }

    /// Converts 64 bits to an index, or to a length in the same type. For `i32` the value is below 2^32, or -1 for a failure.
    pub(super) fn index_from_i64(&mut self, ty: IndexType, index: Value) -> Value {
        match ty {
            IndexType::I32 => self.builder.ins().ireduce(types::I32, index),
            IndexType::I64 => index,
        }
    }

    /// Returns the address of an access of `size` bytes, which is not 0, at `index`, an operand of the memory's index type, plus
    /// the static offset of `memarg`.
    pub(super) fn address(&mut self, memarg: &MemArg, index: Value, size: u32) -> Address {
        let memory = MemoryIndex::from_u32(memarg.memory);
        let ty = self.env.facts.memories[memory];
        let flags = self.memory_flags(memory);
        let base = self.memory_base(memory);
        let index = self.index_to_i64(ty.index, index);
        let end = memarg.offset.checked_add(size.into());
        let in_guard = self.env.config.memory == MemoryMode::Guarded
            && ty.page == PageSize::Default
            && end.is_some_and(|end| end <= GUARD_SIZE);
        let (index, outside) = match (ty.index, end) {
            (IndexType::I32, _) if in_guard => {
                return Address {
                    flags,
                    base: self.builder.ins().iadd(base, index),
                    offset: i32::try_from(memarg.offset).expect("the guard is smaller than 2 GiB"),
                };
            }
            (IndexType::I64, _) if in_guard => {
                let most = self.builder.ins().iconst(types::I64, RESERVATION_64.cast_signed());
                let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, index, most);
                (index, outside)
            }
            (IndexType::I32, Some(end)) => {
                let length = self.memory_length(memory);
                let end = self.plus(index, end);
                let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length);
                (index, outside)
            }
            (IndexType::I64, Some(end)) if end <= RESERVATION_64 => {
                let length = self.memory_length(memory);
                let index = self.builder.ins().umin(index, length);
                let end = self.plus(index, end);
                let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length);
                (index, outside)
            }
            // No memory is so large.
            (_, _) => {
                return Address {
                    flags,
                    base: self.builder.ins().iconst(POINTER, 0),
                    offset: 0,
                };
            }
        };
        let address = self.builder.ins().iadd(base, index);
        let address = self.plus(address, memarg.offset);
        Address {
            flags,
            base: self.null_if(outside, address),
            offset: 0,
        }
    }

    /// Returns the flags of an access to a memory's bytes.
    fn memory_flags(&mut self, memory: MemoryIndex) -> MemFlagsData {
        if let (0, Some(flags)) = (memory.index(), self.known.memory_flags) {
            return flags;
        }
        let flags = MemFlagsData::new()
            .with_trap_code(Some(trap::to_clif(TrapCode::MemoryOutOfBounds)))
            .with_endianness(Endianness::Little)
            .with_alias_region(Some(self.alias_region(Region::Memory(memory))));
        if memory.index() == 0 {
            self.known.memory_flags = Some(flags);
        }
        flags
    }

    /// Returns the current length of a memory in bytes, as an `i64`.
    pub(super) fn memory_length(&mut self, memory: MemoryIndex) -> Value {
        let (definition, offset) = self.memory_definition(memory);
        let flags = self.variable(Region::MemoryDefinition(memory)).with_aligned();
        self.builder
            .ins()
            .load(types::I64, flags, definition, offset + memory::LENGTH)
    }

    /// Returns the address of a memory's first byte.
    fn memory_base(&mut self, memory: MemoryIndex) -> Value {
        if self.env.layout.memory_at_vmctx() && memory.index() == 0 {
            return self.vmctx;
        }
        let (definition, offset) = self.memory_definition(memory);
        // A guarded memory never moves. A checked memory may move when it grows.
        let flags = match self.env.config.memory {
            MemoryMode::Guarded => self.constant(Region::MemoryDefinition(memory)),
            MemoryMode::Checked => self.variable(Region::MemoryDefinition(memory)),
        };
        self.builder
            .ins()
            .load(POINTER, flags.with_aligned(), definition, offset + memory::BASE)
    }

    /// Returns the place of a memory's base and length: an address and an offset.
    fn memory_definition(&mut self, memory: MemoryIndex) -> (Value, i32) {
        let layout = self.env.layout;
        match layout.memory_is_defined(memory) {
            Some(defined) => (self.vmctx, layout.defined_memory(defined)),
            None => (self.fixed_pointer(layout.imported_memory(memory)), 0),
        }
    }

    /// Returns the current length of a table in entries, in the table's index type.
    pub(super) fn table_length(&mut self, table: TableIndex) -> Value {
        let index = self.env.facts.tables[table].ty.index;
        if let Some(length) = self.env.facts.tables[table].fixed_len {
            let ty = match index {
                IndexType::I32 => types::I32,
                IndexType::I64 => types::I64,
            };
            return self.builder.ins().iconst(ty, i64::from(length));
        }
        let (definition, offset) = self.table_definition(table);
        let flags = self.variable(Region::TableDefinition(table)).with_aligned();
        let length = self
            .builder
            .ins()
            .load(types::I64, flags, definition, offset + table::LENGTH);
        self.index_from_i64(index, length)
    }

    /// Returns the address of the entry of a table at `index`, of the table's index type. The address is 0 if the index is out
    /// of bounds.
    pub(super) fn table_entry(&mut self, table: TableIndex, index: Value) -> Value {
        let facts = &self.env.facts.tables[table];
        let length = self.table_length(table);
        let outside = self
            .builder
            .ins()
            .icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
        let (definition, offset) = self.table_definition(table);
        // A table that never grows does not move.
        let flags = match facts.fixed_len {
            Some(_) => self.constant(Region::TableDefinition(table)),
            None => self.variable(Region::TableDefinition(table)),
        };
        let base = self
            .builder
            .ins()
            .load(POINTER, flags.with_aligned(), definition, offset + table::BASE);
        let index = self.index_to_i64(facts.ty.index, index);
        let shift = facts.form.entry_size().trailing_zeros();
        let scaled = self.builder.ins().ishl_imm_u(index, i64::from(shift));
        let entry = self.builder.ins().iadd(base, scaled);
        self.null_if(outside, entry)
    }

    /// Returns the place of a table's base and length: an address and an offset.
    fn table_definition(&mut self, table: TableIndex) -> (Value, i32) {
        let layout = self.env.layout;
        match layout.table_is_defined(table) {
            Some(defined) => (self.vmctx, layout.defined_table(defined)),
            None => (self.fixed_pointer(layout.imported_table(table)), 0),
        }
    }

    /// Returns the flags of the first access to an entry from [`Self::table_entry`]. This access traps if the index is out of
    /// bounds.
    pub(super) fn entry_flags(&mut self, table: TableIndex, code: TrapCode) -> MemFlagsData {
        self.variable(Region::Table(table))
            .with_trap_code(Some(trap::to_clif(code)))
    }

    fn null_if(&mut self, outside: Value, address: Value) -> Value {
        let null = self.builder.ins().iconst(POINTER, 0);
        self.builder.ins().select_spectre_guard(outside, null, address)
    }

    fn plus(&mut self, value: Value, amount: u64) -> Value {
        self.builder.ins().iadd_imm_u(value, amount.cast_signed())
    }
}
