//! Instances, and what they export.

use wrun_artifact::types::ExternType;

use crate::engine::Phase;
use crate::error::Error;
use crate::func::Func;
use crate::global::Global;
use crate::imports::Imports;
use crate::instantiate;
use crate::memory::Memory;
use crate::module::Module;
use crate::store::{AsStore, Store, StoreCore, core_of_mut};
use crate::table::Table;

/// Something that can be imported and exported.
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
}

impl Extern {
    pub(crate) fn ty_in(&self, core: &StoreCore) -> Result<ExternType, Error> {
        Ok(match self {
            Self::Func(func) => ExternType::Func(func.ty_in(core)?),
            Self::Table(table) => ExternType::Table(table.ty_in(core)?),
            Self::Memory(memory) => ExternType::Memory(memory.ty_in(core)?),
            Self::Global(global) => ExternType::Global(global.ty()),
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

from!(Func Table Memory Global);

/// An instance of a module. Belongs to a store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    store: u64,
    place: usize,
}

impl Instance {
    /// Instantiates a module: matches its imports, initialises it, and runs its start function.
    ///
    /// # Errors
    /// When imports are missing or of another type (all are listed), when memory runs out, and when initialisation or the
    /// start function traps.
    pub fn new<T: 'static>(store: &mut Store<T>, module: &Module, imports: &Imports<T>) -> Result<Self, Error> {
        let core = core_of_mut(store);
        if !core.engine.is(module.engine()) {
            return Err(Error::Refused(
                "the module belongs to another engine than the store".into(),
            ));
        }
        let phase = Phase::start("instantiate");
        let given = instantiate::resolve(core, module, |module, name| imports.find(module, name))?;
        let place = instantiate::instantiate(core, module, given)?;
        drop(phase);
        let this = Self {
            store: core.id(),
            place,
        };
        if let Some(start) = module.artifact().info().start() {
            let start = Func::of(instantiate::func_ref(core, place, start)?, core);
            start.call(store, &[])?;
        }
        Ok(this)
    }

    /// The export with this name.
    pub fn export(&self, store: &mut impl AsStore, name: &str) -> Option<Extern> {
        let core = core_of_mut(store);
        core.check(self.store).ok()?;
        instantiate::export(core, self.place, name).ok()?
    }

    /// The function that is exported under this name.
    pub fn func(&self, store: &mut impl AsStore, name: &str) -> Option<Func> {
        match self.export(store, name)? {
            Extern::Func(func) => Some(func),
            _ => None,
        }
    }

    /// The memory that is exported under this name.
    pub fn memory(&self, store: &mut impl AsStore, name: &str) -> Option<Memory> {
        match self.export(store, name)? {
            Extern::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    /// The table that is exported under this name.
    pub fn table(&self, store: &mut impl AsStore, name: &str) -> Option<Table> {
        match self.export(store, name)? {
            Extern::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The global that is exported under this name.
    pub fn global(&self, store: &mut impl AsStore, name: &str) -> Option<Global> {
        match self.export(store, name)? {
            Extern::Global(global) => Some(global),
            _ => None,
        }
    }
}
