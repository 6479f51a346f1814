//! The types that `compile` and `link` share: symbols, compiled functions, and the target.
//!
//! [`Symbol`] names a place in the text, [`CompiledFunction`] is machine code with its relocations and tables, [`mod@isa`]
//! holds the code generator's settings.
//!
//! Must not hold: modules, the logic of a phase.

mod function;
mod symbol;

pub(crate) mod isa;

pub(crate) use function::{CompiledFunction, FUNCTION_ALIGNMENT, Reloc};
pub(crate) use symbol::Symbol;
