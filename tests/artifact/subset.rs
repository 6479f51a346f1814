//! Artifacts that hold only some functions of a module. These functions run as usual, and every kind of call of a missing
//! function traps with its name.

use wrun_artifact::BUILD;
use wrun_artifact::config::CpuFeatures;
use wrun_artifact::elf::{Artifact, Expect};
use wrun_artifact::header::Compare;
use wrun_artifact::index::Index;
use wrun_compiler::{Config, Options, compile_subset};
use wrun_runtime::{Engine, Error, ExternRef, Imports, Instance, Store, Trap, TrapCode, Value};

use crate::load::load;

/// Functions that call one another in every way. `$leaf` needs no vmctx, and neither do functions that call only `$leaf`.
/// `$private` is a private table, and `$shared` a shared one.
const MODULE: &str = r#"
    (module
      (type $t (func (param i32) (result i32)))
      (table $private 3 funcref)
      (elem (table $private) (i32.const 0) func $leaf $direct $many)
      (table $shared (export "table") 3 funcref)
      (elem (table $shared) (i32.const 0) func $leaf $direct)
      (elem declare func $direct)
      (memory (export "memory") 1)
      (global $g (mut i32) (i32.const 100))
      (func $leaf (export "leaf") (type $t) (i32.add (local.get 0) (i32.const 1)))
      (func $direct (export "direct") (type $t) (i32.mul (call $leaf (local.get 0)) (i32.const 3)))
      (func $private (export "private") (type $t)
        (i32.add (call_indirect $private (type $t) (local.get 0) (local.get 0)) (global.get $g)))
      (func $shared (export "shared") (type $t)
        (i32.add (call_indirect $shared (type $t) (local.get 0) (local.get 0)) (global.get $g)))
      (func $reference (export "reference") (type $t)
        (table.set $shared (i32.const 2) (ref.func $direct))
        (call_indirect $shared (type $t) (local.get 0) (i32.const 2)))
      (func $many (param i32 i64 f64 i32 i64 i32 i32 i32 i32) (result i64 i64 i64 i64)
        (i64.store (i32.const 0) (local.get 1)) i64.const 1 i64.const 2 i64.const 3 local.get 4)
      (func $stack (export "stack") (type $t)
        (call $many (local.get 0) (i64.const 2) (f64.const 3) (i32.const 4) (i64.const 5) (i32.const 6) (i32.const 7)
          (i32.const 8) (i32.const 9))
        drop drop i64.add i32.wrap_i64 local.get 0 i32.add))
"#;

const FUNCTIONS: [&str; 7] = ["leaf", "direct", "private", "shared", "reference", "many", "stack"];

/// Exports, the argument of a call, and the functions that the call runs.
const CALLS: [(&str, i32, &[&str]); 8] = [
    ("leaf", 5, &["leaf"]),
    ("direct", 5, &["direct", "leaf"]),
    ("private", 0, &["private", "leaf"]),
    ("private", 1, &["private", "direct", "leaf"]),
    ("shared", 0, &["shared", "leaf"]),
    ("shared", 1, &["shared", "direct", "leaf"]),
    ("reference", 4, &["reference", "direct", "leaf"]),
    ("stack", 7, &["stack", "many"]),
];

/// Calls an export of the artifact.
fn call(engine: &Engine, bytes: &[u8], name: &str, argument: i32) -> Result<Vec<Value>, Trap> {
    let module = load(engine, bytes).expect("whole");
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &Imports::new(engine)).expect("nothing is imported");
    let func = instance.func(&mut store, name).expect("exported, there or not");
    match func.call(&mut store, &[Value::I32(argument)]) {
        Ok(values) => Ok(values),
        Err(Error::Trap(trap)) => Err(trap),
        Err(other) => panic!("{name}: {other}"),
    }
}

