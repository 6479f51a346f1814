//! Tests of the info section of small modules, and of the sections that it points to.

use super::super::contents::{write_data, write_tables};
use super::*;
use crate::parse::{ValidationPool, parse, validate_body};
use wrun_artifact::Config;
use wrun_artifact::index::DefinedFuncIndex;
use wrun_artifact::info::Info;
use wrun_artifact::types::{FuncType, IndexType, MemoryType, PageSize, TableType, ValType};

const IMAGE_AT: u64 = 0x7000;

/// The info section's bytes, and the sections that it points to.
struct Built {
    info: Vec<u8>,
    tables: Vec<(u32, u32)>,
    data: Vec<u8>,
}

/// Builds everything. Function n of the module is placed at 0x100 * n, and the trampolines after the functions.
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
        element: ValType::EXTERNREF,
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
                page: PageSize::Default,
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
