//! Names the proposals that a refused module needs, or the limit that it exceeds.
//!
//! In: the bytes and the error. Out: the error, or [`CompileError::Unsupported`] when the module is valid with more
//! features switched on, or [`CompileError::Limit`]. The module itself is asked, by validating it again; messages are not read.

use wasmparser::{Validator, WasmFeatures};

use super::{FEATURES, gate, invalid, limits};
use crate::error::{CompileError, Proposal};

/// Proposals that wrun does not run, by the name of their repository, the most usual first.
const PROPOSALS: &[(WasmFeatures, &str)] = &[
    (WasmFeatures::EXCEPTIONS, "exception-handling"),
    (WasmFeatures::THREADS, "threads"),
    (WasmFeatures::TAIL_CALL, "tail-call"),
    (WasmFeatures::MULTI_MEMORY, "multi-memory"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::RELAXED_SIMD, "relaxed-simd"),
    (WasmFeatures::FUNCTION_REFERENCES, "function-references"),
    (WasmFeatures::GC, "gc"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exception-handling"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom-page-sizes"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide-arithmetic"),
    (WasmFeatures::STACK_SWITCHING, "stack-switching"),
    (WasmFeatures::CUSTOM_DESCRIPTORS, "custom-descriptors"),
    (WasmFeatures::COMPACT_IMPORTS, "compact-import-section"),
    (WasmFeatures::MEMORY_CONTROL, "memory-control"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything-threads"),
];

/// Turns the error of an invalid module into the one that names the limit it exceeds, or the proposals it needs, if it is valid
/// with them. An error that no proposal can mend is given as it is, or as the first one that is left with all proposals.
pub(crate) fn explain(wasm: &[u8], error: CompileError) -> CompileError {
    let CompileError::Invalid { offset, .. } = error else {
        return error;
    };
    if let Some(what) = limits::exceeded(wasm, offset) {
        return CompileError::Limit(what);
    }
    let unsupported = |needed: &[(WasmFeatures, &'static str)]| CompileError::Unsupported {
        proposals: needed.iter().map(|(_, name)| Proposal(name)).collect(),
        offset,
    };
    if let Some(one) = PROPOSALS.iter().find(|one| check(wasm, &[**one]).is_ok()) {
        return unsupported(&[*one]);
    }
    let mut needed = PROPOSALS.to_vec();
    if let Err(left) = check(wasm, &needed) {
        let same_place = matches!(left, CompileError::Invalid { offset: at, .. } if at == offset);
        return if same_place { error } else { left };
    }
    // Leave out what is not needed, the unusual first. What remains is a set from which nothing can be taken.
    for i in (0..needed.len()).rev() {
        let one = needed.remove(i);
        if check(wasm, &needed).is_err() {
            needed.insert(i, one);
        }
    }
    unsupported(&needed)
}

/// Validates the whole module with these proposals too.
fn check(wasm: &[u8], proposals: &[(WasmFeatures, &str)]) -> Result<(), CompileError> {
    let features = proposals.iter().fold(FEATURES, |all, (one, _)| all.union(*one));
    match Validator::new_with_features(features).validate_all(wasm) {
        Ok(_) => gate::check_all(wasm, features),
        Err(error) => Err(invalid(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{ValidationPool, parse, validate_body};
    use wrun_artifact::Config;

    /// The first error of a module, explained.
    fn error(wasm: &[u8]) -> CompileError {
        let first = match parse(wasm, &Config::native()) {
            Err(error) => error,
            Ok(module) => {
                let mut pool = ValidationPool::default();
                let errors = module
                    .bodies
                    .keys()
                    .filter_map(|func| validate_body(&module, func, &mut pool).err());
                errors.into_iter().next().expect("refused")
            }
        };
        explain(wasm, first)
    }

    fn proposals(text: &str) -> Vec<&'static str> {
        match error(&wat::parse_str(text).expect("text")) {
            CompileError::Unsupported { proposals, offset } => {
                assert!(offset >= 8, "{text}");
                proposals.iter().map(|proposal| proposal.0).collect()
            }
            other => panic!("{text}: {other}"),
        }
    }

    #[test]
    fn a_module_that_needs_one_proposal_is_told_its_name() {
        for (name, text) in [
            ("exception-handling", "(module (tag) (func throw 0))"),
            ("threads", "(module (memory 1 1 shared))"),
            (
                "threads",
                "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))",
            ),
            ("tail-call", "(module (func $f return_call $f))"),
            ("multi-memory", "(module (memory 1) (memory 1))"),
            ("memory64", "(module (memory i64 1))"),
            (
                "relaxed-simd",
                "(module (func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
            ),
            (
                "function-references",
                "(module (type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0))))",
            ),
            ("custom-page-sizes", "(module (memory 1 (pagesize 1)))"),
            (
                "wide-arithmetic",
                "(module (func (param i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 0))))",
            ),
            (
                "custom-descriptors",
                "(module (import \"m\" \"f\" (func (exact (type 0)))) (type (func)))",
            ),
            (
                "memory-control",
                "(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))",
            ),
        ] {
            assert_eq!(proposals(text), [name], "{text}");
        }
    }

    #[test]
    fn a_module_that_needs_several_is_told_all_and_no_more() {
        for (names, text) in [
            (
                &["tail-call", "multi-memory"][..],
                "(module (memory 1) (memory 1) (func $f return_call $f))",
            ),
            (&["threads", "memory64"], "(module (memory i64 1 1 shared))"),
            (
                &["exception-handling", "legacy exception-handling"],
                "(module (tag $e) (func try throw $e catch $e end))",
            ),
            (
                // As a C++ program comes out that was compiled for threads and linked without: no memory is shared.
                &["exception-handling", "threads"],
                "(module (memory 1) (tag $e) (func (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
                   (block $caught (result exnref) (try_table (catch_all_ref $caught) (throw $e)) unreachable) throw_ref))",
            ),
            (
                &["exception-handling", "threads", "tail-call"],
                "(module (memory 1 1 shared) (tag) (func $f return_call $f))",
            ),
        ] {
            assert_eq!(proposals(text), names, "{text}");
        }
    }

    #[test]
    fn what_builds_on_another_proposal_names_both_where_both_are_used() {
        for (names, text) in [
            (
                &["gc"][..],
                "(module (type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1)))))",
            ),
            (
                &["function-references", "stack-switching"],
                "(module (type $f (func)) (type $c (cont $f)) (func (drop (ref.null $c))) (func (param (ref $c)) (resume $c (local.get 0))))",
            ),
            (
                &["gc", "custom-descriptors"],
                "(module (rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct))))",
            ),
            (
                &["gc", "custom-descriptors"],
                "(module (type (func)) (type (struct)) (import \"m\" \"f\" (func (exact (type 0)))))",
            ),
            (
                &["shared-everything-threads"],
                "(module (global (shared mut i32) (i32.const 0)) (func (drop (global.atomic.get seq_cst 0))))",
            ),
        ] {
            assert_eq!(proposals(text), names, "{text}");
        }
    }

    #[test]
    fn imports_in_the_compact_form_are_told_from_malformed_ones() {
        // One module name, then (0x7f) a list of one item: a function of type 0.
        let imports = [
            &b"\0asm\x01\0\0\0"[..],
            b"\x01\x04\x01\x60\0\0",
            b"\x02\x09\x01\x01m\0\x7f\x01\0\0\0",
        ]
        .concat();
        let error = error(&imports);
        let CompileError::Unsupported { proposals, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(proposals, &[Proposal("compact-import-section")]);
    }

    #[test]
    fn a_module_that_is_invalid_anyway_is_not_called_unsupported() {
        let wasm = wat::parse_str("(module (func i32.add))").expect("text");
        assert!(matches!(error(&wasm), CompileError::Invalid { .. }));
        // Needs a proposal and is invalid behind that: what is wrong is what no proposal mends.
        let wasm = wat::parse_str("(module (func $f return_call $f) (func f32.neg))").expect("text");
        let CompileError::Invalid { offset, .. } = error(&wasm) else {
            panic!("valid")
        };
        assert_eq!(
            offset,
            wasm.iter().rposition(|byte| *byte == 0x8c).expect("f32.neg") as u64
        );
    }

    #[test]
    fn other_errors_pass() {
        assert_eq!(explain(b"", CompileError::NotWasm(None)), CompileError::NotWasm(None));
    }
}
