//! Integer arithmetic lane by lane, bitwise operations, shifts, and tests that reduce a vector to an `i32`.

use cranelift_codegen::ir::types::{I8X16, I16X8, I32, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type};
use wasmparser::Operator as Op;

use super::{Binary, Translator, Unary, binary, natural, pop_lanes, push_lanes, unary};

/// Translates `op` if it belongs to this file. Returns false otherwise.
pub(super) fn operator(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    arithmetic(t, op) || saturating(t, op) || bitwise(t, op) || shifts(t, op) || tests(t, op)
}

/// Arithmetic that wraps, minimum, maximum, absolute value, counting.
fn arithmetic(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::I8x16Add => binary(t, I8X16, |b, x, y| b.ins().iadd(x, y)),
        Op::I16x8Add => binary(t, I16X8, |b, x, y| b.ins().iadd(x, y)),
        Op::I32x4Add => binary(t, I32X4, |b, x, y| b.ins().iadd(x, y)),
        Op::I64x2Add => binary(t, I64X2, |b, x, y| b.ins().iadd(x, y)),

        Op::I8x16Sub => binary(t, I8X16, |b, x, y| b.ins().isub(x, y)),
        Op::I16x8Sub => binary(t, I16X8, |b, x, y| b.ins().isub(x, y)),
        Op::I32x4Sub => binary(t, I32X4, |b, x, y| b.ins().isub(x, y)),
        Op::I64x2Sub => binary(t, I64X2, |b, x, y| b.ins().isub(x, y)),

        Op::I16x8Mul => binary(t, I16X8, |b, x, y| b.ins().imul(x, y)),
        Op::I32x4Mul => binary(t, I32X4, |b, x, y| b.ins().imul(x, y)),
        Op::I64x2Mul => binary(t, I64X2, |b, x, y| b.ins().imul(x, y)),

        Op::I8x16Neg => unary(t, I8X16, |b, x| b.ins().ineg(x)),
        Op::I16x8Neg => unary(t, I16X8, |b, x| b.ins().ineg(x)),
        Op::I32x4Neg => unary(t, I32X4, |b, x| b.ins().ineg(x)),
        Op::I64x2Neg => unary(t, I64X2, |b, x| b.ins().ineg(x)),

        Op::I8x16Abs => unary(t, I8X16, |b, x| b.ins().iabs(x)),
        Op::I16x8Abs => unary(t, I16X8, |b, x| b.ins().iabs(x)),
        Op::I32x4Abs => unary(t, I32X4, |b, x| b.ins().iabs(x)),
        Op::I64x2Abs => unary(t, I64X2, |b, x| b.ins().iabs(x)),
        Op::I8x16Popcnt => unary(t, I8X16, |b, x| b.ins().popcnt(x)),

        Op::I8x16MinS => binary(t, I8X16, |b, x, y| b.ins().smin(x, y)),
        Op::I16x8MinS => binary(t, I16X8, |b, x, y| b.ins().smin(x, y)),
        Op::I32x4MinS => binary(t, I32X4, |b, x, y| b.ins().smin(x, y)),

        Op::I8x16MinU => binary(t, I8X16, |b, x, y| b.ins().umin(x, y)),
        Op::I16x8MinU => binary(t, I16X8, |b, x, y| b.ins().umin(x, y)),
        Op::I32x4MinU => binary(t, I32X4, |b, x, y| b.ins().umin(x, y)),

        Op::I8x16MaxS => binary(t, I8X16, |b, x, y| b.ins().smax(x, y)),
        Op::I16x8MaxS => binary(t, I16X8, |b, x, y| b.ins().smax(x, y)),
        Op::I32x4MaxS => binary(t, I32X4, |b, x, y| b.ins().smax(x, y)),

        Op::I8x16MaxU => binary(t, I8X16, |b, x, y| b.ins().umax(x, y)),
        Op::I16x8MaxU => binary(t, I16X8, |b, x, y| b.ins().umax(x, y)),
        Op::I32x4MaxU => binary(t, I32X4, |b, x, y| b.ins().umax(x, y)),

        _ => return false,
    }
    true
}

/// Arithmetic that saturates or rounds.
fn saturating(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::I8x16AddSatS => binary(t, I8X16, |b, x, y| b.ins().sadd_sat(x, y)),
        Op::I16x8AddSatS => binary(t, I16X8, |b, x, y| b.ins().sadd_sat(x, y)),
        Op::I8x16AddSatU => binary(t, I8X16, |b, x, y| b.ins().uadd_sat(x, y)),
        Op::I16x8AddSatU => binary(t, I16X8, |b, x, y| b.ins().uadd_sat(x, y)),
        Op::I8x16SubSatS => binary(t, I8X16, |b, x, y| b.ins().ssub_sat(x, y)),
        Op::I16x8SubSatS => binary(t, I16X8, |b, x, y| b.ins().ssub_sat(x, y)),
        Op::I8x16SubSatU => binary(t, I8X16, |b, x, y| b.ins().usub_sat(x, y)),
        Op::I16x8SubSatU => binary(t, I16X8, |b, x, y| b.ins().usub_sat(x, y)),
        Op::I8x16AvgrU => binary(t, I8X16, |b, x, y| b.ins().avg_round(x, y)),
        Op::I16x8AvgrU => binary(t, I16X8, |b, x, y| b.ins().avg_round(x, y)),
        Op::I16x8Q15MulrSatS => binary(t, I16X8, |b, x, y| b.ins().sqmul_round_sat(x, y)),
        _ => return false,
    }
    true
}

