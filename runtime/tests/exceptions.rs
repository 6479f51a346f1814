//! Exceptions: handlers, payloads, ends that no handler catches, and the time after an exception.
#![cfg(feature = "compiler")]

use std::sync::Arc;
use std::time::Duration;

use wrun_runtime::{
    Caller, Config, Deadline, Engine, Error, Exception, Extern, ExternRef, Frame, Func, FuncType, Global, GlobalType,
    Imports, Instance, MemoryMode, Module, Store, Tag, Trap, TrapCode, ValType, Value,
};

/// Makes an engine for each way of compiling and collecting that matters to exceptions.
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

/// Makes an instance of a module without imports, in its own store.
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

fn trap<T: std::fmt::Debug>(result: Result<T, Error>) -> Trap {
    match result {
        Err(Error::Trap(trap)) => trap,
        other => panic!("{other:?}"),
    }
}

fn names(exception: &Exception) -> Vec<String> {
    let frames = exception.backtrace().frames().iter();
    frames
        .map(|frame| frame.name().unwrap_or_default().to_owned())
        .collect()
}

/// A function `$throw` that throws `$a` for 1, `$b` for 2 and `$c` for 3, and nothing for 0.
const THROW: &str = r#"
    (tag $a (param i32)) (tag $b (param i64)) (tag $c)
    (func $throw (param i32)
      (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 7))))
      (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (i64.const 8))))
      (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $c))))
"#;

#[test]
fn the_first_clause_that_fits_catches_and_the_others_do_not() {
    let text = format!(
        r#"(module {THROW}
             (func (export "f") (param i32) (result i32)
               (block $all
                 (block $b (result i64)
                   (block $a (result i32)
                     (try_table (catch $a $a) (catch $b $b) (catch_all $all) (catch $a $a) (call $throw (local.get 0)))
                     (return (i32.const 0)))
                   (return (i32.add (i32.const 100))))
                 (return (i32.add (i32.wrap_i64) (i32.const 200))))
               (i32.const 300))
             (func (export "outer") (param i32) (result i32)
               (block $outer (result i32)
                 (try_table (result i32) (catch $a $outer)
                   (block $inner (result i64)
                     (try_table (catch $b $inner) (call $throw (local.get 0)))
                     (return (i32.const 0)))
                   (i32.add (i32.wrap_i64) (i32.const 200))))))"#
    );
    for engine in engines() {
        let (mut store, instance) = instance(&engine, &text);
        for (argument, f, outer) in [(0, 0, Some(0)), (1, 107, Some(7)), (2, 208, Some(208)), (3, 300, None)] {
            let argument = [Value::I32(argument)];
            let result = call(&mut store, &instance, "f", &argument).expect("caught");
            assert_eq!(result, [Value::I32(f)]);
            let result = call(&mut store, &instance, "outer", &argument);
            match outer {
                Some(value) => assert_eq!(result.expect("caught"), [Value::I32(value)]),
                None => assert_eq!(exception(result).name(), Some("c")),
            }
        }
    }
}

