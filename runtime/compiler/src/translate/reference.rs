//! Reference instructions (spec 4.4.2).
//!
//! Input: an instruction and its operands. Output: 64-bit numbers, and the references that stack maps must list. Must not hold:
//! the objects.
//!
//! Null is 0. An `externref` is the number of a host object, an `exnref` that of an exception. An object lives as long as a
//! collection finds its number. Every value of these types is declared to the code generator ([`Translator::track`]). During each
//! call before its last use, such a value then lies in the frame, at a place that a stack map lists. A function without such
//! values is translated as if there were no stack maps.

use std::borrow::Cow;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AliasRegionData, InstBuilder, Value};
use cranelift_frontend::Variable;
use wasmparser::Operator as Op;
use wrun_artifact::TrapCode;
use wrun_artifact::types::ValType;
use wrun_artifact::vmlayout::Libcall;

use super::abi::POINTER;
use super::environ::Region;
use super::{Translator, trap};

impl Translator<'_> {
    /// Translates an instruction of this family. Returns false for other instructions.
    pub(super) fn reference_operator(&mut self, op: &Op<'_>) -> bool {
        match op {
            Op::RefNull { .. } => {
                let null = self.builder.ins().iconst(POINTER, 0);
                self.push(null);
            }
            Op::RefIsNull => {
                let reference = self.pop1();
                let value = self.builder.ins().icmp_imm_u(IntCC::Equal, reference, 0);
                self.push_bool(value);
            }
            Op::RefFunc { function_index } => {
                let function = self.index_const(*function_index);
                let reference = self.libcall(Libcall::RefFunc, &[function]).expect("has a result");
                self.push(reference);
            }
            Op::RefAsNonNull => {
                let reference = self.peek1();
                self.builder
                    .ins()
                    .trapz(reference, trap::to_clif(TrapCode::NullReference));
            }
            Op::BrOnNull { relative_depth } => {
                let reference = self.pop1();
                let (target, arguments) = self.branch_target(*relative_depth);
                let next = self.builder.create_block();
                self.builder.ins().brif(reference, next, &[], target, &arguments);
                self.builder.seal_block(next);
                self.builder.switch_to_block(next);
                self.push(reference);
            }
            Op::BrOnNonNull { relative_depth } => {
                let reference = self.peek1();
                let (target, arguments) = self.branch_target(*relative_depth);
                let next = self.builder.create_block();
                self.builder.ins().brif(reference, target, &arguments, next, &[]);
                self.builder.seal_block(next);
                self.builder.switch_to_block(next);
                self.pop1();
            }
            _ => return false,
        }
        true
    }

    /// Adds `value` to the stack maps of later calls, if it is a reference to an object.
    pub(super) fn track(&mut self, ty: ValType, value: Value) {
        if ty.is_object() {
            self.track_object(value);
        }
    }

    /// Adds a reference to an object to the stack maps of later calls.
    pub(super) fn track_object(&mut self, reference: Value) {
        self.name_stack_slots();
        self.builder.declare_value_needs_stack_map(reference);
    }

    /// Does the same for all values of a variable, which has none yet.
    pub(super) fn track_variable(&mut self, ty: ValType, variable: Variable) {
        if ty.is_object() {
            self.name_stack_slots();
            self.builder.declare_var_needs_stack_map(variable);
        }
    }

    /// Sets the alias region of accesses to stack slots. The code generator adds these accesses at the end.
    fn name_stack_slots(&mut self) {
        if core::mem::replace(&mut self.known.stack_slots_named, true) {
            return;
        }
        let (user_id, name) = Region::StackSlots.id(None);
        self.builder
            .make_stack_map_alias_region(Box::new(move |regions, _, _, _| {
                Some(regions.insert(AliasRegionData {
                    user_id,
                    description: Cow::Borrowed(name),
                }))
            }));
    }
}
