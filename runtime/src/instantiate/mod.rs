//! From an image and imports to an instance, in the spec's step order (spec 4.5.4).
//!
//! First imports are matched with what was given (`resolve`), then memories, tables, globals and the context are allocated, then
//! globals are initialised, then active element segments and after them active data segments are copied, as far as they are
//! not part of an image. Running the start function is the caller's last step.
//!
//! May not enter: WASI, running `_start`.
//!
//! # Safety
//! The files of this room may use `unsafe`: they fill in contexts, and reach instances from contexts. An [`InstanceData`] is in
//! an arena of its store; references to it are taken for a moment, while no compiled code of the store runs.
#![allow(unsafe_code, reason = "sets up the memory that compiled code works on")]

mod block;
mod const_expr;
mod memory;
mod resolve;
mod segment;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::{self, NonNull};

use wrun_artifact::index::{DefinedGlobalIndex, DefinedMemoryIndex, DefinedTableIndex, FuncIndex, GlobalIndex, Index};
use wrun_artifact::index::{MemoryIndex, SigIndex, TableIndex};
use wrun_artifact::info::{Info, ItemKind, NONE};
use wrun_artifact::types::ExternType;
use wrun_artifact::vmlayout::{TableForm, VMLayout, func_import, vmctx};

use crate::call::LIBCALLS;
use crate::error::Error;
use crate::func::Func;
use crate::global::Global;
use crate::instance::Extern;
use crate::memory::Memory;
use crate::module::Module;
use crate::store::StoreCore;
use crate::sys::mmap::Mapping;
use crate::sys::round_up_to_pages;
use crate::table::Table;
use crate::vm::{FuncPtr, HOST, VMContext, VMFuncRef, VMHostContext, VMMemoryDefinition, VMTableDefinition};
pub(crate) use const_expr::evaluate;
pub(crate) use memory::MemoryObject;
pub(crate) use resolve::resolve;
use resolve::{Given, GivenFunc};
pub(crate) use segment::{init_memory, init_table};
pub(crate) use table::{TableObject, check_entries, table_get};

/// A function that an instance imports.
struct ImportedFunc {
    sig: u32,
    code: *const u8,
    context: *mut u8,
    /// The reference to it, made when it is wanted.
    reference: Option<FuncPtr>,
}

/// What the runtime knows of an instance.
pub(crate) struct InstanceData {
    pub(crate) module: Module,
    pub(crate) vmctx: VMContext,
    /// The store's memories that are this module's, by memory index.
    pub(crate) memories: Vec<usize>,
    /// The store's tables that are this module's, by table index.
    pub(crate) tables: Vec<usize>,
    imported_funcs: Vec<ImportedFunc>,
    /// Where the trampolines of imported functions lie in the text, `NONE` for those that can enter no private table.
    thunks: Vec<u32>,
    func_refs: BTreeMap<u32, FuncPtr>,
    dropped_elems: BTreeSet<u32>,
    dropped_data: BTreeSet<u32>,
    /// The context's memory, where it is not part of a memory's reservation.
    _context: Option<Mapping>,
}

/// Makes an instance, with everything in place but the start function not run. What was done before an error stays in the
/// store, as the spec wants.
///
/// `given` was resolved for this module and store.
pub(crate) fn instantiate(core: &mut StoreCore, module: &Module, given: Vec<Given>) -> Result<usize, Error> {
    let layout = module.layout();
    let info = module.artifact().info();
    let (vmctx, context, memory) = allocate_context(module)?;
    vmctx.set(vmctx::STORE, &raw const core.vm);
    vmctx.set(vmctx::LIBCALLS, LIBCALLS.as_ptr());
    // What follows can fail half way. The store keeps the instance all the same, since by then others may refer to it and to its
    // code: functions of the host get this module's trampolines.
    core.add_code(module.image());
    let place = core.instances.len();
    let instance = core.instances.push(InstanceData {
        module: module.clone(),
        vmctx,
        memories: Vec::new(),
        tables: Vec::new(),
        imported_funcs: Vec::new(),
        thunks: info
            .imports
            .iter()
            .filter(|row| row.ty.kind() == Some(ItemKind::Func))
            .map(|row| row.thunk.get())
            .collect(),
        func_refs: BTreeMap::new(),
        dropped_elems: BTreeSet::new(),
        dropped_data: BTreeSet::new(),
        _context: context,
    });
    vmctx.set(vmctx::INSTANCE, instance.as_ptr());
    // SAFETY: just made; nothing else refers to it until the end of this function.
    let instance = unsafe { &mut *instance.as_ptr() };
    // Only calls through shared tables read these in compiled code; without such a table they are filled in when asked for.
    if info.tables.iter().any(|row| row.form != TableForm::Private as u8) || layout.counts().imported_tables > 0 {
        for index in 0..layout.counts().sigs {
            instance.sig_id(core, index)?;
        }
    }
    let host_contexts = instance.import(core, given)?;
    instance.define_memories(core, memory)?;
    instance.define_tables(core)?;
    core.update_reservations();
    for index in 0..layout.counts().defined_tables {
        let number = layout.counts().imported_tables + index;
        core.tables[instance.tables[number as usize]].set_owner(ptr::from_mut(instance));
    }
    if let Some(memory) = instance.exported_memory() {
        for context in host_contexts {
            // SAFETY: made above, in an arena of the store.
            unsafe { context.as_ref() }.memory.set(memory);
        }
    }
    instance.init_globals(core)?;
    segment::run_active(instance, core)?;
    Ok(place)
}

