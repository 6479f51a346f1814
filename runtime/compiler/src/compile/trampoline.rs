//! Trampolines: the code between the conventions of the guest and of the host, one per signature, import or library call;
//! and the stubs of functions that are left out.
//!
//! In: which trampoline, of which module. Out: Cranelift IR. Values cross the raw call interface in slots of 16 bytes;
//! what a value leaves of its slot is zero.
//!
//! No access here has an alias region: none of the bytes is accessed with one in the same function.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Value, types};
use cranelift_codegen::isa::CallConv;
use wrun_artifact::TrapCode;
use wrun_artifact::index::{DefinedFuncIndex, FuncIndex, SigIndex};
use wrun_artifact::types::FuncType;
use wrun_artifact::vmlayout::{Libcall, SLOT, func_import, host_context, store, vmctx};

use crate::code::Symbol;
use crate::parse::{Facts, Module};
use crate::translate::{abi, trap};

/// Every trampoline of a module, in the order in which they follow the functions in the text: those for signatures and
/// imports, and those library calls that are wanted.
pub(crate) fn all(module: &Module<'_>, facts: &Facts, is_wanted: impl Fn(Symbol) -> bool) -> Vec<Symbol> {
    let sigs = || module.sigs.keys();
    let typed = |sig: &SigIndex| abi::host_typed_signature(&module.sigs[*sig]).is_some();
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

/// What a trampoline is for, for messages.
pub(crate) fn describe(module: &Module<'_>, symbol: Symbol) -> String {
    match symbol {
        Symbol::Entry(sig) => format!("the entry trampoline for {}", module.sigs[sig]),
        Symbol::TypedHostcall(sig) => format!("the typed hostcall trampoline for {}", module.sigs[sig]),
        Symbol::UntypedHostcall(sig) => format!("the untyped hostcall trampoline for {}", module.sigs[sig]),
        Symbol::ImportThunk(func) => format!("the trampoline to imported function {}", func.as_u32()),
        Symbol::Libcall(libcall) => format!("the trampoline to library call {}", libcall.name()),
        Symbol::Stub(func) => format!("the stub of function {}", module.func_index(func).as_u32()),
        Symbol::TextStart | Symbol::Func(_) => format!("{symbol:?}"),
    }
}

/// Builds the trampoline `symbol` into the empty function `out`.
pub(crate) fn build(module: &Module<'_>, symbol: Symbol, out: &mut ir::Function) -> Result<(), String> {
    out.name = ir::UserFuncName::User(symbol.to_name());
    match symbol {
        Symbol::Entry(sig) => entry(out, &module.sigs[sig]),
        Symbol::TypedHostcall(sig) => typed_hostcall(out, &module.sigs[sig])?,
        Symbol::UntypedHostcall(sig) => untyped_hostcall(out, &module.sigs[sig]),
        Symbol::ImportThunk(func) => import_thunk(out, module, func),
        Symbol::Libcall(libcall) => library_call(out, libcall),
        Symbol::Stub(func) => stub(out, module, func),
        Symbol::TextStart | Symbol::Func(_) => return Err(format!("{symbol:?} is no trampoline")),
    }
    Ok(())
}

/// Host convention `(code, vmctx, slots)`: calls `code` with what is in the slots, then stores the results there.
fn entry(out: &mut ir::Function, ty: &FuncType) {
    let mut body = Body::new(out, host_signature(3));
    let [code, vmctx, slots] = body.params[..] else {
        unreachable!("three parameters are declared above")
    };
    let mut args = vec![vmctx];
    args.extend(body.load_slots(ty.params().iter().map(|ty| abi::ir_type(*ty)), slots));
    let results = body.call(abi::guest_signature(ty), code, &args);
    body.store_slots(&results, slots);
    body.ret(&[]);
}

/// Guest convention, in the place of a function: calls the host's function with the same values in registers.
fn typed_hostcall(out: &mut ir::Function, ty: &FuncType) -> Result<(), String> {
    let host = abi::host_typed_signature(ty).ok_or_else(|| format!("{ty} does not fit in registers"))?;
    let mut body = Body::new(out, abi::guest_signature(ty));
    let context = body.params[0];
    let store = body.load(types::I64, context, host_context::STORE);
    body.leave(store);
    let func = body.load(types::I64, context, host_context::FUNC);
    let args = body.params.clone();
    let results = body.call(host, func, &args);
    body.ret(&results);
    Ok(())
}

/// Guest convention, in the place of a function: calls the host's function as `(context, slots)`.
fn untyped_hostcall(out: &mut ir::Function, ty: &FuncType) {
    let mut body = Body::new(out, abi::guest_signature(ty));
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
    body.ret(&results);
}

/// Guest convention, in the place of a function: calls an import of the vmctx with the import's own context.
fn import_thunk(out: &mut ir::Function, module: &Module<'_>, func: FuncIndex) {
    let signature = abi::guest_signature(module.func_type(func));
    let mut body = Body::new(out, signature.clone());
    let place = module.layout.imported_func(func);
    let mut args = body.params.clone();
    let code = body.load(types::I64, args[0], place + func_import::CODE);
    args[0] = body.load(types::I64, args[0], place + func_import::VMCTX);
    let results = body.call(signature, code, &args);
    body.ret(&results);
}

/// Guest convention `(vmctx, parameters…)`: calls the runtime with the same values.
fn library_call(out: &mut ir::Function, libcall: Libcall) {
    let guest = abi::libcall_signature(libcall);
    let mut host = guest.clone();
    host.call_conv = CallConv::SystemV;
    let mut body = Body::new(out, guest);
    let context = body.params[0];
    let store = body.load(types::I64, context, vmctx::STORE);
    body.leave(store);
    let libcalls = body.load(types::I64, context, vmctx::LIBCALLS);
    let func = body.load(types::I64, libcalls, libcall.offset());
    let args = body.params.clone();
    let results = body.call(host, func, &args);
    body.ret(&results);
}

/// Guest convention, in the place of a function that is left out: traps, whatever the vmctx.
fn stub(out: &mut ir::Function, module: &Module<'_>, func: DefinedFuncIndex) {
    let signature = abi::guest_signature(module.func_type(module.func_index(func)));
    let mut body = Body::new(out, signature);
    body.pos.ins().trap(trap::to_clif(TrapCode::FunctionMissing));
}

/// The host's signature of so many addresses and no result.
fn host_signature(params: usize) -> ir::Signature {
    let mut signature = ir::Signature::new(CallConv::SystemV);
    signature.params.resize(params, ir::AbiParam::new(abi::POINTER));
    signature
}

/// A function of one block, being built.
struct Body<'f> {
    pos: FuncCursor<'f>,
    params: Vec<Value>,
}

