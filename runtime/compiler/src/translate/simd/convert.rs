//! Conversions between kinds of lanes: narrowing, widening, arithmetic into wider lanes, integers to floats and back.
//!
//! Every conversion from floats saturates and takes a NaN to 0.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{Type, Value};
use cranelift_frontend::FunctionBuilder;
use wasmparser::Operator as Op;

use super::{Translator, Unary, binary, pop_lanes, pop2_lanes, push_lanes, unary, zero};

/// Translates `op` if it belongs to this file. Returns false otherwise.
pub(super) fn operator(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    lanes(t, op) || widening(t, op) || numbers(t, op)
}

/// Conversions to narrower or wider integer lanes.
fn lanes(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        // Both take signed lanes. `unarrow` saturates to unsigned ones.
        Op::I8x16NarrowI16x8S => binary(t, I16X8, |b, x, y| b.ins().snarrow(x, y)),
        Op::I8x16NarrowI16x8U => binary(t, I16X8, |b, x, y| b.ins().unarrow(x, y)),
        Op::I16x8NarrowI32x4S => binary(t, I32X4, |b, x, y| b.ins().snarrow(x, y)),
        Op::I16x8NarrowI32x4U => binary(t, I32X4, |b, x, y| b.ins().unarrow(x, y)),

        Op::I16x8ExtendLowI8x16S => unary(t, I8X16, signed_low),
        Op::I16x8ExtendLowI8x16U => unary(t, I8X16, unsigned_low),
        Op::I16x8ExtendHighI8x16S => unary(t, I8X16, signed_high),
        Op::I16x8ExtendHighI8x16U => unary(t, I8X16, unsigned_high),
        Op::I32x4ExtendLowI16x8S => unary(t, I16X8, signed_low),
        Op::I32x4ExtendLowI16x8U => unary(t, I16X8, unsigned_low),
        Op::I32x4ExtendHighI16x8S => unary(t, I16X8, signed_high),
        Op::I32x4ExtendHighI16x8U => unary(t, I16X8, unsigned_high),
        Op::I64x2ExtendLowI32x4S => unary(t, I32X4, signed_low),
        Op::I64x2ExtendLowI32x4U => unary(t, I32X4, unsigned_low),
        Op::I64x2ExtendHighI32x4S => unary(t, I32X4, signed_high),
        Op::I64x2ExtendHighI32x4U => unary(t, I32X4, unsigned_high),
        _ => return false,
    }
    true
}

/// Arithmetic whose results have wider lanes than the operands.
fn widening(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::I16x8ExtAddPairwiseI8x16S => add_pairs(t, I8X16, signed_low, signed_high),
        Op::I16x8ExtAddPairwiseI8x16U => add_pairs(t, I8X16, unsigned_low, unsigned_high),
        Op::I32x4ExtAddPairwiseI16x8S => add_pairs(t, I16X8, signed_low, signed_high),
        Op::I32x4ExtAddPairwiseI16x8U => add_pairs(t, I16X8, unsigned_low, unsigned_high),

        Op::I16x8ExtMulLowI8x16S => multiply(t, I8X16, signed_low),
        Op::I16x8ExtMulLowI8x16U => multiply(t, I8X16, unsigned_low),
        Op::I16x8ExtMulHighI8x16S => multiply(t, I8X16, signed_high),
        Op::I16x8ExtMulHighI8x16U => multiply(t, I8X16, unsigned_high),
        Op::I32x4ExtMulLowI16x8S => multiply(t, I16X8, signed_low),
        Op::I32x4ExtMulLowI16x8U => multiply(t, I16X8, unsigned_low),
        Op::I32x4ExtMulHighI16x8S => multiply(t, I16X8, signed_high),
        Op::I32x4ExtMulHighI16x8U => multiply(t, I16X8, unsigned_high),
        Op::I64x2ExtMulLowI32x4S => multiply(t, I32X4, signed_low),
        Op::I64x2ExtMulLowI32x4U => multiply(t, I32X4, unsigned_low),
        Op::I64x2ExtMulHighI32x4S => multiply(t, I32X4, signed_high),
        Op::I64x2ExtMulHighI32x4U => multiply(t, I32X4, unsigned_high),

        Op::I32x4DotI16x8S => {
            let (x, y) = pop2_lanes(t, I16X8);
            let b = &mut t.builder;
            let [x_low, y_low, x_high, y_high] =
                [signed_low(b, x), signed_low(b, y), signed_high(b, x), signed_high(b, y)];
            let low = b.ins().imul(x_low, y_low);
            let high = b.ins().imul(x_high, y_high);
            let sums = b.ins().iadd_pairwise(low, high);
            push_lanes(t, sums);
        }
        _ => return false,
    }
    true
}

