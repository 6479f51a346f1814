//! Libcalls: helpers that compiled code calls, for work on memories, tables, references and exceptions that takes more than a few
//! instructions.
//!
//! Input: the caller's vmctx, parameters. Output: a result, or the end of the activation by a trap. Must not hold: how compiled
//! code calls them (`vmlayout`).
//!
//! A trampoline calls each of them as `extern "C" fn(vmctx, parameters…)`. `vmlayout::Libcall` lists the parameters. Validation
//! makes sure that they are valid for the instance.

use std::ptr::NonNull;

use wrun_artifact::TrapCode;
use wrun_artifact::vmlayout::{Libcall, TableForm};

use super::hostcall::guarded;
use super::{collect_if_always, throw};
use crate::error::Error;
use crate::state::{InstanceData, StoreCore, check_entries, init_memory, init_table, table_get};
use crate::vm::{FuncPtr, Slot, VMContext, VMPrivateEntry};

/// The addresses of the helpers.
pub(crate) struct Table([*const u8; Libcall::ALL.len()]);

// SAFETY: the addresses of functions are the same for all threads and never change.
unsafe impl Sync for Table {}

impl Table {
    /// Returns the value for the context's field `LIBCALLS`.
    pub(crate) const fn as_ptr(&self) -> *const *const u8 {
        self.0.as_ptr()
    }
}

/// The helpers, in the order of `Libcall`.
pub(crate) static LIBCALLS: Table = Table([
    memory_grow as *const u8,
    memory_fill as *const u8,
    memory_copy as *const u8,
    memory_init as *const u8,
    data_drop as *const u8,
    table_grow as *const u8,
    table_fill as *const u8,
    table_copy as *const u8,
    table_init as *const u8,
    elem_drop as *const u8,
    table_get_entry as *const u8,
    table_set_entry as *const u8,
    ref_func as *const u8,
    resolve_indirect as *const u8,
    throw_new as *const u8,
    throw_ref as *const u8,
    resolve_ref as *const u8,
]);

/// Number of bytes to copy or fill before the deadline is checked again. This takes a few milliseconds if each page is touched
/// for the first time.
const CHUNK: usize = 4 << 20;

/// The instance that calls a helper, and its store.
struct Scene<'a> {
    instance: &'a InstanceData,
    core: &'a mut StoreCore,
}

impl Scene<'_> {
    /// Returns the store's number of a memory of the instance.
    fn memory(&self, memory: u32) -> usize {
        self.instance.memories[memory as usize]
    }

    /// Returns the store's number of a table of the instance.
    fn table(&self, table: u32) -> usize {
        self.instance.tables[table as usize]
    }
}

/// Returns the store of the instance with this context.
///
/// # Safety
/// The instance is complete and its store alive.
unsafe fn store(vmctx: NonNull<u8>) -> *mut StoreCore {
    // SAFETY: the caller's promise; a store begins with what contexts point to.
    unsafe { VMContext::new(vmctx).store().cast_mut().cast() }
}

