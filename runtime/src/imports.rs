//! Imports: what the host offers to modules, by name.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use wrun_artifact::TrapCode;
use wrun_artifact::types::{ExternType, FuncType};

use crate::call::{HostFunc, IntoHostFunc, wrap};
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::func::untyped;
use crate::instance::Extern;
use crate::module::Module;
use crate::trap::Trap;
use crate::value::Value;

/// What is defined under a name.
pub(crate) enum Definition {
    Host(HostFunc),
    Extern(Extern),
}

/// What becomes of imported functions that nothing was defined for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum UnknownImports {
    /// Calling one traps.
    Trap,
    /// Calling one does nothing and gives zeros.
    Zero,
}

/// Functions of the host, and things of a store, that modules can import. Can be used for many instances.
pub struct Imports<T> {
    definitions: BTreeMap<String, BTreeMap<String, Definition>>,
    data: PhantomData<fn(T)>,
}

impl<T: 'static> Imports<T> {
    /// Imports without anything in them.
    pub fn new(_engine: &Engine) -> Self {
        Self {
            definitions: BTreeMap::new(),
            data: PhantomData,
        }
    }

    /// Defines a function whose type is that of the closure: `Fn(Caller<'_, T>, A…) -> R`. Its values stay in registers.
    pub fn func<P, R>(&mut self, module: &str, name: &str, closure: impl IntoHostFunc<T, P, R>) -> &mut Self {
        self.insert(module, name, Definition::Host(wrap(closure)))
    }

    /// Defines a function whose type is known only when the host runs: the closure gets the parameters, and puts the results
    /// where zeros of their types are.
    pub fn func_untyped(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Value], &mut [Value]) -> Result<(), Error> + 'static,
    ) -> &mut Self {
        self.insert(module, name, Definition::Host(untyped(ty, closure)))
    }

    /// Defines something of a store. Instances that import it must be of the same store.
    pub fn define(&mut self, module: &str, name: &str, item: impl Into<Extern>) -> &mut Self {
        self.insert(module, name, Definition::Extern(item.into()))
    }

    /// Defines each function that `module` imports and that is not defined yet.
    pub fn define_unknown(&mut self, module: &Module, how: UnknownImports) -> &mut Self {
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty else {
                continue;
            };
            if self.find(import.module, import.name).is_some() {
                continue;
            }
            let name = format!("{}.{}", import.module, import.name);
            let closure = move |_: Caller<'_, T>, _: &[Value], _: &mut [Value]| match how {
                UnknownImports::Trap => Err(Trap::with_detail(TrapCode::UnknownImport, name.as_str()).into()),
                UnknownImports::Zero => Ok(()),
            };
            let host = untyped(ty, closure);
            self.insert(import.module, import.name, Definition::Host(host));
        }
        self
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition) -> &mut Self {
        match self.definitions.get_mut(module) {
            Some(names) => names.insert(name.to_owned(), definition),
            None => {
                let names = BTreeMap::from([(name.to_owned(), definition)]);
                self.definitions.insert(module.to_owned(), names);
                None
            }
        };
        self
    }

    pub(crate) fn find(&self, module: &str, name: &str) -> Option<&Definition> {
        self.definitions.get(module)?.get(name)
    }
}

impl<T> std::fmt::Debug for Imports<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.definitions.iter().map(|(module, names)| (module, names.keys()));
        f.debug_map()
            .entries(names.map(|(module, names)| (module, names.collect::<Vec<_>>())))
            .finish()
    }
}
