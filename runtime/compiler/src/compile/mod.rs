//! Compiles one function or trampoline to machine code.
//!
//! Input: a [`Symbol`](crate::code::Symbol), its body, the facts about the module, the settings. Output: a
//! [`CompiledFunction`](crate::code::CompiledFunction). The output depends on the input only ([`compile()`]).
//!
//! Must not hold: the wasm binary format, threads, the order of work. No type of the code generator is part of the output.

mod body;

pub(crate) mod panics;

pub(crate) use body::{Workspace, compile, list};
