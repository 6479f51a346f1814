//! Loads and stores of vectors and of single lanes.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{Type, Value};
use cranelift_frontend::FunctionBuilder;
use wasmparser::{MemArg, Operator as Op};

use super::super::memory::Address;
use super::{Translator, pop_lanes, push_lanes};

/// Translates `op` if it belongs to this file. Returns false otherwise.
pub(super) fn operator(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    match op {
        Op::V128Load { memarg } => load(t, memarg, 16, |b, at| b.ins().load(I8X16, at.flags, at.base, at.offset)),
        Op::V128Store { memarg } => {
            let (vector, at) = t.pop_value_and_address(memarg, 16);
            t.builder.ins().store(at.flags, vector, at.base, at.offset);
        }

        Op::V128Load8x8S { memarg } => load(t, memarg, 8, |b, at| b.ins().sload8x8(at.flags, at.base, at.offset)),
        Op::V128Load8x8U { memarg } => load(t, memarg, 8, |b, at| b.ins().uload8x8(at.flags, at.base, at.offset)),
        Op::V128Load16x4S { memarg } => load(t, memarg, 8, |b, at| b.ins().sload16x4(at.flags, at.base, at.offset)),
        Op::V128Load16x4U { memarg } => load(t, memarg, 8, |b, at| b.ins().uload16x4(at.flags, at.base, at.offset)),
        Op::V128Load32x2S { memarg } => load(t, memarg, 8, |b, at| b.ins().sload32x2(at.flags, at.base, at.offset)),
        Op::V128Load32x2U { memarg } => load(t, memarg, 8, |b, at| b.ins().uload32x2(at.flags, at.base, at.offset)),

        Op::V128Load8Splat { memarg } => splat(t, memarg, I8X16),
        Op::V128Load16Splat { memarg } => splat(t, memarg, I16X8),
        Op::V128Load32Splat { memarg } => splat(t, memarg, I32X4),
        Op::V128Load64Splat { memarg } => splat(t, memarg, I64X2),

        Op::V128Load32Zero { memarg } => zero_extend(t, memarg, I32X4),
        Op::V128Load64Zero { memarg } => zero_extend(t, memarg, I64X2),

        Op::V128Load8Lane { memarg, lane } => load_lane(t, memarg, I8X16, *lane),
        Op::V128Load16Lane { memarg, lane } => load_lane(t, memarg, I16X8, *lane),
        Op::V128Load32Lane { memarg, lane } => load_lane(t, memarg, I32X4, *lane),
        Op::V128Load64Lane { memarg, lane } => load_lane(t, memarg, I64X2, *lane),

        Op::V128Store8Lane { memarg, lane } => store_lane(t, memarg, I8X16, *lane),
        Op::V128Store16Lane { memarg, lane } => store_lane(t, memarg, I16X8, *lane),
        // The first lane is in the place of a scalar float, so a plain store is enough.
        Op::V128Store32Lane { memarg, lane: 0 } => store_lane(t, memarg, F32X4, 0),
        Op::V128Store32Lane { memarg, lane } => store_lane(t, memarg, I32X4, *lane),
        Op::V128Store64Lane { memarg, lane: 0 } => store_lane(t, memarg, F64X2, 0),
        Op::V128Store64Lane { memarg, lane } => store_lane(t, memarg, I64X2, *lane),

        _ => return false,
    }
    true
}

/// Pops an index and pushes the vector that `read` makes of the `size` bytes there.
fn load(t: &mut Translator<'_>, memarg: &MemArg, size: u32, read: fn(&mut FunctionBuilder<'_>, Address) -> Value) {
    let at = t.pop_address(memarg, size);
    let vector = read(&mut t.builder, at);
    push_lanes(t, vector);
}

/// Pops an index and loads the lane of `ty` that is there.
fn load_scalar(t: &mut Translator<'_>, memarg: &MemArg, ty: Type) -> Value {
    let lane = ty.lane_type();
    let at = t.pop_address(memarg, lane.bytes());
    t.builder.ins().load(lane, at.flags, at.base, at.offset)
}

/// Loads a lane from memory into every lane.
fn splat(t: &mut Translator<'_>, memarg: &MemArg, ty: Type) {
    let scalar = load_scalar(t, memarg, ty);
    let vector = t.builder.ins().splat(ty, scalar);
    push_lanes(t, vector);
}

/// Loads the first lane from memory. All other lanes are zero.
fn zero_extend(t: &mut Translator<'_>, memarg: &MemArg, ty: Type) {
    let scalar = load_scalar(t, memarg, ty);
    let vector = t.builder.ins().scalar_to_vector(ty, scalar);
    push_lanes(t, vector);
}

/// Replaces one lane of a vector by a lane from memory.
fn load_lane(t: &mut Translator<'_>, memarg: &MemArg, ty: Type, lane: u8) {
    let vector = pop_lanes(t, ty);
    let scalar = load_scalar(t, memarg, ty);
    let vector = t.builder.ins().insertlane(vector, scalar, lane);
    push_lanes(t, vector);
}

/// Stores one lane of a vector.
fn store_lane(t: &mut Translator<'_>, memarg: &MemArg, ty: Type, lane: u8) {
    let vector = pop_lanes(t, ty);
    let at = t.pop_address(memarg, ty.lane_type().bytes());
    let scalar = t.builder.ins().extractlane(vector, lane);
    t.builder.ins().store(at.flags, scalar, at.base, at.offset);
}
