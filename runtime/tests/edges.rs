//! The end of the guest's stack, and failures half way: wrun itself must not crash.
#![cfg(feature = "compiler")]

use std::fs;

use wrun_artifact::BUILD;
use wrun_artifact::config::CpuFeatures;
use wrun_artifact::elf::Expect;
use wrun_artifact::header::{Compare, Header, Section};
use wrun_runtime::{
    Cache, CacheMode, Caller, Config, Engine, Error, Func, FuncType, Imports, IndexType, Instance, Module, Store,
    Table, TableType, TrapCode, ValType, Value,
};
use wrun_tests::Scratch;

/// Returns a module that recurses to a depth and then calls the host.
fn guest(call: &str) -> String {
    format!(
        r#"(module
             (import "host" "typed" (func $typed))
             (import "host" "untyped" (func $untyped (param v128 v128 v128 v128) (result v128)))
             (memory 1) (elem declare func $f)
             (func $f (export "f") (param i32) (result i32)
               (if (i32.eqz (local.get 0)) (then {call} (return (i32.const 0))))
               (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))))"#
    )
}

#[test]
fn leaving_the_guest_at_any_depth_of_the_stack_works_or_traps() {
    let engine = Engine::new(Config::new().stack_size(64 << 10)).expect("made");
    for call in [
        "(drop (memory.grow (i32.const 0)))",
        "(drop (ref.func $f))",
        "(call $typed)",
        "(drop (call $untyped (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
    ] {
        let wasm = wat::parse_str(guest(call)).expect("valid");
        let module = Module::new(&engine, &wasm).expect("valid");
        let mut imports = Imports::new(&engine);
        imports.func("host", "typed", |_: Caller<'_, ()>| {
            // Uses some of the stack that a host function can rely on.
            std::hint::black_box([0u8; 32 << 10]);
        });
        let ty = FuncType::new([ValType::V128; 4], [ValType::V128]);
        imports.func_untyped("host", "untyped", ty, |_, _, _| Ok(()));
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
        let f = instance.func(&mut store, "f").expect("exported");
        let mut run = |depth: i32| match f.call(&mut store, &[Value::I32(depth)]) {
            Ok(values) => {
                assert_eq!(values, [Value::I32(depth)]);
                true
            }
            Err(Error::Trap(trap)) => {
                assert_eq!(trap.code(), TrapCode::CallStackExhausted, "{call} at {depth}");
                false
            }
            Err(error) => panic!("{call} at {depth}: {error}"),
        };
        // Finds the last depth that works. Then tries every depth until the guest's own frames no longer fit.
        let (mut works, mut fails) = (0, 1 << 16);
        while works + 1 < fails {
            let middle = (works + fails) / 2;
            if run(middle) {
                works = middle;
            } else {
                fails = middle;
            }
        }
        assert!(works > 100, "{call}: only {works}");
        for depth in (works - 20..works + 9_000).step_by(11) {
            run(depth);
        }
    }
}

#[test]
fn a_host_function_that_calls_itself_without_end_traps() {
    let engine = Engine::new(Config::new().stack_size(64 << 10)).expect("made");
    let mut store = Store::new(&engine, None::<Func>);
    // No trampoline of compiled code lies between these calls.
    let again = Func::wrap(&mut store, |mut caller: Caller<'_, Option<Func>>| {
        let again = caller.data().expect("set before the call");
        again.call(&mut caller, &[]).map(drop)
    });
    *store.data_mut() = Some(again);
    for _ in 0..2 {
        let error = again.call(&mut store, &[]).expect_err("there is no end");
        let Error::Trap(trap) = error else { panic!("{error}") };
        assert_eq!(trap.code(), TrapCode::CallStackExhausted);
    }
}

/// Removes an artifact's trap records and corrects its checksums.
fn without_trap_records(mut artifact: Vec<u8>) -> Vec<u8> {
    let expect = Expect {
        build: BUILD,
        config: None,
        cpu: CpuFeatures::detect(),
    };
    let header = Header::read(&artifact, &expect, Compare::All).expect("wrun has written it");
    artifact[header.section(Section::Traps).range()].fill(0);
    header.seal(&mut artifact);
    artifact
}

