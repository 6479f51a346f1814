//! The description of a parsed module: types, index spaces, segments, and the results of the scan over the whole module.

use core::ops::Range;

use wrun_artifact::facts::Facts;
use wrun_artifact::index::{
    DataIndex, DefinedFuncIndex, DefinedGlobalIndex, DefinedMemoryIndex, DefinedTableIndex, ElemIndex, FuncIndex,
    GlobalIndex, Index, IndexVec, MemoryIndex, SigIndex, TableIndex, TagIndex, TypeIndex,
};
use wrun_artifact::types::{ExternType, FuncType, GlobalType, IndexType, MemoryType, TableType};
use wrun_artifact::vmlayout::{Counts, VMLayout};

/// A module, validated except for its bodies.
pub(crate) struct Module<'a> {
    /// The type section, each type as its signature.
    pub(crate) types: IndexVec<TypeIndex, SigIndex>,
    /// Distinct function types, in order of first appearance.
    pub(crate) sigs: IndexVec<SigIndex, FuncType>,
    /// Imports, in order.
    pub(crate) imports: Vec<Import<'a>>,
    /// Signature of every function, imports first.
    pub(crate) funcs: IndexVec<FuncIndex, SigIndex>,
    /// Type of every table, imports first.
    pub(crate) tables: IndexVec<TableIndex, TableType>,
    /// The values that fill the defined tables at first, where it is not null.
    pub(crate) table_inits: IndexVec<DefinedTableIndex, Option<ConstExpr>>,
    /// Type of every memory, imports first.
    pub(crate) memories: IndexVec<MemoryIndex, MemoryType>,
    /// Type of every global, imports first.
    pub(crate) globals: IndexVec<GlobalIndex, GlobalType>,
    /// Initial values of the defined globals.
    pub(crate) global_inits: IndexVec<DefinedGlobalIndex, ConstExpr>,
    /// Signature of every tag, imports first.
    pub(crate) tags: IndexVec<TagIndex, SigIndex>,
    /// Names of tags in the name section, or as which they are exported.
    pub(crate) tag_names: IndexVec<TagIndex, Option<&'a str>>,
    /// Exports, in the module's order. Names are distinct.
    pub(crate) exports: Vec<Export<'a>>,
    /// The start function.
    pub(crate) start: Option<FuncIndex>,
    /// Element segments.
    pub(crate) elems: IndexVec<ElemIndex, Elem>,
    /// Data segments.
    pub(crate) data: IndexVec<DataIndex, Data<'a>>,
    /// Function bodies, not yet validated.
    pub(crate) bodies: IndexVec<DefinedFuncIndex, Body<'a>>,
    /// The validator's data about the module, for validating a body. `None` for a module without bodies.
    pub(crate) resources: Option<wasmparser::ValidatorResources>,
    /// Offset of the code section's contents in the file, in bytes. Offsets in DWARF count from it.
    pub(crate) code_section: u64,
    /// Function names from the name section, unchanged, or else from the exports. `None` if there is no name, or if the section
    /// is malformed.
    pub(crate) func_names: IndexVec<FuncIndex, Option<&'a str>>,
    /// The module's own name.
    pub(crate) name: Option<&'a str>,
    /// The custom sections that debuggers read (`.debug_*`), in order.
    pub(crate) debug_sections: Vec<(&'a str, &'a [u8])>,
    /// The layout of the vmctx.
    pub(crate) layout: VMLayout,
}

/// An import.
pub(crate) struct Import<'a> {
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
    pub(crate) ty: ExternType,
}

/// An export.
pub(crate) struct Export<'a> {
    pub(crate) name: &'a str,
    pub(crate) item: Item,
}

/// An item that can be exported.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Item {
    Func(FuncIndex),
    Table(TableIndex),
    Memory(MemoryIndex),
    Global(GlobalIndex),
    Tag(TagIndex),
}

/// An instruction of a constant expression.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum ConstOp {
    /// A value as a little-endian slot of the raw call interface. Null references are 0.
    Value([u8; 16]),
    GlobalGet(GlobalIndex),
    RefFunc(FuncIndex),
    I32Add,
    I32Sub,
    I32Mul,
    I64Add,
    I64Sub,
    I64Mul,
}

/// A constant expression: instructions for a stack machine. Operations on known values were computed, so an expression without
/// `global.get` and `ref.func` is one value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ConstExpr(pub(crate) Vec<ConstOp>);

impl ConstExpr {
    /// Returns the value if it is known at compile time.
    pub(crate) fn value(&self) -> Option<[u8; 16]> {
        match self.0.as_slice() {
            [ConstOp::Value(slot)] => Some(*slot),
            _ => None,
        }
    }

