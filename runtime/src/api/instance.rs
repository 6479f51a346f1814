//! Instances, and their exports.
//!
//! Input: a module, imports, a store. Output: an instance, and handles to its exports. Must not hold: the steps of instantiation
//! (`instantiate`).

use std::sync::Arc;

use wrun_artifact::types::ExternType;

use super::{AsStore, Func, Global, Imports, Memory, Module, Store, Table, Tag};
use crate::call::Caller;
use crate::error::Error;
use crate::instantiate;
use crate::pipeline::Phase;
use crate::state::{Item, StoreCore, core_of, core_of_mut};

/// An item that a module can import and export.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
    /// A tag.
    Tag(Tag),
}

impl Extern {
    /// Makes the handle of an item in a store.
    pub(super) fn of(item: Item, core: &StoreCore) -> Self {
        match item {
            Item::Func(func) => Self::Func(Func::of(func, core)),
            Item::Table(table) => Self::Table(Table::of(table, core)),
            Item::Memory(memory) => Self::Memory(Memory::of(memory, core)),
            Item::Global(place, ty) => Self::Global(Global::of(place, ty, core)),
            Item::Tag(number) => Self::Tag(Tag::of(number, core)),
        }
    }

    /// Returns the item of the handle.
    pub(super) fn item(&self, core: &StoreCore) -> Result<Item, Error> {
        Ok(match self {
            Self::Func(func) => Item::Func(func.ptr(core)?),
            Self::Table(table) => Item::Table(table.place(core)?),
            Self::Memory(memory) => Item::Memory(memory.place(core)?),
            Self::Global(global) => Item::Global(global.place(core)?, global.ty()),
            Self::Tag(tag) => Item::Tag(tag.number(core)?),
        })
    }

    pub(super) fn ty_in(&self, core: &StoreCore) -> Result<ExternType, Error> {
        Ok(match self {
            Self::Func(func) => ExternType::Func(func.ty_in(core)?),
            Self::Table(table) => ExternType::Table(table.ty_in(core)?),
            Self::Memory(memory) => ExternType::Memory(memory.ty_in(core)?),
            Self::Global(global) => ExternType::Global(global.ty()),
            Self::Tag(tag) => ExternType::Tag(tag.ty_in(core)?),
        })
    }
}

macro_rules! from {
    ($($ty:ident)*) => {$(
        impl From<$ty> for Extern {
            fn from(item: $ty) -> Self {
                Self::$ty(item)
            }
        }
    )*};
}

from!(Func Table Memory Global Tag);

/// An instance of a module. It belongs to a store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    store: u64,
    place: usize,
}

impl Instance {
    /// Instantiates a module: matches its imports, initialises it, and runs its start function.
    ///
    /// # Errors
    /// Fails if imports are missing or have another type (the error lists all that are missing), if memory runs out, or if
    /// initialisation or the start function traps.
    pub fn new<T: 'static>(store: &mut Store<T>, module: &Module, imports: &Imports<T>) -> Result<Self, Error> {
        let core = core_of_mut(store);
        if !Arc::ptr_eq(&core.engine, module.engine().core()) {
            return Err(Error::Refused(
                "the module belongs to another engine than the store".into(),
            ));
        }
        let phase = Phase::start("instantiate");
        let given = instantiate::resolve(&core.engine, module.core(), |module, name| {
            imports.give(core, module, name)
        })?;
        let place = instantiate::instantiate(core, module.core(), given)?;
        drop(phase);
        let this = Self {
            store: core.id(),
            place,
        };
        if let Some(start) = module.core().artifact().info().start() {
            let start = Func::of(core.instance_func(place, start)?, core);
            start.call(store, &[])?;
        }
        Ok(this)
    }

    /// Returns the export with this name.
    pub fn export(&self, store: &mut impl AsStore, name: &str) -> Option<Extern> {
        let core = core_of_mut(store);
        core.check(self.store).ok()?;
        let item = core.instance_export(self.place, name).ok()??;
        Some(Extern::of(item, core))
    }

    /// Returns the function that is exported under this name.
    pub fn func(&self, store: &mut impl AsStore, name: &str) -> Option<Func> {
        match self.export(store, name)? {
            Extern::Func(func) => Some(func),
            _ => None,
        }
    }

    /// Returns the memory that is exported under this name.
    pub fn memory(&self, store: &mut impl AsStore, name: &str) -> Option<Memory> {
        match self.export(store, name)? {
            Extern::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    /// Returns the table that is exported under this name.
    pub fn table(&self, store: &mut impl AsStore, name: &str) -> Option<Table> {
        match self.export(store, name)? {
            Extern::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Returns the tag that is exported under this name.
    pub fn tag(&self, store: &mut impl AsStore, name: &str) -> Option<Tag> {
        match self.export(store, name)? {
            Extern::Tag(tag) => Some(tag),
            _ => None,
        }
    }

    /// Returns the global that is exported under this name.
    pub fn global(&self, store: &mut impl AsStore, name: &str) -> Option<Global> {
        match self.export(store, name)? {
            Extern::Global(global) => Some(global),
            _ => None,
        }
    }
}

impl<T> Caller<'_, T> {
    /// Returns the export of the calling instance with this name. Returns `None` if there is no such export, or if no instance
    /// imported the host function.
    pub fn get_export(&mut self, name: &str) -> Option<Extern> {
        let item = self.exported_item(name)?;
        Some(Extern::of(item, core_of(self)))
    }
}
