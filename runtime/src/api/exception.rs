//! Tags and exceptions, for the host.
//!
//! Input: types and values of the host. Output: handles to tags, and exceptions that host functions can throw or read. Must not
//! hold: the search for a handler.

use wrun_artifact::types::{FuncType, ValType};

use super::{AsStore, Func, Store, Value};
use crate::error::{Error, Exception, Part};
use crate::state::{StoreCore, TagObject, core_of, core_of_mut};
use crate::vm::FuncPtr;

/// A tag: a kind of exceptions (spec 2.3.9). It belongs to a store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Tag {
    store: u64,
    number: u64,
}

impl Tag {
    /// Makes a tag of the host, which modules can import. The parameters of `ty` are the payload of exceptions.
    ///
    /// # Errors
    /// Fails if the type has results.
    pub fn new<T>(store: &mut Store<T>, ty: FuncType) -> Result<Self, Error> {
        if !ty.results().is_empty() {
            return Err(Error::Refused("the type of a tag has no results".into()));
        }
        let core = core_of_mut(store);
        let number = core.add_tag(TagObject::new(ty, None));
        Ok(Self::of(number, core))
    }

    pub(crate) fn of(number: u64, core: &StoreCore) -> Self {
        Self {
            store: core.id(),
            number,
        }
    }

    pub(crate) fn number(&self, core: &StoreCore) -> Result<u64, Error> {
        core.check(self.store)?;
        Ok(self.number)
    }

    pub(crate) fn ty_in(&self, core: &StoreCore) -> Result<FuncType, Error> {
        Ok(core.tag(self.number(core)?)?.ty.clone())
    }

    /// Returns the type. The parameters are the payload of exceptions, and there are no results.
    ///
    /// # Panics
    /// Panics if the tag belongs to another store.
    pub fn ty(&self, store: &impl AsStore) -> FuncType {
        self.ty_in(core_of(store)).expect("a tag is used with its own store")
    }
}

impl Exception {
    /// Makes an exception. A host function throws it by returning it as its error.
    ///
    /// # Errors
    /// Fails if the values do not have the types of the tag's payload, or if the tag or a value belongs to another store.
    pub fn new(store: &mut impl AsStore, tag: &Tag, payload: &[Value]) -> Result<Self, Error> {
        let core = core_of(store);
        let number = tag.number(core)?;
        let object = core.tag(number)?;
        let types: Vec<ValType> = payload.iter().map(Value::ty).collect();
        let fit = payload
            .iter()
            .zip(object.ty.params())
            .all(|(value, ty)| value.is(*ty, core));
        if !fit || payload.len() != object.ty.params().len() {
            let given = FuncType::new(types, []);
            return Err(Error::Refused(format!(
                "the payload of the exception is {given}, and its tag has {}",
                object.ty
            )));
        }
        let name = object.name.as_deref().map(str::to_owned);
        let tag = (number, name, object.ty.clone());
        let core = core_of_mut(store);
        let part = |value: &Value| {
            Ok(match value {
                Value::ExternRef(Some(object)) => Part::Object(object.clone()),
                Value::ExnRef(Some(exception)) => {
                    core.check(exception.store())?;
                    Part::Exception(exception.clone())
                }
                value => Part::Plain(value.to_only_slot(core)?),
            })
        };
        let parts = payload.iter().map(part).collect::<Result<Vec<_>, Error>>()?;
        Ok(Self::from_parts(core.id(), tag, parts, None))
    }

    /// Returns the tag.
    ///
    /// # Errors
    /// Fails if the exception belongs to another store.
    pub fn tag(&self, store: &impl AsStore) -> Result<Tag, Error> {
        let core = core_of(store);
        core.check(self.store())?;
        Ok(Tag::of(self.tag_number(), core))
    }

    /// Returns the values of the payload.
    ///
    /// # Errors
    /// Fails if the exception belongs to another store.
    pub fn payload(&self, store: &impl AsStore) -> Result<Vec<Value>, Error> {
        let core = core_of(store);
        core.check(self.store())?;
        let value = |(ty, part): (&ValType, &Part)| match part {
            Part::Object(object) => Ok(Value::ExternRef(Some(object.clone()))),
            Part::Exception(exception) => Ok(Value::ExnRef(Some(exception.clone()))),
            Part::Plain(slot) if ty.is_func() => Ok(Value::FuncRef(
                FuncPtr::from_slot(*slot).map(|func| Func::of(func, core)),
            )),
            Part::Plain(slot) => Value::from_slot(*slot, *ty, core),
        };
        self.ty().params().iter().zip(self.parts()).map(value).collect()
    }
}