impl<'f> Body<'f> {
    fn new(out: &'f mut ir::Function, signature: ir::Signature) -> Self {
        let block = out.dfg.make_block();
        let params = signature
            .params
            .iter()
            .map(|param| out.dfg.append_block_param(block, param.value_type))
            .collect();
        out.signature = signature;
        let mut pos = FuncCursor::new(out);
        pos.insert_block(block);
        Self { pos, params }
    }

    /// Loads a field: aligned, and never a fault.
    fn load(&mut self, ty: ir::Type, base: Value, offset: i32) -> Value {
        self.pos.ins().load(ty, MemFlagsData::trusted(), base, offset)
    }

    /// Stores a field: aligned, and never a fault.
    fn store(&mut self, value: Value, base: Value, offset: i32) {
        self.pos.ins().store(MemFlagsData::trusted(), value, base, offset);
    }

    /// Notes where the guest's frames end, for backtraces, and traps when the host would have too little stack. That has to happen
    /// here: the host's own code is not prepared for a fault.
    fn leave(&mut self, store: Value) {
        let limit = self.load(types::I64, store, store::STACK_LIMIT);
        let stack = self.pos.ins().get_stack_pointer(abi::POINTER);
        let exhausted = self.pos.ins().icmp(IntCC::UnsignedLessThan, stack, limit);
        self.pos
            .ins()
            .trapnz(exhausted, trap::to_clif(TrapCode::CallStackExhausted));
        let frame = self.pos.ins().get_frame_pointer(abi::POINTER);
        self.store(frame, store, store::EXIT_FP);
    }

    /// The address of `count` slots on the stack. It is a real one for none, too.
    fn slots(&mut self, count: usize) -> Value {
        let size = u32::try_from(count.max(1)).expect("the spec's limits on types") * SLOT.unsigned_abs();
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
        let slot = self.pos.func.create_sized_stack_slot(data);
        self.pos.ins().stack_addr(abi::POINTER, slot, 0)
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

    /// Stores a value and zeroes the rest of its slot.
    fn store_slot(&mut self, value: Value, slots: Value, offset: i32) {
        let ty = self.pos.func.dfg.value_type(value);
        if ty.is_vector() {
            return self.store(value, slots, offset);
        }
        let bits = match ty {
            types::F32 => self.pos.ins().bitcast(types::I32, MemFlagsData::new(), value),
            _ => value,
        };
        let low = match ty.bits() {
            32 => self.pos.ins().uextend(types::I64, bits),
            _ => bits,
        };
        let high = self.pos.ins().iconst(types::I64, 0);
        self.store(low, slots, offset);
        self.store(high, slots, offset + SLOT / 2);
    }

    fn call(&mut self, signature: ir::Signature, code: Value, args: &[Value]) -> Vec<Value> {
        let signature = self.pos.func.import_signature(signature);
        let call = self.pos.ins().call_indirect(signature, code, args);
        self.pos.func.dfg.inst_results(call).to_vec()
    }

    fn ret(&mut self, values: &[Value]) {
        self.pos.ins().return_(values);
    }
}
