//! Compiles every instruction of SIMD, and checks the machine code of some of them.

use std::collections::BTreeSet;

use cranelift_codegen::{FinalizedRelocTarget, ir};
use wasmparser::Operator;
use wrun_artifact::config::{Config, CpuFeatures, MemoryMode};
use wrun_artifact::index::{DefinedFuncIndex, Index};

use crate::code::isa;
use crate::parse::{Scan, ValidationPool, parse, validate_body};
use crate::translate::{Context, Env, function};

/// All instructions of SIMD in the text format, with the types that they pop and push. They are separated by commas, and
/// immediates follow the name.
const INSTRUCTIONS: &[(&str, &str, &str)] = &[
    ("", "v128", "v128.const i32x4 1 2 3 0xffffffff"),
    (
        "i32",
        "v128",
        "v128.load offset=3, v128.load8x8_s, v128.load8x8_u, v128.load16x4_s, v128.load16x4_u, \
         v128.load32x2_s, v128.load32x2_u offset=0xffffffff, v128.load8_splat, v128.load16_splat offset=7, \
         v128.load32_splat, v128.load64_splat offset=0xfffffff0, v128.load32_zero, v128.load64_zero, \
         i8x16.splat, i16x8.splat, i32x4.splat",
    ),
    ("i64", "v128", "i64x2.splat"),
    ("f32", "v128", "f32x4.splat"),
    ("f64", "v128", "f64x2.splat"),
    (
        "i32 v128",
        "",
        "v128.store, v128.store8_lane 15, v128.store16_lane 7, v128.store32_lane 0",
    ),
    (
        "i32 v128",
        "",
        "v128.store32_lane 3, v128.store64_lane 0, v128.store64_lane offset=0x80000000 1",
    ),
    (
        "i32 v128",
        "v128",
        "v128.load8_lane 0, v128.load16_lane 5, v128.load32_lane 3, v128.load64_lane 1",
    ),
    ("v128", "i32", "i8x16.extract_lane_s 15, i8x16.extract_lane_u 0"),
    (
        "v128",
        "i32",
        "i16x8.extract_lane_s 7, i16x8.extract_lane_u 0, i32x4.extract_lane 3",
    ),
    ("v128", "i64", "i64x2.extract_lane 1"),
    ("v128", "f32", "f32x4.extract_lane 2"),
    ("v128", "f64", "f64x2.extract_lane 0"),
    (
        "v128 i32",
        "v128",
        "i8x16.replace_lane 15, i16x8.replace_lane 0, i32x4.replace_lane 2",
    ),
    ("v128 i64", "v128", "i64x2.replace_lane 1"),
    ("v128 f32", "v128", "f32x4.replace_lane 0"),
    ("v128 f64", "v128", "f64x2.replace_lane 1"),
    (
        "v128 i32",
        "v128",
        "i8x16.shl, i8x16.shr_s, i8x16.shr_u, i16x8.shl, i16x8.shr_s, i16x8.shr_u, i32x4.shl, i32x4.shr_s, \
         i32x4.shr_u, i64x2.shl, i64x2.shr_s, i64x2.shr_u",
    ),
    (
        "v128",
        "i32",
        "v128.any_true, i8x16.all_true, i16x8.all_true, i32x4.all_true, i64x2.all_true, i8x16.bitmask, \
         i16x8.bitmask, i32x4.bitmask, i64x2.bitmask",
    ),
    ("v128 v128 v128", "v128", "v128.bitselect"),
    (
        "v128 v128",
        "v128",
        "i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31, i8x16.swizzle",
    ),
    (
        "v128 v128",
        "v128",
        "v128.and, v128.andnot, v128.or, v128.xor, i8x16.eq, i8x16.ne, i8x16.lt_s, i8x16.lt_u, i8x16.gt_s, \
         i8x16.gt_u, i8x16.le_s, i8x16.le_u, i8x16.ge_s, i8x16.ge_u, i16x8.eq, i16x8.ne, i16x8.lt_s, \
         i16x8.lt_u, i16x8.gt_s, i16x8.gt_u, i16x8.le_s, i16x8.le_u, i16x8.ge_s, i16x8.ge_u, i32x4.eq, \
         i32x4.ne, i32x4.lt_s, i32x4.lt_u, i32x4.gt_s, i32x4.gt_u, i32x4.le_s, i32x4.le_u, i32x4.ge_s, \
         i32x4.ge_u, i64x2.eq, i64x2.ne, i64x2.lt_s, i64x2.gt_s, i64x2.le_s, i64x2.ge_s, f32x4.eq, f32x4.ne, \
         f32x4.lt, f32x4.gt, f32x4.le, f32x4.ge, f64x2.eq, f64x2.ne, f64x2.lt, f64x2.gt, f64x2.le, f64x2.ge, \
         i8x16.narrow_i16x8_s, i8x16.narrow_i16x8_u, i16x8.narrow_i32x4_s, i16x8.narrow_i32x4_u, i8x16.add, \
         i8x16.add_sat_s, i8x16.add_sat_u, i8x16.sub, i8x16.sub_sat_s, i8x16.sub_sat_u, i8x16.min_s, \
         i8x16.min_u, i8x16.max_s, i8x16.max_u, i8x16.avgr_u, i16x8.add, i16x8.add_sat_s, i16x8.add_sat_u, \
         i16x8.sub, i16x8.sub_sat_s, i16x8.sub_sat_u, i16x8.mul, i16x8.min_s, i16x8.min_u, i16x8.max_s, \
         i16x8.max_u, i16x8.avgr_u, i16x8.q15mulr_sat_s, i32x4.add, i32x4.sub, i32x4.mul, i32x4.min_s, \
         i32x4.min_u, i32x4.max_s, i32x4.max_u, i32x4.dot_i16x8_s, i64x2.add, i64x2.sub, i64x2.mul, \
         i16x8.extmul_low_i8x16_s, i16x8.extmul_high_i8x16_s, i16x8.extmul_low_i8x16_u, \
         i16x8.extmul_high_i8x16_u, i32x4.extmul_low_i16x8_s, i32x4.extmul_high_i16x8_s, \
         i32x4.extmul_low_i16x8_u, i32x4.extmul_high_i16x8_u, i64x2.extmul_low_i32x4_s, \
         i64x2.extmul_high_i32x4_s, i64x2.extmul_low_i32x4_u, i64x2.extmul_high_i32x4_u, f32x4.add, \
         f32x4.sub, f32x4.mul, f32x4.div, f32x4.min, f32x4.max, f32x4.pmin, f32x4.pmax, f64x2.add, f64x2.sub, \
         f64x2.mul, f64x2.div, f64x2.min, f64x2.max, f64x2.pmin, f64x2.pmax",
    ),
    (
        "v128",
        "v128",
        "v128.not, i8x16.abs, i8x16.neg, i8x16.popcnt, i16x8.abs, i16x8.neg, i32x4.abs, i32x4.neg, i64x2.abs, \
         i64x2.neg, i16x8.extadd_pairwise_i8x16_s, i16x8.extadd_pairwise_i8x16_u, \
         i32x4.extadd_pairwise_i16x8_s, i32x4.extadd_pairwise_i16x8_u, i16x8.extend_low_i8x16_s, \
         i16x8.extend_high_i8x16_s, i16x8.extend_low_i8x16_u, i16x8.extend_high_i8x16_u, \
         i32x4.extend_low_i16x8_s, i32x4.extend_high_i16x8_s, i32x4.extend_low_i16x8_u, \
         i32x4.extend_high_i16x8_u, i64x2.extend_low_i32x4_s, i64x2.extend_high_i32x4_s, \
         i64x2.extend_low_i32x4_u, i64x2.extend_high_i32x4_u, f32x4.ceil, f32x4.floor, f32x4.trunc, \
         f32x4.nearest, f32x4.abs, f32x4.neg, f32x4.sqrt, f64x2.ceil, f64x2.floor, f64x2.trunc, \
         f64x2.nearest, f64x2.abs, f64x2.neg, f64x2.sqrt, i32x4.trunc_sat_f32x4_s, i32x4.trunc_sat_f32x4_u, \
         i32x4.trunc_sat_f64x2_s_zero, i32x4.trunc_sat_f64x2_u_zero, f32x4.convert_i32x4_s, \
         f32x4.convert_i32x4_u, f64x2.convert_low_i32x4_s, f64x2.convert_low_i32x4_u, \
         f32x4.demote_f64x2_zero, f64x2.promote_low_f32x4",
    ),
    (
        "v128 v128 v128",
        "v128",
        "f32x4.relaxed_madd, f32x4.relaxed_nmadd, f64x2.relaxed_madd, f64x2.relaxed_nmadd, \
         i8x16.relaxed_laneselect, i16x8.relaxed_laneselect, i32x4.relaxed_laneselect, \
         i64x2.relaxed_laneselect, i32x4.relaxed_dot_i8x16_i7x16_add_s",
    ),
    (
        "v128 v128",
        "v128",
        "i8x16.relaxed_swizzle, f32x4.relaxed_min, f32x4.relaxed_max, f64x2.relaxed_min, f64x2.relaxed_max, \
         i16x8.relaxed_q15mulr_s, i16x8.relaxed_dot_i8x16_i7x16_s",
    ),
    (
        "v128",
        "v128",
        "i32x4.relaxed_trunc_f32x4_s, i32x4.relaxed_trunc_f32x4_u, i32x4.relaxed_trunc_f64x2_s_zero, \
         i32x4.relaxed_trunc_f64x2_u_zero",
    ),
];

