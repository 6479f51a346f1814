//! The info section: what a module consists of, as fixed-layout tables that are read where they lie.
//!
//! ```text
//! Fixed { counts, start, where each table begins and how many rows it has } │ table │ table │ …
//! ```
//!
//! All numbers are little-endian and unaligned, so a row can be read at any address. Reading a damaged section never
//! panics: rows, ranges and strings outside of it are `None` or empty.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::types::{ExternType, FuncType, GlobalType, IndexType, MemoryType, TableType, ValType};
use crate::vmlayout::Counts;

/// Stands for "none" where a number is optional.
pub const NONE: u32 = u32::MAX;

/// How long the stub of a function that is not in the artifact is at most, in bytes.
pub const STUB_LEN: u32 = 32;

/// Stands for "none" where a 64-bit number is optional.
pub const NONE_64: u64 = u64::MAX;

/// Modes of segments, in [`ElemRow`] and [`DataRow`].
pub mod segment_mode {
    /// To be copied at instantiation, and dropped then.
    pub const ACTIVE: u8 = 0;
    /// For `table.init` and `memory.init`.
    pub const PASSIVE: u8 = 1;
    /// Dropped from the start.
    pub const DECLARED: u8 = 2;
    /// Active but already part of the table's or memory's image: dropped from the start.
    pub const IN_IMAGE: u8 = 3;
}

/// Instructions of constant expressions, in [`ConstOp`].
pub mod const_op {
    /// Pushes the slot.
    pub const PUSH: u8 = 0;
    /// Pushes the global with this number.
    pub const GLOBAL: u8 = 1;
    /// Pushes a reference to the function with this number.
    pub const FUNC: u8 = 2;
    /// `i32.add`
    pub const I32_ADD: u8 = 3;
    /// `i32.sub`
    pub const I32_SUB: u8 = 4;
    /// `i32.mul`
    pub const I32_MUL: u8 = 5;
    /// `i64.add`
    pub const I64_ADD: u8 = 6;
    /// `i64.sub`
    pub const I64_SUB: u8 = 7;
    /// `i64.mul`
    pub const I64_MUL: u8 = 8;
}

/// Kind of an import or export, with its number in [`ExternRow`] and [`ExportRow`]: that of the binary format (spec 5.5.5).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ItemKind {
    /// A function.
    Func = 0,
    /// A table.
    Table = 1,
    /// A memory.
    Memory = 2,
    /// A global.
    Global = 3,
}

impl ItemKind {
    /// The kind that a number stands for.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Func),
            1 => Some(Self::Table),
            2 => Some(Self::Memory),
            3 => Some(Self::Global),
            _ => None,
        }
    }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }
    )*};
}

