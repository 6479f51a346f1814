//! Validates and describes the sections of a module.
//!
//! Input: the bytes. Output: a [`Module`], in which everything but the bodies has passed validation. Sections are handled in
//! the file's order. The validator reads each section first, so the code here reads only well-formed sections.

use std::collections::HashMap;

use wasmparser::{
    AbstractHeapType, BinaryReaderError, DataKind, ElementItems, ElementKind, ExternalKind, KnownCustom,
    NameSectionReader, Parser, Payload, TableInit, TypeRef, UnpackedIndex, ValidPayload, Validator, ValidatorResources,
};
use wrun_artifact::Config;
use wrun_artifact::index::{
    DataIndex, DefinedFuncIndex, DefinedGlobalIndex, DefinedTableIndex, ElemIndex, FuncIndex, GlobalIndex, IndexVec,
    MemoryIndex, SigIndex, TableIndex, TagIndex, TypeIndex,
};
use wrun_artifact::types::{
    ExternType, FuncType, GlobalType, HeapType, IndexType, MemoryType, PageSize, RefType, TableType, ValType,
};
use wrun_artifact::vmlayout::{Counts, VMLayout};

use super::module::{Body, ConstExpr, ConstOp, Data, Elem, ElemItems, Export, Import, Item, Mode, Module};
use super::{FEATURES, constant, gate, invalid, names, recognise};
use crate::error::CompileError;

/// Validates a module except its bodies, and describes it.
pub(crate) fn parse<'a>(wasm: &'a [u8], config: &Config) -> Result<Module<'a>, CompileError> {
    recognise::recognise(wasm)?;
    let mut sections = Sections::default();
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut validator = Validator::new_with_features(FEATURES);
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(|error| invalid(&error))?;
        gate::check(&payload, FEATURES)?;
        sections
            .take(payload, &mut validator)
            .map_err(|error| invalid(&error))?;
    }
    sections.finish(config)
}

/// Contents of the sections that have been read so far.
#[derive(Default)]
pub(super) struct Sections<'a> {
    counts: Counts,
    types: IndexVec<TypeIndex, SigIndex>,
    pub(super) sigs: IndexVec<SigIndex, FuncType>,
    sig_of: HashMap<FuncType, SigIndex>,
    pub(super) imports: Vec<Import<'a>>,
    pub(super) funcs: IndexVec<FuncIndex, SigIndex>,
    pub(super) tables: IndexVec<TableIndex, TableType>,
    table_inits: IndexVec<DefinedTableIndex, Option<ConstExpr>>,
    pub(super) memories: IndexVec<MemoryIndex, MemoryType>,
    pub(super) globals: IndexVec<GlobalIndex, GlobalType>,
    global_inits: IndexVec<DefinedGlobalIndex, ConstExpr>,
    pub(super) tags: IndexVec<TagIndex, SigIndex>,
    pub(super) exports: Vec<Export<'a>>,
    start: Option<FuncIndex>,
    elems: IndexVec<ElemIndex, Elem>,
    data: IndexVec<DataIndex, Data<'a>>,
    bodies: IndexVec<DefinedFuncIndex, Body<'a>>,
    resources: Option<ValidatorResources>,
    code_section: u64,
    names: Option<NameSectionReader<'a>>,
    debug_sections: Vec<(&'a str, &'a [u8])>,
}

type Step = Result<(), BinaryReaderError>;

