//! Comparisons of lanes. The result of a lane is all ones for true and zero for false.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::Type;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};
use wasmparser::Operator as Op;

use super::{Translator, pop2_lanes, push_lanes};

/// Translates `op` if it belongs to this file. Returns false otherwise.
pub(super) fn operator(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    integers(t, op) || floats(t, op)
}

fn integers(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::I8x16Eq => icmp(t, I8X16, IntCC::Equal),
        Op::I8x16Ne => icmp(t, I8X16, IntCC::NotEqual),
        Op::I8x16LtS => icmp(t, I8X16, IntCC::SignedLessThan),
        Op::I8x16LtU => icmp(t, I8X16, IntCC::UnsignedLessThan),
        Op::I8x16GtS => icmp(t, I8X16, IntCC::SignedGreaterThan),
        Op::I8x16GtU => icmp(t, I8X16, IntCC::UnsignedGreaterThan),
        Op::I8x16LeS => icmp(t, I8X16, IntCC::SignedLessThanOrEqual),
        Op::I8x16LeU => icmp(t, I8X16, IntCC::UnsignedLessThanOrEqual),
        Op::I8x16GeS => icmp(t, I8X16, IntCC::SignedGreaterThanOrEqual),
        Op::I8x16GeU => icmp(t, I8X16, IntCC::UnsignedGreaterThanOrEqual),

        Op::I16x8Eq => icmp(t, I16X8, IntCC::Equal),
        Op::I16x8Ne => icmp(t, I16X8, IntCC::NotEqual),
        Op::I16x8LtS => icmp(t, I16X8, IntCC::SignedLessThan),
        Op::I16x8LtU => icmp(t, I16X8, IntCC::UnsignedLessThan),
        Op::I16x8GtS => icmp(t, I16X8, IntCC::SignedGreaterThan),
        Op::I16x8GtU => icmp(t, I16X8, IntCC::UnsignedGreaterThan),
        Op::I16x8LeS => icmp(t, I16X8, IntCC::SignedLessThanOrEqual),
        Op::I16x8LeU => icmp(t, I16X8, IntCC::UnsignedLessThanOrEqual),
        Op::I16x8GeS => icmp(t, I16X8, IntCC::SignedGreaterThanOrEqual),
        Op::I16x8GeU => icmp(t, I16X8, IntCC::UnsignedGreaterThanOrEqual),

        Op::I32x4Eq => icmp(t, I32X4, IntCC::Equal),
        Op::I32x4Ne => icmp(t, I32X4, IntCC::NotEqual),
        Op::I32x4LtS => icmp(t, I32X4, IntCC::SignedLessThan),
        Op::I32x4LtU => icmp(t, I32X4, IntCC::UnsignedLessThan),
        Op::I32x4GtS => icmp(t, I32X4, IntCC::SignedGreaterThan),
        Op::I32x4GtU => icmp(t, I32X4, IntCC::UnsignedGreaterThan),
        Op::I32x4LeS => icmp(t, I32X4, IntCC::SignedLessThanOrEqual),
        Op::I32x4LeU => icmp(t, I32X4, IntCC::UnsignedLessThanOrEqual),
        Op::I32x4GeS => icmp(t, I32X4, IntCC::SignedGreaterThanOrEqual),
        Op::I32x4GeU => icmp(t, I32X4, IntCC::UnsignedGreaterThanOrEqual),

        Op::I64x2Eq => icmp(t, I64X2, IntCC::Equal),
        Op::I64x2Ne => icmp(t, I64X2, IntCC::NotEqual),
        Op::I64x2LtS => icmp(t, I64X2, IntCC::SignedLessThan),
        Op::I64x2GtS => icmp(t, I64X2, IntCC::SignedGreaterThan),
        Op::I64x2LeS => icmp(t, I64X2, IntCC::SignedLessThanOrEqual),
        Op::I64x2GeS => icmp(t, I64X2, IntCC::SignedGreaterThanOrEqual),

        _ => return false,
    }
    true
}

fn floats(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::F32x4Eq => fcmp(t, F32X4, FloatCC::Equal),
        Op::F32x4Ne => fcmp(t, F32X4, FloatCC::NotEqual),
        Op::F32x4Lt => fcmp(t, F32X4, FloatCC::LessThan),
        Op::F32x4Gt => fcmp(t, F32X4, FloatCC::GreaterThan),
        Op::F32x4Le => fcmp(t, F32X4, FloatCC::LessThanOrEqual),
        Op::F32x4Ge => fcmp(t, F32X4, FloatCC::GreaterThanOrEqual),

        Op::F64x2Eq => fcmp(t, F64X2, FloatCC::Equal),
        Op::F64x2Ne => fcmp(t, F64X2, FloatCC::NotEqual),
        Op::F64x2Lt => fcmp(t, F64X2, FloatCC::LessThan),
        Op::F64x2Gt => fcmp(t, F64X2, FloatCC::GreaterThan),
        Op::F64x2Le => fcmp(t, F64X2, FloatCC::LessThanOrEqual),
        Op::F64x2Ge => fcmp(t, F64X2, FloatCC::GreaterThanOrEqual),

        _ => return false,
    }
    true
}

fn icmp(t: &mut Translator<'_>, ty: Type, condition: IntCC) {
    let (x, y) = pop2_lanes(t, ty);
    let mask = t.builder.ins().icmp(condition, x, y);
    push_lanes(t, mask);
}

/// Compares floats. As in wasm, `NotEqual` is true for a NaN, and all other conditions are false.
fn fcmp(t: &mut Translator<'_>, ty: Type, condition: FloatCC) {
    let (x, y) = pop2_lanes(t, ty);
    let mask = t.builder.ins().fcmp(condition, x, y);
    push_lanes(t, mask);
}