#[test]
fn the_legacy_form_does_the_same() {
    // The results of a JavaScript engine for 0 to 3. `None` means that an exception leaves the guest.
    let functions = [
        (
            "local.get 0 call $throw i32.const 0 catch $a i32.const 100 i32.add catch $b i32.wrap_i64 catch_all i32.const 9 end",
            [Some(0), Some(107), Some(8), Some(9)],
        ),
        (
            "try (result i32) local.get 0 call $throw i32.const 0 catch_all i32.const 0 call $throw rethrow 0 end
             catch $a i32.const 1000 i32.add catch $b drop i32.const 2000 end",
            [Some(0), Some(1007), Some(2000), None],
        ),
        (
            "try (result i32) try (result i32) local.get 0 call $throw i32.const 0 delegate 1 catch_all i32.const -5 end
             catch $a i32.const 1000 i32.add end",
            [Some(0), Some(1007), None, None],
        ),
        (
            "try (result i32) local.get 0 call $throw i32.const 0 delegate 1 catch_all i32.const -5 end",
            [Some(0), None, None, None],
        ),
        (
            "try (result i32) local.get 0 call $throw i32.const 0 end catch $a end",
            [Some(0), Some(7), None, None],
        ),
        // A `try` does not protect its own clauses.
        (
            "local.get 0 call $throw i32.const 0 catch $a drop i32.const 2 call $throw i32.const 1 catch $b drop i32.const 2 end",
            [Some(0), None, Some(2), None],
        ),
        // A `rethrow` in an inner clause, of the exception of an outer clause.
        (
            "local.get 0 call $throw i32.const 0
             catch $a drop
               try i32.const 2 call $throw catch $b drop rethrow 1 end i32.const 5
             end",
            [Some(0), None, None, None],
        ),
        // A clause inside of another one catches the same exception and does not keep it, but the outer one does.
        (
            "local.get 0 call $throw i32.const 0
             catch_all
               try rethrow 1 catch_all end
               try i32.const 2 call $throw catch_all end
               try (result i32) rethrow 1 catch $a catch_all i32.const 9 end
             end",
            [Some(0), Some(7), Some(9), Some(9)],
        ),
    ];
    for engine in engines() {
        for (body, expected) in functions {
            let text =
                format!("(module {THROW} (func (export \"f\") (param i32) (result i32) try (result i32) {body}))");
            let (mut store, instance) = instance(&engine, &text);
            for (argument, expected) in expected.into_iter().enumerate() {
                let argument = i32::try_from(argument).expect("small");
                let result = call(&mut store, &instance, "f", &[Value::I32(argument)]);
                match expected {
                    Some(value) => assert_eq!(result.expect("caught"), [Value::I32(value)], "{body}: {argument}"),
                    None => drop(exception(result)),
                }
            }
        }
    }
}

#[test]
fn a_payload_of_every_type_arrives_as_it_was() {
    let all = "i32 i64 f32 f64 v128 funcref externref exnref";
    let text = format!(
        r#"(module (tag $e (export "e") (param {all})) (tag $inner (param i32))
             (func $id (export "id") (param i32) (result i32) (local.get 0)) (elem declare func $id)
             (func $throw (param externref exnref)
               (throw $e (i32.const -1) (i64.const -2) (f32.const nan:0x200001) (f64.const -0.0) (v128.const i64x2 5 6)
                 (ref.func $id) (local.get 0) (local.get 1)))
             (func (export "caught") (param externref) (result {all})
               (block $h (result {all})
                 (try_table (catch $e $h)
                   (call $throw (local.get 0)
                     (block $i (result exnref) (try_table (catch_all_ref $i) (throw $inner (i32.const 3))) unreachable)))
                 unreachable))
             (func (export "leaves") (param externref) (call $throw (local.get 0) (ref.null exn))))"#
    );
    for engine in engines() {
        let (mut store, instance) = instance(&engine, &text);
        let object = ExternRef::new("an object");
        let argument = [Value::ExternRef(Some(object.clone()))];
        let check = |store: &mut Store<()>, values: &[Value]| {
            let numbers = [
                Value::I32(-1),
                Value::I64(-2),
                Value::F32(0x7fa0_0001),
                Value::F64(1 << 63),
                Value::V128(5 | 6 << 64),
            ];
            assert_eq!(values[..5], numbers);
            let Value::FuncRef(Some(func)) = &values[5] else {
                panic!("{values:?}")
            };
            assert_eq!(func.call(store, &[Value::I32(11)]).expect("returns"), [Value::I32(11)]);
            assert_eq!(values[6], argument[0]);
        };
        let values = call(&mut store, &instance, "caught", &argument).expect("caught");
        check(&mut store, &values);
        let Value::ExnRef(Some(inner)) = &values[7] else {
            panic!("{values:?}")
        };
        assert_eq!(inner.to_string(), "inner(i32 3)");
        assert_eq!(inner.payload(&store).expect("of this store"), [Value::I32(3)]);

        let thrown = exception(call(&mut store, &instance, "leaves", &argument));
        let values = thrown.payload(&store).expect("of this store");
        check(&mut store, &values);
        assert_eq!(values[7], Value::ExnRef(None));
        assert_eq!(thrown.ty().params().len(), 8);
        let tag = instance.tag(&mut store, "e").expect("exported");
        assert_eq!(thrown.tag(&store).expect("of this store"), tag);
        assert_eq!(
            thrown.to_string(),
            "e(i32 -1, i64 -2, f32 NaN, f64 -0, v128 0x00000000000000060000000000000005, funcref, externref, exnref null)"
        );
    }
}

