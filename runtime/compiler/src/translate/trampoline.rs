//! Trampolines: code between the calling conventions of the guest and of the host, one per signature, import or libcall. The
//! stubs of functions that are left out are here too.
//!
//! Input: the symbol of a trampoline, and the facts about the module. Output: Cranelift IR. Values cross the raw call interface
//! in slots of 16 bytes, with unused bytes zero.
//!
//! No access here has an alias region. That is correct because no other access in the same function has one.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Value, types};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use wrun_artifact::TrapCode;
use wrun_artifact::facts::Facts;
use wrun_artifact::index::SigIndex;
use wrun_artifact::types::FuncType;
use wrun_artifact::vmlayout::{Libcall, SLOT, func_import, host_context, store, vmctx};

use super::call_site::{self, Callee};
use super::{Context, Env, abi, trap};
use crate::code::Symbol;
use crate::error::Failure;

/// Returns the trampolines of a module, in the order in which they follow the functions in the text: those for all signatures
/// and imports, and those for the libcalls that are wanted.
pub(crate) fn trampolines(facts: &Facts, is_wanted: impl Fn(Symbol) -> bool) -> Vec<Symbol> {
    let sigs = || facts.sigs.keys();
    let typed = |sig: &SigIndex| abi::host_typed_signature(&facts.sigs[*sig]).is_some();
    sigs()
        .map(Symbol::Entry)
        .chain(sigs().filter(typed).map(Symbol::TypedHostcall))
        .chain(sigs().map(Symbol::UntypedHostcall))
        .chain(facts.thunks.iter().copied().map(Symbol::ImportThunk))
        .chain(
            Libcall::ALL
                .iter()
                .copied()
                .map(Symbol::Libcall)
                .filter(|symbol| is_wanted(*symbol)),
        )
        .collect()
}

/// Builds the trampoline `symbol` in `out`, and replaces the contents of `out`.
///
/// # Errors
/// Fails with a bug if `symbol` is not a trampoline of this module.
pub(crate) fn trampoline(
    cx: &mut Context,
    env: &Env<'_>,
    symbol: Symbol,
    out: &mut ir::Function,
) -> Result<(), Failure> {
    let facts = env.facts;
    let sig = |sig: SigIndex| {
        facts
            .sigs
            .get(sig)
            .ok_or_else(|| Failure::Bug(format!("there is no type {}", sig.as_u32())))
    };
    out.clear();
    out.name = ir::UserFuncName::User(symbol.to_name());
    // Taken out of `cx`, so that an error or a panic leaves a fresh context there and not a half-used one.
    let mut context = core::mem::take(&mut cx.builder);
    let target = env.isa.frontend_config();
    // The signature with which the trampoline is called.
    let signature = match symbol {
        Symbol::Entry(_) => host_signature(3),
        Symbol::TypedHostcall(ty) | Symbol::UntypedHostcall(ty) => abi::guest_signature(sig(ty)?),
        Symbol::ImportThunk(func) => abi::guest_signature(facts.func_type(func)),
        Symbol::Libcall(libcall) => abi::libcall_signature(libcall),
        Symbol::Stub(func) => abi::guest_signature(facts.func_type(facts.func_index(func))),
        Symbol::TextStart | Symbol::Func(_) => return Err(Failure::Bug(format!("{symbol:?} is no trampoline"))),
    };
    let body = Body::new(out, &mut context, signature);
    match symbol {
        Symbol::Entry(ty) => entry(body, sig(ty)?, target),
        Symbol::TypedHostcall(ty) => typed_hostcall(body, sig(ty)?, target)?,
        Symbol::UntypedHostcall(ty) => untyped_hostcall(body, sig(ty)?, target),
        Symbol::ImportThunk(func) => import_thunk(body, env.layout.imported_func(func), target),
        Symbol::Libcall(libcall) => library_call(body, libcall, target),
        _ => stub(body, target),
    }
    cx.builder = context;
    Ok(())
}

/// Host convention `(code, vmctx, slots)`: calls `code` with the values in the slots, then stores the results there.
fn entry(mut body: Body<'_>, ty: &FuncType, target: TargetFrontendConfig) {
    let [code, vmctx, slots] = body.params[..] else {
        unreachable!("the caller declares three parameters")
    };
    let mut args = vec![vmctx];
    args.extend(body.load_slots(ty.params().iter().map(|ty| abi::ir_type(*ty)), slots));
    let results = body.call(abi::guest_signature(ty), code, &args);
    body.store_slots(&results, slots);
    body.ret(&[], target);
}

/// Guest convention, with the signature of the function: calls the host's function with the same values in registers.
fn typed_hostcall(mut body: Body<'_>, ty: &FuncType, target: TargetFrontendConfig) -> Result<(), Failure> {
    let host = abi::host_typed_signature(ty).ok_or_else(|| Failure::Bug(format!("{ty} does not fit in registers")))?;
    let context = body.params[0];
    let store = body.load(types::I64, context, host_context::STORE);
    body.leave(store);
    let func = body.load(types::I64, context, host_context::FUNC);
    let args = body.params.clone();
    let results = body.call(host, func, &args);
    body.ret(&results, target);
    Ok(())
}

/// Guest convention, with the signature of the function: calls the host's function with `(context, slots)`.
fn untyped_hostcall(mut body: Body<'_>, ty: &FuncType, target: TargetFrontendConfig) {
    let context = body.params[0];
    let store = body.load(types::I64, context, host_context::STORE);
    body.leave(store);
    let func = body.load(types::I64, context, host_context::FUNC);
    let count = ty.params().len().max(ty.results().len());
    let slots = body.slots(count);
    let params = body.params[1..].to_vec();
    body.store_slots(&params, slots);
    body.call(host_signature(2), func, &[context, slots]);
    let results = body.load_slots(ty.results().iter().map(|ty| abi::ir_type(*ty)), slots);
    body.ret(&results, target);
}