impl<'a> Sections<'a> {
    /// Validates and adds the next part of the file.
    pub(super) fn take(&mut self, payload: Payload<'a>, validator: &mut Validator) -> Step {
        if let ValidPayload::Func(func, body) = validator.payload(&payload)? {
            self.bodies.push(Body {
                range: body.range(),
                body,
            });
            self.resources.get_or_insert(func.resources);
            return Ok(());
        }
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    self.add_type(&ty?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.add_import(import?);
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.funcs.push(self.types[TypeIndex::from_u32(ty?)]);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    let ty = self.table_type(&table.ty);
                    self.tables.push(ty);
                    self.table_inits.push(match table.init {
                        TableInit::RefNull => None,
                        TableInit::Expr(expr) => Some(self.constant(&expr)?),
                    });
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(memory_type(&memory?));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    let init = self.constant(&global.init_expr)?;
                    let ty = self.global_type(&global.ty);
                    self.globals.push(ty);
                    self.global_inits.push(init);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    self.tags.push(self.types[TypeIndex::from_u32(tag?.func_type_idx)]);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.push(Export {
                        name: export.name,
                        item: item(export.kind, export.index),
                    });
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(FuncIndex::from_u32(func)),
            Payload::ElementSection(section) => {
                for elem in section {
                    self.add_elem(elem?)?;
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    self.add_data(&data?)?;
                }
            }
            Payload::CodeSectionStart { range, .. } => self.code_section = range.start as u64,
            Payload::CustomSection(section) => match section.as_known() {
                KnownCustom::Name(names) => self.names = Some(names),
                _ if section.name().starts_with(".debug_") => {
                    self.debug_sections.push((section.name(), section.data()));
                }
                _ => {}
            },
            // Only the validator needs the rest.
            _ => {}
        }
        Ok(())
    }

    fn add_type(&mut self, ty: &wasmparser::FuncType) {
        let list = |types: &[wasmparser::ValType]| types.iter().map(|ty| self.val_type(*ty)).collect::<Vec<_>>();
        let ty = FuncType::new(list(ty.params()), list(ty.results()));
        let sig = match self.sig_of.get(&ty) {
            Some(sig) => *sig,
            None => {
                let sig = self.sigs.push(ty.clone());
                self.sig_of.insert(ty, sig);
                sig
            }
        };
        self.types.push(sig);
    }

    fn add_import(&mut self, import: wasmparser::Import<'a>) {
        let ty = match import.ty {
            TypeRef::Func(ty) => {
                let sig = self.types[TypeIndex::from_u32(ty)];
                self.funcs.push(sig);
                self.counts.imported_funcs += 1;
                ExternType::Func(self.sigs[sig].clone())
            }
            TypeRef::Table(ty) => {
                let ty = self.table_type(&ty);
                self.tables.push(ty);
                self.counts.imported_tables += 1;
                ExternType::Table(ty)
            }
            TypeRef::Memory(ty) => {
                let ty = memory_type(&ty);
                self.memories.push(ty);
                self.counts.imported_memories += 1;
                ExternType::Memory(ty)
            }
            TypeRef::Global(ty) => {
                let ty = self.global_type(&ty);
                self.globals.push(ty);
                self.counts.imported_globals += 1;
                ExternType::Global(ty)
            }
            TypeRef::Tag(ty) => {
                let sig = self.types[TypeIndex::from_u32(ty.func_type_idx)];
                self.tags.push(sig);
                self.counts.imported_tags += 1;
                ExternType::Tag(self.sigs[sig].clone())
            }
            TypeRef::FuncExact(_) => unreachable!("the gate let a function of an exact type pass"),
        };
        self.imports.push(Import {
            module: import.module,
            name: import.name,
            ty,
        });
    }

    fn add_elem(&mut self, elem: wasmparser::Element<'a>) -> Step {
        let mode = match elem.kind {
            ElementKind::Active {
                table_index,
                offset_expr,
            } => Mode::Active {
                target: TableIndex::from_u32(table_index.unwrap_or(0)),
                offset: self.constant(&offset_expr)?,
            },
            ElementKind::Passive => Mode::Passive,
            ElementKind::Declared => Mode::Declared,
        };
        let items = match elem.items {
            ElementItems::Functions(funcs) => {
                let funcs: Result<Vec<_>, _> = funcs
                    .into_iter()
                    .map(|func| Ok(Some(FuncIndex::from_u32(func?))))
                    .collect();
                ElemItems::Funcs(funcs?)
            }
            ElementItems::Expressions(ty, exprs) => {
                let exprs: Result<Vec<_>, BinaryReaderError> =
                    exprs.into_iter().map(|expr| self.constant(&expr?)).collect();
                match self.ref_type(ty).is_func() {
                    true => plain(exprs?),
                    false => ElemItems::Exprs(exprs?),
                }
            }
        };
        self.elems.push(Elem { mode, items });
        Ok(())
    }

