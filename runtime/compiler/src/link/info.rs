//! What an artifact says of its module: the info section, the entries of private tables, and the bytes of segments.
//!
//! In: the module, what is known of it, the memories' images and where code came to lie. Out: the info section's tables,
//! and the contents of `.wrun.tables` and `.wrun.data`, which the info section's rows point into. Plain functions of their
//! arguments; files and the order of sections are the linker's.

use wrun_artifact::facts::Facts;
use wrun_artifact::index::{DataIndex, FuncIndex, GlobalIndex, Index, SigIndex, TableIndex};
use wrun_artifact::info::{
    ConstOp as OpRow, DataRow, ElemRow, ExportRow, ExternRow, FuncRow, GlobalRow, ImportRow, InfoBuilder, ItemKind,
    MemoryRow, NONE, RunRow, SigRow, Span, TableRow, const_op, segment_mode,
};
use wrun_artifact::types::ExternType;
use wrun_artifact::vmlayout::{Libcall, TableForm};

use super::image::Images;
use super::placement::Placement;
use crate::code::Symbol;
use crate::parse::{ConstExpr, ConstOp, Elem, ElemItems, Item, Mode, Module, Scan};

/// Constant tables are written in full, so that they can be used where they lie, as long as this many entries (beyond
/// twice the entries of the image) are enough.
const PADDING: usize = 65536;

/// The info section. `image_at` is where the image section begins in the file.
pub(crate) fn build(
    module: &Module<'_>,
    scan: &Scan,
    images: &Images,
    image_at: u64,
    placement: &Placement,
) -> InfoBuilder {
    let mut info = InfoBuilder {
        counts: *module.counts(),
        start: module.start.map(FuncIndex::as_u32),
        ..InfoBuilder::default()
    };
    sigs(&mut info, module, placement);
    imports(&mut info, module, placement);
    funcs(&mut info, module, placement);
    table_rows(&mut info, module, &scan.facts);
    memories(&mut info, module, images, image_at);
    for (global, init) in module.global_inits.iter() {
        let index = GlobalIndex::new(global.index() + module.counts().imported_globals as usize);
        let init = const_expr(&mut info, init);
        info.globals.push(GlobalRow {
            ty: ExternRow::global(&module.globals[index]),
            init,
        });
    }
    exports(&mut info, module);
    elems(&mut info, module, scan);
    data_rows(&mut info, module, images);
    let offset = |libcall: &Libcall| placement.start(Symbol::Libcall(*libcall)).unwrap_or(NONE).into();
    info.libcalls = Libcall::ALL.iter().map(offset).collect();
    info
}

/// Appends the contents of `.wrun.tables`: the images of private tables, one after the other.
///
/// # Panics
/// When a function of a private table has no place in the text: that is a bug in wrun.
pub(crate) fn write_tables(module: &Module<'_>, facts: &Facts, placement: &Placement, out: &mut Vec<u8>) {
    for table in own_tables(module).filter(|table| facts.tables[*table].form == TableForm::Private) {
        let image = &facts.tables[table].image;
        for func in image {
            let (sig, offset) = func.map_or((0, 0), |func| {
                let symbol = module
                    .defined_func(func)
                    .map_or(Symbol::ImportThunk(func), Symbol::Func);
                let offset = placement.start(symbol);
                let offset = offset.expect("this is a bug in wrun: a function in a private table has no code");
                (module.funcs[func].as_u32() + 1, offset)
            });
            out.extend_from_slice(&sig.to_le_bytes());
            out.extend_from_slice(&offset.to_le_bytes());
        }
        let padding = private_len(module, facts, table) - image.len();
        out.resize(out.len() + padding * size_of::<u64>(), 0);
    }
}

/// Appends the contents of `.wrun.data`: the bytes of segments that are not part of an image.
pub(crate) fn write_data(module: &Module<'_>, images: &Images, out: &mut Vec<u8>) {
    for (_, bytes) in copied_data(module, images) {
        out.extend_from_slice(bytes);
    }
}

