//! Access of translated code to its instance: fields of the vmctx, and the flags of each kind of access.
//!
//! Every access has an alias region. An access without one is a barrier for other accesses in one part of the code generator
//! and not in another, so a mixture would be miscompiled. Each memory, table and global that this module defines has a region
//! of its own, even if it is exported: an import cannot be defined by the importing instance itself, and other instances run
//! only during calls, which are barriers. All imports of one kind share a region, because two imports may be the same object.

use std::borrow::Cow;
use std::collections::HashMap;

use cranelift_codegen::ir::{AliasRegion, AliasRegionData, InstBuilder, MemFlagsData, StackSlot, Value};
use wrun_artifact::index::{GlobalIndex, MemoryIndex, SigIndex, TableIndex};

use super::Translator;
use super::abi::POINTER;

/// Values that are the same in the whole function and are needed often.
#[derive(Default)]
pub(super) struct Known {
    /// The flags of an access to memory 0.
    pub(super) memory_flags: Option<MemFlagsData>,
    /// For each table that was looked up: the type that all its elements have, if there is one.
    pub(super) only_sigs: HashMap<TableIndex, Option<SigIndex>>,
    /// True if the stack slots of references have an alias region.
    pub(super) stack_slots_named: bool,
    /// The part of the frame that holds the payload of a throw.
    pub(super) payload: Option<StackSlot>,
}

/// A part of memory that no other part overlaps.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Region {
    /// Fields of the vmctx that are written once, before code of the instance runs: imports and ids of signatures.
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
    /// Targets of references to functions: code and context.
    Function,
    /// Exceptions: tag, flag and payload, also where a payload waits on the stack to be thrown.
    Exception,
    /// The stack slots in which references to host objects lie during calls.
    StackSlots,
}

impl Region {
    /// Returns a number that identifies the region in all functions of a module, and a word for readers of the IR. `defined` is
    /// the index among the defined items, or `None` for an import.
    pub(super) fn id(self, defined: Option<u32>) -> (u32, &'static str) {
        /// A function can have at most 65,535 kinds of flags, and a module can have more globals. Those after this one share a
        /// region.
        const LAST: u32 = 8191;
        let (kind, name) = match self {
            Self::Fixed => (0, "vmctx"),
            Self::MemoryDefinition(_) => (1, "memory definition"),
            Self::Memory(_) => (2, "memory"),
            Self::TableDefinition(_) => (3, "table definition"),
            Self::Table(_) => (4, "table"),
            Self::Global(_) => (5, "global"),
            Self::StackSlots => (6, "stack slot"),
            Self::Exception => (7, "exception"),
            Self::Function => (8, "function"),
        };
        (kind << 16 | defined.map_or(0, |number| number.min(LAST) + 1), name)
    }
}

impl Translator<'_> {
    /// Returns the alias region of `region` in this function.
    pub(super) fn alias_region(&mut self, region: Region) -> AliasRegion {
        let layout = self.env.layout;
        let (user_id, name) = region.id(match region {
            Region::Fixed | Region::StackSlots | Region::Exception | Region::Function => None,
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

    /// Returns the flags of an access that cannot trap, to a value that may change.
    pub(super) fn variable(&mut self, region: Region) -> MemFlagsData {
        MemFlagsData::new()
            .with_notrap()
            .with_alias_region(Some(self.alias_region(region)))
    }

    /// Returns the flags of a load that cannot trap, of a value that does not change while the function runs. The load may be
    /// moved.
    pub(super) fn constant(&mut self, region: Region) -> MemFlagsData {
        self.variable(region).with_readonly().with_can_move()
    }

    /// Loads an address from a field of the vmctx that never changes.
    pub(super) fn fixed_pointer(&mut self, offset: i32) -> Value {
        let flags = self.constant(Region::Fixed).with_aligned();
        self.builder.ins().load(POINTER, flags, self.vmctx, offset)
    }
}
