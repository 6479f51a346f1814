//! Imports: the definitions that the host offers to modules, by name.
//!
//! Input: closures and handles with names. Output: the definition for each import of a module, or a list of those that are
//! missing. Must not hold: instances.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use wrun_artifact::TrapCode;
use wrun_artifact::types::{ExternType, FuncType, ValType};

use super::func::untyped;
use super::{Declares, Engine, Extern, Value};
use crate::call::{Caller, IntoHostFunc, wrap};
use crate::error::{Error, ImportsError, IncompatibleImport, Trap};
use crate::instantiate::{Given, matches};
use crate::state::StoreCore;
use crate::vm::HostFunc;

/// The definition of a name.
enum Definition {
    Host(HostFunc),
    Extern(Extern),
}

/// The replacement for imported functions that have no definition.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum UnknownImports {
    /// A call traps.
    Trap,
    /// A call does nothing and returns zeros. It traps if a result cannot be null.
    Zero,
}

/// Host functions, and other items of a store, that modules can import. The same value serves many instances.
pub struct Imports<T> {
    /// Definitions by module and name. A name that a module imports can be here before it has a definition.
    definitions: BTreeMap<String, BTreeMap<String, Option<Definition>>>,
    /// True if only names that are here already can get a definition.
    is_closed: bool,
    data: PhantomData<fn(T)>,
}

impl<T: 'static> Imports<T> {
    /// Makes an empty set of imports.
    pub fn new(_engine: &Engine) -> Self {
        Self {
            definitions: BTreeMap::new(),
            is_closed: false,
            data: PhantomData,
        }
    }

    /// Makes an empty set of imports for this module only. A definition that the module does not import is ignored and costs
    /// nothing. This saves most of the work of a host that offers a hundred functions to a module that imports four.
    pub fn of(module: &impl Declares) -> Self {
        let mut definitions: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
        for import in module.imports() {
            let names = definitions.entry(import.module.to_owned()).or_default();
            names.insert(import.name.to_owned(), None);
        }
        Self {
            definitions,
            is_closed: true,
            data: PhantomData,
        }
    }

    /// Defines a function with the type of the closure: `Fn(Caller<'_, T>, A…) -> R`. Numbers stay in registers.
    pub fn func<P, R>(&mut self, module: &str, name: &str, closure: impl IntoHostFunc<T, P, R>) -> &mut Self {
        self.insert(module, name, || Definition::Host(wrap(closure)))
    }

    /// Defines a function whose type is known only at run time. The closure gets the parameters. It writes its results over the
    /// default values that it also gets.
    pub fn func_untyped(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Value], &mut [Value]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> &mut Self {
        self.insert(module, name, || Definition::Host(untyped(ty, closure)))
    }

    /// Defines an item of a store. Instances that import it must be in the same store.
    pub fn define(&mut self, module: &str, name: &str, item: impl Into<Extern>) -> &mut Self {
        self.insert(module, name, || Definition::Extern(item.into()))
    }

    /// Defines each function that `module` imports and that has no definition yet.
    pub fn define_unknown(&mut self, module: &impl Declares, how: UnknownImports) -> &mut Self {
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty else {
                continue;
            };
            if self.find(import.module, import.name).is_some() {
                continue;
            }
            let name = format!("{}.{}", import.module, import.name);
            // A reference that cannot be null has no zero.
            let no_zero = |ty: &ValType| ty.is_ref() && !ty.is_nullable();
            let how = match ty.results().iter().any(no_zero) {
                true => UnknownImports::Trap,
                false => how,
            };
            let closure = move |_: Caller<'_, T>, _: &[Value], _: &mut [Value]| match how {
                UnknownImports::Trap => Err(Trap::with_detail(TrapCode::UnknownImport, name.as_str()).into()),
                UnknownImports::Zero => Ok(()),
            };
            self.func_untyped(import.module, import.name, ty, closure);
        }
        self
    }

    /// Compares the imports of `module` with the definitions. If this fails, instantiating the module would fail for the same
    /// reason. The types of items of a store are not compared.
    ///
    /// # Errors
    /// Lists all imports without a definition, or names a host function of another type.
    pub fn check(&self, module: &impl Declares) -> Result<(), ImportsError> {
        let mut error = ImportsError::default();
        for import in module.imports() {
            match self.find(import.module, import.name) {
                None => error.missing.push(import.into()),
                Some(Definition::Host(host)) => {
                    let given = ExternType::Func(host.ty.clone());
                    if !matches(&given, &import.ty) {
                        let incompatible = IncompatibleImport::new(import.module, import.name, &import.ty, &given);
                        error.incompatible.push(incompatible);
                    }
                }
                Some(Definition::Extern(_)) => {}
            }
        }
        if error.is_empty() { Ok(()) } else { Err(error) }
    }

    fn insert(&mut self, module: &str, name: &str, definition: impl FnOnce() -> Definition) -> &mut Self {
        if let Some(known) = self.definitions.get_mut(module).and_then(|names| names.get_mut(name)) {
            *known = Some(definition());
        } else if !self.is_closed {
            let names = self.definitions.entry(module.to_owned()).or_default();
            names.insert(name.to_owned(), Some(definition()));
        }
        self
    }

    /// Returns the definition of a name for an instance in this store, and its type.
    pub(super) fn give(
        &self,
        core: &StoreCore,
        module: &str,
        name: &str,
    ) -> Result<Option<(ExternType, Given)>, Error> {
        Ok(match self.find(module, name) {
            None => None,
            Some(Definition::Host(host)) => Some((ExternType::Func(host.ty.clone()), Given::Host(host.clone()))),
            Some(Definition::Extern(item)) => Some((item.ty_in(core)?, Given::Item(item.item(core)?))),
        })
    }

    fn find(&self, module: &str, name: &str) -> Option<&Definition> {
        self.definitions.get(module)?.get(name)?.as_ref()
    }
}

impl<T> std::fmt::Debug for Imports<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let defined = |names: &BTreeMap<String, Option<Definition>>| -> Vec<String> {
            let defined = names.iter().filter(|(_, definition)| definition.is_some());
            defined.map(|(name, _)| name.clone()).collect()
        };
        let modules = self.definitions.iter().map(|(module, names)| (module, defined(names)));
        f.debug_map().entries(modules).finish()
    }
}
