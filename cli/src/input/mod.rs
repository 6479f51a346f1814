//! Gets the module of a run.
//!
//! Input: a file or stdin. Output: a module that is ready to be instantiated. Must not hold: running.
//!
//! The cache may know the file by its identity. The file is then not read. Otherwise the input is read, and text is converted to
//! binary. The cache may then know the module by its contents. Otherwise the module is compiled. A file of native code takes
//! another way: see `precompiled`.

pub(crate) mod cache;
mod file;
mod precompiled;

use std::cell::OnceCell;
use std::fs::File;
use std::os::unix::fs::FileExt;

use wrun_runtime::{Cache, Deadline, Declarations, Engine, Error, FileIdentity, MemoryMode, Module, is_artifact};

use self::precompiled::Artifact;
use crate::options::{Options, Source};
use crate::report::{Action, Failure, Reporter, progress};

/// Number of bytes at the beginning of a file that suffice to recognise an artifact and to read its settings.
const BEGINNING: usize = 4096;

/// The opened input.
pub(crate) struct Input<'a> {
    options: &'a Options,
    deadline: Option<&'a Deadline>,
    /// Opened on first use, because native code does not need it.
    cache: OnceCell<Option<Cache>>,
    /// The file, unless it is standard input.
    file: Option<File>,
    /// The identity of a regular file. Other files have none.
    identity: Option<FileIdentity>,
    /// Read on first use.
    contents: OnceCell<Contents>,
}

/// The bytes that were read, by their kind.
enum Contents {
    /// Wasm in the binary form, or bytes of another kind.
    Wasm {
        bytes: Vec<u8>,
        /// Identity of the file with these contents, if the cache is to remember it.
        identity: Option<FileIdentity>,
    },
    /// An artifact.
    Artifact(Vec<u8>),
}

/// The reason for the lack of a module.
pub(crate) enum NoModule {
    /// A failure, ready to be printed.
    Failure(Failure),
    /// An error of the runtime.
    Error(Error),
}

impl From<Failure> for NoModule {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Error> for NoModule {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl NoModule {
    /// Converts the reason to a failure, ready to be printed.
    pub(crate) fn failure(self, report: &Reporter<'_>) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            Self::Error(error) => report.failure(&error),
        }
    }
}

impl<'a> Input<'a> {
    /// Opens the file and reads nothing.
    pub(crate) fn open(options: &'a Options, deadline: Option<&'a Deadline>) -> Result<Self, Failure> {
        let report = options.reporter();
        let file = match &options.module {
            Source::Stdin => None,
            Source::File(path) => Some(file::open(path, deadline, &report)?),
        };
        let identity = file.as_ref().and_then(|file| FileIdentity::of(file).ok());
        if let (Source::File(path), Some(file), None) = (&options.module, &file, &identity) {
            file::check_kind(path, file)?;
        }
        Ok(Self {
            options,
            deadline,
            cache: OnceCell::new(),
            file,
            identity,
            contents: OnceCell::new(),
        })
    }

    fn report(&self) -> Reporter<'a> {
        self.options.reporter()
    }

