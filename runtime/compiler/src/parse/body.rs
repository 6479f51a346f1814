//! Validates one body, and gathers facts about it in the same pass.
//!
//! Input: a module and the index of a body. Output: [`BodyFacts`], or the first error of that body. Bodies may be validated in
//! any order and on any thread.

use wasmparser::{
    BinaryReader, BinaryReaderError, FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader,
    ValidatorResources, WasmModuleResources,
};
use wrun_artifact::index::{DefinedFuncIndex, ElemIndex, TableIndex};

use super::module::{BodyFacts, Module};
use super::opcodes::{self, Effect};
use super::{FEATURES, invalid};
use crate::error::CompileError;

/// Memory that is used again for the next body.
#[derive(Default)]
pub(crate) struct ValidationPool {
    pub(super) allocations: FuncValidatorAllocations,
}

/// Validates a body.
pub(crate) fn validate_body(
    module: &Module<'_>,
    func: DefinedFuncIndex,
    pool: &mut ValidationPool,
) -> Result<BodyFacts, CompileError> {
    let resources = module.resources.clone().expect("a module with bodies has resources");
    let index = module.func_index(func).as_u32();
    let ty = resources
        .type_index_of_function(index)
        .expect("checked with the function section");
    let func_to_validate = FuncToValidate {
        resources,
        index,
        ty,
        features: FEATURES,
    };
    validate(
        func_to_validate,
        &module.bodies[func].body,
        module.counts().imported_funcs,
        pool,
    )
    .map_err(|error| invalid(&error))
}

fn validate(
    func: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    imported_funcs: u32,
    pool: &mut ValidationPool,
) -> Result<BodyFacts, BinaryReaderError> {
    let index = func.index;
    let mut facts = BodyFacts::default();
    // `Some` as long as the body needs the vmctx for nothing but calls to this module's functions.
    let mut callees = Some(Vec::new());
    let mut validator = func.into_validator(core::mem::take(&mut pool.allocations));
    let bytes = body.as_bytes();
    let start = body.range().start;
    let mut reader = body.get_binary_reader();
    reader.set_features(FEATURES);
    validator.read_locals(&mut reader)?;
    while !reader.eof() {
        let offset = reader.original_position();
        // For most instructions the first byte shows that they have no effect.
        let code = &bytes[offset - start..];
        let before = match opcodes::effect(code) {
            Effect::None => None,
            Effect::Context => {
                callees = None;
                None
            }
            Effect::Look if [opcodes::CALL, opcodes::RETURN_CALL].contains(&code[0]) && callees.is_none() => None,
            Effect::Look => Some(reader.clone()),
        };
        reader.visit_operator(&mut validator.visitor(offset))??;
        if let Some(before) = before {
            look(before, imported_funcs, &mut facts, &mut callees)?;
        }
    }
    facts.context_only_for = callees.map(|callees| (DefinedFuncIndex::from_u32(index - imported_funcs), callees));
    reader.finish_expression(&validator.visitor(reader.original_position()))?;
    pool.allocations = validator.into_allocations();
    sort(&mut facts.tables_written);
    sort(&mut facts.tables_grown);
    sort(&mut facts.tables_inited);
    sort(&mut facts.tables_copied);
    Ok(facts)
}