#[test]
fn a_store_whose_code_failed_where_it_cannot_trap_is_not_called_again() {
    let (scratch, engine) = (Scratch::new(), Engine::new(&Config::new()).expect("made"));
    let text = r#"(module (func (export "fails") unreachable) (func (export "works")))"#;
    let wasm = wat::parse_str(text).expect("valid");
    let load = |mode| {
        let cache = Cache::open(&scratch.join("cache"), mode, 1 << 30).expect("it is this user's own");
        let module = Module::new_cached(&engine, &cache, &wasm, None).expect("valid");
        (module, cache.entries().expect("readable")[0].path.clone())
    };
    let (_, path) = load(CacheMode::ReadWrite);
    let artifact = without_trap_records(fs::read(&path).expect("readable"));
    fs::remove_file(&path).expect("there");
    fs::write(&path, artifact).expect("written");
    let (module, _) = load(CacheMode::Require);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let mut call = |name: &str| {
        let func = instance.func(&mut store, name).expect("exported");
        func.call(&mut store, &[])
    };
    assert_eq!(call("works").expect("returns"), []);
    let failed = call("fails");
    assert!(matches!(failed, Err(Error::BadCode(_))), "{failed:?}");
    let refused = call("works");
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
}

#[test]
fn a_host_function_survives_the_failed_instantiation_of_a_module_that_imports_it() {
    let engine = Engine::new(&Config::new()).expect("made");
    let module = |text: &str| Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let mut store = Store::new(&engine, ());
    let double = Func::wrap(&mut store, |_: Caller<'_, ()>, n: i32| n * 2);
    let mut imports = Imports::new(&engine);
    imports.define("host", "double", double);
    let greedy = module(
        r#"(module (import "host" "double" (func (param i32) (result i32)))
             (table (export "t") 0xffffffff funcref) (table (export "u") 0xffffffff funcref))"#,
    );
    let failed = Instance::new(&mut store, &greedy, &imports);
    assert!(matches!(failed, Err(Error::Refused(_))), "{failed:?}");
    drop(greedy);
    let modest = module(
        r#"(module (import "host" "double" (func $double (param i32) (result i32)))
             (func (export "run") (result i32) (call $double (i32.const 21))))"#,
    );
    let instance = Instance::new(&mut store, &modest, &imports).expect("instantiates");
    let run = instance.func(&mut store, "run").expect("exported");
    assert_eq!(run.call(&mut store, &[]).expect("returns"), [Value::I32(42)]);
}

#[test]
fn memory_instructions_on_many_megabytes_do_what_those_on_a_few_bytes_do() {
    /// More than twice the number of bytes between two checks of the deadline, and not a multiple of it.
    const LEN: usize = (9 << 20) + 5;
    const BYTES: usize = 200 << 16;
    let engine = Engine::new(&Config::new()).expect("made");
    let text = format!(
        r#"(module (memory (export "m") 200)
             (data $d "{}")
             (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
             (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
             (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2))))"#,
        // The period of the text divides no power of two.
        "abcdefghijklmnopqrstuvwxyz0123456789_".repeat(LEN / 37)
    );
    let module = Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let memory = instance.memory(&mut store, "m").expect("exported");
    let mut expected: Vec<u8> = b"abcdefghijklmnopqrstuvwxyz0123456789_".repeat(LEN / 37);
    let data = expected.len();
    expected.resize(BYTES, 0);
    let mut run = |name: &str, args: [usize; 3], expected: &[u8]| {
        let func = instance.func(&mut store, name).expect("exported");
        let args = args.map(|arg| Value::I32(i32::try_from(arg).expect("small")));
        assert_eq!(func.call(&mut store, &args).expect("returns"), []);
        assert!(memory.data(&store) == expected, "{name} {args:?}");
    };
    run("init", [0, 0, data], &expected);
    // The ranges overlap by more or by less than one step, upwards and downwards.
    for (to, from) in [(1 << 20, 3), (7, 2 << 20), (LEN / 2, 1), (0, LEN / 3)] {
        let len = LEN.min(BYTES - to.max(from));
        expected.copy_within(from..from + len, to);
        run("copy", [to, from, len], &expected);
    }
    expected[3..3 + LEN].fill(0x55);
    run("fill", [3, 0x55, LEN], &expected);
}

/// Largest number of entries of a table, as in the JavaScript API.
const MOST_ENTRIES: u32 = 10_000_000;

