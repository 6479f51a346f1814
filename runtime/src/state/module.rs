//! The inner part of a module: an image that is loaded and ready to be instantiated.

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
    /// Ids of the signatures in the engine, once a type wants one.
    sig_ids: OnceLock<Vec<u32>>,
}

impl ModuleCore {
    /// The module of an image.
    ///
    /// # Errors
    /// When the image's counts make no sense.
    pub(crate) fn new(image: Image) -> Result<Self, Error> {
        let artifact = image.artifact();
        let layout = VMLayout::new(*artifact.info().counts(), artifact.config());
        Ok(Self {
            layout: layout.ok_or_else(|| Error::damaged("the size of an instance"))?,
            image: Arc::new(image),
            sig_ids: OnceLock::new(),
        })
    }

    /// The artifact, read in place.
    pub(crate) fn artifact(&self) -> &Artifact<'_> {
        self.image.artifact()
    }

    /// The mapped artifact.
    pub(crate) fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// The layout of the context of each instance.
    pub(crate) fn layout(&self) -> &VMLayout {
        &self.layout
    }

    /// Module name, name and type of each import, in the module's order.
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

    /// A type of the artifact, with the engine's ids in place of the artifact's signature indices.
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

    /// The same for a function type.
    pub(crate) fn func_in_engine(&self, engine: &EngineCore, ty: &FuncType) -> Result<FuncType, Error> {
        ty.renumbered(|sig| self.sig_id(engine, sig))
    }

    /// The id in the engine of the signature with this index. Looks at all signatures the first time: for types in types only.
    fn sig_id(&self, engine: &EngineCore, sig: u32) -> Result<u32, Error> {
        let damaged = || Error::damaged("the index of a type");
        if self.sig_ids.get().is_none() {
            let info = self.artifact().info();
            let mut ids: Vec<u32> = Vec::with_capacity(info.sigs.len());
            for sig in 0..info.sigs.len() {
                // Types refer to earlier ones.
                let ty = info.func_type(sig as u32).ok_or_else(damaged)?;
                let known = |sig: u32| ids.get(sig as usize).copied().ok_or_else(damaged);
                let ty = ty.renumbered(known)?;
                ids.push(engine.sig_id(&ty));
            }
            // Another thread may have been faster, with the same ids.
            let _ = self.sig_ids.set(ids);
        }
        let ids = self.sig_ids.get().map(Vec::as_slice).unwrap_or_default();
        ids.get(sig as usize).copied().ok_or_else(damaged)
    }
}