/// The sets of CPU features that users are likely to have.
const CPUS: &[CpuFeatures] = &[
    CpuFeatures::X86_64_V2,
    CpuFeatures::X86_64_V2.union(CpuFeatures::AVX),
    CpuFeatures::X86_64_V3,
    CpuFeatures::X86_64_V3
        .union(CpuFeatures::AVX512F)
        .union(CpuFeatures::AVX512VL)
        .union(CpuFeatures::AVX512DQ)
        .union(CpuFeatures::AVX512BITALG)
        .union(CpuFeatures::AVX512VBMI),
];

fn config(cpu: CpuFeatures) -> Config {
    Config {
        cpu,
        ..Config::native()
    }
}

/// Returns a module with a memory and these functions.
fn module(functions: &str) -> Vec<u8> {
    wat::parse_str(format!("(module (memory 1 4) {functions})")).expect("a valid test")
}

/// Returns the text of one function for each instruction, with the operands as parameters.
fn one_instruction_each() -> String {
    let mut text = String::new();
    for (params, result, instructions) in INSTRUCTIONS {
        for instruction in instructions.split(',') {
            text.push_str(&format!("(func (param {params}) (result {result})"));
            for i in 0..params.split_whitespace().count() {
                text.push_str(&format!(" local.get {i}"));
            }
            text.push_str(&format!(" {instruction})\n"));
        }
    }
    text
}