    fn add_data(&mut self, data: &wasmparser::Data<'a>) -> Step {
        let mode = match &data.kind {
            DataKind::Active {
                memory_index,
                offset_expr,
            } => Mode::Active {
                target: MemoryIndex::from_u32(*memory_index),
                offset: self.constant(offset_expr)?,
            },
            DataKind::Passive => Mode::Passive,
        };
        self.data.push(Data { mode, bytes: data.data });
        Ok(())
    }

    fn val_type(&self, ty: wasmparser::ValType) -> ValType {
        match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(ty) => self.ref_type(ty),
        }
    }

    /// A reference type. Without GC a type refers to earlier ones only.
    fn ref_type(&self, ty: wasmparser::RefType) -> ValType {
        let heap = match ty.heap_type() {
            wasmparser::HeapType::Concrete(UnpackedIndex::Module(index)) => {
                HeapType::Concrete(self.types[TypeIndex::from_u32(index)].as_u32())
            }
            wasmparser::HeapType::Abstract { shared: false, ty } => match ty {
                AbstractHeapType::Func => HeapType::Func,
                AbstractHeapType::Extern => HeapType::Extern,
                AbstractHeapType::Exn => HeapType::Exn,
                AbstractHeapType::NoFunc => HeapType::NoFunc,
                AbstractHeapType::NoExtern => HeapType::NoExtern,
                AbstractHeapType::NoExn => HeapType::NoExn,
                other => unreachable!("validation let the heap type {other:?} pass"),
            },
            other => unreachable!("validation let the heap type {other:?} pass"),
        };
        ValType::Ref(RefType {
            nullable: ty.is_nullable(),
            heap,
        })
    }

    fn table_type(&self, ty: &wasmparser::TableType) -> TableType {
        TableType {
            index: index_type(ty.table64),
            element: self.ref_type(ty.element_type),
            min: ty.initial,
            max: ty.maximum,
        }
    }

    fn global_type(&self, ty: &wasmparser::GlobalType) -> GlobalType {
        GlobalType {
            content: self.val_type(ty.content_type),
            mutable: ty.mutable,
        }
    }

    fn constant(&self, expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, BinaryReaderError> {
        constant::fold(expr, |global| {
            let defined = wrun_artifact::vmlayout::defined(global, self.counts.imported_globals)?;
            self.global_inits
                .get(defined)
                .filter(|_| !self.globals[global].mutable)?
                .value()
        })
    }

    fn finish(self, config: &Config) -> Result<Module<'a>, CompileError> {
        let defined = |all: usize, imported: u32| u32::try_from(all).expect("bounded by validation") - imported;
        let counts = Counts {
            defined_tables: defined(self.tables.len(), self.counts.imported_tables),
            defined_memories: defined(self.memories.len(), self.counts.imported_memories),
            defined_globals: defined(self.globals.len(), self.counts.imported_globals),
            defined_tags: defined(self.tags.len(), self.counts.imported_tags),
            sigs: defined(self.sigs.len(), 0),
            ..self.counts
        };
        let layout = VMLayout::new(counts, config)
            .ok_or_else(|| CompileError::Limit("it has too many imports, globals, tags or types".to_owned()))?;
        let mut names = names::read(self.names, self.funcs.len(), self.tags.len());
        names.add_exported(&self.exports);
        Ok(Module {
            types: self.types,
            sigs: self.sigs,
            imports: self.imports,
            funcs: self.funcs,
            tables: self.tables,
            table_inits: self.table_inits,
            memories: self.memories,
            globals: self.globals,
            global_inits: self.global_inits,
            tags: self.tags,
            tag_names: names.tags,
            exports: self.exports,
            start: self.start,
            elems: self.elems,
            data: self.data,
            bodies: self.bodies,
            resources: self.resources,
            code_section: self.code_section,
            func_names: names.funcs,
            name: names.module,
            debug_sections: self.debug_sections,
            layout,
        })
    }
}

/// Converts elements of type `funcref` to functions, if each of them is `ref.func` or `ref.null`.
fn plain(exprs: Vec<ConstExpr>) -> ElemItems {
    let funcs = exprs.iter().map(|expr| match expr.0.as_slice() {
        [ConstOp::RefFunc(func)] => Some(Some(*func)),
        [ConstOp::Value(_)] => Some(None),
        _ => None,
    });
    match funcs.collect() {
        Some(funcs) => ElemItems::Funcs(funcs),
        None => ElemItems::Exprs(exprs),
    }
}

