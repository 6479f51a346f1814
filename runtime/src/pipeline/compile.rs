//! From wasm bytes to an artifact, with the compiler.

use std::time::Duration;

use wrun_compiler::CompileError;

use super::Phase;
use super::phase::ms;
use crate::error::Error;
use crate::load::Image;
use crate::state::EngineCore;
use crate::sys::clock::process_cpu_time;
use crate::trap::Deadline;

/// Compiles a module to an artifact.
pub(crate) fn compile(engine: &EngineCore, wasm: &[u8], deadline: Option<&Deadline>) -> Result<Vec<u8>, Error> {
    let options = wrun_compiler::Options {
        threads: engine.config().threads,
        interrupt: deadline.map(Deadline::flag),
        cpu_clock: log::log_enabled!(log::Level::Debug).then_some(process_cpu_time as fn() -> Duration),
        ..wrun_compiler::Options::default()
    };
    let config = engine.config().artifact;
    let (artifact, report) = match deadline {
        None => wrun_compiler::compile(wasm, &config, &options)?,
        Some(deadline) => {
            let wasm = wasm.to_vec();
            // A single function of a few megabytes can take minutes, and nothing interrupts the code generator within one.
            let compile = move || wrun_compiler::compile(&wasm, &config, &options);
            deadline.run(compile).ok_or(CompileError::Interrupted)??
        }
    };
    for phase in &report.phases {
        log::debug!("{}: {} wall, {} cpu", phase.name, ms(phase.wall), ms(phase.cpu));
    }
    log::debug!(
        "{} bytes of wasm, {} functions and {} trampolines, {} bytes of text, {} bytes of artifact",
        report.wasm_bytes,
        report.functions,
        report.trampolines,
        report.text_bytes,
        report.artifact_bytes
    );
    Ok(artifact)
}

/// Refuses bytes that are no wasm module, and those whose end is missing.
pub(crate) fn recognise(wasm: &[u8]) -> Result<(), Error> {
    Ok(wrun_compiler::recognise(wasm)?)
}

/// Compiles a module and loads its artifact.
pub(crate) fn compile_and_load(engine: &EngineCore, wasm: &[u8], deadline: Option<&Deadline>) -> Result<Image, Error> {
    let artifact = compile(engine, wasm, deadline)?;
    let _phase = Phase::start("load");
    Image::from_compiler(&artifact, &engine.config().artifact)
}
