//! Tags and exceptions, for the host.

use wrun_artifact::types::{FuncType, ValType};

use super::{AsStore, Func, Store, Value};
use crate::error::{Error, Exception, Part};
use crate::state::{StoreCore, TagObject, core_of, core_of_mut};
use crate::vm::FuncPtr;

/// A tag: a kind of exceptions (spec 2.3.9). Belongs to a store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Tag {
    store: u64,
    number: u64,
}

impl Tag {
    /// A tag of the host, that modules can import. The parameters of `ty` are the payload of exceptions.
    ///
    /// # Errors
    /// When the type has results.
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

    /// Its type: the parameters are the payload of exceptions, and there are no results.
    ///
    /// # Panics
    /// When the tag belongs to another store.
    pub fn ty(&self, store: &impl AsStore) -> FuncType {
        self.ty_in(core_of(store)).expect("a tag is used with its own store")
    }
}

impl Exception {
    /// An exception for a host function to throw, by returning it as its error.
    ///
    /// # Errors
    /// When the values are not of the types of the tag's payload, or something belongs to another store.
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

    /// Its tag.
    ///
    /// # Errors
    /// When it belongs to another store.
    pub fn tag(&self, store: &impl AsStore) -> Result<Tag, Error> {
        let core = core_of(store);
        core.check(self.store())?;
        Ok(Tag::of(self.tag_number(), core))
    }

    /// The values of its payload.
    ///
    /// # Errors
    /// When it belongs to another store.
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
