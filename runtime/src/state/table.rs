//! Tables: entries of one of three forms (`vmlayout::TableForm`).
//!
//! Input: a type, initial contents, references. Output: entries. Must not hold: calls through tables.

use std::ptr::{self, NonNull};

use wrun_artifact::TrapCode;
use wrun_artifact::info::{NONE, Span, TableRow};
use wrun_artifact::types::{ExternType, TableType, ValType};
use wrun_artifact::vmlayout::{TableForm, private_entry, shared_entry};

use super::block::Block;
use super::{EngineCore, InstanceData, ModuleCore, StoreCore};
use crate::error::Error;
use crate::vm::{VMFuncRef, VMPrivateEntry, VMSharedEntry, VMTableDefinition};

/// Largest number of entries in a table. It is the limit of the JavaScript API, so no program expects more.
const MAX_ENTRIES: u32 = 10_000_000;

/// A table of a store.
pub(crate) struct TableObject {
    ty: TableType,
    form: TableForm,
    definition: NonNull<VMTableDefinition>,
    /// The entries, unless they are read in the artifact, and room for more. Bytes beyond the table's length are zero.
    block: Block,
    /// Instance that defines the table. Null for a table of the host.
    owner: *const InstanceData,
    /// Initial contents of a shared table, in the owner's `elem_items`. An entry is filled in on first use.
    image: Span,
}

impl TableObject {
    /// Makes a table of its minimal size, filled with null.
    fn empty(ty: TableType, form: TableForm, definition: NonNull<VMTableDefinition>) -> Result<Self, Error> {
        let block = check_size(&ty)
            .map(|entries| Self::entries(form, entries))?
            .ok_or_else(|| Error::Resource(format!("cannot allocate a table of {} entries", ty.min)))?;
        Ok(Self::of_block(ty, form, definition, block))
    }

    /// Makes a table of its minimal size with these entries.
    fn of_block(ty: TableType, form: TableForm, definition: NonNull<VMTableDefinition>, block: Block) -> Self {
        let this = Self {
            ty,
            form,
            definition,
            block,
            owner: ptr::null(),
            image: Span::default(),
        };
        this.definition().base.set(this.block.base().as_ptr());
        this.definition().length.set(ty.min);
        this
    }

    fn entries(form: TableForm, count: u32) -> Option<Block> {
        Block::zeroed((count as usize).checked_mul(form.entry_size() as usize)?)
    }

    /// Makes a table of the host, filled with `init`.
    pub(crate) fn of_host(ty: TableType, definition: NonNull<VMTableDefinition>, init: u64) -> Result<Self, Error> {
        let entries = check_size(&ty)?;
        let form = match ty.element {
            ValType::FUNCREF => TableForm::Shared,
            _ => TableForm::Extern,
        };
        let this = Self::empty(ty, form, definition)?;
        if init != 0 {
            for index in 0..entries {
                this.write(index, init);
            }
        }
        Ok(this)
    }

    /// Makes a table that a module defines, with its initial contents.
    pub(crate) fn of_module(
        module: &ModuleCore,
        engine: &EngineCore,
        row: &TableRow,
        definition: NonNull<VMTableDefinition>,
    ) -> Result<Self, Error> {
        let damaged = || Error::damaged("the type of a table");
        let ty = ExternType::Table(row.ty.as_table().ok_or_else(damaged)?);
        let ExternType::Table(ty) = module.in_engine(engine, ty)? else {
            return Err(damaged());
        };
        let entries = check_size(&ty)?;
        let form = TableForm::from_u8(row.form).ok_or_else(|| Error::damaged("the form of a table"))?;
        if row.image.len.get() > entries {
            return Err(Error::damaged("the initial contents of a table"));
        }
        if form != TableForm::Private {
            let mut this = Self::empty(ty, form, definition)?;
            this.image = row.image;
            return Ok(this);
        }
        let size = private_entry::SIZE as usize;
        let start = row.image.start.get() as usize * size;
        let image = module
            .artifact()
            .tables()
            .get(start..start + row.image.len.get() as usize * size);
        let image = image.ok_or_else(|| Error::damaged("the initial contents of a table"))?;
        let whole = row.constant == 1 && row.image.len.get() == entries && !image.is_empty();
        let aligned = (image.as_ptr() as usize).is_multiple_of(align_of::<VMPrivateEntry>());
        if whole && aligned {
            // No instruction writes this table, so compiled code reads it in the artifact.
            let this = Self::empty(TableType { min: 0, ..ty }, form, definition)?;
            this.definition().base.set(image.as_ptr().cast_mut());
            this.definition().length.set(ty.min);
            return Ok(this);
        }
        let size = entries as usize * size;
        let block = Block::with_contents(size, image, module.image())
            .map_err(|error| Error::resource("cannot allocate a table", &error))?;
        Ok(Self::of_block(ty, form, definition, block))
    }

