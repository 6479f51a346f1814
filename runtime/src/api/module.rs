//! Modules: loaded artifacts, ready to be instantiated.
//!
//! Input: wasm bytes, an artifact, or the identity of a file that the cache knows. Output: a module, with the types of its
//! imports and exports. Must not hold: how a module is compiled or looked up (`pipeline`, `cache`).

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use wrun_artifact::header::Compare;
use wrun_artifact::types::ExternType;

use super::Engine;
use crate::cache::{Cache, FileIdentity};
use crate::error::{Error, MissingImport};
use crate::load::Image;
use crate::pipeline::{self, Phase};
use crate::state::ModuleCore;

/// A compiled module. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Module {
    engine: Engine,
    core: Arc<ModuleCore>,
}

/// Says when [`Module::deserialize_file`] compares the checksums of all bytes.
#[derive(Copy, Clone, Debug)]
pub enum Verify<'c> {
    /// At each call.
    Always,
    /// At each call, unless the cache knows that the file was verified and has not changed since.
    Once(&'c Cache),
    /// Never. Only the fields of the header are checked.
    Never,
}

/// An import of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportType<'a> {
    /// Name of the module that it is imported from.
    pub module: &'a str,
    /// Name of the import in that module.
    pub name: &'a str,
    /// Type of the import.
    pub ty: ExternType,
}

impl From<ImportType<'_>> for MissingImport {
    fn from(ImportType { module, name, ty }: ImportType<'_>) -> Self {
        Self {
            module: module.to_owned(),
            name: name.to_owned(),
            ty,
        }
    }
}

/// An export of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportType<'a> {
    /// Name of the export.
    pub name: &'a str,
    /// Type of the export.
    pub ty: ExternType,
}

impl Module {
    /// Compiles a module from the bytes of a wasm file.
    ///
    /// # Errors
    /// Fails if the bytes are not a module that wrun can run, if memory runs out, or if the engine's deadline passes
    /// ([`crate::Config::deadline`]).
    #[cfg(feature = "compiler")]
    pub fn new(engine: &Engine, wasm: &[u8]) -> Result<Self, Error> {
        Self::of(engine, pipeline::compile_and_load(engine.core(), wasm)?)
    }