/// Conversions with floats on one side or both.
fn numbers(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::I32x4TruncSatF32x4S => unary(t, F32X4, |b, x| b.ins().fcvt_to_sint_sat(I32X4, x)),
        Op::I32x4TruncSatF32x4U => unary(t, F32X4, |b, x| b.ins().fcvt_to_uint_sat(I32X4, x)),
        Op::F32x4ConvertI32x4S => unary(t, I32X4, |b, x| b.ins().fcvt_from_sint(F32X4, x)),
        Op::F32x4ConvertI32x4U => unary(t, I32X4, |b, x| b.ins().fcvt_from_uint(F32X4, x)),

        // Of 64-bit integer lanes, the x86-64 back end knows exactly these combinations.
        Op::I32x4TruncSatF64x2SZero => unary(t, F64X2, |b, x| {
            let (wide, zero) = (b.ins().fcvt_to_sint_sat(I64X2, x), zero(b, I64X2));
            b.ins().snarrow(wide, zero)
        }),
        Op::I32x4TruncSatF64x2UZero => unary(t, F64X2, |b, x| {
            let (wide, zero) = (b.ins().fcvt_to_uint_sat(I64X2, x), zero(b, I64X2));
            b.ins().uunarrow(wide, zero)
        }),
        Op::F64x2ConvertLowI32x4S => unary(t, I32X4, |b, x| {
            let wide = b.ins().swiden_low(x);
            b.ins().fcvt_from_sint(F64X2, wide)
        }),
        Op::F64x2ConvertLowI32x4U => unary(t, I32X4, |b, x| {
            let wide = b.ins().uwiden_low(x);
            b.ins().fcvt_from_uint(F64X2, wide)
        }),

        Op::F32x4DemoteF64x2Zero => unary(t, F64X2, |b, x| b.ins().fvdemote(x)),
        Op::F64x2PromoteLowF32x4 => unary(t, F32X4, |b, x| b.ins().fvpromote_low(x)),
        _ => return false,
    }
    true
}

fn signed_low(b: &mut FunctionBuilder<'_>, x: Value) -> Value {
    b.ins().swiden_low(x)
}

fn signed_high(b: &mut FunctionBuilder<'_>, x: Value) -> Value {
    b.ins().swiden_high(x)
}

fn unsigned_low(b: &mut FunctionBuilder<'_>, x: Value) -> Value {
    b.ins().uwiden_low(x)
}

fn unsigned_high(b: &mut FunctionBuilder<'_>, x: Value) -> Value {
    b.ins().uwiden_high(x)
}

/// Sums of neighbouring lanes.
fn add_pairs(t: &mut Translator<'_>, ty: Type, low: Unary, high: Unary) {
    let vector = pop_lanes(t, ty);
    let low = low(&mut t.builder, vector);
    let high = high(&mut t.builder, vector);
    let sums = t.builder.ins().iadd_pairwise(low, high);
    push_lanes(t, sums);
}

/// Products of the lanes of one half of each operand.
fn multiply(t: &mut Translator<'_>, ty: Type, half: Unary) {
    let (x, y) = pop2_lanes(t, ty);
    let x = half(&mut t.builder, x);
    let y = half(&mut t.builder, y);
    let products = t.builder.ins().imul(x, y);
    push_lanes(t, products);
}
