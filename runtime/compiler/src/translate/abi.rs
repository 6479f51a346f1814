//! The representation of wasm values and calls in Cranelift IR: types, and signatures of the calling conventions.
//!
//! Input: types of the module. Output: types and signatures of the code generator. Must not hold: code that depends on the body
//! of a function.

use cranelift_codegen::ir::{self, AbiParam, ArgumentPurpose, types};
use cranelift_codegen::isa::CallConv;
use wasmparser::{AbstractHeapType, HeapType};
use wrun_artifact::types::{FuncType, ValType};
use wrun_artifact::vmlayout::Libcall;

/// The type of an address, of the vmctx and of references.
pub(crate) const POINTER: ir::Type = types::I64;

/// Returns the type of values of `ty`. Vectors are always kept as sixteen bytes.
pub(crate) const fn ir_type(ty: ValType) -> ir::Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => types::I8X16,
        ValType::Ref(_) => POINTER,
    }
}

/// Returns the signature of a wasm function: the vmctx, then the parameters, and the results in order.
pub(crate) fn guest_signature(ty: &FuncType) -> ir::Signature {
    guest(ty.params(), ty.results())
}

/// Returns the signature of the trampoline to a libcall: the vmctx, then the parameters.
pub(crate) fn libcall_signature(libcall: Libcall) -> ir::Signature {
    let (params, result) = libcall.signature();
    guest(params, result.as_slice())
}

/// Returns the signature of a host function that takes its arguments in registers: the context, then the values. `None` if the
/// type has more than one result, or types other than numbers.
pub(crate) fn host_typed_signature(ty: &FuncType) -> Option<ir::Signature> {
    let is_number = |ty: &ValType| matches!(ty, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64);
    if ty.results().len() > 1 || !ty.params().iter().chain(ty.results()).all(is_number) {
        return None;
    }
    let mut signature = ir::Signature::new(CallConv::SystemV);
    signature.params.push(AbiParam::new(POINTER));
    signature.params.extend(values(ty.params()));
    signature.returns.extend(values(ty.results()));
    Some(signature)
}

/// Converts a value type of a body: `None` for one that wrun does not have. Types that refer to different kinds of functions, or that
/// differ in having null, are the same here: nothing depends on the difference.
pub(crate) fn val_type(ty: wasmparser::ValType) -> Option<ValType> {
    Some(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => match ty.heap_type() {
            HeapType::Concrete(_) => ValType::FUNCREF,
            HeapType::Abstract { shared: false, ty } => match ty {
                AbstractHeapType::Func | AbstractHeapType::NoFunc => ValType::FUNCREF,
                AbstractHeapType::Extern | AbstractHeapType::NoExtern => ValType::EXTERNREF,
                AbstractHeapType::Exn | AbstractHeapType::NoExn => ValType::EXNREF,
                _ => return None,
            },
            _ => return None,
        },
    })
}

fn guest(params: &[ValType], results: &[ValType]) -> ir::Signature {
    let mut signature = ir::Signature::new(CallConv::Tail);
    signature
        .params
        .push(AbiParam::special(POINTER, ArgumentPurpose::VMContext));
    signature.params.extend(values(params));
    signature.returns.extend(values(results));
    signature
}

fn values(types: &[ValType]) -> impl Iterator<Item = AbiParam> {
    types.iter().map(|ty| AbiParam::new(ir_type(*ty)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_and_one_result_go_to_the_host_in_registers() {
        let fits = |params: &[ValType], results: &[ValType]| {
            host_typed_signature(&FuncType::new(params, results)).map(|signature| signature.params.len())
        };
        assert_eq!(fits(&[], &[]), Some(1));
        assert_eq!(fits(&[ValType::I32, ValType::F64], &[ValType::I64]), Some(3));
        assert_eq!(fits(&[ValType::V128], &[]), None);
        assert_eq!(fits(&[], &[ValType::EXTERNREF]), None);
        assert_eq!(fits(&[], &[ValType::I32, ValType::I32]), None);
    }

    #[test]
    fn a_guest_function_gets_its_context_first() {
        let signature = guest_signature(&FuncType::new([ValType::V128], [ValType::FUNCREF, ValType::F32]));
        assert_eq!(signature.params[0].purpose, ArgumentPurpose::VMContext);
        assert_eq!(signature.params[1].value_type, types::I8X16);
        assert_eq!(signature.returns[0].value_type, types::I64);
        assert_eq!(signature.returns[1].value_type, types::F32);
    }
}
