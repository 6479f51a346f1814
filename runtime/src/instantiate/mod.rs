//! Makes instances, in the order of steps of the specification (spec 4.5.4).
//!
//! Input: an image and imports. Output: an instance. Must not hold: WASI, running `_start`.
//!
//! First the imports are matched (`resolve`). Then memories, tables, globals and the context are allocated, and globals are
//! initialised. Then active element segments and after them active data segments are copied, unless they are part of an image.
//! As the last step, the caller runs the start function.
//!
//! # Safety
//! The files of this room may use `unsafe`: they fill in contexts, and reach instances from contexts. No compiled code has this
//! context before the instance is complete.
#![allow(unsafe_code, reason = "sets up the memory that compiled code works on")]

mod resolve;

use std::ptr::{self, NonNull};
use std::sync::Arc;

use wrun_artifact::index::{DefinedGlobalIndex, DefinedMemoryIndex, DefinedTableIndex, FuncIndex, GlobalIndex, Index};
use wrun_artifact::index::{MemoryIndex, TableIndex, TagIndex};
use wrun_artifact::info::{NONE, SigRow};
use wrun_artifact::vmlayout::{TableForm, func_import, vmctx};

use crate::call::LIBCALLS;
use crate::error::Error;
use crate::state::{ImportedFunc, InstanceData, Item, MemoryObject, ModuleCore, StoreCore, TableObject, TagObject};
use crate::state::{copy_active, evaluate};
use crate::sys::mmap::Mapping;
use crate::sys::round_up_to_pages;
use crate::vm::{FuncPtr, HostFunc, VMContext, VMHostContext, VMMemoryDefinition, VMTableDefinition, store_slot};
pub(crate) use resolve::{Given, matches, resolve};

/// Makes an instance, and returns its index in the store. Everything is done except running the start function. If a step fails,
/// the effects of the steps before it stay in the store, as the specification demands.
///
/// `given` was resolved for this module and store.
pub(crate) fn instantiate(core: &mut StoreCore, module: &Arc<ModuleCore>, given: Vec<Given>) -> Result<usize, Error> {
    let layout = module.layout();
    let info = module.artifact().info();
    let (vmctx, mapping, memory) = allocate_context(module)?;
    // SAFETY: fields of the new context, of these types.
    unsafe {
        vmctx.set(vmctx::STORE, &raw const core.vm);
        vmctx.set(vmctx::LIBCALLS, LIBCALLS.as_ptr());
    }
    // The next steps can fail half way. The store keeps the instance nevertheless, because others may refer to it and to its code
    // by then: host functions get trampolines of this module.
    core.add_code(module.image());
    let mut parts = InstanceData::new(module, vmctx, mapping);
    let filled = fill(&mut parts, core, given, memory);
    let place = core.instances.len();
    let instance = core.instances.push(parts);
    core.update_reservations();
    // After a failure, the context may be freed together with its memory. Nothing refers to them yet.
    let host_contexts = filled?;
    // SAFETY: a field of the context, whose memory the store holds now; the instance is in an arena of the store.
    let instance = unsafe {
        vmctx.set(vmctx::INSTANCE, instance.as_ptr().cast_const());
        instance.as_ref()
    };
    for index in 0..layout.counts().defined_tables {
        let number = layout.counts().imported_tables + index;
        core.tables[instance.tables[number as usize]].set_owner(instance);
    }
    // Compiled code reads these only for calls through shared tables. In other modules they are filled in when needed.
    if info.tables.iter().any(|row| row.form != TableForm::Private as u8) || layout.counts().imported_tables > 0 {
        for index in 0..layout.counts().sigs {
            instance.sig_id(core, index)?;
        }
    }
    let memory = instance.exported_memory().unwrap_or(ptr::null());
    for context in host_contexts {
        // SAFETY: made for this instance, in an arena of the store.
        let context = unsafe { context.as_ref() };
        context.memory.set(memory);
        context.importer.set(Some(vmctx));
    }
    init_globals(instance, core)?;
    init_tables(instance, core)?;
    copy_active(instance, core)?;
    Ok(place)
}

/// Fills in imports, memories and tables. Returns the contexts that were made for host functions.
fn fill(
    instance: &mut InstanceData,
    core: &mut StoreCore,
    given: Vec<Given>,
    memory: Option<MemoryObject>,
) -> Result<Vec<NonNull<VMHostContext>>, Error> {
    let host_contexts = import(instance, core, given)?;
    define_memories(instance, core, memory)?;
    define_tables(instance, core)?;
    define_tags(instance, core)?;
    Ok(host_contexts)
}

