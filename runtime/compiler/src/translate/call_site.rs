//! Emits all calls, for translated functions and for trampolines.
//!
//! Input: the code to call, its convention, its context and arguments. Output: its results. Every call instruction comes from
//! [`emit`], so that a change applies to all of them.
//!
//! A guest function takes the vmctx first, then its parameters. A libcall goes through its trampoline, in the guest's
//! convention.

use cranelift_codegen::ir::{
    Block, BlockArg, ExceptionTableData, ExceptionTableItem, ExtFuncData, ExternalName, FuncRef, InstBuilder, SigRef,
    Value,
};
use cranelift_frontend::FunctionBuilder;
use wrun_artifact::index::SigIndex;
use wrun_artifact::vmlayout::Libcall;

use super::Translator;
use super::abi::{self, POINTER};
use crate::code::Symbol;

/// Code to call.
#[derive(Copy, Clone)]
pub(super) enum Callee {
    /// Code at a place in this text.
    Direct(FuncRef),
    /// Code at an address, with this signature.
    Indirect(SigRef, Value),
}

/// Emits a call and returns its results. `arguments` begins with the context, if the convention has one. An exception goes to
/// `landing`, as its first two parameters, or to the caller. With a landing, translation continues in a new block.
pub(super) fn emit<'b>(
    builder: &'b mut FunctionBuilder<'_>,
    callee: Callee,
    arguments: &[Value],
    landing: Option<Block>,
) -> &'b [Value] {
    let Some(landing) = landing else {
        let call = match callee {
            Callee::Direct(function) => builder.ins().call(function, arguments),
            Callee::Indirect(signature, code) => builder.ins().call_indirect(signature, code, arguments),
        };
        return builder.inst_results(call);
    };
    let signature = match callee {
        Callee::Direct(function) => builder.func.dfg.ext_funcs[function].signature,
        Callee::Indirect(signature, _) => signature,
    };
    let next = builder.create_block();
    let results: Vec<_> = builder.func.dfg.signatures[signature]
        .returns
        .iter()
        .map(|result| result.value_type)
        .collect();
    let returned: Vec<_> = (0..).map(BlockArg::TryCallRet).take(results.len()).collect();
    for ty in results {
        builder.append_block_param(next, ty);
    }
    let thrown = [BlockArg::TryCallExn(0), BlockArg::TryCallExn(1)];
    let next_call = builder.func.dfg.block_call(next, &returned);
    let landing_call = builder.func.dfg.block_call(landing, &thrown);
    let handlers = [ExceptionTableItem::Default(landing_call)];
    let table = ExceptionTableData::new(signature, next_call, handlers);
    let table = builder.func.dfg.exception_tables.push(table);
    match callee {
        Callee::Direct(function) => builder.ins().try_call(function, arguments, table),
        Callee::Indirect(_, code) => builder.ins().try_call_indirect(code, arguments, table),
    };
    builder.seal_block(next);
    builder.switch_to_block(next);
    builder.block_params(next)
}

/// Kind of a call.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// Execution continues after the call.
    Call,
    /// The callee replaces the calling function.
    Tail,
}

impl Translator<'_> {
    /// Calls guest code of type `sig` with the arguments on the operand stack, and replaces them by the results. Code after a
    /// tail call is unreachable.
    pub(super) fn call_guest(&mut self, how: How, sig: SigIndex, callee: Callee, context: Value) {
        let ty = &self.env.facts.sigs[sig];
        let first = self.stack.values.len() - ty.params().len();
        self.arguments.clear();
        self.arguments.push(context);
        self.arguments.extend(self.stack.values.drain(first..));
        if how == How::Tail {
            match callee {
                Callee::Direct(function) => self.builder.ins().return_call(function, &self.arguments),
                Callee::Indirect(signature, code) => {
                    self.builder
                        .ins()
                        .return_call_indirect(signature, code, &self.arguments)
                }
            };
            return self.set_unreachable();
        }
        let landing = self.landing();
        let results = emit(&mut self.builder, callee, &self.arguments, landing);
        self.stack.values.extend_from_slice(results);
        for (ty, i) in ty.results().iter().zip(first..) {
            self.track(*ty, self.stack.values[i]);
        }
    }

    /// Calls a helper of the runtime that throws no exception, and returns its result.
    pub(super) fn libcall(&mut self, libcall: Libcall, arguments: &[Value]) -> Option<Value> {
        self.libcall_to(None, libcall, arguments)
    }

    /// Calls a helper of the runtime, and returns its result. An exception goes to `landing` or to the caller.
    pub(super) fn libcall_to(
        &mut self,
        landing: Option<Block>,
        libcall: Libcall,
        arguments: &[Value],
    ) -> Option<Value> {
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
        emit(&mut self.builder, Callee::Direct(function), &self.arguments, landing)
            .first()
            .copied()
    }

    /// Returns the code at the address `code`, of type `sig`, as a callee.
    pub(super) fn code_at(&mut self, sig: SigIndex, code: Value) -> Callee {
        Callee::Indirect(self.signature(sig), code)
    }

    /// Returns the function at `symbol`, of type `sig`, as a callee.
    pub(super) fn code_of(&mut self, sig: SigIndex, symbol: Symbol) -> Callee {
        Callee::Direct(self.function(symbol, sig))
    }

    /// Returns the address of the beginning of the text.
    pub(super) fn text_start(&mut self, sig: SigIndex) -> Value {
        // The signature does not matter, because this function is never called.
        let function = self.function(Symbol::TextStart, sig);
        self.builder.ins().func_addr(POINTER, function)
    }

    /// Returns the signature of functions of type `sig`.
    fn signature(&mut self, sig: SigIndex) -> SigRef {
        let Self { env, builder, .. } = self;
        *self
            .signatures
            .entry(sig)
            .or_insert_with(|| builder.import_signature(abi::guest_signature(&env.facts.sigs[sig])))
    }

    fn function(&mut self, symbol: Symbol, sig: SigIndex) -> FuncRef {
        match self.functions.get(&symbol) {
            Some(function) => *function,
            None => {
                let signature = self.signature(sig);
                self.declare_function(symbol, signature)
            }
        }
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
}
