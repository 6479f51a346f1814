//! `--deterministic`: results that do not depend on the CPU.

use crate::support::Dir;

/// The bits of a NaN that arithmetic makes, and a vector instruction whose result differs between CPUs.
const MODULE: &str = r#"(module
    (func (export "nan") (result i32)
      (i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0))))
    (func (export "truncate") (result i32)
      (i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (f32x4.splat (f32.const 1e20))))))"#;

#[test]
fn nans_and_relaxed_vector_instructions_have_fixed_results() {
    let dir = Dir::new();
    dir.write("x.wat", MODULE);
    let invoke = |options: &[&str], name: &str| {
        dir.wrun(options)
            .args(["--cache-dir=cache", "--invoke", name, "x.wat"])
            .run()
    };
    for options in [
        &["--deterministic"][..],
        &["--deterministic", "--cpu=x86-64-v2"],
        &["--deterministic", "--no-address-map"],
    ] {
        invoke(options, "nan").prints("2143289344\n");
        invoke(options, "truncate").prints("2147483647\n");
    }
    // Without the option, the CPU decides. What is in the cache with the option is not taken.
    invoke(&[], "truncate").prints("-2147483648\n");
}
