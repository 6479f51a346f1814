//! Typed function references: passing them between host and guest, and agreement of modules on types.
#![cfg(feature = "compiler")]

use wrun_runtime::{
    Config, Engine, Error, Func, FuncType, Imports, Instance, MemoryMode, Module, Store, TrapCode, ValType, Value,
};

fn engines() -> Vec<Engine> {
    let mut configs = vec![Config::new(); 3];
    configs[1].memory_mode(MemoryMode::Checked);
    configs[2].padding(64 << 10).address_map(false);
    configs
        .iter()
        .map(|config| Engine::new(config).expect("made"))
        .collect()
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).expect("text")).expect("valid")
}

fn instance(store: &mut Store<()>, engine: &Engine, text: &str) -> Instance {
    Instance::new(store, &module(engine, text), &Imports::new(engine)).expect("instantiates")
}

fn is_trap(result: Result<Vec<Value>, Error>, code: TrapCode) {
    match result {
        Err(Error::Trap(trap)) => assert_eq!(trap.code(), code),
        other => panic!("{other:?}"),
    }
}

const CALLER: &str = r#"(module
    (type $t (func (param i32) (result i32)))
    (func (export "call") (param (ref null $t) i32) (result i32) (call_ref $t (local.get 1) (local.get 0)))
    (func (export "tail") (param (ref null $t) i32) (result i32) (return_call_ref $t (local.get 1) (local.get 0)))
    (func (export "strict") (param (ref $t)) (result (ref $t)) (local.get 0)))"#;

#[test]
fn functions_of_guests_and_of_the_host_are_called_by_reference() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        // A function of the host, made before any module with this type is there, and one made after.
        let early = Func::wrap(&mut store, |_: wrun_runtime::Caller<'_, ()>, n: i32| n + 1);
        let caller = instance(&mut store, &engine, CALLER);
        let late = Func::wrap(&mut store, |_: wrun_runtime::Caller<'_, ()>, n: i32| n + 2);
        let text = r#"(module (memory 1) (global $n i32 (i32.const 3))
            (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (global.get $n))))"#;
        let other = instance(&mut store, &engine, text);
        let guest = other.func(&mut store, "f").expect("exported");
        for name in ["call", "tail"] {
            let call = caller.func(&mut store, name).expect("exported");
            for (func, expected) in [(early, 101), (late, 102), (guest, 103), (early, 101)] {
                let arguments = [Value::FuncRef(Some(func)), Value::I32(100)];
                let result = call.call(&mut store, &arguments).expect("returns");
                assert_eq!(result, [Value::I32(expected)], "{name}");
            }
            let null = [Value::FuncRef(None), Value::I32(1)];
            is_trap(call.call(&mut store, &null), TrapCode::NullFunction);
        }
        // Null and functions of other types are refused.
        let strict = caller.func(&mut store, "strict").expect("exported");
        let wrong = Func::wrap(&mut store, |_: wrun_runtime::Caller<'_, ()>| 1_i64);
        for refused in [
            Value::FuncRef(None),
            Value::FuncRef(Some(wrong)),
            Value::ExternRef(None),
        ] {
            let result = strict.call(&mut store, &[refused]);
            assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
        }
        let passed = [Value::FuncRef(Some(guest))];
        assert_eq!(strict.call(&mut store, &passed).expect("returns"), passed);
        let call = caller.func(&mut store, "call").expect("exported");
        let result = call.call(&mut store, &[Value::FuncRef(Some(wrong)), Value::I32(1)]);
        assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
    }
}