#[test]
fn a_tag_is_told_from_another_of_the_same_type_and_from_that_of_another_instance() {
    let text = r#"(module (tag $t (export "t")) (tag $other)
         (func (export "throw") (throw $t)))"#;
    let catcher = r#"(module (import "m" "t" (tag $t)) (import "m" "throw" (func $throw))
         (func (export "f") (result i32)
           (block $h (try_table (catch $t $h) (call $throw)) (return (i32.const 0)))
           (i32.const 1)))"#;
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let thrower = module(&engine, text);
        let instances = [(); 2].map(|()| Instance::new(&mut store, &thrower, &Imports::new(&engine)).expect("made"));
        let tags = instances.map(|instance| instance.tag(&mut store, "t").expect("exported"));
        assert_ne!(tags[0], tags[1]);
        for (tag, catches) in [(0, true), (1, false)] {
            let mut imports = Imports::new(&engine);
            imports.define("m", "t", tags[tag]);
            imports.define("m", "throw", instances[0].func(&mut store, "throw").expect("exported"));
            let instance = Instance::new(&mut store, &module(&engine, catcher), &imports).expect("made");
            match (call(&mut store, &instance, "f", &[]), catches) {
                (Ok(values), true) => assert_eq!(values, [Value::I32(1)]),
                (result, false) => assert_eq!(exception(result).tag(&store).expect("same store"), tags[0]),
                (result, true) => panic!("{result:?}"),
            }
        }
        // A tag of another type is refused.
        let mut imports = Imports::new(&engine);
        imports.define(
            "m",
            "t",
            Tag::new(&mut store, FuncType::new([ValType::I32], [])).expect("no results"),
        );
        imports.define("m", "throw", instances[0].func(&mut store, "throw").expect("exported"));
        let error = Instance::new(&mut store, &module(&engine, catcher), &imports).expect_err("another type");
        assert!(error.to_string().contains("tag (i32)"), "{error}");
    }
}

/// Makes host functions that throw, catch, and pass on exceptions of guests.
fn host_imports(engine: &Engine, store: &mut Store<Option<Func>>) -> (Imports<Option<Func>>, Tag) {
    let tag = Tag::new(store, FuncType::new([ValType::I32], [])).expect("no results");
    let mut imports = Imports::new(engine);
    imports.define("host", "tag", tag);
    imports.func(
        "host",
        "throw",
        move |mut caller: Caller<'_, Option<Func>>, n: i32| -> Result<(), Error> {
            Err(Exception::new(&mut caller, &tag, &[Value::I32(n)])?.into())
        },
    );
    imports.func(
        "host",
        "pass",
        |mut caller: Caller<'_, Option<Func>>| -> Result<(), Error> {
            let inner = caller.data().expect("set");
            inner.call(&mut caller, &[]).map(drop)
        },
    );
    imports.func(
        "host",
        "catch",
        |mut caller: Caller<'_, Option<Func>>| -> Result<i32, Error> {
            let inner = caller.data().expect("set");
            match inner.call(&mut caller, &[]) {
                Ok(_) => Ok(0),
                Err(Error::Exception(exception)) => match exception.payload(&caller)?[..] {
                    [Value::I32(value)] => Ok(value),
                    ref other => panic!("{other:?}"),
                },
                Err(error) => Err(error),
            }
        },
    );
    (imports, tag)
}

