//! Compiles wasm bytes to an artifact: runs the phases, on several threads.
//!
//! Input: wasm bytes, the config, the functions to compile, and options. Output: the artifact's bytes and a report. Functions
//! are compiled in any order, on any thread ([`pool`]). The results go to the linker in the order of the text ([`order`]), so
//! equal input gives equal bytes.
//!
//! Must not hold: details of a phase, files, the host.

mod listing;
mod order;
mod pool;
mod report;
mod validate;

#[cfg(test)]
mod tests;

use core::num::NonZeroUsize;
use core::sync::atomic::AtomicBool;
use core::time::Duration;

use wrun_artifact::Config;
use wrun_artifact::index::DefinedFuncIndex;

pub use self::listing::{Listing, list};
use self::order::InOrder;
use self::pool::Pool;
use self::report::Clock;
pub use self::report::{Phase, Report};
use self::validate::validate;
use crate::code::{Symbol, isa};
use crate::compile::{self, Workspace};
use crate::error::{CompileError, Failure, Proposal};
use crate::link::Linker;
use crate::parse::{self, Module, Scan};
use crate::translate::{self, Env};

/// Options for compiling. They do not change the artifact.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Number of threads; by default the parallelism of the machine. With 1, no thread is started.
    pub threads: Option<NonZeroUsize>,
    /// Becomes true when the work is to be aborted. It is checked before each function.
    pub interrupt: Option<&'a AtomicBool>,
    /// Makes the code generator check its own data. It is on by default in builds with debug assertions.
    pub verify: bool,
    /// For tests: compiles the functions in a random order with this seed.
    pub shuffle: Option<u64>,
    /// Clock for the report: returns the CPU time that the process has used.
    pub cpu_clock: Option<fn() -> Duration>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            threads: None,
            interrupt: None,
            verify: cfg!(debug_assertions),
            shuffle: None,
            cpu_clock: None,
        }
    }
}

/// Compiles a module. Returns the artifact's bytes and a report on the time and sizes.
///
/// # Errors
/// Every [`CompileError`].
pub fn compile(wasm: &[u8], config: &Config, options: &Options<'_>) -> Result<(Vec<u8>, Report), CompileError> {
    compile_subset(wasm, config, options, |_| true)
}

/// Compiles the functions of a module for which `wanted` returns true. The others are only validated, and a call of one traps
/// with [`FunctionMissing`](wrun_artifact::TrapCode::FunctionMissing). Returns the artifact's bytes and a report.
///
/// # Errors
/// Every [`CompileError`].
pub fn compile_subset(
    wasm: &[u8],
    config: &Config,
    options: &Options<'_>,
    wanted: impl Fn(DefinedFuncIndex) -> bool,
) -> Result<(Vec<u8>, Report), CompileError> {
    let mut clock = Clock::new(options);
    let isa = isa::target(config, options.verify)?;
    let module = parse::parse(wasm, config).map_err(|error| parse::explain_sections(wasm, error))?;
    let pool = Pool::new(options.threads, module.bodies.len());
    let bodies = validate(wasm, &module, &pool, options.interrupt)?;
    let scan = Scan::new(&module, bodies.into_iter());
    clock.phase("parse");

    let env = Env {
        facts: &scan.facts,
        layout: &module.layout,
        config,
        isa: &*isa,
    };
    let symbol = |func| match wanted(func) {
        true => Symbol::Func(func),
        false => Symbol::Stub(func),
    };
    let functions: Vec<_> = module.bodies.keys().map(symbol).collect();
    let mut linker = Linker::new(&module, &scan, config);
    compile_all(&functions, &module, &env, &pool, options, &mut linker)?;
    // Now it is known which libcalls the functions use.
    let trampolines = translate::trampolines(&scan.facts, |symbol| linker.is_wanted(symbol));
    compile_all(&trampolines, &module, &env, &pool, options, &mut linker)?;
    drop(pool);
    clock.phase("translate+compile");

    let linked = linker.finish()?;
    clock.phase("link");
    let report = Report {
        phases: clock.phases,
        functions: functions.len(),
        trampolines: trampolines.len(),
        wasm_bytes: wasm.len(),
        text_bytes: linked.text_bytes,
        artifact_bytes: linked.bytes.len(),
    };
    Ok((linked.bytes, report))
}

/// Returns all unsupported proposals that a module needs, the most common first. It validates the module and compiles nothing.
///
/// # Errors
/// The error of a module that is invalid even with all proposals.
pub fn proposals(wasm: &[u8], options: &Options<'_>) -> Result<Vec<Proposal>, CompileError> {
    parse::recognise(wasm)?;
    validate::proposals(wasm, &Pool::new(options.threads, usize::MAX), options.interrupt)
}

/// Compiles functions or trampolines, and passes them to the linker in this order.
fn compile_all(
    symbols: &[Symbol],
    module: &Module<'_>,
    env: &Env<'_>,
    pool: &Pool,
    options: &Options<'_>,
    linker: &mut Linker<'_>,
) -> Result<(), CompileError> {
    let jobs = InOrder::new(symbols.len(), options.shuffle, options.interrupt, |job, result: &_| {
        linker.push(symbols[job], result)
    });
    pool.run(|| {
        let mut workspace = Workspace::default();
        jobs.work(|job, result| {
            let symbol = symbols[job];
            let body = match symbol {
                Symbol::Func(func) => module.bodies.get(func),
                _ => None,
            };
            compile::compile(&mut workspace, env, symbol, body, result)
                .map_err(|failure| named(module, symbol, failure))
        });
    });
    jobs.finish()?;
    Ok(())
}

/// Adds the name of the function or trampoline to a failure.
fn named(module: &Module<'_>, symbol: Symbol, failure: Failure) -> CompileError {
    let (reason, bug) = match failure {
        Failure::Limit(reason) => (reason, false),
        Failure::Bug(reason) => (reason, true),
    };
    let Symbol::Func(func) = symbol else {
        return CompileError::Bug(format!("{}: {reason}", describe(module, symbol)));
    };
    let index = module.func_index(func);
    let name = module.func_names.get(index).copied().flatten().map(str::to_owned);
    CompileError::Function {
        index: index.as_u32(),
        name,
        reason,
        bug,
    }
}

/// Describes a trampoline for messages.
fn describe(module: &Module<'_>, symbol: Symbol) -> String {
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