/// The block below the vmctx: a part of memory 0's reservation where the layout wants that, else a mapping of its own.
fn allocate_context(module: &Module) -> Result<(VMContext, Option<Mapping>, Option<MemoryObject>), Error> {
    let layout = module.layout();
    let size = round_up_to_pages(layout.size() as usize).ok_or_else(Error::damaged)?;
    let pointer;
    let (mut mapping, mut memory) = (None, None);
    if layout.memory_at_vmctx() {
        let row = module.artifact().info().memories.first().ok_or_else(Error::damaged)?;
        let ty = row.ty.as_memory().ok_or_else(Error::damaged)?;
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

impl InstanceData {
    pub(crate) fn info(&self) -> &Info<'_> {
        self.module.artifact().info()
    }

    fn layout(&self) -> &VMLayout {
        self.module.layout()
    }

    /// Puts what was given for the imports into the context. Gives the contexts that were made for host functions.
    fn import(&mut self, core: &mut StoreCore, given: Vec<Given>) -> Result<Vec<NonNull<VMHostContext>>, Error> {
        let module = self.module.clone();
        let layout = module.layout();
        let mut contexts = Vec::new();
        let mut global = 0;
        for given in given {
            match given {
                Given::Func(func) => {
                    let index = FuncIndex::new(self.imported_funcs.len());
                    let (func, context) = self.import_func(core, index, func)?;
                    contexts.extend(context);
                    let at = layout.imported_func(index);
                    self.vmctx.set(at + func_import::CODE, func.code);
                    self.vmctx.set(at + func_import::VMCTX, func.context);
                    self.imported_funcs.push(func);
                }
                Given::Table(table) => {
                    let at = layout.imported_table(TableIndex::new(self.tables.len()));
                    self.vmctx.set(at, core.tables[table].definition());
                    self.tables.push(table);
                }
                Given::Memory(memory) => {
                    let at = layout.imported_memory(MemoryIndex::new(self.memories.len()));
                    self.vmctx.set(at, core.memories[memory].definition());
                    self.memories.push(memory);
                }
                Given::Global(pointer) => {
                    self.vmctx
                        .set(layout.imported_global(GlobalIndex::new(global)), pointer);
                    global += 1;
                }
            }
        }
        Ok(contexts)
    }

    fn import_func(
        &self,
        core: &mut StoreCore,
        index: FuncIndex,
        func: GivenFunc,
    ) -> Result<(ImportedFunc, Option<NonNull<VMHostContext>>), Error> {
        let sig = self.info().sig_of(index.as_u32()).ok_or_else(Error::damaged)?;
        let row = self.info().sigs.get(sig as usize).ok_or_else(Error::damaged)?;
        let untyped = || self.code(row.untyped_hostcall.get());
        match func {
            GivenFunc::Host(host) => {
                let (func, code) = match host.typed.filter(|_| row.typed_hostcall.get() != NONE) {
                    Some(typed) => (typed, self.code(row.typed_hostcall.get())?),
                    None => (host.untyped as *const u8, untyped()?),
                };
                let context = core.host_contexts.push(VMHostContext {
                    func,
                    store: &raw const core.vm,
                    closure: host.closure_ptr(),
                    untyped: host.untyped,
                    memory: ptr::null::<VMMemoryDefinition>().into(),
                });
                core.host_funcs.push(host);
                let imported = ImportedFunc {
                    sig,
                    code,
                    context: context.as_ptr().cast(),
                    reference: None,
                };
                Ok((imported, Some(context)))
            }
            GivenFunc::Ref(reference) => {
                let func = reference.get();
                if func.code.get().is_null() {
                    func.code.set(untyped()?);
                }
                let imported = ImportedFunc {
                    sig,
                    code: func.code.get(),
                    context: func.vmctx.get(),
                    reference: Some(reference),
                };
                Ok((imported, None))
            }
        }
    }

    /// The address of code at an offset of the text.
    pub(crate) fn code(&self, offset: u32) -> Result<*const u8, Error> {
        self.module.image().code(offset).ok_or_else(Error::damaged)
    }

    /// The id in the engine of one of the module's signatures.
    pub(crate) fn sig_id(&self, core: &StoreCore, sig: u32) -> Result<u32, Error> {
        if sig >= self.layout().counts().sigs {
            return Err(Error::damaged());
        }
        let at = self.layout().sig(SigIndex::from_u32(sig));
        match self.vmctx.get(at) {
            0 => {
                let ty = self.info().func_type(sig).ok_or_else(Error::damaged)?;
                let id = core.engine.sig_id(&ty);
                self.vmctx.set(at, id);
                Ok(id)
            }
            id => Ok(id),
        }
    }

    fn define_memories(&mut self, core: &mut StoreCore, mut first: Option<MemoryObject>) -> Result<(), Error> {
        let module = self.module.clone();
        let artifact = module.artifact();
        for (index, row) in artifact.info().memories.iter().enumerate() {
            let at = self.layout().defined_memory(DefinedMemoryIndex::new(index));
            let definition = self.vmctx.field::<VMMemoryDefinition>(at);
            let mut object = match first.take() {
                Some(object) => object,
                None => {
                    let ty = row.ty.as_memory().ok_or_else(Error::damaged)?;
                    MemoryObject::new(ty, artifact.config().memory, 0)?
                }
            };
            // SAFETY: the field is part of the new context, zero until now, which is a valid definition.
            object.set_definition(unsafe { NonNull::new_unchecked(definition) });
            object.load_image(module.image(), row.runs.of(artifact.info().runs))?;
            self.memories.push(core.memories.len());
            core.memories.push(object);
        }
        Ok(())
    }

    fn define_tables(&mut self, core: &mut StoreCore) -> Result<(), Error> {
        let module = self.module.clone();
        for (index, row) in module.artifact().info().tables.iter().enumerate() {
            let at = self.layout().defined_table(DefinedTableIndex::new(index));
            let definition = self.vmctx.field::<VMTableDefinition>(at);
            // SAFETY: as for memories.
            let definition = unsafe { NonNull::new_unchecked(definition) };
            let object = TableObject::of_module(&module, row, definition)?;
            self.tables.push(core.tables.len());
            core.tables.push(object);
        }
        Ok(())
    }

    fn init_globals(&mut self, core: &mut StoreCore) -> Result<(), Error> {
        let module = self.module.clone();
        let info = module.artifact().info();
        for (index, row) in info.globals.iter().enumerate() {
            let slot = evaluate(self, core, row.init)?;
            let ty = row.ty.as_global().ok_or_else(Error::damaged)?;
            let at = self.layout().defined_global(DefinedGlobalIndex::new(index));
            // SAFETY: a field of this context, for a global of this type.
            unsafe { crate::vm::store_slot(self.vmctx.field(at), ty.content, slot) };
        }
        Ok(())
    }

    /// Where the value of a global lies.
    pub(crate) fn global(&self, index: u32) -> Result<*mut u8, Error> {
        let counts = self.layout().counts();
        if index >= counts.imported_globals + counts.defined_globals {
            return Err(Error::damaged());
        }
        let index = GlobalIndex::from_u32(index);
        Ok(match self.layout().global_is_defined(index) {
            Some(defined) => self.vmctx.field(self.layout().defined_global(defined)),
            None => self.vmctx.get(self.layout().imported_global(index)),
        })
    }

    /// The definition of the memory that is exported as `memory`.
    fn exported_memory(&self) -> Option<*const VMMemoryDefinition> {
        let row = self
            .info()
            .export("memory")
            .filter(|row| row.kind() == Some(ItemKind::Memory))?;
        let index = MemoryIndex::from_u32(row.index.get());
        let layout = self.layout();
        Some(match layout.memory_is_defined(index) {
            Some(defined) => self.vmctx.field(layout.defined_memory(defined)),
            None => self.vmctx.get(layout.imported_memory(index)),
        })
    }

    /// The reference to a function of this instance, in the function index space.
    pub(crate) fn func_ref(&mut self, core: &mut StoreCore, func: u32) -> Result<FuncPtr, Error> {
        if let Some(imported) = self.imported_funcs.get(func as usize) {
            if let Some(reference) = imported.reference {
                return Ok(reference);
            }
            let reference = FuncPtr::new(core.func_refs.push(VMFuncRef {
                code: imported.code.into(),
                vmctx: imported.context.into(),
                sig: self.sig_id(core, imported.sig)?,
                local_sig: HOST,
            }));
            self.imported_funcs[func as usize].reference = Some(reference);
            return Ok(reference);
        }
        if let Some(reference) = self.func_refs.get(&func) {
            return Ok(*reference);
        }
        let sig = self.info().sig_of(func).ok_or_else(Error::damaged)?;
        let defined = func as usize - self.imported_funcs.len();
        let start = self.info().funcs.get(defined).ok_or_else(Error::damaged)?.start.get();
        let reference = FuncPtr::new(core.func_refs.push(VMFuncRef {
            code: self.code(start)?.into(),
            vmctx: self.vmctx.as_ptr().into(),
            sig: self.sig_id(core, sig)?,
            local_sig: sig,
        }));
        self.func_refs.insert(func, reference);
        Ok(reference)
    }

    /// The untyped trampoline to host functions of a type, by its id in the engine.
    pub(crate) fn host_trampoline(&self, core: &StoreCore, sig_id: u32) -> Option<*const u8> {
        let (_, row) = (0..)
            .zip(self.info().sigs)
            .find(|(sig, _)| self.sig_id(core, *sig).ok() == Some(sig_id))?;
        self.code(row.untyped_hostcall.get()).ok()
    }

    pub(crate) fn drop_elem(&mut self, elem: u32) {
        self.dropped_elems.insert(elem);
    }

    pub(crate) fn drop_data(&mut self, data: u32) {
        self.dropped_data.insert(data);
    }
}

/// The instance at this place of a store.
fn instance_at<'a>(core: &StoreCore, place: usize) -> Result<&'a mut InstanceData, Error> {
    let instance = core.instances.get(place).ok_or_else(Error::damaged)?;
    // SAFETY: in an arena of the store, which the caller borrows exclusively; borrowed for the caller's call only.
    Ok(unsafe { &mut *instance.as_ptr() })
}

/// The reference to a function of an instance.
pub(crate) fn func_ref(core: &mut StoreCore, place: usize, func: u32) -> Result<FuncPtr, Error> {
    instance_at(core, place)?.func_ref(core, func)
}

/// What an instance exports under a name.
pub(crate) fn export(core: &mut StoreCore, place: usize, name: &str) -> Result<Option<Extern>, Error> {
    let instance = instance_at(core, place)?;
    let Some(row) = instance.info().export(name) else {
        return Ok(None);
    };
    let (kind, index) = (row.kind().ok_or_else(Error::damaged)?, row.index.get());
    let place = |places: &[usize]| places.get(index as usize).copied().ok_or_else(Error::damaged);
    Ok(Some(match kind {
        ItemKind::Func => Extern::Func(Func::of(instance.func_ref(core, index)?, core)),
        ItemKind::Table => Extern::Table(Table::of(place(&instance.tables)?, core)),
        ItemKind::Memory => Extern::Memory(Memory::of(place(&instance.memories)?, core)),
        ItemKind::Global => {
            let Some(ExternType::Global(ty)) = instance.info().item_type(ItemKind::Global, index) else {
                return Err(Error::damaged());
            };
            let pointer = NonNull::new(instance.global(index)?).ok_or_else(Error::damaged)?;
            Extern::Global(Global::of(pointer, ty, core))
        }
    }))
}
