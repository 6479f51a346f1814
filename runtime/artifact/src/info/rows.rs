//! The rows of the info section: fixed layout, little-endian, unaligned.
//!
//! Input: types and spans. Output: rows, and types from rows. Must not hold: lookups (`lookup`).

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::types::{GlobalType, IndexType, MemoryType, PageSize, TableType, ValType};

/// Means "none" where a number is optional.
pub const NONE: u32 = u32::MAX;

/// Largest length in bytes of the stub of a function that is not in the artifact.
pub const STUB_LEN: u32 = 32;

/// Modes of segments, in [`ElemRow`] and [`DataRow`].
pub mod segment_mode {
    /// Copied at instantiation, and then dropped.
    pub const ACTIVE: u8 = 0;
    /// Used by `table.init` and `memory.init`.
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

/// Kind of an import or export. [`ExternRow`] and [`ExportRow`] hold its number, which is that of the binary format (spec 5.5.5).
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
    /// A tag.
    Tag = 4,
}

impl ItemKind {
    /// Returns the kind with this number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Func),
            1 => Some(Self::Table),
            2 => Some(Self::Memory),
            3 => Some(Self::Global),
            4 => Some(Self::Tag),
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
        /// Index of the first one.
        start: U32,
        /// Number of rows or bytes.
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
        /// Trampoline from the guest's convention to `extern "C" fn(context, values…) -> result`. `NONE` if the type cannot be
        /// passed this way.
        typed_hostcall: U32,
        /// Trampoline from the guest's convention to `extern "C" fn(context, slots)`.
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
        /// Offset in the text of the trampoline of a function that this module can put into a private table, else `NONE`.
        thunk: U32,
    }

    /// The type of an import, or of a table, memory or global.
    ExternRow {
        /// An [`ItemKind`].
        kind: u8,
        /// Globals: 1 if mutable.
        mutable: u8,
        /// Tables, memories: the type of the indices, an [`IndexType`].
        index_type: u8,
        /// Memories: the binary logarithm of the page size, a [`PageSize`].
        page_size: u8,
        /// Tables, memories: 1 if the maximum is declared.
        has_max: u8,
        /// Unused, 0.
        pad: [u8; 3],
        /// Tables: the code of the element type. Globals: the code of the content type.
        val_type: U32,
        /// Functions, tags: the index of the signature.
        sig: U32,
        /// Tables, memories: the minimum.
        min: U64,
        /// Tables, memories: the maximum, if it is declared, else 0.
        max: U64,
    }

    /// A function with a body.
    FuncRow {
        /// Index of the signature.
        sig: U32,
        /// Offset in the text of the code, or of the stub that traps in its place. Rises from row to row.
        start: U32,
        /// Length of the code. 0 if the function is not in this artifact. A stub of at most [`STUB_LEN`] bytes takes its place,
        /// so the function can be called, exported and put into tables like any other.
        len: U32,
    }

    /// A table that the module defines.
    TableRow {
        /// Type of the table.
        ty: ExternRow,
        /// 0 private, 1 shared, 2 extern ([`crate::vmlayout::TableForm`]).
        form: u8,
        /// 1 if the table never changes, so that its image can be used in place.
        constant: u8,
        /// Unused, 0.
        pad: [u8; 2],
        /// Value that fills the table at first, in `const_ops`. Empty for null.
        init: Span,
        /// Initial contents from element 0. Private: entries of 8 bytes in the `.wrun.tables` section, counted in entries.
        /// Shared: function indices (or `NONE`) in `elem_items`. The rest of the table is null.
        image: Span,
    }

    /// A memory that the module defines.
    MemoryRow {
        /// Type of the memory.
        ty: ExternRow,
        /// Initial contents, in `runs`.
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
        /// Type of the global.
        ty: ExternRow,
        /// Initial value, in `const_ops`.
        init: Span,
    }

    /// A tag that the module defines.
    TagRow {
        /// Index of the signature. Its parameters are the payload.
        sig: U32,
        /// Name in `strings`, from the name section, or else from an export. Empty if there is none.
        name: Span,
    }

    /// An instruction of a constant expression (spec 3.4.8.2). A stack of slots evaluates them.
    ConstOp {
        /// One of [`const_op`].
        op: u8,
        /// Unused, 0.
        pad: [u8; 7],
        /// The value (0 for a null reference), or the number.
        slot: [u8; 16],
    }

    /// An export. Sorted by name, bytewise.
    ExportRow {
        /// Name, in `strings`.
        name: Span,
        /// An [`ItemKind`].
        kind: U32,
        /// Index in the kind's index space.
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
        /// Offset of the bytes in the `.wrun.data` section.
        start: U64,
        /// Number of bytes.
        len: U64,
    }
}

