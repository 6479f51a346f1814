//! Relaxed vector instructions and NaNs with the setting `deterministic`.
#![cfg(feature = "compiler")]

use wrun_runtime::{Config, CpuFeatures, Engine, Imports, Instance, Module, Store, Value};

/// Operands that show each choice that the specification leaves to implementations.
const OPERANDS: &str = r#"
    (global $a v128 (v128.const i32x4 0x7fc00000 0x80000000 0x00000000 0x7f7fffff))
    (global $b v128 (v128.const i32x4 0x3f800001 0x00000000 0x80000000 0xffa00001))
    (global $c v128 (v128.const f32x4 -3e9 3e9 nan 2.5))
    (global $d v128 (v128.const f64x2 -1e300 nan:0x8000000000001))
    (global $e v128 (v128.const f64x2 0x1.0000000000001p0 -0))
    (global $f v128 (v128.const f64x2 -0x1.0000000000002p0 0))
    (global $g v128 (v128.const f32x4 0x1.000002p0 0x1.000002p0 -0x1.000002p0 0))
    (global $h v128 (v128.const f32x4 -0x1.000004p0 1 0x1.000004p0 -0))
    (global $i v128 (v128.const i8x16 0 15 16 17 127 128 255 0x80 0x7f 0x0f 0xf0 0x55 0xaa 1 2 3))
    (global $j v128 (v128.const i16x8 -32768 -32768 32767 1 0x0080 0xff00 0x00ff 0x8000))"#;

/// Relaxed instructions, with expressions that have the same results. `x`, `y` and `z` are the operands.
const PAIRS: &[(&str, &str)] = &[
    ("i8x16.relaxed_swizzle x y", "i8x16.swizzle x y"),
    ("i32x4.relaxed_trunc_f32x4_s x", "i32x4.trunc_sat_f32x4_s x"),
    ("i32x4.relaxed_trunc_f32x4_u x", "i32x4.trunc_sat_f32x4_u x"),
    ("i32x4.relaxed_trunc_f64x2_s_zero x", "i32x4.trunc_sat_f64x2_s_zero x"),
    ("i32x4.relaxed_trunc_f64x2_u_zero x", "i32x4.trunc_sat_f64x2_u_zero x"),
    ("f32x4.relaxed_madd x y z", "f32x4.add (f32x4.mul x y) z"),
    ("f64x2.relaxed_madd x y z", "f64x2.add (f64x2.mul x y) z"),
    ("f32x4.relaxed_nmadd x y z", "f32x4.add (f32x4.mul (f32x4.neg x) y) z"),
    ("f64x2.relaxed_nmadd x y z", "f64x2.add (f64x2.mul (f64x2.neg x) y) z"),
    ("i8x16.relaxed_laneselect x y z", "v128.bitselect x y z"),
    ("i16x8.relaxed_laneselect x y z", "v128.bitselect x y z"),
    ("i32x4.relaxed_laneselect x y z", "v128.bitselect x y z"),
    ("i64x2.relaxed_laneselect x y z", "v128.bitselect x y z"),
    ("f32x4.relaxed_min x y", "f32x4.min x y"),
    ("f32x4.relaxed_max x y", "f32x4.max x y"),
    ("f64x2.relaxed_min x y", "f64x2.min x y"),
    ("f64x2.relaxed_max x y", "f64x2.max x y"),
    ("i16x8.relaxed_q15mulr_s x y", "i16x8.q15mulr_sat_s x y"),
    (
        "i16x8.relaxed_dot_i8x16_i7x16_s x y",
        "i16x8.add_sat_s (i16x8.mul (i16x8.shr_s (i16x8.shl x (i32.const 8)) (i32.const 8))
                                    (i16x8.shr_s (i16x8.shl y (i32.const 8)) (i32.const 8)))
                         (i16x8.mul (i16x8.shr_s x (i32.const 8)) (i16x8.shr_s y (i32.const 8)))",
    ),
    (
        "i32x4.relaxed_dot_i8x16_i7x16_add_s x y z",
        "i32x4.add (i32x4.extadd_pairwise_i16x8_s (i16x8.relaxed_dot_i8x16_i7x16_s x y)) z",
    ),
];

/// Returns a function's text: the instruction with these operands.
fn function(name: &str, expression: &str, operands: [char; 3]) -> String {
    let mut text = expression.to_owned();
    for (variable, operand) in [" x", " y", " z"].iter().zip(operands) {
        text = text.replace(variable, &format!(" (global.get ${operand})"));
    }
    format!("(func (export \"{name}\") (result v128) ({text}))\n")
}

