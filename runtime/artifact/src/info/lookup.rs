//! Lookups in an info section: names, types and functions, found in place.
//!
//! Input: an info section, an index or a name. Output: the item, or `None`. Must not hold: the layout of rows (`rows`).

use super::{ExportRow, ExternRow, Info, ItemKind, STUB_LEN, Span};
use crate::types::{ExternType, FuncType, ValType};
use crate::vmlayout::Counts;

impl<'a> Info<'a> {
    /// Returns the sizes of the index spaces.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns the start function, in the function index space.
    pub fn start(&self) -> Option<u32> {
        self.start
    }

    /// Returns a name.
    pub fn string(&self, span: Span) -> &'a str {
        core::str::from_utf8(span.of(self.strings)).unwrap_or_default()
    }

    /// Returns a list of types in the pool.
    pub fn types(&self, span: Span) -> impl ExactSizeIterator<Item = ValType> + 'a {
        // An invalid code of a type can only come from a damaged artifact, so any type will do.
        span.of(self.valtypes)
            .iter()
            .map(|code| ValType::from_code(code.get()).unwrap_or(ValType::I32))
    }

    /// Returns the function type with this signature index.
    pub fn func_type(&self, sig: u32) -> Option<FuncType> {
        let row = self.sigs.get(sig as usize)?;
        Some(FuncType::new(
            self.types(row.params).collect::<Vec<_>>(),
            self.types(row.results).collect::<Vec<_>>(),
        ))
    }

    /// Returns the signature index of a function, in the function index space.
    pub fn sig_of(&self, func: u32) -> Option<u32> {
        match func.checked_sub(self.counts.imported_funcs) {
            Some(defined) => Some(self.funcs.get(defined as usize)?.sig.get()),
            None => Some(self.imported_func_sigs.get(func as usize)?.get()),
        }
    }

    /// Returns the type of an import or of a defined item.
    pub fn extern_type(&self, row: &ExternRow) -> Option<ExternType> {
        Some(match row.kind()? {
            ItemKind::Func => ExternType::Func(self.func_type(row.sig.get())?),
            ItemKind::Table => ExternType::Table(row.as_table()?),
            ItemKind::Memory => ExternType::Memory(row.as_memory()?),
            ItemKind::Global => ExternType::Global(row.as_global()?),
            ItemKind::Tag => ExternType::Tag(self.func_type(row.sig.get())?),
        })
    }

    /// Returns the type of an export.
    pub fn export_type(&self, row: &ExportRow) -> Option<ExternType> {
        self.item_type(row.kind()?, row.index.get())
    }

    /// Returns the type of the item with this index in the index space of its kind.
    pub fn item_type(&self, kind: ItemKind, index: u32) -> Option<ExternType> {
        if kind == ItemKind::Func {
            return self.func_type(self.sig_of(index)?).map(ExternType::Func);
        }
        let mut imported = self.imports.iter().filter(|row| row.ty.kind == kind as u8);
        let imports = imported.clone().count();
        let row = match (index as usize).checked_sub(imports) {
            None => &imported.nth(index as usize)?.ty,
            Some(defined) => match kind {
                // Functions were handled above.
                ItemKind::Func => return None,
                ItemKind::Table => &self.tables.get(defined)?.ty,
                ItemKind::Memory => &self.memories.get(defined)?.ty,
                ItemKind::Global => &self.globals.get(defined)?.ty,
                ItemKind::Tag => return self.func_type(self.tags.get(defined)?.sig.get()).map(ExternType::Tag),
            },
        };
        self.extern_type(row)
    }

    /// Returns the export with this name, by binary search.
    pub fn export(&self, name: &str) -> Option<&'a ExportRow> {
        let exports = self.exports;
        let at = exports
            .binary_search_by(|row| row.name.of(self.strings).cmp(name.as_bytes()))
            .ok()?;
        exports.get(at)
    }

    /// Returns the defined function whose code, or stub, holds this offset of the text, by binary search.
    pub fn func_at(&self, text_offset: u32) -> Option<u32> {
        let after = self.funcs.partition_point(|row| row.start.get() <= text_offset);
        let index = after.checked_sub(1)?;
        let row = &self.funcs[index];
        let len = match row.len.get() {
            0 => STUB_LEN,
            len => len,
        };
        (text_offset - row.start.get() < len).then(|| u32::try_from(index).expect("rows are bounded"))
    }
}
