//! Compiles one function or trampoline.
//!
//! In: its symbol, the module and what is known of it, the settings. Out: machine code and what goes with it in wrun's own
//! types. A pure function of these: nothing here remembers an earlier function, only its allocations. Panics become errors.

use cranelift_codegen::binemit::{CodeOffset, Reloc as RelocKind};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{self, ExternalName};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{CodegenError, CompiledCode, FinalizedMachReloc, FinalizedRelocTarget};
use wrun_artifact::index::DefinedFuncIndex;

use super::{panics, trampoline};
use crate::code::{CompiledFunction, FUNCTION_ALIGNMENT, Reloc, Symbol};
use crate::error::{CompileError, Failure};
use crate::translate::{self, Env, trap};

/// The code generator's memory that is kept from function to function: one per thread.
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

/// Bodies longer than this leave their allocations behind: they would keep memory that hardly any other function needs.
const LARGE_BODY: usize = 64 << 10;

/// Compiles the function or trampoline `symbol` into `out`.
pub(crate) fn compile(
    workspace: &mut Workspace,
    env: &Env<'_>,
    symbol: Symbol,
    out: &mut CompiledFunction,
) -> Result<(), CompileError> {
    let parts = &mut *workspace.0;
    let result = panics::catch(|| match symbol {
        Symbol::Func(func) => defined(parts, env, func, out),
        _ => other(parts, env, symbol, out),
    });
    // What panicked or was very large leaves nothing behind that the next function would want.
    let body = match symbol {
        Symbol::Func(func) => env.module.bodies.get(func),
        _ => None,
    };
    if result.is_err() || body.is_some_and(|body| body.range.len() > LARGE_BODY) {
        *workspace = Workspace::default();
    }
    result
        .map_err(Failure::bug)
        .flatten()
        .map_err(|failure| named(env, symbol, failure))
}

/// A function of the module.
fn defined(
    parts: &mut Parts,
    env: &Env<'_>,
    func: DefinedFuncIndex,
    out: &mut CompiledFunction,
) -> Result<(), Failure> {
    parts.codegen.clear();
    translate::function(&mut parts.translate, env, func, &mut parts.codegen.func)?;
    let begin = u32::try_from(env.module.bodies[func].range.start).ok();
    let begin = begin.filter(|_| env.config.address_map);
    generate(parts, env.isa, begin, out)
}

/// A trampoline.
fn other(parts: &mut Parts, env: &Env<'_>, symbol: Symbol, out: &mut CompiledFunction) -> Result<(), Failure> {
    parts.codegen.clear();
    trampoline::build(env.module, symbol, &mut parts.codegen.func).map_err(Failure::bug)?;
    generate(parts, env.isa, None, out)
}

/// From IR to code. `begin` is the beginning of the body in the wasm file, when addresses are to be mapped.
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

/// Takes the code, and what goes with it, out of the code generator's form.
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
            // The stack pointer has its lowest value of the frame at a call: arguments on the stack have room in the frame.
            let slot = sp_to_fp.checked_sub(sp_offset).filter(|slot| *slot >= ty.bytes());
            let slot = slot.ok_or_else(|| Failure::bug(format!("a reference outside of its frame, at {sp_offset}")))?;
            out.stack_slots.push((*return_address, slot));
        }
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

/// Enters that the code from `start` on comes from `wasm`.
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

/// What an error of the code generator means.
fn failure(error: &CodegenError) -> Failure {
    match error {
        CodegenError::CodeTooLarge => Failure::Limit("its code would be too large".to_owned()),
        CodegenError::ImplLimitExceeded => Failure::Limit(
            "it exceeds a limit of the code generator (its frame, or the number of its instructions)".to_owned(),
        ),
        // One line: the verifier lists everything it found, and the first is the telling one.
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

fn named(env: &Env<'_>, symbol: Symbol, failure: Failure) -> CompileError {
    let (reason, bug) = match failure {
        Failure::Limit(reason) => (reason, false),
        Failure::Bug(reason) => (reason, true),
    };
    let Symbol::Func(func) = symbol else {
        return CompileError::Bug(format!("{}: {reason}", trampoline::describe(env.module, symbol)));
    };
    let index = env.module.func_index(func);
    let name = env.module.func_names.get(index).copied().flatten().map(str::to_owned);
    CompileError::Function {
        index: index.as_u32(),
        name,
        reason,
        bug,
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
