//! What was given for a module's imports, matched with what it wants (spec 3.5.8, import matching).

use wrun_artifact::types::{ExternType, MemoryType, TableType};

use crate::call::HostFunc;
use crate::error::{Error, ImportsError, IncompatibleImport, describe};
use crate::imports::Definition;
use crate::instance::Extern;
use crate::module::Module;
use crate::store::StoreCore;
use crate::vm::FuncPtr;

/// A function for an import.
pub(crate) enum GivenFunc {
    /// One of the host, to be bound to the instance.
    Host(HostFunc),
    /// One of the store.
    Ref(FuncPtr),
}

/// Something for an import, of the right type and store.
pub(crate) enum Given {
    Func(GivenFunc),
    /// The store's number of a table.
    Table(usize),
    /// The store's number of a memory.
    Memory(usize),
    /// Where a global's value lies.
    Global(*mut u8),
}

/// Finds what is given for each import of a module. All that is missing or of another type is reported at once.
pub(crate) fn resolve<'d>(
    core: &StoreCore,
    module: &Module,
    find: impl Fn(&str, &str) -> Option<&'d Definition>,
) -> Result<Vec<Given>, Error> {
    let mut given = Vec::new();
    let mut error = ImportsError::default();
    for import in module.imports() {
        let Some(definition) = find(import.module, import.name) else {
            error.missing.push(import.into());
            continue;
        };
        let ty = match definition {
            Definition::Host(host) => ExternType::Func(host.ty.clone()),
            Definition::Extern(item) => item.ty_in(core)?,
        };
        if !matches(&ty, &import.ty) {
            error.incompatible.push(IncompatibleImport {
                module: import.module.to_owned(),
                name: import.name.to_owned(),
                wanted: describe(&import.ty),
                given: describe(&ty),
            });
            continue;
        }
        given.push(match definition {
            Definition::Host(host) => Given::Func(GivenFunc::Host(host.clone())),
            Definition::Extern(Extern::Func(func)) => Given::Func(GivenFunc::Ref(func.ptr(core)?)),
            Definition::Extern(Extern::Table(table)) => Given::Table(table.place(core)?),
            Definition::Extern(Extern::Memory(memory)) => Given::Memory(memory.place(core)?),
            Definition::Extern(Extern::Global(global)) => Given::Global(global.pointer(core)?),
        });
    }
    if error.is_empty() { Ok(given) } else { Err(error.into()) }
}

/// Whether something of type `given` can stand where `wanted` is imported.
pub(crate) fn matches(given: &ExternType, wanted: &ExternType) -> bool {
    fn limits<N: PartialOrd + Copy>(given: (N, Option<N>), wanted: (N, Option<N>)) -> bool {
        given.0 >= wanted.0
            && match (given.1, wanted.1) {
                (_, None) => true,
                (Some(given), Some(wanted)) => given <= wanted,
                (None, Some(_)) => false,
            }
    }
    match (given, wanted) {
        (ExternType::Func(given), ExternType::Func(wanted)) => given == wanted,
        (ExternType::Table(given), ExternType::Table(wanted)) => {
            let TableType { element, min, max } = *wanted;
            given.element == element && limits((given.min, given.max), (min, max))
        }
        (ExternType::Memory(given), ExternType::Memory(wanted)) => {
            let MemoryType { min, max } = *wanted;
            limits((given.min, given.max), (min, max))
        }
        (ExternType::Global(given), ExternType::Global(wanted)) => given == wanted,
        _ => false,
    }
}
