//! From one function or trampoline to machine code.
//!
//! In: a [`Symbol`](crate::code::Symbol), its body, the facts about the module, the settings. Out: a
//! [`CompiledFunction`](crate::code::CompiledFunction). A pure function of these ([`compile()`]).
//!
//! Must not hold: the wasm binary format, threads, the order of work. No type of the code generator leaves.

mod body;

pub(crate) mod panics;

pub(crate) use body::{Workspace, compile, list};