    /// Sets the instance that defines the table and knows its initial contents.
    pub(crate) fn set_owner(&mut self, owner: *const InstanceData) {
        self.owner = owner;
    }

    /// Returns the definition that compiled code reads.
    pub(crate) fn definition(&self) -> &VMTableDefinition {
        // SAFETY: this is a field of the owner's context, or lies in an arena of the same store.
        unsafe { self.definition.as_ref() }
    }

    /// Returns the type, with the current size as its minimum (spec 4.5.2).
    pub(crate) fn ty(&self) -> TableType {
        TableType {
            min: self.len().into(),
            ..self.ty
        }
    }

    /// Returns the form of the entries.
    pub(crate) fn form(&self) -> TableForm {
        self.form
    }

    /// Returns the size in entries.
    pub(crate) fn len(&self) -> u32 {
        self.definition().length.get() as u32
    }

    /// Returns the instance that defines the table.
    pub(crate) fn owner(&self) -> *const InstanceData {
        self.owner
    }

    fn entry<E>(&self, index: u32) -> *mut E {
        assert!(index < self.len(), "table accesses are checked before");
        // SAFETY: the entry is inside the table.
        unsafe {
            self.definition()
                .base
                .get()
                .add(index as usize * self.form.entry_size() as usize)
                .cast()
        }
    }

    /// Returns the address of an entry of a shared table.
    pub(crate) fn shared_entry(&self, index: u32) -> *mut VMSharedEntry {
        assert_eq!(self.form, TableForm::Shared, "wrun bug: the table has another form");
        self.entry(index)
    }

    /// Returns an entry of a private table.
    pub(crate) fn private(&self, index: u32) -> VMPrivateEntry {
        assert_eq!(self.form, TableForm::Private, "wrun bug: the table has another form");
        // SAFETY: the form says what the entry is.
        unsafe { self.entry::<VMPrivateEntry>(index).read() }
    }

    /// Writes an entry of a private table.
    pub(crate) fn set_private(&self, index: u32, entry: VMPrivateEntry) {
        assert_eq!(self.form, TableForm::Private, "wrun bug: the table has another form");
        // SAFETY: the form says what the entry is; only tables that are never written lie in the artifact.
        unsafe { self.entry::<VMPrivateEntry>(index).write(entry) }
    }

    /// Returns the function of the owner that the initial contents have at `index`, if the entry was neither filled nor written
    /// yet.
    pub(crate) fn unfilled(&self, index: u32) -> Option<u32> {
        // SAFETY: the form says what the entry is.
        if self.form != TableForm::Shared || unsafe { (*self.shared_entry(index)).reference } != 0 {
            return None;
        }
        // SAFETY: the owner is in an arena of this store.
        let owner = unsafe { self.owner.as_ref() }?;
        let func = self.image.of(owner.info().elem_items).get(index as usize)?.get();
        (func != NONE).then_some(func)
    }

    /// Returns the reference at `index`. The entry must be filled (see [`TableObject::unfilled`]), and the table must not be
    /// private.
    pub(crate) fn read(&self, index: u32) -> u64 {
        match self.form {
            // SAFETY: the form says what the entry is.
            TableForm::Shared => match unsafe { (*self.shared_entry(index)).reference } as u64 {
                reference if reference == shared_entry::WRITTEN_NULL as u64 => 0,
                reference => reference,
            },
            // SAFETY: as above.
            TableForm::Extern => unsafe { self.entry::<u64>(index).read() },
            TableForm::Private => panic!("wrun bug: private tables hold no references"),
        }
    }

    /// Writes a reference. The table must not be private.
    pub(crate) fn write(&self, index: u32, reference: u64) {
        match self.form {
            // SAFETY: the form says what the entry is; references come from compiled code or from this store.
            TableForm::Shared => unsafe {
                self.shared_entry(index)
                    .write(VMSharedEntry::of(reference as usize as *const VMFuncRef));
            },
            // SAFETY: as above.
            TableForm::Extern => unsafe { self.entry::<u64>(index).write(reference) },
            TableForm::Private => panic!("wrun bug: private tables hold no references"),
        }
    }

