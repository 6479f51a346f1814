//! The public handles: the types that an embedder holds.
//!
//! Input: an embedder's requests. Output: handles and values. Each handle checks that its arguments belong to the same store and
//! engine. Must not hold: the work of the other rooms.
//!
//! # Safety
//! The files of this room that say so may use `unsafe`: they reach stores, memories and globals through pointers.

mod declarations;
mod engine;
mod exception;
mod func;
mod global;
mod imports;
mod inspect;
mod instance;
mod memory;
mod module;
mod store;
mod table;
mod typed;
mod value;

#[cfg(feature = "compiler")]
pub use declarations::Declarations;
pub use declarations::Declares;
pub use engine::Engine;
pub use exception::Tag;
pub use func::Func;
pub use global::Global;
pub use imports::{Imports, UnknownImports};
pub use inspect::{InspectedFunction, Inspection, inspect, is_artifact, verify_artifact, verify_cached};
pub use instance::{Extern, Instance};
pub use memory::Memory;
pub use module::{ExportType, ImportType, Module, Verify};
pub use store::{AsStore, Store};
pub use table::Table;
pub use typed::TypedFunc;
pub use value::Value;
