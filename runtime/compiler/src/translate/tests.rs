//! Tests of the IR of small programs. The spec's test suite checks that the code does the right thing.

use cranelift_codegen::ir::{self, Opcode};
use cranelift_codegen::{FinalizedRelocTarget, control::ControlPlane};
use wrun_artifact::config::{Config, CpuFeatures, MemoryMode};
use wrun_artifact::index::{DefinedFuncIndex, Index};
use wrun_artifact::vmlayout::Libcall;

use super::{Context, Env, function};
use crate::code::{Symbol, isa};
use crate::error::Failure;
use crate::parse::opcode_tests as opcodes;
use crate::parse::{Scan, ValidationPool, is_supported, parse, validate_body};

/// A module with imported, defined and exported items of each kind, both forms of tables, and all types of values.
const EVERYTHING: &str = include_str!("tests/everything.wat");

mod references;

fn config(memory: MemoryMode) -> Config {
    Config {
        cpu: CpuFeatures::X86_64_V2,
        memory,
        ..Config::native()
    }
}

/// Translates every function of a module.
fn try_translate(wat: &str, config: &Config) -> Result<Vec<ir::Function>, Failure> {
    let wasm = wat::parse_str(wat).expect("the text is well-formed");
    let module = parse(&wasm, config).expect("the module is valid");
    let mut pool = ValidationPool::default();
    let facts: Vec<_> = (0..module.bodies.len())
        .map(|i| validate_body(&module, DefinedFuncIndex::new(i), &mut pool).expect("the body is valid"))
        .collect();
    let scan = Scan::new(&module, facts.into_iter());
    let isa = isa::target(config, true).expect("enough");
    let env = Env {
        facts: &scan.facts,
        layout: &module.layout,
        config,
        isa: &*isa,
    };
    let mut context = Context::default();
    let translate = |i| {
        let mut out = ir::Function::new();
        let func = DefinedFuncIndex::new(i);
        function(&mut context, &env, func, &module.bodies[func], &mut out)?;
        cranelift_codegen::verify_function(&out, &*isa).unwrap_or_else(|error| panic!("{error}\n{}", out.display()));
        Ok(out)
    };
    (0..module.bodies.len()).map(translate).collect()
}

fn translate(wat: &str) -> Vec<ir::Function> {
    try_translate(wat, &config(MemoryMode::Guarded)).expect("within all limits")
}

fn instructions(function: &ir::Function) -> impl Iterator<Item = ir::Inst> {
    function
        .layout
        .blocks()
        .flat_map(|block| function.layout.block_insts(block))
}

fn count(function: &ir::Function, opcode: Opcode) -> usize {
    instructions(function)
        .filter(|inst| function.dfg.insts[*inst].opcode() == opcode)
        .count()
}

/// Returns the direct callees of a function, in the order of the code.
fn callees(function: &ir::Function) -> Vec<Symbol> {
    let callee = |inst| match &function.dfg.insts[inst] {
        ir::InstructionData::Call { func_ref, .. } => match &function.dfg.ext_funcs[*func_ref].name {
            ir::ExternalName::User(name) => Symbol::from_name(&function.params.user_named_funcs()[*name]),
            _ => panic!("a callee that is no symbol"),
        },
        _ => None,
    };
    instructions(function).filter_map(callee).collect()
}

#[test]
fn every_access_has_an_alias_region() {
    for mode in [MemoryMode::Guarded, MemoryMode::Checked] {
        let mut accesses = 0;
        for function in try_translate(EVERYTHING, &config(mode)).expect("within all limits") {
            for inst in instructions(&function) {
                let data = &function.dfg.insts[inst];
                if !data.opcode().can_load() && !data.opcode().can_store() {
                    continue;
                }
                let Some(flags) = data.memflags_data(&function.dfg) else {
                    assert!(data.opcode().is_call(), "{}", function.dfg.display_inst(inst));
                    continue;
                };
                assert!(flags.alias_region().is_some(), "{}", function.dfg.display_inst(inst));
                accesses += 1;
            }
        }
        assert!(
            accesses > 80,
            "the module was meant to have many accesses, it has {accesses}"
        );
    }
}

#[test]
fn everything_compiles_without_calls_to_the_code_generators_library() {
    for mode in [MemoryMode::Guarded, MemoryMode::Checked] {
        let isa = isa::target(&config(mode), true).expect("enough");
        for function in try_translate(EVERYTHING, &config(mode)).expect("within all limits") {
            let mut context = cranelift_codegen::Context::for_function(function);
            let code = context.compile(&*isa, &mut ControlPlane::default()).expect("compiles");
            for reloc in code.buffer.relocs() {
                assert!(
                    matches!(
                        reloc.target,
                        FinalizedRelocTarget::ExternalName(ir::ExternalName::User(_))
                    ),
                    "{reloc:?}"
                );
            }
        }
    }
}