impl Span {
    /// Makes a span of `len` from `start`.
    ///
    /// # Panics
    /// Panics if a number does not fit in 32 bits. Parsing has bounded every count.
    pub fn new(start: usize, len: usize) -> Self {
        let number = |n: usize| U32::new(u32::try_from(n).expect("counts are bounded by parsing"));
        Self {
            start: number(start),
            len: number(len),
        }
    }

    /// Returns this span's part of `pool`. It is empty if the span lies outside.
    pub fn of<T>(self, pool: &[T]) -> &[T] {
        let start = self.start.get() as usize;
        pool.get(start..start + self.len.get() as usize).unwrap_or_default()
    }
}

impl ExternRow {
    /// Makes the row for a function of this signature.
    pub fn func(sig: u32) -> Self {
        Self {
            kind: ItemKind::Func as u8,
            sig: U32::new(sig),
            ..Self::default()
        }
    }

    /// Makes the row for a tag of this signature.
    pub fn tag(sig: u32) -> Self {
        Self {
            kind: ItemKind::Tag as u8,
            sig: U32::new(sig),
            ..Self::default()
        }
    }

    /// Makes the row for a table type.
    pub fn table(ty: &TableType) -> Self {
        Self {
            kind: ItemKind::Table as u8,
            val_type: U32::new(ty.element.code()),
            index_type: ty.index as u8,
            min: U64::new(ty.min),
            has_max: u8::from(ty.max.is_some()),
            max: U64::new(ty.max.unwrap_or_default()),
            ..Self::default()
        }
    }

    /// Makes the row for a memory type.
    pub fn memory(ty: &MemoryType) -> Self {
        Self {
            kind: ItemKind::Memory as u8,
            index_type: ty.index as u8,
            page_size: ty.page.log2(),
            min: U64::new(ty.min),
            has_max: u8::from(ty.max.is_some()),
            max: U64::new(ty.max.unwrap_or_default()),
            ..Self::default()
        }
    }

    /// Makes the row for a global type.
    pub fn global(ty: &GlobalType) -> Self {
        Self {
            kind: ItemKind::Global as u8,
            val_type: U32::new(ty.content.code()),
            mutable: u8::from(ty.mutable),
            ..Self::default()
        }
    }

    /// Returns the kind of items with this type.
    pub fn kind(&self) -> Option<ItemKind> {
        ItemKind::from_number(self.kind.into())
    }

    fn max_64(&self) -> Option<u64> {
        (self.has_max == 1).then_some(self.max.get())
    }

    /// Returns the table type, if this is one.
    pub fn as_table(&self) -> Option<TableType> {
        Some(TableType {
            element: ValType::from_code(self.val_type.get())
                .filter(|ty| self.kind() == Some(ItemKind::Table) && ty.is_ref())?,
            index: IndexType::from_u8(self.index_type)?,
            min: self.min.get(),
            max: self.max_64(),
        })
    }

    /// Returns the memory type, if this is one.
    pub fn as_memory(&self) -> Option<MemoryType> {
        Some(MemoryType {
            index: IndexType::from_u8(self.index_type).filter(|_| self.kind() == Some(ItemKind::Memory))?,
            page: PageSize::from_log2(self.page_size)?,
            min: self.min.get(),
            max: self.max_64(),
        })
    }

    /// Returns the global type, if this is one.
    pub fn as_global(&self) -> Option<GlobalType> {
        Some(GlobalType {
            content: ValType::from_code(self.val_type.get()).filter(|_| self.kind() == Some(ItemKind::Global))?,
            mutable: self.mutable == 1,
        })
    }
}

impl ExportRow {
    /// Returns the kind of the exported item.
    pub fn kind(&self) -> Option<ItemKind> {
        ItemKind::from_number(self.kind.get())
    }
}
