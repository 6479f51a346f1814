//! The compile side of wrun: wasm bytes in, one artifact out.
//!
//! ```text
//! wasm bytes ─▶ parse ─▶ translate ─▶ compile ─▶ link ─▶ artifact bytes
//! ```
//!
//! The rooms in order are `error, parse, code, translate, compile, link, pipeline`. Each room may use those to its left. `code`
//! holds the types that `compile` and `link` share, and `pipeline` runs the phases.
//!
//! The artifact depends only on the wasm bytes, on [`Config`] and on the set of functions. The number of threads and the order
//! in which functions are compiled do not matter. The crate runs no compiled code and opens no files.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_pointer_width = "64")))]
compile_error!("wrun runs on Linux on x86-64 only, so far: build it for x86_64-unknown-linux-gnu");

mod code;
mod compile;
mod error;
mod link;
mod parse;
mod pipeline;
mod translate;

pub use error::{CompileError, Proposal};
pub use parse::{
    Declarations, DescribedFunction, Description, ExceptionForm, Linkage, declarations, describe, recognise,
};
pub use pipeline::{Options, Phase, Report, compile, compile_subset, proposals};
pub use wrun_artifact::Config;

pub use wrun_artifact::BUILD;

/// Listings for golden tests. They are not part of the API: they change with the code generator.
#[doc(hidden)]
pub mod testing {
    pub use crate::pipeline::{Listing, list};
}