#[test]
fn a_table_has_no_more_entries_than_the_limit() {
    let engine = Engine::new(&Config::new()).expect("made");
    let imports = Imports::new(&engine);
    for (kind, table) in [
        ("private", "(table $t MIN funcref)"),
        (
            "shared",
            "(table $t (export \"t\") MIN funcref) (func (export \"grow\") (param i32) (result i32) \
             (table.grow $t (ref.null func) (local.get 0)))",
        ),
        (
            "of the host's things",
            "(table $t MIN externref) (func (export \"grow\") (param i32) (result i32) \
             (table.grow $t (ref.null extern) (local.get 0)))",
        ),
    ] {
        let module = |min: u32| {
            let size = "(func (export \"size\") (result i32) (table.size $t))";
            let text = format!("(module {table} {size})").replace("MIN", &min.to_string());
            Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid")
        };
        let mut store = Store::new(&engine, ());
        for min in [MOST_ENTRIES + 1, 1 << 31, u32::MAX] {
            let error = Instance::new(&mut store, &module(min), &imports).expect_err("too many");
            assert!(matches!(error, Error::Refused(_)), "{kind}: {error:?}");
            let text = error.to_string();
            assert!(text.contains(&min.to_string()) && text.contains("10000000"), "{text}");
        }
        let full = Instance::new(&mut store, &module(MOST_ENTRIES), &imports).expect("just as many");
        let mut call = |instance: &Instance, name: &str, args: &[Value]| {
            let func = instance.func(&mut store, name).expect("exported");
            match func.call(&mut store, args).expect("returns")[..] {
                [Value::I32(value)] => value,
                ref other => panic!("{other:?}"),
            }
        };
        assert_eq!(call(&full, "size", &[]), MOST_ENTRIES.cast_signed());
        if kind == "private" {
            continue;
        }
        assert_eq!(call(&full, "grow", &[Value::I32(1)]), -1);
        assert_eq!(call(&full, "grow", &[Value::I32(0)]), MOST_ENTRIES.cast_signed());
        let empty = Instance::new(&mut store, &module(3), &imports).expect("instantiates");
        let mut call = |name: &str, args: &[Value]| {
            let func = empty.func(&mut store, name).expect("exported");
            func.call(&mut store, args).expect("returns")
        };
        for delta in [i32::MIN, -1, -3, MOST_ENTRIES.cast_signed() - 2] {
            assert_eq!(
                call("grow", &[Value::I32(delta)]),
                [Value::I32(-1)],
                "{kind} by {delta}"
            );
        }
        assert_eq!(call("size", &[]), [Value::I32(3)]);
        assert_eq!(
            call("grow", &[Value::I32(MOST_ENTRIES.cast_signed() - 3)]),
            [Value::I32(3)]
        );
        assert_eq!(call("size", &[]), [Value::I32(MOST_ENTRIES.cast_signed())]);
    }
    let mut store = Store::new(&engine, ());
    let ty = |min: u32| TableType {
        index: IndexType::I32,
        element: ValType::FUNCREF,
        min: min.into(),
        max: None,
    };
    let null = Value::FuncRef(None);
    let error = Table::new(&mut store, ty(MOST_ENTRIES + 1), null.clone()).expect_err("too many");
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    let wide = TableType {
        index: IndexType::I64,
        ..ty(1)
    };
    let table = Table::new(&mut store, wide, null.clone()).expect("made");
    assert_eq!(table.ty(&store), wide);
    // A declared maximum that no table can reach has no effect.
    let boundless = TableType {
        max: Some(u64::MAX),
        ..ty(1)
    };
    let table = Table::new(&mut store, boundless, null.clone()).expect("made");
    assert_eq!(table.grow(&mut store, 1, null.clone()).expect("room"), 1);
    let table = Table::new(&mut store, ty(1), null.clone()).expect("made");
    assert!(table.grow(&mut store, MOST_ENTRIES, null.clone()).is_err());
    assert_eq!(table.size(&store), 1);
}

#[test]
fn a_table_that_grows_by_one_again_and_again_takes_no_longer_for_being_large() {
    let engine = Engine::new(&Config::new()).expect("made");
    let text = r#"(module (table $t (export "t") 1 funcref) (elem (i32.const 0) $f)
        (func $f (export "f") (param $n i32) (result i32)
          (loop $again
            (drop (table.grow $t (ref.null func) (i32.const 1)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (table.set $t (i32.sub (table.size $t) (i32.const 1)) (table.get $t (i32.const 0)))
          (table.size $t)))"#;
    let module = Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let f = instance.func(&mut store, "f").expect("exported");
    let start = std::time::Instant::now();
    // Copying the entries at each step would add up to 320 GB.
    let steps = 140_000;
    assert_eq!(
        f.call(&mut store, &[Value::I32(steps)]).expect("returns"),
        [Value::I32(steps + 1)]
    );
    assert!(
        start.elapsed() < std::time::Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    let table = instance.table(&mut store, "t").expect("exported");
    for (index, filled) in [(0, true), (1, false), (steps - 1, false), (steps, true)] {
        let Value::FuncRef(entry) = table.get(&mut store, index.cast_unsigned()).expect("inside") else {
            panic!("of functions")
        };
        assert_eq!(entry.is_some(), filled, "{index}");
    }
}
