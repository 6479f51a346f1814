//! Native code that the user vouches for with `--allow-precompiled`: an artifact in, the engine and the module out.
//!
//! # Safety
//! This file may use `unsafe`: an artifact is machine code, and nothing that could be checked makes it harmless. The user
//! has said that it is to be trusted like a program; that it fits this wrun and this machine, and that it is not damaged,
//! the runtime checks.
#![allow(unsafe_code, reason = "runs native code that the user vouches for")]

use std::path::Path;

use wrun_runtime::{Cache, Engine, Error, MemoryMode, Module, Stale, Verify, inspect};

use crate::input::NoModule;
use crate::options::Options;
use crate::report::Failure;

/// Why an artifact is not run, and what to do.
pub(crate) const NOT_ALLOWED: &str = "it is native code, made by `wrun compile`: if you trust it like a program, run it with --allow-precompiled, \
     else compile it again from its wasm file";

/// An artifact from outside of the cache.
pub(crate) enum Artifact<'a> {
    /// The file of this name, which is mapped, and its first bytes.
    File(&'a Path, Vec<u8>),
    /// These bytes, from standard input or a pipe.
    Bytes(&'a [u8]),
}

/// Loads an artifact, with the settings that it was made with: they are as good as those of a run without options, unless others
/// were asked for.
/// A file that the cache knows to be whole is not verified again.
pub(crate) fn load(
    artifact: &Artifact<'_>,
    options: &Options,
    cache: Option<&Cache>,
) -> Result<(Engine, Module), NoModule> {
    let mut config = options.config(MemoryMode::Guarded);
    if !options.codegen.is_chosen() {
        config.like_artifact(match artifact {
            Artifact::File(_, beginning) => beginning,
            Artifact::Bytes(bytes) => bytes,
        });
    }
    let engine = Engine::new(&config)?;
    match artifact.deserialize(&engine, cache) {
        Err(Error::Artifact(Stale::Config)) if options.codegen.is_chosen() => {
            Err(other_settings(artifact, options)?.into())
        }
        result => Ok((engine, result?)),
    }
}

/// The failure of an artifact that was made with other settings than those that were asked for.
fn other_settings(artifact: &Artifact<'_>, options: &Options) -> Result<Failure, Error> {
    let found = match artifact {
        Artifact::Bytes(bytes) => inspect(bytes),
        Artifact::File(path, _) => {
            let bytes = std::fs::read(path).map_err(|error| Error::Resource(error.to_string()))?;
            inspect(&bytes)
        }
    }
    .map_err(Error::Artifact)?;
    let map = if found.address_map { "with" } else { "without" };
    let text = format!(
        "it was made with other settings than the options say ({map} an address map, for a CPU with {}): leave --cpu and \
         --no-address-map out, or compile it again",
        found.cpu
    );
    Ok(options.reporter().cannot_run(&text))
}

impl Artifact<'_> {
    fn deserialize(&self, engine: &Engine, cache: Option<&Cache>) -> Result<Module, Error> {
        let verify = cache.map_or(Verify::Always, Verify::Once);
        match self {
            // SAFETY: the user vouches for the file's contents, and that nobody writes to it, as for any program that runs.
            Self::File(path, _) => unsafe { Module::deserialize_file(engine, path, verify) },
            // SAFETY: the user vouches for the bytes.
            Self::Bytes(bytes) => unsafe { Module::deserialize(engine, bytes) },
        }
    }
}
