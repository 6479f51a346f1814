//! Artifacts of this process.
#![allow(
    unsafe_code,
    reason = "loading an artifact is a promise that wrun made it, which holds for those made here"
)]

use wrun_runtime::{Engine, Error, Module};

/// Loads an artifact that this process has made.
pub(crate) fn load(engine: &Engine, artifact: &[u8]) -> Result<Module, Error> {
    // SAFETY: the only caller has just got the bytes from the compiler.
    unsafe { Module::deserialize(engine, artifact) }
}