    /// Compiles a module to an artifact for [`Module::deserialize`], without loading it. So this machine's CPU may lack features
    /// that the engine's settings name.
    ///
    /// # Errors
    /// Fails if the bytes are not a module that wrun can run, or if memory runs out.
    #[cfg(feature = "compiler")]
    pub fn precompile(engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, Error> {
        pipeline::compile(engine.core(), wasm)
    }

    /// Checks that the bytes are a complete wasm module by its format. Does not validate the module.
    ///
    /// # Errors
    /// Fails if the bytes are no wasm module, or if the end of the module is missing.
    #[cfg(feature = "compiler")]
    pub fn recognise(wasm: &[u8]) -> Result<(), Error> {
        pipeline::recognise(wasm)
    }

    /// Lists the proposals that a wasm file needs and that wrun does not run. Validates the file and compiles nothing.
    ///
    /// # Errors
    /// Fails if the bytes are no core module, or if the module is invalid even with all proposals.
    #[cfg(feature = "compiler")]
    pub fn proposals(engine: &Engine, wasm: &[u8]) -> Result<Vec<pipeline::Proposal>, Error> {
        pipeline::proposals(engine.core(), wasm)
    }

    /// Returns the module of a file that the cache knows by its identity, without reading the file. Returns `None` if the cache
    /// does not know the file, or if its artifact cannot be used.
    pub fn from_cache(engine: &Engine, cache: &Cache, identity: &FileIdentity) -> Option<Self> {
        Self::of(engine, pipeline::cached_by_identity(engine.core(), cache, identity)?).ok()
    }

    /// Returns the module with these bytes: from the cache, or else by compiling it and adding it to the cache. `identity` lets
    /// [`Module::from_cache`] find the module the next time. Take the identity of the file and pass it to
    /// [`Cache::before_reading`] before reading the bytes, and pass it here only if the file has not changed meanwhile.
    ///
    /// # Errors
    /// Fails if the module cannot be compiled, and with [`Error::CacheMiss`] if the cache must have the module and does not, or
    /// if there is no compiler. A cache that cannot be read or written is not an error.
    pub fn new_cached(
        engine: &Engine,
        cache: &Cache,
        wasm: &[u8],
        identity: Option<&FileIdentity>,
    ) -> Result<Self, Error> {
        Self::new_cached_if(engine, cache, wasm, identity, |_| Ok(()))
    }

    /// Does the same as [`Module::new_cached`], but compiles only if `accept` accepts the bytes. `accept` can read them with
    /// `Declarations::read`.
    ///
    /// # Errors
    /// Fails as [`Module::new_cached`] does, and with the error of `accept`.
    pub fn new_cached_if<E: From<Error>>(
        engine: &Engine,
        cache: &Cache,
        wasm: &[u8],
        identity: Option<&FileIdentity>,
        accept: impl FnOnce(&[u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let image = pipeline::cached(engine.core(), cache, wasm, identity, accept)?;
        Ok(Self::of(engine, image)?)
    }

    /// Loads an artifact that [`Module::serialize`] returned. Compares all its checksums, which reads every byte.
    ///
    /// # Safety
    /// An artifact is machine code, so the bytes must come from wrun. Checksums detect damage, but not malice.
    ///
    /// # Errors
    /// Fails if the bytes are damaged, or are no artifact of this build for this machine and the engine's settings.
    #[allow(unsafe_code, reason = "hands the caller's promise on")]
    pub unsafe fn deserialize(engine: &Engine, artifact: &[u8]) -> Result<Self, Error> {
        let _phase = Phase::start("load");
        // SAFETY: the caller's promise.
        let image = unsafe { Image::from_bytes(artifact, Some(&engine.core().config().artifact), Compare::All)? };
        Self::of(engine, image)
    }

    /// Loads an artifact from a file by mapping it. `verify` says whether its checksums are compared.
    ///
    /// # Safety
    /// The file must come from wrun, as for [`Module::deserialize`]. While the module is in use, no process may change or
    /// truncate the file. Removing the file, or renaming another file over it, is allowed. With [`Verify::Never`] the bytes must
    /// be exactly those that wrun has written.
    ///
    /// # Errors
    /// Fails as [`Module::deserialize`] does, and if the file cannot be opened or mapped.
    #[allow(unsafe_code, reason = "hands the caller's promise on")]
    pub unsafe fn deserialize_file(engine: &Engine, path: &Path, verify: Verify<'_>) -> Result<Self, Error> {
        let _phase = Phase::start("load");
        let open = |error: io::Error| Error::Resource(format!("cannot open {}: {error}", path.display()));
        let file = File::open(path).map_err(open)?;
        let (compare, unverified) = match verify {
            Verify::Always => (Compare::All, None),
            Verify::Never => (Compare::Nothing, None),
            Verify::Once(cache) => match cache.unverified_file(&file).map_err(open)? {
                Some(unverified) => (Compare::All, Some((cache, unverified))),
                None => (Compare::Nothing, None),
            },
        };
        // SAFETY: the caller's promise.
        let image = unsafe { Image::from_file(file, Some(&engine.core().config().artifact), compare)? };
        if let Some((cache, file)) = unverified {
            cache.remember_verified(&file);
        }
        Self::of(engine, image)
    }

    fn of(engine: &Engine, image: Image) -> Result<Self, Error> {
        let image = match engine.core().config().perf {
            true => pipeline::show_to_perf(&image)?,
            false => image,
        };
        Ok(Self {
            engine: engine.clone(),
            core: Arc::new(ModuleCore::new(image)?),
        })
    }

    pub(super) fn core(&self) -> &Arc<ModuleCore> {
        &self.core
    }

    /// Returns the artifact, for [`Module::deserialize`].
    pub fn serialize(&self) -> &[u8] {
        self.core.image().bytes()
    }

    /// Returns the engine for which the module was made.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the imports in the order of the module.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let imports = self.core.imports(self.engine.core());
        imports.map(|(module, name, ty)| ImportType { module, name, ty })
    }

    /// Returns the exports, sorted by name.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let info = *self.core.artifact().info();
        info.exports.iter().map(move |row| ExportType {
            name: info.string(row.name),
            ty: info
                .export_type(row)
                .and_then(|ty| self.core.in_engine(self.engine.core(), ty).ok())
                .unwrap_or_else(|| ExternType::Func(Default::default())),
        })
    }

    /// Returns the type of the export with this name.
    pub fn export(&self, name: &str) -> Option<ExternType> {
        let info = self.core.artifact().info();
        let ty = info.export_type(info.export(name)?)?;
        self.core.in_engine(self.engine.core(), ty).ok()
    }
}
