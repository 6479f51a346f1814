//! Several memories in a module, 64-bit indices, and pages of one byte, in each memory mode.
#![cfg(feature = "compiler")]

use wrun_runtime::{
    Caller, Config, Engine, Error, Extern, Imports, IndexType, Instance, Memory, MemoryMode, MemoryType, Module,
    PageSize, Store, TrapCode, Value,
};

const MODES: [MemoryMode; 2] = [MemoryMode::Guarded, MemoryMode::Checked];

/// An instance with its store, of which the tests call functions.
struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new(mode: MemoryMode, text: &str) -> Self {
        Self::with(mode, text, |_, _| {})
    }

    /// Makes an instance with the imports that `define` defines.
    fn with(mode: MemoryMode, text: &str, define: impl FnOnce(&mut Store<()>, &mut Imports<()>)) -> Self {
        let engine = Engine::new(Config::new().memory_mode(mode)).expect("made");
        let module = Module::new(&engine, &wat::parse_str(text).expect("well-formed")).expect("valid");
        let (mut store, mut imports) = (Store::new(&engine, ()), Imports::new(&engine));
        define(&mut store, &mut imports);
        let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
        Self { store, instance }
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
        let func = self.instance.func(&mut self.store, name).expect("exported");
        func.call(&mut self.store, args)
    }

    fn memory(&mut self, name: &str) -> Memory {
        match self.instance.export(&mut self.store, name) {
            Some(Extern::Memory(memory)) => memory,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Calls a function with numbers of 64 bits. Returns its result, if it has one, or `None` for a memory access out of bounds.
    fn numbers(&mut self, name: &str, args: &[u64]) -> Option<u64> {
        let args: Vec<_> = args.iter().map(|arg| Value::I64(arg.cast_signed())).collect();
        match self.call(name, &args) {
            Ok(results) => Some(match results[..] {
                [] => 0,
                [Value::I32(result)] => result.cast_unsigned().into(),
                [Value::I64(result)] => result.cast_unsigned(),
                ref other => panic!("{name}: {other:?}"),
            }),
            Err(Error::Trap(trap)) if trap.code() == TrapCode::MemoryOutOfBounds => None,
            Err(error) => panic!("{name} {args:?}: {error}"),
        }
    }
}

#[test]
fn several_memories_have_contents_and_lengths_of_their_own() {
    let text = r#"(module
        (import "host" "memory" (memory $imported 1 3))
        (memory $own (export "own") 2 4)
        (memory $wide (export "wide") i64 1)
        (memory $small (export "small") 5 (pagesize 1))
        (data (memory $imported) (i32.const 8) "imported")
        (data (memory $own) (i32.const 4096) "own")
        (data (memory $wide) (i64.const 65532) "wide")
        (data (memory $small) (i32.const 1) "tiny")
        (func (export "sizes") (result i32 i32 i64 i32)
          (memory.size $imported) (memory.size $own) (memory.size $wide) (memory.size $small))
        (func (export "grow") (result i32 i32 i64 i32)
          (memory.grow $imported (i32.const 1)) (memory.grow $own (i32.const 2))
          (memory.grow $wide (i64.const 3)) (memory.grow $small (i32.const 4)))
        (func (export "store") (param $at i32) (param $value i32)
          (i32.store8 $imported (local.get $at) (local.get $value))
          (i32.store8 $own (local.get $at) (i32.add (local.get $value) (i32.const 1)))
          (i32.store8 $wide (i64.extend_i32_u (local.get $at)) (i32.add (local.get $value) (i32.const 2)))
          (i32.store8 $small (local.get $at) (i32.add (local.get $value) (i32.const 3))))
        (func (export "copy")
          (memory.copy $own $wide (i32.const 0) (i64.const 65532) (i32.const 4))
          (memory.copy $wide $own (i64.const 9) (i32.const 4096) (i32.const 3))
          (memory.copy $small $imported (i32.const 0) (i32.const 8) (i32.const 5))
          (memory.fill $imported (i32.const 8) (i32.const 0x2d) (i32.const 4))))"#;
    for mode in MODES {
        let mut guest = Guest::with(mode, text, |store, imports| {
            let ty = MemoryType {
                index: IndexType::I32,
                page: PageSize::Default,
                min: 1,
                max: Some(3),
            };
            let memory = Memory::new(store, ty).expect("room");
            memory.data_mut(store)[0] = 9;
            imports.define("host", "memory", memory);
        });
        let sizes = |guest: &mut Guest, name: &str| guest.call(name, &[]).expect("returns");
        let list = |a, b, c, d| [Value::I32(a), Value::I32(b), Value::I64(c), Value::I32(d)];
        assert_eq!(sizes(&mut guest, "sizes"), list(1, 2, 1, 5), "{mode:?}");
        let data = |guest: &mut Guest, name: &str| {
            let memory = guest.memory(name);
            memory.data(&guest.store).to_vec()
        };
        assert_eq!(&data(&mut guest, "own")[4096..4099], b"own");
        assert_eq!(&data(&mut guest, "wide")[65532..], b"wide");
        assert_eq!(data(&mut guest, "small"), b"\0tiny");

        guest
            .call("store", &[Value::I32(4), Value::I32(20)])
            .expect("in bounds");
        guest.call("copy", &[]).expect("in bounds");
        assert_eq!(&data(&mut guest, "own")[..5], b"wide\x15");
        assert_eq!(&data(&mut guest, "wide")[4..12], b"\x16\0\0\0\0own");
        assert_eq!(data(&mut guest, "small"), b"impor");

        // The contents stay where they are when each of them grows, and may move.
        assert_eq!(sizes(&mut guest, "grow"), list(1, 2, 1, 5), "{mode:?}");
        assert_eq!(sizes(&mut guest, "sizes"), list(2, 4, 4, 9), "{mode:?}");
        assert_eq!(&data(&mut guest, "wide")[4..12], b"\x16\0\0\0\0own");
        assert_eq!(data(&mut guest, "small"), b"impor\0\0\0\0");
        assert_eq!(sizes(&mut guest, "grow"), list(2, -1, 4, 9), "{mode:?}");
        assert_eq!(sizes(&mut guest, "sizes"), list(3, 4, 7, 13), "{mode:?}");
    }
}

