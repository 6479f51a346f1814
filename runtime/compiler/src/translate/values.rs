//! Constants, and questions about how a value was made.
//!
//! Input: numbers, or values of the function being translated. Output: constants of the IR, and facts about existing
//! instructions.

use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{self, ConstantData, InstBuilder, InstructionData, Opcode, Type, Value, ValueDef, types};
use wrun_artifact::types::ValType;

use super::Translator;

impl Translator<'_> {
    /// Returns an `i32` constant.
    pub(super) fn i32_const(&mut self, value: i32) -> Value {
        // Cranelift keeps immediates of narrow types zero-extended.
        self.builder.ins().iconst(types::I32, i64::from(value.cast_unsigned()))
    }

    /// Returns an index of the module as a constant for libcalls.
    pub(super) fn index_const(&mut self, index: u32) -> Value {
        self.builder.ins().iconst(types::I32, i64::from(index))
    }

    /// Returns the constant for a value in a slot of the raw call interface.
    pub(super) fn slot_const(&mut self, ty: ValType, slot: [u8; 16]) -> Value {
        let low = u64::from_le_bytes(*slot.first_chunk().expect("16 bytes"));
        match ty {
            ValType::I32 => self.i32_const(low as i32),
            ValType::I64 | ValType::Ref(_) => self.builder.ins().iconst(types::I64, low.cast_signed()),
            ValType::F32 => self.builder.ins().f32const(Ieee32::with_bits(low as u32)),
            ValType::F64 => self.builder.ins().f64const(Ieee64::with_bits(low)),
            ValType::V128 => {
                let constant = self.builder.func.dfg.constants.insert(ConstantData::from(&slot[..]));
                self.builder.ins().vconst(types::I8X16, constant)
            }
        }
    }

    /// Returns the value of an integer constant, or `None` for other values.
    pub(super) fn known_int(&self, value: Value) -> Option<u64> {
        match self.definition(value)? {
            InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                imm,
            } => Some(imm.bits().cast_unsigned()),
            _ => None,
        }
    }

    /// Returns the narrowest value that is zero exactly if `condition` is.
    ///
    /// For wasm the result of a comparison is an `i32`, extended from the eight bits of the code generator. A branch or select,
    /// which tests only for zero, takes the eight bits.
    pub(super) fn truth(&self, condition: Value) -> Value {
        match self.definition(condition) {
            Some(InstructionData::Unary {
                opcode: Opcode::Uextend,
                arg,
            }) if self.type_of(*arg) == types::I8 => *arg,
            _ => condition,
        }
    }

    /// Returns the type of a value.
    pub(super) fn type_of(&self, value: Value) -> Type {
        self.builder.func.dfg.value_type(value)
    }

    /// Makes a new block that is marked as cold.
    pub(super) fn cold_block(&mut self) -> ir::Block {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        block
    }

    fn definition(&self, value: Value) -> Option<&InstructionData> {
        let dfg = &self.builder.func.dfg;
        match dfg.value_def(value) {
            ValueDef::Result(inst, _) => Some(&dfg.insts[inst]),
            _ => None,
        }
    }
}
