//! Tables of a store, for the host.
//!
//! Input: a handle and values. Output: elements as values, the size, the type. Must not hold: the layout of entries (`state`).

use wrun_artifact::types::{TableType, ValType};

use super::{AsStore, Store, Value};
use crate::error::Error;
use crate::state::{StoreCore, TableObject, check_entries, core_of, core_of_mut, table_get};
use crate::vm::VMTableDefinition;

/// A table. It belongs to a store.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Table {
    store: u64,
    place: usize,
}

impl Table {
    /// Makes a table of its minimal size, filled with `init`.
    ///
    /// # Errors
    /// Fails if the limits are invalid, if `init` is not a reference of the element type, or if memory runs out.
    pub fn new<T>(store: &mut Store<T>, ty: TableType, init: Value) -> Result<Self, Error> {
        if !ty.element.is_ref() || ty.max.is_some_and(|max| max < ty.min) {
            return Err(Error::Refused(
                "a table holds references, no less than its minimum".into(),
            ));
        }
        let core = core_of_mut(store);
        let init = reference(&init, ty.element, core)?;
        let definition = core.table_definitions.push(VMTableDefinition {
            base: std::ptr::null_mut::<u8>().into(),
            length: 0.into(),
        });
        let object = TableObject::of_host(ty, definition, init)?;
        let place = core.tables.len();
        core.tables.push(object);
        Ok(Self::of(place, core))
    }

    pub(crate) fn of(place: usize, core: &StoreCore) -> Self {
        Self {
            store: core.id(),
            place,
        }
    }

    pub(crate) fn place(&self, core: &StoreCore) -> Result<usize, Error> {
        core.check(self.store)?;
        Ok(self.place)
    }

    pub(crate) fn ty_in(&self, core: &StoreCore) -> Result<TableType, Error> {
        Ok(core.tables[self.place(core)?].ty())
    }

    fn object<'a>(&self, core: &'a StoreCore) -> &'a TableObject {
        assert!(core.check(self.store).is_ok(), "a table is used with its own store");
        &core.tables[self.place]
    }

    /// Returns the type, with the current size as its minimum.
    ///
    /// # Panics
    /// Panics if the table belongs to another store. [`Table::size`] does the same.
    pub fn ty(&self, store: &impl AsStore) -> TableType {
        self.object(core_of(store)).ty()
    }

    /// Returns the size in elements.
    pub fn size(&self, store: &impl AsStore) -> u32 {
        self.object(core_of(store)).len()
    }

    /// Returns the element at `index`.
    ///
    /// # Errors
    /// Fails if there is no such element.
    pub fn get(&self, store: &mut impl AsStore, index: u32) -> Result<Value, Error> {
        let core = core_of_mut(store);
        let place = self.place(core)?;
        let slot = table_get(core, place, index.into())?;
        Value::from_slot(slot.into(), core.tables[place].ty().element, core)
    }

    /// Writes the element at `index`.
    ///
    /// # Errors
    /// Fails if there is no such element, or if the value is not a reference of the element type.
    pub fn set(&self, store: &mut impl AsStore, index: u32, value: Value) -> Result<(), Error> {
        let core = core_of_mut(store);
        let place = self.place(core)?;
        let element = core.tables[place].ty().element;
        let slot = reference(&value, element, core)?;
        let object = &core.tables[place];
        let (index, _) = check_entries(index.into(), 1, object.len())?;
        object.write(index, slot);
        Ok(())
    }

    /// Adds elements and returns the size before.
    ///
    /// # Errors
    /// Fails if the new size exceeds the maximum, if memory runs out, or if `init` is not a reference of the element type.
    pub fn grow(&self, store: &mut impl AsStore, delta: u32, init: Value) -> Result<u32, Error> {
        let core = core_of_mut(store);
        let place = self.place(core)?;
        let element = core.tables[place].ty().element;
        let slot = reference(&init, element, core)?;
        let object = &mut core.tables[place];
        let old = object.grow(delta);
        let old = old.ok_or_else(|| Error::Resource(format!("cannot grow the table by {delta} elements")))?;
        if slot != 0 {
            for index in old..old + delta {
                object.write(index, slot);
            }
        }
        Ok(old)
    }
}

/// Converts a value to a reference of the element type, in the form that compiled code uses.
fn reference(value: &Value, element: ValType, core: &mut StoreCore) -> Result<u64, Error> {
    if !value.is(element, core) {
        return Err(Error::Refused(format!("the table holds {element}, not {}", value.ty())));
    }
    Ok(value.to_only_slot(core)? as u64)
}
