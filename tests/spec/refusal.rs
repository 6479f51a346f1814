//! Refused modules: compares wrun's reason with the reason that the suite expects.
//!
//! As usual for the suite, the expected text must be the beginning of the reason. [`OTHER_WORDS`] lists the cases in which the
//! validator uses other words or finds another error first. A module that needs a proposal does not count as malformed or
//! invalid, except in the few listed cases, for which wasm 2.0 has no other word.

use wrun_runtime::{CompileError, Error};

/// The two kinds of directive.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Malformed,
    Invalid,
}
use Kind::{Invalid, Malformed};

const END_OF_FILE: &str = "unexpected end-of-file";
const TRUNCATED: &str = "the module is truncated";
const NOT_WASM: &str = "not wasm";
const COMPONENT: &str = "a component";

/// Directives, the text that they expect, and the beginning of wrun's reason.
const OTHER_WORDS: &[(Kind, &str, &str)] = &[
    // The same in other words.
    (
        Invalid,
        "constant expression required",
        "type mismatch: expected funcref, found i32",
    ),
    (Invalid, "immutable global", "global is immutable"),
    (Invalid, "non-empty tag result type", "needs stack-switching"),
    (
        Invalid,
        "type mismatch: instruction requires [i32] but stack has []",
        "type mismatch: expected i32 but nothing on stack",
    ),
    (
        Invalid,
        "type mismatch: instruction requires [i32] but stack has [i64]",
        "type mismatch: expected i32, found i64",
    ),
    (
        Malformed,
        "unexpected token",
        "`catch_all` found outside `LegacyTry` block",
    ),
    (Malformed, "unexpected token", "`catch` found outside `LegacyTry` block"),
    (
        Invalid,
        "alignment must not be larger than natural",
        "invalid memop alignment: alignment must not be larger",
    ),
    (Invalid, "invalid lane index", "SIMD index out of bounds"),
    (
        Invalid,
        "memory size must be at most 65536 pages (4GiB)",
        "memory size must be at most 0x10000 65536-byte pages",
    ),
    (Invalid, "start function", "invalid start function type"),
    (
        Malformed,
        "END opcode expected",
        "control frames remain at end of function body or expression",
    ),
    (
        Malformed,
        "data count and data section have inconsistent lengths",
        "data count is non-zero but data section is absent",
    ),
    (
        Malformed,
        "function and code section have inconsistent lengths",
        "function section has non-zero count but code section",
    ),
    (
        Malformed,
        "function and code section have inconsistent lengths",
        "function section is absent but code section has",
    ),
    (Malformed, "i32 constant out of range", "memory size must be at most"),
    (Malformed, "i32 constant out of range", "table size must be at most"),
    (Malformed, "i32 constant", "offset out of range"),
    (Malformed, "integer representation too long", "invalid var_"),
    (Malformed, "integer too large", "invalid var_"),
    (Malformed, "length out of bounds", END_OF_FILE),
    (Malformed, "length out of bounds", TRUNCATED),
    (Malformed, "magic header not detected", NOT_WASM),
    (Malformed, "malformed import kind", "invalid leading byte"),
    (Malformed, "illegal opcode ff", "illegal opcode: 0xff"),
    (Malformed, "malformed limits flags", "invalid memory limits flags"),
    (
        Malformed,
        "malformed limits flags",
        "invalid table resizable limits flags",
    ),
    (Malformed, "malformed mutability", "malformed global flags"),
    (Malformed, "multiple start sections", "section out of order"),
    (
        Malformed,
        "unexpected content after last section",
        "section out of order",
    ),
    (
        Malformed,
        "unexpected end",
        "control frames remain at end of function body or expression",
    ),
    (Malformed, "unexpected end", NOT_WASM),
    (Malformed, "unexpected end", TRUNCATED),
    (Malformed, "unexpected end of section or function", END_OF_FILE),
    (Malformed, "unknown binary version", COMPONENT),
    // Another error of the module, which is found first.
    (Malformed, "illegal opcode", END_OF_FILE),
    (Malformed, "integer representation too long", "invalid leading byte"),
    (
        Malformed,
        "integer representation too long",
        "invalid memory limits flags",
    ),
    (
        Malformed,
        "integer representation too long",
        "trailing bytes at end of section",
    ),
    (Malformed, "integer representation too long", TRUNCATED),
    (Malformed, "integer too large", "malformed section id"),
    (Malformed, "integer too large", "trailing bytes at end of section"),
    (Malformed, "malformed section id", END_OF_FILE),
    (Malformed, "malformed limits flags", END_OF_FILE),
    (
        Malformed,
        "integer representation too long",
        "invalid table resizable limits flags",
    ),
    (Malformed, "integer representation too long", "malformed section id"),
    (Malformed, "integer representation too long", END_OF_FILE),
    (Malformed, "integer too large", "invalid memory limits flags"),
    (Malformed, "integer too large", "invalid table resizable limits flags"),
    (Malformed, "integer too large", "memory size must be at most"),
    (Malformed, "integer too large", END_OF_FILE),
    (Malformed, "integer too large", TRUNCATED),
    (Malformed, "malformed import kind", END_OF_FILE),
    (Malformed, "malformed memop flags", "invalid memop alignment"),
    (Malformed, "malformed memop flags", "malformed memop alignment"),
    (
        Malformed,
        "malformed memop flags",
        "type mismatch: values remaining on stack",
    ),
    (Malformed, "malformed mutability", "needs threads"),
    (
        Malformed,
        "section size mismatch",
        "control frames remain at end of function body or expression",
    ),
    (
        Malformed,
        "unexpected content after last section",
        "function and code section have inconsistent lengths",
    ),
    (
        Malformed,
        "unexpected end of section or function",
        "control frames remain at end of function body or expression",
    ),
    (Malformed, "zero byte expected", "unknown memory"),
];

