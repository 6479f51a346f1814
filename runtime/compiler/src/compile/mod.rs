//! From a module to an artifact: the order of the phases, and the work on several threads.
//!
//! In: wasm bytes, what to compile for, which functions, how to go about it. Out: the artifact's bytes and a report. Each function is
//! compiled by itself ([`body`]), in any order, on any thread; results go to the linker in the order of the text
//! ([`order`]), so equal input gives equal bytes.
//!
//! May not enter: the wasm binary format, files, the host. No type of the code generator leaves.

mod body;
mod cfi;
mod isa;
mod order;
mod panics;
mod pool;
mod trampoline;

#[cfg(test)]
mod tests;

pub(crate) mod function;

use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::time::Instant;

use wrun_artifact::Config;
use wrun_artifact::index::{DefinedFuncIndex, Index};

use self::body::Workspace;
use self::function::Symbol;
use self::order::InOrder;
use self::pool::Pool;
use crate::error::CompileError;
use crate::link::Linker;
use crate::parse::{self, BodyFacts, Facts, Module, ValidationPool};
use crate::translate::Env;

/// How to go about compiling. Nothing here changes the artifact.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// On how many threads to work: by default as many as the machine has to give. With one, none is started.
    pub threads: Option<NonZeroUsize>,
    /// Becomes true when the work is to be given up. Looked at before each function.
    pub interrupt: Option<&'a AtomicBool>,
    /// Whether the code generator checks its own data. The default in builds with debug assertions.
    pub verify: bool,
    /// For tests: the seed of another order in which functions are compiled.
    pub shuffle: Option<u64>,
    /// The CPU time that the process has used up, for the report.
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

/// What compiling took.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Report {
    /// The phases, in order.
    pub phases: Vec<Phase>,
    /// Functions with a body.
    pub functions: usize,
    /// Trampolines between guest and host.
    pub trampolines: usize,
    /// Size of the wasm module.
    pub wasm_bytes: usize,
    /// Size of the machine code.
    pub text_bytes: usize,
    /// Size of the artifact.
    pub artifact_bytes: usize,
}

/// One phase.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Phase {
    /// `parse`, `translate+compile` or `link`.
    pub name: &'static str,
    /// How long it took.
    pub wall: Duration,
    /// The CPU time of all threads in it; zero without a clock.
    pub cpu: Duration,
}

/// Compiles a module: gives the artifact's bytes, and what it took.
pub fn compile(wasm: &[u8], config: &Config, options: &Options<'_>) -> Result<(Vec<u8>, Report), CompileError> {
    compile_subset(wasm, config, options, |_| true)
}

/// Compiles those functions of a module, among the ones it defines, that are `wanted`. The others are validated, and a call
/// to one traps with [`FunctionMissing`](wrun_artifact::TrapCode::FunctionMissing). Gives the artifact's bytes, and what it
/// took.
pub fn compile_subset(
    wasm: &[u8],
    config: &Config,
    options: &Options<'_>,
    wanted: impl Fn(DefinedFuncIndex) -> bool,
) -> Result<(Vec<u8>, Report), CompileError> {
    let mut clock = Clock::new(options);
    let isa = isa::target(config, options.verify)?;
    let module = parse::parse(wasm, config).map_err(|error| parse::explain(wasm, error))?;
    let pool = Pool::new(options.threads, module.bodies.len());
    let bodies = validate(&module, &pool, options.interrupt).map_err(|error| parse::explain(wasm, error))?;
    let facts = Facts::new(&module, bodies.into_iter());
    clock.phase("parse");

    let env = Env {
        module: &module,
        facts: &facts,
        config,
        isa: &*isa,
    };
    let symbol = |func| match wanted(func) {
        true => Symbol::Func(func),
        false => Symbol::Stub(func),
    };
    let functions: Vec<_> = module.bodies.keys().map(symbol).collect();
    let mut linker = Linker::new(&module, &facts, config);
    compile_all(&functions, &env, &pool, options, &mut linker)?;
    // Only now is it known which library calls the functions make.
    let trampolines = trampoline::all(&module, &facts, |symbol| linker.is_wanted(symbol));
    compile_all(&trampolines, &env, &pool, options, &mut linker)?;
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

/// Compiles functions or trampolines, and links them in this order.
fn compile_all(
    symbols: &[Symbol],
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
        jobs.work(|job, result| body::compile(&mut workspace, env, symbols[job], result));
    });
    jobs.finish()?;
    Ok(())
}

/// Validates all bodies. The error is that of the first body in the file that has one. Facts of bodies that have nothing
/// to tell are left out.
fn validate(module: &Module<'_>, pool: &Pool, interrupt: Option<&AtomicBool>) -> Result<Vec<BodyFacts>, CompileError> {
    let next = AtomicUsize::new(0);
    let ends = AtomicBool::new(false);
    let worked = pool.run(|| {
        let mut allocations = ValidationPool::default();
        let mut found = Vec::new();
        while !ends.load(Ordering::Relaxed) {
            // Bodies are handed out in order: those before one that fails are looked at too, whatever the timing.
            let func = next.fetch_add(1, Ordering::Relaxed);
            if func >= module.bodies.len() {
                break;
            }
            let result = if interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                Err(CompileError::Interrupted)
            } else {
                panics::catch(|| parse::validate_body(module, DefinedFuncIndex::new(func), &mut allocations))
                    .unwrap_or_else(|reason| Err(CompileError::Bug(format!("validating body {func}: {reason}"))))
            };
            match result {
                Ok(facts) if facts == BodyFacts::default() => {}
                Ok(facts) => found.push((func, Ok(facts))),
                Err(error) => {
                    ends.store(true, Ordering::Relaxed);
                    found.push((func, Err(error)));
                }
            }
        }
        found
    });
    let mut found: Vec<_> = worked.into_iter().flatten().collect();
    found.sort_unstable_by_key(|(func, _)| *func);
    found.into_iter().map(|(_, result)| result).collect()
}

/// Measures the phases.
struct Clock {
    cpu_clock: fn() -> Duration,
    wall: Instant,
    cpu: Duration,
    phases: Vec<Phase>,
}

impl Clock {
    fn new(options: &Options<'_>) -> Self {
        let cpu_clock = options.cpu_clock.unwrap_or(|| Duration::ZERO);
        Self {
            cpu_clock,
            wall: Instant::now(),
            cpu: cpu_clock(),
            phases: Vec::with_capacity(3),
        }
    }

    /// Ends a phase; the next one begins.
    fn phase(&mut self, name: &'static str) {
        let (wall, cpu) = (Instant::now(), (self.cpu_clock)());
        self.phases.push(Phase {
            name,
            wall: wall - self.wall,
            cpu: cpu.saturating_sub(self.cpu),
        });
        (self.wall, self.cpu) = (wall, cpu);
    }
}
