//! Table instructions (spec 4.4.6).
//!
//! Input: operands. Output: inline accesses if the table's form allows them, otherwise libcalls. The form and other facts about
//! a table come from the scan over the whole module.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use wasmparser::Operator as Op;
use wrun_artifact::TrapCode;
use wrun_artifact::index::TableIndex;
use wrun_artifact::vmlayout::{Libcall, TableForm, shared_entry};

use super::Translator;
use super::abi::POINTER;
use super::environ::Region;
use crate::error::Failure;

impl Translator<'_> {
    /// Translates an instruction of this family. Returns false for other instructions.
    pub(super) fn table_operator(&mut self, op: &Op<'_>) -> Result<bool, Failure> {
        match op {
            Op::TableGet { table } => {
                let index = self.pop1();
                let reference = self.table_get(TableIndex::from_u32(*table), index);
                self.push(reference);
            }
            Op::TableSet { table } => {
                let (index, reference) = self.pop2();
                self.table_set(TableIndex::from_u32(*table), index, reference)?;
            }
            Op::TableSize { table } => {
                let length = self.table_length(TableIndex::from_u32(*table));
                self.push(length);
            }
            Op::TableGrow { table } => {
                let (reference, delta) = self.pop2();
                let index = TableIndex::from_u32(*table);
                let delta = self.table_index_to_i64(index, delta);
                let table = self.index_const(*table);
                let old = self
                    .libcall(Libcall::TableGrow, &[table, delta, reference])
                    .expect("has a result");
                let old = self.index_from_i64(self.env.facts.tables[index].ty.index, old);
                self.push(old);
            }
            Op::TableFill { table } => {
                let (destination, reference, length) = self.pop3();
                let index = TableIndex::from_u32(*table);
                let destination = self.table_index_to_i64(index, destination);
                let length = self.table_index_to_i64(index, length);
                let table = self.index_const(*table);
                self.libcall(Libcall::TableFill, &[table, destination, reference, length]);
            }
            Op::TableCopy { dst_table, src_table } => {
                let (destination, source, length) = self.pop3();
                let (to, from) = (TableIndex::from_u32(*dst_table), TableIndex::from_u32(*src_table));
                let destination = self.table_index_to_i64(to, destination);
                let source = self.table_index_to_i64(from, source);
                // The length has the narrower type.
                let tables = &self.env.facts.tables;
                let narrower = tables[to].ty.index.min(tables[from].ty.index);
                let length = self.index_to_i64(narrower, length);
                let (to, from) = (self.index_const(*dst_table), self.index_const(*src_table));
                self.libcall(Libcall::TableCopy, &[to, from, destination, source, length]);
            }
            Op::TableInit { elem_index, table } => {
                // Source and length refer to the segment and have 32 bits.
                let (destination, source, length) = self.pop3();
                let destination = self.table_index_to_i64(TableIndex::from_u32(*table), destination);
                let (table, segment) = (self.index_const(*table), self.index_const(*elem_index));
                self.libcall(Libcall::TableInit, &[table, segment, destination, source, length]);
            }
            Op::ElemDrop { elem_index } => {
                let segment = self.index_const(*elem_index);
                self.libcall(Libcall::ElemDrop, &[segment]);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn table_get(&mut self, table: TableIndex, index: Value) -> Value {
        match self.env.facts.tables[table].form {
            TableForm::Extern => {
                let entry = self.table_entry(table, index);
                let flags = self.entry_flags(table, TrapCode::TableOutOfBounds);
                let reference = self.builder.ins().load(POINTER, flags, entry, 0);
                self.track(self.env.facts.tables[table].ty.element, reference);
                reference
            }
            TableForm::Shared => self.shared_get(table, index),
            TableForm::Private => self.slow_get(table, index),
        }
    }

    /// Loads an entry of a shared table. An entry that is not filled yet is filled by the runtime first.
    fn shared_get(&mut self, table: TableIndex, index: Value) -> Value {
        let entry = self.table_entry(table, index);
        let flags = self.entry_flags(table, TrapCode::TableOutOfBounds);
        let found = self.builder.ins().load(POINTER, flags, entry, shared_entry::REFERENCE);
        let limit = shared_entry::WRITTEN_NULL;
        let is_reference = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, found, limit);
        let (unusual, unfilled, next) = (self.cold_block(), self.cold_block(), self.builder.create_block());
        let reference = self.builder.append_block_param(next, POINTER);
        self.builder
            .ins()
            .brif(is_reference, next, &[found.into()], unusual, &[]);

        self.builder.seal_block(unusual);
        self.builder.switch_to_block(unusual);
        let null = self.builder.ins().iconst(POINTER, 0);
        self.builder.ins().brif(found, next, &[null.into()], unfilled, &[]);

        self.builder.seal_block(unfilled);
        self.builder.switch_to_block(unfilled);
        let filled = self.slow_get(table, index);
        self.builder.ins().jump(next, &[filled.into()]);

        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        reference
    }

    fn slow_get(&mut self, table: TableIndex, index: Value) -> Value {
        let index = self.table_index_to_i64(table, index);
        let table = self.index_const(table.as_u32());
        self.libcall(Libcall::TableGet, &[table, index]).expect("has a result")
    }

    fn table_set(&mut self, table: TableIndex, index: Value, reference: Value) -> Result<(), Failure> {
        match self.env.facts.tables[table].form {
            TableForm::Extern => {
                let entry = self.table_entry(table, index);
                let flags = self.entry_flags(table, TrapCode::TableOutOfBounds);
                self.builder.ins().store(flags, reference, entry, 0);
            }
            TableForm::Shared => {
                let index = self.table_index_to_i64(table, index);
                let table = self.index_const(table.as_u32());
                self.libcall(Libcall::TableSet, &[table, index, reference]);
            }
            TableForm::Private => return Err(Failure::bug("a private table is written")),
        }
        Ok(())
    }

    /// Extends an index into a table, or a number of its entries, to 64 bits.
    pub(super) fn table_index_to_i64(&mut self, table: TableIndex, index: Value) -> Value {
        self.index_to_i64(self.env.facts.tables[table].ty.index, index)
    }

    /// Returns the flags of an access to an entry after the first one, for which [`Translator::entry_flags`] is.
    pub(super) fn checked_entry_flags(&mut self, table: TableIndex) -> MemFlagsData {
        self.variable(Region::Table(table))
    }
}