/// Guest convention, with the signature of the function: calls the import at offset `place` of the vmctx with the import's own
/// context.
fn import_thunk(mut body: Body<'_>, place: i32, target: TargetFrontendConfig) {
    let signature = body.builder.func.signature.clone();
    let mut args = body.params.clone();
    let code = body.load(types::I64, args[0], place + func_import::CODE);
    args[0] = body.load(types::I64, args[0], place + func_import::VMCTX);
    let results = body.call(signature, code, &args);
    body.ret(&results, target);
}

/// Guest convention `(vmctx, parameters…)`: calls the libcall in the runtime with the same values.
fn library_call(mut body: Body<'_>, libcall: Libcall, target: TargetFrontendConfig) {
    let mut host = body.builder.func.signature.clone();
    host.call_conv = CallConv::SystemV;
    let context = body.params[0];
    let store = body.load(types::I64, context, vmctx::STORE);
    body.leave(store);
    let libcalls = body.load(types::I64, context, vmctx::LIBCALLS);
    let func = body.load(types::I64, libcalls, libcall.offset());
    let args = body.params.clone();
    let results = body.call(host, func, &args);
    body.ret(&results, target);
}

/// Guest convention, in the place of a function that is left out: traps.
fn stub(mut body: Body<'_>, target: TargetFrontendConfig) {
    body.builder.ins().trap(trap::to_clif(TrapCode::FunctionMissing));
    body.builder.finalize(target);
}

/// Returns a signature of the host with `params` addresses and no result.
fn host_signature(params: usize) -> ir::Signature {
    let mut signature = ir::Signature::new(CallConv::SystemV);
    signature.params.resize(params, ir::AbiParam::new(abi::POINTER));
    signature
}

/// A function of one block that is being built.
struct Body<'f> {
    builder: FunctionBuilder<'f>,
    params: Vec<Value>,
}

impl<'f> Body<'f> {
    fn new(out: &'f mut ir::Function, context: &'f mut FunctionBuilderContext, signature: ir::Signature) -> Self {
        out.signature = signature;
        let mut builder = FunctionBuilder::new(out, context);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        builder.seal_block(block);
        let params = builder.block_params(block).to_vec();
        Self { builder, params }
    }

    /// Loads an aligned field. The load cannot fault.
    fn load(&mut self, ty: ir::Type, base: Value, offset: i32) -> Value {
        self.builder.ins().load(ty, MemFlagsData::trusted(), base, offset)
    }

    /// Stores an aligned field. The store cannot fault.
    fn store(&mut self, value: Value, base: Value, offset: i32) {
        self.builder.ins().store(MemFlagsData::trusted(), value, base, offset);
    }

    /// Stores the end of the guest's frames, for backtraces, and traps if there is too little stack for the host. This check
    /// has to be here, because a fault in code of the host is not handled.
    fn leave(&mut self, store: Value) {
        let limit = self.load(types::I64, store, store::STACK_LIMIT);
        let stack = self.builder.ins().get_stack_pointer(abi::POINTER);
        let exhausted = self.builder.ins().icmp(IntCC::UnsignedLessThan, stack, limit);
        self.builder
            .ins()
            .trapnz(exhausted, trap::to_clif(TrapCode::CallStackExhausted));
        let frame = self.builder.ins().get_frame_pointer(abi::POINTER);
        self.store(frame, store, store::EXIT_FP);
    }

    /// Returns the address of `count` slots on the stack. The address is valid for 0 slots too.
    fn slots(&mut self, count: usize) -> Value {
        let size = u32::try_from(count.max(1)).expect("the spec's limits on types") * SLOT.unsigned_abs();
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
        let slot = self.builder.create_sized_stack_slot(data);
        self.builder.ins().stack_addr(abi::POINTER, slot, 0)
    }

    fn load_slots(&mut self, types: impl Iterator<Item = ir::Type>, slots: Value) -> Vec<Value> {
        types
            .zip(0..)
            .map(|(ty, index)| self.load(ty, slots, index * SLOT))
            .collect()
    }

    fn store_slots(&mut self, values: &[Value], slots: Value) {
        for (value, index) in values.iter().zip(0..) {
            self.store_slot(*value, slots, index * SLOT);
        }
    }

    /// Stores a value and sets the rest of its slot to zero.
    fn store_slot(&mut self, value: Value, slots: Value, offset: i32) {
        let ty = self.builder.func.dfg.value_type(value);
        if ty.is_vector() {
            return self.store(value, slots, offset);
        }
        let bits = match ty {
            types::F32 => self.builder.ins().bitcast(types::I32, MemFlagsData::new(), value),
            _ => value,
        };
        let low = match ty.bits() {
            32 => self.builder.ins().uextend(types::I64, bits),
            _ => bits,
        };
        let high = self.builder.ins().iconst(types::I64, 0);
        self.store(low, slots, offset);
        self.store(high, slots, offset + SLOT / 2);
    }

    fn call(&mut self, signature: ir::Signature, code: Value, args: &[Value]) -> Vec<Value> {
        let signature = self.builder.import_signature(signature);
        call_site::emit(&mut self.builder, Callee::Indirect(signature, code), args, None).to_vec()
    }

    /// Ends the function: it returns these values.
    fn ret(mut self, values: &[Value], target: TargetFrontendConfig) {
        self.builder.ins().return_(values);
        self.builder.finalize(target);
    }
}