/// Allocates the block below the vmctx: as a part of memory 0's reservation if the layout demands it, else as a separate mapping.
fn allocate_context(module: &ModuleCore) -> Result<(VMContext, Option<Mapping>, Option<MemoryObject>), Error> {
    let layout = module.layout();
    let size = round_up_to_pages(layout.size() as usize).ok_or_else(|| Error::damaged("the size of an instance"))?;
    let pointer;
    let (mut mapping, mut memory) = (None, None);
    if layout.memory_at_vmctx() {
        let row = module
            .artifact()
            .info()
            .memories
            .first()
            .ok_or_else(|| Error::damaged("the type of a memory"))?;
        let ty = row
            .ty
            .as_memory()
            .ok_or_else(|| Error::damaged("the type of a memory"))?;
        let object = MemoryObject::new(ty, module.artifact().config().memory, size)?;
        pointer = object.base();
        memory = Some(object);
    } else {
        let own = Mapping::zeroed(size).map_err(|error| Error::resource("cannot make an instance", &error))?;
        // SAFETY: the end of the mapping.
        pointer = unsafe { own.base().add(size) };
        mapping = Some(own);
    }
    // SAFETY: `size` bytes below the pointer are zero, belong to the context alone, and live in the store with the
    // instance; the pointer is at a page's border.
    let vmctx = unsafe { VMContext::new(pointer) };
    Ok((vmctx, mapping, memory))
}

/// Writes the definitions of the imports into the context. Returns the contexts that were made for host functions.
fn import(
    instance: &mut InstanceData,
    core: &mut StoreCore,
    given: Vec<Given>,
) -> Result<Vec<NonNull<VMHostContext>>, Error> {
    let module = Arc::clone(&instance.module);
    let layout = module.layout();
    let mut contexts = Vec::new();
    let (mut global, mut tag) = (0, 0);
    for given in given {
        match given {
            Given::Host(host) => {
                let (func, context) = import_host(instance, core, host)?;
                contexts.push(context);
                import_func(instance, func);
            }
            Given::Item(Item::Func(reference)) => {
                let func = import_reference(instance, reference)?;
                import_func(instance, func);
            }
            Given::Item(Item::Table(table)) => {
                let at = layout.imported_table(TableIndex::new(instance.tables.len()));
                let definition = ptr::from_ref(core.tables[table].definition());
                // SAFETY: the field of this import in the new context.
                unsafe { instance.vmctx.set(at, definition) };
                instance.tables.push(table);
            }
            Given::Item(Item::Memory(memory)) => {
                let at = layout.imported_memory(MemoryIndex::new(instance.memories.len()));
                let definition = ptr::from_ref(core.memories[memory].definition());
                // SAFETY: as above.
                unsafe { instance.vmctx.set(at, definition) };
                instance.memories.push(memory);
            }
            Given::Item(Item::Global(place, _)) => {
                let at = layout.imported_global(GlobalIndex::new(global));
                // SAFETY: as above.
                unsafe { instance.vmctx.set(at, place.as_ptr()) };
                global += 1;
            }
            Given::Item(Item::Tag(number)) => {
                let at = layout.tag(TagIndex::new(tag));
                // SAFETY: as above.
                unsafe { instance.vmctx.set(at, number) };
                tag += 1;
            }
        }
    }
    Ok(contexts)
}

/// Writes the next imported function into the context.
fn import_func(instance: &mut InstanceData, func: ImportedFunc) {
    let at = instance
        .layout()
        .imported_func(FuncIndex::new(instance.imported_funcs.len()));
    // SAFETY: the fields of this import in the new context.
    unsafe {
        instance.vmctx.set(at + func_import::CODE, func.code);
        instance.vmctx.set(at + func_import::VMCTX, func.context);
    }
    instance.imported_funcs.push(func);
}

/// Returns the type of the next imported function: its index, and its trampolines.
fn next_sig(instance: &InstanceData) -> Result<(u32, &SigRow), Error> {
    let damaged = || Error::damaged("the type of an imported function");
    let index = FuncIndex::new(instance.imported_funcs.len());
    let sig = instance.info().sig_of(index.as_u32()).ok_or_else(damaged)?;
    Ok((sig, instance.info().sigs.get(sig as usize).ok_or_else(damaged)?))
}

/// Binds a host function to the instance. Also returns the context that was made for it.
fn import_host(
    instance: &InstanceData,
    core: &mut StoreCore,
    host: HostFunc,
) -> Result<(ImportedFunc, NonNull<VMHostContext>), Error> {
    let (sig, row) = next_sig(instance)?;
    // The typed form has no place where objects can be collected at each call.
    let typed = host.typed.filter(|_| !core.objects.is_always_due());
    let (func, code) = match typed.filter(|_| row.typed_hostcall.get() != NONE) {
        Some(typed) => (typed, instance.code(row.typed_hostcall.get())?),
        None => (host.untyped as *const u8, instance.code(row.untyped_hostcall.get())?),
    };
    let context = core.host_contexts.push(VMHostContext {
        func,
        store: &raw const core.vm,
        closure: host.closure_ptr(),
        untyped: host.untyped,
        memory: ptr::null::<VMMemoryDefinition>().into(),
        importer: None.into(),
    });
    core.host_funcs.push(host);
    let imported = ImportedFunc {
        sig,
        code,
        context: context.as_ptr().cast(),
        reference: None.into(),
    };
    Ok((imported, context))
}