fn sigs(info: &mut InfoBuilder, module: &Module<'_>, placement: &Placement) {
    for (sig, ty) in module.sigs.iter() {
        let params = info.types(ty.params());
        let results = info.types(ty.results());
        let offset = |symbol: fn(SigIndex) -> Symbol| placement.start(symbol(sig)).unwrap_or(NONE).into();
        info.sigs.push(SigRow {
            params,
            results,
            entry: offset(Symbol::Entry),
            typed_hostcall: offset(Symbol::TypedHostcall),
            untyped_hostcall: offset(Symbol::UntypedHostcall),
        });
    }
}

fn imports(info: &mut InfoBuilder, module: &Module<'_>, placement: &Placement) {
    for import in &module.imports {
        let mut thunk = NONE;
        let ty = match &import.ty {
            ExternType::Func(_) => {
                let func = FuncIndex::new(info.imported_func_sigs.len());
                let sig = module.funcs[func].as_u32();
                info.imported_func_sigs.push(sig.into());
                thunk = placement.start(Symbol::ImportThunk(func)).unwrap_or(NONE);
                ExternRow::func(sig)
            }
            ExternType::Table(ty) => ExternRow::table(ty),
            ExternType::Memory(ty) => ExternRow::memory(ty),
            ExternType::Global(ty) => ExternRow::global(ty),
        };
        let (module, name) = (info.string(import.module), info.string(import.name));
        info.imports.push(ImportRow {
            module,
            name,
            ty,
            thunk: thunk.into(),
        });
    }
}

fn funcs(info: &mut InfoBuilder, module: &Module<'_>, placement: &Placement) {
    let rows = module.bodies.keys().map(|own| {
        let range = placement.func(own);
        let sig = module.funcs[module.func_index(own)];
        FuncRow {
            sig: sig.as_u32().into(),
            start: range.start.into(),
            len: (range.end - range.start).into(),
        }
    });
    info.funcs = rows.collect();
}

fn table_rows(info: &mut InfoBuilder, module: &Module<'_>, facts: &Facts) {
    let mut at = 0;
    for table in own_tables(module) {
        let known = &facts.tables[table];
        let image = match known.form {
            TableForm::Private => {
                let len = private_len(module, facts, table);
                at += len;
                Span::new(at - len, len)
            }
            TableForm::Shared => append(
                &mut info.elem_items,
                known.image.iter().map(|func| func_number(func).into()),
            ),
            TableForm::Extern => Span::default(),
        };
        info.tables.push(TableRow {
            ty: ExternRow::table(&module.tables[table]),
            form: known.form as u8,
            constant: u8::from(known.constant),
            pad: [0; 2],
            image,
        });
    }
}

fn memories(info: &mut InfoBuilder, module: &Module<'_>, images: &Images, image_at: u64) {
    let types = module
        .memories
        .as_slice()
        .iter()
        .skip(module.counts().imported_memories as usize);
    for (ty, runs) in types.zip(images.memories.values()) {
        let rows = runs.iter().map(|run| RunRow {
            offset: run.range.start.into(),
            file_offset: (image_at + run.at).into(),
            len: (run.range.end - run.range.start).into(),
        });
        let runs = append(&mut info.runs, rows);
        info.memories.push(MemoryRow {
            ty: ExternRow::memory(ty),
            runs,
        });
    }
}

fn exports(info: &mut InfoBuilder, module: &Module<'_>) {
    let mut sorted: Vec<_> = module.exports.iter().collect();
    sorted.sort_unstable_by_key(|export| export.name.as_bytes());
    for export in sorted {
        let (kind, index) = match export.item {
            Item::Func(func) => (ItemKind::Func, func.as_u32()),
            Item::Table(table) => (ItemKind::Table, table.as_u32()),
            Item::Memory(memory) => (ItemKind::Memory, memory.as_u32()),
            Item::Global(global) => (ItemKind::Global, global.as_u32()),
        };
        let name = info.string(export.name);
        info.exports.push(ExportRow {
            name,
            kind: (kind as u32).into(),
            index: index.into(),
        });
    }
}

