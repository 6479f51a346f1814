//! Offsets of the fields that depend on the module.
//!
//! Input: the sizes of the index spaces. Output: offsets. Must not hold: the fields of definitions and entries.

use super::{POINTER, SLOT, TAG_SIZE, func_import, memory, table, vmctx};
use crate::config::{Config, MemoryMode};
use crate::index::{
    DefinedGlobalIndex, DefinedMemoryIndex, DefinedTableIndex, FuncIndex, GlobalIndex, Index, MemoryIndex, SigIndex,
    TableIndex, TagIndex,
};

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
    /// Imported tags.
    pub imported_tags: u32,
    /// Tables that the module defines.
    pub defined_tables: u32,
    /// Memories that the module defines.
    pub defined_memories: u32,
    /// Globals that the module defines.
    pub defined_globals: u32,
    /// Tags that the module defines.
    pub defined_tags: u32,
    /// Distinct function types.
    pub sigs: u32,
}

/// Number of fields of [`Counts`].
pub const COUNTS: usize = 10;

impl Counts {
    /// Returns the numbers in the order in which artifacts hold them.
    pub fn to_array(mut self) -> [u32; COUNTS] {
        self.fields_mut().map(|field| *field)
    }

    /// Makes the counts from these numbers.
    pub fn from_array(array: [u32; COUNTS]) -> Self {
        let mut counts = Self::default();
        for (field, number) in counts.fields_mut().into_iter().zip(array) {
            *field = number;
        }
        counts
    }

    fn fields_mut(&mut self) -> [&mut u32; COUNTS] {
        let Self {
            imported_funcs,
            imported_tables,
            imported_memories,
            imported_globals,
            imported_tags,
            defined_tables,
            defined_memories,
            defined_globals,
            defined_tags,
            sigs,
        } = self;
        [
            imported_funcs,
            imported_tables,
            imported_memories,
            imported_globals,
            imported_tags,
            defined_tables,
            defined_memories,
            defined_globals,
            defined_tags,
            sigs,
        ]
    }
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
    tags: i32,
    sigs: i32,
    size: u32,
}

impl VMLayout {
    /// Computes the layout of a module with these counts. Returns `None` if it would exceed 1 GiB.
    pub fn new(counts: Counts, config: &Config) -> Option<Self> {
        let mut at: i64 = i64::from(vmctx::FIXED_END);
        let mut take = |count: u32, size: i32, align: i64| {
            at -= i64::from(count) * i64::from(size);
            at &= -align;
            at
        };
        // The fields that are used most often come first, because they get the short encoding of their offset.
        let memories = take(counts.defined_memories, memory::SIZE, 16);
        let globals = take(counts.defined_globals, SLOT, 16);
        let tables = take(counts.defined_tables, table::SIZE, 16);
        let imported_memories = take(counts.imported_memories, POINTER, 8);
        let imported_tables = take(counts.imported_tables, POINTER, 8);
        let imported_globals = take(counts.imported_globals, POINTER, 8);
        let imported_funcs = take(counts.imported_funcs, func_import::SIZE, 16);
        let tags = take(counts.imported_tags.checked_add(counts.defined_tags)?, TAG_SIZE, 16);
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
            tags: fit(tags)?,
            sigs: fit(sigs)?,
            size: fit(sigs)?.unsigned_abs(),
        })
    }

    /// Returns the counts from which this layout was computed.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns the number of bytes of context below the vmctx, a multiple of 16.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Returns true if memory 0 begins at the vmctx (see [`super`]).
    pub const fn memory_at_vmctx(&self) -> bool {
        self.memory_at_vmctx
    }

    /// Returns the offset of the definition ([`memory`]) of a memory of this module.
    pub fn defined_memory(&self, index: DefinedMemoryIndex) -> i32 {
        self.array(self.memories, index, self.counts.defined_memories, memory::SIZE)
    }

    /// Returns the offset of the value of a global of this module: a slot of 16 bytes.
    pub fn defined_global(&self, index: DefinedGlobalIndex) -> i32 {
        // The offsets go downwards, so that the first global (a C stack pointer) is nearest.
        let last = self.counts.defined_globals - 1 - index.as_u32();
        self.array(
            self.globals,
            DefinedGlobalIndex::from_u32(last),
            self.counts.defined_globals,
            SLOT,
        )
    }

    /// Returns the offset of the definition ([`table`]) of a table of this module.
    pub fn defined_table(&self, index: DefinedTableIndex) -> i32 {
        self.array(self.tables, index, self.counts.defined_tables, table::SIZE)
    }

    /// Returns the offset of the pointer to the definition of an imported memory.
    pub fn imported_memory(&self, index: MemoryIndex) -> i32 {
        self.array(self.imported_memories, index, self.counts.imported_memories, POINTER)
    }

    /// Returns the offset of the pointer to the definition of an imported table.
    pub fn imported_table(&self, index: TableIndex) -> i32 {
        self.array(self.imported_tables, index, self.counts.imported_tables, POINTER)
    }

    /// Returns the offset of the pointer to the value of an imported global.
    pub fn imported_global(&self, index: GlobalIndex) -> i32 {
        self.array(self.imported_globals, index, self.counts.imported_globals, POINTER)
    }

    /// Returns the offset of an imported function ([`func_import`]).
    pub fn imported_func(&self, index: FuncIndex) -> i32 {
        self.array(
            self.imported_funcs,
            index,
            self.counts.imported_funcs,
            func_import::SIZE,
        )
    }

    /// Returns the offset of the number (`u64`) of a tag in the store. The tag is imported or defined. The number is never 0.
    pub fn tag(&self, index: TagIndex) -> i32 {
        let count = self.counts.imported_tags + self.counts.defined_tags;
        self.array(self.tags, index, count, TAG_SIZE)
    }

    /// Returns the offset of the engine's id (`u32`) of a signature of this module.
    pub fn sig(&self, index: SigIndex) -> i32 {
        self.array(self.sigs, index, self.counts.sigs, 4)
    }

    /// Returns the defined memory with this index, or `None` for an imported one.
    pub fn memory_is_defined(&self, index: MemoryIndex) -> Option<DefinedMemoryIndex> {
        defined(index, self.counts.imported_memories)
    }

    /// Returns the defined table with this index, or `None` for an imported one.
    pub fn table_is_defined(&self, index: TableIndex) -> Option<DefinedTableIndex> {
        defined(index, self.counts.imported_tables)
    }

    /// Returns the defined global with this index, or `None` for an imported one.
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

/// Returns the index among the defined items of `index`. `imported` items come before them.
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
            imported_tags: 1,
            defined_tags: 2,
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
        used.extend((0..3).map(|i| (layout.tag(TagIndex::new(i)), TAG_SIZE)));
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
