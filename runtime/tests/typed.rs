//! Functions whose types the host knows when it is built: calls of guests, host functions, and the values that they accept.
#![cfg(feature = "compiler")]

use std::thread;

use wrun_runtime::{
    Caller, Config, Engine, Error, Extern, Func, Global, Imports, Instance, Memory, Module, Store, Table, TrapCode,
    TypedFunc, Value,
};

fn engine() -> Engine {
    Engine::new(&Config::new()).expect("made")
}

fn instantiate<T: 'static>(store: &mut Store<T>, engine: &Engine, imports: &Imports<T>, text: &str) -> Instance {
    let module = Module::new(engine, &wat::parse_str(text).expect("valid")).expect("valid");
    Instance::new(store, &module, imports).expect("instantiates")
}

const NUMBERS: &str = r#"(module
    (func (export "none"))
    (func (export "one") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "swap") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0))
    (func (export "twelve")
      (param i32 i64 f32 f64 v128 i32 i64 f32 f64 v128 i32 i64)
      (result i64 i32 v128 f64 f32 i64 i32 v128 f64 f32 i64 i32)
      (local.get 11) (local.get 10) (local.get 9) (local.get 8) (local.get 7) (local.get 6)
      (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
    (func (export "trap") (result i32) (unreachable)))"#;

#[test]
fn numbers_and_vectors_go_to_guests_and_come_back() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let instance = instantiate(&mut store, &engine, &Imports::new(&engine), NUMBERS);
    let none: TypedFunc<(), ()> = instance.typed_func(&mut store, "none").expect("of this type");
    none.call(&mut store, ()).expect("returns");
    // A single value needs no tuple, but a tuple is allowed.
    let one = instance
        .typed_func::<i32, i32>(&mut store, "one")
        .expect("of this type");
    assert_eq!(one.call(&mut store, i32::MAX).expect("returns"), i32::MIN);
    let one = instance
        .typed_func::<(u32,), (u32,)>(&mut store, "one")
        .expect("of this type");
    assert_eq!(one.call(&mut store, (u32::MAX,)).expect("returns"), (0,));
    let swap = instance
        .typed_func::<(i64, f64), (f64, i64)>(&mut store, "swap")
        .expect("of this type");
    assert_eq!(swap.call(&mut store, (-1, 0.5)).expect("returns"), (0.5, -1));
    type Twelve = (i32, i64, f32, f64, u128, i32, i64, f32, f64, u128, i32, i64);
    type Reversed = (i64, i32, u128, f64, f32, i64, i32, u128, f64, f32, i64, i32);
    let twelve = instance
        .typed_func::<Twelve, Reversed>(&mut store, "twelve")
        .expect("of this type");
    let lanes = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
    let all = (1, 2, 3.0, 4.0, u128::MAX, 6, 7, 8.0, 9.0, lanes, 11, 12);
    let reversed = (12, 11, lanes, 9.0, 8.0, 7, 6, u128::MAX, 4.0, 3.0, 2, 1);
    assert_eq!(twelve.call(&mut store, all).expect("returns"), reversed);
}

#[test]
fn a_trap_ends_a_typed_call() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let instance = instantiate(&mut store, &engine, &Imports::new(&engine), NUMBERS);
    let trap = instance
        .typed_func::<(), i32>(&mut store, "trap")
        .expect("of this type");
    assert!(matches!(trap.call(&mut store, ()), Err(Error::Trap(trap)) if trap.code() == TrapCode::Unreachable));
}