fn elems(info: &mut InfoBuilder, module: &Module<'_>, scan: &Scan) {
    for (index, Elem { mode, items, .. }) in module.elems.iter() {
        let mut row = ElemRow::default();
        match mode {
            Mode::Active { target, offset } => {
                row.table = target.as_u32().into();
                if scan.elems_in_image[index] {
                    row.mode = segment_mode::IN_IMAGE;
                } else {
                    row.offset = const_expr(info, offset);
                }
            }
            Mode::Passive => row.mode = segment_mode::PASSIVE,
            Mode::Declared => row.mode = segment_mode::DECLARED,
        }
        // What is dropped from the start needs no elements.
        if [segment_mode::ACTIVE, segment_mode::PASSIVE].contains(&row.mode) {
            row.items = match items {
                ElemItems::Funcs(funcs) => {
                    append(&mut info.elem_items, funcs.iter().map(|func| func_number(func).into()))
                }
                ElemItems::Exprs(exprs) => {
                    row.exprs = 1;
                    let start = info.elem_exprs.len();
                    for expr in exprs {
                        let expr = const_expr(info, expr);
                        info.elem_exprs.push(expr);
                    }
                    Span::new(start, exprs.len())
                }
            };
        }
        info.elems.push(row);
    }
}

fn data_rows(info: &mut InfoBuilder, module: &Module<'_>, images: &Images) {
    for (index, data) in module.data.iter() {
        let mut row = DataRow::default();
        match &data.mode {
            Mode::Active { target, offset } => {
                row.memory = target.as_u32().into();
                if images.data_in_image[index] {
                    row.mode = segment_mode::IN_IMAGE;
                } else {
                    row.offset = const_expr(info, offset);
                }
            }
            Mode::Passive | Mode::Declared => row.mode = segment_mode::PASSIVE,
        }
        info.data.push(row);
    }
    let mut at = 0;
    for (index, bytes) in copied_data(module, images) {
        let row = &mut info.data[index.index()];
        row.start = at.into();
        row.len = (bytes.len() as u64).into();
        at += bytes.len() as u64;
    }
}

/// The segments whose bytes instantiation or code needs, in order.
fn copied_data<'m>(module: &'m Module<'_>, images: &'m Images) -> impl Iterator<Item = (DataIndex, &'m [u8])> {
    module
        .data
        .iter()
        .filter(|(index, _)| !images.data_in_image[*index])
        .map(|(index, data)| (index, data.bytes))
}

/// The tables that the module defines.
fn own_tables(module: &Module<'_>) -> impl Iterator<Item = TableIndex> {
    module
        .tables
        .keys()
        .filter(|table| module.defined_table(*table).is_some())
}

/// How many entries of a private table are written.
fn private_len(module: &Module<'_>, facts: &Facts, table: TableIndex) -> usize {
    let known = &facts.tables[table];
    let (image, whole) = (
        known.image.len(),
        usize::try_from(module.tables[table].min).unwrap_or(usize::MAX),
    );
    if known.constant && whole <= 2 * image + PADDING {
        whole
    } else {
        image
    }
}

fn const_expr(info: &mut InfoBuilder, expr: &ConstExpr) -> Span {
    let row = |op: &ConstOp| {
        let number = |number: u32| u128::from(number).to_le_bytes();
        let (op, slot) = match op {
            ConstOp::Value(slot) => (const_op::PUSH, *slot),
            ConstOp::GlobalGet(global) => (const_op::GLOBAL, number(global.as_u32())),
            ConstOp::RefFunc(func) => (const_op::FUNC, number(func.as_u32())),
            ConstOp::I32Add => (const_op::I32_ADD, [0; 16]),
            ConstOp::I32Sub => (const_op::I32_SUB, [0; 16]),
            ConstOp::I32Mul => (const_op::I32_MUL, [0; 16]),
            ConstOp::I64Add => (const_op::I64_ADD, [0; 16]),
            ConstOp::I64Sub => (const_op::I64_SUB, [0; 16]),
            ConstOp::I64Mul => (const_op::I64_MUL, [0; 16]),
        };
        OpRow { op, pad: [0; 7], slot }
    };
    append(&mut info.const_ops, expr.0.iter().map(row))
}

