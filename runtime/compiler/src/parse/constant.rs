//! Reads constant expressions, and computes them as far as their operands are known.
//!
//! Input: an expression that the validator accepted. Output: a [`ConstExpr`] in which every operation on known operands was
//! computed. A global is known if this module defines it, if it is immutable, and if its value is known.

use wasmparser::{BinaryReaderError, Operator};
use wrun_artifact::index::{FuncIndex, GlobalIndex};

use super::module::{ConstExpr, ConstOp};

/// Returns a value as a 16-byte slot: little-endian, with unused bytes zero.
pub(super) fn slot(bytes: &[u8]) -> [u8; 16] {
    let mut slot = [0; 16];
    slot[..bytes.len()].copy_from_slice(bytes);
    slot
}

/// Reads an expression. `known` returns the value of a global if it is known.
pub(super) fn fold(
    expr: &wasmparser::ConstExpr<'_>,
    known: impl Fn(GlobalIndex) -> Option<[u8; 16]>,
) -> Result<ConstExpr, BinaryReaderError> {
    let mut ops = Vec::new();
    let mut reader = expr.get_operators_reader();
    while !reader.eof() {
        let offset = reader.original_position();
        let op = match reader.read()? {
            Operator::I32Const { value } => ConstOp::Value(slot(&value.to_le_bytes())),
            Operator::I64Const { value } => ConstOp::Value(slot(&value.to_le_bytes())),
            Operator::F32Const { value } => ConstOp::Value(slot(&value.bits().to_le_bytes())),
            Operator::F64Const { value } => ConstOp::Value(slot(&value.bits().to_le_bytes())),
            Operator::V128Const { value } => ConstOp::Value(*value.bytes()),
            Operator::RefNull { .. } => ConstOp::Value([0; 16]),
            Operator::RefFunc { function_index } => ConstOp::RefFunc(FuncIndex::from_u32(function_index)),
            Operator::GlobalGet { global_index } => {
                let global = GlobalIndex::from_u32(global_index);
                known(global).map_or(ConstOp::GlobalGet(global), ConstOp::Value)
            }
            Operator::I32Add => ConstOp::I32Add,
            Operator::I32Sub => ConstOp::I32Sub,
            Operator::I32Mul => ConstOp::I32Mul,
            Operator::I64Add => ConstOp::I64Add,
            Operator::I64Sub => ConstOp::I64Sub,
            Operator::I64Mul => ConstOp::I64Mul,
            Operator::End => break,
            other => unreachable!("validation let {other:?} pass in a constant expression (at offset {offset:#x})"),
        };
        push(&mut ops, op);
    }
    Ok(ConstExpr(ops))
}

/// Appends an instruction. If two values come directly before an operation, they are its operands (the order is postfix), and
/// the result replaces all three.
fn push(ops: &mut Vec<ConstOp>, op: ConstOp) {
    if let [.., ConstOp::Value(left), ConstOp::Value(right)] = ops.as_slice()
        && let Some(value) = apply(op, left, right)
    {
        ops.truncate(ops.len() - 2);
        ops.push(ConstOp::Value(value));
        return;
    }
    ops.push(op);
}