#[test]
fn the_host_gets_the_memory_that_is_exported_as_memory_whatever_its_index() {
    let text = r#"(module (import "host" "look" (func $look (result i32)))
        (memory 1) (memory (export "memory") 1) (data (memory 1) (i32.const 0) "\2a")
        (func (export "look") (result i32) (call $look)))"#;
    for mode in MODES {
        let mut guest = Guest::with(mode, text, |_, imports| {
            let look = |mut caller: Caller<'_, ()>| i32::from(caller.memory().expect("exported")[0]);
            imports.func("host", "look", look);
        });
        assert_eq!(guest.call("look", &[]).expect("returns"), [Value::I32(42)]);
    }
}

/// Static offsets around the borders of guards and reservations.
const OFFSETS: [u64; 9] = [
    0,
    1,
    (32 << 20) - 8,
    32 << 20,
    u32::MAX as u64,
    1 << 32,
    (1 << 36) - 8,
    1 << 36,
    u64::MAX - 3,
];

/// Loads and stores of all sizes at an index and several offsets, and the instructions on many bytes.
fn accesses(memory: &str, contents: &str) -> String {
    let mut text = format!("(module (memory {memory}) (data $d \"abcdefgh\") {contents}");
    for offset in OFFSETS {
        text += &format!(
            "(func (export \"load8 {offset}\") (param i64) (result i32) (i32.load8_u offset={offset} (local.get 0)))
             (func (export \"load64 {offset}\") (param i64) (result i64) (i64.load offset={offset} (local.get 0)))
             (func (export \"vector {offset}\") (param i64) (result i64)
               (i64x2.extract_lane 1 (v128.load offset={offset} (local.get 0))))
             (func (export \"atomic {offset}\") (param i64) (result i32)
               (i32.atomic.rmw8.add_u offset={offset} (local.get 0) (i32.const 0)))
             (func (export \"store64 {offset}\") (param i64 i64) (i64.store offset={offset} (local.get 0) (local.get 1)))\n"
        );
    }
    text + r#"(func (export "fill") (param i64 i64) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
        (func (export "copy") (param i64 i64 i64) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "init") (param i64 i64)
          (memory.init $d (local.get 0) (i32.const 0) (i32.wrap_i64 (local.get 1))))
        (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
        (func (export "size") (result i64) (memory.size)))"#
}

/// Returns true if an access of `size` bytes is in bounds of `length`. The numbers are wide enough not to overflow.
fn fits(index: u64, offset: u64, size: u64, length: u64) -> bool {
    u128::from(index) + u128::from(offset) + u128::from(size) <= u128::from(length)
}

/// Makes every access at indices around all borders, and compares the outcome with the one that follows from the length.
fn check_accesses(guest: &mut Guest, length: u64) {
    let borders = [0, 4096, length, 32 << 20, 1 << 32, 1 << 36, 1 << 63, u64::MAX];
    let mut indices: Vec<u64> = borders
        .iter()
        .flat_map(|border| [-16_i64, -9, -8, -7, -1, 0, 1].map(|add| border.wrapping_add_signed(add)))
        .collect();
    // Indices whose sum with an offset is around a border too.
    let sums: Vec<_> = OFFSETS
        .iter()
        .flat_map(|offset| [length, 1 << 36, 0].map(|border| u64::wrapping_sub(border, *offset)))
        .flat_map(|at| [-8_i64, -1, 0, 1].map(|add| at.wrapping_add_signed(add)))
        .collect();
    indices.extend(sums);
    for index in indices {
        for offset in &OFFSETS {
            for (name, size) in [("load8", 1), ("load64", 8), ("vector", 16), ("atomic", 1)] {
                let found = guest.numbers(&format!("{name} {offset}"), &[index]).is_some();
                assert_eq!(
                    found,
                    fits(index, *offset, size, length),
                    "{name} {index:#x} + {offset:#x}"
                );
            }
            let stored = guest.numbers(&format!("store64 {offset}"), &[index, 0]).is_some();
            assert_eq!(
                stored,
                fits(index, *offset, 8, length),
                "store {index:#x} + {offset:#x}"
            );
        }
        for len in [0, 1, 8, u64::MAX, u64::MAX - index, (u64::MAX - index).wrapping_add(1)] {
            let in_bounds = fits(index, 0, len, length);
            // Nothing large is filled or copied: the tests' memories have large parts that were never touched.
            if len <= 8 || !in_bounds {
                assert_eq!(
                    guest.numbers("fill", &[index, len]).is_some(),
                    in_bounds,
                    "{index:#x} {len:#x}"
                );
                let copied = guest.numbers("copy", &[index, 0, len]).is_some();
                assert_eq!(copied, in_bounds && fits(0, 0, len, length), "to {index:#x} {len:#x}");
                let copied = guest.numbers("copy", &[0, index, len]).is_some();
                assert_eq!(copied, in_bounds && fits(0, 0, len, length), "from {index:#x} {len:#x}");
            }
            if len <= 8 {
                assert_eq!(
                    guest.numbers("init", &[index, len]).is_some(),
                    in_bounds,
                    "{index:#x} {len:#x}"
                );
            }
        }
    }
}

#[test]
fn accesses_with_64_bit_indices_are_in_bounds_or_trap() {
    for mode in MODES {
        for pages in [0, 1, 3] {
            let mut guest = Guest::new(mode, &accesses(&format!("i64 {pages}"), ""));
            check_accesses(&mut guest, pages << 16);
        }
        let mut guest = Guest::new(mode, &accesses("i64 1", ""));
        assert_eq!(guest.numbers("grow", &[1]), Some(1));
        check_accesses(&mut guest, 2 << 16);
    }
}

#[test]
fn accesses_with_64_bit_indices_to_small_pages_are_in_bounds_or_trap() {
    for mode in MODES {
        for bytes in [0, 17, 4095] {
            let mut guest = Guest::new(mode, &accesses(&format!("i64 {bytes} (pagesize 1)"), ""));
            check_accesses(&mut guest, bytes);
            assert_eq!(guest.numbers("grow", &[24]), Some(bytes));
            check_accesses(&mut guest, bytes + 24);
        }
    }
}

#[test]
fn a_memory_with_64_bit_indices_may_be_larger_than_4_gib() {
    const PAGES: u64 = 65537;
    for mode in MODES {
        let text = accesses(&format!("i64 {PAGES}"), "(data (i64.const 0x10000fff8) \"behind!!\")");
        let mut guest = Guest::new(mode, &text);
        assert_eq!(guest.numbers("size", &[]), Some(PAGES));
        let found = u64::from_le_bytes(*b"behind!!");
        assert_eq!(guest.numbers("load64 4294967296", &[0xfff8]), Some(found));
        assert_eq!(guest.numbers("store64 0", &[5, 6]), Some(0));
        // The low 32 bits alone would be the same place.
        assert_eq!(guest.numbers("load64 0", &[0x1_0000_0005]), Some(0));
        assert_eq!(guest.numbers("load64 0", &[5]), Some(6));
        for (index, in_bounds) in [(0xfff8, true), (0xfff9, false), (u64::MAX << 32, false)] {
            assert_eq!(
                guest.numbers("load64 4294967296", &[index]).is_some(),
                in_bounds,
                "{index:#x}"
            );
        }
    }
}

#[test]
fn a_memory_grows_up_to_its_maximum_and_to_what_wrun_allows() {
    let wide = |limits: &str| {
        format!(
            "(module (memory {limits}) (func (export \"grow\") (param i64) (result i64) (memory.grow (local.get 0))))"
        )
    };
    let narrow = |limits: &str| {
        format!(
            "(module (memory {limits}) (func (export \"grow\") (param i64) (result i64)
               (i64.extend_i32_s (memory.grow (i32.wrap_i64 (local.get 0))))))"
        )
    };
    const FAILED: u64 = u64::MAX;
    for mode in MODES {
        for (text, steps) in [
            (
                wide("i64 1"),
                &[(0, 1), (2, 1), (FAILED, FAILED), (1 << 63, FAILED), (1 << 48, FAILED)][..],
            ),
            (wide("i64 1"), &[(1 << 20, FAILED), (0, 1)]),
            (wide("i64 1 2"), &[(2, FAILED), (1, 1), (1, FAILED), (0, 2)]),
            (wide("i64 1 0x1000000000000"), &[(0xffff_ffff_ffff, FAILED), (1, 1)]),
            (
                wide("i64 1 0xffffffffffffffff (pagesize 1)"),
                &[(u64::MAX - 1, FAILED), (5, 1), (u64::MAX - 5, FAILED), (0, 6)],
            ),
            (
                wide("i64 0 (pagesize 1)"),
                &[((1 << 36) + 1, FAILED), (4096, 0), (1, 4096)],
            ),
            (
                narrow("1 (pagesize 1)"),
                &[(4095, 1), (1, 4096), (u64::MAX >> 32, FAILED), (0, 4097)],
            ),
            (narrow("1 3 (pagesize 1)"), &[(3, FAILED), (2, 1), (0, 3)]),
            (narrow("1 (pagesize 65536)"), &[(65536, FAILED), (1, 1), (0, 2)]),
        ] {
            let mut guest = Guest::new(mode, &text);
            for (delta, result) in steps {
                assert_eq!(
                    guest.numbers("grow", &[*delta]),
                    Some(*result),
                    "{mode:?} {text} {delta:#x}"
                );
            }
        }
    }
}

#[test]
fn a_guarded_memory_grows_to_the_last_byte_that_is_allowed() {
    for (limits, pages) in [("i64 0", 1 << 20), ("i64 0 (pagesize 1)", 1 << 36)] {
        let mut guest = Guest::new(MemoryMode::Guarded, &accesses(limits, ""));
        assert_eq!(guest.numbers("grow", &[pages + 1]), Some(u64::MAX), "{limits}");
        assert_eq!(guest.numbers("grow", &[pages]), Some(0), "{limits}");
        assert_eq!(guest.numbers("size", &[]), Some(pages));
        assert_eq!(guest.numbers("store64 0", &[(1 << 36) - 8, 77]), Some(0));
        check_accesses(&mut guest, 1 << 36);
    }
}

#[test]
fn a_memory_that_begins_too_large_is_refused_with_the_limit() {
    for (limits, most) in [
        ("i64 0x100001", 1 << 20),
        ("i64 0x1000000000000", 1 << 20),
        ("i64 0xffffffffffffffff (pagesize 1)", 1_u64 << 36),
    ] {
        for mode in MODES {
            let engine = Engine::new(Config::new().memory_mode(mode)).expect("made");
            let text = format!("(module (memory {limits}) (data (i64.const 0) \"x\"))");
            let module = Module::new(&engine, &wat::parse_str(text).expect("well-formed")).expect("valid");
            let mut store = Store::new(&engine, ());
            let error = Instance::new(&mut store, &module, &Imports::new(&engine))
                .map(|_| ())
                .expect_err("refused");
            let text = error.to_string();
            assert!(
                matches!(error, Error::Refused(_)) && text.ends_with(&format!("wrun allows {most}")),
                "{text}"
            );
        }
    }
}

#[test]
fn segments_outside_of_a_memory_trap_also_where_their_end_overflows() {
    for mode in MODES {
        for memory in [
            "(memory i64 1) (data (i64.const 65536) \"x\")",
            "(memory i64 1) (data (i64.const 0x100000000) \"x\")",
            "(memory i64 1) (data (i64.const -1) \"xy\")",
            "(memory 3 (pagesize 1)) (data (i32.const 0) \"wxyz\")",
            "(memory 3 (pagesize 1)) (data (i32.const -1) \"xy\")",
            "(memory 1) (memory i64 1) (data (memory 1) (i64.const 65535) \"xy\")",
        ] {
            let engine = Engine::new(Config::new().memory_mode(mode)).expect("made");
            let module = format!("(module {memory})");
            let module = Module::new(&engine, &wat::parse_str(module).expect("well-formed")).expect("valid");
            let mut store = Store::new(&engine, ());
            let error = Instance::new(&mut store, &module, &Imports::new(&engine))
                .map(|_| ())
                .expect_err("traps");
            assert!(
                matches!(&error, Error::Trap(trap) if trap.code() == TrapCode::MemoryOutOfBounds),
                "{memory}: {error}"
            );
        }
    }
}

#[test]
fn imports_of_memories_match_in_indices_and_pages() {
    let engine = Engine::new(&Config::new()).expect("made");
    let ty = |index, page| MemoryType {
        index,
        page,
        min: 1,
        max: Some(1),
    };
    let types = [
        (ty(IndexType::I32, PageSize::Default), "1 1"),
        (ty(IndexType::I64, PageSize::Default), "i64 1 1"),
        (ty(IndexType::I32, PageSize::Byte), "1 1 (pagesize 1)"),
        (ty(IndexType::I64, PageSize::Byte), "i64 1 1 (pagesize 1)"),
    ];
    for (given, _) in &types {
        for (wanted, text) in &types {
            let module = format!("(module (import \"\" \"\" (memory {text})))");
            let module = Module::new(&engine, &wat::parse_str(module).expect("well-formed")).expect("valid");
            let (mut store, mut imports) = (Store::new(&engine, ()), Imports::new(&engine));
            let memory = Memory::new(&mut store, *given).expect("room");
            assert_eq!(memory.ty(&store), *given);
            imports.define("", "", memory);
            let made = Instance::new(&mut store, &module, &imports).is_ok();
            assert_eq!(made, given == wanted, "{given:?} for {wanted:?}");
        }
    }
}

#[test]
fn the_host_makes_memories_of_each_type_within_its_limits() {
    let engine = Engine::new(&Config::new()).expect("made");
    let mut store = Store::new(&engine, ());
    let ty = |index, page, min, max| MemoryType { index, page, min, max };
    let (narrow, wide) = (IndexType::I32, IndexType::I64);
    for (ty, made) in [
        (ty(narrow, PageSize::Default, 1, Some(65536)), true),
        (ty(narrow, PageSize::Default, 1, Some(65537)), false),
        (ty(narrow, PageSize::Byte, 1, Some(u32::MAX.into())), true),
        (ty(narrow, PageSize::Byte, 1, Some(1 << 32)), false),
        (ty(wide, PageSize::Default, 1, Some(1 << 48)), true),
        (ty(wide, PageSize::Default, 1, Some((1 << 48) + 1)), false),
        (ty(wide, PageSize::Default, (1 << 20) + 1, None), false),
        (ty(wide, PageSize::Byte, 1, Some(u64::MAX)), true),
        (ty(wide, PageSize::Byte, 2, Some(1)), false),
    ] {
        let memory = Memory::new(&mut store, ty);
        assert_eq!(memory.is_ok(), made, "{ty:?}");
        if let Ok(memory) = memory {
            assert_eq!(memory.data(&store).len() as u64, ty.page.bytes());
            assert_eq!(memory.grow(&mut store, 1).expect("room"), 1);
            assert_eq!(
                (memory.size(&store), memory.data(&store).len() as u64),
                (2, 2 * ty.page.bytes())
            );
        }
    }
}

/// The process's memory that is in use, in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = text.split(' ').nth(1).expect("a field").parse().expect("a number");
    pages * 4096
}

#[test]
fn a_memory_that_moves_takes_memory_only_for_what_was_written() {
    const PAGES: u64 = 8192;
    let mut guest = Guest::new(MemoryMode::Checked, &accesses(&format!("i64 {PAGES}"), ""));
    let last = (PAGES << 16) - 8;
    assert_eq!(guest.numbers("store64 0", &[last, 5]), Some(0));
    let before = resident();
    assert_eq!(guest.numbers("grow", &[1]), Some(PAGES));
    assert_eq!(guest.numbers("load64 0", &[last]), Some(5));
    let added = resident().saturating_sub(before);
    // Other tests run at the same time, and use less.
    assert!(added < PAGES << 15, "{added} bytes for a memory of {PAGES} pages");
}
