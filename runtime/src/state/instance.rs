//! Instances: the data that the runtime keeps about each, besides its context.
//!
//! Input: a module, a context, imports. Output: addresses, references and exports. Must not hold: the steps of instantiation.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr::NonNull;
use std::sync::Arc;

use wrun_artifact::index::{GlobalIndex, MemoryIndex, SigIndex, TagIndex};
use wrun_artifact::info::{Info, ItemKind};
use wrun_artifact::types::{ExternType, GlobalType};
use wrun_artifact::vmlayout::{VMLayout, vmctx};

use super::{ModuleCore, StoreCore};
use crate::error::Error;
use crate::sys::mmap::Mapping;
use crate::vm::{FuncPtr, HOST, VMContext, VMFuncRef, VMMemoryDefinition};

/// A function that an instance imports.
pub(crate) struct ImportedFunc {
    /// Index of its type in the importing module.
    pub(crate) sig: u32,
    /// The code that compiled code calls.
    pub(crate) code: *const u8,
    /// Argument that the code gets as its context.
    pub(crate) context: *mut u8,
    /// Reference to the function, made when it is needed.
    pub(crate) reference: Cell<Option<FuncPtr>>,
}

/// An export of an instance, as an item of its store.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Item {
    /// A function.
    Func(FuncPtr),
    /// The store's number of a table.
    Table(usize),
    /// The store's number of a memory.
    Memory(usize),
    /// Address and type of a global.
    Global(NonNull<u8>, GlobalType),
    /// The store's number of a tag.
    Tag(u64),
}

/// The data of an instance. While the store is alive, anything may take a shared reference to it from the context.
pub(crate) struct InstanceData {
    /// The module.
    pub(crate) module: Arc<ModuleCore>,
    /// The context that compiled code gets.
    pub(crate) vmctx: VMContext,
    /// The store's numbers of the module's memories, by memory index.
    pub(crate) memories: Vec<usize>,
    /// The store's numbers of the module's tables, by table index.
    pub(crate) tables: Vec<usize>,
    /// The imported functions, by function index.
    pub(crate) imported_funcs: Vec<ImportedFunc>,
    /// Offsets in the text of the trampolines of imported functions. `NONE` for functions that no private table can hold.
    pub(super) thunks: Vec<u32>,
    func_refs: RefCell<BTreeMap<u32, FuncPtr>>,
    dropped_elems: RefCell<BTreeSet<u32>>,
    dropped_data: RefCell<BTreeSet<u32>>,
    /// Memory of the context, unless the context is part of a memory's reservation.
    _context: Option<Mapping>,
}

impl InstanceData {
    /// Makes an instance of which only the context exists. `mapping` holds the context if no memory does.
    pub(crate) fn new(module: &Arc<ModuleCore>, vmctx: VMContext, mapping: Option<Mapping>) -> Self {
        let imports = module.artifact().info().imports.iter();
        let funcs = imports.filter(|row| row.ty.kind() == Some(ItemKind::Func));
        Self {
            module: Arc::clone(module),
            vmctx,
            memories: Vec::new(),
            tables: Vec::new(),
            imported_funcs: Vec::new(),
            thunks: funcs.map(|row| row.thunk.get()).collect(),
            func_refs: RefCell::default(),
            dropped_elems: RefCell::default(),
            dropped_data: RefCell::default(),
            _context: mapping,
        }
    }

    /// Returns the instance with this context.
    ///
    /// # Safety
    /// The instance is completely set up, and its store stays alive while the result is used.
    pub(crate) unsafe fn of<'a>(vmctx: VMContext) -> &'a Self {
        // SAFETY: `instantiate` stores the address of the instance's data, which lives as long as the store and is only
        // ever borrowed shared.
        unsafe { &*vmctx.get::<*const Self>(vmctx::INSTANCE) }
    }

