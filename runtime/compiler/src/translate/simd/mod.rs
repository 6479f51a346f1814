//! The 236 instructions of fixed-width SIMD, and the 20 of relaxed SIMD.
//!
//! Input: an operator, with its operands on the translator's stack. Output: IR, with the result on the stack. On the stack, in
//! locals, parameters and results a `v128` always has the IR type `I8X16`. Here it is cast to the lanes of an instruction, and
//! back. A cast costs no machine code, but it hides an instruction from the patterns of the code generator. So a cast back
//! removes the earlier cast (see [`as_lanes`]).
//!
//! Must not hold: IR for which the code generator would call a library function. On x86-64 these are swizzles and shuffles
//! without SSSE3, rounding without SSE4.1, and fused multiplication without FMA.

mod compare;
mod convert;
mod float;
mod integer;
mod lanes;
mod memory;
mod relaxed;

#[cfg(test)]
mod tests;

use cranelift_codegen::ir::types::I8X16;
use cranelift_codegen::ir::{Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value, ValueDef};
use cranelift_frontend::FunctionBuilder;
use wasmparser::Operator;

use super::Translator;
use crate::error::Failure;

/// Translates `op` if it is an instruction of SIMD. Returns false otherwise.
pub(crate) fn operator(translator: &mut Translator<'_>, op: &Operator<'_>) -> Result<bool, Failure> {
    Ok(lanes::operator(translator, op)
        || integer::operator(translator, op)
        || float::operator(translator, op)
        || compare::operator(translator, op)
        || convert::operator(translator, op)
        || memory::operator(translator, op)
        || relaxed::operator(translator, op))
}

/// An instruction with one operand.
type Unary = fn(&mut FunctionBuilder<'_>, Value) -> Value;

/// An instruction with two operands.
type Binary = fn(&mut FunctionBuilder<'_>, Value, Value) -> Value;

/// Pops an operand with lanes of `ty` and pushes the result of `apply`.
fn unary(t: &mut Translator<'_>, ty: Type, apply: Unary) {
    let x = pop_lanes(t, ty);
    let vector = apply(&mut t.builder, x);
    push_lanes(t, vector);
}

/// Pops two operands with lanes of `ty` and pushes the result of `apply`.
fn binary(t: &mut Translator<'_>, ty: Type, apply: Binary) {
    let (x, y) = pop2_lanes(t, ty);
    let vector = apply(&mut t.builder, x, y);
    push_lanes(t, vector);
}

/// Pops a vector with lanes of `ty`.
fn pop_lanes(t: &mut Translator<'_>, ty: Type) -> Value {
    let vector = t.pop1();
    as_lanes(&mut t.builder, ty, vector)
}

/// Pops two vectors with lanes of `ty`. The one that was pushed first comes first.
fn pop2_lanes(t: &mut Translator<'_>, ty: Type) -> (Value, Value) {
    let y = pop_lanes(t, ty);
    let x = pop_lanes(t, ty);
    (x, y)
}

/// Pushes a vector with any lanes.
fn push_lanes(t: &mut Translator<'_>, vector: Value) {
    let vector = as_lanes(&mut t.builder, I8X16, vector);
    t.push(vector);
}

/// Returns the vector with lanes of `ty`: the vector itself, the vector before its cast, or a cast of it.
fn as_lanes(b: &mut FunctionBuilder<'_>, ty: Type, vector: Value) -> Value {
    let dfg = &b.func.dfg;
    if dfg.value_type(vector) == ty {
        return vector;
    }
    if let Some(source) = cast_from(b, vector)
        && dfg.value_type(source) == ty
    {
        return source;
    }
    // Lane 0 is at the lowest address on every machine.
    let flags = MemFlagsData::new().with_endianness(Endianness::Little);
    b.ins().bitcast(ty, flags, vector)
}

/// Returns the vector with the integer lanes in which it was made.
fn natural(b: &FunctionBuilder<'_>, vector: Value) -> Value {
    match cast_from(b, vector) {
        Some(source) if b.func.dfg.value_type(source).lane_type().is_int() => source,
        _ => vector,
    }
}

/// Returns the vector before a cast, if `vector` is a cast.
fn cast_from(b: &FunctionBuilder<'_>, vector: Value) -> Option<Value> {
    let dfg = &b.func.dfg;
    let ValueDef::Result(inst, _) = dfg.value_def(vector) else {
        return None;
    };
    match dfg.insts[inst] {
        InstructionData::LoadNoOffset {
            opcode: Opcode::Bitcast,
            arg,
            ..
        } if dfg.value_type(arg).is_vector() => Some(arg),
        _ => None,
    }
}

/// Returns a vector of zeros.
fn zero(b: &mut FunctionBuilder<'_>, ty: Type) -> Value {
    let bytes = b.func.dfg.constants.insert(vec![0; 16].into());
    b.ins().vconst(ty, bytes)
}
