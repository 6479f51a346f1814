//! Native code that the user vouches for with `--allow-precompiled`: an artifact in, the engine and the module out.
//!
//! # Safety
//! This file may use `unsafe`: an artifact is machine code, and nothing that could be checked makes it harmless. The user
//! has said that it is to be trusted like a program; that it fits this wrun and this machine, and that its header is sound,
//! the runtime checks.
#![allow(unsafe_code, reason = "runs native code that the user vouches for")]

use std::path::Path;

use wrun_runtime::{Engine, Error, MemoryMode, Module, Stale, inspect};

use crate::module::NoModule;
use crate::options::Options;
use crate::report::Reporter;

/// Why an artifact is not run, and what to do.
pub(crate) const NOT_ALLOWED: &str = "it is native code, made by `wrun compile`: if you trust it like a program, run it with --allow-precompiled, \
     else compile it again from its wasm file";

/// An artifact from outside of the cache.
pub(crate) enum Artifact<'a> {
    /// The file of this name, which is mapped.
    File(&'a Path),
    /// These bytes, from standard input or a pipe.
    Bytes(&'a [u8]),
}

/// Loads an artifact, with the settings that it was made with.
pub(crate) fn load(artifact: &Artifact<'_>, options: &Options) -> Result<(Engine, Module), NoModule> {
    let engine = Engine::new(&options.config(MemoryMode::Guarded))?;
    match artifact.deserialize(&engine) {
        Err(Error::Artifact(Stale::Config)) => {}
        result => return Ok((engine, result?)),
    }
    // It was made with other settings than those of a run without options. That is as good, unless others were asked for.
    let found = match artifact {
        Artifact::Bytes(bytes) => inspect(bytes),
        Artifact::File(path) => {
            let bytes = std::fs::read(path).map_err(|error| Error::Resource(error.to_string()))?;
            inspect(&bytes)
        }
    }
    .map_err(Error::Artifact)?;
    if options.code.is_chosen() {
        let map = if found.address_map { "with" } else { "without" };
        let text = format!(
            "it was made with other settings than the options say ({map} an address map, for a CPU with {}): leave --cpu and \
             --no-address-map out, or compile it again",
            found.cpu
        );
        return Err(Reporter::new(options).cannot_run(&text).into());
    }
    let mut config = options.config(found.memory);
    config.cpu(found.cpu).address_map(found.address_map);
    let engine = Engine::new(&config)?;
    let module = artifact.deserialize(&engine)?;
    Ok((engine, module))
}

impl Artifact<'_> {
    fn deserialize(&self, engine: &Engine) -> Result<Module, Error> {
        match self {
            // SAFETY: the user vouches for the file's contents, and that nobody writes to it, as for any program that runs.
            Self::File(path) => unsafe { Module::deserialize_file(engine, path) },
            // SAFETY: the user vouches for the bytes.
            Self::Bytes(bytes) => unsafe { Module::deserialize(engine, bytes) },
        }
    }
}
