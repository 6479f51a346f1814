//! Translates a validated function body to Cranelift IR.
//!
//! Input: a body and the facts about its module ([`Env`]), or the symbol of a trampoline. Output: IR that refers to other
//! functions by [`Symbol`] and to the instance through the vmctx. Translation is one pass over the instructions. Unreachable
//! code is skipped.
//!
//! ```text
//! function ─▶ operator ─┬▶ control  numeric  memory  table  call  reference  exception  atomic  global  simd   one file per family
//!                       └▶ stack (operands, frames)   bounds (checks)   environ (vmctx, flags, alias regions)   call_site (calls)   values
//! ```
//!
//! Must not hold: code emission, threads.

mod atomic;
mod bounds;
mod call;
mod call_site;
mod control;
mod environ;
mod exception;
mod global;
mod memory;
mod numeric;
mod reference;
mod simd;
mod stack;
mod table;
#[cfg(test)]
mod tests;
mod trampoline;
mod values;

pub(crate) mod abi;
pub(crate) mod trap;

pub(crate) use trampoline::{trampoline, trampolines};

use std::collections::HashMap;

use cranelift_codegen::ir::{self, FuncRef, SigRef, SourceLoc, Value};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use wasmparser::{Operator, OperatorsReader};
use wrun_artifact::config::Config;
use wrun_artifact::facts::Facts;
use wrun_artifact::index::{DefinedFuncIndex, SigIndex};
use wrun_artifact::types::FuncType;
use wrun_artifact::vmlayout::VMLayout;

use crate::code::Symbol;
use crate::error::Failure;
use crate::parse::Body;
use environ::Known;
use stack::Stack;

/// The input of translation besides the body.
pub(crate) struct Env<'a> {
    /// Facts about the module.
    pub(crate) facts: &'a Facts,
    /// The layout of the vmctx, which follows from `facts.counts` and `config`.
    pub(crate) layout: &'a VMLayout,
    /// Settings.
    pub(crate) config: &'a Config,
    /// The target.
    pub(crate) isa: &'a dyn TargetIsa,
}

/// Allocations that are used again for the next function. Each thread has one.
#[derive(Default)]
pub(crate) struct Context {
    builder: FunctionBuilderContext,
    state: State,
}

/// State of the translation of one function.
#[derive(Default)]
struct State {
    stack: Stack,
    /// Signatures and functions that this function refers to.
    signatures: HashMap<SigIndex, SigRef>,
    functions: HashMap<Symbol, FuncRef>,
    known: Known,
    /// Arguments of the current call.
    arguments: Vec<Value>,
}

impl State {
    fn clear(&mut self) {
        self.stack.clear();
        self.signatures.clear();
        self.functions.clear();
        self.known = Known::default();
        self.arguments.clear();
    }
}

/// The translation of one function. The files of the instruction families add methods.
pub(crate) struct Translator<'a> {
    env: &'a Env<'a>,
    /// Builds the IR. While code is reachable, it is positioned in a block that is not filled.
    builder: FunctionBuilder<'a>,
    /// The function's first parameter.
    vmctx: Value,
    stack: Stack,
    signatures: HashMap<SigIndex, SigRef>,
    functions: HashMap<Symbol, FuncRef>,
    known: Known,
    arguments: Vec<Value>,
}

/// Translates a validated body into `out`, and replaces the contents of `out`.
///
/// # Errors
/// Fails for limits of wrun and for bugs.
pub(crate) fn function(
    cx: &mut Context,
    env: &Env<'_>,
    func: DefinedFuncIndex,
    body: &Body<'_>,
    out: &mut ir::Function,
) -> Result<(), Failure> {
    let ty = env.facts.func_type(env.facts.func_index(func));
    out.clear();
    out.signature = abi::guest_signature(ty);
    out.name = ir::UserFuncName::User(Symbol::Func(func).to_name());

    // Taken out of `cx`, so that an error or a panic leaves a fresh context there and not a half-used one.
    let mut builder_context = core::mem::take(&mut cx.builder);
    let mut state = core::mem::take(&mut cx.state);
    state.clear();
    let mut builder = FunctionBuilder::new(out, &mut builder_context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let mut translator = Translator {
        env,
        vmctx: builder.block_params(entry)[0],
        builder,
        stack: state.stack,
        signatures: state.signatures,
        functions: state.functions,
        known: state.known,
        arguments: state.arguments,
    };
    translator.body(ty, body)?;

    let Translator {
        builder,
        stack,
        signatures,
        functions,
        known,
        arguments,
        ..
    } = translator;
    builder.finalize(env.isa.frontend_config());
    cx.builder = builder_context;
    cx.state = State {
        stack,
        signatures,
        functions,
        known,
        arguments,
    };
    Ok(())
}

impl Translator<'_> {
    /// Translates locals and instructions.
    fn body(&mut self, ty: &FuncType, body: &Body<'_>) -> Result<(), Failure> {
        let mut locals = body.body.get_locals_reader().map_err(unvalidated)?;
        self.declare_params(ty);
        for _ in 0..locals.get_count() {
            let (count, ty) = locals.read().map_err(unvalidated)?;
            let ty = abi::val_type(ty).ok_or_else(|| Failure::bug("a local of a type that was not validated"))?;
            // Variables are zero until they are assigned, as locals are in wasm.
            for _ in 0..count {
                let variable = self.builder.declare_var(abi::ir_type(ty));
                self.track_variable(ty, variable);
            }
        }

        self.begin_function();
        let mut operators = OperatorsReader::new(locals.get_binary_reader());
        while !self.stack.frames.is_empty() {
            let offset = operators.original_position();
            let operator = operators.read().map_err(unvalidated)?;
            if self.env.config.address_map {
                let offset =
                    u32::try_from(offset).map_err(|_| Failure::Limit("the module is larger than 4 GiB".into()))?;
                self.builder.set_srcloc(SourceLoc::new(offset));
            }
            if self.is_reachable() {
                self.operator(&operator)?;
            } else {
                self.skip(&operator)?;
            }
        }
        Ok(())
    }

    /// Declares the parameters as variables.
    fn declare_params(&mut self, ty: &FuncType) {
        let entry = self.builder.current_block().expect("the entry block");
        for (ty, i) in ty.params().iter().zip(1..) {
            let value = self.builder.block_params(entry)[i];
            let variable = self.builder.declare_var(abi::ir_type(*ty));
            self.track_variable(*ty, variable);
            self.builder.def_var(variable, value);
        }
    }

    /// Translates one reachable instruction, by the family that it belongs to.
    fn operator(&mut self, op: &Operator<'_>) -> Result<(), Failure> {
        let known = self.control_operator(op)?
            || self.numeric_operator(op)
            || self.memory_operator(op)
            || self.call_operator(op)?
            || self.global_operator(op)
            || self.table_operator(op)?
            || self.reference_operator(op)
            || self.exception_operator(op)?
            || self.atomic_operator(op)
            || simd::operator(self, op)?;
        if known { Ok(()) } else { Err(unknown(op)) }
    }
}

/// Returns the failure for an instruction that no family knows.
fn unknown(op: &Operator<'_>) -> Failure {
    Failure::Bug(format!("no translation for the instruction {op:?}"))
}

/// Returns the failure for a read error in a validated body.
fn unvalidated(error: wasmparser::BinaryReaderError) -> Failure {
    Failure::Bug(format!("a validated body cannot be read: {error}"))
}
