//! How translated code reaches its instance: fields of the vmctx, and the flags that each kind of access carries.
//!
//! Every access has an alias region, without exception: an access without one is a barrier for the others in one place of
//! the code generator and no barrier in another, so a mixture is miscompiled. Things that this module defines have a region
//! each, exported or not: an import cannot be one of the importing instance's own things, and other instances only run
//! during calls, which are barriers. All imported things of one kind share a region, since two imports may be the same.

use std::borrow::Cow;
use std::collections::HashMap;

use cranelift_codegen::ir::{AliasRegion, AliasRegionData, InstBuilder, MemFlagsData, Value};
use wrun_artifact::index::{GlobalIndex, MemoryIndex, SigIndex, TableIndex};

use super::Translator;
use super::abi::POINTER;

/// Things that do not change within a function and are needed often.
#[derive(Default)]
pub(super) struct Known {
    /// The flags of an access to memory 0.
    pub(super) memory_flags: Option<MemFlagsData>,
    /// For tables that were asked about: the type that all their elements have.
    pub(super) only_sigs: HashMap<TableIndex, Option<SigIndex>>,
    /// True if the stack slots of references have their alias region.
    pub(super) stack_slots_named: bool,
}

/// A part of memory that no other part overlaps.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Region {
    /// Fields of the vmctx that are written once, before any of the instance's code runs: imports, ids of signatures.
    Fixed,
    /// Base and length of a memory.
    MemoryDefinition(MemoryIndex),
    /// The bytes of a memory.
    Memory(MemoryIndex),
    /// Base and length of a table.
    TableDefinition(TableIndex),
    /// The entries of a table.
    Table(TableIndex),
    /// The value of a global.
    Global(GlobalIndex),
    /// The stack slots in which references to host objects lie during calls.
    StackSlots,
}

impl Region {
    /// Its number (distinct over all functions of a module) and a word for readers of the IR. `defined` is the thing's
    /// number among those that the module defines, `None` if it is imported.
    pub(super) fn id(self, defined: Option<u32>) -> (u32, &'static str) {
        /// There can be more globals than a function can have kinds of flags (65,535): those after this one share.
        const LAST: u32 = 8191;
        let (kind, name) = match self {
            Self::Fixed => (0, "vmctx"),
            Self::MemoryDefinition(_) => (1, "memory definition"),
            Self::Memory(_) => (2, "memory"),
            Self::TableDefinition(_) => (3, "table definition"),
            Self::Table(_) => (4, "table"),
            Self::Global(_) => (5, "global"),
            Self::StackSlots => (6, "stack slot"),
        };
        (kind << 16 | defined.map_or(0, |number| number.min(LAST) + 1), name)
    }
}

impl Translator<'_> {
    /// The alias region of `region` in this function.
    pub(super) fn alias_region(&mut self, region: Region) -> AliasRegion {
        let layout = self.env.layout;
        let (user_id, name) = region.id(match region {
            Region::Fixed | Region::StackSlots => None,
            Region::MemoryDefinition(memory) | Region::Memory(memory) => {
                layout.memory_is_defined(memory).map(|memory| memory.as_u32())
            }
            Region::TableDefinition(table) | Region::Table(table) => {
                layout.table_is_defined(table).map(|table| table.as_u32())
            }
            Region::Global(global) => layout.global_is_defined(global).map(|global| global.as_u32()),
        });
        self.builder.func.dfg.alias_regions.insert(AliasRegionData {
            user_id,
            description: Cow::Borrowed(name),
        })
    }

    /// Flags of an access that cannot trap to something that may change.
    pub(super) fn variable(&mut self, region: Region) -> MemFlagsData {
        MemFlagsData::new()
            .with_notrap()
            .with_alias_region(Some(self.alias_region(region)))
    }

    /// Flags of a load that cannot trap of something that never changes while the function runs: it may be moved anywhere.
    pub(super) fn constant(&mut self, region: Region) -> MemFlagsData {
        self.variable(region).with_readonly().with_can_move()
    }

    /// An address that the vmctx holds for ever.
    pub(super) fn fixed_pointer(&mut self, offset: i32) -> Value {
        let flags = self.constant(Region::Fixed).with_aligned();
        self.builder.ins().load(POINTER, flags, self.vmctx, offset)
    }
}
