//! Global variables (spec 4.4.5).
//!
//! Input: an index. Output: a constant if the value is known, otherwise an access to the global's slot.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use wasmparser::Operator as Op;
use wrun_artifact::facts::GlobalFacts;
use wrun_artifact::index::GlobalIndex;

use super::Translator;
use super::abi::ir_type;
use super::environ::Region;

impl Translator<'_> {
    /// Translates an instruction of this family. Returns false for other instructions.
    pub(super) fn global_operator(&mut self, op: &Op<'_>) -> bool {
        match op {
            Op::GlobalGet { global_index } => {
                let value = self.global_get(GlobalIndex::from_u32(*global_index));
                self.push(value);
            }
            Op::GlobalSet { global_index } => {
                let value = self.pop1();
                let (flags, address, offset) = self.global_slot(GlobalIndex::from_u32(*global_index));
                self.builder.ins().store(flags, value, address, offset);
            }
            _ => return false,
        }
        true
    }

    fn global_get(&mut self, global: GlobalIndex) -> Value {
        let GlobalFacts { ty, constant } = self.env.facts.globals[global];
        let ty = ty.content;
        if let Some(slot) = constant {
            return self.slot_const(ty, slot);
        }
        let (flags, address, offset) = self.global_slot(global);
        let value = self.builder.ins().load(ir_type(ty), flags, address, offset);
        self.track(ty, value);
        value
    }

    /// Returns the place of a global's value: flags, an address and an offset.
    fn global_slot(&mut self, global: GlobalIndex) -> (MemFlagsData, Value, i32) {
        let (facts, layout) = (self.env.facts, self.env.layout);
        let flags = if facts.globals[global].ty.mutable {
            self.variable(Region::Global(global))
        } else {
            // The address is written by instantiation, before code of the instance runs.
            self.constant(Region::Global(global))
        };
        match layout.global_is_defined(global) {
            Some(defined) => (flags, self.vmctx, layout.defined_global(defined)),
            None => (flags, self.fixed_pointer(layout.imported_global(global)), 0),
        }
    }
}
