//! Every offset that compiled code knows, once.
//!
//! Compiled code gets one pointer, the *vmctx*. The instance's context lies **below** it, so all offsets into it are
//! negative; where the module defines memory 0 and memories are guarded, the memory begins **at** it, so that an access
//! is `[vmctx + index + offset]` and no base is loaded:
//!
//! ```text
//!        imported things …  tables  globals  memories  fixed fields │ memory 0 (guarded, defined) …
//!        ◀───────────── VMLayout::size() bytes ─────────────────────┤
//!                                                                 vmctx
//! ```
//!
//! The structures of the run side are pinned to the constants here by tests in `wrun-runtime`.

use crate::config::{Config, MemoryMode};
use crate::index::{
    DefinedGlobalIndex, DefinedMemoryIndex, DefinedTableIndex, FuncIndex, GlobalIndex, Index, MemoryIndex, SigIndex,
    TableIndex,
};
use crate::types::ValType;

/// Size of a pointer in bytes.
pub const POINTER: i32 = 8;

/// Size of a slot of the raw call interface: a value in little-endian order, unused bytes zero. Aligned to its size.
pub const SLOT: i32 = 16;

/// Fixed fields, relative to the vmctx.
pub mod vmctx {
    /// `*mut VMStore`.
    pub const STORE: i32 = -8;
    /// `*const [*const u8]`: the addresses of the library calls, in the order of [`super::Libcall`].
    pub const LIBCALLS: i32 = -16;
    /// The runtime's data about the instance; opaque to compiled code.
    pub const INSTANCE: i32 = -24;
    /// Free for the runtime.
    pub const RESERVED: i32 = -32;
    /// Offset of the first field that depends on the module; the fields grow downwards.
    pub const FIXED_END: i32 = -32;
}

/// `VMStore`: what running code shares with the runtime, one per store.
pub mod store {
    /// The frame pointer of the trampoline through which the guest last left for the host: at it lies the guest's frame
    /// pointer, 8 above it the return address into the guest.
    pub const EXIT_FP: i32 = 0;
    /// The lowest stack pointer with which the guest may leave for the host: below, the host has too little stack.
    pub const STACK_LIMIT: i32 = 8;
}

/// `VMHostContext`: what stands in the place of the vmctx for a host function.
pub mod host_context {
    /// The address of the host's function: typed or untyped, as the trampoline that calls it expects.
    pub const FUNC: i32 = 0;
    /// `*mut VMStore`.
    pub const STORE: i32 = 8;
}

/// `VMFuncRef`: what a `funcref` value points to; null is 0.
pub mod func_ref {
    /// Address of the function's code, in the guest's calling convention.
    pub const CODE: i32 = 0;
    /// The context it is called with: a vmctx or a host context.
    pub const VMCTX: i32 = 8;
    /// Its type's id (`u32`), unique in the engine, never 0.
    pub const SIG: i32 = 16;
    /// Size in bytes.
    pub const SIZE: i32 = 24;
}

/// An imported function as the vmctx holds it.
pub mod func_import {
    /// Address of the function's code, in the guest's calling convention.
    pub const CODE: i32 = 0;
    /// The context it is called with.
    pub const VMCTX: i32 = 8;
    /// Size in bytes.
    pub const SIZE: i32 = 16;
}

/// `VMMemoryDefinition`.
pub mod memory {
    /// Address of the first byte.
    pub const BASE: i32 = 0;
    /// Current length in bytes (`u64`).
    pub const LENGTH: i32 = 8;
    /// Size in bytes.
    pub const SIZE: i32 = 16;
}

/// `VMTableDefinition`.
pub mod table {
    /// Address of the first entry.
    pub const BASE: i32 = 0;
    /// Current length in entries (`u64`).
    pub const LENGTH: i32 = 8;
    /// Size in bytes.
    pub const SIZE: i32 = 16;
}

/// An entry of a private table of functions: no function of another instance can enter it.
pub mod private_entry {
    /// `u32`: 0 for null, else the module's own signature index plus 1.
    pub const SIG: i32 = 0;
    /// `u32`: where the function's code begins, counted from the beginning of the text.
    pub const OFFSET: i32 = 4;
    /// Size in bytes.
    pub const SIZE: i32 = 8;
}

