//! Modules: an artifact that is loaded and ready to be instantiated.

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

/// A compiled module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Module {
    engine: Engine,
    core: Arc<ModuleCore>,
}

/// When [`Module::deserialize_file`] compares the checksums of all bytes.
#[derive(Copy, Clone, Debug)]
pub enum Verify<'c> {
    /// Each time.
    Always,
    /// Unless the cache knows that the file was verified and has not changed since.
    Once(&'c Cache),
    /// Never: only the fields of the header are checked.
    Never,
}

/// An import of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportType<'a> {
    /// Its module name.
    pub module: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its type.
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
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub ty: ExternType,
}

impl Module {
    /// Compiles a module from the bytes of a wasm file.
    ///
    /// # Errors
    /// When the bytes are not a module that wrun can run, memory runs out, or the engine's deadline passes
    /// ([`crate::Config::deadline`]).
    #[cfg(feature = "compiler")]
    pub fn new(engine: &Engine, wasm: &[u8]) -> Result<Self, Error> {
        Self::of(engine, pipeline::compile_and_load(engine.core(), wasm)?)
    }

    /// Compiles a module to an artifact, for [`Module::deserialize`], and loads nothing: this machine's CPU need not have the
    /// features that the engine's settings name.
    ///
    /// # Errors
    /// When the bytes are not a module that wrun can run, or memory runs out.
    #[cfg(feature = "compiler")]
    pub fn precompile(engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, Error> {
        pipeline::compile(engine.core(), wasm)
    }

    /// Refuses bytes that are no wasm module, and such whose end is missing; says nothing of whether one is valid.
    ///
    /// # Errors
    /// When the bytes are something else.
    #[cfg(feature = "compiler")]
    pub fn recognise(wasm: &[u8]) -> Result<(), Error> {
        pipeline::recognise(wasm)
    }

    /// Names all proposals that a wasm file needs beyond those that wrun runs. Validates it and compiles nothing.
    ///
    /// # Errors
    /// When the bytes are no core module, or one that is invalid with all proposals.
    #[cfg(feature = "compiler")]
    pub fn proposals(engine: &Engine, wasm: &[u8]) -> Result<Vec<pipeline::Proposal>, Error> {
        pipeline::proposals(engine.core(), wasm)
    }

    /// The module in a file that the cache knows by its identity: not a byte of the file is read. `None` when the cache does not
    /// know it, or its artifact cannot be used.
    pub fn from_cache(engine: &Engine, cache: &Cache, identity: &FileIdentity) -> Option<Self> {
        Self::of(engine, pipeline::cached_by_identity(engine.core(), cache, identity)?).ok()
    }

    /// The module with these bytes: from the cache, or else compiled and added to the cache. With the identity of the file that
    /// the bytes come from, taken and given to [`Cache::before_reading`] before they were read and still the same,
    /// [`Module::from_cache`] will find it the next time.
    ///
    /// # Errors
    /// When the module cannot be compiled, and [`Error::CacheMiss`], which is also the answer where there is no compiler. That the
    /// cache cannot be read or written is not an error.
    pub fn new_cached(
        engine: &Engine,
        cache: &Cache,
        wasm: &[u8],
        identity: Option<&FileIdentity>,
    ) -> Result<Self, Error> {
        Self::new_cached_if(engine, cache, wasm, identity, |_| Ok(()))
    }

    /// As [`Module::new_cached`], but a module that the cache does not have is compiled only if `accept` accepts its bytes, which it
    /// can look at with `Declarations::read`.
    ///
    /// # Errors
    /// As for [`Module::new_cached`], and the error of `accept`.
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

    /// Loads an artifact that [`Module::serialize`] gave. All its checksums are compared, which reads every byte.
    ///
    /// # Safety
    /// An artifact is machine code: the bytes must come from wrun. Checksums find damage, not malice.
    ///
    /// # Errors
    /// When the bytes are no artifact of this build for this machine and the engine's settings, or are damaged.
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
    /// As for [`Module::deserialize`]; besides, nobody may change or truncate the file while the module is in use (removing
    /// it, or renaming another file over it, is fine), and with [`Verify::Never`] the bytes must be those that wrun has written.
    ///
    /// # Errors
    /// As for [`Module::deserialize`], and when the file cannot be opened or mapped.
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

    /// The artifact: what [`Module::deserialize`] takes.
    pub fn serialize(&self) -> &[u8] {
        self.core.image().bytes()
    }

    /// The engine it was made for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The imports of the module, in its order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let imports = self.core.imports(self.engine.core());
        imports.map(|(module, name, ty)| ImportType { module, name, ty })
    }

    /// The exports of the module, sorted by name.
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

    /// The type of the export with this name.
    pub fn export(&self, name: &str) -> Option<ExternType> {
        let info = self.core.artifact().info();
        let ty = info.export_type(info.export(name)?)?;
        self.core.in_engine(self.engine.core(), ty).ok()
    }
}
