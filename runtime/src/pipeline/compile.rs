//! Compiles modules.
//!
//! Input: wasm bytes, the settings of an engine. Output: an artifact, an image, or facts about the module. Must not hold: the
//! cache.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use wrun_artifact::config::MemoryMode;
use wrun_compiler::{CompileError, Declarations, Proposal};

use super::Phase;
use super::phase::ms;
use crate::error::Error;
use crate::load::Image;
use crate::state::{EngineCore, little_address_space};
use crate::sys::clock::process_cpu_time;

/// Compiles a module to an artifact.
pub(crate) fn compile(engine: &EngineCore, wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let threads = engine.config().threads;
    let config = engine.config().artifact;
    let deadline = engine.config().deadline.as_ref();
    let compile = move |wasm: &[u8], interrupt: Option<&AtomicBool>| {
        let options = wrun_compiler::Options {
            threads,
            interrupt,
            cpu_clock: log::log_enabled!(log::Level::Debug).then_some(process_cpu_time as fn() -> Duration),
            ..wrun_compiler::Options::default()
        };
        wrun_compiler::compile(wasm, &config, &options)
    };
    let (artifact, report) = match deadline {
        None => compile(wasm, None)?,
        Some(deadline) => {
            let (wasm, watch) = (wasm.to_vec(), deadline.watch());
            // Compiling a single function of a few megabytes can take minutes, and the code generator cannot be interrupted
            // inside a function.
            let work = move || compile(&wasm, Some(watch.flag()));
            deadline.run(work).ok_or(CompileError::Interrupted)??
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

/// Checks that the bytes are a complete wasm module by its format.
pub(crate) fn recognise(wasm: &[u8]) -> Result<(), Error> {
    Ok(wrun_compiler::recognise(wasm)?)
}

/// Reads the declarations of a module, which come before its code.
pub(crate) fn declarations(wasm: &[u8]) -> Result<Declarations, Error> {
    Ok(wrun_compiler::declarations(wasm)?)
}

/// Lists the proposals that a module needs and that wrun does not run.
pub(crate) fn proposals(engine: &EngineCore, wasm: &[u8]) -> Result<Vec<Proposal>, Error> {
    let options = wrun_compiler::Options {
        threads: engine.config().threads,
        ..wrun_compiler::Options::default()
    };
    Ok(wrun_compiler::proposals(wasm, &options)?)
}

/// Refuses a module with a memory if the address space has no room for the reservation that its code would need.
pub(crate) fn check_room(engine: &EngineCore, wasm: &[u8]) -> Result<(), Error> {
    if engine.config().artifact.memory == MemoryMode::Guarded
        && let Some(little) = little_address_space()
        && declarations(wasm)?.has_memory
    {
        return Err(little);
    }
    Ok(())
}

/// Compiles a module and loads its artifact.
pub(crate) fn compile_and_load(engine: &EngineCore, wasm: &[u8]) -> Result<Image, Error> {
    check_room(engine, wasm)?;
    let artifact = compile(engine, wasm)?;
    let _phase = Phase::start("load");
    Image::from_compiler(&artifact, &engine.config().artifact)
}