#[test]
fn a_guarded_memory_of_its_own_needs_neither_base_nor_check() {
    let wat = "(module (memory 1) (func (param i32) (result i32) (i32.load offset=33554428 (local.get 0))))";
    let function = &translate(wat)[0];
    assert_eq!(count(function, Opcode::Load), 1);
    assert_eq!(count(function, Opcode::Icmp), 0);
}

#[test]
fn an_access_beyond_the_guard_is_compared_with_the_length() {
    let wat = "(module (memory 1) (func (param i32) (result i32) (i32.load offset=33554429 (local.get 0))))";
    let function = &translate(wat)[0];
    assert_eq!(count(function, Opcode::SelectSpectreGuard), 1);
    assert_eq!(count(function, Opcode::Load), 2);
}

#[test]
fn the_base_of_an_imported_memory_may_be_loaded_once_if_it_is_guarded() {
    let wat = r#"(module (memory (import "" "m") 1) (func (param i32) (result i32) (i32.load (local.get 0))))"#;
    for (mode, expected) in [(MemoryMode::Guarded, 0), (MemoryMode::Checked, 2)] {
        let function = &try_translate(wat, &config(mode)).expect("within all limits")[0];
        let stays = |inst: &ir::Inst| {
            let flags = function.dfg.insts[*inst].memflags_data(&function.dfg);
            flags.is_some_and(|flags| flags.notrap() && !(flags.readonly() && flags.can_move()))
        };
        assert_eq!(
            instructions(function).filter(stays).count(),
            expected,
            "{mode:?}: base and length"
        );
    }
}

#[test]
fn an_index_that_is_known_makes_a_direct_call_of_an_indirect_one() {
    let call = |table: &str, index: u32| {
        let wat = format!(
            r#"(module (type $t (func)) (import "" "f" (func $imported)) {table}
                 (func (call_indirect (type $t) (i32.const {index})))
                 (func $defined) (func $other (param i32)))"#
        );
        translate(&wat).swap_remove(0)
    };
    let table = "(table 5 funcref) (elem (i32.const 0) func $imported $defined $other)";
    assert_eq!(callees(&call(table, 1)), [Symbol::Func(DefinedFuncIndex::new(1))]);
    for (index, trap) in [(2, "user6"), (3, "user5"), (5, "user4")] {
        let text = call(table, index).display().to_string();
        assert!(
            text.contains(&format!("trap {trap}")) && !text.contains("call"),
            "{index}: {text}"
        );
    }
    // An import is called with its own context.
    let imported = call(table, 0);
    assert_eq!(count(&imported, Opcode::CallIndirect), 1);
    assert_eq!(count(&imported, Opcode::FuncAddr), 0);
    // Others may write to an exported table.
    let exported = call(
        r#"(table (export "t") 5 funcref) (elem (i32.const 0) func $imported $defined)"#,
        1,
    );
    assert_eq!(count(&exported, Opcode::CallIndirect), 1);
    assert_eq!(callees(&exported), [Symbol::Libcall(Libcall::ResolveIndirect)]);
}

#[test]
fn a_table_of_one_type_is_called_without_looking_at_the_type() {
    let types = |elements: &str| {
        let wat = format!(
            "(module (type $t (func)) (table 2 funcref) (elem (i32.const 0) func {elements})
               (func (param i32) (call_indirect (type $t) (local.get 0)))
               (func $a) (func $b) (func $c (param i32)))"
        );
        let function = &translate(&wat)[0];
        (count(function, Opcode::Load), count(function, Opcode::Trap))
    };
    assert_eq!(types("$a $b"), (2, 0), "the base and the code");
    assert_eq!(types("$a $c"), (3, 1), "the type too");
    assert_eq!(types("$a"), (3, 1), "an element is null");
}

#[test]
fn constants_of_the_module_are_constants_in_code() {
    let wat = r#"(module (global $g i64 (i64.const 77)) (global $m (mut i64) (i64.const 78)) (table 9 externref)
        (func (result i64 i64 i32) (global.get $g) (global.get $m) (table.size 0)))"#;
    let function = &translate(wat)[0];
    let text = function.display().to_string();
    assert_eq!(count(function, Opcode::Load), 1, "{text}");
    assert!(
        text.contains("iconst.i64 77") && text.contains("iconst.i32 9"),
        "{text}"
    );
}

#[test]
fn code_that_cannot_be_reached_is_not_translated() {
    let wat = "(module (memory 1) (func (result i32)
        (block (result i32) (br 0 (i32.const 1)) (loop (if (i32.load (i32.const 8)) (then (br 1))) (br 0)) (i32.clz))
        (return) (drop (i32.ctz (i32.const 3))) (unreachable)))";
    let function = &translate(wat)[0];
    let text = function.display().to_string();
    for opcode in [Opcode::Load, Opcode::Brif, Opcode::Clz, Opcode::Ctz, Opcode::Trap] {
        assert_eq!(count(function, opcode), 0, "{opcode}: {text}");
    }
}

