//! The inner part of a module: an image that is loaded and ready to be instantiated.

use std::sync::Arc;

use wrun_artifact::elf::Artifact;
use wrun_artifact::types::ExternType;
use wrun_artifact::vmlayout::VMLayout;

use crate::error::Error;
use crate::load::Image;

/// An image, and the layout of its instances' contexts.
#[derive(Debug)]
pub(crate) struct ModuleCore {
    image: Arc<Image>,
    layout: VMLayout,
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
    pub(crate) fn imports(&self) -> impl ExactSizeIterator<Item = (&str, &str, ExternType)> {
        let info = *self.artifact().info();
        info.imports.iter().map(move |row| {
            let ty = info.extern_type(&row.ty);
            (
                info.string(row.module),
                info.string(row.name),
                ty.unwrap_or_else(|| ExternType::Func(Default::default())),
            )
        })
    }
}
