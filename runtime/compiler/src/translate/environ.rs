//! How translated code reaches its instance: fields of the vmctx, other functions, library calls, and the flags that each
//! kind of access carries.
//!
//! Every access has an alias region, without exception: an access without one is a barrier for the others in one place of
//! the code generator and no barrier in another, so a mixture is miscompiled. Things that this module defines have a region
//! each, exported or not: an import cannot be one of the importing instance's own things, and other instances only run
//! during calls, which are barriers. All imported things of one kind share a region, since two imports may be the same.

use std::borrow::Cow;
use std::collections::HashMap;

use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{
    self, AliasRegion, AliasRegionData, ConstantData, ExtFuncData, ExternalName, FuncRef, InstBuilder, InstructionData,
    MemFlagsData, Opcode, SigRef, Type, Value, ValueDef, types,
};
use wrun_artifact::index::{GlobalIndex, MemoryIndex, SigIndex, TableIndex};
use wrun_artifact::types::ValType;
use wrun_artifact::vmlayout::Libcall;

use super::Translator;
use super::abi::{self, POINTER};
use crate::code::Symbol;

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
        let layout = &self.env.module.layout;
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

    /// The signature of functions of type `sig`.
    pub(super) fn signature(&mut self, sig: SigIndex) -> SigRef {
        let Self { env, builder, .. } = self;
        *self
            .signatures
            .entry(sig)
            .or_insert_with(|| builder.import_signature(abi::guest_signature(&env.module.sigs[sig])))
    }

    /// The function at `symbol`, which has the type `sig`.
    pub(super) fn function(&mut self, symbol: Symbol, sig: SigIndex) -> FuncRef {
        match self.functions.get(&symbol) {
            Some(function) => *function,
            None => {
                let signature = self.signature(sig);
                self.declare_function(symbol, signature)
            }
        }
    }

    /// The address of the beginning of the text.
    pub(super) fn text_start(&mut self, sig: SigIndex) -> Value {
        // The signature does not matter: this is never called.
        let function = self.function(Symbol::TextStart, sig);
        self.builder.ins().func_addr(POINTER, function)
    }

    /// Calls a helper of the runtime; gives its result.
    pub(super) fn libcall(&mut self, libcall: Libcall, arguments: &[Value]) -> Option<Value> {
        let symbol = Symbol::Libcall(libcall);
        let function = match self.functions.get(&symbol) {
            Some(function) => *function,
            None => {
                let signature = self.builder.import_signature(abi::libcall_signature(libcall));
                self.declare_function(symbol, signature)
            }
        };
        self.arguments.clear();
        self.arguments.push(self.vmctx);
        self.arguments.extend_from_slice(arguments);
        let call = self.builder.ins().call(function, &self.arguments);
        self.builder.inst_results(call).first().copied()
    }

    fn declare_function(&mut self, symbol: Symbol, signature: SigRef) -> FuncRef {
        let name = self.builder.func.declare_imported_user_function(symbol.to_name());
        let function = self.builder.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        self.functions.insert(symbol, function);
        function
    }

    /// An `i32` constant.
    pub(super) fn i32_const(&mut self, value: i32) -> Value {
        // Immediates of narrow types are kept zero-extended.
        self.builder.ins().iconst(types::I32, i64::from(value.cast_unsigned()))
    }

    /// An index of the module, as library calls take it.
    pub(super) fn index_const(&mut self, index: u32) -> Value {
        self.builder.ins().iconst(types::I32, i64::from(index))
    }

    /// The constant of a value in the form of the raw call interface.
    pub(super) fn slot_const(&mut self, ty: ValType, slot: [u8; 16]) -> Value {
        let low = u64::from_le_bytes(*slot.first_chunk().expect("16 bytes"));
        match ty {
            ValType::I32 => self.i32_const(low as i32),
            ValType::I64 | ValType::FuncRef | ValType::ExternRef => {
                self.builder.ins().iconst(types::I64, low.cast_signed())
            }
            ValType::F32 => self.builder.ins().f32const(Ieee32::with_bits(low as u32)),
            ValType::F64 => self.builder.ins().f64const(Ieee64::with_bits(low)),
            ValType::V128 => {
                let constant = self.builder.func.dfg.constants.insert(ConstantData::from(&slot[..]));
                self.builder.ins().vconst(types::I8X16, constant)
            }
        }
    }

    /// The value of an integer constant.
    pub(super) fn known_int(&self, value: Value) -> Option<u64> {
        match self.definition(value)? {
            InstructionData::UnaryImm {
                opcode: Opcode::Iconst,
                imm,
            } => Some(imm.bits().cast_unsigned()),
            _ => None,
        }
    }

    /// Whether `condition` is not zero, as the shortest value that says so.
    ///
    /// A comparison gives wasm an `i32`, widened from the eight bits that the code generator compares to; what only asks
    /// for zero or not takes the eight bits.
    pub(super) fn truth(&self, condition: Value) -> Value {
        match self.definition(condition) {
            Some(InstructionData::Unary {
                opcode: Opcode::Uextend,
                arg,
            }) if self.type_of(*arg) == types::I8 => *arg,
            _ => condition,
        }
    }

    /// The type of a value.
    pub(super) fn type_of(&self, value: Value) -> Type {
        self.builder.func.dfg.value_type(value)
    }

    /// A new block that is not expected to be entered.
    pub(super) fn cold_block(&mut self) -> ir::Block {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        block
    }

    fn definition(&self, value: Value) -> Option<&InstructionData> {
        let dfg = &self.builder.func.dfg;
        match dfg.value_def(value) {
            ValueDef::Result(inst, _) => Some(&dfg.insts[inst]),
            _ => None,
        }
    }
}
