//! The end of the guest's stack and half-way failures: where wrun itself must not be the one that falls.
#![cfg(feature = "compiler")]

use wrun_runtime::{
    Caller, Config, Engine, Error, Func, FuncType, Imports, Instance, Module, Store, TrapCode, ValType, Value,
};

/// Recursion to a depth, with a call out of the guest at its end.
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
            // A host function may use what it was promised.
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
        // The last depth that works, then every depth until even the guest's own frames do not fit.
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
    assert!(matches!(failed, Err(Error::Resource(_))), "{failed:?}");
    drop(greedy);
    let modest = module(
        r#"(module (import "host" "double" (func $double (param i32) (result i32)))
             (func (export "run") (result i32) (call $double (i32.const 21))))"#,
    );
    let instance = Instance::new(&mut store, &modest, &imports).expect("instantiates");
    let run = instance.func(&mut store, "run").expect("exported");
    assert_eq!(run.call(&mut store, &[]).expect("returns"), [Value::I32(42)]);
}