    /// Returns the native code of the input, if the user allows it to run.
    pub(crate) fn artifact(&self) -> Result<Option<Artifact<'_>>, Failure> {
        if !self.options.allow_precompiled {
            return Ok(None);
        }
        if let (Some(beginning), Source::File(path)) = (self.beginning(), &self.options.module) {
            return Ok(is_artifact(&beginning).then(|| Artifact::File(path, beginning)));
        }
        Ok(self.artifact_bytes()?.map(Artifact::Bytes))
    }

    /// Returns the bytes of the input if it is native code. Returns `None` for wasm, and then reads no more than necessary.
    pub(crate) fn artifact_bytes(&self) -> Result<Option<&[u8]>, Failure> {
        if self.beginning().is_some_and(|beginning| !is_artifact(&beginning)) {
            return Ok(None);
        }
        // An artifact and a pipe have no identity for the cache to remember.
        Ok(match self.contents(None)? {
            Contents::Artifact(bytes) => Some(bytes),
            Contents::Wasm { .. } => None,
        })
    }

    /// Returns the first bytes of a regular file. They can be read again later.
    fn beginning(&self) -> Option<Vec<u8>> {
        let (file, _) = (self.file.as_ref()?, self.identity?);
        let mut beginning = vec![0; BEGINNING];
        let found = file.read_at(&mut beginning, 0).unwrap_or(0);
        beginning.truncate(found);
        Some(beginning)
    }

    /// Returns the cache, if it is used.
    fn cache(&self) -> Result<Option<&Cache>, Failure> {
        if let Some(cache) = self.cache.get() {
            return Ok(cache.as_ref());
        }
        let opened = cache::open(&self.options.cache, &self.report())?;
        Ok(self.cache.get_or_init(|| opened).as_ref())
    }

    /// Returns the engine and the module of a run with this kind of memories. Compiles the module, if necessary, only if `accept`
    /// accepts its declarations.
    pub(crate) fn load(
        &self,
        memory: MemoryMode,
        accept: impl FnOnce(&Declarations) -> Result<(), Failure>,
    ) -> Result<(Engine, Module), NoModule> {
        if let Some(artifact) = self.artifact()? {
            let cache = cache::open_for_native_code(&self.options.cache);
            return precompiled::load(&artifact, self.options, cache.as_ref());
        }
        let mut config = self.options.config(memory);
        if let Some(deadline) = self.deadline {
            config.deadline(deadline);
        }
        let engine = Engine::new(&config)?;
        let module = match self.known(&engine)? {
            Some(module) => module,
            None => self.read_and_compile(&engine, accept)?,
        };
        Ok((engine, module))
    }

    /// Returns the module of an unchanged file that the cache knows.
    pub(crate) fn known(&self, engine: &Engine) -> Result<Option<Module>, Failure> {
        Ok(match (self.cache()?, &self.identity) {
            (Some(cache), Some(identity)) => Module::from_cache(engine, cache, identity),
            _ => None,
        })
    }

    /// Returns the module with the contents of the input, from the cache or compiled. Compiles it only if `accept` accepts its
    /// declarations.
    pub(crate) fn read_and_compile(
        &self,
        engine: &Engine,
        accept: impl FnOnce(&Declarations) -> Result<(), Failure>,
    ) -> Result<Module, NoModule> {
        let (wasm, identity) = self.wasm()?;
        let cache = self.cache()?;
        let accept = |wasm: &[u8]| -> Result<(), NoModule> { Ok(accept(&Declarations::read(wasm)?)?) };
        progress::during(self.report().module, || match cache {
            Some(cache) => Module::new_cached_if(engine, cache, wasm, identity, accept),
            None => {
                accept(wasm)?;
                Ok(Module::new(engine, wasm)?)
            }
        })
    }

    /// Returns the native code of the input. It may be for another machine.
    pub(crate) fn compile_only(&self, engine: &Engine) -> Result<Vec<u8>, NoModule> {
        let (wasm, _) = self.wasm()?;
        Ok(progress::during(self.report().module, || {
            Module::precompile(engine, wasm)
        })?)
    }

    /// Returns the binary form of the module, and the identity of its file, if the cache is to remember it.
    pub(crate) fn wasm(&self) -> Result<(&[u8], Option<&FileIdentity>), Failure> {
        match self.contents(self.cache()?)? {
            Contents::Wasm { bytes, identity } => Ok((bytes, identity.as_ref())),
            Contents::Artifact(_) => Err(self.report().cannot_run(match self.options.action {
                Action::Run => precompiled::NOT_ALLOWED,
                Action::Compile | Action::Inspect | Action::Key => {
                    "it is native code already, made by `wrun compile`: name the wasm file that it was made of"
                }
            })),
        }
    }

    /// Returns the contents of the input, and reads them once. `cache` is to remember the file by its identity, so it gets the
    /// file before it is read. With `None` nothing will be remembered.
    fn contents(&self, cache: Option<&Cache>) -> Result<&Contents, Failure> {
        if let Some(contents) = self.contents.get() {
            return Ok(contents);
        }
        let report = self.report();
        let identity = match (cache, &self.file, self.identity) {
            (Some(cache), Some(file), Some(identity)) => Some(cache.before_reading(identity, file)),
            _ => None,
        };
        let bytes = file::read(self.file.as_ref(), self.deadline, &report)?;
        let contents = if is_artifact(&bytes) {
            Contents::Artifact(bytes)
        } else {
            let unchanged = |identity: &FileIdentity| self.file.as_ref().is_some_and(|file| identity.still_holds(file));
            Contents::Wasm {
                identity: identity.filter(unchanged),
                bytes: file::binary(bytes, self.deadline, &report)?,
            }
        };
        Ok(self.contents.get_or_init(|| contents))
    }
}

#[cfg(test)]
mod tests {
    use wrun_runtime::CacheMode;
    use wrun_tests::Scratch;

    use super::*;

    #[test]
    fn a_file_that_changes_between_opening_and_reading_is_not_remembered() {
        let dir = Scratch::new();
        let path = dir.write("x.wasm", b"\0asm\x01\0\0\0");
        let cache = Cache::open(&dir.path().join("cache"), CacheMode::ReadWrite, 1 << 20).expect("it can be made");
        let options = Options::of_module(path.to_str().expect("the scratch directory has a name in UTF-8"));
        for changes in [false, true] {
            let input = Input::open(&options, None).expect("the file is there");
            if changes {
                dir.write("x.wasm", b"\0asm\x01\0\0\0\0\x01\0");
            }
            let contents = input.contents(Some(&cache)).expect("it can be read");
            let Contents::Wasm { identity, .. } = contents else {
                panic!("it is wasm");
            };
            assert_eq!(identity.is_some(), !changes);
        }
    }
}