/// A function as an element: its number, or `NONE` for null.
fn func_number(func: &Option<FuncIndex>) -> u32 {
    func.map_or(NONE, FuncIndex::as_u32)
}

fn append<T>(pool: &mut Vec<T>, items: impl Iterator<Item = T>) -> Span {
    let start = pool.len();
    pool.extend(items);
    Span::new(start, pool.len() - start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{ValidationPool, parse, validate_body};
    use wrun_artifact::Config;
    use wrun_artifact::index::DefinedFuncIndex;
    use wrun_artifact::info::Info;
    use wrun_artifact::types::{FuncType, IndexType, MemoryType, TableType, ValType};

    const IMAGE_AT: u64 = 0x7000;

    /// What a test looks at: the info section's bytes and the sections that it points into.
    struct Built {
        info: Vec<u8>,
        tables: Vec<(u32, u32)>,
        data: Vec<u8>,
    }

    /// Builds everything, with function number n of the module at 0x100 * n, and trampolines behind.
    fn built(text: &str) -> Built {
        let wasm = wat::parse_str(format!("(module {text})")).expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid");
        let mut pool = ValidationPool::default();
        let bodies = module
            .bodies
            .keys()
            .map(|func| validate_body(&module, func, &mut pool).expect("valid"));
        let scan = Scan::new(&module, bodies);
        let facts = &scan.facts;
        let images = Images::new(&module);
        let mut placement = Placement::default();
        for func in module.bodies.keys() {
            let start = func.as_u32() * 0x100;
            placement
                .insert(Symbol::Func(func), start..start + 16)
                .expect("in order");
        }
        let thunks = facts
            .thunks
            .iter()
            .map(|func| (Symbol::ImportThunk(*func), 0x1_0000 + func.as_u32()));
        let entries = module
            .sigs
            .keys()
            .map(|sig| (Symbol::Entry(sig), 0x2_0000 + sig.as_u32()));
        let typed = module
            .sigs
            .keys()
            .take(1)
            .map(|sig| (Symbol::TypedHostcall(sig), 0x3_0000));
        let untyped = module
            .sigs
            .keys()
            .map(|sig| (Symbol::UntypedHostcall(sig), 0x4_0000 + sig.as_u32()));
        let libcalls = [(Symbol::Libcall(Libcall::MemoryGrow), 0x5_0000)];
        for (symbol, start) in thunks.chain(entries).chain(typed).chain(untyped).chain(libcalls) {
            placement.insert(symbol, start..start + 1).expect("new");
        }
        let (mut tables, mut data) = (Vec::new(), Vec::new());
        write_tables(&module, facts, &placement, &mut tables);
        write_data(&module, &images, &mut data);
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("4 bytes"));
        Built {
            info: build(&module, &scan, &images, IMAGE_AT, &placement).encode(),
            tables: tables
                .chunks(8)
                .map(|entry| (number(&entry[..4]), number(&entry[4..])))
                .collect(),
            data,
        }
    }

    #[test]
    fn types_imports_functions_and_libcalls_have_their_places() {
        let built = built(
            "(import \"a\" \"f\" (func (param i32))) (import \"a\" \"t\" (table 1 2 externref))
             (import \"b\" \"m\" (memory 3)) (import \"b\" \"g\" (global (mut i64))) (import \"a\" \"h\" (func))
             (func (param i32)) (func (result f32) f32.const 0) (table 1 funcref) (elem (table 1) (i32.const 0) func 1)
             (start 1)",
        );
        let info = Info::read(&built.info).expect("whole");
        assert_eq!(info.start(), Some(1));
        let places = |row: &SigRow| [row.entry, row.typed_hostcall, row.untyped_hostcall].map(u32::from);
        assert_eq!(places(&info.sigs[0]), [0x2_0000, 0x3_0000, 0x4_0000]);
        assert_eq!(places(&info.sigs[2]), [0x2_0002, NONE, 0x4_0002]);
        assert_eq!(info.func_type(2), Some(FuncType::new([], [ValType::F32])));
        let imports: Vec<_> = info
            .imports
            .iter()
            .map(|row| {
                (
                    info.string(row.module),
                    info.string(row.name),
                    info.extern_type(&row.ty).expect("known"),
                    row.thunk.get(),
                )
            })
            .collect();
        let table = TableType {
            index: IndexType::I32,
            element: ValType::ExternRef,
            min: 1,
            max: Some(2),
        };
        assert_eq!(
            imports[0],
            ("a", "f", ExternType::Func(FuncType::new([ValType::I32], [])), NONE)
        );
        assert_eq!(imports[1], ("a", "t", ExternType::Table(table), NONE));
        assert_eq!(
            imports[2],
            (
                "b",
                "m",
                ExternType::Memory(MemoryType {
                    index: IndexType::I32,
                    min: 3,
                    max: None
                }),
                NONE
            )
        );
        assert_eq!(imports[4], ("a", "h", ExternType::Func(FuncType::default()), 0x1_0001));
        assert_eq!(
            (0..4).map(|func| info.sig_of(func)).collect::<Vec<_>>(),
            [Some(0), Some(1), Some(0), Some(2)]
        );
        assert_eq!(info.func_at(0x108), Some(1));
        assert_eq!(info.func_at(0x110), None);
        assert_eq!(info.libcalls.len(), Libcall::ALL.len());
        assert_eq!(info.libcalls[Libcall::MemoryGrow as usize].get(), 0x5_0000);
        assert_eq!(info.libcalls[Libcall::ElemDrop as usize].get(), NONE);
    }

    #[test]
    fn private_tables_hold_places_in_the_text_and_constant_ones_are_whole() {
        let built = built(
            "(import \"\" \"\" (func)) (func (param i32)) (func) (table 4 funcref) (table 4 funcref)
             (elem (table 0) (i32.const 1) func 1 0) (elem (table 1) (i32.const 0) func 2) (elem func 2)
             (func (table.init 1 2 (i32.const 0) (i32.const 0) (i32.const 0)))",
        );
        assert_eq!(built.tables, [(0, 0), (2, 0), (1, 0x1_0000), (0, 0), (1, 0x100)]);
        let info = Info::read(&built.info).expect("whole");
        let rows: Vec<_> = info
            .tables
            .iter()
            .map(|row| (row.form, row.constant, row.image.start.get(), row.image.len.get()))
            .collect();
        assert_eq!(rows, [(0, 1, 0, 4), (0, 0, 4, 1)]);
        let modes: Vec<_> = info.elems.iter().map(|row| (row.mode, row.items.len.get())).collect();
        assert_eq!(
            modes,
            [(segment_mode::IN_IMAGE, 0), (segment_mode::IN_IMAGE, 0), (1, 1)]
        );
    }

    #[test]
    fn a_huge_constant_table_is_written_up_to_its_last_element_only() {
        let built = built("(func) (table 0xffffffff funcref) (elem (i32.const 2) func 0)");
        assert_eq!(built.tables, [(0, 0), (0, 0), (1, 0)]);
    }

    #[test]
    fn shared_tables_hold_functions_and_copied_segments_keep_their_elements() {
        let built = built(
            "(import \"\" \"g\" (global $g i32)) (import \"\" \"r\" (global $r funcref)) (func) (func)
             (table (export \"t\") 3 funcref) (elem (i32.const 1) funcref (ref.func 1) (ref.null func))
             (table $u 3 funcref) (elem (table $u) (i32.add (global.get $g) (i32.const 1)) funcref (global.get $r) (ref.func 0))
             (elem declare func 1)",
        );
        let info = Info::read(&built.info).expect("whole");
        assert!(built.tables.is_empty());
        assert_eq!(info.tables[0].form, 1);
        assert_eq!(info.tables[0].image.of(info.elem_items), [NONE, 1, NONE]);
        let [in_image, active, declared] = info.elems else {
            panic!("three segments")
        };
        assert_eq!(
            (in_image.mode, declared.mode),
            (segment_mode::IN_IMAGE, segment_mode::DECLARED)
        );
        assert_eq!((active.mode, active.exprs, active.table.get()), (0, 1, 1));
        let ops = |span: Span| {
            span.of(info.const_ops)
                .iter()
                .map(|op| (op.op, op.slot[0]))
                .collect::<Vec<_>>()
        };
        assert_eq!(ops(active.offset), [(1, 0), (0, 1), (3, 0)]);
        let items: Vec<_> = active.items.of(info.elem_exprs).iter().map(|span| ops(*span)).collect();
        assert_eq!(items, [[(1, 1)], [(2, 0)]]);
    }

    #[test]
    fn memories_name_their_runs_in_the_file_and_other_segments_their_bytes() {
        let built =
            built("(memory 2) (data (i32.const 5000) \"image\") (data \"passive\") (data (i32.const 70000) \"more\")");
        let info = Info::read(&built.info).expect("whole");
        let runs: Vec<_> = info.memories[0]
            .runs
            .of(info.runs)
            .iter()
            .map(|run| [run.offset, run.file_offset, run.len].map(u64::from))
            .collect();
        assert_eq!(runs, [[4096, IMAGE_AT, 4096], [69632, IMAGE_AT + 4096, 4096]]);
        assert_eq!(built.data, b"passive");
        let rows: Vec<_> = info
            .data
            .iter()
            .map(|row| (row.mode, row.start.get(), row.len.get()))
            .collect();
        assert_eq!(
            rows,
            [
                (segment_mode::IN_IMAGE, 0, 0),
                (1, 0, 7),
                (segment_mode::IN_IMAGE, 0, 0)
            ]
        );
    }

    #[test]
    fn segments_that_instantiation_copies_keep_offset_and_bytes() {
        let built = built(
            "(import \"\" \"\" (global i32)) (memory 1) (data (global.get 0) \"one\") (data \"two\") (data (i32.const 9) \"three\")",
        );
        let info = Info::read(&built.info).expect("whole");
        assert_eq!(built.data, b"onetwothree");
        let rows: Vec<_> = info
            .data
            .iter()
            .map(|row| (row.mode, row.start.get(), row.len.get()))
            .collect();
        assert_eq!(rows, [(0, 0, 3), (1, 3, 3), (0, 6, 5)]);
        let offset = info.data[2].offset.of(info.const_ops);
        assert_eq!((offset[0].op, offset[0].slot[0]), (0, 9));
        assert!(info.memories[0].runs.of(info.runs).is_empty());
    }

    #[test]
    fn exports_are_found_by_name_whatever_their_order() {
        let built = built(
            "(memory (export \"zz\") 1) (func (export \"b\")) (global (export \"\") i32 (i32.const 3)) (table (export \"ä\") 1 funcref)
             (export \"a\" (func 0))",
        );
        let info = Info::read(&built.info).expect("whole");
        for (name, kind, index) in [("zz", 2, 0), ("b", 0, 0), ("", 3, 0), ("ä", 1, 0), ("a", 0, 0)] {
            let row = info.export(name).expect(name);
            assert_eq!((row.kind.get(), row.index.get()), (kind, index), "{name}");
        }
        assert!(info.export("c").is_none());
        assert_eq!(info.globals[0].init.of(info.const_ops)[0].slot[0], 3);
    }

    #[test]
    fn a_function_that_is_not_in_the_set_has_an_empty_range() {
        let wasm = wat::parse_str("(module (func) (func) (func))").expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid");
        let scan = Scan::new(&module, core::iter::empty());
        let mut placement = Placement::default();
        for (symbol, func) in [(Symbol::Stub as fn(_) -> _, 0), (Symbol::Func, 1), (Symbol::Stub, 2)] {
            let range = func * 32..func * 32 + 8;
            placement
                .insert(symbol(DefinedFuncIndex::from_u32(func)), range)
                .expect("in order");
        }
        let info = build(&module, &scan, &Images::new(&module), 0, &placement);
        let rows: Vec<_> = info.funcs.iter().map(|row| (row.start.get(), row.len.get())).collect();
        assert_eq!(rows, [(0, 0), (32, 8), (64, 0)]);
    }
}
