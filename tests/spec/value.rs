//! Converts values from the suite's notation: arguments, and the patterns that results must match.

use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};
use wrun_runtime::{ExternRef, Value};

/// Converts an argument.
pub(crate) fn argument(argument: &WastArg<'_>) -> Result<Value, String> {
    let WastArg::Core(core) = argument else {
        return Err(format!("{argument:?} is not an argument of core wasm"));
    };
    Ok(match core {
        WastArgCore::I32(value) => Value::I32(*value),
        WastArgCore::I64(value) => Value::I64(*value),
        WastArgCore::F32(value) => Value::F32(value.bits),
        WastArgCore::F64(value) => Value::F64(value.bits),
        WastArgCore::V128(value) => Value::V128(u128::from_le_bytes(value.to_le_bytes())),
        WastArgCore::RefExtern(number) => Value::ExternRef(Some(ExternRef::new(*number))),
        WastArgCore::RefNull(HeapType::Abstract {
            ty: AbstractHeapType::Func,
            ..
        }) => Value::FuncRef(None),
        WastArgCore::RefNull(HeapType::Abstract {
            ty: AbstractHeapType::Extern,
            ..
        }) => Value::ExternRef(None),
        other => return Err(format!("wasm 2.0 has no argument {other:?}")),
    })
}

/// Returns true if a result is the one that the suite expects.
pub(crate) fn matches(expected: &WastRet<'_>, actual: &Value) -> bool {
    match expected {
        WastRet::Core(core) => core_matches(core, actual),
        _ => false,
    }
}

fn core_matches(expected: &WastRetCore<'_>, actual: &Value) -> bool {
    match (expected, actual) {
        (WastRetCore::I32(expected), Value::I32(actual)) => expected == actual,
        (WastRetCore::I64(expected), Value::I64(actual)) => expected == actual,
        (WastRetCore::F32(expected), Value::F32(actual)) => f32_matches(expected, *actual),
        (WastRetCore::F64(expected), Value::F64(actual)) => f64_matches(expected, *actual),
        (WastRetCore::V128(expected), Value::V128(actual)) => v128_matches(expected, actual.to_le_bytes()),
        (WastRetCore::RefNull(None), Value::FuncRef(None) | Value::ExternRef(None) | Value::ExnRef(None)) => true,
        (WastRetCore::RefNull(Some(HeapType::Abstract { ty, .. })), actual) => match actual {
            Value::FuncRef(None) => *ty == AbstractHeapType::Func,
            Value::ExternRef(None) => *ty == AbstractHeapType::Extern,
            Value::ExnRef(None) => *ty == AbstractHeapType::Exn,
            _ => false,
        },
        (WastRetCore::RefExtern(expected), Value::ExternRef(Some(actual))) => {
            expected.is_none_or(|expected| actual.downcast_ref() == Some(&expected))
        }
        (WastRetCore::RefFunc(_), Value::FuncRef(actual)) => actual.is_some(),
        (WastRetCore::Either(choices), actual) => choices.iter().any(|choice| core_matches(choice, actual)),
        _ => false,
    }
}

/// Returns true if a float matches. A NaN is *canonical* if its payload is only the most significant bit, and *arithmetic* if
/// that bit is set.
fn f32_matches(expected: &NanPattern<F32>, actual: u32) -> bool {
    match expected {
        NanPattern::CanonicalNan => actual & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => actual & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(value) => actual == value.bits,
    }
}

fn f64_matches(expected: &NanPattern<F64>, actual: u64) -> bool {
    match expected {
        NanPattern::CanonicalNan => actual & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => actual & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(value) => actual == value.bits,
    }
}

fn v128_matches(expected: &V128Pattern, actual: [u8; 16]) -> bool {
    match expected {
        V128Pattern::I8x16(lanes) => lanes.map(|lane| lane.to_le_bytes()).concat() == actual,
        V128Pattern::I16x8(lanes) => lanes.map(|lane| lane.to_le_bytes()).concat() == actual,
        V128Pattern::I32x4(lanes) => lanes.map(|lane| lane.to_le_bytes()).concat() == actual,
        V128Pattern::I64x2(lanes) => lanes.map(|lane| lane.to_le_bytes()).concat() == actual,
        V128Pattern::F32x4(lanes) => {
            let (actual, _) = actual.as_chunks();
            lanes
                .iter()
                .zip(actual)
                .all(|(lane, actual)| f32_matches(lane, u32::from_le_bytes(*actual)))
        }
        V128Pattern::F64x2(lanes) => {
            let (actual, _) = actual.as_chunks();
            lanes
                .iter()
                .zip(actual)
                .all(|(lane, actual)| f64_matches(lane, u64::from_le_bytes(*actual)))
        }
    }
}

#[test]
fn nans_are_told_apart_by_their_payload() {
    let canonical = NanPattern::CanonicalNan;
    assert!(f32_matches(&canonical, 0xffc0_0000));
    assert!(!f32_matches(&canonical, 0x7fc0_0001));
    assert!(f32_matches(&NanPattern::ArithmeticNan, 0x7fc0_0001));
    assert!(!f32_matches(&NanPattern::ArithmeticNan, 0x7fa0_0000));
    assert!(f64_matches(&NanPattern::CanonicalNan, 0x7ff8_0000_0000_0000));
    assert!(!f64_matches(&NanPattern::ArithmeticNan, 0x7ff0_0000_0000_0001));
}

#[test]
fn a_lane_that_differs_is_noticed() {
    let lanes = V128Pattern::I32x4([1, 2, 3, 4]);
    let bytes = [1_i32, 2, 3, 4]
        .map(i32::to_le_bytes)
        .concat()
        .try_into()
        .expect("16 bytes");
    assert!(v128_matches(&lanes, bytes));
    assert!(!v128_matches(&lanes, [0; 16]));
}