#[test]
fn another_type_name_or_store_is_refused() {
    let engine = engine();
    let (mut store, mut other) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let instance = instantiate(&mut store, &engine, &Imports::new(&engine), NUMBERS);
    let refusal = |error: Error| match error {
        Error::Refused(text) => text,
        error => panic!("{error}"),
    };
    let wrong = instance
        .typed_func::<i32, i64>(&mut store, "one")
        .map(drop)
        .expect_err("other result");
    assert_eq!(
        refusal(wrong),
        "the function has type (i32) -> (i32), not (i32) -> (i64)"
    );
    let wrong = instance
        .typed_func::<(), ()>(&mut store, "nothing")
        .map(drop)
        .expect_err("no such export");
    assert_eq!(refusal(wrong), "no function is exported as `nothing`");
    let one = instance
        .typed_func::<i32, i32>(&mut store, "one")
        .expect("of this type");
    assert!(matches!(one.call(&mut other, 1), Err(Error::Refused(_))));
    assert!(matches!(one.func().typed::<i32, i32>(&other), Err(Error::Refused(_))));
    // A reference of another store is refused among the parameters too.
    let text = r#"(module (func (export "f") (param funcref)))"#;
    let takes = instantiate(&mut other, &engine, &Imports::new(&engine), text);
    let takes = takes
        .typed_func::<Option<Func>, ()>(&mut other, "f")
        .expect("of this type");
    assert!(matches!(
        takes.call(&mut other, Some(one.func())),
        Err(Error::Refused(_))
    ));
    takes.call(&mut other, None).expect("returns");
}

#[test]
fn host_functions_take_and_give_vectors_references_and_several_values() {
    let engine = engine();
    let mut imports = Imports::new(&engine);
    imports.func("host", "vector", |_: Caller<'_, ()>, lanes: u128| lanes.rotate_left(32));
    imports.func(
        "host",
        "several",
        |_: Caller<'_, ()>, n: i32, f: Option<Func>| -> Result<(Option<Func>, i64, f32), Error> {
            if n < 0 {
                return Err(TrapCode::Unreachable.into());
            }
            Ok((f, i64::from(n) * 2, 0.25))
        },
    );
    imports.func("host", "call", |mut caller: Caller<'_, ()>, f: Option<Func>, n: i32| {
        let f = f.expect("not null").typed::<i32, i32>(&caller)?;
        f.call(&mut caller, n)
    });
    let text = r#"(module
        (import "host" "vector" (func $vector (param v128) (result v128)))
        (import "host" "several" (func $several (param i32 funcref) (result funcref i64 f32)))
        (import "host" "call" (func $call (param funcref i32) (result i32)))
        (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
        (elem declare func $square)
        (export "reexported" (func $several))
        (func (export "vector") (result i32)
          (i32x4.extract_lane 1 (call $vector (v128.const i32x4 7 8 9 10))))
        (func (export "several") (param i32) (result funcref i64 f32)
          (call $several (local.get 0) (ref.func $square)))
        (func (export "call") (param i32) (result i32) (call $call (ref.func $square) (local.get 0))))"#;
    let mut store = Store::new(&engine, ());
    let instance = instantiate(&mut store, &engine, &imports, text);
    let vector = instance
        .typed_func::<(), i32>(&mut store, "vector")
        .expect("of this type");
    assert_eq!(vector.call(&mut store, ()).expect("returns"), 7);
    let several = instance
        .typed_func::<i32, (Option<Func>, i64, f32)>(&mut store, "several")
        .expect("of this type");
    let (square, twice, quarter) = several.call(&mut store, 21).expect("returns");
    assert_eq!((twice, quarter), (42, 0.25));
    let square = square
        .expect("not null")
        .typed::<i32, i32>(&store)
        .expect("of this type");
    assert_eq!(square.call(&mut store, 9).expect("returns"), 81);
    assert!(matches!(several.call(&mut store, -1), Err(Error::Trap(_))));
    let call = instance
        .typed_func::<i32, i32>(&mut store, "call")
        .expect("of this type");
    assert_eq!(call.call(&mut store, 12).expect("returns"), 144);
    // A function of the host that the host calls.
    let direct = instance
        .typed_func::<(i32, Option<Func>), (Option<Func>, i64, f32)>(&mut store, "reexported")
        .expect("of this type");
    assert_eq!(direct.call(&mut store, (4, None)).expect("returns"), (None, 8, 0.25));
    let results = direct
        .func()
        .call(&mut store, &[Value::I32(4), Value::FuncRef(None)])
        .expect("returns");
    assert_eq!(results[1..], [Value::I64(8), Value::F32(0.25_f32.to_bits())]);
}