fn item(kind: ExternalKind, index: u32) -> Item {
    match kind {
        ExternalKind::Func => Item::Func(FuncIndex::from_u32(index)),
        ExternalKind::Table => Item::Table(TableIndex::from_u32(index)),
        ExternalKind::Memory => Item::Memory(MemoryIndex::from_u32(index)),
        ExternalKind::Global => Item::Global(GlobalIndex::from_u32(index)),
        ExternalKind::Tag => Item::Tag(TagIndex::from_u32(index)),
        ExternalKind::FuncExact => unreachable!("validation let an export of another proposal pass"),
    }
}

fn memory_type(ty: &wasmparser::MemoryType) -> MemoryType {
    MemoryType {
        index: index_type(ty.memory64),
        page: match ty.page_size_log2 {
            None => PageSize::Default,
            Some(log2) => u8::try_from(log2)
                .ok()
                .and_then(PageSize::from_log2)
                .unwrap_or_else(|| unreachable!("validation let pages of 2^{log2} bytes pass")),
        },
        min: ty.initial,
        max: ty.maximum,
    }
}

fn index_type(is_64: bool) -> IndexType {
    match is_64 {
        false => IndexType::I32,
        true => IndexType::I64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wasm(text: &str) -> Vec<u8> {
        wat::parse_str(text).expect("text")
    }

    fn with_module(text: &str, check: impl FnOnce(&Module<'_>)) {
        check(&parse(&wasm(text), &Config::native()).expect("valid"));
    }

    fn error(wasm: &[u8]) -> CompileError {
        parse(wasm, &Config::native()).err().expect("refused")
    }

    #[test]
    fn index_spaces_begin_with_the_imports() {
        with_module(
            "(module (type (func)) (type (func (param i32))) (type (func))
               (import \"m\" \"f\" (func (type 1))) (import \"m\" \"t\" (table 1 funcref)) (import \"m\" \"g\" (global i64))
               (func (type 2)) (table 2 3 externref) (memory 1 2) (global (mut f32) (f32.const 1)) (start 1)
               (export \"a\" (func 0)) (export \"b\" (table 1)) (export \"c\" (memory 0)) (export \"d\" (global 1)))",
            |module| {
                let counts = Counts {
                    imported_funcs: 1,
                    imported_tables: 1,
                    imported_globals: 1,
                    defined_tables: 1,
                    defined_memories: 1,
                    defined_globals: 1,
                    sigs: 2,
                    ..Counts::default()
                };
                assert_eq!(*module.counts(), counts);
                // Equal types share a signature.
                let sig = SigIndex::from_u32;
                assert_eq!(module.types.as_slice(), [sig(0), sig(1), sig(0)]);
                assert_eq!(module.funcs.as_slice(), [sig(1), sig(0)]);
                assert_eq!(module.sigs[module.funcs[FuncIndex::from_u32(0)]].params(), [ValType::I32]);
                assert_eq!(module.func_index(DefinedFuncIndex::from_u32(0)), FuncIndex::from_u32(1));
                assert_eq!(module.start, Some(FuncIndex::from_u32(1)));
                let imports: Vec<_> = module.imports.iter().map(|import| (import.module, import.name)).collect();
                assert_eq!(imports, [("m", "f"), ("m", "t"), ("m", "g")]);
                let own = TableType { index: IndexType::I32, element: ValType::EXTERNREF, min: 2, max: Some(3) };
                assert_eq!(module.tables[TableIndex::from_u32(1)], own);
                assert_eq!(module.memories.as_slice(), [MemoryType { index: IndexType::I32, page: PageSize::Default, min: 1, max: Some(2) }]);
                let globals: Vec<_> = module.globals.values().map(|ty| (ty.content, ty.mutable)).collect();
                assert_eq!(globals, [(ValType::I64, false), (ValType::F32, true)]);
                let items: Vec<_> = module.exports.iter().map(|export| (export.name, export.item)).collect();
                let expect = [
                    ("a", Item::Func(FuncIndex::from_u32(0))),
                    ("b", Item::Table(TableIndex::from_u32(1))),
                    ("c", Item::Memory(MemoryIndex::from_u32(0))),
                    ("d", Item::Global(GlobalIndex::from_u32(1))),
                ];
                assert_eq!(items, expect);
            },
        );
    }

    #[test]
    fn segments_keep_their_mode_and_elements_their_simplest_form() {
        with_module(
            "(module (import \"\" \"\" (global $i i32)) (import \"\" \"\" (global $r funcref)) (table $t 9 funcref) (table $u 9 externref)
               (memory 1) (func)
               (elem (i32.const 1) func 0) (elem (table $t) (global.get $i) funcref (ref.func 0) (ref.null func))
               (elem funcref (global.get $r) (ref.func 0)) (elem declare func 0) (elem (table $u) (i32.const 0) externref (ref.null extern))
               (data (i32.const 8) \"abc\") (data \"p\"))",
            |module| {
                let func = Some(FuncIndex::from_u32(0));
                let form = |elem: &Elem| match &elem.items {
                    ElemItems::Funcs(funcs) => Ok(funcs.clone()),
                    ElemItems::Exprs(exprs) => Err(exprs.len()),
                };
                let forms: Vec<_> = module.elems.values().map(form).collect();
                assert_eq!(forms, [Ok(vec![func]), Ok(vec![func, None]), Err(2), Ok(vec![func]), Err(1)]);
                let offsets: Vec<_> = module
                    .elems
                    .values()
                    .map(|elem| match &elem.mode {
                        Mode::Active { target, offset } => Some((target.as_u32(), offset.offset(IndexType::I32))),
                        Mode::Passive | Mode::Declared => None,
                    })
                    .collect();
                assert_eq!(offsets, [Some((0, Some(1))), Some((0, None)), None, None, Some((1, Some(0)))]);
                assert_eq!(module.elems[ElemIndex::from_u32(2)].mode, Mode::Passive);
                assert_eq!(module.elems[ElemIndex::from_u32(3)].mode, Mode::Declared);
                let data: Vec<_> = module.data.values().map(|data| (data.bytes, data.mode == Mode::Passive)).collect();
                assert_eq!(data, [(&b"abc"[..], false), (b"p", true)]);
            },
        );
    }

    #[test]
    fn code_is_where_the_file_has_it_and_debug_sections_are_kept() {
        let wasm = wasm("(module (func nop) (@custom \".debug_info\" \"xyz\") (@custom \"other\" \"no\"))");
        let module = parse(&wasm, &Config::native()).expect("valid");
        assert_eq!(module.debug_sections, [(".debug_info", &b"xyz"[..])]);
        let body = &module.bodies[DefinedFuncIndex::from_u32(0)];
        assert_eq!(&wasm[body.range.clone()], [0, 1, 0x0b]);
        // The number of functions and the first one's size come before it.
        assert_eq!(module.code_section, body.range.start as u64 - 2);
    }

    #[test]
    fn what_is_outside_of_bodies_is_validated() {
        for text in [
            "(module (func (export \"a\")) (func (export \"a\")))",
            "(module (start 0))",
            "(module (memory 65537))",
            "(module (global i32 (i64.const 0)))",
            "(module (data (i32.const 0) \"\"))",
            "(module (elem (i32.const 0)))",
        ] {
            assert!(
                matches!(error(&wasm(text)), CompileError::Invalid { offset, .. } if offset >= 8),
                "{text}"
            );
        }
    }

    #[test]
    fn a_malformed_header_or_section_is_invalid_at_its_offset() {
        for (bytes, at) in [
            (&b"\0asm\x02\0\0\0"[..], 4),
            (b"\0asm\x01\0\0\0\x20\0", 8),
            (b"\0asm\x01\0\0\0\x01\x01\x7f", 10),
        ] {
            assert!(
                matches!(error(bytes), CompileError::Invalid { offset, .. } if offset >= at),
                "{bytes:?}"
            );
        }
        assert_eq!(
            error(b"\0asm\x01\0\0\0\x01\x02\0"),
            CompileError::Truncated { offset: 11 }
        );
    }
}