rows! {
    /// Some consecutive rows of a table, or bytes of a pool.
    Span {
        /// The first one.
        start: U32,
        /// How many.
        len: U32,
    }

    /// A function type and its trampolines, as offsets in the text.
    SigRow {
        /// Parameter types, in `valtypes`.
        params: Span,
        /// Result types, in `valtypes`.
        results: Span,
        /// `extern "C" fn(code, vmctx, slots)`: calls `code` with the values in the slots, then stores the results there.
        entry: U32,
        /// Guest convention to `extern "C" fn(context, values…) -> result`, or `NONE` where the type has no such form.
        typed_hostcall: U32,
        /// Guest convention to `extern "C" fn(context, slots)`.
        untyped_hostcall: U32,
    }

    /// An import.
    ImportRow {
        /// Module name, in `strings`.
        module: Span,
        /// Item name, in `strings`.
        name: Span,
        /// Kind and type of the import.
        ty: ExternRow,
        /// For a function that this module can put into a private table: its trampoline's offset in the text, else `NONE`.
        thunk: U32,
    }

    /// The type of an import, or of a table, memory or global.
    ExternRow {
        /// An [`ItemKind`].
        kind: u8,
        /// Tables: the element's type. Globals: the content's type.
        val_type: u8,
        /// Globals: 1 when mutable.
        mutable: u8,
        /// Tables, memories: the type of the indices, an [`IndexType`].
        index_type: u8,
        /// Functions: the signature's index.
        sig: U32,
        /// Tables, memories: the minimum.
        min: U64,
        /// Tables, memories: the maximum, or `NONE_64`.
        max: U64,
    }

    /// A function with a body.
    FuncRow {
        /// Its signature's index.
        sig: U32,
        /// Offset of its code in the text, or of the stub that traps in its place. Rises from row to row.
        start: U32,
        /// Length of its code, 0 when it is not in this artifact: then a stub of at most [`STUB_LEN`] bytes is there, so that
        /// it can be called, exported and put into tables like every other.
        len: U32,
    }

    /// A table that the module defines.
    TableRow {
        /// Its type.
        ty: ExternRow,
        /// 0 private, 1 shared, 2 extern ([`crate::vmlayout::TableForm`]).
        form: u8,
        /// 1 when the table never changes: its image can be used where it lies.
        constant: u8,
        /// Unused, 0.
        pad: [u8; 2],
        /// Initial contents from element 0. Private: entries of 8 bytes in the `.wrun.tables` section, counted in entries.
        /// Shared: function indices (or `NONE`) in `elem_items`. The rest of the table is null.
        image: Span,
    }

    /// A memory that the module defines.
    MemoryRow {
        /// Its type.
        ty: ExternRow,
        /// Its initial contents, in `runs`.
        runs: Span,
    }

    /// A run of non-zero pages of a memory's initial contents.
    RunRow {
        /// Offset in the memory: a multiple of 4096.
        offset: U64,
        /// Offset in the artifact's file: a multiple of 4096.
        file_offset: U64,
        /// Length in bytes: a multiple of 4096.
        len: U64,
    }

    /// A global that the module defines.
    GlobalRow {
        /// Its type.
        ty: ExternRow,
        /// Its initial value, in `const_ops`.
        init: Span,
    }

    /// An instruction of a constant expression (spec 3.4.8.2), for a machine with a stack of slots.
    ConstOp {
        /// One of [`const_op`].
        op: u8,
        /// Unused, 0.
        pad: [u8; 7],
        /// The value (a null reference is 0), or the number.
        slot: [u8; 16],
    }

    /// An export. Sorted by name, bytewise.
    ExportRow {
        /// In `strings`.
        name: Span,
        /// An [`ItemKind`].
        kind: U32,
        /// In the kind's index space.
        index: U32,
    }

    /// An element segment.
    ElemRow {
        /// One of [`segment_mode`].
        mode: u8,
        /// 0: `items` are function indices in `elem_items`; 1: `items` are rows of `elem_exprs`.
        exprs: u8,
        /// Unused, 0.
        pad: [u8; 2],
        /// Active: the table.
        table: U32,
        /// Active: the offset, in `const_ops`.
        offset: Span,
        /// The elements.
        items: Span,
    }

    /// A data segment.
    DataRow {
        /// One of [`segment_mode`], not `DECLARED`.
        mode: u8,
        /// Unused, 0.
        pad: [u8; 3],
        /// Active: the memory.
        memory: U32,
        /// Active: the offset, in `const_ops`.
        offset: Span,
        /// Its bytes, in the `.wrun.data` section.
        start: U64,
        /// How many bytes.
        len: U64,
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $row:ty,)*) => {
        /// Contents of the info section.
        #[derive(Default, Debug)]
        pub struct InfoBuilder {
            /// Sizes of the index spaces.
            pub counts: Counts,
            /// The start function, in the function index space.
            pub start: Option<u32>,
            $($(#[$doc])* pub $name: Vec<$row>,)*
        }

        #[derive(Copy, Clone, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        struct Fixed {
            counts: [U32; 8],
            start: U32,
            $($name: Span,)*
        }

        /// An info section, read in place.
        #[derive(Copy, Clone)]
        pub struct Info<'a> {
            counts: Counts,
            start: Option<u32>,
            $($(#[$doc])* pub $name: &'a [$row],)*
        }

        impl InfoBuilder {
            /// The bytes of the section.
            ///
            /// # Panics
            /// When it would exceed 4 GiB: an artifact is kept below 2 GiB by the linker.
            pub fn encode(&self) -> Vec<u8> {
                let offset = |at: usize| U32::new(u32::try_from(at).expect("bounded by the linker"));
                let mut bytes = vec![0; size_of::<Fixed>()];
                let mut fixed = Fixed {
                    counts: counts_to_array(&self.counts).map(U32::new),
                    start: U32::new(self.start.unwrap_or(NONE)),
                    ..Fixed::default()
                };
                $(
                    fixed.$name = Span { start: offset(bytes.len()), len: offset(self.$name.len()) };
                    bytes.extend_from_slice(self.$name.as_slice().as_bytes());
                )*
                bytes[..size_of::<Fixed>()].copy_from_slice(fixed.as_bytes());
                bytes
            }
        }

        impl<'a> Info<'a> {
            /// Reads the section that begins at `bytes`: no work per row. `None` when a table lies outside of it.
            pub fn read(bytes: &'a [u8]) -> Option<Self> {
                let (fixed, _) = Fixed::ref_from_prefix(bytes).ok()?;
                Some(Self {
                    counts: counts_from_array(fixed.counts.map(U32::get)),
                    start: (fixed.start.get() != NONE).then_some(fixed.start.get()),
                    $($name: {
                        let tail = bytes.get(fixed.$name.start.get() as usize..)?;
                        <[$row]>::ref_from_prefix_with_elems(tail, fixed.$name.len.get() as usize).ok()?.0
                    },)*
                })
            }
        }
    };
}

tables! {
    /// Pool of value types.
    valtypes: u8,
    /// Pool of string bytes. Names are UTF-8, which parsing has checked.
    strings: u8,
    /// Distinct function types, by signature index.
    sigs: SigRow,
    /// Imports, in order.
    imports: ImportRow,
    /// Functions with a body, in index order; with rising, disjoint code ranges.
    funcs: FuncRow,
    /// Defined tables.
    tables: TableRow,
    /// Defined memories.
    memories: MemoryRow,
    /// Runs of pages of memories' initial contents.
    runs: RunRow,
    /// Defined globals.
    globals: GlobalRow,
    /// Pool of constant expressions.
    const_ops: ConstOp,
    /// Exports, sorted by name.
    exports: ExportRow,
    /// Element segments.
    elems: ElemRow,
    /// Pool of function indices, `NONE` for null.
    elem_items: U32,
    /// Pool of constant expressions that are elements: spans of `const_ops`.
    elem_exprs: Span,
    /// Data segments.
    data: DataRow,
    /// Signature index of each imported function.
    imported_func_sigs: U32,
    /// Offset in the text of each library call's trampoline, `NONE` for those that the module does not need.
    libcalls: U32,
}

fn counts_to_array(counts: &Counts) -> [u32; 8] {
    let Counts {
        imported_funcs,
        imported_tables,
        imported_memories,
        imported_globals,
        defined_tables,
        defined_memories,
        defined_globals,
        sigs,
    } = *counts;
    [
        imported_funcs,
        imported_tables,
        imported_memories,
        imported_globals,
        defined_tables,
        defined_memories,
        defined_globals,
        sigs,
    ]
}

fn counts_from_array(array: [u32; 8]) -> Counts {
    let [
        imported_funcs,
        imported_tables,
        imported_memories,
        imported_globals,
        defined_tables,
        defined_memories,
        defined_globals,
        sigs,
    ] = array;
    Counts {
        imported_funcs,
        imported_tables,
        imported_memories,
        imported_globals,
        defined_tables,
        defined_memories,
        defined_globals,
        sigs,
    }
}

impl Span {
    /// A span of `len` from `start`.
    ///
    /// # Panics
    /// When a number does not fit in 32 bits: parsing has bounded every count.
    pub fn new(start: usize, len: usize) -> Self {
        let number = |n: usize| U32::new(u32::try_from(n).expect("counts are bounded by parsing"));
        Self {
            start: number(start),
            len: number(len),
        }
    }

    /// The part of `pool` that this span names; empty when it lies outside.
    pub fn of<T>(self, pool: &[T]) -> &[T] {
        let start = self.start.get() as usize;
        pool.get(start..start + self.len.get() as usize).unwrap_or_default()
    }
}

impl InfoBuilder {
    /// Adds a string to the pool.
    pub fn string(&mut self, text: &str) -> Span {
        append(&mut self.strings, text.as_bytes())
    }

    /// Adds types to the pool.
    pub fn types(&mut self, types: &[ValType]) -> Span {
        append(
            &mut self.valtypes,
            &types.iter().map(|ty| ty.byte()).collect::<Vec<_>>(),
        )
    }
}

fn append<T: Clone>(pool: &mut Vec<T>, items: &[T]) -> Span {
    let start = pool.len();
    pool.extend_from_slice(items);
    Span::new(start, items.len())
}

impl ExternRow {
    /// The row for a function of this signature.
    pub fn func(sig: u32) -> Self {
        Self {
            kind: ItemKind::Func as u8,
            sig: U32::new(sig),
            ..Self::default()
        }
    }

    /// The row for a table type.
    pub fn table(ty: &TableType) -> Self {
        Self {
            kind: ItemKind::Table as u8,
            val_type: ty.element.byte(),
            index_type: ty.index as u8,
            min: U64::new(ty.min),
            max: U64::new(ty.max.unwrap_or(NONE_64)),
            ..Self::default()
        }
    }

    /// The row for a memory type.
    pub fn memory(ty: &MemoryType) -> Self {
        Self {
            kind: ItemKind::Memory as u8,
            index_type: ty.index as u8,
            min: U64::new(ty.min),
            max: U64::new(ty.max.unwrap_or(NONE_64)),
            ..Self::default()
        }
    }

    /// The row for a global type.
    pub fn global(ty: &GlobalType) -> Self {
        Self {
            kind: ItemKind::Global as u8,
            val_type: ty.content.byte(),
            mutable: u8::from(ty.mutable),
            ..Self::default()
        }
    }

    /// Kind of the thing with this type.
    pub fn kind(&self) -> Option<ItemKind> {
        ItemKind::from_number(self.kind.into())
    }

    fn max_64(&self) -> Option<u64> {
        (self.max.get() != NONE_64).then_some(self.max.get())
    }

    /// As a table type, if it is one.
    pub fn as_table(&self) -> Option<TableType> {
        Some(TableType {
            element: ValType::from_byte(self.val_type)
                .filter(|ty| self.kind() == Some(ItemKind::Table) && ty.is_ref())?,
            index: IndexType::from_u8(self.index_type)?,
            min: self.min.get(),
            max: self.max_64(),
        })
    }

    /// As a memory type, if it is one.
    pub fn as_memory(&self) -> Option<MemoryType> {
        Some(MemoryType {
            index: IndexType::from_u8(self.index_type).filter(|_| self.kind() == Some(ItemKind::Memory))?,
            min: self.min.get(),
            max: self.max_64(),
        })
    }

    /// As a global type, if it is one.
    pub fn as_global(&self) -> Option<GlobalType> {
        Some(GlobalType {
            content: ValType::from_byte(self.val_type).filter(|_| self.kind() == Some(ItemKind::Global))?,
            mutable: self.mutable == 1,
        })
    }
}

impl ExportRow {
    /// Kind and index of the export.
    pub fn kind(&self) -> Option<ItemKind> {
        ItemKind::from_number(self.kind.get())
    }
}

impl<'a> Info<'a> {
    /// Sizes of the index spaces.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The start function, in the function index space.
    pub fn start(&self) -> Option<u32> {
        self.start
    }

    /// A name.
    pub fn string(&self, span: Span) -> &'a str {
        core::str::from_utf8(span.of(self.strings)).unwrap_or_default()
    }

    /// A list of types of the pool.
    pub fn types(&self, span: Span) -> impl ExactSizeIterator<Item = ValType> + 'a {
        // A byte that is no type can only come from a damaged artifact; any type does then.
        span.of(self.valtypes)
            .iter()
            .map(|byte| ValType::from_byte(*byte).unwrap_or(ValType::I32))
    }

    /// The function type with this signature index.
    pub fn func_type(&self, sig: u32) -> Option<FuncType> {
        let row = self.sigs.get(sig as usize)?;
        Some(FuncType::new(
            self.types(row.params).collect::<Vec<_>>(),
            self.types(row.results).collect::<Vec<_>>(),
        ))
    }

    /// The signature index of a function, in the function index space.
    pub fn sig_of(&self, func: u32) -> Option<u32> {
        match func.checked_sub(self.counts.imported_funcs) {
            Some(defined) => Some(self.funcs.get(defined as usize)?.sig.get()),
            None => Some(self.imported_func_sigs.get(func as usize)?.get()),
        }
    }

    /// An import's or item's type.
    pub fn extern_type(&self, row: &ExternRow) -> Option<ExternType> {
        Some(match row.kind()? {
            ItemKind::Func => ExternType::Func(self.func_type(row.sig.get())?),
            ItemKind::Table => ExternType::Table(row.as_table()?),
            ItemKind::Memory => ExternType::Memory(row.as_memory()?),
            ItemKind::Global => ExternType::Global(row.as_global()?),
        })
    }

    /// The type of what is exported.
    pub fn export_type(&self, row: &ExportRow) -> Option<ExternType> {
        self.item_type(row.kind()?, row.index.get())
    }

    /// The type of the item with this index in the index space of its kind.
    pub fn item_type(&self, kind: ItemKind, index: u32) -> Option<ExternType> {
        if kind == ItemKind::Func {
            return self.func_type(self.sig_of(index)?).map(ExternType::Func);
        }
        let mut imported = self.imports.iter().filter(|row| row.ty.kind == kind as u8);
        let imports = imported.clone().count();
        let row = match (index as usize).checked_sub(imports) {
            None => &imported.nth(index as usize)?.ty,
            Some(defined) => match kind {
                // That was above.
                ItemKind::Func => return None,
                ItemKind::Table => &self.tables.get(defined)?.ty,
                ItemKind::Memory => &self.memories.get(defined)?.ty,
                ItemKind::Global => &self.globals.get(defined)?.ty,
            },
        };
        self.extern_type(row)
    }

    /// The export with this name, by binary search.
    pub fn export(&self, name: &str) -> Option<&'a ExportRow> {
        let exports = self.exports;
        let at = exports
            .binary_search_by(|row| row.name.of(self.strings).cmp(name.as_bytes()))
            .ok()?;
        exports.get(at)
    }

    /// The defined function whose code, or stub, holds this offset of the text, by binary search.
    pub fn func_at(&self, text_offset: u32) -> Option<u32> {
        let after = self.funcs.partition_point(|row| row.start.get() <= text_offset);
        let index = after.checked_sub(1)?;
        let row = &self.funcs[index];
        let len = match row.len.get() {
            0 => STUB_LEN,
            len => len,
        };
        (text_offset - row.start.get() < len).then(|| u32::try_from(index).expect("rows are bounded"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_reads_back() {
        let bytes = InfoBuilder::default().encode();
        let info = Info::read(&bytes).expect("whole");
        assert_eq!(info.start(), None);
        assert!(info.export("memory").is_none());
    }

    #[test]
    fn rows_strings_and_lookups_survive_the_round_trip() {
        let mut builder = InfoBuilder::default();
        builder.counts.imported_funcs = 1;
        builder.start = Some(1);
        let params = builder.types(&[ValType::I32, ValType::F64]);
        builder.sigs.push(SigRow {
            params,
            ..SigRow::default()
        });
        builder.imported_func_sigs.push(U32::new(0));
        for (start, len) in [(0, 32), (32, 0), (64, 16)] {
            builder.funcs.push(FuncRow {
                sig: U32::new(0),
                start: U32::new(start),
                len: U32::new(len),
            });
        }
        for name in ["a", "memory"] {
            let name = builder.string(name);
            builder.exports.push(ExportRow {
                name,
                kind: U32::new(0),
                index: U32::new(2),
            });
        }
        let bytes = builder.encode();
        let info = Info::read(&bytes).expect("whole");
        assert_eq!(info.start(), Some(1));
        assert_eq!(info.func_type(0).expect("there").params(), [ValType::I32, ValType::F64]);
        assert_eq!(info.string(info.export("memory").expect("there").name), "memory");
        assert!(info.export("b").is_none());
        assert_eq!(info.sig_of(0), Some(0));
        assert_eq!(info.sig_of(4), None);
        assert_eq!(
            [0, 31, 32, 63, 64, 79].map(|at| info.func_at(at)),
            [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)]
        );
        assert_eq!(info.func_at(80), None);
    }

    #[test]
    fn a_truncated_section_is_refused() {
        let mut builder = InfoBuilder::default();
        builder.string("name");
        let bytes = builder.encode();
        for len in 0..bytes.len() {
            assert!(Info::read(&bytes[..len]).is_none(), "cut at {len}");
        }
    }
}
