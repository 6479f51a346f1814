//! Calls between host and guest, through the public API: values, errors, panics, nested entries.
#![cfg(feature = "compiler")]

use std::sync::Arc;

use wrun_runtime::{
    Caller, Config, Engine, Error, ExternRef, ExternType, Func, FuncType, Imports, Instance, Module, Store, TrapCode,
    UnknownImports, ValType, Value,
};

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).expect("valid text")).expect("valid module")
}

fn engine() -> Engine {
    Engine::new(&Config::new()).expect("signal handlers can be installed")
}

fn trap_code(result: Result<Vec<Value>, Error>) -> TrapCode {
    match result {
        Err(Error::Trap(trap)) => trap.code(),
        other => panic!("not a trap: {other:?}"),
    }
}

const MIXED: &[ValType] = &[
    ValType::I32,
    ValType::I64,
    ValType::F32,
    ValType::F64,
    ValType::V128,
    ValType::FUNCREF,
    ValType::EXTERNREF,
];

#[test]
fn values_of_every_type_go_through_a_host_function_unchanged() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
             (type $t (func (param i32 i64 f32 f64 v128 funcref externref) (result i32 i64 f32 f64 v128 funcref externref)))
             (import "host" "echo" (func $echo (type $t)))
             (func (export "through") (type $t)
               (call $echo (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
                 (local.get 6))))"#,
    );
    let mut store = Store::new(&engine, ());
    let mut imports = Imports::new(&engine);
    imports.func_untyped("host", "echo", FuncType::new(MIXED, MIXED), |_, params, results| {
        results.clone_from_slice(params);
        Ok(())
    });
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    let through = instance.func(&mut store, "through").expect("exported");
    let args = [
        Value::I32(-1),
        Value::I64(i64::MIN),
        Value::F32(0x7fa0_0001),
        Value::F64(0xfff4_0000_0000_0001),
        Value::V128(u128::MAX - 5),
        Value::FuncRef(Some(through)),
        Value::ExternRef(Some(ExternRef::new("an object"))),
    ];
    assert_eq!(through.call(&mut store, &args).expect("returns"), args);
    let nulls: Vec<Value> = MIXED.iter().copied().map(Value::default_of).collect();
    assert_eq!(through.call(&mut store, &nulls).expect("returns"), nulls);
}

#[test]
fn a_typed_host_function_gets_its_values_in_order() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
             (type $t (func (param i32 i64 f32 f64 i32 i32 i32 i32 i64 f64) (result f64)))
             (import "host" "sum" (func $sum (type $t)))
             (func (export "sum") (result f64)
               (call $sum (i32.const 1) (i64.const 2) (f32.const 4) (f64.const 8) (i32.const 16) (i32.const 32)
                 (i32.const 64) (i32.const 128) (i64.const 256) (f64.const 512))))"#,
    );
    let mut store = Store::new(&engine, 0u32);
    let mut imports = Imports::new(&engine);
    imports.func(
        "host",
        "sum",
        |mut caller: Caller<'_, u32>,
         a: i32,
         b: i64,
         c: f32,
         d: f64,
         e: i32,
         f: u32,
         g: i32,
         h: i32,
         i: u64,
         j: f64| {
            *caller.data_mut() += 1;
            let integers =
                f64::from(a) + b as f64 + f64::from(e) + f64::from(f) + f64::from(g) + f64::from(h) + i as f64;
            integers + f64::from(c) + d + j
        },
    );
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    let sum = instance.func(&mut store, "sum").expect("exported");
    assert_eq!(sum.call(&mut store, &[]).expect("returns"), [Value::from(1023.0)]);
    assert_eq!(*store.data(), 1);
}