/// Returns the result of an operation, or `None` if `op` is not an operation.
fn apply(op: ConstOp, left: &[u8; 16], right: &[u8; 16]) -> Option<[u8; 16]> {
    let wide = |slot: &[u8; 16]| u64::from_le_bytes(*slot.first_chunk().expect("shorter"));
    let (a, b) = (wide(left), wide(right));
    // The low half of a 64-bit result is the 32-bit result.
    let narrow = |value: u64| slot(&value.to_le_bytes()[..4]);
    Some(match op {
        ConstOp::I32Add => narrow(a.wrapping_add(b)),
        ConstOp::I32Sub => narrow(a.wrapping_sub(b)),
        ConstOp::I32Mul => narrow(a.wrapping_mul(b)),
        ConstOp::I64Add => slot(&a.wrapping_add(b).to_le_bytes()),
        ConstOp::I64Sub => slot(&a.wrapping_sub(b).to_le_bytes()),
        ConstOp::I64Mul => slot(&a.wrapping_mul(b).to_le_bytes()),
        ConstOp::Value(_) | ConstOp::GlobalGet(_) | ConstOp::RefFunc(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use wrun_artifact::Config;
    use wrun_artifact::types::IndexType;

    /// Returns the initial value of the last global of a module whose global 0 is imported and unknown.
    fn init(ty: &str, expr: &str) -> Vec<ConstOp> {
        let text =
            format!("(module (global (import \"\" \"\") {ty}) (global {ty} {expr}) (func) (elem declare func 0))");
        let wasm = wat::parse_str(text).expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid");
        module.global_inits.values().next_back().expect("one").0.clone()
    }

    fn value(bytes: &[u8]) -> ConstOp {
        ConstOp::Value(slot(bytes))
    }

    #[test]
    fn values_are_little_endian_slots() {
        for (ty, expr, bytes) in [
            ("i32", "i32.const -2", &(-2i32).to_le_bytes()[..]),
            ("i64", "i64.const -2", &(-2i64).to_le_bytes()),
            ("f32", "f32.const nan:0x200001", &0x7fa0_0001u32.to_le_bytes()),
            ("f64", "f64.const -0", &(-0f64).to_le_bytes()),
            ("v128", "v128.const i64x2 1 2", &[1, 0, 0, 0, 0, 0, 0, 0, 2]),
            ("funcref", "ref.null func", &[]),
            ("externref", "ref.null extern", &[]),
        ] {
            assert_eq!(init(ty, expr), [value(bytes)], "{expr}");
        }
        assert_eq!(
            init("funcref", "ref.func 0"),
            [ConstOp::RefFunc(FuncIndex::from_u32(0))]
        );
    }

    #[test]
    fn operations_on_values_are_carried_out_and_wrap() {
        for (ty, expr, result) in [
            (
                "i32",
                "(i32.add (i32.const 0x7fffffff) (i32.const 1))",
                i64::from(0x8000_0000u32),
            ),
            ("i32", "(i32.sub (i32.const 0) (i32.const 1))", i64::from(u32::MAX)),
            ("i32", "(i32.mul (i32.const 0x10001) (i32.const 0x10001))", 0x2_0001),
            ("i64", "(i64.add (i64.const -1) (i64.const 1))", 0),
            ("i64", "(i64.sub (i64.const 1) (i64.const 2))", -1),
            ("i64", "(i64.mul (i64.const 3) (i64.const -3))", -9),
            (
                "i32",
                "(i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.sub (i32.const 9) (i32.const 4))))",
                11,
            ),
        ] {
            assert_eq!(init(ty, expr), [value(&result.to_le_bytes())], "{expr}");
        }
    }

    #[test]
    fn what_depends_on_an_import_is_kept_and_the_rest_is_computed() {
        let import = ConstOp::GlobalGet(GlobalIndex::from_u32(0));
        assert_eq!(
            init("i32", "(i32.add (global.get 0) (i32.mul (i32.const 2) (i32.const 3)))"),
            [import, value(&[6]), ConstOp::I32Add]
        );
        assert_eq!(
            init("i32", "(i32.sub (i32.add (i32.const 1) (global.get 0)) (i32.const 2))"),
            [value(&[1]), import, ConstOp::I32Add, value(&[2]), ConstOp::I32Sub]
        );
    }

    #[test]
    fn a_known_global_is_its_value() {
        let wasm = wat::parse_str("(module (global i32 (i32.const 5)) (memory 1) (data (i32.const 1)))").expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid");
        assert_eq!(
            module.global_inits.values().next().expect("one").offset(IndexType::I32),
            Some(5)
        );
        // In wasm 2.0 expressions can read only imported globals, so this tests the expression without a module.
        let reader = wasmparser::BinaryReader::new(&[0x23, 0, 0x41, 7, 0x6a, 0x0b], 0);
        let expr = fold(&wasmparser::ConstExpr::new(reader), |_| Some(slot(&[5]))).expect("read");
        assert_eq!(expr.offset(IndexType::I32), Some(12));
    }
}
