//! Floating-point arithmetic lane by lane.
//!
//! Negation and absolute value change only the sign bit, also of a NaN. Rounding is one CPU instruction from SSE4.1 on, which
//! wrun requires.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::types::{F32X4, F64X2};
use cranelift_codegen::ir::{Type, Value};
use wasmparser::Operator as Op;

use super::{Translator, as_lanes, binary, pop2_lanes, push_lanes, unary};

/// Translates `op` if it belongs to this file. Returns false otherwise.
pub(super) fn operator(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::F32x4Ceil => unary(t, F32X4, |b, x| b.ins().ceil(x)),
        Op::F32x4Floor => unary(t, F32X4, |b, x| b.ins().floor(x)),
        Op::F32x4Trunc => unary(t, F32X4, |b, x| b.ins().trunc(x)),
        Op::F32x4Nearest => unary(t, F32X4, |b, x| b.ins().nearest(x)),
        Op::F32x4Abs => unary(t, F32X4, |b, x| b.ins().fabs(x)),
        Op::F32x4Neg => unary(t, F32X4, |b, x| b.ins().fneg(x)),
        Op::F32x4Sqrt => unary(t, F32X4, |b, x| b.ins().sqrt(x)),
        Op::F32x4Add => binary(t, F32X4, |b, x, y| b.ins().fadd(x, y)),
        Op::F32x4Sub => binary(t, F32X4, |b, x, y| b.ins().fsub(x, y)),
        Op::F32x4Mul => binary(t, F32X4, |b, x, y| b.ins().fmul(x, y)),
        Op::F32x4Div => binary(t, F32X4, |b, x, y| b.ins().fdiv(x, y)),
        Op::F32x4Min => binary(t, F32X4, |b, x, y| b.ins().fmin(x, y)),
        Op::F32x4Max => binary(t, F32X4, |b, x, y| b.ins().fmax(x, y)),
        Op::F32x4PMin => pseudo(t, F32X4, |x, y| (y, x)),
        Op::F32x4PMax => pseudo(t, F32X4, |x, y| (x, y)),

        Op::F64x2Ceil => unary(t, F64X2, |b, x| b.ins().ceil(x)),
        Op::F64x2Floor => unary(t, F64X2, |b, x| b.ins().floor(x)),
        Op::F64x2Trunc => unary(t, F64X2, |b, x| b.ins().trunc(x)),
        Op::F64x2Nearest => unary(t, F64X2, |b, x| b.ins().nearest(x)),
        Op::F64x2Abs => unary(t, F64X2, |b, x| b.ins().fabs(x)),
        Op::F64x2Neg => unary(t, F64X2, |b, x| b.ins().fneg(x)),
        Op::F64x2Sqrt => unary(t, F64X2, |b, x| b.ins().sqrt(x)),
        Op::F64x2Add => binary(t, F64X2, |b, x, y| b.ins().fadd(x, y)),
        Op::F64x2Sub => binary(t, F64X2, |b, x, y| b.ins().fsub(x, y)),
        Op::F64x2Mul => binary(t, F64X2, |b, x, y| b.ins().fmul(x, y)),
        Op::F64x2Div => binary(t, F64X2, |b, x, y| b.ins().fdiv(x, y)),
        Op::F64x2Min => binary(t, F64X2, |b, x, y| b.ins().fmin(x, y)),
        Op::F64x2Max => binary(t, F64X2, |b, x, y| b.ins().fmax(x, y)),
        Op::F64x2PMin => pseudo(t, F64X2, |x, y| (y, x)),
        Op::F64x2PMax => pseudo(t, F64X2, |x, y| (x, y)),

        _ => return false,
    }
    true
}

/// Minimum and maximum as programs write them with a compare: the result is `y` where the first value of the pair `less` is
/// less than the second, otherwise `x`. The code generator recognises this form and uses one instruction of x86-64.
pub(super) fn pseudo(t: &mut Translator<'_>, ty: Type, less: fn(Value, Value) -> (Value, Value)) {
    let (x, y) = pop2_lanes(t, ty);
    let (low, high) = less(x, y);
    let mask = t.builder.ins().fcmp(FloatCC::LessThan, low, high);
    let mask = as_lanes(&mut t.builder, ty, mask);
    let vector = t.builder.ins().bitselect(mask, y, x);
    push_lanes(t, vector);
}
