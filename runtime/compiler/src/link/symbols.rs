//! Names of functions for backtraces, and symbols for everything in the text, for objdump, gdb and perf.
//!
//! Input: the module's names and the placement. Output: the contents of the names section and the symbol table. A function has
//! the name that the module gives it, unchanged. A function without a name is `wasm_function_` and its number in the function
//! index space. Names of trampolines begin with `wrun_`.

use wrun_artifact::elf::SymbolRow;
use wrun_artifact::index::{FuncIndex, Index};
use wrun_artifact::names::{NamesBuilder, TooLong};

use super::placement::Placement;
use crate::code::Symbol;
use crate::parse::Module;

/// Collects the names that the module gives, and all symbols.
pub(super) fn collect(module: &Module<'_>, placement: &Placement) -> Result<(NamesBuilder, Vec<SymbolRow>), TooLong> {
    let mut names = NamesBuilder::new();
    for func in module.funcs.keys() {
        names.func(module.func_names.get(func).copied().flatten())?;
    }
    if let Some(name) = module.name {
        names.module(name)?;
    }
    let mut rows = Vec::new();
    let funcs = placement.funcs().map(|(func, range)| (Symbol::Func(func), range));
    for (symbol, range) in funcs.chain(placement.trampolines()) {
        let given = match symbol {
            Symbol::Func(func) => names.func_string(module.func_index(func).index()),
            _ => None,
        };
        let name = match given {
            Some(name) => name,
            None => names.string(&made_up_name(module, symbol))?,
        };
        rows.push(SymbolRow {
            name,
            start: range.start,
            len: range.end - range.start,
        });
    }
    Ok((names, rows))
}

/// Returns the name of a symbol to which the module gives none.
pub(crate) fn made_up_name(module: &Module<'_>, symbol: Symbol) -> String {
    let number = |func: FuncIndex| func.as_u32();
    match symbol {
        Symbol::TextStart => "wrun_text".into(),
        Symbol::Func(func) => format!("wasm_function_{}", number(module.func_index(func))),
        Symbol::Stub(func) => format!("wrun_stub_{}", number(module.func_index(func))),
        Symbol::ImportThunk(func) => format!("wrun_import_{}", number(func)),
        Symbol::Entry(sig) => format!("wrun_entry_{}", sig.as_u32()),
        Symbol::TypedHostcall(sig) => format!("wrun_typed_hostcall_{}", sig.as_u32()),
        Symbol::UntypedHostcall(sig) => format!("wrun_untyped_hostcall_{}", sig.as_u32()),
        Symbol::Libcall(libcall) => format!("wrun_libcall_{}", libcall.name()),
    }
}
