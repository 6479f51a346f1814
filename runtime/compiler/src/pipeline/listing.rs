//! Lists the IR and the assembly of every function of a module, for golden tests.

use wrun_artifact::Config;

use super::{named, validate};
use crate::code::{Symbol, isa};
use crate::compile;
use crate::error::CompileError;
use crate::parse::{self, Scan};
use crate::pipeline::pool::Pool;
use crate::translate::{self, Env};

/// The listing of one function or trampoline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// Its symbol in an artifact of a module without names: `wasm_function_3`, `wrun_entry_0`.
    pub name: String,
    /// Cranelift IR after translation, before optimisation.
    pub clif: String,
    /// Machine code as Cranelift prints it after register allocation. Symbols, labels and constants have names, so it contains
    /// no addresses.
    pub assembly: String,
}

/// Lists the functions of a module in index order. If `trampolines` is true, all trampolines follow, including those of all
/// libcalls, and the stubs of all functions. The result depends only on the module and the config.
///
/// # Errors
/// The same as [`compile()`](super::compile()).
pub fn list(wasm: &[u8], config: &Config, trampolines: bool) -> Result<Vec<Listing>, CompileError> {
    let isa = isa::target(config, true)?;
    let module = parse::parse(wasm, config)?;
    let bodies = validate(wasm, &module, &Pool::new(None, 0), None)?;
    let scan = Scan::new(&module, bodies.into_iter());
    let env = Env {
        facts: &scan.facts,
        layout: &module.layout,
        config,
        isa: &*isa,
    };
    let functions = module
        .bodies
        .iter()
        .map(|(func, body)| (Symbol::Func(func), Some(body)));
    let others = trampolines.then(|| {
        let stubs = module.bodies.keys().map(Symbol::Stub);
        let all = translate::trampolines(&scan.facts, |_| true);
        all.into_iter().chain(stubs).collect::<Vec<_>>()
    });
    functions
        .chain(others.into_iter().flatten().map(|symbol| (symbol, None)))
        .map(|(symbol, body)| {
            let (clif, assembly) =
                compile::list(&env, symbol, body).map_err(|failure| named(&module, symbol, failure))?;
            Ok(Listing {
                name: crate::link::made_up_name(&module, symbol),
                clif,
                assembly,
            })
        })
        .collect()
}