#[test]
fn modules_agree_on_types_that_refer_to_types() {
    let exporter = r#"(module
        (type $unused (func (param f64)))
        (type $a (func (param i32))) (type $b (func (param (ref $a)) (result (ref null $a))))
        (func (export "b") (type $b) (local.get 0))
        (global (export "g") (ref null $a) (ref.null $a))
        (table (export "t") 2 (ref null $a)))"#;
    let importer = |a: &str, global: &str, table: &str| {
        format!(
            r#"(module
                (type $a (func {a})) (type $b (func (param (ref $a)) (result (ref null $a))))
                (import "m" "b" (func (type $b)))
                (import "m" "g" (global {global})) (import "m" "t" (table 1 {table})))"#
        )
    };
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let from = instance(&mut store, &engine, exporter);
        let mut imports = Imports::new(&engine);
        for name in ["b", "g", "t"] {
            imports.define("m", name, from.export(&mut store, name).expect("exported"));
        }
        let equal = "(ref null $a)";
        for (a, global, table, fits) in [
            ("(param i32)", equal, equal, true),
            // The type of an immutable global may be more general. That of a table must be the same.
            ("(param i32)", "funcref", equal, true),
            ("(param i32)", "(mut funcref)", equal, false),
            ("(param i32)", "(ref $a)", equal, false),
            ("(param i32)", equal, "funcref", false),
            ("(param i64)", "funcref", equal, false),
        ] {
            let module = module(&engine, &importer(a, global, table));
            let result = Instance::new(&mut store, &module, &imports);
            assert_eq!(result.is_ok(), fits, "{a} {global} {table}: {result:?}");
        }
    }
}

#[test]
fn a_table_that_cannot_hold_null_is_filled_at_first() {
    let text = r#"(module (type $t (func (result i32)))
        (import "m" "g" (global $g (ref $t)))
        (func $own (type $t) (i32.const 7)) (elem declare func $own)
        (table $a (export "a") 3 (ref $t) (ref.func $own))
        (table $b 2 (ref $t) (global.get $g))
        (elem (table $a) (i32.const 1) (ref $t) (global.get $g))
        (func (export "f") (param i32) (result i32) (call_ref $t (table.get $a (local.get 0))))
        (func (export "indirect") (param i32) (result i32) (call_indirect $a (type $t) (local.get 0)))
        (func (export "b") (result i32) (call_ref $t (table.get $b (i32.const 1)))))"#;
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let giver = instance(
            &mut store,
            &engine,
            r#"(module (type $t (func (result i32))) (func $f (result i32) (i32.const 9)) (global (export "g") (ref $t) (ref.func $f)))"#,
        );
        let mut imports = Imports::new(&engine);
        imports.define("m", "g", giver.global(&mut store, "g").expect("exported"));
        let instance = Instance::new(&mut store, &module(&engine, text), &imports).expect("instantiates");
        for name in ["f", "indirect"] {
            let f = instance.func(&mut store, name).expect("exported");
            for (index, expected) in [(0, 7), (1, 9), (2, 7)] {
                let result = f.call(&mut store, &[Value::I32(index)]);
                assert_eq!(result.expect("returns"), [Value::I32(expected)], "{name} {index}");
            }
        }
        let b = instance.func(&mut store, "b").expect("exported");
        assert_eq!(b.call(&mut store, &[]).expect("returns"), [Value::I32(9)]);
        let table = instance.table(&mut store, "a").expect("exported");
        let result = table.set(&mut store, 0, Value::FuncRef(None));
        assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
    }
}

#[test]
fn a_host_function_gives_no_null_where_none_is_wanted() {
    let text = r#"(module (type $t (func)) (import "m" "give" (func $give (result (ref func))))
        (func (export "f") (drop (call $give))))"#;
    for engine in engines() {
        let module = module(&engine, text);
        let wanted = module.imports().next().expect("one").ty;
        let wrun_runtime::ExternType::Func(ty) = wanted else {
            panic!("{wanted:?}")
        };
        assert_eq!(ty.to_string(), "() -> ((ref func))");
        assert_ne!(ty, FuncType::new([], [ValType::FUNCREF]));
        let mut store = Store::new(&engine, ());
        let mut imports = Imports::new(&engine);
        imports.func_untyped("m", "give", ty, |_, _, _| Ok(()));
        let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
        let f = instance.func(&mut store, "f").expect("exported");
        let result = f.call(&mut store, &[]);
        assert!(matches!(result, Err(Error::HostPanic(_))), "{result:?}");
    }
}