/// Returns the numbers of the pairs whose results differ for some operands with these settings.
fn different(config: &Config) -> Vec<usize> {
    let mut text = OPERANDS.to_owned();
    let mut cases = Vec::new();
    for (pair, (relaxed, fixed)) in PAIRS.iter().enumerate() {
        for x in 'a'..='j' {
            for y in 'a'..='j' {
                let name = format!("{pair} {x} {y}");
                text += &function(&format!("{name} relaxed"), relaxed, [x, y, 'h']);
                text += &function(&format!("{name} fixed"), fixed, [x, y, 'h']);
                cases.push((pair, name));
            }
        }
    }
    let engine = Engine::new(config).expect("made");
    let module = Module::new(&engine, &wat::parse_str(format!("(module {text})")).expect("valid")).expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let mut call = |name: String| {
        let func = instance.func(&mut store, &name).expect("exported");
        func.call(&mut store, &[]).expect("returns")
    };
    let mut found: Vec<_> = cases
        .into_iter()
        .filter(|(_, name)| call(format!("{name} relaxed")) != call(format!("{name} fixed")))
        .map(|(pair, _)| pair)
        .collect();
    found.dedup();
    found
}

#[test]
fn relaxed_instructions_have_the_results_of_fixed_width_ones_on_every_cpu() {
    for cpu in [CpuFeatures::X86_64_V2, CpuFeatures::detect()] {
        let mut config = Config::new();
        assert_eq!(different(config.cpu(cpu).deterministic(true)), [0; 0], "{cpu}");
    }
}

#[test]
fn without_the_setting_the_operands_show_a_difference_for_every_instruction_that_is_faster() {
    let mut config = Config::new();
    let found = different(config.cpu(CpuFeatures::X86_64_V2));
    // The other instructions have no faster form: unsigned truncation, and products and sums without FMA. The last pair has a
    // relaxed instruction on both sides.
    assert_eq!(found, [0, 1, 3, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
    if CpuFeatures::detect().contains(CpuFeatures::X86_64_V3) {
        let found = different(config.cpu(CpuFeatures::X86_64_V3));
        assert_eq!(found, [0, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
    }
}

#[test]
fn the_sums_of_a_dot_product_saturate() {
    let mut config = Config::new();
    let engine = Engine::new(config.deterministic(true)).expect("made");
    let text = r#"(module (func (export "f") (result v128)
        (i16x8.relaxed_dot_i8x16_i7x16_s
          (v128.const i8x16 -128 -128 -128 -128 127 1 0 2 0 0 0 0 0 0 0 0)
          (v128.const i8x16 -128 -128 -127 -127 -128 1 3 4 0 0 0 0 0 0 0 0))))"#;
    let module = Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let func = instance.func(&mut store, "f").expect("exported");
    let sums = [32767_i16, 32512, -16255, 8].map(i16::to_le_bytes).concat();
    let expected = Value::V128(u64::from_le_bytes(sums.try_into().expect("8 bytes")).into());
    assert_eq!(func.call(&mut store, &[]).expect("returns"), [expected]);
}

#[test]
fn a_nan_from_arithmetic_is_the_positive_one_without_a_payload() {
    let nan32 = "(f32.reinterpret_i32 (i32.const 0xffa00001))";
    let nan64 = "(f64.reinterpret_i64 (i64.const 0xfff4000000000001))";
    let scalars32 = [
        "(f32.div (f32.const 0) (f32.const 0))".to_owned(),
        "(f32.sqrt (f32.const -1))".to_owned(),
        format!("(f32.add {nan32} (f32.const 1))"),
        format!("(f32.min (f32.const 1) {nan32})"),
        format!("(f32.nearest {nan32})"),
        format!("(f32.demote_f64 {nan64})"),
        format!("(f32x4.extract_lane 2 (f32x4.mul (f32x4.splat {nan32}) (f32x4.splat (f32.const 1))))"),
        format!("(f32x4.extract_lane 1 (f32x4.demote_f64x2_zero (f64x2.splat {nan64})))"),
    ];
    let scalars64 = [
        "(f64.sub (f64.const inf) (f64.const inf))".to_owned(),
        format!("(f64.promote_f32 {nan32})"),
        format!("(f64.trunc {nan64})"),
        format!("(f64x2.extract_lane 1 (f64x2.max (f64x2.splat {nan64}) (f64x2.splat (f64.const 1))))"),
    ];
    let mut text = String::from("(module");
    for (at, body) in scalars32.iter().enumerate() {
        text += &format!("(func (export \"f32 {at}\") (result f32) {body})\n");
    }
    for (at, body) in scalars64.iter().enumerate() {
        text += &format!("(func (export \"f64 {at}\") (result f64) {body})\n");
    }
    text += ")";
    for cpu in [CpuFeatures::X86_64_V2, CpuFeatures::detect()] {
        let mut config = Config::new();
        let engine = Engine::new(config.cpu(cpu).deterministic(true)).expect("made");
        let module = Module::new(&engine, &wat::parse_str(&text).expect("valid")).expect("valid");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
        for export in module.exports() {
            let func = instance.func(&mut store, export.name).expect("exported");
            let expected = match export.name.starts_with("f32") {
                true => Value::F32(0x7fc0_0000),
                false => Value::F64(0x7ff8_0000_0000_0000),
            };
            assert_eq!(
                func.call(&mut store, &[]).expect("returns"),
                [expected],
                "{}",
                export.name
            );
        }
    }
}
