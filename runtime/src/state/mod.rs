//! The objects that outlive a call: the inner parts of engines, modules and stores, with their instances, memories and tables.
//!
//! Input: artifacts, types, values. Output: objects that compiled code and the runtime work on. Must not hold: the rules for
//! embedders, public handles.
//!
//! # Safety
//! The files of this room may use `unsafe`: they hold raw memory that compiled code works on too. An [`InstanceData`] lies in an
//! arena of its store, and only shared references to it are made. References to memories and tables last only for a moment, while
//! no compiled code of the store runs.
#![allow(unsafe_code, reason = "holds the memory that compiled code works on")]

mod arena;
mod block;
mod const_expr;
mod engine;
mod instance;
mod memory;
mod module;
mod objects;
mod segment;
mod store;
mod table;
mod thrown;

pub(crate) use arena::Arena;
pub(crate) use const_expr::evaluate;
pub(crate) use engine::EngineCore;
pub(crate) use instance::{ImportedFunc, InstanceData, Item};
pub(crate) use memory::MemoryObject;
#[cfg(feature = "compiler")]
pub(crate) use memory::little_address_space;
pub(crate) use module::ModuleCore;
pub(crate) use objects::Objects;
pub(crate) use segment::{copy_active, init_memory, init_table};
pub(crate) use store::{StoreCore, StoreInner, StorePtr, core_of, core_of_mut};
pub(crate) use table::{TableObject, check_entries, table_get};
pub(crate) use thrown::{TagObject, Thrown};