/// Translates and compiles every function of a module, with all checks of the code generator. Returns the assembly.
fn compile(wasm: &[u8], config: &Config, optimise: bool) -> Vec<String> {
    let module = parse(wasm, config).expect("valid");
    let mut pool = ValidationPool::default();
    let count = u32::try_from(module.bodies.len()).expect("few");
    let bodies = (0..count).map(|i| validate_body(&module, DefinedFuncIndex::from_u32(i), &mut pool).expect("valid"));
    let scan = Scan::new(&module, bodies);
    let isa = match optimise {
        true => isa::target(config, true),
        false => isa::unoptimized(config),
    }
    .expect("enough");
    let env = Env {
        facts: &scan.facts,
        layout: &module.layout,
        config,
        isa: &*isa,
    };

    let mut context = Context::default();
    let mut codegen = cranelift_codegen::Context::new();
    (0..count)
        .map(|i| {
            codegen.clear();
            codegen.set_disasm(true);
            let func = DefinedFuncIndex::from_u32(i);
            function(&mut context, &env, func, &module.bodies[func], &mut codegen.func).expect("translates");
            let code = codegen
                .compile(&*isa, &mut Default::default())
                .map_err(|error| error.inner)
                .expect("compiles");
            for reloc in code.buffer.relocs() {
                let target = &reloc.target;
                let is_libcall = matches!(target, FinalizedRelocTarget::ExternalName(ir::ExternalName::LibCall(_)));
                assert!(!is_libcall, "{} in {}", target.display(None), codegen.func);
            }
            code.vcode.clone().expect("asked for")
        })
        .collect()
}

