//! From one function or trampoline to machine code.
//!
//! In: a [`Symbol`](crate::code::Symbol), the module and what is known of it, the settings. Out: a
//! [`CompiledFunction`](crate::code::CompiledFunction). A pure function of these ([`compile()`]).
//!
//! Must not hold: the wasm binary format, threads, the order of work. No type of the code generator leaves.

mod body;
mod trampoline;

pub(crate) mod panics;

pub(crate) use body::{Workspace, compile};
pub(crate) use trampoline::all as trampolines;
