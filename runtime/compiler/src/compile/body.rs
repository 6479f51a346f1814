//! Compiles one function or trampoline.
//!
//! Input: the symbol, the body, the facts about the module, the settings. Output: machine code and its tables, in wrun's own
//! types. The output depends on the input only: earlier functions leave nothing behind but their allocations. Panics become
//! errors.

use cranelift_codegen::binemit::{CodeOffset, Reloc as RelocKind};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{self, ExternalName};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{
    CodegenError, CompiledCode, FinalizedMachExceptionHandler, FinalizedMachReloc, FinalizedRelocTarget,
};
use wrun_artifact::handlers::Handler;

use super::panics;
use crate::code::{CompiledFunction, FUNCTION_ALIGNMENT, Reloc, Symbol};
use crate::error::Failure;
use crate::parse::Body;
use crate::translate::{self, Env, trap};

/// Memory of the code generator that is used again for the next function. Each thread has one.
#[derive(Default)]
pub(crate) struct Workspace(Box<Parts>);

struct Parts {
    translate: translate::Context,
    codegen: cranelift_codegen::Context,
    control: ControlPlane,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            translate: translate::Context::default(),
            codegen: cranelift_codegen::Context::new(),
            control: ControlPlane::default(),
        }
    }
}

/// Length in bytes from which on the memory is freed after a body. Hardly any other function would need so much.
const LARGE_BODY: usize = 64 << 10;

/// Compiles the function or trampoline `symbol` into `out`. `body` is the function's body; a trampoline has none.
///
/// # Errors
/// Fails for limits of wrun or of the code generator, and for bugs, including panics.
pub(crate) fn compile(
    workspace: &mut Workspace,
    env: &Env<'_>,
    symbol: Symbol,
    body: Option<&Body<'_>>,
    out: &mut CompiledFunction,
) -> Result<(), Failure> {
    let parts = &mut *workspace.0;
    let result = panics::catch(|| {
        build(parts, env, symbol, body)?;
        let begin = body.and_then(|body| u32::try_from(body.range.start).ok());
        generate(parts, env.isa, begin.filter(|_| env.config.address_map), out)
    });
    // After a panic or a very large body, the memory is not used again.
    if result.is_err() || body.is_some_and(|body| body.range.len() > LARGE_BODY) {
        *workspace = Workspace::default();
    }
    result.map_err(Failure::Bug).flatten()
}

/// Returns the IR of a function or trampoline before optimisation, and its machine code as assembly, both as text.
///
/// # Errors
/// The same as [`compile()`].
pub(crate) fn list(env: &Env<'_>, symbol: Symbol, body: Option<&Body<'_>>) -> Result<(String, String), Failure> {
    let mut parts = Parts::default();
    build(&mut parts, env, symbol, body)?;
    let clif = parts.codegen.func.display().to_string();
    parts.codegen.set_disasm(true);
    let compiled = parts
        .codegen
        .compile(env.isa, &mut parts.control)
        .map_err(|error| failure(&error.inner))?;
    let assembly = compiled.vcode.clone();
    Ok((clif, assembly.ok_or_else(|| Failure::bug("there is no listing"))?))
}

/// Builds the IR of a function or trampoline.
fn build(parts: &mut Parts, env: &Env<'_>, symbol: Symbol, body: Option<&Body<'_>>) -> Result<(), Failure> {
    parts.codegen.clear();
    let out = &mut parts.codegen.func;
    match (symbol, body) {
        (Symbol::Func(func), Some(body)) => translate::function(&mut parts.translate, env, func, body, out),
        (Symbol::Func(_), None) => Err(Failure::bug("there is no body")),
        _ => translate::trampoline(&mut parts.translate, env, symbol, out),
    }
}

/// Compiles IR to machine code. `begin` is the offset of the body in the wasm file, if there is to be an address map.
fn generate(
    parts: &mut Parts,
    isa: &dyn TargetIsa,
    begin: Option<u32>,
    out: &mut CompiledFunction,
) -> Result<(), Failure> {
    parts
        .codegen
        .compile(isa, &mut parts.control)
        .map_err(|error| failure(&error.inner))?;
    let compiled = parts
        .codegen
        .take_compiled_code()
        .ok_or_else(|| Failure::bug("there is no code"))?;
    take(&compiled, &parts.codegen.func, begin, out)
}

