//! Single lanes and the order of lanes: constants, splats, extraction, replacement, shuffles.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::types::{F32X4, F64X2, I8, I8X16, I16, I16X8, I32, I32X4, I64X2};
use cranelift_codegen::ir::{Type, Value};
use cranelift_frontend::FunctionBuilder;
use wasmparser::Operator as Op;

use super::{Translator, pop_lanes, push_lanes};

/// Translates `op` if it belongs to this file. Returns false otherwise.
pub(super) fn operator(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match *op {
        Op::V128Const { value } => {
            let bytes = t.builder.func.dfg.constants.insert(value.bytes().to_vec().into());
            let vector = t.builder.ins().vconst(I8X16, bytes);
            push_lanes(t, vector);
        }

        Op::I8x16Splat => splat(t, I8X16),
        Op::I16x8Splat => splat(t, I16X8),
        Op::I32x4Splat => splat(t, I32X4),
        Op::I64x2Splat => splat(t, I64X2),
        Op::F32x4Splat => splat(t, F32X4),
        Op::F64x2Splat => splat(t, F64X2),

        Op::I8x16ExtractLaneS { lane } => extract(t, I8X16, lane, |b, x| b.ins().sextend(I32, x)),
        Op::I8x16ExtractLaneU { lane } => extract(t, I8X16, lane, |b, x| b.ins().uextend(I32, x)),
        Op::I16x8ExtractLaneS { lane } => extract(t, I16X8, lane, |b, x| b.ins().sextend(I32, x)),
        Op::I16x8ExtractLaneU { lane } => extract(t, I16X8, lane, |b, x| b.ins().uextend(I32, x)),
        Op::I32x4ExtractLane { lane } => extract(t, I32X4, lane, |_, x| x),
        Op::I64x2ExtractLane { lane } => extract(t, I64X2, lane, |_, x| x),
        Op::F32x4ExtractLane { lane } => extract(t, F32X4, lane, |_, x| x),
        Op::F64x2ExtractLane { lane } => extract(t, F64X2, lane, |_, x| x),

        Op::I8x16ReplaceLane { lane } => replace(t, I8X16, lane),
        Op::I16x8ReplaceLane { lane } => replace(t, I16X8, lane),
        Op::I32x4ReplaceLane { lane } => replace(t, I32X4, lane),
        Op::I64x2ReplaceLane { lane } => replace(t, I64X2, lane),
        Op::F32x4ReplaceLane { lane } => replace(t, F32X4, lane),
        Op::F64x2ReplaceLane { lane } => replace(t, F64X2, lane),

        Op::I8x16Shuffle { lanes } => {
            let y = pop_lanes(t, I8X16);
            let x = pop_lanes(t, I8X16);
            let lanes = t.builder.func.dfg.immediates.push(lanes.to_vec().into());
            let vector = t.builder.ins().shuffle(x, y, lanes);
            push_lanes(t, vector);
        }
        Op::I8x16Swizzle => {
            let indices = pop_lanes(t, I8X16);
            let x = pop_lanes(t, I8X16);
            // In Cranelift as in wasm, an index that is out of range gives 0.
            let vector = t.builder.ins().swizzle(x, indices);
            push_lanes(t, vector);
        }

        _ => return false,
    }
    true
}

/// Pops a scalar as a lane of `ty`. For lanes below 32 bits it is an `i32` whose upper bits are ignored.
fn pop_scalar(t: &mut Translator<'_>, ty: Type) -> Value {
    let value = t.pop1();
    match ty.lane_type() {
        lane @ (I8 | I16) => t.builder.ins().ireduce(lane, value),
        _ => value,
    }
}

fn splat(t: &mut Translator<'_>, ty: Type) {
    let value = pop_scalar(t, ty);
    let vector = t.builder.ins().splat(ty, value);
    push_lanes(t, vector);
}

/// Pushes a lane, extended by `extend` to a type of the wasm stack.
fn extract(t: &mut Translator<'_>, ty: Type, lane: u8, extend: fn(&mut FunctionBuilder<'_>, Value) -> Value) {
    let vector = pop_lanes(t, ty);
    let scalar = t.builder.ins().extractlane(vector, lane);
    let scalar = extend(&mut t.builder, scalar);
    t.push(scalar);
}

fn replace(t: &mut Translator<'_>, ty: Type, lane: u8) {
    let value = pop_scalar(t, ty);
    let vector = pop_lanes(t, ty);
    let vector = t.builder.ins().insertlane(vector, value, lane);
    push_lanes(t, vector);
}
