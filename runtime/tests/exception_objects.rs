//! Exceptions as objects: who keeps one, how they come out of the guest and back, and when they go.
#![cfg(feature = "compiler")]

use wrun_runtime::{Config, Engine, Error, Imports, Instance, MemoryMode, Module, Store, Value};

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
