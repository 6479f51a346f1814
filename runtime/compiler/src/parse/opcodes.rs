//! Allow-lists of instructions for scans over bodies. An instruction that is not listed gets the slow, safe answer.
//!
//! Input: an opcode or an operator. Output: its [`Effect`] on facts about the module, and [`is_supported`]. Validation has
//! already refused everything outside of [`FEATURES`](super::FEATURES), so the safe answer does not occur now. It keeps a scan
//! correct if a new proposal is enabled and the scan is not updated.

use wasmparser::Operator;

/// The effect of an instruction on facts about the module, as far as its opcode shows it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    /// No effect: it needs no vmctx, calls nothing, and writes no table.
    None,
    /// It may need the vmctx, calls no function by its index, and writes no table.
    Context,
    /// The operands decide: the whole instruction has to be read.
    Look,
}

/// The opcode of `call`.
pub(super) const CALL: u8 = 0x10;

/// The opcode of `return_call`.
pub(super) const RETURN_CALL: u8 = 0x12;

const CALL_INDIRECT: u8 = 0x11;
const RETURN_CALL_INDIRECT: u8 = 0x13;
const TABLE_SET: u8 = 0x26;
const REF_FUNC: u8 = 0xd2;
/// The prefix of vector instructions.
pub(super) const VECTOR: u8 = 0xfd;
/// The prefix of atomic instructions.
const ATOMIC: u8 = 0xfe;

/// Effects by first byte.
const EFFECTS: [Effect; 256] = {
    let mut effects = [Effect::Look; 256];
    let mut opcode = 0;
    while opcode < 256 {
        effects[opcode] = of_opcode(opcode as u8);
        opcode += 1;
    }
    effects
};

const fn of_opcode(opcode: u8) -> Effect {
    match opcode {
        // unreachable to else; end to return; drop and select; locals; constants and arithmetic; ref.null, ref.is_null,
        // ref.as_non_null, br_on_null, br_on_non_null.
        0x00..=0x05 | 0x0b..=0x0f | 0x1a..=0x1c | 0x20..=0x22 | 0x41..=0xc4 | 0xd0..=0xd1 | 0xd4..=0xd6 => Effect::None,
        // globals and table.get; loads, stores, memory.size and memory.grow; try to throw_ref, delegate to catch_all, try_table.
        CALL_INDIRECT
        | RETURN_CALL_INDIRECT
        | 0x23..=0x25
        | 0x28..=0x40
        | REF_FUNC
        | 0x06..=0x0a
        | 0x14..=0x15
        | 0x18..=0x19
        | 0x1f => Effect::Context,
        CALL | RETURN_CALL | TABLE_SET => Effect::Look,
        _ => Effect::Look,
    }
}

/// Returns the effect of the instruction at the beginning of `code`, which is not empty.
pub(super) fn effect(code: &[u8]) -> Effect {
    match code {
        // The opcodes of fixed-width SIMD are below 256: their LEB128 is one byte, or two bytes of which the second is 1. Those of
        // relaxed SIMD are 256 to 275: the second byte is 2.
        [VECTOR, 0..=0x7f, ..] | [VECTOR, 0x80..=0xff, 1, ..] | [VECTOR, 0x80..=0x93, 2, ..] => Effect::Context,
        // Atomic instructions.
        [ATOMIC, 0..=0x4e, ..] => Effect::Context,
        [opcode, ..] => EFFECTS[usize::from(*opcode)],
        [] => Effect::Look,
    }
}

