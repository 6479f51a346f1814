//! Loads native code that the user trusts with `--allow-precompiled`.
//!
//! Input: an artifact. Output: the engine and the module. Must not hold: wasm, the cache's artifacts.
//!
//! # Safety
//! This file may use `unsafe`: an artifact is machine code, and no check can show that it is harmless. With the option, the
//! user has said that the file is trusted like a program. The runtime checks that the artifact is not damaged and fits this
//! wrun and this machine.
#![allow(unsafe_code, reason = "runs native code that the user trusts")]

use std::path::Path;

use wrun_runtime::{Cache, Engine, Error, MemoryMode, Module, Stale, Verify, inspect};

use crate::input::NoModule;
use crate::options::Options;
use crate::report::Failure;

/// The message for an artifact without `--allow-precompiled`.
pub(crate) const NOT_ALLOWED: &str = "it is native code, made by `wrun compile`: if you trust it like a program, run it with --allow-precompiled, \
     else compile it again from its wasm file";

/// An artifact that does not come from the cache.
pub(crate) enum Artifact<'a> {
    /// A file, which is mapped: its path and its first bytes.
    File(&'a Path, Vec<u8>),
    /// The bytes from standard input or a pipe.
    Bytes(&'a [u8]),
}

/// Loads an artifact with the settings that it was compiled with. Fails if the options ask for other settings. A file that the
/// cache remembers as verified is not verified again.
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

/// Returns the failure of an artifact that was compiled with other settings than the options ask for.
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
    let deterministic = if found.deterministic { "" } else { "not " };
    let text = format!(
        "it was made with other settings than the options say ({map} an address map, {deterministic}deterministic, for a CPU with \
         {}): leave --cpu, --no-address-map and --deterministic out, or compile it again",
        found.cpu
    );
    Ok(options.reporter().cannot_run(&text))
}

impl Artifact<'_> {
    fn deserialize(&self, engine: &Engine, cache: Option<&Cache>) -> Result<Module, Error> {
        let verify = cache.map_or(Verify::Always, Verify::Once);
        match self {
            // SAFETY: the user trusts the contents of the file and does not change it while it runs, as with any program.
            Self::File(path, _) => unsafe { Module::deserialize_file(engine, path, verify) },
            // SAFETY: the user trusts the bytes.
            Self::Bytes(bytes) => unsafe { Module::deserialize(engine, bytes) },
        }
    }
}
