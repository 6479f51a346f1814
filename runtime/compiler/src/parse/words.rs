//! Types in words, of any proposal. `inspect` shows them for modules, also for those that wrun cannot run.
//!
//! Input: the type section and the declarations that refer to it, not validated. Output: the words, which are the same as for a
//! compiled module where both exist. An index that is out of range is shown as a number.

use wasmparser::{
    CompositeInnerType, ExternalKind, FuncType, GlobalType, MemoryType, RecGroup, SubType, TableType, TagType, TypeRef,
};

/// The index spaces of a module, each entry in words.
#[derive(Default)]
pub(super) struct Types {
    types: Vec<SubType>,
    /// Type indices.
    funcs: Vec<u32>,
    tables: Vec<String>,
    memories: Vec<String>,
    globals: Vec<String>,
    tags: Vec<String>,
}

impl Types {
    pub(super) fn add_group(&mut self, group: RecGroup) {
        self.types.extend(group.into_types());
    }

    pub(super) fn add_func(&mut self, ty: u32) {
        self.funcs.push(ty);
    }

    pub(super) fn add_table(&mut self, ty: &TableType) {
        self.tables.push(table(ty));
    }

    pub(super) fn add_memory(&mut self, ty: &MemoryType) {
        self.memories.push(memory(ty));
    }

    pub(super) fn add_global(&mut self, ty: &GlobalType) {
        self.globals.push(global(ty));
    }

    pub(super) fn add_tag(&mut self, ty: TagType) {
        self.tags.push(self.tag(ty));
    }

    /// Adds an import to its index space and returns its type in words.
    pub(super) fn import(&mut self, ty: TypeRef) -> String {
        let space = match ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.funcs.push(ty);
                return self.func(ty);
            }
            TypeRef::Table(ty) => {
                self.add_table(&ty);
                &self.tables
            }
            TypeRef::Memory(ty) => {
                self.add_memory(&ty);
                &self.memories
            }
            TypeRef::Global(ty) => {
                self.add_global(&ty);
                &self.globals
            }
            TypeRef::Tag(ty) => {
                self.add_tag(ty);
                &self.tags
            }
        };
        space.last().cloned().unwrap_or_default()
    }

    /// Returns the type of an export in words.
    pub(super) fn export(&self, kind: ExternalKind, index: u32) -> String {
        let at = index as usize;
        let (space, kind) = match kind {
            ExternalKind::Func | ExternalKind::FuncExact => {
                return match self.funcs.get(at) {
                    Some(ty) => self.func(*ty),
                    None => format!("func {index}"),
                };
            }
            ExternalKind::Table => (&self.tables, "table"),
            ExternalKind::Memory => (&self.memories, "memory"),
            ExternalKind::Global => (&self.globals, "global"),
            ExternalKind::Tag => (&self.tags, "tag"),
        };
        space.get(at).cloned().unwrap_or_else(|| format!("{kind} {index}"))
    }

    fn func_type(&self, ty: u32) -> Option<&FuncType> {
        match &self.types.get(ty as usize)?.composite_type.inner {
            CompositeInnerType::Func(ty) => Some(ty),
            _ => None,
        }
    }

    fn func(&self, ty: u32) -> String {
        match self.func_type(ty) {
            Some(found) => format!("func {} -> {}", list(found.params()), list(found.results())),
            None => format!("func of type {ty}"),
        }
    }

    fn tag(&self, ty: TagType) -> String {
        match self.func_type(ty.func_type_idx) {
            Some(found) => format!("tag {}", list(found.params())),
            None => format!("tag of type {}", ty.func_type_idx),
        }
    }
}

fn list(types: &[wasmparser::ValType]) -> String {
    let types: Vec<_> = types.iter().map(ToString::to_string).collect();
    format!("({})", types.join(", "))
}

fn limits(min: u64, max: Option<u64>) -> String {
    match max {
        Some(max) => format!("{min} to {max}"),
        None => format!("at least {min}"),
    }
}

fn table(ty: &TableType) -> String {
    format!(
        "{}{}table of {} {}",
        if ty.shared { "shared " } else { "" },
        if ty.table64 { "64-bit " } else { "" },
        limits(ty.initial, ty.maximum),
        ty.element_type
    )
}

fn memory(ty: &MemoryType) -> String {
    let pages = match ty.page_size_log2 {
        None | Some(16) => "pages".to_owned(),
        Some(0) => "pages of 1 byte".to_owned(),
        Some(log2) => format!("pages of 2^{log2} bytes"),
    };
    format!(
        "{}{}memory of {} {pages}",
        if ty.shared { "shared " } else { "" },
        if ty.memory64 { "64-bit " } else { "" },
        limits(ty.initial, ty.maximum),
    )
}

fn global(ty: &GlobalType) -> String {
    format!(
        "{}{} global {}",
        if ty.shared { "shared " } else { "" },
        if ty.mutable { "mutable" } else { "immutable" },
        ty.content_type
    )
}