    /// Adds null entries and returns the size before. Returns `None` if there would be too many, or if memory runs out.
    pub(crate) fn grow(&mut self, delta: u32) -> Option<u32> {
        let len = self.len();
        let new = len.checked_add(delta)?;
        // A declared maximum above wrun's own limit has no effect.
        let max = self.ty.max.map_or(MAX_ENTRIES, |max| {
            u32::try_from(max).map_or(MAX_ENTRIES, |max| max.min(MAX_ENTRIES))
        });
        if new > max {
            return None;
        }
        let bytes = |entries: u32| entries as usize * self.form.entry_size() as usize;
        let (all, with_room) = (
            bytes(new),
            // Doubles the room, so that a table that grows in small steps is rarely moved.
            bytes(new.max(len.saturating_mul(2)).min(max)),
        );
        if all > self.block.size() {
            // SAFETY: only the definition points to the entries, and it is updated below.
            unsafe { self.block.lengthen(with_room).or_else(|| self.block.lengthen(all))? };
            self.definition().base.set(self.block.base().as_ptr());
        }
        self.definition().length.set(new.into());
        Some(len)
    }
}

/// Returns the number of entries with which a table of this type begins.
///
/// # Errors
/// Refuses tables with more entries than wrun allows.
fn check_size(ty: &TableType) -> Result<u32, Error> {
    let entries = u32::try_from(ty.min).ok().filter(|entries| *entries <= MAX_ENTRIES);
    entries.ok_or_else(|| {
        Error::Refused(format!(
            "a table would have {} entries, and wrun allows {MAX_ENTRIES}",
            ty.min
        ))
    })
}

/// Returns `start` and `len` as 32-bit numbers. Traps unless `start..start + len` lies inside `size` entries.
pub(crate) fn check_entries(start: u64, len: u64, size: u32) -> Result<(u32, u32), Error> {
    let end = start.checked_add(len).filter(|end| *end <= size.into());
    let both = end.and_then(|_| Some((u32::try_from(start).ok()?, u32::try_from(len).ok()?)));
    both.ok_or_else(|| TrapCode::TableOutOfBounds.into())
}

/// Returns the reference at `index` of a table of the store. Fills the entry in first if necessary. Traps if `index` is outside
/// the table.
pub(crate) fn table_get(core: &mut StoreCore, table: usize, index: u64) -> Result<u64, Error> {
    let object = &core.tables[table];
    let (index, _) = check_entries(index, 1, object.len())?;
    if let Some(func) = object.unfilled(index) {
        let owner = object.owner();
        // SAFETY: the owner is in an arena of this store; instances are only borrowed shared.
        let reference = unsafe { &*owner }.func_ref(core, func)?;
        core.tables[table].write(index, reference.as_ptr() as u64);
    }
    let object = &core.tables[table];
    if object.form() != TableForm::Private {
        return Ok(object.read(index));
    }
    let entry = object.private(index);
    if entry.sig == 0 {
        return Ok(0);
    }
    // SAFETY: as above.
    let owner = unsafe { &*object.owner() };
    let func = owner
        .func_of_private(entry)
        .ok_or_else(|| Error::damaged("an entry of a table"))?;
    Ok(owner.func_ref(core, func)?.as_ptr() as u64)
}

impl InstanceData {
    /// Returns the entry for a function of this instance in a private table.
    pub(crate) fn private_entry(&self, func: u32) -> Result<VMPrivateEntry, Error> {
        let info = self.info();
        let sig = info
            .sig_of(func)
            .ok_or_else(|| Error::damaged("the index of a function"))?;
        let imported = info.counts().imported_funcs;
        let offset = match func.checked_sub(imported) {
            Some(defined) => info.funcs.get(defined as usize).map(|row| row.start.get()),
            None => self.thunks.get(func as usize).copied().filter(|thunk| *thunk != NONE),
        };
        Ok(VMPrivateEntry {
            sig: sig + 1,
            offset: offset.ok_or_else(|| Error::damaged("the place of a function"))?,
        })
    }

    /// Returns the function of an entry of a private table.
    fn func_of_private(&self, entry: VMPrivateEntry) -> Option<u32> {
        let info = self.info();
        if let Some(defined) = info.func_at(entry.offset) {
            return Some(info.counts().imported_funcs + defined);
        }
        u32::try_from(self.thunks.iter().position(|thunk| *thunk == entry.offset)?).ok()
    }
}
