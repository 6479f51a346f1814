//! Parses and validates wasm bytes, and describes the module, with bodies as ranges.
//!
//! Input: the bytes. Output: first a [`Module`], in which everything but the bodies is validated. Then [`BodyFacts`] for each
//! body, in any order, which is validated for them. Last, [`Facts`](wrun_artifact::facts::Facts) from all of them. An error of
//! either step goes through [`mod@explain`], which names the unsupported proposals that a module needs, or the limit that it
//! exceeds.
//!
//! Must not hold: the code generator, the host, threads.

mod body;
mod constant;
mod declarations;
mod describe;
mod exception_form;
mod explain;
mod facts;
mod gate;
mod limits;
mod module;
mod names;
mod opcodes;
mod recognise;
mod sections;
mod segments;
mod words;

pub(crate) use body::{ValidationPool, validate_body};
pub use declarations::{Declarations, Linkage, declarations};
pub use describe::{DescribedFunction, Description, describe};
pub use exception_form::ExceptionForm;
pub(crate) use explain::{Needs, all_proposals, explain_bodies, explain_sections};
pub(crate) use module::*;
pub(crate) use opcodes::is_supported;
#[cfg(test)]
pub(crate) use opcodes::tests as opcode_tests;
pub use recognise::recognise;
pub(crate) use sections::parse;
pub(crate) use segments::Segment;

use wasmparser::WasmFeatures;

use crate::error::CompileError;

/// The features that wrun runs: WebAssembly 2.0, extended constant expressions, typed function references, tail calls, exceptions in
/// both forms, relaxed vector instructions, wide arithmetic, several memories, 64-bit indices, small pages, and atomic instructions.
/// Shared memories, which belong to the same proposal as the last ones, are refused by the gate.
const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::FUNCTION_REFERENCES)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::MEMORY64)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES)
    .union(WasmFeatures::WIDE_ARITHMETIC);

/// Converts an error of the validator.
fn invalid(error: &wasmparser::BinaryReaderError) -> CompileError {
    CompileError::Invalid {
        offset: error.offset() as u64,
        reason: error.message().to_owned(),
    }
}
