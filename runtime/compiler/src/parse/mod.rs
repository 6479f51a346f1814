//! From wasm bytes to a validated description of the module, with bodies as ranges.
//!
//! In: the bytes. Out: a [`Module`] (everything but the bodies validated), then, body by body and in any order,
//! [`BodyFacts`] (that body validated), and from all of them together [`Facts`](wrun_artifact::facts::Facts). An error of either step goes through
//! [`mod@explain`], which names the proposals that a module needs beyond those wrun runs, and the limit that it exceeds.
//!
//! May not enter: the code generator, the host, threads.

mod body;
mod constant;
mod declarations;
mod describe;
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

/// The features that wrun runs: WebAssembly 2.0 and extended constant expressions.
const FEATURES: WasmFeatures = WasmFeatures::WASM2.union(WasmFeatures::EXTENDED_CONST);

/// The error of a module that the validator refused.
fn invalid(error: &wasmparser::BinaryReaderError) -> CompileError {
    CompileError::Invalid {
        offset: error.offset() as u64,
        reason: error.message().to_owned(),
    }
}