#[test]
fn host_functions_throw_catch_and_let_pass() {
    let text = r#"(module
         (import "host" "tag" (tag $t (param i32)))
         (import "host" "throw" (func $throw (param i32)))
         (import "host" "pass" (func $pass)) (import "host" "catch" (func $catch (result i32)))
         (func (export "inner") (call $throw (i32.const 5)))
         (func (export "of_host") (result i32) (block $h (result i32) (try_table (catch $t $h) (call $throw (i32.const 4))) unreachable))
         (func (export "through_host") (result i32) (block $h (result i32) (try_table (catch $t $h) (call $pass)) unreachable))
         (func (export "by_host") (result i32) (call $catch))
         (func (export "nobody") (call $pass)))"#;
    for engine in engines() {
        let mut store = Store::new(&engine, None);
        let (imports, tag) = host_imports(&engine, &mut store);
        let instance = Instance::new(&mut store, &module(&engine, text), &imports).expect("made");
        let inner = instance.func(&mut store, "inner").expect("exported");
        *store.data_mut() = Some(inner);
        for (name, expected) in [("of_host", 4), ("through_host", 5), ("by_host", 5)] {
            let result = call(&mut store, &instance, name, &[]);
            assert_eq!(result.expect(name), [Value::I32(expected)], "{name}");
        }
        let thrown = exception(call(&mut store, &instance, "nobody", &[]));
        assert_eq!(thrown.tag(&store).expect("same store"), tag);
        assert_eq!(names(&thrown), ["inner", "nobody"]);
        // A function of the host that the host calls.
        let throw = Func::wrap(
            &mut store,
            move |mut caller: Caller<'_, Option<Func>>| -> Result<(), Error> {
                Err(Exception::new(&mut caller, &tag, &[Value::I32(1)])?.into())
            },
        );
        drop(exception(throw.call(&mut store, &[])));
        // The payload must have the right types and belong to the right store.
        for payload in [&[][..], &[Value::I64(1)], &[Value::I32(1), Value::I32(1)]] {
            let error = Exception::new(&mut store, &tag, payload).expect_err("of another type");
            assert!(matches!(error, Error::Refused(_)), "{error}");
        }
        let mut other = Store::new(&engine, ());
        assert!(matches!(
            Exception::new(&mut other, &tag, &[Value::I32(1)]),
            Err(Error::Refused(_))
        ));
        assert!(matches!(thrown.payload(&other), Err(Error::Refused(_))));
        let foreign = thrown.clone();
        let rethrow = Func::wrap(&mut other, move |_: Caller<'_, ()>| -> Result<(), Error> {
            Err(foreign.clone().into())
        });
        assert_eq!(
            exception(rethrow.call(&mut other, &[])),
            thrown,
            "it ends the call and stays what it is"
        );
    }
}

#[test]
fn traps_exits_and_deadlines_are_not_caught() {
    let text = r#"(module (import "host" "exit" (func $exit))
         (func $deep (export "deep") (block $h (try_table (catch_all $h) (call $deep))))
         (func (export "trap") (block $h (try_table (catch_all $h) (unreachable))))
         (func $null (export "null") (block $h (try_table (catch_all $h) (throw_ref (ref.null exn)))))
         (func (export "exit") (block $h (try_table (catch_all $h) (call $exit))))
         (func (export "loop") (block $h (try_table (catch_all $h) (loop (br 0)))))
         (func (export "legacy") try unreachable catch_all end))"#;
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let mut imports = Imports::new(&engine);
        imports.func("host", "exit", |_: Caller<'_, ()>| -> Result<(), Error> {
            Err(Error::host("exit"))
        });
        let instance = Instance::new(&mut store, &module(&engine, text), &imports).expect("made");
        for (name, code) in [
            ("deep", TrapCode::CallStackExhausted),
            ("trap", TrapCode::Unreachable),
            ("null", TrapCode::NullException),
            ("legacy", TrapCode::Unreachable),
        ] {
            assert_eq!(trap(call(&mut store, &instance, name, &[])).code(), code, "{name}");
        }
        assert!(matches!(call(&mut store, &instance, "exit", &[]), Err(Error::Host(_))));
        let deadline = Deadline::after(Duration::from_millis(20)).expect("a timer");
        store.set_deadline(&deadline);
        assert_eq!(
            trap(call(&mut store, &instance, "loop", &[])).code(),
            TrapCode::Interrupt
        );
    }
}

#[test]
fn a_deadline_ends_a_guest_that_does_nothing_but_throw() {
    let text = r#"(module (tag $t) (func $f (throw $t))
         (func (export "f") (loop $l (block $h (result exnref) (try_table (catch_all_ref $h) (call $f)) unreachable) drop (br $l))))"#;
    for engine in engines() {
        let (mut store, instance) = instance(&engine, text);
        let deadline = Deadline::after(Duration::from_millis(20)).expect("a timer");
        store.set_deadline(&deadline);
        assert_eq!(trap(call(&mut store, &instance, "f", &[])).code(), TrapCode::Interrupt);
    }
}