/// Returns wrun's reason in the form of [`OTHER_WORDS`], or `None` if the error is not about the module.
fn reason(error: &Error) -> Option<String> {
    let Error::Compile(error) = error else {
        return None;
    };
    match error {
        CompileError::Invalid { reason, .. } => Some(reason.clone()),
        CompileError::Truncated { .. } => Some(TRUNCATED.to_owned()),
        CompileError::NotWasm(_) => Some(NOT_WASM.to_owned()),
        CompileError::Component => Some(COMPONENT.to_owned()),
        CompileError::Unsupported { proposals, .. } => {
            let names: Vec<_> = proposals.iter().map(|proposal| proposal.0).collect();
            Some(format!("needs {}", names.join(" and ")))
        }
        _ => None,
    }
}

/// Compares wrun's answer to a module with the expected one. Returns the entry of [`OTHER_WORDS`] that was needed, if any.
pub(crate) fn check<T>(kind: Kind, expected: &str, answer: &Result<T, Error>) -> Result<Option<usize>, String> {
    let error = match answer {
        Ok(_) => return Err(format!("accepted, but expected {expected:?}")),
        Err(error) => error,
    };
    let wrong = || format!("refused for the wrong reason (expected {kind:?}: {expected:?}): {error}");
    let reason = reason(error).ok_or_else(wrong)?;
    if reason.starts_with(expected) {
        return Ok(None);
    }
    let entry = OTHER_WORDS
        .iter()
        .position(|(of, text, begins)| *of == kind && *text == expected && reason.starts_with(begins));
    entry.map(Some).ok_or_else(wrong)
}

#[test]
fn other_reasons_are_told_apart() {
    let invalid = |reason: &str| -> Result<(), Error> {
        let reason = reason.to_owned();
        Err(Error::Compile(CompileError::Invalid { offset: 0, reason }))
    };
    let needs = |name| -> Result<(), Error> {
        let proposals = vec![wrun_runtime::Proposal(name)];
        Err(Error::Compile(CompileError::Unsupported {
            proposals,
            offset: 0,
            in_code: true,
        }))
    };
    assert_eq!(
        check(Invalid, "type mismatch", &invalid("type mismatch: expected i32")),
        Ok(None)
    );
    assert!(check(Invalid, "type mismatch", &invalid("unknown local 1")).is_err());
    assert!(check(Invalid, "type mismatch", &needs("simd")).is_err());
    assert!(matches!(
        check(Invalid, "non-empty tag result type", &needs("stack-switching")),
        Ok(Some(_))
    ));
    assert!(check(Malformed, "non-empty tag result type", &needs("stack-switching")).is_err());
    assert!(check(Invalid, "type mismatch", &Ok::<(), Error>(())).is_err());
    assert!(check::<()>(Invalid, "", &Err(Error::Compile(CompileError::Bug("x".to_owned())))).is_err());
}

/// Runs all refusals of the suite again, without the other directives, to find unused entries of [`OTHER_WORDS`].
#[test]
fn every_entry_of_the_list_is_needed() {
    let mut used = vec![false; OTHER_WORDS.len()];
    for suite in [
        crate::Suite::V2,
        crate::Suite::V3,
        crate::Suite::Simd,
        crate::Suite::ExtendedConst,
        crate::Suite::Exceptions,
        crate::Suite::TailCall,
        crate::Suite::FunctionReferences,
        crate::Suite::Atomics,
        crate::Suite::WideArithmetic,
        crate::Suite::RelaxedSimd,
        crate::Suite::MultiMemory,
        crate::Suite::Memory64,
        crate::Suite::CustomPageSizes,
    ] {
        for file in suite.files() {
            for entry in crate::run::refusals(&file) {
                used[entry] = true;
            }
        }
    }
    let unused: Vec<_> = OTHER_WORDS.iter().zip(used).filter(|(_, used)| !used).collect();
    assert!(unused.is_empty(), "{unused:#?}");
}
