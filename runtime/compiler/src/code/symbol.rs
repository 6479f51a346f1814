//! Symbols: names of places in the text, to which translated code refers.

use cranelift_codegen::ir;
use wrun_artifact::index::{DefinedFuncIndex, FuncIndex, SigIndex};
use wrun_artifact::vmlayout::Libcall;

/// Name of a place in the text.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(crate) enum Symbol {
    /// The beginning of the text itself.
    TextStart,
    /// A function of the module, or its stub.
    Func(DefinedFuncIndex),
    /// Stub of a function that is left out: it traps. Code refers to it as to the function.
    Stub(DefinedFuncIndex),
    /// Trampoline that calls an imported function, found in the vmctx, with the import's own context.
    ImportThunk(FuncIndex),
    /// Entry trampoline of a signature.
    Entry(SigIndex),
    /// Trampoline to a typed host function of a signature.
    TypedHostcall(SigIndex),
    /// Trampoline to an untyped host function of a signature.
    UntypedHostcall(SigIndex),
    /// Trampoline to a library call.
    Libcall(Libcall),
}

impl Symbol {
    /// Returns the name by which Cranelift IR refers to this symbol: the kind is the namespace, the number is the index.
    pub(crate) fn to_name(self) -> ir::UserExternalName {
        let (namespace, index) = match self {
            Self::TextStart => (0, 0),
            Self::Func(func) => (1, func.as_u32()),
            Self::ImportThunk(func) => (2, func.as_u32()),
            Self::Entry(sig) => (3, sig.as_u32()),
            Self::TypedHostcall(sig) => (4, sig.as_u32()),
            Self::UntypedHostcall(sig) => (5, sig.as_u32()),
            Self::Libcall(libcall) => (6, libcall as u32),
            Self::Stub(func) => (7, func.as_u32()),
        };
        ir::UserExternalName::new(namespace, index)
    }

    /// Returns the symbol with this name.
    pub(crate) fn from_name(name: &ir::UserExternalName) -> Option<Self> {
        Some(match (name.namespace, name.index) {
            (0, 0) => Self::TextStart,
            (1, index) => Self::Func(DefinedFuncIndex::from_u32(index)),
            (2, index) => Self::ImportThunk(FuncIndex::from_u32(index)),
            (3, index) => Self::Entry(SigIndex::from_u32(index)),
            (4, index) => Self::TypedHostcall(SigIndex::from_u32(index)),
            (5, index) => Self::UntypedHostcall(SigIndex::from_u32(index)),
            (6, index) => Self::Libcall(*Libcall::ALL.get(index as usize)?),
            (7, index) => Self::Stub(DefinedFuncIndex::from_u32(index)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_one_symbol_each() {
        let mut symbols = vec![
            Symbol::TextStart,
            Symbol::Func(DefinedFuncIndex::from_u32(7)),
            Symbol::Stub(DefinedFuncIndex::from_u32(7)),
            Symbol::ImportThunk(FuncIndex::from_u32(7)),
            Symbol::Entry(SigIndex::from_u32(7)),
            Symbol::TypedHostcall(SigIndex::from_u32(7)),
            Symbol::UntypedHostcall(SigIndex::from_u32(7)),
        ];
        symbols.extend(Libcall::ALL.iter().map(|libcall| Symbol::Libcall(*libcall)));
        for symbol in symbols {
            assert_eq!(Symbol::from_name(&symbol.to_name()), Some(symbol));
        }
        assert_eq!(Symbol::from_name(&ir::UserExternalName::new(6, 1000)), None);
        assert_eq!(Symbol::from_name(&ir::UserExternalName::new(9, 0)), None);
    }
}