#[test]
fn exceptions_and_what_they_refer_to_go_when_no_guest_can_reach_them() {
    let text = r#"(module (import "host" "new" (func $new (result externref)))
         (tag $t (param externref exnref)) (tag $u (param i32))
         (table $t 10 exnref) (global $g (mut exnref) (ref.null exn))
         (func $throw (param externref exnref) (throw $t (local.get 0) (local.get 1)))
         ;; Throws and catches without a reference.
         (func (export "light") (param $n i32)
           (loop $l
             (block $h (result i32) (try_table (catch $u $h) (throw $u (local.get $n))) unreachable)
             (drop)
             (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
         ;; Keeps each reference until the next.
         (func (export "kept") (param $n i32)
           (loop $l
             (block $h (result exnref)
               (try_table (catch_all_ref $h) (call $throw (call $new) (ref.null exn)))
               unreachable)
             (global.set $g)
             (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
         ;; A chain of $n exceptions, each in the payload of the next.
         (func (export "chain") (param $n i32)
           (loop $l
             (block $h (result exnref)
               (try_table (catch_all_ref $h) (call $throw (call $new) (global.get $g)))
               unreachable)
             (global.set $g)
             (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
         ;; The length of the chain.
         (func (export "length") (result i32) (local $e exnref) (local $n i32)
           (local.set $e (global.get $g))
           (loop $l (result i32)
             (if (ref.is_null (local.get $e)) (then (return (local.get $n))))
             (local.set $n (i32.add (local.get $n) (i32.const 1)))
             (block $h (result externref exnref)
               (try_table (catch $t $h) (throw_ref (local.get $e))) unreachable)
             (local.set $e) (drop) (br $l)))
         (func (export "clear") (global.set $g (ref.null exn))))"#;
    for engine in engines() {
        let alive = Arc::new(());
        let mut store = Store::new(&engine, (Arc::clone(&alive), 0_usize));
        let mut imports = Imports::new(&engine);
        let new = FuncType::new([], [ValType::EXTERNREF]);
        imports.func_untyped(
            "host",
            "new",
            new,
            |mut caller: Caller<'_, (Arc<()>, usize)>, _, results| {
                let held = caller.host_object_count();
                let data = caller.data_mut();
                data.1 = data.1.max(held);
                results[0] = Value::ExternRef(Some(ExternRef::new(Arc::clone(&data.0))));
                Ok(())
            },
        );
        let instance = Instance::new(&mut store, &module(&engine, text), &imports).expect("made");
        let run =
            |store: &mut Store<_>, name: &str, argument: &[Value]| call(store, &instance, name, argument).expect(name);
        run(&mut store, "light", &[Value::I32(100_000)]);
        assert_eq!(store.host_object_count(), 1, "one is used again and again");
        run(&mut store, "kept", &[Value::I32(20_000)]);
        assert!(store.data().1 <= 2100, "{} at a time", store.data().1);
        store.collect_host_objects().expect("no drop panics");
        assert_eq!(Arc::strong_count(&alive), 3, "that of the last exception is left");
        run(&mut store, "clear", &[]);
        run(&mut store, "chain", &[Value::I32(3000)]);
        store.collect_host_objects().expect("no drop panics");
        assert_eq!(run(&mut store, "length", &[]), [Value::I32(3000)]);
        assert_eq!(Arc::strong_count(&alive), 3002);
        run(&mut store, "clear", &[]);
        store.collect_host_objects().expect("no drop panics");
        assert_eq!((Arc::strong_count(&alive), store.host_object_count()), (2, 0));
    }
}

#[test]
fn references_live_across_calls_that_throw() {
    // Locals, operands and the payload of an exception are used after calls. Some of these calls throw, and each step collects.
    let text = r#"(module (import "host" "new" (func $new (param i32) (result externref)))
         (import "host" "number" (func $number (param externref) (result i32)))
         (tag $t (param externref))
         (func $throw (param externref) (drop (call $new (i32.const 90))) (throw $t (local.get 0)))
         (func (export "f") (result i32) (local $a externref) (local $b externref)
           (local.set $a (call $new (i32.const 1)))
           (block $h (result externref)
             (try_table (catch $t $h)
               (local.set $b (call $new (i32.const 20)))
               (call $throw (call $new (i32.const 300))))
             unreachable)
           (drop (call $new (i32.const 91)))
           (call $number)
           (i32.add (call $number (local.get $a)))
           (i32.add (call $number (local.get $b)))))"#;
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let mut imports = Imports::new(&engine);
        let new = FuncType::new([ValType::I32], [ValType::EXTERNREF]);
        imports.func_untyped("host", "new", new, |mut caller: Caller<'_, ()>, arguments, results| {
            caller.collect_host_objects()?;
            results[0] = Value::ExternRef(Some(ExternRef::new(arguments[0].clone())));
            Ok(())
        });
        imports.func(
            "host",
            "number",
            |mut caller: Caller<'_, ()>, object: Option<ExternRef>| -> Result<i32, Error> {
                caller.collect_host_objects()?;
                match object.expect("not null").downcast_ref() {
                    Some(Value::I32(number)) => Ok(*number),
                    _ => panic!("another object"),
                }
            },
        );
        let instance = Instance::new(&mut store, &module(&engine, text), &imports).expect("made");
        assert_eq!(
            call(&mut store, &instance, "f", &[]).expect("caught"),
            [Value::I32(321)]
        );
    }
}

#[test]
fn the_backtrace_is_that_of_the_first_throw() {
    let text = r#"(module (tag $t)
         (func $thrower (throw $t))
         (func $middle (call $thrower))
         (func $cleanup (block $h (result exnref) (try_table (catch_all_ref $h) (call $middle)) return) throw_ref)
         (func $legacy try call $cleanup catch_all rethrow 0 end)
         (func $passes (block $h (try_table (catch $other $h) (call $legacy)))) (tag $other)
         (func $outermost (export "f") (call $passes)))"#;
    for engine in engines() {
        let (mut store, instance) = instance(&engine, text);
        let thrown = exception(call(&mut store, &instance, "f", &[]));
        assert_eq!(
            names(&thrown),
            ["thrower", "middle", "cleanup", "legacy", "passes", "outermost"]
        );
    }
}

#[test]
fn exceptions_come_from_any_depth_and_go_through_any_number_of_functions() {
    let text = r#"(module (tag $t (param i32))
         (func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (throw $t (i32.const 6)))))
         (func (export "f") (param i32) (result i32)
           (block $h (result i32) (try_table (catch $t $h) (call $deep (local.get 0))) unreachable))
         ;; Each function catches and throws again.
         (func $again (param i32)
           (if (local.get 0) (then (block $h (result exnref) (try_table (catch_all_ref $h) (call $again (i32.sub (local.get 0) (i32.const 1)))) return) throw_ref)
             (else (throw $t (i32.const 9)))))
         (func (export "again") (param i32) (result i32)
           (block $h (result i32) (try_table (catch $t $h) (call $again (local.get 0))) unreachable)))"#;
    for engine in engines() {
        let (mut store, instance) = instance(&engine, text);
        for depth in [0, 1, 50_000] {
            let result = call(&mut store, &instance, "f", &[Value::I32(depth)]);
            assert_eq!(result.expect("caught"), [Value::I32(6)]);
            let result = call(&mut store, &instance, "again", &[Value::I32(depth)]);
            assert_eq!(result.expect("caught"), [Value::I32(9)]);
        }
    }
}