/// Returns the names of the operators in a module, as `Debug` spells them.
fn used(wasm: &[u8]) -> BTreeSet<String> {
    let module = parse(wasm, &Config::native()).expect("valid");
    let mut names = BTreeSet::new();
    for i in 0..module.bodies.len() {
        let body = &module.bodies[DefinedFuncIndex::new(i)].body;
        for operator in body.get_operators_reader().expect("valid") {
            names.insert(name(&operator.expect("valid")));
        }
    }
    names
}

fn name(operator: &Operator<'_>) -> String {
    let text = format!("{operator:?}");
    text.split([' ', '{']).next().expect("never empty").to_owned()
}

#[test]
fn the_tests_know_every_instruction() {
    macro_rules! names {
        ($(@$proposal:ident $op:ident $({ $($payload:tt)* })? => $visit:ident ($($rest:tt)*))*) => {
            &[$((stringify!($proposal), stringify!($op))),*]
        };
    }
    let all: &[(&str, &str)] = wasmparser::for_each_visit_simd_operator!(names);
    let simd: BTreeSet<_> = all
        .iter()
        .filter(|entry| ["simd", "relaxed_simd"].contains(&entry.0))
        .map(|entry| entry.1.to_owned())
        .collect();
    let used = used(&module(&one_instruction_each()));
    assert_eq!(simd.len(), 236 + 20);
    assert_eq!(simd.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_instruction_compiles_on_every_cpu_without_library_calls() {
    let wasm = module(&one_instruction_each());
    for cpu in CPUS.iter().copied().chain([CpuFeatures::detect()]) {
        for (memory, deterministic) in [(MemoryMode::Guarded, false), (MemoryMode::Checked, true)] {
            for optimise in [true, false] {
                let config = Config {
                    memory,
                    deterministic,
                    ..config(cpu)
                };
                compile(&wasm, &config, optimise);
            }
        }
    }
}

#[test]
fn every_instruction_takes_constants_and_splats() {
    // Constants take other paths through the code generator, which does not support every operation on them.
    let mut text = String::new();
    let vectors = [
        "v128.const i64x2 0x8000000000000001 -2",
        "v128.const i64x2 0 0",
        "i32.const -7 i8x16.splat",
        "i32.const -7 i16x8.splat",
        "i32.const -7 i32x4.splat",
        "i64.const -7 i64x2.splat",
        "f32.const -7 f32x4.splat",
        "f64.const -7 f64x2.splat",
    ];
    for (params, result, instructions) in INSTRUCTIONS {
        for (instruction, vector) in instructions
            .split(',')
            .flat_map(|one| vectors.map(|vector| (one, vector)))
        {
            text.push_str(&format!("(func (result {result})"));
            for param in params.split_whitespace() {
                match param {
                    "v128" => text.push_str(&format!(" {vector}")),
                    _ => text.push_str(&format!(" {param}.const 65")),
                }
            }
            text.push_str(&format!(" {instruction})\n"));
        }
    }
    let wasm = module(&text);
    for cpu in CPUS {
        for deterministic in [false, true] {
            let config = Config {
                deterministic,
                ..config(*cpu)
            };
            compile(&wasm, &config, true);
        }
        compile(&wasm, &config(*cpu), false);
    }
}

#[test]
fn casts_between_lanes_do_not_hide_instructions_from_each_other() {
    // Each case is a body, an instruction that it becomes, and an instruction that it would become with a cast in between.
    let select = "i32x4.lt_u local.set 2 local.get 0 local.get 1 local.get 2 v128.bitselect";
    let cases = [
        ("f32x4.pmin", "minps", "cmpps"),
        ("f64x2.pmax", "maxpd", "cmppd"),
        ("i32x4.eq i32x4.all_true", "ptest", "pcmpeqd"),
        ("i16x8.ne v128.any_true", "ptest", "pcmpeqw"),
        (select, "pminud", "pandn"),
        ("i32x4.dot_i16x8_s", "pmaddwd", "pmulld"),
    ];
    for (body, expected, absent) in cases {
        let result = if body.ends_with("_true") { "i32" } else { "v128" };
        let text = format!("(func (param v128 v128) (result {result}) (local v128) local.get 0 local.get 1 {body})");
        let code = compile(&module(&text), &config(CpuFeatures::X86_64_V2), true);
        assert!(code[0].contains(expected), "{body}: no {expected} in\n{}", code[0]);
        assert!(!code[0].contains(absent), "{body}: {absent} in\n{}", code[0]);
    }
}