    /// Returns the facts about the module.
    pub(crate) fn info(&self) -> &Info<'_> {
        self.module.artifact().info()
    }

    /// Returns the layout of the context.
    pub(crate) fn layout(&self) -> &VMLayout {
        self.module.layout()
    }

    /// Returns the address of the code at an offset of the text.
    pub(crate) fn code(&self, offset: u32) -> Result<*const u8, Error> {
        let code = self.module.image().code(offset);
        code.ok_or_else(|| Error::damaged("the place of a function"))
    }

    /// Returns the engine's id of a signature of the module.
    pub(crate) fn sig_id(&self, core: &StoreCore, sig: u32) -> Result<u32, Error> {
        let damaged = || Error::damaged("the index of a type");
        if sig >= self.layout().counts().sigs {
            return Err(damaged());
        }
        let at = self.layout().sig(SigIndex::from_u32(sig));
        // SAFETY: the field holds a number, in this instance's own layout.
        match unsafe { self.vmctx.get(at) } {
            0 => {
                let ty = self.info().func_type(sig).ok_or_else(damaged)?;
                let ty = self.module.func_in_engine(&core.engine, &ty)?;
                let id = core.engine.sig_id(&ty);
                // SAFETY: as above.
                unsafe { self.vmctx.set(at, id) };
                Ok(id)
            }
            id => Ok(id),
        }
    }

    /// Returns the address of a global's value.
    pub(crate) fn global(&self, index: u32) -> Result<*mut u8, Error> {
        let counts = self.layout().counts();
        if index >= counts.imported_globals + counts.defined_globals {
            return Err(Error::damaged("the index of a global"));
        }
        let index = GlobalIndex::from_u32(index);
        // SAFETY: the offsets are of this instance's own layout, and imports are filled in before anything asks for a global.
        Ok(unsafe {
            match self.layout().global_is_defined(index) {
                Some(defined) => self.vmctx.field(self.layout().defined_global(defined)),
                None => self.vmctx.get(self.layout().imported_global(index)),
            }
        })
    }

    /// Returns the definition of the memory that is exported as `memory`.
    pub(crate) fn exported_memory(&self) -> Option<*const VMMemoryDefinition> {
        let row = self
            .info()
            .export("memory")
            .filter(|row| row.kind() == Some(ItemKind::Memory))?;
        let index = MemoryIndex::from_u32(row.index.get());
        let layout = self.layout();
        // SAFETY: the offsets are of this instance's own layout, and imports are filled in.
        Some(unsafe {
            match layout.memory_is_defined(index) {
                Some(defined) => self.vmctx.field(layout.defined_memory(defined)),
                None => self.vmctx.get(layout.imported_memory(index)),
            }
        })
    }

    /// Returns the item that is exported under a name.
    pub(crate) fn export(&self, core: &mut StoreCore, name: &str) -> Result<Option<Item>, Error> {
        let Some(row) = self.info().export(name) else {
            return Ok(None);
        };
        let damaged = || Error::damaged("an export");
        let (kind, index) = (row.kind().ok_or_else(damaged)?, row.index.get());
        let place = |places: &[usize]| places.get(index as usize).copied().ok_or_else(damaged);
        Ok(Some(match kind {
            ItemKind::Func => Item::Func(self.func_ref(core, index)?),
            ItemKind::Table => Item::Table(place(&self.tables)?),
            ItemKind::Memory => Item::Memory(place(&self.memories)?),
            ItemKind::Global => {
                let ty = self.info().item_type(ItemKind::Global, index).ok_or_else(damaged)?;
                let ExternType::Global(ty) = self.module.in_engine(&core.engine, ty)? else {
                    return Err(damaged());
                };
                Item::Global(NonNull::new(self.global(index)?).ok_or_else(damaged)?, ty)
            }
            ItemKind::Tag => {
                let counts = self.layout().counts();
                if index >= counts.imported_tags + counts.defined_tags {
                    return Err(damaged());
                }
                let at = self.layout().tag(TagIndex::from_u32(index));
                // SAFETY: the field holds a number, in this instance's own layout.
                Item::Tag(unsafe { self.vmctx.get(at) })
            }
        }))
    }

    /// Returns the reference to a function of this instance, by its number in the function index space.
    pub(crate) fn func_ref(&self, core: &mut StoreCore, func: u32) -> Result<FuncPtr, Error> {
        if let Some(imported) = self.imported_funcs.get(func as usize) {
            if let Some(reference) = imported.reference.get() {
                return Ok(reference);
            }
            let reference = FuncPtr::new(core.func_refs.push(VMFuncRef {
                code: imported.code.into(),
                vmctx: imported.context.into(),
                sig: self.sig_id(core, imported.sig)?,
                local_sig: HOST,
            }));
            imported.reference.set(Some(reference));
            return Ok(reference);
        }
        if let Some(reference) = self.func_refs.borrow().get(&func) {
            return Ok(*reference);
        }
        let damaged = || Error::damaged("the index of a function");
        let sig = self.info().sig_of(func).ok_or_else(damaged)?;
        let defined = func as usize - self.imported_funcs.len();
        let start = self.info().funcs.get(defined).ok_or_else(damaged)?.start.get();
        let reference = FuncPtr::new(core.func_refs.push(VMFuncRef {
            code: self.code(start)?.into(),
            vmctx: self.vmctx.as_ptr().into(),
            sig: self.sig_id(core, sig)?,
            local_sig: sig,
        }));
        self.func_refs.borrow_mut().insert(func, reference);
        Ok(reference)
    }

    /// Returns the untyped trampoline to host functions of a type, by the type's id in the engine.
    pub(crate) fn host_trampoline(&self, core: &StoreCore, sig_id: u32) -> Option<*const u8> {
        let (_, row) = (0..)
            .zip(self.info().sigs)
            .find(|(sig, _)| self.sig_id(core, *sig).ok() == Some(sig_id))?;
        self.code(row.untyped_hostcall.get()).ok()
    }

    /// Drops an element segment (`elem.drop`). It is empty afterwards.
    pub(crate) fn drop_elem(&self, elem: u32) {
        self.dropped_elems.borrow_mut().insert(elem);
    }

    /// Drops a data segment (`data.drop`). It is empty afterwards.
    pub(crate) fn drop_data(&self, data: u32) {
        self.dropped_data.borrow_mut().insert(data);
    }

    /// Returns true if the element segment was dropped.
    pub(super) fn has_dropped_elem(&self, elem: u32) -> bool {
        self.dropped_elems.borrow().contains(&elem)
    }

    /// Returns true if the data segment was dropped.
    pub(super) fn has_dropped_data(&self, data: u32) -> bool {
        self.dropped_data.borrow().contains(&data)
    }
}
