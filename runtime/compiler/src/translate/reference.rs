//! Reference instructions (spec 4.4.2). References are 64-bit numbers, null is 0.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;
use wasmparser::Operator as Op;
use wrun_artifact::vmlayout::Libcall;

use super::Translator;
use super::abi::POINTER;

impl Translator<'_> {
    /// Translates an instruction of this family; says whether it is one.
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
            _ => return false,
        }
        true
    }
}