#[test]
fn a_host_error_ends_the_guest_after_everything_is_dropped() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module (import "host" "stop" (func $stop)) (func (export "run") (call $stop) (unreachable)))"#,
    );
    let witness = Arc::new(());
    let mut store = Store::new(&engine, ());
    let mut imports = Imports::new(&engine);
    let inner = Arc::clone(&witness);
    imports.func("host", "stop", move |_: Caller<'_, ()>| -> Result<(), Error> {
        let _held = Arc::clone(&inner);
        Err(Error::host(std::io::Error::other("stop")))
    });
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    let run = instance.func(&mut store, "run").expect("exported");
    for _ in 0..3 {
        let error = run.call(&mut store, &[]).expect_err("stopped");
        assert_eq!(
            error.downcast_host::<std::io::Error>().expect("that error").to_string(),
            "stop"
        );
    }
    assert_eq!(
        Arc::strong_count(&witness),
        2,
        "what the host function held was dropped"
    );
}

#[test]
fn a_panic_in_a_host_function_is_an_error_and_the_store_goes_on() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
             (import "host" "panic" (func $panic (param i32)))
             (func (export "run") (param i32) (result i32) (call $panic (local.get 0)) (i32.const 7)))"#,
    );
    let mut store = Store::new(&engine, ());
    let mut imports = Imports::new(&engine);
    imports.func("host", "panic", |_: Caller<'_, ()>, really: i32| {
        assert_eq!(really, 0, "as asked")
    });
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    let run = instance.func(&mut store, "run").expect("exported");
    let error = run.call(&mut store, &[Value::I32(1)]).expect_err("panicked");
    assert!(
        matches!(&error, Error::HostPanic(text) if text.contains("as asked")),
        "{error:?}"
    );
    assert_eq!(
        run.call(&mut store, &[Value::I32(0)]).expect("returns"),
        [Value::I32(7)]
    );
}

/// Returns a guest's function that calls the host, which calls it again with a number smaller by one. It traps at 0.
fn nested(
    again: impl Fn(Caller<'_, Option<Func>>, &[Value], &mut [Value]) -> Result<(), Error> + Send + Sync + 'static,
) -> (Store<Option<Func>>, Func) {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
             (import "host" "again" (func $again (param i32) (result i32)))
             (func (export "down") (param i32) (result i32)
               (if (result i32) (i32.eqz (local.get 0))
                 (then (unreachable))
                 (else (i32.add (i32.const 1) (call $again (i32.sub (local.get 0) (i32.const 1))))))))"#,
    );
    let mut store = Store::new(&engine, None);
    let mut imports = Imports::new(&engine);
    let ty = FuncType::new([ValType::I32], [ValType::I32]);
    imports.func_untyped("host", "again", ty, again);
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    let down = instance.func(&mut store, "down").expect("exported");
    *store.data_mut() = Some(down);
    (store, down)
}

#[test]
fn a_trap_goes_through_nested_entries_one_by_one() {
    let (mut store, down) = nested(|mut caller, params, results| {
        let down = caller.data().expect("set");
        match down.call(&mut caller, params) {
            Ok(values) => results.clone_from_slice(&values),
            // At the third entry from outside, the host turns the innermost trap into a value.
            Err(Error::Trap(trap)) if params[0] == Value::I32(3) => {
                assert_eq!(trap.code(), TrapCode::Unreachable);
                assert_eq!(trap.backtrace().frames().len(), 6);
                results[0] = Value::I32(100);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    });
    assert_eq!(
        down.call(&mut store, &[Value::I32(5)]).expect("returns"),
        [Value::I32(102)]
    );
}

#[test]
fn a_trap_in_a_host_function_that_the_host_calls_lists_each_frame_once() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module (import "host" "go" (func $go)) (func $outer (export "run") (call $go)))"#,
    );
    let mut store = Store::new(&engine, None);
    let failing = Func::wrap(&mut store, |_: Caller<'_, Option<Func>>| -> Result<(), Error> {
        Err(TrapCode::Unreachable.into())
    });
    *store.data_mut() = Some(failing);
    let mut imports = Imports::new(&engine);
    imports.func("host", "go", |mut caller: Caller<'_, Option<Func>>| {
        let failing = caller.data().expect("set");
        failing.call(&mut caller, &[]).map(drop)
    });
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    let run = instance.func(&mut store, "run").expect("exported");
    match run.call(&mut store, &[]) {
        Err(Error::Trap(trap)) => {
            let names: Vec<_> = trap.backtrace().frames().iter().map(|frame| frame.name()).collect();
            assert_eq!(names, [Some("outer")]);
        }
        other => panic!("no trap: {other:?}"),
    }
}