/// Defines [`is_supported`] from wasmparser's list of operators.
macro_rules! define_is_supported {
    ($(@$proposal:ident $op:ident $({ $($field:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        /// Returns true for an operator that wrun runs: of WebAssembly 2.0 and the other proposals in [`FEATURES`](super::FEATURES).
        pub(crate) fn is_supported(op: &Operator<'_>) -> bool {
            match op {
                $(Operator::$op $({ $($field: _),* })? => supported_proposal!($proposal),)*
                _ => false,
            }
        }
    };
}

macro_rules! supported_proposal {
    (mvp) => {
        true
    };
    (sign_extension) => {
        true
    };
    (saturating_float_to_int) => {
        true
    };
    (bulk_memory) => {
        true
    };
    (reference_types) => {
        true
    };
    (simd) => {
        true
    };
    (function_references) => {
        true
    };
    (tail_call) => {
        true
    };
    (threads) => {
        true
    };
    (exceptions) => {
        true
    };
    (legacy_exceptions) => {
        true
    };
    (relaxed_simd) => {
        true
    };
    (wide_arithmetic) => {
        true
    };
    ($other:ident) => {
        false
    };
}

wasmparser::for_each_operator!(define_is_supported);

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use wasmparser::{BinaryReader, OperatorsReader, WasmFeatures};

    use super::*;

    macro_rules! list {
        ($(@$proposal:ident $op:ident $({ $($field:ident: $ty:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
            &[$((stringify!($proposal), stringify!($op), &[$($(stringify!($field)),*)?])),*]
        };
    }

    /// All operators that wasmparser knows: proposal, name, immediates.
    pub(crate) const OPERATORS: &[(&str, &str, &[&str])] = wasmparser::for_each_operator!(list);

    /// Returns one encoding of every operator that wasmparser knows, by name.
    pub(crate) fn one_of_each() -> BTreeMap<String, Vec<u8>> {
        // The immediates of every operator can begin with one of these.
        const TAILS: [[u8; 2]; 5] = [[0, 0], [0x40, 0], [0x70, 0x70], [1, 0x7f], [0, 0x70]];
        let singles = (0..=u8::MAX).map(|opcode| vec![opcode]);
        let prefixed = (0xfb..=0xfe).flat_map(|prefix| {
            (0..0x200_u32).map(move |number| match number {
                0..0x80 => vec![prefix, number as u8],
                _ => vec![prefix, 0x80 | number as u8, (number >> 7) as u8],
            })
        });
        let mut found = BTreeMap::new();
        for opcode in singles.chain(prefixed) {
            for tail in TAILS {
                let mut code = opcode.clone();
                code.extend(tail);
                code.extend([0; 24]);
                if let Ok(op) = read(&code) {
                    let name = format!("{op:?}");
                    let name = name.split([' ', '{']).next().expect("never empty").to_owned();
                    found.entry(name).or_insert(code);
                }
            }
        }
        found
    }

    /// Reads the operator, of any proposal, at the beginning of `code`.
    pub(crate) fn read(code: &[u8]) -> wasmparser::Result<Operator<'static>> {
        read_with_length(code).map(|(op, _)| op)
    }

    /// Reads the operator at the beginning of `code`, and returns it with its length in bytes.
    pub(crate) fn read_with_length(code: &[u8]) -> wasmparser::Result<(Operator<'static>, usize)> {
        // `else`, `catch` and similar operators can be read only inside of their block.
        let contexts: [&[u8]; 3] = [&[], &[0x04, 0x40], &[0x06, 0x40]];
        let mut result = None;
        for context in contexts {
            let code: &'static [u8] = Box::leak([context, code].concat().into_boxed_slice());
            let mut reader = BinaryReader::new(code, 0);
            reader.set_features(WasmFeatures::all());
            let mut operators = OperatorsReader::new(reader);
            if !context.is_empty() {
                operators.read()?;
            }
            match operators.read() {
                Ok(op) => return Ok((op, operators.original_position() - context.len())),
                error => result = result.or(Some(error)),
            }
        }
        result.expect("tried at least once").map(|op| (op, 0))
    }

    /// The proposals that wrun runs.
    const SUPPORTED: [&str; 13] = [
        "mvp",
        "sign_extension",
        "saturating_float_to_int",
        "bulk_memory",
        "reference_types",
        "simd",
        "function_references",
        "tail_call",
        "threads",
        "exceptions",
        "legacy_exceptions",
        "relaxed_simd",
        "wide_arithmetic",
    ];

    #[test]
    fn every_operator_has_an_encoding() {
        let encodings = one_of_each();
        let missing: Vec<_> = OPERATORS.iter().filter(|op| !encodings.contains_key(op.1)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn exactly_the_operators_of_these_proposals_are_supported() {
        let encodings = one_of_each();
        for (proposal, name, _) in OPERATORS {
            let op = read(&encodings[*name]).expect("read before");
            assert_eq!(is_supported(&op), SUPPORTED.contains(proposal), "{name}");
        }
    }

    #[test]
    fn only_listed_operators_are_passed_over_by_the_scan() {
        let encodings = one_of_each();
        for (proposal, name, immediates) in OPERATORS {
            let effect = effect(&encodings[*name]);
            let expect = if !SUPPORTED.contains(proposal) {
                Effect::Look
            } else {
                let memory = immediates.contains(&"memarg") || immediates.contains(&"mem");
                match *name {
                    "Call" | "ReturnCall" | "TableSet" => Effect::Look,
                    _ if encodings[*name][0] == 0xfc => Effect::Look,
                    "CallIndirect" | "ReturnCallIndirect" | "CallRef" | "ReturnCallRef" | "GlobalGet" | "GlobalSet"
                    | "TableGet" | "RefFunc" => Effect::Context,
                    _ if memory => Effect::Context,
                    _ if ["simd", "relaxed_simd", "threads", "exceptions", "legacy_exceptions"].contains(proposal) => {
                        Effect::Context
                    }
                    _ => Effect::None,
                }
            };
            assert_eq!(effect, expect, "{name}");
        }
    }
}
