//! Imports and exports of a module.
//!
//! Input: a compiled module, or the bytes of a wasm file. Output: the names and types of its imports and exports. Must not hold:
//! instances, the code of a module.

use wrun_artifact::types::ExternType;

use super::{ExportType, ImportType, Module};
#[cfg(feature = "compiler")]
use crate::error::Error;
#[cfg(feature = "compiler")]
use crate::pipeline::{self, Declared, Linkage};

/// A source of the imports and exports of a module: a [`Module`], or the [`Declarations`] of a wasm file.
pub trait Declares {
    /// Returns the imports in the order of the module.
    fn imports(&self) -> impl Iterator<Item = ImportType<'_>>;

    /// Returns the exports. A compiled module has them ordered by name, [`Declarations`] in the order of the wasm file.
    fn exports(&self) -> impl Iterator<Item = ExportType<'_>>;

    /// Returns the type of an export.
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

/// The imports and exports of a wasm file, read without its code. A host can compare them with its own functions and refuse the
/// module before it is compiled.
#[cfg(feature = "compiler")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declarations(Declared);

#[cfg(feature = "compiler")]
impl Declarations {
    /// Reads the sections before the code.
    ///
    /// # Errors
    /// Fails if the bytes are no core module, or if these sections are invalid, truncated or need a proposal that wrun does not
    /// run.
    pub fn read(wasm: &[u8]) -> Result<Self, Error> {
        Ok(Self(pipeline::declarations(wasm)?))
    }

    /// Returns the sections that the file has for linkers.
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