#[test]
fn endless_nesting_exhausts_the_stack_and_nothing_else() {
    let (mut store, down) = nested(|mut caller, params, results| {
        let down = caller.data().expect("set");
        results.clone_from_slice(&down.call(&mut caller, params)?);
        Ok(())
    });
    for _ in 0..2 {
        let result = down.call(&mut store, &[Value::I32(-1)]);
        assert_eq!(trap_code(result), TrapCode::CallStackExhausted);
    }
}

#[test]
fn recursion_exhausts_the_stack_and_can_be_called_again() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
             (import "host" "nothing" (func $nothing))
             (func $small (export "small") (param i32) (result i32)
               (i32.add (i32.const 1) (call $small (local.get 0))))
             (func $host (export "host") (call $nothing) (call $host))
             (func $wide (export "wide") (param i64) (result i64)
               (local v128 v128 v128)
               (i64.add (call $wide (local.get 0)) (i64x2.extract_lane 0 (local.get 1)))))"#,
    );
    let mut store = Store::new(&engine, ());
    let mut imports = Imports::new(&engine);
    imports.func("host", "nothing", |_: Caller<'_, ()>| ());
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    for (name, args) in [
        ("small", &[Value::I32(0)][..]),
        ("host", &[]),
        ("wide", &[Value::I64(0)]),
        ("small", &[Value::I32(0)]),
    ] {
        let func = instance.func(&mut store, name).expect("exported");
        let error = func.call(&mut store, args).expect_err("no end");
        let Error::Trap(trap) = error else {
            panic!("{name}: {error}")
        };
        assert_eq!(trap.code(), TrapCode::CallStackExhausted, "{name}");
        assert!(trap.backtrace().omitted() > 1000, "{name}");
        assert!(trap.backtrace().to_string().lines().count() < 100, "{name}");
    }
}

#[test]
fn a_trap_names_the_functions_innermost_first() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
             (memory 1)
             (func $inner (param i32) (result i32) (i32.load (local.get 0)))
             (func $outer (export "outer") (param i32) (result i32) (call $inner (local.get 0))))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let outer = instance.func(&mut store, "outer").expect("exported");
    assert_eq!(
        outer.call(&mut store, &[Value::I32(65532)]).expect("in bounds"),
        [Value::I32(0)]
    );
    let error = outer.call(&mut store, &[Value::I32(65533)]).expect_err("out of bounds");
    let Error::Trap(trap) = error else { panic!("{error}") };
    assert_eq!(trap.to_string(), "out of bounds memory access");
    let names: Vec<_> = trap.backtrace().frames().iter().map(|frame| frame.name()).collect();
    assert_eq!(names, [Some("inner"), Some("outer")]);
    assert!(trap.backtrace().frames().iter().all(|frame| frame.offset().is_some()));
}