#[test]
fn a_host_function_reaches_every_export_of_the_instance_that_calls_it() {
    let engine = engine();
    let mut imports = Imports::new(&engine);
    imports.func("host", "look", |mut caller: Caller<'_, ()>| -> Result<i32, Error> {
        assert!(caller.get_export("nothing").is_none());
        let Some(Extern::Func(func)) = caller.get_export("f") else {
            panic!("a function")
        };
        let Some(Extern::Global(global)) = caller.get_export("g") else {
            panic!("a global")
        };
        let Some(Extern::Table(table)) = caller.get_export("t") else {
            panic!("a table")
        };
        let Some(Extern::Memory(memory)) = caller.get_export("m") else {
            panic!("a memory")
        };
        memory.data_mut(&mut caller)[3] = 4;
        assert_eq!(table.size(&caller), 2);
        global.set(&mut caller, Value::I32(5))?;
        func.typed::<(), i32>(&caller)?.call(&mut caller, ())
    });
    let text = r#"(module
        (import "host" "look" (func $look (result i32)))
        (memory (export "m") 1)
        (table (export "t") 2 funcref)
        (global $g (export "g") (mut i32) (i32.const 0))
        (func (export "f") (result i32) (i32.add (global.get $g) (i32.load8_u (i32.const 3))))
        (func (export "run") (result i32) (call $look)))"#;
    let mut store = Store::new(&engine, ());
    let instance = instantiate(&mut store, &engine, &imports, text);
    let run = instance.typed_func::<(), i32>(&mut store, "run").expect("of this type");
    assert_eq!(run.call(&mut store, ()).expect("returns"), 9);
    // No instance imports this function, so its caller has no instance.
    let alone = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| {
        i32::from(caller.get_export("m").is_some())
    });
    assert_eq!(alone.call(&mut store, &[]).expect("returns"), [Value::I32(0)]);
}

#[test]
fn a_store_with_all_that_is_in_it_moves_to_another_thread() {
    fn is_send<V: Send>() {}
    is_send::<Store<u32>>();
    is_send::<Imports<*const u8>>();
    is_send::<(
        Engine,
        Module,
        Instance,
        Func,
        Global,
        Table,
        Memory,
        Extern,
        TypedFunc<i32, i32>,
    )>();

    let engine = engine();
    let mut imports = Imports::new(&engine);
    imports.func("host", "count", |mut caller: Caller<'_, u32>| *caller.data_mut() += 1);
    let text = r#"(module
        (import "host" "count" (func $count))
        (memory (export "memory") 1)
        (func $deep (export "deep") (call $deep))
        (func (export "load") (param i32) (result i32) (call $count) (i32.load (local.get 0))))"#;
    let mut store = Store::new(&engine, 0);
    let instance = instantiate(&mut store, &engine, &imports, text);
    let load = instance
        .typed_func::<i32, i32>(&mut store, "load")
        .expect("of this type");
    load.call(&mut store, 0).expect("returns");
    let trap_of = |result: Result<i32, Error>| match result {
        Err(Error::Trap(trap)) => trap.code(),
        other => panic!("{other:?}"),
    };
    let run = move || {
        assert_eq!(load.call(&mut store, 0).expect("returns"), 0);
        assert_eq!(trap_of(load.call(&mut store, -1)), TrapCode::MemoryOutOfBounds);
        let deep = instance.typed_func::<(), ()>(&mut store, "deep").expect("of this type");
        assert_eq!(
            trap_of(deep.call(&mut store, ()).map(|()| 0)),
            TrapCode::CallStackExhausted
        );
        store
    };
    let mut store = thread::spawn(run).join().expect("all as it was");
    load.call(&mut store, 0).expect("returns");
    assert_eq!(store.into_data(), 4);
    drop(imports);
}