/// Reads the instruction at the position of `reader`, and records its effect. An instruction that is not listed here may have
/// any effect.
fn look(
    reader: BinaryReader<'_>,
    imported_funcs: u32,
    facts: &mut BodyFacts,
    callees: &mut Option<Vec<DefinedFuncIndex>>,
) -> Result<(), BinaryReaderError> {
    let table = TableIndex::from_u32;
    match OperatorsReader::new(reader).read()? {
        Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
            match function_index.checked_sub(imported_funcs) {
                Some(defined) => {
                    if let Some(callees) = callees {
                        callees.push(DefinedFuncIndex::from_u32(defined));
                    }
                }
                None => *callees = None,
            }
            return Ok(());
        }
        Operator::I32TruncSatF32S
        | Operator::I32TruncSatF32U
        | Operator::I32TruncSatF64S
        | Operator::I32TruncSatF64U
        | Operator::I64TruncSatF32S
        | Operator::I64TruncSatF32U
        | Operator::I64TruncSatF64S
        | Operator::I64TruncSatF64U
        | Operator::I64Add128
        | Operator::I64Sub128
        | Operator::I64MulWideS
        | Operator::I64MulWideU => return Ok(()),
        Operator::TableSet { table: t } | Operator::TableFill { table: t } => facts.tables_written.push(table(t)),
        Operator::TableGrow { table: t } => {
            facts.tables_written.push(table(t));
            facts.tables_grown.push(table(t));
        }
        Operator::TableInit { table: t, elem_index } => {
            facts.tables_inited.push((table(t), ElemIndex::from_u32(elem_index)));
        }
        Operator::TableCopy { dst_table, src_table } => facts.tables_copied.push((table(dst_table), table(src_table))),
        Operator::TableSize { .. }
        | Operator::ElemDrop { .. }
        | Operator::MemoryInit { .. }
        | Operator::MemoryCopy { .. }
        | Operator::MemoryFill { .. }
        | Operator::DataDrop { .. } => {}
        _ => facts.unknown = true,
    }
    *callees = None;
    Ok(())
}

