//! Imports and exports of a module, whether it is compiled or was only read.

use wrun_artifact::types::ExternType;

use super::{ExportType, ImportType, Module};
#[cfg(feature = "compiler")]
use crate::error::Error;
#[cfg(feature = "compiler")]
use crate::pipeline::{self, Declared, Linkage};

/// Something that has the imports and exports of a module: the [`Module`], or its [`Declarations`].
pub trait Declares {
    /// Its imports, in its order.
    fn imports(&self) -> impl Iterator<Item = ImportType<'_>>;

    /// Its exports. A module that is compiled has them ordered by name, one that was read in its own order.
    fn exports(&self) -> impl Iterator<Item = ExportType<'_>>;

    /// The type of an export.
    fn export(&self, name: &str) -> Option<ExternType>;
}

impl Declares for Module {
    fn imports(&self) -> impl Iterator<Item = ImportType<'_>> {
        self.imports()
    }

    fn exports(&self) -> impl Iterator<Item = ExportType<'_>> {
        self.exports()
    }

    fn export(&self, name: &str) -> Option<ExternType> {
        self.export(name)
    }
}

/// The imports and exports of a wasm file, read without a look at its code: a host that cannot run the module finds out before
/// it is compiled.
#[cfg(feature = "compiler")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declarations(Declared);

#[cfg(feature = "compiler")]
impl Declarations {
    /// Reads the sections before the code.
    ///
    /// # Errors
    /// When the bytes are no core module, or these sections are invalid, truncated or of a proposal that wrun does not run.
    pub fn read(wasm: &[u8]) -> Result<Self, Error> {
        Ok(Self(pipeline::declarations(wasm)?))
    }

    /// The sections for linkers.
    pub fn linkage(&self) -> Linkage {
        self.0.linkage
    }
}

#[cfg(feature = "compiler")]
impl Declares for Declarations {
    fn imports(&self) -> impl Iterator<Item = ImportType<'_>> {
        self.0.imports.iter().map(|(module, name, ty)| ImportType {
            module,
            name,
            ty: ty.clone(),
        })
    }

    fn exports(&self) -> impl Iterator<Item = ExportType<'_>> {
        self.0
            .exports
            .iter()
            .map(|(name, ty)| ExportType { name, ty: ty.clone() })
    }

    fn export(&self, name: &str) -> Option<ExternType> {
        let found = self.0.exports.iter().find(|(found, _)| found == name);
        found.map(|(_, ty)| ty.clone())
    }
}
