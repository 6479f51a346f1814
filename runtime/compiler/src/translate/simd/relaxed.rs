//! The 20 instructions of relaxed SIMD.
//!
//! The specification leaves a few results to the implementation: what differs between CPUs. With the setting `deterministic`, or
//! where the CPU has nothing faster, an instruction has the meaning of the specification's deterministic profile, which is that of
//! an instruction of fixed-width SIMD. Otherwise it has a meaning that one CPU instruction has. Which of them follows from the
//! settings alone, so all runs with one artifact agree.
//!
//! | instruction | deterministic | fast on x86-64 |
//! |---|---|---|
//! | madd, nmadd | product and sum are rounded | with FMA, only the sum is rounded |
//! | min, max | as min, max | the second operand for NaN and for two zeros is a matter of order, as in pmin, pmax |
//! | signed truncation | saturates, NaN gives 0 | out of range and NaN give -2^31 |
//! | unsigned truncation | saturates, NaN gives 0 | the same |
//! | swizzle | an index from 16 on gives 0 | an index from 16 to 127 counts modulo 16 |
//! | laneselect | bit by bit | by the highest bit of each lane of the mask |
//! | q15mulr | saturates | -1 times -1 gives -1 |
//! | dot | both operands are signed | the second operand is unsigned |

use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use cranelift_frontend::FunctionBuilder;
use wasmparser::Operator as Op;
use wrun_artifact::config::CpuFeatures;

use super::float::pseudo;
use super::{Translator, binary, pop_lanes, pop2_lanes, push_lanes, unary, zero};

/// Translates `op` if it belongs to this file. Returns false otherwise.
pub(super) fn operator(t: &mut Translator<'_>, op: &Op<'_>) -> bool {
    let fast = !t.env.config.deterministic;
    match op {
        Op::F32x4RelaxedMadd => multiply_add(t, F32X4, |_, x| x),
        Op::F64x2RelaxedMadd => multiply_add(t, F64X2, |_, x| x),
        Op::F32x4RelaxedNmadd => multiply_add(t, F32X4, |b, x| b.ins().fneg(x)),
        Op::F64x2RelaxedNmadd => multiply_add(t, F64X2, |b, x| b.ins().fneg(x)),

        Op::F32x4RelaxedMin if fast => pseudo(t, F32X4, |x, y| (y, x)),
        Op::F32x4RelaxedMax if fast => pseudo(t, F32X4, |x, y| (x, y)),
        Op::F64x2RelaxedMin if fast => pseudo(t, F64X2, |x, y| (y, x)),
        Op::F64x2RelaxedMax if fast => pseudo(t, F64X2, |x, y| (x, y)),
        Op::F32x4RelaxedMin => binary(t, F32X4, |b, x, y| b.ins().fmin(x, y)),
        Op::F32x4RelaxedMax => binary(t, F32X4, |b, x, y| b.ins().fmax(x, y)),
        Op::F64x2RelaxedMin => binary(t, F64X2, |b, x, y| b.ins().fmin(x, y)),
        Op::F64x2RelaxedMax => binary(t, F64X2, |b, x, y| b.ins().fmax(x, y)),

        Op::I32x4RelaxedTruncF32x4S if fast => unary(t, F32X4, |b, x| b.ins().x86_cvtt2dq(I32X4, x)),
        Op::I32x4RelaxedTruncF32x4S => unary(t, F32X4, |b, x| b.ins().fcvt_to_sint_sat(I32X4, x)),
        Op::I32x4RelaxedTruncF32x4U => unary(t, F32X4, |b, x| b.ins().fcvt_to_uint_sat(I32X4, x)),
        // Of 64-bit integer lanes, the x86-64 back end knows exactly these combinations.
        Op::I32x4RelaxedTruncF64x2SZero if fast => unary(t, F64X2, |b, x| {
            let (wide, zero) = (b.ins().x86_cvtt2dq(I64X2, x), zero(b, I64X2));
            b.ins().snarrow(wide, zero)
        }),
        Op::I32x4RelaxedTruncF64x2SZero => unary(t, F64X2, |b, x| {
            let (wide, zero) = (b.ins().fcvt_to_sint_sat(I64X2, x), zero(b, I64X2));
            b.ins().snarrow(wide, zero)
        }),
        Op::I32x4RelaxedTruncF64x2UZero => unary(t, F64X2, |b, x| {
            let (wide, zero) = (b.ins().fcvt_to_uint_sat(I64X2, x), zero(b, I64X2));
            b.ins().uunarrow(wide, zero)
        }),

        Op::I8x16RelaxedSwizzle if fast => binary(t, I8X16, |b, x, y| b.ins().x86_pshufb(x, y)),
        Op::I8x16RelaxedSwizzle => binary(t, I8X16, |b, x, y| b.ins().swizzle(x, y)),

        Op::I8x16RelaxedLaneselect => select(t, I8X16),
        Op::I16x8RelaxedLaneselect => select(t, I16X8),
        Op::I32x4RelaxedLaneselect => select(t, I32X4),
        Op::I64x2RelaxedLaneselect => select(t, I64X2),

        Op::I16x8RelaxedQ15mulrS if fast => binary(t, I16X8, |b, x, y| b.ins().x86_pmulhrsw(x, y)),
        Op::I16x8RelaxedQ15mulrS => binary(t, I16X8, |b, x, y| b.ins().sqmul_round_sat(x, y)),

        Op::I16x8RelaxedDotI8x16I7x16S => {
            let sums = dot(t);
            push_lanes(t, sums);
        }
        Op::I32x4RelaxedDotI8x16I7x16AddS => {
            let addend = pop_lanes(t, I32X4);
            let sums = dot(t);
            let (low, high) = (t.builder.ins().swiden_low(sums), t.builder.ins().swiden_high(sums));
            let sums = t.builder.ins().iadd_pairwise(low, high);
            let sums = t.builder.ins().iadd(sums, addend);
            push_lanes(t, sums);
        }
        _ => return false,
    }
    true
}