fn sort<T: Ord>(items: &mut Vec<T>) {
    items.sort_unstable();
    items.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use wrun_artifact::Config;

    fn facts(body: &str) -> Result<BodyFacts, CompileError> {
        let text = format!(
            "(module (table 1 funcref) (table 1 funcref) (table 1 externref) (memory 1)
               (elem func 0) (elem func) (func {body}))"
        );
        let wasm = wat::parse_str(text).expect("text");
        let module = parse(&wasm, &Config::native())?;
        validate_body(&module, DefinedFuncIndex::from_u32(0), &mut ValidationPool::default())
    }

    #[test]
    fn what_a_body_does_to_tables_and_memory_is_noted_once() {
        let t = TableIndex::from_u32;
        let e = ElemIndex::from_u32;
        let set = "(table.set 1 (i32.const 0) (ref.null func))";
        let grow = "(drop (table.grow 2 (ref.null extern) (i32.const 1)))";
        let fill = "(table.fill 0 (i32.const 0) (ref.null func) (i32.const 1))";
        let init = "(table.init 1 0 (i32.const 0) (i32.const 0) (i32.const 1))";
        let copy = "(table.copy 1 0 (i32.const 0) (i32.const 0) (i32.const 1))";
        let none = BodyFacts::default;
        for (body, expect) in [
            ("", none()),
            (
                // Operands that look like opcodes, and instructions with the same prefix and without these effects.
                "(drop (i32.const 0x26)) (drop (i32.trunc_sat_f32_s (f32.const 1))) (drop (table.get 0 (i32.const 0)))
                 (drop (table.size 0)) (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop 0)
                 (drop (memory.grow (i32.const 1)))",
                none(),
            ),
            (
                &[set, set].concat(),
                BodyFacts {
                    tables_written: vec![t(1)],
                    ..none()
                },
            ),
            (
                grow,
                BodyFacts {
                    tables_written: vec![t(2)],
                    tables_grown: vec![t(2)],
                    ..none()
                },
            ),
            (
                &[set, fill].concat(),
                BodyFacts {
                    tables_written: vec![t(0), t(1)],
                    ..none()
                },
            ),
            (
                init,
                BodyFacts {
                    tables_inited: vec![(t(1), e(0))],
                    ..none()
                },
            ),
            (
                copy,
                BodyFacts {
                    tables_copied: vec![(t(1), t(0))],
                    ..none()
                },
            ),
        ] {
            let tables = facts(body).map(|facts| BodyFacts {
                context_only_for: None,
                ..facts
            });
            assert_eq!(tables, Ok(expect), "{body}");
        }
    }

    #[test]
    fn what_a_body_needs_the_vmctx_for_is_noted() {
        let calls = |text: &str| {
            let text = format!(
                "(module (import \"\" \"\" (func $import)) (global $g i32 (i32.const 0)) (table 1 funcref) (memory 1)
                   (func $f {text}) (func $other) (elem declare func $f))"
            );
            let wasm = wat::parse_str(text).expect("text");
            let module = parse(&wasm, &Config::native()).expect("valid but for bodies");
            let func = DefinedFuncIndex::from_u32(0);
            let facts = validate_body(&module, func, &mut ValidationPool::default()).expect("valid");
            facts.context_only_for.map(|(func, calls)| {
                assert_eq!(func.as_u32(), 0);
                calls.iter().map(|func| func.as_u32()).collect::<Vec<_>>()
            })
        };
        for (body, expect) in [
            ("", Some(vec![])),
            ("(drop (i64.trunc_sat_f64_u (f64.sqrt (f64.const 2))))", Some(vec![])),
            (
                "(drop (drop (i64.mul_wide_u (i64.const 1) (i64.const 2))))",
                Some(vec![]),
            ),
            ("(call $other) (call $f)", Some(vec![1, 0])),
            ("(call $import)", None),
            ("(call $other) (call $import) (call $other)", None),
            ("(call_indirect (i32.const 0))", None),
            ("(drop (global.get $g))", None),
            ("(drop (i32.load (i32.const 0)))", None),
            ("(i64.store32 (i32.const 0) (i64.const 0))", None),
            ("(drop (memory.size))", None),
            ("(drop (memory.grow (i32.const 0)))", None),
            (
                "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0)) (call $other)",
                None,
            ),
            ("(drop (table.size))", None),
            ("(drop (table.get (i32.const 0)))", None),
            ("(drop (ref.func $f))", None),
            ("(drop (v128.load (i32.const 0)))", None),
        ] {
            assert_eq!(calls(body), expect, "{body}");
        }
    }

    #[test]
    fn an_instruction_that_no_list_has_may_do_anything() {
        let encodings = opcodes::tests::one_of_each();
        for (proposal, name, _) in opcodes::tests::OPERATORS {
            let code = &encodings[*name];
            let mut reader = BinaryReader::new(code, 0);
            reader.set_features(wasmparser::WasmFeatures::all());
            if opcodes::effect(code) != Effect::Look {
                continue;
            }
            let (mut facts, mut callees) = (BodyFacts::default(), Some(Vec::new()));
            look(reader, 0, &mut facts, &mut callees).expect("can be read alone");
            let proposals = [
                "mvp",
                "reference_types",
                "bulk_memory",
                "saturating_float_to_int",
                "tail_call",
                "wide_arithmetic",
            ];
            assert_eq!(facts.unknown, !proposals.contains(proposal), "{name}");
            let free = ["Call", "ReturnCall"].contains(name)
                || ["saturating_float_to_int", "wide_arithmetic"].contains(proposal);
            assert_eq!(callees.is_some(), free, "{name}");
        }
    }

    #[test]
    fn an_invalid_body_is_refused_where_it_goes_wrong() {
        let error = facts("(drop (i32.add (i32.const 1) (i64.const 2)))");
        assert!(
            matches!(error, Err(CompileError::Invalid { offset, .. }) if offset > 8),
            "{error:?}"
        );
    }

    #[test]
    fn a_pool_serves_many_bodies_and_survives_an_error() {
        let wasm = wat::parse_str("(module (func) (func i32.add) (func (result i32) i32.const 1))").expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid but for bodies");
        let mut pool = ValidationPool::default();
        let valid: Vec<_> = module
            .bodies
            .keys()
            .map(|func| validate_body(&module, func, &mut pool).is_ok())
            .collect();
        assert_eq!(valid, [true, false, true]);
    }

    #[test]
    fn a_body_that_does_not_end_is_refused() {
        let mut wasm = wat::parse_str("(module (func nop nop))").expect("text");
        let end = wasm.len() - 1;
        assert_eq!(wasm[end], 0x0b);
        wasm[end] = 0x01;
        let module = parse(&wasm, &Config::native()).expect("valid but for the body");
        let error = validate_body(&module, DefinedFuncIndex::from_u32(0), &mut ValidationPool::default());
        assert!(matches!(error, Err(CompileError::Invalid { .. })), "{error:?}");
    }
}
