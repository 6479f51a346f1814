//! Exceptions as objects: how the guest keeps them, how they leave the guest and return, and when they are collected.
#![cfg(feature = "compiler")]

use wrun_runtime::{
    Caller, Config, Engine, Error, Exception, ExternRef, FuncType, Imports, Instance, MemoryMode, Module, Store, Tag,
    TrapCode, ValType, Value,
};

/// An engine for each way to compile and to collect that makes a difference to exceptions.
fn engines() -> Vec<Engine> {
    let mut configs = vec![Config::new(); 4];
    configs[1].memory_mode(MemoryMode::Checked);
    configs[2].collect_always(true);
    configs[3].padding(64 << 10).address_map(false);
    let engine = |config| Engine::new(config).expect("made");
    configs.iter().map(engine).collect()
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).expect("text")).expect("valid")
}

/// A module without imports, in a store of its own.
fn instance(engine: &Engine, text: &str) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module(engine, text), &Imports::new(engine)).expect("instantiates");
    (store, instance)
}

fn call<T>(store: &mut Store<T>, instance: &Instance, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Error> {
    instance.func(store, name).expect("exported").call(store, arguments)
}

fn exception<T: std::fmt::Debug>(result: Result<T, Error>) -> Exception {
    match result {
        Err(Error::Exception(exception)) => exception,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clause_can_begin_with_rethrow() {
    let text = r#"(module (tag $t (param i32)) (tag $u)
         (func $throw (param i32) (if (local.get 0) (then (throw $u))) (throw $t (i32.const 7)))
         (func (export "f") (param i32) (result i32)
           try (result i32)
             try (result i32) local.get 0 call $throw i32.const 0 catch $u rethrow 0 catch $u unreachable end
           catch $t
           catch $u i32.const 9
           end))"#;
    for engine in engines() {
        let (mut store, instance) = instance(&engine, text);
        for (argument, expected) in [(0, 7), (1, 9)] {
            let result = call(&mut store, &instance, "f", &[Value::I32(argument)]);
            assert_eq!(result.expect("caught"), [Value::I32(expected)]);
        }
    }
}

#[test]
fn a_clause_of_the_legacy_form_leaves_an_exception_that_a_global_holds() {
    let text = r#"(module (tag $t (param i32)) (global $g (export "g") (mut exnref) (ref.null exn))
         (func (export "f") (result i32)
           (global.set $g
             (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t (i32.const 7))) unreachable))
           try global.get $g throw_ref catch_all end
           try i32.const 9 throw $t catch $t drop end
           (block $h (result i32) (try_table (catch $t $h) (throw_ref (global.get $g))) unreachable)))"#;
    for engine in engines() {
        let (mut store, instance) = instance(&engine, text);
        let result = call(&mut store, &instance, "f", &[]);
        assert_eq!(result.expect("caught"), [Value::I32(7)]);
        let global = instance.global(&mut store, "g").expect("exported");
        let Value::ExnRef(Some(exception)) = global.get(&store) else {
            panic!("the global holds it");
        };
        assert_eq!(exception.payload(&store).expect("its store"), [Value::I32(7)]);
    }
}