    /// Returns the value as an offset into a memory or table whose indices have the type `index`, if it is known.
    pub(crate) fn offset(&self, index: IndexType) -> Option<u64> {
        let low = u64::from_le_bytes(*self.value()?.first_chunk().expect("16 bytes"));
        Some(index.zero_extend(low))
    }
}

/// Mode of a segment: copied at instantiation, or kept for later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mode<T> {
    Active {
        target: T,
        offset: ConstExpr,
    },
    Passive,
    /// Only for element segments: declares references and has no other use.
    Declared,
}

/// An element segment.
pub(crate) struct Elem {
    pub(crate) mode: Mode<TableIndex>,
    pub(crate) items: ElemItems,
}

/// The elements of a segment.
pub(crate) enum ElemItems {
    /// Functions, or `None` for null. Segments of expressions of type `funcref` that are all `ref.func` or `ref.null` have this
    /// form too.
    Funcs(Vec<Option<FuncIndex>>),
    /// All other segments.
    Exprs(Vec<ConstExpr>),
}

/// A data segment.
pub(crate) struct Data<'a> {
    pub(crate) mode: Mode<MemoryIndex>,
    pub(crate) bytes: &'a [u8],
}

/// A function's body.
pub(crate) struct Body<'a> {
    /// The reader over the body, locals first.
    pub(crate) body: wasmparser::FunctionBody<'a>,
    /// Its range in the file in bytes.
    pub(crate) range: Range<usize>,
}

impl<'a> Body<'a> {
    /// Makes a body of these bytes, which begin at the offset `start` of the wasm file. They are not validated.
    #[cfg(test)]
    pub(crate) fn new(bytes: &'a [u8], start: usize) -> Self {
        let reader = wasmparser::BinaryReader::new_features(bytes, start, super::FEATURES);
        Self {
            body: wasmparser::FunctionBody::new(reader),
            range: start..start + bytes.len(),
        }
    }
}

/// The effects of one body that matter for facts about the module. They are merged over all bodies into a [`Scan`].
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct BodyFacts {
    /// Tables that `table.set`, `table.fill` or `table.grow` write: any reference may enter them.
    pub(crate) tables_written: Vec<TableIndex>,
    /// Tables that `table.grow` grows.
    pub(crate) tables_grown: Vec<TableIndex>,
    /// `table.init`: (table, segment).
    pub(crate) tables_inited: Vec<(TableIndex, ElemIndex)>,
    /// `table.copy`: (destination, source).
    pub(crate) tables_copied: Vec<(TableIndex, TableIndex)>,
    /// True if the body has an instruction that the scan does not know, which may have any effect.
    pub(crate) unknown: bool,
    /// The function and its callees, if it needs the vmctx only for calls to functions that this module defines.
    pub(crate) context_only_for: Option<(DefinedFuncIndex, Vec<DefinedFuncIndex>)>,
}

/// The results of the scan over the whole module.
pub(crate) struct Scan {
    /// Facts for translation.
    pub(crate) facts: Facts,
    /// True for each element segment that is completely part of a table's image, so that instantiation skips it.
    pub(crate) elems_in_image: IndexVec<ElemIndex, bool>,
}

impl Module<'_> {
    /// Returns the sizes of the index spaces.
    pub(crate) fn counts(&self) -> &Counts {
        self.layout.counts()
    }

    /// Returns a defined function's index in the function index space.
    pub(crate) fn func_index(&self, func: DefinedFuncIndex) -> FuncIndex {
        FuncIndex::new(func.index() + self.counts().imported_funcs as usize)
    }

    /// Returns the defined function with this index, or `None` for an imported one.
    pub(crate) fn defined_func(&self, func: FuncIndex) -> Option<DefinedFuncIndex> {
        wrun_artifact::vmlayout::defined(func, self.counts().imported_funcs)
    }

    /// Returns the defined table with this index, or `None` for an imported one.
    pub(crate) fn defined_table(&self, table: TableIndex) -> Option<DefinedTableIndex> {
        self.layout.table_is_defined(table)
    }

    /// Returns true if a table is filled with null at first, or imported.
    pub(crate) fn is_null_at_first(&self, table: TableIndex) -> bool {
        self.defined_table(table)
            .is_none_or(|table| self.table_inits[table].is_none())
    }

    /// Returns the defined memory with this index, or `None` for an imported one.
    pub(crate) fn defined_memory(&self, memory: MemoryIndex) -> Option<DefinedMemoryIndex> {
        self.layout.memory_is_defined(memory)
    }

    /// Returns the defined global with this index, or `None` for an imported one.
    pub(crate) fn defined_global(&self, global: GlobalIndex) -> Option<DefinedGlobalIndex> {
        self.layout.global_is_defined(global)
    }
}
