//! The code generator's settings.
//!
//! Input: the config. Output: Cranelift's target. CPU features are mapped by hand, so the CPU that runs the compiler does not
//! matter. Must not hold: wasm, the host.

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable, Flags};
use wrun_artifact::Config;
use wrun_artifact::config::CpuFeatures;

use crate::error::CompileError;

/// The target triple, as the artifact states it.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// The CPU features that compiled code can use, with Cranelift's flag for each of them.
const CPU_FLAGS: &[(CpuFeatures, &str)] = &[
    (CpuFeatures::SSE3, "has_sse3"),
    (CpuFeatures::SSSE3, "has_ssse3"),
    (CpuFeatures::SSE41, "has_sse41"),
    (CpuFeatures::SSE42, "has_sse42"),
    (CpuFeatures::POPCNT, "has_popcnt"),
    (CpuFeatures::CMPXCHG16B, "has_cmpxchg16b"),
    (CpuFeatures::AVX, "has_avx"),
    (CpuFeatures::AVX2, "has_avx2"),
    (CpuFeatures::FMA, "has_fma"),
    (CpuFeatures::BMI1, "has_bmi1"),
    (CpuFeatures::BMI2, "has_bmi2"),
    (CpuFeatures::LZCNT, "has_lzcnt"),
    (CpuFeatures::AVX512F, "has_avx512f"),
    (CpuFeatures::AVX512VL, "has_avx512vl"),
    (CpuFeatures::AVX512DQ, "has_avx512dq"),
    (CpuFeatures::AVX512BITALG, "has_avx512bitalg"),
    (CpuFeatures::AVX512VBMI, "has_avx512vbmi"),
];

/// Settings that are the same for every module. Every setting that influences the code is listed, also where the default would
/// do.
const SETTINGS: &[(&str, &str)] = &[
    ("opt_level", "speed"),
    ("regalloc_algorithm", "backtracking"),
    ("regalloc_checker", "false"),
    // Every call is either direct, relative and resolved by linking, or goes through the vmctx.
    ("is_pic", "false"),
    ("use_colocated_libcalls", "false"),
    ("enable_pinned_reg", "false"),
    ("tls_model", "none"),
    ("stack_switch_model", "none"),
    ("libcall_call_conv", "isa_default"),
    ("enable_llvm_abi_extensions", "false"),
    // A function may have more results than there are registers.
    ("enable_multi_ret_implicit_sret", "true"),
    ("unwind_info", "false"),
    // Backtraces, debuggers and profilers walk the frame pointers.
    ("preserve_frame_pointers", "true"),
    ("machine_code_cfg_info", "false"),
    // An overflow is detected by the guard of the stack, so a frame larger than a page must touch each of its pages.
    ("enable_probestack", "true"),
    ("probestack_strategy", "inline"),
    ("probestack_size_log2", "12"),
    ("enable_heap_access_spectre_mitigation", "true"),
    ("enable_table_access_spectre_mitigation", "true"),
    // The linker aligns functions.
    ("log2_min_function_alignment", "0"),
    ("bb_padding_log2_minus_one", "0"),
];

/// Returns the target for these settings. `verify` switches on the code generator's checks of its own data. They do not change
/// the code.
pub(crate) fn target(config: &Config, verify: bool) -> Result<OwnedTargetIsa, CompileError> {
    with_settings(config, &[("enable_verifier", switch(verify))])
}

/// Returns the same target without optimisation and with all checks. The code then passes through other parts of the code
/// generator.
#[cfg(test)]
pub(crate) fn unoptimized(config: &Config) -> Result<OwnedTargetIsa, CompileError> {
    with_settings(config, &[("enable_verifier", "true"), ("opt_level", "none")])
}

fn switch(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}

/// Returns the target with [`SETTINGS`], the settings of `config`, and then the settings in `more`.
fn with_settings(config: &Config, more: &[(&str, &str)]) -> Result<OwnedTargetIsa, CompileError> {
    let missing = CpuFeatures::X86_64_V2.without(config.cpu);
    if missing != CpuFeatures::NONE {
        return Err(CompileError::Cpu(missing.to_string()));
    }
    let bug = |error: &dyn core::fmt::Display| CompileError::Bug(format!("the code generator's settings: {error}"));

    let mut shared = settings::builder();
    let chosen = [
        ("enable_alias_analysis", switch(config.alias_analysis)),
        ("enable_nan_canonicalization", switch(config.deterministic)),
    ];
    for (name, value) in SETTINGS.iter().chain(&chosen).chain(more) {
        shared.set(name, value).map_err(|error| bug(&error))?;
    }

    let triple = TRIPLE.parse().map_err(|error| bug(&error))?;
    let mut builder = isa::lookup(triple).map_err(|error| bug(&error))?;
    for (feature, flag) in CPU_FLAGS {
        let value = switch(config.cpu.contains(*feature));
        builder.set(flag, value).map_err(|error| bug(&error))?;
    }
    builder.finish(Flags::new(shared)).map_err(|error| bug(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the value of a CPU flag in the target.
    fn flag(cpu: CpuFeatures, name: &str) -> Option<bool> {
        let isa = target(
            &Config {
                cpu,
                ..Config::native()
            },
            true,
        )
        .expect("enough");
        isa.isa_flags().iter().find(|value| value.name == name)?.as_bool()
    }

    #[test]
    fn every_known_feature_has_a_flag_of_its_own() {
        for (feature, name) in CpuFeatures::KNOWN {
            let flags: Vec<_> = CPU_FLAGS.iter().filter(|entry| entry.0 == *feature).collect();
            assert_eq!(flags.len(), 1, "{name}");
            let with = CpuFeatures::X86_64_V2.union(*feature);
            assert_eq!(flag(with, flags[0].1), Some(true), "{name}");
            let optional = CpuFeatures::X86_64_V2.without(*feature) == CpuFeatures::X86_64_V2;
            if optional {
                assert_eq!(flag(CpuFeatures::X86_64_V2, flags[0].1), Some(false), "{name}");
            }
        }
    }

    #[test]
    fn every_flag_of_the_target_is_decided_here() {
        let isa = target(
            &Config {
                cpu: CpuFeatures::X86_64_V2,
                ..Config::native()
            },
            true,
        )
        .expect("enough");
        for value in isa.isa_flags() {
            let mapped = CPU_FLAGS.iter().any(|entry| entry.1 == value.name);
            assert!(
                mapped || value.as_bool() != Some(true),
                "{} is on by itself",
                value.name
            );
        }
    }

    #[test]
    fn a_cpu_below_the_least_is_refused_by_the_names_that_it_lacks() {
        let cpu = CpuFeatures::X86_64_V2
            .without(CpuFeatures::SSSE3)
            .without(CpuFeatures::POPCNT);
        let error = target(
            &Config {
                cpu,
                ..Config::native()
            },
            true,
        )
        .err();
        assert_eq!(error, Some(CompileError::Cpu("ssse3,popcnt".to_owned())));
    }
}