#[test]
fn chains_of_exceptions_of_any_length_leave_the_guest_and_come_back() {
    let text = r#"(module (tag $t (param exnref exnref i32))
         (func $next (param $inner exnref) (param $n i32) (result exnref)
           (block $h (result exnref)
             (try_table (catch_all_ref $h) (throw $t (local.get $inner) (local.get $inner) (local.get $n))) unreachable))
         (func (export "make") (param $length i32) (result exnref) (local $last exnref) (local $n i32)
           (loop $l
             (local.set $last (call $next (local.get $last) (local.get $n)))
             (local.set $n (i32.add (local.get $n) (i32.const 1)))
             (br_if $l (i32.lt_u (local.get $n) (local.get $length))))
           (local.get $last))
         (func (export "throw") (param exnref) (throw_ref (local.get 0)))
         (func (export "length") (param $last exnref) (result i32) (local $n i32)
           (loop $l
             (local.set $n (i32.add (local.get $n) (i32.const 1)))
             (block $h (result exnref exnref i32)
               (try_table (catch $t $h) (throw_ref (local.get $last))) unreachable)
             (drop) (drop) (local.set $last)
             (br_if $l (i32.eqz (ref.is_null (local.get $last)))))
           (local.get $n)))"#;
    // Each exception refers twice to the one before. Recursion over the chain would overflow the stack.
    const LENGTH: i32 = 50_000;
    let engine = Engine::new(&Config::new()).expect("made");
    let (mut store, instance) = instance(&engine, text);
    let made = call(&mut store, &instance, "make", &[Value::I32(LENGTH)]).expect("returns");
    let thrown = exception(call(&mut store, &instance, "throw", &made));
    let [Value::ExnRef(Some(first)), Value::ExnRef(Some(second)), last] =
        &thrown.payload(&store).expect("its store")[..]
    else {
        panic!("{thrown:?}");
    };
    assert_eq!((first, last), (second, &Value::I32(LENGTH - 1)));
    let length = call(&mut store, &instance, "length", &[Value::ExnRef(Some(thrown.clone()))]);
    assert_eq!(length.expect("returns"), [Value::I32(LENGTH)]);
    drop((made, thrown));
    store.collect_host_objects().expect("no drop panics");
    assert_eq!(store.host_object_count(), 0);
}

#[test]
fn an_exception_that_leaves_the_guest_after_the_deadline_is_an_interrupt() {
    let text = r#"(module (import "host" "throw" (func $throw)) (func (export "f") (call $throw)))"#;
    for engine in engines() {
        let mut store = Store::new(&engine, engine.clone());
        let tag = Tag::new(&mut store, FuncType::new([], [])).expect("no results");
        let mut imports = Imports::new(&engine);
        imports.func(
            "host",
            "throw",
            move |mut caller: Caller<'_, Engine>| -> Result<(), Error> {
                caller.data().increment_epoch();
                Err(Error::Exception(Exception::new(&mut caller, &tag, &[])?))
            },
        );
        let instance = Instance::new(&mut store, &module(&engine, text), &imports).expect("made");
        for (ticks, is_late) in [(2, false), (1, true)] {
            store.set_epoch_deadline(ticks);
            match call(&mut store, &instance, "f", &[]).expect_err("throws") {
                Error::Exception(_) => assert!(!is_late),
                Error::Trap(trap) => {
                    assert!(is_late);
                    assert_eq!(trap.code(), TrapCode::Interrupt);
                    assert_eq!(trap.backtrace().frames().len(), 1);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn exceptions_that_only_the_host_throws_are_collected() {
    let text = r#"(module (import "host" "throw" (func $throw (param i32))) (import "host" "t" (tag $t (param i32 externref)))
         (func (export "f") (param $n i32)
           (loop $l
             (block $h (result i32 externref)
               (try_table (catch $t $h) (call $throw (local.get $n))) unreachable)
             (drop)
             (if (i32.ne (local.get $n)) (then unreachable))
             (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let payload = FuncType::new([ValType::I32, ValType::EXTERNREF], []);
        let tag = Tag::new(&mut store, payload).expect("no results");
        let mut imports = Imports::new(&engine);
        imports.define("host", "t", tag);
        imports.func(
            "host",
            "throw",
            move |mut caller: Caller<'_, ()>, n: i32| -> Result<(), Error> {
                let payload = [Value::I32(n), Value::ExternRef(Some(ExternRef::new(n)))];
                Err(Error::Exception(Exception::new(&mut caller, &tag, &payload)?))
            },
        );
        let instance = Instance::new(&mut store, &module(&engine, text), &imports).expect("made");
        call(&mut store, &instance, "f", &[Value::I32(5000)]).expect("caught");
        let held = store.host_object_count();
        assert!(held <= 2100, "{held} are left");
    }
}