#[test]
fn many_throws_in_a_function_leave_its_frame_small() {
    let throws = "(if (i32.eqz (local.get 0)) (then (throw $t (i64.const 1) (i64.const 2) (i64.const 3))))".repeat(100);
    let text = format!(
        r#"(module (tag $t (param i64 i64 i64))
             (func $f (export "f") (param i32) {throws} (call $f (i32.sub (local.get 0) (i32.const 1)))))"#
    );
    let engine = Engine::new(&Config::new()).expect("made");
    let (mut store, instance) = instance(&engine, &text);
    let thrown = exception(call(&mut store, &instance, "f", &[Value::I32(10_000)]));
    assert_eq!(thrown.payload(&store).expect("its store")[2], Value::I64(3));
}

#[test]
fn a_tail_call_leaves_the_handlers_of_its_function_behind() {
    let text = r#"(module (tag $t)
         (func $throw (throw $t))
         (func $tail (block $h (try_table (catch $t $h) (return_call $throw))))
         (func (export "f") (result i32) (block $h (try_table (catch $t $h) (call $tail)) (return (i32.const 0))) (i32.const 1)))"#;
    for engine in engines() {
        let (mut store, instance) = instance(&engine, text);
        assert_eq!(call(&mut store, &instance, "f", &[]).expect("caught"), [Value::I32(1)]);
    }
}