/// Runs a helper for the instance with this context.
#[inline(always)]
fn run<R>(vmctx: NonNull<u8>, helper: impl FnOnce(Scene<'_>) -> Result<R, Error>) -> R {
    // SAFETY: compiled code passes its own context, of an instance that is complete and whose store is alive.
    let (store, instance) = unsafe { (store(vmctx), InstanceData::of(VMContext::new(vmctx))) };
    guarded(store, || {
        // SAFETY: the guest is suspended in this call, so nothing else uses the store; instances are allocations apart.
        let core = unsafe { &mut *store };
        helper(Scene { instance, core })
    })
}

/// Runs a helper that works on tables. When it is done, each reference that it was given is in the table or no longer needed, so
/// objects can be collected.
#[inline(always)]
fn run_table<R>(vmctx: NonNull<u8>, helper: impl FnOnce(Scene<'_>) -> Result<R, Error>) -> R {
    run(vmctx, |Scene { instance, core }| {
        let result = helper(Scene { instance, core })?;
        collect_if_always(core)?;
        Ok(result)
    })
}

unsafe extern "C" fn memory_grow(vmctx: NonNull<u8>, memory: u32, delta: u64) -> u64 {
    run(vmctx, |scene| {
        let place = scene.memory(memory);
        let core = scene.core;
        let vm = &core.vm;
        let check = || match vm.is_due() {
            true => Err(Error::interrupt()),
            false => Ok(()),
        };
        Ok(match core.memories[place].grow(delta, check)? {
            Some((old, moved)) => {
                if moved {
                    core.update_reservations();
                }
                old
            }
            None => u64::MAX,
        })
    })
}

/// Returns `start..start + len` if this range lies inside `size` bytes.
fn range(start: u64, len: u64, size: usize) -> Result<std::ops::Range<usize>, Error> {
    let end = start.checked_add(len).filter(|end| *end <= size as u64);
    let end = end.ok_or(TrapCode::MemoryOutOfBounds)?;
    Ok(start as usize..end as usize)
}

unsafe extern "C" fn memory_fill(vmctx: NonNull<u8>, memory: u32, destination: u64, byte: u32, len: u64) {
    run(vmctx, |scene| {
        // SAFETY: the guest is suspended, and nothing else borrows its memory.
        let bytes = unsafe { scene.core.memories[scene.memory(memory)].bytes_mut() };
        let range = range(destination, len, bytes.len())?;
        for chunk in bytes[range].chunks_mut(CHUNK) {
            chunk.fill(byte as u8);
            scene.core.check_deadline()?;
        }
        Ok(())
    })
}

unsafe extern "C" fn memory_copy(
    vmctx: NonNull<u8>,
    destination_memory: u32,
    source_memory: u32,
    destination: u64,
    source: u64,
    len: u64,
) {
    run(vmctx, |scene| {
        let core = &*scene.core;
        let (to, from) = (
            &core.memories[scene.memory(destination_memory)],
            &core.memories[scene.memory(source_memory)],
        );
        let target = range(destination, len, to.length())?;
        let origin = range(source, len, from.length())?;
        // Overlapping chunks are copied in the direction that does not overwrite bytes before they are read.
        let count = target.len().div_ceil(CHUNK);
        let backwards = destination > source;
        for step in 0..count {
            let chunk = if backwards { count - 1 - step } else { step };
            let at = chunk * CHUNK;
            let size = CHUNK.min(target.len() - at);
            // SAFETY: both ranges were checked just now, and the guest is suspended; they may overlap.
            unsafe {
                let from = from.base().add(origin.start + at);
                from.copy_to(to.base().add(target.start + at), size);
            }
            scene.core.check_deadline()?;
        }
        Ok(())
    })
}

unsafe extern "C" fn memory_init(vmctx: NonNull<u8>, memory: u32, data: u32, destination: u64, source: u32, len: u32) {
    run(vmctx, |scene| {
        init_memory(scene.instance, scene.core, memory, data, destination, source, len)
    })
}

unsafe extern "C" fn data_drop(vmctx: NonNull<u8>, data: u32) {
    run(vmctx, |scene| {
        scene.instance.drop_data(data);
        Ok(())
    })
}

unsafe extern "C" fn table_grow(vmctx: NonNull<u8>, table: u32, delta: u64, reference: u64) -> u64 {
    run_table(vmctx, |scene| {
        let (place, core) = (scene.table(table), scene.core);
        let grown = u32::try_from(delta).ok();
        let Some(old) = grown.and_then(|delta| core.tables[place].grow(delta)) else {
            return Ok(u64::MAX);
        };
        if reference != 0 {
            for index in old..core.tables[place].len() {
                core.check_deadline_at(index)?;
                core.tables[place].write(index, reference);
            }
        }
        Ok(old.into())
    })
}

unsafe extern "C" fn table_fill(vmctx: NonNull<u8>, table: u32, destination: u64, reference: u64, len: u64) {
    run_table(vmctx, |scene| {
        let core = &*scene.core;
        let object = &core.tables[scene.table(table)];
        let (destination, len) = check_entries(destination, len, object.len())?;
        for index in destination..destination + len {
            core.check_deadline_at(index)?;
            object.write(index, reference);
        }
        Ok(())
    })
}

unsafe extern "C" fn table_copy(
    vmctx: NonNull<u8>,
    destination_table: u32,
    source_table: u32,
    destination: u64,
    source: u64,
    len: u64,
) {
    run_table(vmctx, |scene| {
        let (to, from) = (scene.table(destination_table), scene.table(source_table));
        let core = scene.core;
        let (source, len) = check_entries(source, len, core.tables[from].len())?;
        let (destination, _) = check_entries(destination, len.into(), core.tables[to].len())?;
        let private = core.tables[to].form() == TableForm::Private;
        let backwards = destination > source;
        for step in 0..len {
            core.check_deadline_at(step)?;
            let offset = if backwards { len - 1 - step } else { step };
            if private {
                // Private tables are copied to private tables of the same module only.
                let entry: VMPrivateEntry = core.tables[from].private(source + offset);
                core.tables[to].set_private(destination + offset, entry);
            } else {
                let reference = table_get(core, from, (source + offset).into())?;
                core.tables[to].write(destination + offset, reference);
            }
        }
        Ok(())
    })
}

unsafe extern "C" fn table_init(vmctx: NonNull<u8>, table: u32, elem: u32, destination: u64, source: u32, len: u32) {
    run_table(vmctx, |scene| {
        init_table(scene.instance, scene.core, table, elem, destination, source, len)
    })
}

unsafe extern "C" fn elem_drop(vmctx: NonNull<u8>, elem: u32) {
    run_table(vmctx, |scene| {
        scene.instance.drop_elem(elem);
        Ok(())
    })
}

unsafe extern "C" fn table_get_entry(vmctx: NonNull<u8>, table: u32, index: u64) -> u64 {
    run(vmctx, |scene| table_get(scene.core, scene.table(table), index))
}

unsafe extern "C" fn table_set_entry(vmctx: NonNull<u8>, table: u32, index: u64, reference: u64) {
    run(vmctx, |scene| {
        let object = &scene.core.tables[scene.table(table)];
        let (index, _) = check_entries(index, 1, object.len())?;
        object.write(index, reference);
        Ok(())
    })
}

unsafe extern "C" fn ref_func(vmctx: NonNull<u8>, func: u32) -> u64 {
    run(vmctx, |scene| {
        Ok(scene.instance.func_ref(scene.core, func)?.as_ptr() as u64)
    })
}

unsafe extern "C" fn resolve_indirect(vmctx: NonNull<u8>, table: u32, index: u64, sig: u32) -> u64 {
    run(vmctx, |scene| {
        let wanted = scene.instance.sig_id(scene.core, sig)?;
        let place = scene.table(table);
        let core = scene.core;
        let reference = table_get(core, place, index)?;
        let Some(func) = FuncPtr::from_slot(reference.into()) else {
            return Err(TrapCode::UninitializedElement.into());
        };
        // SAFETY: references in this store's tables are to functions of this store.
        let func = unsafe { func.get() };
        if func.sig != wanted {
            return Err(TrapCode::IndirectCallTypeMismatch.into());
        }
        if func.code.get().is_null() {
            // The host function was put into the table before any module with its type was there. The module of this instance has
            // a trampoline.
            let trampoline = scene.instance.host_trampoline(core, wanted);
            func.code
                .set(trampoline.ok_or_else(|| Error::damaged("the type of an indirect call"))?);
        }
        let (index, _) = check_entries(index, 1, core.tables[place].len())?;
        core.tables[place].write(index, reference);
        Ok(core.tables[place].shared_entry(index) as u64)
    })
}

unsafe extern "C" fn resolve_ref(vmctx: NonNull<u8>, reference: u64, sig: u32) -> u64 {
    run(vmctx, |Scene { instance, core }| {
        let damaged = || Error::damaged("the type of a call");
        let func = FuncPtr::from_slot(reference.into()).ok_or_else(damaged)?;
        // SAFETY: a reference of the guest, which is to a function of this store.
        let func = unsafe { func.get() };
        let wanted = instance.sig_id(core, sig)?;
        if func.sig != wanted {
            return Err(damaged());
        }
        if func.code.get().is_null() {
            let trampoline = instance.host_trampoline(core, wanted);
            func.code.set(trampoline.ok_or_else(damaged)?);
        }
        Ok(func.code.get() as u64)
    })
}

unsafe extern "C" fn throw_new(vmctx: NonNull<u8>, tag: u64, payload: *const Slot) -> ! {
    let exception = run(vmctx, |Scene { core, .. }| {
        let count = core.tag(tag)?.ty.params().len();
        // SAFETY: compiled code puts the values of this tag's payload there.
        let payload = (0..count).map(|at| unsafe { payload.add(at).read() });
        throw::create(core, tag, payload)
    });
    // SAFETY: compiled code passes its own context, and is suspended in this call. Nothing here has anything to drop.
    unsafe { throw::throw(store(vmctx), exception) }
}

unsafe extern "C" fn throw_ref(vmctx: NonNull<u8>, exception: u64) -> ! {
    run(vmctx, |Scene { core, .. }| match exception {
        0 => Err(TrapCode::NullException.into()),
        _ if core.objects.exception(exception).is_none() => Err(Error::damaged("a stack map")),
        _ => Ok(()),
    });
    // SAFETY: as above.
    unsafe { throw::throw(store(vmctx), exception) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_helper_has_its_place_in_the_table() {
        let by_name = [
            (Libcall::MemoryGrow, memory_grow as *const u8),
            (Libcall::MemoryFill, memory_fill as *const u8),
            (Libcall::MemoryCopy, memory_copy as *const u8),
            (Libcall::MemoryInit, memory_init as *const u8),
            (Libcall::DataDrop, data_drop as *const u8),
            (Libcall::TableGrow, table_grow as *const u8),
            (Libcall::TableFill, table_fill as *const u8),
            (Libcall::TableCopy, table_copy as *const u8),
            (Libcall::TableInit, table_init as *const u8),
            (Libcall::ElemDrop, elem_drop as *const u8),
            (Libcall::TableGet, table_get_entry as *const u8),
            (Libcall::TableSet, table_set_entry as *const u8),
            (Libcall::RefFunc, ref_func as *const u8),
            (Libcall::ResolveIndirect, resolve_indirect as *const u8),
            (Libcall::Throw, throw_new as *const u8),
            (Libcall::ThrowRef, throw_ref as *const u8),
            (Libcall::ResolveRef, resolve_ref as *const u8),
        ];
        assert_eq!(by_name.len(), Libcall::ALL.len());
        for (libcall, address) in by_name {
            assert_eq!(LIBCALLS.0[libcall as usize], address, "{libcall:?}");
        }
    }
}
