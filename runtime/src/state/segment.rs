//! Copies element and data segments (spec 4.5.4, and `table.init`, `memory.init`). Each is copied completely or not at all.
//!
//! Input: an instance, a segment, a range. Output: filled tables and memories, or a trap. Must not hold: segments in an image.

use wrun_artifact::TrapCode;
use wrun_artifact::info::segment_mode::{ACTIVE, PASSIVE};
use wrun_artifact::info::{ItemKind, NONE};
use wrun_artifact::types::ExternType;
use wrun_artifact::vmlayout::TableForm;

use super::{InstanceData, StoreCore, check_entries, evaluate};
use crate::error::Error;
use crate::vm::VMPrivateEntry;

/// Number of bytes that are copied before the deadline is checked again.
const CHUNK: usize = 1 << 20;

/// Copies the active segments in order, except those that are part of an image.
pub(crate) fn copy_active(instance: &InstanceData, core: &mut StoreCore) -> Result<(), Error> {
    let info = instance.info();
    for (index, row) in (0..).zip(info.elems) {
        if row.mode == ACTIVE {
            core.check_deadline()?;
            let Some(ExternType::Table(ty)) = info.item_type(ItemKind::Table, row.table.get()) else {
                return Err(Error::damaged("the table of a segment"));
            };
            let offset = ty.index.zero_extend(evaluate(instance, core, row.offset)? as u64);
            let len = row.items.len.get();
            copy_elems(instance, core, row.table.get(), index, offset, 0, len)?;
        }
    }
    for (index, row) in (0..).zip(info.data) {
        if row.mode == ACTIVE {
            let Some(ExternType::Memory(ty)) = info.item_type(ItemKind::Memory, row.memory.get()) else {
                return Err(Error::damaged("the memory of a segment"));
            };
            let offset = ty.index.zero_extend(evaluate(instance, core, row.offset)? as u64);
            copy_data(instance, core, row.memory.get(), index, offset, 0, row.len.get())?;
        }
    }
    Ok(())
}

/// Implements `table.init`: copies from element `source` of a segment to entry `destination` of a table.
pub(crate) fn init_table(
    instance: &InstanceData,
    core: &mut StoreCore,
    table: u32,
    elem: u32,
    destination: u64,
    source: u32,
    len: u32,
) -> Result<(), Error> {
    let row = instance
        .info()
        .elems
        .get(elem as usize)
        .ok_or_else(|| Error::damaged("the index of an element segment"))?;
    if (row.mode != PASSIVE || instance.has_dropped_elem(elem)) && !(source == 0 && len == 0) {
        return Err(TrapCode::TableOutOfBounds.into());
    }
    copy_elems(instance, core, table, elem, destination, source, len)
}

fn copy_elems(
    instance: &InstanceData,
    core: &mut StoreCore,
    table: u32,
    elem: u32,
    destination: u64,
    source: u32,
    len: u32,
) -> Result<(), Error> {
    let place = *instance
        .tables
        .get(table as usize)
        .ok_or_else(|| Error::damaged("the table of an element segment"))?;
    let items = instance
        .info()
        .elems
        .get(elem as usize)
        .ok_or_else(|| Error::damaged("the index of an element segment"))?
        .items
        .len
        .get();
    check_entries(source.into(), len.into(), items)?;
    let (destination, _) = check_entries(destination, len.into(), core.tables[place].len())?;
    for offset in 0..len {
        core.check_deadline_at(offset)?;
        if core.tables[place].form() == TableForm::Private {
            let entry = match func_item(instance, elem, source + offset)? {
                Some(func) => instance.private_entry(func)?,
                None => VMPrivateEntry::default(),
            };
            core.tables[place].set_private(destination + offset, entry);
        } else {
            let reference = elem_item(instance, core, elem, source + offset)?;
            core.tables[place].write(destination + offset, reference);
        }
    }
    Ok(())
}

/// Returns the function of an item in a segment without expressions.
fn func_item(instance: &InstanceData, elem: u32, item: u32) -> Result<Option<u32>, Error> {
    let info = instance.info();
    let row = &info.elems[elem as usize];
    if row.exprs != 0 {
        return Err(Error::damaged("an entry of an element segment"));
    }
    let func = row
        .items
        .of(info.elem_items)
        .get(item as usize)
        .ok_or_else(|| Error::damaged("an entry of an element segment"))?
        .get();
    Ok((func != NONE).then_some(func))
}

/// Returns an item of a segment as a reference.
fn elem_item(instance: &InstanceData, core: &mut StoreCore, elem: u32, item: u32) -> Result<u64, Error> {
    let info = instance.info();
    let row = info
        .elems
        .get(elem as usize)
        .ok_or_else(|| Error::damaged("the index of an element segment"))?;
    if row.exprs != 0 {
        let ops = row
            .items
            .of(info.elem_exprs)
            .get(item as usize)
            .ok_or_else(|| Error::damaged("an entry of an element segment"))?;
        return Ok(evaluate(instance, core, *ops)? as u64);
    }
    Ok(match func_item(instance, elem, item)? {
        Some(func) => instance.func_ref(core, func)?.as_ptr() as u64,
        None => 0,
    })
}

/// Implements `memory.init`: copies from byte `source` of a segment to byte `destination` of a memory.
pub(crate) fn init_memory(
    instance: &InstanceData,
    core: &mut StoreCore,
    memory: u32,
    data: u32,
    destination: u64,
    source: u32,
    len: u32,
) -> Result<(), Error> {
    let row = instance
        .info()
        .data
        .get(data as usize)
        .ok_or_else(|| Error::damaged("the index of a data segment"))?;
    if (row.mode != PASSIVE || instance.has_dropped_data(data)) && !(source == 0 && len == 0) {
        return Err(TrapCode::MemoryOutOfBounds.into());
    }
    copy_data(instance, core, memory, data, destination, source.into(), len.into())
}

fn copy_data(
    instance: &InstanceData,
    core: &mut StoreCore,
    memory: u32,
    data: u32,
    destination: u64,
    source: u64,
    len: u64,
) -> Result<(), Error> {
    let place = *instance
        .memories
        .get(memory as usize)
        .ok_or_else(|| Error::damaged("the memory of a data segment"))?;
    let row = instance
        .info()
        .data
        .get(data as usize)
        .ok_or_else(|| Error::damaged("the index of a data segment"))?;
    let target = &core.memories[place];
    let fits = |start: u64, size: u64| start.checked_add(len).is_some_and(|end| end <= size);
    if !fits(source, row.len.get()) || !fits(destination, target.definition().length.get()) {
        return Err(TrapCode::MemoryOutOfBounds.into());
    }
    if len == 0 {
        // The artifact need not hold the bytes of a segment that was dropped from the start.
        return Ok(());
    }
    let start = row
        .start
        .get()
        .checked_add(source)
        .ok_or_else(|| Error::damaged("the place of a data segment"))?;
    let bytes = usize::try_from(start).ok().zip(usize::try_from(len).ok());
    let bytes = bytes.and_then(|(start, len)| instance.module.artifact().data().get(start..start.checked_add(len)?));
    let bytes = bytes.ok_or_else(|| Error::damaged("the place of a data segment"))?;
    // SAFETY: no compiled code runs, and nothing borrows the memory.
    let target = unsafe { target.bytes_mut() };
    let target = &mut target[destination as usize..][..bytes.len()];
    for (target, bytes) in target.chunks_mut(CHUNK).zip(bytes.chunks(CHUNK)) {
        core.check_deadline()?;
        target.copy_from_slice(bytes);
    }
    Ok(())
}
