//! Matches imports with their definitions (spec 3.5.8, import matching).
//!
//! Input: the imports of a module, a lookup by name. Output: the definition of each import, or an error that lists all failures.
//! Must not hold: contexts.

use wrun_artifact::types::{ExternType, MemoryType, TableType};

use crate::error::{Error, ImportsError, IncompatibleImport, MissingImport};
use crate::state::{EngineCore, Item, ModuleCore};
use crate::vm::HostFunc;

/// The definition of an import, with the right type and of the right store.
pub(crate) enum Given {
    /// A function of the host, to be bound to the instance.
    Host(HostFunc),
    /// An item of the store.
    Item(Item),
}

/// Finds the definition of each import of a module. `find` returns the definition of a module name and a name, with its type. The
/// error lists all imports that are missing or have another type.
pub(crate) fn resolve(
    engine: &EngineCore,
    module: &ModuleCore,
    find: impl Fn(&str, &str) -> Result<Option<(ExternType, Given)>, Error>,
) -> Result<Vec<Given>, Error> {
    let mut all = Vec::new();
    let mut error = ImportsError::default();
    for (module, name, wanted) in module.imports(engine) {
        match find(module, name)? {
            None => error.missing.push(MissingImport {
                module: module.to_owned(),
                name: name.to_owned(),
                ty: wanted,
            }),
            Some((ty, given)) if matches(&ty, &wanted) => all.push(given),
            Some((ty, _)) => error
                .incompatible
                .push(IncompatibleImport::new(module, name, &wanted, &ty)),
        }
    }
    if error.is_empty() { Ok(all) } else { Err(error.into()) }
}

/// Returns true if a definition of type `given` fits an import of type `wanted`.
pub(crate) fn matches(given: &ExternType, wanted: &ExternType) -> bool {
    fn limits(given: (u64, Option<u64>), wanted: (u64, Option<u64>)) -> bool {
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
            let TableType {
                index,
                element,
                min,
                max,
            } = *wanted;
            given.index == index && given.element == element && limits((given.min, given.max), (min, max))
        }
        (ExternType::Memory(given), ExternType::Memory(wanted)) => {
            let MemoryType { index, page, min, max } = *wanted;
            given.index == index && given.page == page && limits((given.min, given.max), (min, max))
        }
        (ExternType::Global(given), ExternType::Global(wanted)) if given.mutable || wanted.mutable => given == wanted,
        (ExternType::Global(given), ExternType::Global(wanted)) => given.content.matches(wanted.content),
        (ExternType::Tag(given), ExternType::Tag(wanted)) => given == wanted,
        _ => false,
    }
}