/// Binds a function of the store to the instance.
fn import_reference(instance: &InstanceData, reference: FuncPtr) -> Result<ImportedFunc, Error> {
    let (sig, row) = next_sig(instance)?;
    // SAFETY: `resolve` gives functions of this store only, which is alive.
    let func = unsafe { reference.get() };
    if func.code.get().is_null() {
        func.code.set(instance.code(row.untyped_hostcall.get())?);
    }
    Ok(ImportedFunc {
        sig,
        code: func.code.get(),
        context: func.vmctx.get(),
        reference: Some(reference).into(),
    })
}

fn define_memories(
    instance: &mut InstanceData,
    core: &mut StoreCore,
    mut first: Option<MemoryObject>,
) -> Result<(), Error> {
    let module = Arc::clone(&instance.module);
    let artifact = module.artifact();
    for (index, row) in artifact.info().memories.iter().enumerate() {
        let at = instance.layout().defined_memory(DefinedMemoryIndex::new(index));
        // SAFETY: the field of this memory in the new context.
        let definition = unsafe { instance.vmctx.field::<VMMemoryDefinition>(at) };
        let mut object = match first.take() {
            Some(object) => object,
            None => {
                let ty = row
                    .ty
                    .as_memory()
                    .ok_or_else(|| Error::damaged("the type of a memory"))?;
                MemoryObject::new(ty, artifact.config().memory, 0)?
            }
        };
        // SAFETY: the field is part of the new context, zero until now, which is a valid definition.
        object.set_definition(unsafe { NonNull::new_unchecked(definition) });
        object.load_image(module.image(), row.runs.of(artifact.info().runs))?;
        instance.memories.push(core.memories.len());
        core.memories.push(object);
    }
    Ok(())
}

fn define_tables(instance: &mut InstanceData, core: &mut StoreCore) -> Result<(), Error> {
    let module = Arc::clone(&instance.module);
    for (index, row) in module.artifact().info().tables.iter().enumerate() {
        let at = instance.layout().defined_table(DefinedTableIndex::new(index));
        // SAFETY: the field of this table in the new context.
        let definition = unsafe { instance.vmctx.field::<VMTableDefinition>(at) };
        // SAFETY: as for memories.
        let definition = unsafe { NonNull::new_unchecked(definition) };
        let object = TableObject::of_module(&module, &core.engine, row, definition)?;
        instance.tables.push(core.tables.len());
        core.tables.push(object);
    }
    Ok(())
}

fn define_tags(instance: &InstanceData, core: &mut StoreCore) -> Result<(), Error> {
    let imported = instance.layout().counts().imported_tags as usize;
    for (index, row) in instance.info().tags.iter().enumerate() {
        let ty = instance.info().func_type(row.sig.get());
        let ty = ty.ok_or_else(|| Error::damaged("the type of a tag"))?;
        let ty = instance.module.func_in_engine(&core.engine, &ty)?;
        let name = Some(instance.info().string(row.name)).filter(|name| !name.is_empty());
        let number = core.add_tag(TagObject::new(ty, name));
        let at = instance.layout().tag(TagIndex::new(imported + index));
        // SAFETY: the field of this tag in the new context.
        unsafe { instance.vmctx.set(at, number) };
    }
    Ok(())
}

/// Fills the tables whose initial value is not null.
fn init_tables(instance: &InstanceData, core: &mut StoreCore) -> Result<(), Error> {
    let imported = instance.layout().counts().imported_tables as usize;
    for (index, row) in instance.info().tables.iter().enumerate() {
        if row.init.len.get() == 0 {
            continue;
        }
        let reference = evaluate(instance, core, row.init)? as u64;
        let table = &core.tables[instance.tables[imported + index]];
        if table.form() == TableForm::Private {
            return Err(Error::damaged("the form of a table"));
        }
        for index in 0..table.len() {
            table.write(index, reference);
        }
    }
    Ok(())
}

fn init_globals(instance: &InstanceData, core: &mut StoreCore) -> Result<(), Error> {
    for (index, row) in instance.info().globals.iter().enumerate() {
        let slot = evaluate(instance, core, row.init)?;
        let ty = row
            .ty
            .as_global()
            .ok_or_else(|| Error::damaged("the type of a global"))?;
        let at = instance.layout().defined_global(DefinedGlobalIndex::new(index));
        // SAFETY: a field of this context, for a global of this type.
        let place = unsafe { instance.vmctx.field::<u8>(at) };
        // SAFETY: as above.
        unsafe { store_slot(place, ty.content, slot) };
        if ty.content.is_object() {
            core.reference_globals.extend(NonNull::new(place.cast()));
        }
    }
    Ok(())
}