#[test]
fn each_subset_runs_what_it_holds_and_names_what_it_does_not() {
    let wasm = wat::parse_str(MODULE).expect("well-formed");
    let engine = Engine::new(&wrun_runtime::Config::new()).expect("signals can be handled");
    let subset = |set: usize| {
        let wanted = |func: wrun_artifact::index::DefinedFuncIndex| set & (1 << func.index()) != 0;
        let (bytes, _) = compile_subset(&wasm, &Config::native(), &Options::default(), wanted).expect("valid");
        bytes
    };
    let all = subset(usize::MAX);
    let expected = CALLS.map(|(name, argument, _)| call(&engine, &all, name, argument).expect("all are there"));
    for set in 0..1 << FUNCTIONS.len() {
        let bytes = subset(set);
        for ((name, argument, path), expected) in CALLS.iter().zip(&expected) {
            let result = call(&engine, &bytes, name, *argument);
            let missing = path.iter().position(|func| {
                let number = FUNCTIONS.iter().position(|name| name == func).expect("one of them");
                set & (1 << number) == 0
            });
            let Some(missing) = missing else {
                assert_eq!(
                    &result.expect("all that it needs is there"),
                    expected,
                    "{name} of {set:#b}"
                );
                continue;
            };
            let trap = result.expect_err("a function is missing");
            assert_eq!(trap.code(), TrapCode::FunctionMissing, "{name} of {set:#b}");
            let frames: Vec<_> = trap
                .backtrace()
                .frames()
                .iter()
                .map(|frame| frame.name().unwrap_or("?"))
                .collect();
            let callers: Vec<_> = path[..=missing].iter().rev().copied().collect();
            assert_eq!(frames, callers, "{name} of {set:#b}");
        }
    }
}

#[test]
fn a_start_function_that_is_missing_fails_instantiation() {
    let wasm = wat::parse_str("(module (func $begin) (start $begin))").expect("well-formed");
    let (bytes, _) = compile_subset(&wasm, &Config::native(), &Options::default(), |_| false).expect("valid");
    let engine = Engine::new(&wrun_runtime::Config::new()).expect("signals can be handled");
    let module = load(&engine, &bytes).expect("whole");
    let mut store = Store::new(&engine, ());
    let error = Instance::new(&mut store, &module, &Imports::new(&engine)).expect_err("it calls the function");
    assert!(
        matches!(&error, Error::Trap(trap) if trap.code() == TrapCode::FunctionMissing),
        "{error}"
    );
}

#[test]
fn stack_maps_are_those_of_the_functions_that_are_there() {
    let wasm = wat::parse_str(
        r#"(module
             (func $leaf (export "leaf"))
             (func $keep (export "keep") (param externref) (result externref) (call $leaf) (local.get 0)))"#,
    );
    let wasm = wasm.expect("well-formed");
    let engine = Engine::new(&wrun_runtime::Config::new()).expect("signals can be handled");
    let object = Value::ExternRef(Some(ExternRef::new("an object")));
    for (leaf, keep) in [(false, false), (false, true), (true, false), (true, true)] {
        let wanted = |func: wrun_artifact::index::DefinedFuncIndex| [leaf, keep][func.index()];
        let (bytes, _) = compile_subset(&wasm, &Config::native(), &Options::default(), wanted).expect("valid");
        let expect = Expect {
            build: BUILD,
            config: None,
            cpu: CpuFeatures::detect(),
        };
        let artifact = Artifact::read(&bytes, &expect, Compare::All).expect("whole");
        assert_eq!(artifact.stack_maps().is_empty(), !keep, "{leaf} {keep}");

        let module = load(&engine, &bytes).expect("whole");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("nothing is imported");
        let func = instance.func(&mut store, "keep").expect("exported, there or not");
        match func.call(&mut store, std::slice::from_ref(&object)) {
            Ok(results) => assert_eq!((leaf, keep, &results[0]), (true, true, &object)),
            Err(Error::Trap(trap)) => {
                assert_eq!(
                    (trap.code(), leaf && keep),
                    (TrapCode::FunctionMissing, false),
                    "{leaf} {keep}"
                );
            }
            Err(other) => panic!("{other}"),
        }
    }
}