/// An entry of a shared table of functions. All zero: null, or not filled yet from the table's initial contents.
pub mod shared_entry {
    /// Address of the function's code.
    pub const CODE: i32 = 0;
    /// The context it is called with.
    pub const VMCTX: i32 = 8;
    /// `u32`: the id of its type in the engine, 0 for null or not filled.
    pub const SIG: i32 = 16;
    /// The `funcref` itself: 0 not filled, 1 written with null, else the reference.
    pub const REFERENCE: i32 = 24;
    /// Size in bytes.
    pub const SIZE: i32 = 32;
    /// The value of `REFERENCE` of an entry that was written with null.
    pub const WRITTEN_NULL: i64 = 1;
}

/// Size of an entry of a table of `externref`: the reference itself, 0 for null.
pub const EXTERN_ENTRY_SIZE: i32 = 8;

/// How the entries of a table look.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TableForm {
    /// [`private_entry`].
    Private = 0,
    /// [`shared_entry`].
    Shared = 1,
    /// References to things of the host, 8 bytes each.
    Extern = 2,
}

impl TableForm {
    /// The form that a number in [`crate::info::TableRow`] stands for.
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Private),
            1 => Some(Self::Shared),
            2 => Some(Self::Extern),
            _ => None,
        }
    }

    /// Size of an entry in bytes.
    pub const fn entry_size(self) -> i32 {
        match self {
            Self::Private => private_entry::SIZE,
            Self::Shared => shared_entry::SIZE,
            Self::Extern => EXTERN_ENTRY_SIZE,
        }
    }
}