/// The product of two operands, of which `negate` may negate the first, plus the third. It is fused only where the CPU does that:
/// elsewhere the code generator would call a library.
fn multiply_add(t: &mut Translator<'_>, ty: Type, negate: fn(&mut FunctionBuilder<'_>, Value) -> Value) {
    let addend = pop_lanes(t, ty);
    let (x, y) = pop2_lanes(t, ty);
    let x = negate(&mut t.builder, x);
    let fused = CpuFeatures::AVX.union(CpuFeatures::FMA);
    let sum = if !t.env.config.deterministic && t.env.config.cpu.contains(fused) {
        t.builder.ins().fma(x, y, addend)
    } else {
        let product = t.builder.ins().fmul(x, y);
        t.builder.ins().fadd(product, addend)
    };
    push_lanes(t, sum);
}

/// Selects lanes of the first or second operand, by a mask.
fn select(t: &mut Translator<'_>, ty: Type) {
    if t.env.config.deterministic {
        let mask = t.pop1();
        return binary_with(t, I8X16, mask, |b, mask, x, y| b.ins().bitselect(mask, x, y));
    }
    // The CPU has no such instruction for lanes of 16 bits: the highest bit is copied to both bytes.
    let mask = pop_lanes(t, ty);
    let (ty, mask) = match ty {
        I16X8 => {
            let mask = t.builder.ins().sshr_imm_u(mask, 15);
            (I8X16, super::as_lanes(&mut t.builder, I8X16, mask))
        }
        _ => (ty, mask),
    };
    binary_with(t, ty, mask, |b, mask, x, y| b.ins().blendv(mask, x, y));
}

/// Pops two operands and pushes the result of `apply` with them and a mask.
fn binary_with(
    t: &mut Translator<'_>,
    ty: Type,
    mask: Value,
    apply: fn(&mut FunctionBuilder<'_>, Value, Value, Value) -> Value,
) {
    let (x, y) = pop2_lanes(t, ty);
    let vector = apply(&mut t.builder, mask, x, y);
    push_lanes(t, vector);
}

/// Pops two vectors of bytes. Returns the sums, in lanes of 16 bits, of two neighbouring products each. The sums saturate.
fn dot(t: &mut Translator<'_>) -> Value {
    if !t.env.config.deterministic {
        let (x, y) = pop2_lanes(t, I8X16);
        return t.builder.ins().x86_pmaddubsw(x, y);
    }
    let (x, y) = pop2_lanes(t, I16X8);
    let b = &mut t.builder;
    let mut low = |x| {
        let shifted = b.ins().ishl_imm_u(x, 8);
        b.ins().sshr_imm_u(shifted, 8)
    };
    let (x_low, y_low) = (low(x), low(y));
    let (x_high, y_high) = (b.ins().sshr_imm_u(x, 8), b.ins().sshr_imm_u(y, 8));
    // A product of two bytes fits in 16 bits.
    let (low, high) = (b.ins().imul(x_low, y_low), b.ins().imul(x_high, y_high));
    b.ins().sadd_sat(low, high)
}