/// Converts the code and its tables from the code generator's types.
fn take(
    compiled: &CompiledCode,
    func: &ir::Function,
    begin: Option<u32>,
    out: &mut CompiledFunction,
) -> Result<(), Failure> {
    let buffer = &compiled.buffer;
    if buffer.alignment > FUNCTION_ALIGNMENT {
        return Err(Failure::bug(format!(
            "its constants are to be aligned to {}",
            buffer.alignment
        )));
    }
    out.clear();
    out.code.extend_from_slice(buffer.data());
    for reloc in buffer.relocs() {
        out.relocs.push(relocation(reloc, func)?);
    }
    for trap in buffer.traps() {
        let code = trap::from_clif(trap.code)
            .ok_or_else(|| Failure::bug(format!("unknown trap code {} at {:#x}", trap.code, trap.offset)))?;
        out.traps.push((trap.offset, code));
    }
    for (return_address, sp_to_fp, map) in buffer.user_stack_maps() {
        for (ty, sp_offset) in map.entries() {
            // At a call the stack pointer is at the end of the frame: arguments on the stack lie inside the frame.
            let slot = sp_to_fp.checked_sub(sp_offset).filter(|slot| *slot >= ty.bytes());
            let slot = slot.ok_or_else(|| Failure::bug(format!("a reference outside of its frame, at {sp_offset}")))?;
            out.stack_slots.push((*return_address, slot));
        }
    }
    for call in buffer.call_sites().filter(|call| !call.exception_handlers.is_empty()) {
        let (&[FinalizedMachExceptionHandler::Default(landing)], Some(depth)) =
            (call.exception_handlers, call.frame_offset)
        else {
            return Err(Failure::bug(format!(
                "a call with other handlers than one for all: {call:?}"
            )));
        };
        out.handlers.push((call.ret_addr, Handler { landing, depth }));
    }
    // Not all of a function's code comes from an instruction: its beginning belongs to the beginning of the body, the
    // rest to what stands before it.
    if let Some(begin) = begin {
        out.addresses.push((0, begin));
        for range in buffer
            .get_srclocs_sorted()
            .iter()
            .filter(|range| !range.loc.is_default())
        {
            address(&mut out.addresses, range.start, range.loc.bits());
        }
    }
    Ok(())
}

/// Records that the code from `start` on comes from `wasm`.
fn address(addresses: &mut Vec<(u32, u32)>, start: CodeOffset, wasm: u32) {
    if addresses.last().is_some_and(|(last, _)| *last == start) {
        addresses.pop();
    }
    if addresses.last().is_none_or(|(_, last)| *last != wasm) {
        addresses.push((start, wasm));
    }
}

fn relocation(reloc: &FinalizedMachReloc, func: &ir::Function) -> Result<Reloc, Failure> {
    let FinalizedRelocTarget::ExternalName(name) = &reloc.target else {
        return Err(Failure::bug(format!(
            "a reference to the function's own offset: {reloc:?}"
        )));
    };
    let user = match name {
        ExternalName::User(name) => func.params.user_named_funcs().get(*name),
        _ => None,
    };
    let symbol = user
        .and_then(Symbol::from_name)
        .ok_or_else(|| Failure::bug(format!("a reference to something outside of the text: {name:?}")))?;
    match (reloc.kind, i32::try_from(reloc.addend)) {
        (RelocKind::X86CallPCRel4 | RelocKind::X86PCRel4, Ok(addend)) => Ok(Reloc {
            offset: reloc.offset,
            symbol,
            addend,
        }),
        _ => Err(Failure::bug(format!(
            "a reference that linking does not resolve: {reloc:?}"
        ))),
    }
}

/// Converts an error of the code generator.
fn failure(error: &CodegenError) -> Failure {
    match error {
        CodegenError::CodeTooLarge => Failure::Limit("its code would be too large".to_owned()),
        CodegenError::ImplLimitExceeded => Failure::Limit(
            "it exceeds a limit of the code generator (its frame, or the number of its instructions)".to_owned(),
        ),
        // Only the first line: the verifier lists many errors, and the first one names the cause.
        other => Failure::bug(
            other
                .to_string()
                .lines()
                .map(str::trim)
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_and_empty_ranges_leave_no_entry() {
        let mut addresses = vec![(0, 100)];
        for (start, wasm) in [(0, 101), (4, 101), (9, 102), (9, 103), (12, 101), (12, 103), (20, 101)] {
            address(&mut addresses, start, wasm);
        }
        assert_eq!(addresses, [(0, 101), (9, 103), (20, 101)]);
    }
}