macro_rules! libcalls {
    ($($(#[$doc:meta])* $name:ident = $number:literal ($($param:ident),*) $(-> $result:ident)?;)*) => {
        /// A helper of the runtime that compiled code calls. Each is called through a trampoline of its own in the text,
        /// in the guest's convention, as `(vmctx, parameters…)`; the trampoline calls the runtime in the platform's
        /// convention with the same values. A helper that traps does not return.
        #[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Libcall {
            $($(#[$doc])* $name = $number,)*
        }

        impl Libcall {
            /// Every library call, in the order of the table that the vmctx points to.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The types of the parameters after the vmctx, and of the result.
            pub const fn signature(self) -> (&'static [ValType], Option<ValType>) {
                match self {
                    $(Self::$name => (&[$(ValType::$param),*], result_type!($($result)?)),)*
                }
            }

            /// The name, as symbols show it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

macro_rules! result_type {
    () => {
        None
    };
    ($result:ident) => {
        Some(ValType::$result)
    };
}

libcalls! {
    /// (memory, delta in pages) → old size in pages, or -1.
    MemoryGrow = 0 (I32, I64) -> I64;
    /// (memory, destination, byte, length).
    MemoryFill = 1 (I32, I64, I32, I64);
    /// (destination memory, source memory, destination, source, length).
    MemoryCopy = 2 (I32, I32, I64, I64, I64);
    /// (memory, data segment, destination, source, length).
    MemoryInit = 3 (I32, I32, I64, I32, I32);
    /// (data segment).
    DataDrop = 4 (I32);
    /// (table, delta, reference) → old size, or -1.
    TableGrow = 5 (I32, I32, I64) -> I32;
    /// (table, destination, reference, length).
    TableFill = 6 (I32, I32, I64, I32);
    /// (destination table, source table, destination, source, length).
    TableCopy = 7 (I32, I32, I32, I32, I32);
    /// (table, element segment, destination, source, length).
    TableInit = 8 (I32, I32, I32, I32, I32);
    /// (element segment).
    ElemDrop = 9 (I32);
    /// (table, index) → reference. For tables of functions; checks the index.
    TableGet = 10 (I32, I32) -> I64;
    /// (table, index, reference). For shared tables; checks the index.
    TableSet = 11 (I32, I32, I64);
    /// (function) → reference.
    RefFunc = 12 (I32) -> I64;
    /// (table, index, signature) → address of the filled entry, whose type is the one asked for. Called when the type of a
    /// shared table's entry is not the expected one; traps unless the entry only had to be filled. The index is in bounds.
    ResolveIndirect = 13 (I32, I32, I32) -> I64;
}

impl Libcall {
    /// Offset of its address in the table that the vmctx points to.
    pub const fn offset(self) -> i32 {
        self as i32 * POINTER
    }
}

/// The numbers that a module's layout depends on.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Imported functions.
    pub imported_funcs: u32,
    /// Imported tables.
    pub imported_tables: u32,
    /// Imported memories.
    pub imported_memories: u32,
    /// Imported globals.
    pub imported_globals: u32,
    /// Tables that the module defines.
    pub defined_tables: u32,
    /// Memories that the module defines.
    pub defined_memories: u32,
    /// Globals that the module defines.
    pub defined_globals: u32,
    /// Distinct function types.
    pub sigs: u32,
}

/// Offsets of the fields of one module, relative to the vmctx.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VMLayout {
    counts: Counts,
    memory_at_vmctx: bool,
    memories: i32,
    globals: i32,
    tables: i32,
    imported_memories: i32,
    imported_tables: i32,
    imported_globals: i32,
    imported_funcs: i32,
    sigs: i32,
    size: u32,
}

impl VMLayout {
    /// The layout of a module with these counts. `None` where it would exceed 1 GiB.
    pub fn new(counts: Counts, config: &Config) -> Option<Self> {
        let mut at: i64 = i64::from(vmctx::FIXED_END);
        let mut take = |count: u32, size: i32, align: i64| {
            at -= i64::from(count) * i64::from(size);
            at &= -align;
            at
        };
        // Those used most often come first: they get the short encoding of their offset.
        let memories = take(counts.defined_memories, memory::SIZE, 16);
        let globals = take(counts.defined_globals, SLOT, 16);
        let tables = take(counts.defined_tables, table::SIZE, 16);
        let imported_memories = take(counts.imported_memories, POINTER, 8);
        let imported_tables = take(counts.imported_tables, POINTER, 8);
        let imported_globals = take(counts.imported_globals, POINTER, 8);
        let imported_funcs = take(counts.imported_funcs, func_import::SIZE, 16);
        let sigs = take(counts.sigs, 4, 16);
        let fit = |at: i64| i32::try_from(at).ok().filter(|at| *at >= -(1 << 30));
        Some(Self {
            counts,
            memory_at_vmctx: config.memory == MemoryMode::Guarded
                && counts.imported_memories == 0
                && counts.defined_memories > 0,
            memories: fit(memories)?,
            globals: fit(globals)?,
            tables: fit(tables)?,
            imported_memories: fit(imported_memories)?,
            imported_tables: fit(imported_tables)?,
            imported_globals: fit(imported_globals)?,
            imported_funcs: fit(imported_funcs)?,
            sigs: fit(sigs)?,
            size: fit(sigs)?.unsigned_abs(),
        })
    }

    /// The numbers that this layout was made of.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Bytes of context below the vmctx; a multiple of 16.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Returns true if memory 0 begins at the vmctx (see the module's documentation).
    pub const fn memory_at_vmctx(&self) -> bool {
        self.memory_at_vmctx
    }

    /// The definition ([`memory`]) of a memory of this module.
    pub fn defined_memory(&self, index: DefinedMemoryIndex) -> i32 {
        self.array(self.memories, index, self.counts.defined_memories, memory::SIZE)
    }

    /// The value of a global of this module: a slot of 16 bytes.
    pub fn defined_global(&self, index: DefinedGlobalIndex) -> i32 {
        // Downwards, so that the first one (a C stack pointer) is nearest.
        let last = self.counts.defined_globals - 1 - index.as_u32();
        self.array(
            self.globals,
            DefinedGlobalIndex::from_u32(last),
            self.counts.defined_globals,
            SLOT,
        )
    }

    /// The definition ([`table`]) of a table of this module.
    pub fn defined_table(&self, index: DefinedTableIndex) -> i32 {
        self.array(self.tables, index, self.counts.defined_tables, table::SIZE)
    }

    /// The pointer to the definition of an imported memory.
    pub fn imported_memory(&self, index: MemoryIndex) -> i32 {
        self.array(self.imported_memories, index, self.counts.imported_memories, POINTER)
    }

    /// The pointer to the definition of an imported table.
    pub fn imported_table(&self, index: TableIndex) -> i32 {
        self.array(self.imported_tables, index, self.counts.imported_tables, POINTER)
    }

    /// The pointer to the value of an imported global.
    pub fn imported_global(&self, index: GlobalIndex) -> i32 {
        self.array(self.imported_globals, index, self.counts.imported_globals, POINTER)
    }

    /// An imported function ([`func_import`]).
    pub fn imported_func(&self, index: FuncIndex) -> i32 {
        self.array(
            self.imported_funcs,
            index,
            self.counts.imported_funcs,
            func_import::SIZE,
        )
    }

    /// The id (`u32`) that a signature of this module has in the engine.
    pub fn sig(&self, index: SigIndex) -> i32 {
        self.array(self.sigs, index, self.counts.sigs, 4)
    }

    /// The defined memory with this index, or `None` for an imported one.
    pub fn memory_is_defined(&self, index: MemoryIndex) -> Option<DefinedMemoryIndex> {
        defined(index, self.counts.imported_memories)
    }

    /// The defined table with this index, or `None` for an imported one.
    pub fn table_is_defined(&self, index: TableIndex) -> Option<DefinedTableIndex> {
        defined(index, self.counts.imported_tables)
    }

    /// The defined global with this index, or `None` for an imported one.
    pub fn global_is_defined(&self, index: GlobalIndex) -> Option<DefinedGlobalIndex> {
        defined(index, self.counts.imported_globals)
    }

    fn array(&self, base: i32, index: impl Index, count: u32, size: i32) -> i32 {
        assert!(
            index.index() < count as usize,
            "index out of range: checked by validation"
        );
        base + i32::try_from(index.index()).expect("bounded by `new`") * size
    }
}

/// The index among the defined items of `index`, when `imported` items come before them.
pub fn defined<D: Index>(index: impl Index, imported: u32) -> Option<D> {
    index.index().checked_sub(imported as usize).map(D::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_and_everything_is_aligned() {
        let counts = Counts {
            imported_funcs: 3,
            imported_tables: 1,
            imported_memories: 1,
            imported_globals: 3,
            defined_tables: 2,
            defined_memories: 1,
            defined_globals: 5,
            sigs: 7,
        };
        let layout = VMLayout::new(counts, &Config::native()).expect("small");
        let mut used: Vec<(i32, i32)> = vec![(vmctx::RESERVED, 32)];
        used.push((layout.defined_memory(DefinedMemoryIndex::new(0)), memory::SIZE));
        used.extend((0..5).map(|i| (layout.defined_global(DefinedGlobalIndex::new(i)), SLOT)));
        used.extend((0..2).map(|i| (layout.defined_table(DefinedTableIndex::new(i)), table::SIZE)));
        used.push((layout.imported_memory(MemoryIndex::new(0)), POINTER));
        used.push((layout.imported_table(TableIndex::new(0)), POINTER));
        used.extend((0..3).map(|i| (layout.imported_global(GlobalIndex::new(i)), POINTER)));
        used.extend((0..3).map(|i| (layout.imported_func(FuncIndex::new(i)), func_import::SIZE)));
        used.extend((0..7).map(|i| (layout.sig(SigIndex::new(i)), 4)));
        used.sort_unstable();
        for pair in used.windows(2) {
            assert!(pair[0].0 + pair[0].1 <= pair[1].0, "{pair:?} overlap");
        }
        for (at, size) in &used {
            assert_eq!(at % (*size).min(16), 0, "{at} is not aligned");
        }
        assert!(used[0].0 >= -i32::try_from(layout.size()).unwrap());
        assert!(!layout.memory_at_vmctx());
    }

    #[test]
    fn a_guarded_memory_of_its_own_begins_at_the_vmctx() {
        let counts = Counts {
            defined_memories: 1,
            ..Counts::default()
        };
        let guarded = Config::native();
        let checked = Config {
            memory: MemoryMode::Checked,
            ..Config::native()
        };
        assert!(VMLayout::new(counts, &guarded).expect("small").memory_at_vmctx());
        assert!(!VMLayout::new(counts, &checked).expect("small").memory_at_vmctx());
    }

    #[test]
    fn a_layout_that_is_too_large_is_refused() {
        let counts = Counts {
            defined_globals: u32::MAX,
            ..Counts::default()
        };
        assert_eq!(VMLayout::new(counts, &Config::native()), None);
    }
}
