//! Numeric instructions (spec 4.3, 4.4.1).
//!
//! Input: operands. Output: the instruction of Cranelift with the same meaning, which exists for every instruction of wasm.
//! Cranelift's divisions and trapping conversions check their operands and have trap codes of their own (see `trap`). As in the
//! spec, shifts and rotations take their amount modulo the width, and minimum and maximum handle NaN and signed zeros.
//!
//! Must not hold: the module, the vmctx.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use wasmparser::Operator as Op;

use super::Translator;

use types::{F32, F64, I8, I16, I32, I64, I128};

/// Pops one operand and pushes the result of an instruction.
macro_rules! unary {
    ($self:ident, $inst:ident $(, $ty:expr)?) => {{
        let operand = $self.pop1();
        let value = $self.builder.ins().$inst($($ty,)? operand);
        $self.push(value);
    }};
}

/// Pops two operands and pushes the result of an instruction.
macro_rules! binary {
    ($self:ident, $inst:ident) => {{
        let (left, right) = $self.pop2();
        let value = $self.builder.ins().$inst(left, right);
        $self.push(value);
    }};
}

impl Translator<'_> {
    /// Translates an instruction of this family. Returns false for other instructions.
    pub(super) fn numeric_operator(&mut self, op: &Op<'_>) -> bool {
        match op {
            Op::I32Const { value } => {
                let value = self.i32_const(*value);
                self.push(value);
            }
            Op::I64Const { value } => {
                let value = self.builder.ins().iconst(I64, *value);
                self.push(value);
            }
            Op::F32Const { value } => {
                let value = self.builder.ins().f32const(Ieee32::with_bits(value.bits()));
                self.push(value);
            }
            Op::F64Const { value } => {
                let value = self.builder.ins().f64const(Ieee64::with_bits(value.bits()));
                self.push(value);
            }
            Op::I32Add | Op::I64Add => binary!(self, iadd),
            Op::I32Sub | Op::I64Sub => binary!(self, isub),
            Op::I32Mul | Op::I64Mul => binary!(self, imul),
            Op::I32DivS | Op::I64DivS => binary!(self, sdiv),
            Op::I32DivU | Op::I64DivU => binary!(self, udiv),
            Op::I32RemS | Op::I64RemS => binary!(self, srem),
            Op::I32RemU | Op::I64RemU => binary!(self, urem),
            Op::I32And | Op::I64And => binary!(self, band),
            Op::I32Or | Op::I64Or => binary!(self, bor),
            Op::I32Xor | Op::I64Xor => binary!(self, bxor),
            Op::I32Shl | Op::I64Shl => binary!(self, ishl),
            Op::I32ShrS | Op::I64ShrS => binary!(self, sshr),
            Op::I32ShrU | Op::I64ShrU => binary!(self, ushr),
            Op::I32Rotl | Op::I64Rotl => binary!(self, rotl),
            Op::I32Rotr | Op::I64Rotr => binary!(self, rotr),
            Op::I32Clz | Op::I64Clz => unary!(self, clz),
            Op::I32Ctz | Op::I64Ctz => unary!(self, ctz),
            Op::I32Popcnt | Op::I64Popcnt => unary!(self, popcnt),
            Op::F32Add | Op::F64Add => binary!(self, fadd),
            Op::F32Sub | Op::F64Sub => binary!(self, fsub),
            Op::F32Mul | Op::F64Mul => binary!(self, fmul),
            Op::F32Div | Op::F64Div => binary!(self, fdiv),
            Op::F32Min | Op::F64Min => binary!(self, fmin),
            Op::F32Max | Op::F64Max => binary!(self, fmax),
            Op::F32Copysign | Op::F64Copysign => binary!(self, fcopysign),
            Op::F32Abs | Op::F64Abs => unary!(self, fabs),
            Op::F32Neg | Op::F64Neg => unary!(self, fneg),
            Op::F32Sqrt | Op::F64Sqrt => unary!(self, sqrt),
            Op::F32Ceil | Op::F64Ceil => unary!(self, ceil),
            Op::F32Floor | Op::F64Floor => unary!(self, floor),
            Op::F32Trunc | Op::F64Trunc => unary!(self, trunc),
            Op::F32Nearest | Op::F64Nearest => unary!(self, nearest),
            _ => return self.comparison_operator(op) || self.conversion_operator(op) || self.wide_operator(op),
        }
        true
    }

    fn comparison_operator(&mut self, op: &Op<'_>) -> bool {
        match op {
            Op::I32Eqz | Op::I64Eqz => {
                let operand = self.pop1();
                let operand = self.truth(operand);
                let value = self.builder.ins().icmp_imm_u(IntCC::Equal, operand, 0);
                self.push_bool(value);
            }
            Op::I32Eq | Op::I64Eq => self.compare(IntCC::Equal),
            Op::I32Ne | Op::I64Ne => self.compare(IntCC::NotEqual),
            Op::I32LtS | Op::I64LtS => self.compare(IntCC::SignedLessThan),
            Op::I32LtU | Op::I64LtU => self.compare(IntCC::UnsignedLessThan),
            Op::I32GtS | Op::I64GtS => self.compare(IntCC::SignedGreaterThan),
            Op::I32GtU | Op::I64GtU => self.compare(IntCC::UnsignedGreaterThan),
            Op::I32LeS | Op::I64LeS => self.compare(IntCC::SignedLessThanOrEqual),
            Op::I32LeU | Op::I64LeU => self.compare(IntCC::UnsignedLessThanOrEqual),
            Op::I32GeS | Op::I64GeS => self.compare(IntCC::SignedGreaterThanOrEqual),
            Op::I32GeU | Op::I64GeU => self.compare(IntCC::UnsignedGreaterThanOrEqual),
            Op::F32Eq | Op::F64Eq => self.compare_floats(FloatCC::Equal),
            Op::F32Ne | Op::F64Ne => self.compare_floats(FloatCC::NotEqual),
            Op::F32Lt | Op::F64Lt => self.compare_floats(FloatCC::LessThan),
            Op::F32Gt | Op::F64Gt => self.compare_floats(FloatCC::GreaterThan),
            Op::F32Le | Op::F64Le => self.compare_floats(FloatCC::LessThanOrEqual),
            Op::F32Ge | Op::F64Ge => self.compare_floats(FloatCC::GreaterThanOrEqual),
            _ => return false,
        }
        true
    }

    fn conversion_operator(&mut self, op: &Op<'_>) -> bool {
        match op {
            Op::I32WrapI64 => unary!(self, ireduce, I32),
            Op::I64ExtendI32S => unary!(self, sextend, I64),
            Op::I64ExtendI32U => unary!(self, uextend, I64),
            Op::I32Extend8S => self.extend_low(I8, I32),
            Op::I32Extend16S => self.extend_low(I16, I32),
            Op::I64Extend8S => self.extend_low(I8, I64),
            Op::I64Extend16S => self.extend_low(I16, I64),
            Op::I64Extend32S => self.extend_low(I32, I64),
            Op::I32TruncF32S | Op::I32TruncF64S => unary!(self, fcvt_to_sint, I32),
            Op::I32TruncF32U | Op::I32TruncF64U => unary!(self, fcvt_to_uint, I32),
            Op::I64TruncF32S | Op::I64TruncF64S => unary!(self, fcvt_to_sint, I64),
            Op::I64TruncF32U | Op::I64TruncF64U => unary!(self, fcvt_to_uint, I64),
            Op::I32TruncSatF32S | Op::I32TruncSatF64S => unary!(self, fcvt_to_sint_sat, I32),
            Op::I32TruncSatF32U | Op::I32TruncSatF64U => unary!(self, fcvt_to_uint_sat, I32),
            Op::I64TruncSatF32S | Op::I64TruncSatF64S => unary!(self, fcvt_to_sint_sat, I64),
            Op::I64TruncSatF32U | Op::I64TruncSatF64U => unary!(self, fcvt_to_uint_sat, I64),
            Op::F32ConvertI32S | Op::F32ConvertI64S => unary!(self, fcvt_from_sint, F32),
            Op::F32ConvertI32U | Op::F32ConvertI64U => unary!(self, fcvt_from_uint, F32),
            Op::F64ConvertI32S | Op::F64ConvertI64S => unary!(self, fcvt_from_sint, F64),
            Op::F64ConvertI32U | Op::F64ConvertI64U => unary!(self, fcvt_from_uint, F64),
            Op::F32DemoteF64 => unary!(self, fdemote, F32),
            Op::F64PromoteF32 => unary!(self, fpromote, F64),
            Op::I32ReinterpretF32 => self.reinterpret(I32),
            Op::I64ReinterpretF64 => self.reinterpret(I64),
            Op::F32ReinterpretI32 => self.reinterpret(F32),
            Op::F64ReinterpretI64 => self.reinterpret(F64),
            _ => return false,
        }
        true
    }

    /// Arithmetic on 128 bits (the wide-arithmetic proposal). Each number of 128 bits is two operands or results, the low half first.
    fn wide_operator(&mut self, op: &Op<'_>) -> bool {
        let wide = match op {
            Op::I64Add128 => {
                let (left, right) = self.pop2_wide();
                self.builder.ins().iadd(left, right)
            }
            Op::I64Sub128 => {
                let (left, right) = self.pop2_wide();
                self.builder.ins().isub(left, right)
            }
            Op::I64MulWideS => {
                let (left, right) = self.pop2();
                let (left, right) = (
                    self.builder.ins().sextend(I128, left),
                    self.builder.ins().sextend(I128, right),
                );
                self.builder.ins().imul(left, right)
            }
            Op::I64MulWideU => {
                let (left, right) = self.pop2();
                let (left, right) = (
                    self.builder.ins().uextend(I128, left),
                    self.builder.ins().uextend(I128, right),
                );
                self.builder.ins().imul(left, right)
            }
            _ => return false,
        };
        let (low, high) = self.builder.ins().isplit(wide);
        self.push(low);
        self.push(high);
        true
    }

    /// Pops two numbers of 128 bits.
    fn pop2_wide(&mut self) -> (Value, Value) {
        let (low, high) = self.pop2();
        let right = self.builder.ins().iconcat(low, high);
        let (low, high) = self.pop2();
        (self.builder.ins().iconcat(low, high), right)
    }

    fn compare(&mut self, condition: IntCC) {
        let (left, right) = self.pop2();
        let value = self.builder.ins().icmp(condition, left, right);
        self.push_bool(value);
    }

    fn compare_floats(&mut self, condition: FloatCC) {
        let (left, right) = self.pop2();
        let value = self.builder.ins().fcmp(condition, left, right);
        self.push_bool(value);
    }

    /// Pushes the 8-bit result of a comparison as an `i32`.
    pub(super) fn push_bool(&mut self, value: Value) {
        let value = self.builder.ins().uextend(I32, value);
        self.push(value);
    }

    fn extend_low(&mut self, from: Type, to: Type) {
        let operand = self.pop1();
        let low = self.builder.ins().ireduce(from, operand);
        let value = self.builder.ins().sextend(to, low);
        self.push(value);
    }

    fn reinterpret(&mut self, to: Type) {
        let operand = self.pop1();
        let value = self.builder.ins().bitcast(to, MemFlagsData::new(), operand);
        self.push(value);
    }
}