#[test]
fn an_exception_in_the_start_function_is_the_error_of_instantiation() {
    for engine in engines() {
        let module = module(
            &engine,
            r#"(module (tag $t (param i64)) (start $f) (func $f (throw $t (i64.const 3))))"#,
        );
        let mut store = Store::new(&engine, ());
        let thrown = exception(Instance::new(&mut store, &module, &Imports::new(&engine)));
        assert_eq!(thrown.to_string(), "t(i64 3)");
        assert_eq!(
            thrown
                .backtrace()
                .frames()
                .iter()
                .filter_map(Frame::name)
                .collect::<Vec<_>>(),
            ["f"]
        );
    }
}

#[test]
fn references_to_exceptions_go_in_and_out() {
    let text = r#"(module (tag $t (export "t") (param i32))
         (global (export "g") (mut exnref) (ref.null exn)) (table (export "table") 3 exnref)
         (func (export "make") (param i32) (result exnref)
           (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t (local.get 0))) unreachable))
         (func (export "open") (param exnref) (result i32)
           (block $h (result i32) (try_table (catch $t $h) (throw_ref (local.get 0))) unreachable)))"#;
    for engine in engines() {
        let (mut store, instance) = instance(&engine, text);
        let make = instance.func(&mut store, "make").expect("exported");
        let open = instance.func(&mut store, "open").expect("exported");
        let make = make.typed::<i32, Option<Exception>>(&store).expect("of this type");
        let open = open.typed::<Option<Exception>, i32>(&store).expect("of this type");
        let made = make.call(&mut store, 41).expect("returns");
        assert_eq!(open.call(&mut store, made.clone()).expect("returns"), 41);
        assert_eq!(trap(open.call(&mut store, None)).code(), TrapCode::NullException);
        let tag = instance.tag(&mut store, "t").expect("exported");
        assert_eq!(tag.ty(&store), FuncType::new([ValType::I32], []));
        let own = Exception::new(&mut store, &tag, &[Value::I32(42)]).expect("of this type");
        assert_eq!(open.call(&mut store, Some(own.clone())).expect("returns"), 42);

        let global = instance.global(&mut store, "g").expect("exported");
        global.set(&mut store, Value::ExnRef(made.clone())).expect("mutable");
        let table = instance.table(&mut store, "table").expect("exported");
        table.set(&mut store, 1, Value::ExnRef(Some(own))).expect("inside");
        let content = GlobalType {
            content: ValType::EXNREF,
            mutable: false,
        };
        let host = Global::new(&mut store, content, Value::ExnRef(made)).expect("of this type");
        store.collect_host_objects().expect("no drop panics");
        for (value, expected) in [
            (global.get(&store), 41),
            (table.get(&mut store, 1).expect("inside"), 42),
            (host.get(&store), 41),
        ] {
            let Value::ExnRef(exception) = value else {
                panic!("{value:?}")
            };
            assert_eq!(open.call(&mut store, exception).expect("returns"), expected);
        }
        assert!(matches!(instance.export(&mut store, "t"), Some(Extern::Tag(_))));
    }
}

#[test]
fn many_handlers_tags_and_clauses_are_no_limit() {
    let nested = 10_000;
    let engine = &engines()[0];
    // Handlers inside handlers. The outermost one catches.
    let text = format!(
        "(module (tag $t (param i32)) (tag $u) (func $f (throw $t (i32.const 5)))
           (func (export \"f\") (result i32)
             (block $h (result i32) (try_table (catch $t $h) (block $u {} (call $f) {})) unreachable)))",
        "(try_table (catch $u $u) ".repeat(nested),
        ")".repeat(nested)
    );
    let (mut store, first) = instance(engine, &text);
    assert_eq!(call(&mut store, &first, "f", &[]).expect("caught"), [Value::I32(5)]);

    let tags = 100_000;
    let text = format!(
        "(module {} (func $f (throw {})) (func (export \"f\") (result i32)
           (block $h (try_table {} (catch {} $h) (call $f)) unreachable) (i32.const 1)))",
        "(tag)".repeat(tags),
        tags - 1,
        (0..1000).map(|tag| format!("(catch {tag} 0)")).collect::<String>(),
        tags - 1
    );
    let (mut store, first) = instance(engine, &text);
    assert_eq!(call(&mut store, &first, "f", &[]).expect("caught"), [Value::I32(1)]);
}
