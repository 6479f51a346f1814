//! The inner part of a module.
//!
//! Input: an image. Output: the module's types with the engine's ids, and the layout of contexts. Must not hold: instances.

use std::sync::{Arc, OnceLock};

use wrun_artifact::elf::Artifact;
use wrun_artifact::types::{ExternType, FuncType, GlobalType, TableType, ValType};
use wrun_artifact::vmlayout::VMLayout;

use super::EngineCore;
use crate::error::Error;
use crate::load::Image;

/// An image, and the layout of its instances' contexts.
#[derive(Debug)]
pub(crate) struct ModuleCore {
    image: Arc<Image>,
    layout: VMLayout,
    /// The engine's ids of the signatures, computed when a type first needs one.
    sig_ids: OnceLock<Vec<u32>>,
}

impl ModuleCore {
    /// Makes the module of an image.
    ///
    /// # Errors
    /// Fails if the counts in the image are inconsistent.
    pub(crate) fn new(image: Image) -> Result<Self, Error> {
        let artifact = image.artifact();
        let layout = VMLayout::new(*artifact.info().counts(), artifact.config());
        Ok(Self {
            layout: layout.ok_or_else(|| Error::damaged("the size of an instance"))?,
            image: Arc::new(image),
            sig_ids: OnceLock::new(),
        })
    }

    /// Returns the artifact, which is read in place.
    pub(crate) fn artifact(&self) -> &Artifact<'_> {
        self.image.artifact()
    }

    /// Returns the mapped artifact.
    pub(crate) fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Returns the layout of each instance's context.
    pub(crate) fn layout(&self) -> &VMLayout {
        &self.layout
    }

    /// Returns the module name, the name and the type of each import, in the module's order.
    pub(crate) fn imports(&self, engine: &EngineCore) -> impl ExactSizeIterator<Item = (&str, &str, ExternType)> {
        let info = *self.artifact().info();
        info.imports.iter().map(move |row| {
            let ty = info.extern_type(&row.ty).and_then(|ty| self.in_engine(engine, ty).ok());
            (
                info.string(row.module),
                info.string(row.name),
                ty.unwrap_or_else(|| ExternType::Func(Default::default())),
            )
        })
    }

    /// Converts a type of the artifact: replaces its signature indices by the engine's ids.
    pub(crate) fn in_engine(&self, engine: &EngineCore, ty: ExternType) -> Result<ExternType, Error> {
        let value = |ty: ValType| ty.renumbered(|sig| self.sig_id(engine, sig));
        Ok(match ty {
            ExternType::Func(ty) => ExternType::Func(self.func_in_engine(engine, &ty)?),
            ExternType::Tag(ty) => ExternType::Tag(self.func_in_engine(engine, &ty)?),
            ExternType::Memory(ty) => ExternType::Memory(ty),
            ExternType::Table(ty) => ExternType::Table(TableType {
                element: value(ty.element)?,
                ..ty
            }),
            ExternType::Global(ty) => ExternType::Global(GlobalType {
                content: value(ty.content)?,
                ..ty
            }),
        })
    }

    /// Converts a function type in the same way.
    pub(crate) fn func_in_engine(&self, engine: &EngineCore, ty: &FuncType) -> Result<FuncType, Error> {
        ty.renumbered(|sig| self.sig_id(engine, sig))
    }

    /// Returns the engine's id of the signature with this index. The first call computes the ids of all signatures. Only types
    /// that refer to other types need this.
    fn sig_id(&self, engine: &EngineCore, sig: u32) -> Result<u32, Error> {
        let damaged = || Error::damaged("the index of a type");
        if self.sig_ids.get().is_none() {
            let info = self.artifact().info();
            let mut ids: Vec<u32> = Vec::with_capacity(info.sigs.len());
            for sig in 0..info.sigs.len() {
                // A type refers only to earlier types.
                let ty = info.func_type(sig as u32).ok_or_else(damaged)?;
                let known = |sig: u32| ids.get(sig as usize).copied().ok_or_else(damaged);
                let ty = ty.renumbered(known)?;
                ids.push(engine.sig_id(&ty));
            }
            // Another thread may have computed the same ids first.
            let _ = self.sig_ids.set(ids);
        }
        let ids = self.sig_ids.get().map(Vec::as_slice).unwrap_or_default();
        ids.get(sig as usize).copied().ok_or_else(damaged)
    }
}
