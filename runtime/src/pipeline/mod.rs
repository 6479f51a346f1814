//! Gets the image of a module. Only this room sees both the compiler and the cache.
//!
//! Input: the source of a module, settings. Output: a loaded image. Must not hold: how modules are compiled, stored or mapped.

#[cfg(feature = "compiler")]
mod compile;
mod phase;
mod profile;

use std::io;

use wrun_artifact::header::Compare;

use crate::cache::{Cache, CacheKey, CacheMode, FileIdentity, Found, Settings};
use crate::error::{Error, Miss};
use crate::load::Image;
use crate::state::EngineCore;
use crate::sys::deadline::Deadline;
#[cfg(feature = "compiler")]
pub(crate) use compile::{check_room, compile, compile_and_load, declarations, proposals, recognise};
pub(crate) use phase::Phase;
pub(crate) use profile::show_to_perf;
#[cfg(feature = "compiler")]
pub(crate) use wrun_compiler::{Declarations as Declared, Linkage, Proposal};

/// Returns all settings that change an artifact.
pub(crate) fn settings_of(engine: &EngineCore) -> Settings {
    Settings::new(&wrun_artifact::BUILD, &engine.config().artifact.to_bytes())
}

/// Returns the image of a file that the cache knows by its identity.
pub(crate) fn cached_by_identity(engine: &EngineCore, cache: &Cache, identity: &FileIdentity) -> Option<Image> {
    let mut phase = Phase::start("cache");
    let found = cache.find_by_identity(identity, &settings_of(engine));
    found
        .and_then(|artifact| {
            phase.switch("load");
            load_cached(engine, cache, artifact)
        })
        .inspect_err(log_miss)
        .ok()
}

/// Returns the image of a module from the cache, or else compiles it, if `accept` accepts its bytes, and adds it to the cache.
pub(crate) fn cached<E: From<Error>>(
    engine: &EngineCore,
    cache: &Cache,
    wasm: &[u8],
    identity: Option<&FileIdentity>,
    accept: impl FnOnce(&[u8]) -> Result<(), E>,
) -> Result<Image, E> {
    let settings = settings_of(engine);
    let mut phase = Phase::start("cache");
    let key = CacheKey::new(wasm, &settings);
    let find = |phase: &mut Phase| {
        let artifact = cache.find(&key)?;
        phase.switch("load");
        let image = load_cached(engine, cache, artifact)?;
        if let Some(identity) = identity.filter(|identity| cache.remembers(identity)) {
            phase.switch("cache");
            if let Err(error) = cache.remember(identity, &settings, &key) {
                log::debug!("cache: cannot remember the module's file: {error}");
            }
        }
        Ok(image)
    };
    let reason = match find(&mut phase) {
        Ok(image) => return Ok(image),
        Err(reason) => reason,
    };
    log_miss(&reason);
    if cache.mode() == CacheMode::Require || cfg!(not(feature = "compiler")) {
        let artifact = cache.artifact_path(&key);
        return Err(Error::CacheMiss { artifact, reason }.into());
    }
    drop(phase);
    accept(wasm)?;
    check_room(engine, wasm)?;
    let mut phase = Phase::start("cache");
    // One of several processes compiles. The others wait here until it is done.
    let lock = cache.lock(&key, || engine.config().deadline.as_ref().is_some_and(Deadline::passed));
    if lock.is_some()
        && let Ok(image) = find(&mut phase)
    {
        return Ok(image);
    }
    drop(phase);
    let artifact = compile(engine, wasm)?;
    if cache.mode() == CacheMode::ReadWrite {
        let mut phase = Phase::start("cache");
        match cache.publish(&key, &artifact) {
            // An image that is mapped from the file needs no copy in memory.
            Ok(()) => match find(&mut phase) {
                Ok(image) => return Ok(image),
                Err(reason) => log_miss(&reason),
            },
            Err(error) => log::debug!("cache: cannot add the artifact: {error}"),
        }
    }
    drop(lock);
    let _phase = Phase::start("load");
    Ok(Image::from_compiler(&artifact, &engine.config().artifact)?)
}

/// Maps an artifact of the cache. Verifies it first, if it was not verified before.
fn load_cached(engine: &EngineCore, cache: &Cache, found: Found) -> Result<Image, Miss> {
    let Found { artifact, unverified } = found;
    let compare = if unverified.is_some() {
        Compare::All
    } else {
        Compare::Nothing
    };
    let image = Image::from_cache(artifact, &engine.config().artifact, compare).map_err(|error| match error {
        Error::Artifact(stale) => Miss::Stale(stale),
        error => Miss::Unusable(io::Error::other(error.to_string())),
    })?;
    if let Some(file) = unverified {
        cache.remember_verified(&file);
    }
    Ok(image)
}

/// Logs why an artifact cannot be used. A missing artifact is not logged.
fn log_miss(reason: &Miss) {
    match reason {
        Miss::Absent => {}
        reason => log::debug!("cache: an artifact is not used: {reason}"),
    }
}

#[cfg(not(feature = "compiler"))]
fn compile(_engine: &EngineCore, _wasm: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::Refused("this build of wrun has no compiler".into()))
}

#[cfg(not(feature = "compiler"))]
fn check_room(_engine: &EngineCore, _wasm: &[u8]) -> Result<(), Error> {
    Ok(())
}