fn bitwise(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::V128Not => unary(t, I8X16, |b, x| b.ins().bnot(x)),
        Op::V128And => binary(t, I8X16, |b, x, y| b.ins().band(x, y)),
        Op::V128AndNot => binary(t, I8X16, |b, x, y| b.ins().band_not(x, y)),
        Op::V128Or => binary(t, I8X16, |b, x, y| b.ins().bor(x, y)),
        Op::V128Xor => binary(t, I8X16, |b, x, y| b.ins().bxor(x, y)),
        Op::V128Bitselect => {
            let mask = t.pop1();
            // Use the lanes in which the mask was made, so that the code generator recognises masks from comparisons.
            let mask = natural(&t.builder, mask);
            let ty = t.builder.func.dfg.value_type(mask);
            let if_zero = pop_lanes(t, ty);
            let if_one = pop_lanes(t, ty);
            let vector = t.builder.ins().bitselect(mask, if_one, if_zero);
            push_lanes(t, vector);
        }
        _ => return false,
    }
    true
}

fn shifts(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::I8x16Shl => shift(t, I8X16, |b, x, count| b.ins().ishl(x, count)),
        Op::I16x8Shl => shift(t, I16X8, |b, x, count| b.ins().ishl(x, count)),
        Op::I32x4Shl => shift(t, I32X4, |b, x, count| b.ins().ishl(x, count)),
        Op::I64x2Shl => shift(t, I64X2, |b, x, count| b.ins().ishl(x, count)),
        Op::I8x16ShrS => shift(t, I8X16, |b, x, count| b.ins().sshr(x, count)),
        Op::I16x8ShrS => shift(t, I16X8, |b, x, count| b.ins().sshr(x, count)),
        Op::I32x4ShrS => shift(t, I32X4, |b, x, count| b.ins().sshr(x, count)),
        Op::I64x2ShrS => shift(t, I64X2, |b, x, count| b.ins().sshr(x, count)),
        Op::I8x16ShrU => shift(t, I8X16, |b, x, count| b.ins().ushr(x, count)),
        Op::I16x8ShrU => shift(t, I16X8, |b, x, count| b.ins().ushr(x, count)),
        Op::I32x4ShrU => shift(t, I32X4, |b, x, count| b.ins().ushr(x, count)),
        Op::I64x2ShrU => shift(t, I64X2, |b, x, count| b.ins().ushr(x, count)),
        _ => return false,
    }
    true
}

/// Shifts all lanes by one `i32`. Cranelift takes the count modulo the width of a lane, as wasm does.
fn shift(t: &mut Translator<'_>, ty: Type, apply: Binary) {
    let count = t.pop1();
    let vector = pop_lanes(t, ty);
    let vector = apply(&mut t.builder, vector, count);
    push_lanes(t, vector);
}

fn tests(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::V128AnyTrue => {
            let vector = t.pop1();
            // Any lanes are correct. With the original ones the code generator recognises a comparison.
            let vector = natural(&t.builder, vector);
            let any = t.builder.ins().vany_true(vector);
            let any = t.builder.ins().uextend(I32, any);
            t.push(any);
        }
        Op::I8x16AllTrue => all_true(t, I8X16),
        Op::I16x8AllTrue => all_true(t, I16X8),
        Op::I32x4AllTrue => all_true(t, I32X4),
        Op::I64x2AllTrue => all_true(t, I64X2),
        Op::I8x16Bitmask => reduce(t, I8X16, |b, x| b.ins().vhigh_bits(I32, x)),
        Op::I16x8Bitmask => reduce(t, I16X8, |b, x| b.ins().vhigh_bits(I32, x)),
        Op::I32x4Bitmask => reduce(t, I32X4, |b, x| b.ins().vhigh_bits(I32, x)),
        Op::I64x2Bitmask => reduce(t, I64X2, |b, x| b.ins().vhigh_bits(I32, x)),
        _ => return false,
    }
    true
}

fn all_true(t: &mut Translator<'_>, ty: Type) {
    reduce(t, ty, |b, x| {
        let all = b.ins().vall_true(x);
        b.ins().uextend(I32, all)
    });
}

/// Pops a vector and pushes the scalar that `apply` returns.
fn reduce(t: &mut Translator<'_>, ty: Type, apply: Unary) {
    let vector = pop_lanes(t, ty);
    let scalar = apply(&mut t.builder, vector);
    t.push(scalar);
}