#[test]
fn a_comparison_is_branched_on_without_being_widened() {
    let wat = "(module (func (param i32 i32) (result i32)
        (block (br_if 0 (i32.eqz (i32.lt_s (local.get 0) (local.get 1)))))
        (select (i32.const 1) (i32.const 2) (i32.ne (local.get 0) (local.get 1)))))";
    let function = &translate(wat)[0];
    let widened = |inst: &ir::Inst| {
        let args = function.dfg.inst_args(*inst);
        matches!(function.dfg.insts[*inst].opcode(), Opcode::Brif | Opcode::Select)
            && function.dfg.value_type(args[0]) != ir::types::I8
    };
    assert_eq!(
        instructions(function).filter(widened).count(),
        0,
        "{}",
        function.display()
    );
}

#[test]
fn a_switch_that_is_too_large_is_refused_by_name() {
    let wat = |targets: usize| {
        format!(
            "(module (func (param i32) (br_table {}0 (local.get 0))))",
            "0 ".repeat(targets)
        )
    };
    translate(&wat(65_520));
    let error = try_translate(&wat(65_521), &config(MemoryMode::Guarded)).expect_err("too large");
    assert!(
        matches!(&error, Failure::Limit(reason) if reason.contains("65520")),
        "{error:?}"
    );
}

#[test]
fn deep_nesting_many_locals_and_long_parameter_lists_are_no_limit() {
    let deep = format!("(module (func {}{}))", "block ".repeat(50_000), "end ".repeat(50_000));
    assert_eq!(count(&translate(&deep)[0], Opcode::Return), 1);
    let locals = format!(
        "(module (func (result i64) (local {}) (local.get 49998)))",
        "i64 ".repeat(49_999)
    );
    assert_eq!(
        count(&translate(&locals)[0], Opcode::Iconst),
        1,
        "only what is used is made"
    );
    let params = format!(
        "(module (func (param {}) (result {}) unreachable))",
        "f32 ".repeat(1000),
        "v128 ".repeat(1000)
    );
    assert_eq!(translate(&params)[0].signature.params.len(), 1001);
}

#[test]
fn instructions_know_where_they_come_from_if_there_is_an_address_map() {
    let wat = "(module (func (param i32) (result i32) (i32.div_u (i32.const 7) (local.get 0))))";
    let wasm = wat::parse_str(wat).expect("the text is well-formed");
    let division = wasm.iter().position(|byte| *byte == 0x6e).expect("the division");
    for address_map in [true, false] {
        let config = Config {
            address_map,
            ..config(MemoryMode::Guarded)
        };
        let function = &try_translate(wat, &config).expect("within all limits")[0];
        let inst = instructions(function)
            .find(|inst| function.dfg.insts[*inst].opcode() == Opcode::Udiv)
            .expect("the division");
        let found = function.srcloc(inst);
        if address_map {
            assert_eq!(found.bits() as usize, division);
        } else {
            assert!(found.is_default());
        }
    }
}

#[test]
fn an_instruction_that_no_list_has_is_wruns_bug_also_where_it_cannot_be_reached() {
    let encodings = opcodes::one_of_each();
    let wasm = wat::parse_str("(module (table 1 funcref) (memory 1) (func))").expect("the text is well-formed");
    let config = config(MemoryMode::Guarded);
    let isa = isa::target(&config, true).expect("enough");
    for (_, name, immediates) in opcodes::OPERATORS {
        // Parts of other instructions.
        if ["Else", "End", "Catch", "CatchAll", "Delegate", "Rethrow"].contains(name) {
            continue;
        }
        // `unreachable`, the instruction, the end of the block that it begins, the end of the function.
        let encoding = &encodings[*name];
        let (op, len) = opcodes::read_with_length(encoding).expect("read before");
        let supported = is_supported(&op);
        let mut body = vec![0, 0];
        body.extend_from_slice(&encoding[..len]);
        if immediates.contains(&"blockty") || immediates.contains(&"try_table") {
            body.push(0x0b);
        }
        body.push(0x0b);
        let mut reader = wasmparser::BinaryReader::new(&body, 0);
        reader.set_features(wasmparser::WasmFeatures::all());
        let mut module = parse(&wasm, &config).expect("the module is valid");
        let func = DefinedFuncIndex::new(0);
        module.bodies[func].body = wasmparser::FunctionBody::new(reader);
        let scan = Scan::new(&module, core::iter::empty());
        let env = Env {
            facts: &scan.facts,
            layout: &module.layout,
            config: &config,
            isa: &*isa,
        };
        let mut out = ir::Function::new();
        let result = function(&mut Context::default(), &env, func, &module.bodies[func], &mut out);
        assert_eq!(result.is_ok(), supported, "{name}: {result:?}");
        assert!(!matches!(result, Err(Failure::Limit(_))), "{name}: {result:?}");
    }
}
