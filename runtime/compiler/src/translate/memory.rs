//! Memory instructions (spec 4.4.7).
//!
//! Input: operands and the static parts (`memarg`) of an instruction. Output: loads and stores at addresses from `bounds`, and
//! libcalls for instructions on many bytes.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use wasmparser::{MemArg, Operator as Op};
use wrun_artifact::index::MemoryIndex;
use wrun_artifact::types::{IndexType, PageSize};
use wrun_artifact::vmlayout::Libcall;

use super::Translator;

/// Address of an access: everything that a load or store needs besides its type.
#[derive(Copy, Clone)]
pub(super) struct Address {
    /// Flags: little-endian, with the memory's alias region and trap code.
    pub(super) flags: MemFlagsData,
    /// The address, without the offset.
    pub(super) base: Value,
    /// The offset for the instruction.
    pub(super) offset: i32,
}

impl Translator<'_> {
    /// Translates an instruction of this family. Returns false for other instructions.
    pub(super) fn memory_operator(&mut self, op: &Op<'_>) -> bool {
        match op {
            Op::I32Load { memarg } => self.load(memarg, types::I32),
            Op::I64Load { memarg } => self.load(memarg, types::I64),
            Op::F32Load { memarg } => self.load(memarg, types::F32),
            Op::F64Load { memarg } => self.load(memarg, types::F64),
            Op::I32Load8S { memarg } => {
                let at = self.pop_address(memarg, 1);
                let value = self.builder.ins().sload8(types::I32, at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I32Load8U { memarg } => {
                let at = self.pop_address(memarg, 1);
                let value = self.builder.ins().uload8(types::I32, at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I32Load16S { memarg } => {
                let at = self.pop_address(memarg, 2);
                let value = self.builder.ins().sload16(types::I32, at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I32Load16U { memarg } => {
                let at = self.pop_address(memarg, 2);
                let value = self.builder.ins().uload16(types::I32, at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I64Load8S { memarg } => {
                let at = self.pop_address(memarg, 1);
                let value = self.builder.ins().sload8(types::I64, at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I64Load8U { memarg } => {
                let at = self.pop_address(memarg, 1);
                let value = self.builder.ins().uload8(types::I64, at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I64Load16S { memarg } => {
                let at = self.pop_address(memarg, 2);
                let value = self.builder.ins().sload16(types::I64, at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I64Load16U { memarg } => {
                let at = self.pop_address(memarg, 2);
                let value = self.builder.ins().uload16(types::I64, at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I64Load32S { memarg } => {
                let at = self.pop_address(memarg, 4);
                let value = self.builder.ins().sload32(at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I64Load32U { memarg } => {
                let at = self.pop_address(memarg, 4);
                let value = self.builder.ins().uload32(at.flags, at.base, at.offset);
                self.push(value);
            }
            Op::I32Store { memarg } | Op::F32Store { memarg } => self.store(memarg, 4),
            Op::I64Store { memarg } | Op::F64Store { memarg } => self.store(memarg, 8),
            Op::I32Store8 { memarg } | Op::I64Store8 { memarg } => {
                let (value, at) = self.pop_value_and_address(memarg, 1);
                self.builder.ins().istore8(at.flags, value, at.base, at.offset);
            }
            Op::I32Store16 { memarg } | Op::I64Store16 { memarg } => {
                let (value, at) = self.pop_value_and_address(memarg, 2);
                self.builder.ins().istore16(at.flags, value, at.base, at.offset);
            }
            Op::I64Store32 { memarg } => {
                let (value, at) = self.pop_value_and_address(memarg, 4);
                self.builder.ins().istore32(at.flags, value, at.base, at.offset);
            }
            _ => return self.bulk_operator(op),
        }
        true
    }

    /// Pops an index and returns the address of an access of `size` bytes there.
    pub(super) fn pop_address(&mut self, memarg: &MemArg, size: u32) -> Address {
        let index = self.pop1();
        self.address(memarg, index, size)
    }

    /// Pops a value, then an index. Returns the value and the address of an access of `size` bytes.
    pub(super) fn pop_value_and_address(&mut self, memarg: &MemArg, size: u32) -> (Value, Address) {
        let (index, value) = self.pop2();
        (value, self.address(memarg, index, size))
    }

    fn load(&mut self, memarg: &MemArg, ty: Type) {
        let at = self.pop_address(memarg, ty.bytes());
        let value = self.builder.ins().load(ty, at.flags, at.base, at.offset);
        self.push(value);
    }

    fn store(&mut self, memarg: &MemArg, size: u32) {
        let (value, at) = self.pop_value_and_address(memarg, size);
        self.builder.ins().store(at.flags, value, at.base, at.offset);
    }

    /// Translates an instruction on a whole memory or on a range of it. Returns false for other instructions.
    fn bulk_operator(&mut self, op: &Op<'_>) -> bool {
        match op {
            Op::MemorySize { mem } => {
                let length = self.memory_length(MemoryIndex::from_u32(*mem));
                let page = self.env.facts.memories[MemoryIndex::from_u32(*mem)].page;
                let pages = match page {
                    PageSize::Byte => length,
                    PageSize::Default => self.builder.ins().ushr_imm_u(length, i64::from(page.log2())),
                };
                let pages = self.index_from_i64(self.index_type(*mem), pages);
                self.push(pages);
            }
            Op::MemoryGrow { mem } => {
                let ty = self.index_type(*mem);
                let delta = self.pop1();
                let delta = self.index_to_i64(ty, delta);
                let memory = self.index_const(*mem);
                let old = self
                    .libcall(Libcall::MemoryGrow, &[memory, delta])
                    .expect("has a result");
                let old = self.index_from_i64(ty, old);
                self.push(old);
            }
            Op::MemoryFill { mem } => {
                let ty = self.index_type(*mem);
                let (destination, byte, length) = self.pop3();
                let (destination, length) = (self.index_to_i64(ty, destination), self.index_to_i64(ty, length));
                let memory = self.index_const(*mem);
                self.libcall(Libcall::MemoryFill, &[memory, destination, byte, length]);
            }
            Op::MemoryCopy { dst_mem, src_mem } => {
                let (to_type, from_type) = (self.index_type(*dst_mem), self.index_type(*src_mem));
                let (destination, source, length) = self.pop3();
                let (destination, source) = (
                    self.index_to_i64(to_type, destination),
                    self.index_to_i64(from_type, source),
                );
                // The length has the narrower type.
                let length = self.index_to_i64(to_type.min(from_type), length);
                let (to, from) = (self.index_const(*dst_mem), self.index_const(*src_mem));
                self.libcall(Libcall::MemoryCopy, &[to, from, destination, source, length]);
            }
            Op::MemoryInit { data_index, mem } => {
                // Source and length refer to the segment and have 32 bits.
                let (destination, source, length) = self.pop3();
                let destination = self.index_to_i64(self.index_type(*mem), destination);
                let (memory, segment) = (self.index_const(*mem), self.index_const(*data_index));
                self.libcall(Libcall::MemoryInit, &[memory, segment, destination, source, length]);
            }
            Op::DataDrop { data_index } => {
                let segment = self.index_const(*data_index);
                self.libcall(Libcall::DataDrop, &[segment]);
            }
            _ => return false,
        }
        true
    }

    fn index_type(&self, memory: u32) -> IndexType {
        self.env.facts.memories[MemoryIndex::from_u32(memory)].index
    }

    /// Extends an unsigned 32-bit value to 64 bits.
    pub(super) fn widen(&mut self, value: Value) -> Value {
        self.builder.ins().uextend(types::I64, value)
    }
}