#[test]
fn without_an_address_map_backtraces_have_names_only() {
    let engine = Engine::new(Config::new().address_map(false)).expect("made");
    let module = module(&engine, r#"(module (func $f (export "f") (unreachable)))"#);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let f = instance.func(&mut store, "f").expect("exported");
    let Err(Error::Trap(trap)) = f.call(&mut store, &[]) else {
        panic!("no trap")
    };
    assert_eq!(trap.backtrace().frames()[0].name(), Some("f"));
    assert_eq!(trap.backtrace().frames()[0].offset(), None);
}

#[test]
fn missing_and_wrong_imports_are_reported_all_at_once() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
             (import "a" "f" (func (param i32)))
             (import "a" "g" (func))
             (import "b" "m" (memory 1)))"#,
    );
    let mut store = Store::new(&engine, ());
    let mut imports = Imports::new(&engine);
    imports.func("a", "g", |_: Caller<'_, ()>| 1i32);
    let checked = imports.check(&module);
    let error = Instance::new(&mut store, &module, &imports).expect_err("missing");
    let Error::Imports(error) = error else {
        panic!("{error}")
    };
    assert_eq!(Err(&error), checked.as_ref());
    assert_eq!(
        error
            .missing
            .iter()
            .map(|import| import.name.as_str())
            .collect::<Vec<_>>(),
        ["f", "m"]
    );
    assert!(matches!(error.missing[1].ty, ExternType::Memory(_)));
    assert_eq!(error.incompatible.len(), 1);
    assert_eq!(error.to_string().lines().count(), 1);
}

#[test]
fn unknown_imports_trap_or_give_zeros() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
             (import "odd" "thing" (func $thing (param i32) (result i64 f32)))
             (func (export "run") (result i64 f32) (call $thing (i32.const 1))))"#,
    );
    for (how, zero) in [(UnknownImports::Trap, false), (UnknownImports::Zero, true)] {
        let mut store = Store::new(&engine, ());
        let mut imports = Imports::new(&engine);
        imports.define_unknown(&module, how);
        let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
        let run = instance.func(&mut store, "run").expect("exported");
        match run.call(&mut store, &[]) {
            Ok(values) => assert!(zero && values == [Value::I64(0), Value::F32(0)]),
            Err(error) => assert!(!zero && error.to_string().contains("odd.thing"), "{error}"),
        }
    }
}

#[test]
fn arguments_of_another_type_are_refused() {
    let engine = engine();
    let module = module(&engine, r#"(module (func (export "f") (param i32)))"#);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("instantiates");
    let f = instance.func(&mut store, "f").expect("exported");
    for (args, given) in [
        (&[][..], "()"),
        (&[Value::I64(0)], "(i64)"),
        (&[Value::I32(0), Value::F32(0)], "(i32, f32)"),
    ] {
        let Err(Error::Refused(text)) = f.call(&mut store, args) else {
            panic!("{args:?} do not fit")
        };
        assert_eq!(
            text,
            format!("the function has type (i32) -> (), but was called with {given}")
        );
    }
}

#[test]
fn a_host_function_in_a_table_can_be_called_by_a_later_module() {
    let engine = engine();
    let first = module(&engine, r#"(module (table (export "t") 2 funcref))"#);
    let second = module(
        &engine,
        r#"(module
             (type $t (func (param i32) (result i32)))
             (import "first" "t" (table 2 funcref))
             (func (export "run") (param i32) (result i32)
               (call_indirect (type $t) (i32.const 20) (local.get 0))))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &first, &Imports::new(&engine)).expect("instantiates");
    let table = instance.table(&mut store, "t").expect("exported");
    let double = Func::wrap(&mut store, |_: Caller<'_, ()>, n: i32| n * 2);
    table
        .set(&mut store, 1, Value::FuncRef(Some(double)))
        .expect("in the table");
    let mut imports = Imports::new(&engine);
    imports.define("first", "t", table);
    let instance = Instance::new(&mut store, &second, &imports).expect("instantiates");
    let run = instance.func(&mut store, "run").expect("exported");
    assert_eq!(
        run.call(&mut store, &[Value::I32(1)]).expect("returns"),
        [Value::I32(40)]
    );
    assert_eq!(
        trap_code(run.call(&mut store, &[Value::I32(0)])),
        TrapCode::UninitializedElement
    );
    assert_eq!(
        trap_code(run.call(&mut store, &[Value::I32(2)])),
        TrapCode::UndefinedElement
    );
    assert_eq!(
        double.call(&mut store, &[Value::I32(4)]).expect("returns"),
        [Value::I32(8)]
    );
}
