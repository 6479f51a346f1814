//! Lifetime of host objects: an object lives as long as a guest can reach it.
//!
//! The host function `new` numbers the objects from 0. In these modules `alive` and `dead` collect, and then check if the object
//! with a number is alive. `use` checks that a reference is to the object with a number (-1 for null). So a guest checks its own
//! references at each of its calls.
#![cfg(feature = "compiler")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use wrun_runtime::{
    Caller, Config, Engine, Error, ExternRef, Func, FuncType, Global, GlobalType, Imports, IndexType, Instance,
    MemoryMode, Module, Store, Table, TableType, TrapCode, ValType, Value,
};

/// Numbers of the objects that were dropped.
type Dropped = Arc<Mutex<BTreeSet<u32>>>;

/// A host object that records when it is dropped.
struct Object {
    number: u32,
    dropped: Dropped,
}

impl Drop for Object {
    fn drop(&mut self) {
        assert!(self.dropped.lock().expect("not poisoned").insert(self.number), "once");
    }
}

#[derive(Default)]
struct Host {
    /// Number of the next object.
    next: u32,
    dropped: Dropped,
    /// Largest number of objects that the store held at a time.
    most: usize,
    /// Function of the guest that `reenter` calls.
    inner: Option<Func>,
}

impl Host {
    fn new_object(&mut self) -> ExternRef {
        let number = self.next;
        self.next += 1;
        let dropped = Arc::clone(&self.dropped);
        ExternRef::new(Object { number, dropped })
    }

    fn has_dropped(&self, number: u32) -> bool {
        self.dropped.lock().expect("not poisoned").contains(&number)
    }
}

/// The imports of every module in this file.
const IMPORTS: &str = r#"
    (import "host" "new" (func $new (result externref)))
    (import "host" "new4" (func $new4 (result externref externref externref externref)))
    (import "host" "use" (func $use (param externref i32)))
    (import "host" "alive" (func $alive (param i32)))
    (import "host" "dead" (func $dead (param i32)))
    (import "host" "reenter" (func $reenter (param externref) (result externref)))
"#;

fn number(value: &Value) -> i32 {
    match value {
        Value::ExternRef(None) => -1,
        Value::ExternRef(Some(object)) => {
            let object: &Object = object.downcast_ref().expect("an object of these tests");
            object.number.cast_signed()
        }
        other => panic!("not a reference: {other:?}"),
    }
}

fn failed(text: String) -> Error {
    Error::HostPanic(text)
}

fn imports(engine: &Engine) -> Imports<Host> {
    const REF: ValType = ValType::EXTERNREF;
    let mut imports = Imports::new(engine);
    for (name, count) in [("new", 1), ("new4", 4)] {
        let ty = FuncType::new([], vec![REF; count]);
        imports.func_untyped("host", name, ty, |mut caller: Caller<'_, Host>, _, results| {
            for result in results {
                *result = Value::ExternRef(Some(caller.data_mut().new_object()));
            }
            let held = caller.host_object_count();
            let most = &mut caller.data_mut().most;
            *most = held.max(*most);
            Ok(())
        });
    }
    imports.func_untyped("host", "use", FuncType::new([REF, ValType::I32], []), |_, params, _| {
        let (found, expected) = (number(&params[0]), &params[1]);
        match Value::I32(found) == *expected {
            true => Ok(()),
            false => Err(failed(format!("object {found} in place of {expected:?}"))),
        }
    });
    for (name, expected) in [("alive", false), ("dead", true)] {
        imports.func("host", name, move |mut caller: Caller<'_, Host>, number: u32| {
            caller.collect_host_objects()?;
            match caller.data().has_dropped(number) == expected {
                true => Ok(()),
                false => Err(failed(format!("object {number} is not {name}"))),
            }
        });
    }
    imports.func_untyped(
        "host",
        "reenter",
        FuncType::new([REF], [REF]),
        |mut caller: Caller<'_, Host>, params, results| {
            let inner = caller.data().inner.expect("set before the call");
            results.clone_from_slice(&inner.call(&mut caller, params)?);
            Ok(())
        },
    );
    imports
}

/// All ways to run a case: with rare collections or one at every opportunity, and in each memory mode.
fn engines() -> impl Iterator<Item = (String, Engine)> {
    [false, true].into_iter().flat_map(|always| {
        [MemoryMode::Guarded, MemoryMode::Checked].map(move |mode| {
            let mut config = Config::new();
            config.memory_mode(mode).collect_always(always);
            let engine = Engine::new(&config).expect("signal handlers can be installed");
            (format!("{mode:?}, always: {always}"), engine)
        })
    })
}

fn module(engine: &Engine, body: &str) -> Module {
    let wasm = wat::parse_str(format!("(module {IMPORTS} {body})")).expect("valid text");
    Module::new(engine, &wasm).expect("valid module")
}

/// Instantiates the module and calls its export `run`, in all ways.
fn run(body: &str) {
    for (way, engine) in engines() {
        let module = module(&engine, body);
        let mut store = Store::new(&engine, Host::default());
        let instance = Instance::new(&mut store, &module, &imports(&engine)).expect("instantiates");
        let run = instance.func(&mut store, "run").expect("exported");
        store.data_mut().inner = instance.func(&mut store, "inner");
        if let Err(error) = run.call(&mut store, &[]) {
            panic!("{way}: {error}");
        }
        let host = store.data();
        let (made, dropped) = (host.next as usize, Arc::clone(&host.dropped));
        drop(store);
        assert_eq!(
            dropped.lock().expect("not poisoned").len(),
            made,
            "{way}: the store drops all"
        );
    }
}

#[test]
fn a_local_keeps_an_object_until_its_last_use() {
    run(r#"(func (export "run") (local $r externref)
             (call $use (local.get $r) (i32.const -1))
             (local.set $r (call $new))
             (call $alive (i32.const 0))
             (call $use (local.get $r) (i32.const 0))
             (call $dead (i32.const 0))
             (local.set $r (call $new))
             (call $dead (i32.const 1))
             (local.set $r (ref.null extern))
             (call $use (local.get $r) (i32.const -1)))"#);
}

#[test]
fn a_parameter_keeps_an_object_in_the_function_that_uses_it_only() {
    run(r#"(func $callee (param $r externref) (param $number i32)
             (call $alive (local.get $number))
             (call $use (local.get $r) (local.get $number))
             (call $dead (local.get $number)))
           (func (export "run")
             (call $callee (call $new) (i32.const 0))
             (call $callee (call $new) (i32.const 1)))"#);
}

#[test]
fn operands_are_kept_while_others_are_made() {
    run(r#"(func (export "run")
             (call $new) (call $new) (call $new)
             (call $alive (i32.const 0)) (call $alive (i32.const 1)) (call $alive (i32.const 2))
             (call $use (i32.const 2))
             (call $dead (i32.const 2)) (call $alive (i32.const 1))
             (call $use (i32.const 1))
             (call $dead (i32.const 1)) (call $alive (i32.const 0))
             (call $use (i32.const 0))
             (call $dead (i32.const 0)))"#);
}

#[test]
fn a_loops_parameter_keeps_the_object_of_each_round() {
    run(r#"(func (export "run") (local $round i32)
             (call $new)
             (loop $again (param externref)
               (call $alive (local.get $round))
               (call $use (local.get $round))
               (call $dead (local.get $round))
               (local.set $round (i32.add (local.get $round) (i32.const 1)))
               (call $new)
               (br_if $again (i32.lt_u (local.get $round) (i32.const 50)))
               drop))"#);
}

#[test]
fn a_local_that_a_loop_changes_keeps_the_last_object() {
    run(r#"(func (export "run") (local $r externref) (local $round i32)
             (loop $again
               (local.set $r (call $new))
               (call $alive (local.get $round))
               (local.set $round (i32.add (local.get $round) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $round) (i32.const 50))))
             (call $dead (i32.const 0)) (call $dead (i32.const 48)) (call $alive (i32.const 49))
             (call $use (local.get $r) (i32.const 49)))"#);
}

#[test]
fn what_blocks_and_select_give_is_kept() {
    run(r#"(func $choose (param $which i32) (param $a i32) (param $b i32)
             (local $kept externref)
             (call $new) (call $new)
             (local.get $which)
             (select (result externref))
             (local.set $kept)
             (call $alive (local.get $a)) (call $dead (local.get $b))
             (call $use (local.get $kept) (local.get $a)))
           (func $block (param $which i32) (param $number i32)
             (if (result externref) (local.get $which)
               (then (call $new))
               (else (block (result externref) (br 0 (call $new)))))
             (call $alive (local.get $number))
             (call $use (local.get $number))
             (call $dead (local.get $number)))
           (func (export "run")
             (call $choose (i32.const 1) (i32.const 0) (i32.const 1))
             (call $choose (i32.const 0) (i32.const 3) (i32.const 2))
             (call $block (i32.const 0) (i32.const 4))
             (call $block (i32.const 1) (i32.const 5)))"#);
}

#[test]
fn a_global_keeps_an_object() {
    run(r#"(global $g (mut externref) (ref.null extern))
           (func (export "run")
             (global.set $g (call $new))
             (call $alive (i32.const 0))
             (global.get $g)
             (global.set $g (call $new))
             (call $alive (i32.const 0))
             (call $use (i32.const 0))
             (call $dead (i32.const 0)) (call $alive (i32.const 1))
             (call $use (global.get $g) (i32.const 1))
             (global.set $g (ref.null extern))
             (call $dead (i32.const 1)))"#);
}

#[test]
fn a_table_keeps_objects_through_all_instructions() {
    run(r#"(table $t 4 20 externref)
           (table $other 4 externref)
           (func (export "run")
             (table.set $t (i32.const 3) (call $new))
             (call $alive (i32.const 0))
             (table.get $t (i32.const 3))
             (table.set $t (i32.const 3) (ref.null extern))
             (call $alive (i32.const 0))
             (call $use (i32.const 0))
             (call $dead (i32.const 0))
             (drop (table.grow $t (call $new) (i32.const 10)))
             (call $alive (i32.const 1))
             (call $use (table.get $t (i32.const 13)) (i32.const 1))
             (table.fill $t (i32.const 0) (call $new) (i32.const 13))
             (call $alive (i32.const 1)) (call $alive (i32.const 2))
             (table.copy $other $t (i32.const 0) (i32.const 12) (i32.const 2))
             (table.fill $t (i32.const 0) (ref.null extern) (i32.const 14))
             (call $alive (i32.const 1)) (call $alive (i32.const 2))
             (call $use (table.get $other (i32.const 0)) (i32.const 2))
             (call $use (table.get $other (i32.const 1)) (i32.const 1))
             (table.copy $other $t (i32.const 0) (i32.const 0) (i32.const 4))
             (call $dead (i32.const 1)) (call $dead (i32.const 2)))"#);
}

#[test]
fn segments_and_globals_that_take_an_imported_object_hold_it() {
    let body = r#"(import "host" "given" (global $given externref))
        (global $own externref (global.get $given))
        (table $t 3 externref)
        (elem (table $t) (i32.const 1) externref (ref.null extern) (global.get $given))
        (elem $passive externref (global.get $given) (ref.null extern))
        (func (export "run")
          (call $alive (i32.const 0))
          (call $use (table.get $t (i32.const 2)) (i32.const 0))
          (table.fill $t (i32.const 0) (ref.null extern) (i32.const 3))
          (call $alive (i32.const 0))
          (table.init $t $passive (i32.const 0) (i32.const 0) (i32.const 2))
          (call $use (table.get $t (i32.const 0)) (i32.const 0))
          (call $use (global.get $own) (i32.const 0)))"#;
    for (way, engine) in engines() {
        let module = module(&engine, body);
        let mut store = Store::new(&engine, Host::default());
        let ty = GlobalType {
            content: ValType::EXTERNREF,
            mutable: false,
        };
        let object = store.data_mut().new_object();
        let given = Global::new(&mut store, ty, Value::ExternRef(Some(object))).expect("of this type");
        let mut imports = imports(&engine);
        imports.define("host", "given", given);
        let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
        let run = instance.func(&mut store, "run").expect("exported");
        run.call(&mut store, &[])
            .unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(number(&given.get(&store)), 0);
    }
}

#[test]
fn a_frame_below_a_host_call_that_calls_the_guest_again_keeps_its_objects() {
    run(
        r#"(func (export "inner") (param $r externref) (result externref) (local $own externref)
             (local.set $own (call $new))
             (call $alive (i32.const 0)) (call $alive (i32.const 1)) (call $alive (i32.const 2))
             (call $use (local.get $r) (i32.const 1))
             (local.get $own))
           (func (export "run") (local $r externref)
             (local.set $r (call $new))
             (call $reenter (call $new))
             (call $dead (i32.const 1)) (call $alive (i32.const 2)) (call $alive (i32.const 0))
             (call $use (i32.const 2))
             (call $use (local.get $r) (i32.const 0))
             (call $dead (i32.const 0)) (call $dead (i32.const 2)))"#,
    );
}

#[test]
fn every_frame_of_a_deep_recursion_keeps_its_own() {
    run(r#"(func $down (param $depth i32) (local $r externref)
             (local.set $r (call $new))
             (if (i32.lt_u (local.get $depth) (i32.const 40))
               (then (call $down (i32.add (local.get $depth) (i32.const 1))))
               (else (call $alive (i32.const 0)) (call $alive (i32.const 20)) (call $alive (i32.const 40))))
             (call $alive (local.get $depth))
             (call $use (local.get $r) (local.get $depth))
             (call $dead (local.get $depth)))
           (func (export "run") (call $down (i32.const 0)))"#);
}

#[test]
fn slots_are_found_beside_everything_else_that_a_frame_holds() {
    // References lie in arguments and results on the stack, spilled numbers and vectors, and saved registers.
    run(r#"(type $wide (func
             (param i64 i64 i64 i64 i64 i64 i64 externref i64 externref f64 v128 externref)
             (result externref i64 i64 i64 externref i64 i64 i64 i64 externref f64 f64 v128 externref)))
           (table $t 1 funcref)
           (elem (i32.const 0) func $callee)
           (export "t" (table $t))
           (func $callee (type $wide) (local $own externref)
             (local.set $own (call $new))
             (call $alive (i32.const 0)) (call $alive (i32.const 1)) (call $alive (i32.const 2)) (call $alive (i32.const 3))
             (call $use (local.get 7) (i32.const 1))
             (call $use (local.get 9) (i32.const 2))
             (local.get 12) (local.get 0) (local.get 1) (local.get 2) (local.get 9)
             (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7)
             (local.get 10) (local.get 10) (local.get 11) (local.get $own))
           (func (export "run") (local $kept externref) (local $n i64) (local $f f64) (local $v v128)
             (local.set $kept (call $new))
             (local.set $n (i64.extend_i32_u (table.size $t)))
             (local.set $f (f64.convert_i64_s (local.get $n)))
             (local.set $v (i64x2.splat (local.get $n)))
             (call_indirect $t (type $wide)
               (local.get $n) (local.get $n) (local.get $n) (local.get $n) (local.get $n) (local.get $n) (local.get $n)
               (call $new) (i64.add (local.get $n) (i64.const 5)) (call $new) (local.get $f) (local.get $v) (call $new)
               (i32.const 0))
             (call $alive (i32.const 4))
             (call $use (i32.const 4))
             (drop) (drop) (drop)
             (call $dead (i32.const 4)) (call $alive (i32.const 1)) (call $alive (i32.const 2)) (call $alive (i32.const 3))
             (call $use (i32.const 1))
             (drop) (drop) (drop) (drop)
             (call $use (i32.const 2))
             (drop) (drop) (drop)
             (call $use (i32.const 3))
             (call $dead (i32.const 1)) (call $dead (i32.const 2)) (call $dead (i32.const 3))
             (call $use (local.get $kept) (i32.const 0))
             (if (i64.ne (local.get $n) (i64.const 1)) (then unreachable))
             (if (f64.ne (local.get $f) (f64.const 1)) (then unreachable))
             (if (i64.ne (i64x2.extract_lane 1 (local.get $v)) (i64.const 1)) (then unreachable)))"#);
}

#[test]
fn several_results_of_a_host_function_are_kept_together() {
    run(r#"(func (export "run")
             (call $new4)
             (call $alive (i32.const 0)) (call $alive (i32.const 3))
             (call $use (i32.const 3)) (call $use (i32.const 2)) (call $use (i32.const 1)) (call $use (i32.const 0))
             (call $dead (i32.const 0)) (call $dead (i32.const 3)))"#);
}

#[test]
fn arguments_and_results_of_the_hosts_call_are_kept_together() {
    let body = r#"(func (export "swap") (param externref externref externref) (result externref externref externref)
        (call $alive (i32.const 0)) (call $alive (i32.const 1)) (call $alive (i32.const 2))
        (call $use (local.get 1) (i32.const 1))
        (local.get 2) (local.get 0) (ref.null extern))"#;
    for (way, engine) in engines() {
        let module = module(&engine, body);
        let mut store = Store::new(&engine, Host::default());
        let instance = Instance::new(&mut store, &module, &imports(&engine)).expect("instantiates");
        let swap = instance.func(&mut store, "swap").expect("exported");
        let args: Vec<_> = (0..3)
            .map(|_| Value::ExternRef(Some(store.data_mut().new_object())))
            .collect();
        let results = swap
            .call(&mut store, &args)
            .unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(
            results,
            [args[2].clone(), args[0].clone(), Value::ExternRef(None)],
            "{way}"
        );
        drop(args);
        store.collect_host_objects().expect("no drop panics");
        assert_eq!(
            [0, 1, 2].map(|n| store.data().has_dropped(n)),
            [false, true, false],
            "the results are the host's"
        );
        drop(results);
        assert!(store.data().has_dropped(0) && store.data().has_dropped(2), "{way}");
        assert_eq!(store.host_object_count(), 0, "{way}");
    }
}

#[test]
fn tables_and_globals_of_the_host_keep_objects_for_every_instance() {
    let body = r#"(import "host" "table" (table $t 2 externref))
        (import "host" "global" (global $g (mut externref)))
        (export "own" (table $own))
        (table $own 1 externref)
        (func (export "run")
          (call $alive (i32.const 0)) (call $alive (i32.const 1)) (call $alive (i32.const 2)) (call $alive (i32.const 3))
          (call $use (table.get $t (i32.const 0)) (i32.const 0))
          (call $use (table.get $t (i32.const 1)) (i32.const 1))
          (call $use (global.get $g) (i32.const 2))
          (call $use (table.get $own (i32.const 0)) (i32.const 3))
          (table.set $t (i32.const 0) (ref.null extern))
          (global.set $g (table.get $t (i32.const 1)))
          (call $dead (i32.const 0)) (call $dead (i32.const 2)))"#;
    for (way, engine) in engines() {
        let module = module(&engine, body);
        let mut store = Store::new(&engine, Host::default());
        let object = |store: &mut Store<Host>| Value::ExternRef(Some(store.data_mut().new_object()));
        let ty = TableType {
            element: ValType::EXTERNREF,
            index: IndexType::I32,
            min: 1,
            max: None,
        };
        let first = object(&mut store);
        let table = Table::new(&mut store, ty, first).expect("small");
        let second = object(&mut store);
        assert_eq!(table.grow(&mut store, 1, second).expect("small"), 1);
        let ty = GlobalType {
            content: ValType::EXTERNREF,
            mutable: true,
        };
        let global = Global::new(&mut store, ty, Value::ExternRef(None)).expect("of this type");
        let third = object(&mut store);
        global.set(&mut store, third).expect("mutable");
        let mut imports = imports(&engine);
        imports.define("host", "table", table).define("host", "global", global);
        // The first instance has the only frame with references, and the second has the only table.
        let running = Instance::new(&mut store, &module, &imports).expect("instantiates");
        let other = Instance::new(&mut store, &module, &imports).expect("instantiates");
        let fourth = object(&mut store);
        for instance in [running, other] {
            let own = instance.table(&mut store, "own").expect("exported");
            own.set(&mut store, 0, fourth.clone()).expect("in bounds");
        }
        drop(fourth);
        let run = running.func(&mut store, "run").expect("exported");
        run.call(&mut store, &[])
            .unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(number(&global.get(&store)), 1, "{way}");
        assert_eq!(number(&table.get(&mut store, 1).expect("in bounds")), 1, "{way}");
        let own = running.table(&mut store, "own").expect("exported");
        own.set(&mut store, 0, Value::ExternRef(None)).expect("in bounds");
        store.collect_host_objects().expect("no drop panics");
        assert!(!store.data().has_dropped(3), "{way}: the second instance holds it");
    }
}

#[test]
fn an_endless_run_holds_a_bounded_number_of_objects() {
    const ROUNDS: u32 = 1_000_000;
    let body = r#"(global $kept (mut externref) (ref.null extern))
        (func (export "run") (param $rounds i32) (local $r externref)
          (global.set $kept (call $new))
          (loop $again
            (local.set $r (call $new))
            (if (i32.eqz (i32.rem_u (local.get $rounds) (i32.const 1000))) (then (call $use (global.get $kept) (i32.const 0))))
            (drop (local.get $r))
            (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))"#;
    for (way, engine) in engines() {
        let rounds = if way.contains("true") { ROUNDS / 100 } else { ROUNDS };
        let module = module(&engine, body);
        let mut store = Store::new(&engine, Host::default());
        let instance = Instance::new(&mut store, &module, &imports(&engine)).expect("instantiates");
        let run = instance.func(&mut store, "run").expect("exported");
        run.call(&mut store, &[Value::I32(rounds.cast_signed())])
            .expect("returns");
        let host = store.data();
        assert_eq!(host.next, rounds + 1, "{way}");
        assert!(host.most <= 2048, "{way}: {} objects at a time", host.most);
        let dropped = host.dropped.lock().expect("not poisoned").len();
        assert!(dropped + 2048 >= rounds as usize, "{way}: {dropped} dropped");
        assert!(!host.has_dropped(0), "{way}");
    }
}

#[test]
fn frames_that_a_trap_ended_keep_nothing() {
    let body = r#"(func (export "run") (local $r externref)
        (local.set $r (call $new))
        (call $alive (i32.const 0))
        (if (ref.is_null (local.get $r)) (then (return)))
        (call $deeper)
        (call $use (local.get $r) (i32.const 0)))
      (func $deeper unreachable)"#;
    for (way, engine) in engines() {
        let module = module(&engine, body);
        let mut store = Store::new(&engine, Host::default());
        let instance = Instance::new(&mut store, &module, &imports(&engine)).expect("instantiates");
        let run = instance.func(&mut store, "run").expect("exported");
        for number in 0..2 {
            let result = run.call(&mut store, &[]);
            if number == 0 {
                assert!(
                    matches!(&result, Err(Error::Trap(trap)) if trap.code() == TrapCode::Unreachable),
                    "{way}: {result:?}"
                );
            }
            store.collect_host_objects().expect("no drop panics");
            assert!(store.data().has_dropped(number), "{way}");
        }
    }
}

#[test]
fn the_host_sees_what_it_gave() {
    let object = ExternRef::new(String::from("text"));
    assert_eq!(object.downcast_ref::<String>().map(String::as_str), Some("text"));
    assert_eq!(object.downcast_ref::<u32>(), None);
    assert_eq!(object, object.clone());
    assert_ne!(object, ExternRef::new(String::from("text")), "another object");
    for (way, engine) in engines() {
        let module = module(
            &engine,
            r#"(func (export "same") (param externref) (result externref) (local.get 0))
               (func (export "is_null") (param externref) (result i32) (ref.is_null (local.get 0)))"#,
        );
        let mut store = Store::new(&engine, Host::default());
        let instance = Instance::new(&mut store, &module, &imports(&engine)).expect("instantiates");
        let mut call = |name: &str, argument: Option<&ExternRef>| {
            let func = instance.func(&mut store, name).expect("exported");
            let mut results = func
                .call(&mut store, &[Value::ExternRef(argument.cloned())])
                .expect("returns");
            results.pop().expect("one result")
        };
        assert_eq!(
            call("same", Some(&object)),
            Value::ExternRef(Some(object.clone())),
            "{way}"
        );
        assert_eq!(call("same", None), Value::ExternRef(None), "{way}");
        assert_eq!(
            [Some(&object), None].map(|argument| call("is_null", argument)),
            [Value::I32(0), Value::I32(1)]
        );
    }
}

/// An object that panics when it is dropped.
struct Unstable;

impl Drop for Unstable {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn an_object_that_panics_when_dropped_ends_a_call_and_nothing_else() {
    for (way, engine) in engines() {
        let module = module(
            &engine,
            r#"(func (export "take") (param externref)) (func (export "run") (call $dead (i32.const 0)))"#,
        );
        let mut store = Store::new(&engine, Host::default());
        let instance = Instance::new(&mut store, &module, &imports(&engine)).expect("instantiates");
        let take = instance.func(&mut store, "take").expect("exported");
        let run = instance.func(&mut store, "run").expect("exported");
        let object = Value::ExternRef(Some(store.data_mut().new_object()));
        take.call(&mut store, &[object]).expect("returns");
        let unstable = Value::ExternRef(Some(ExternRef::new(Unstable)));
        take.call(&mut store, &[unstable]).expect("returns");
        let error = run.call(&mut store, &[]).expect_err("a drop panics");
        assert!(matches!(error, Error::HostPanic(_)), "{way}: {error}");
        assert!(store.data().has_dropped(0), "{way}: the other object is dropped");
        run.call(&mut store, &[])
            .unwrap_or_else(|error| panic!("{way}: {error}"));
        let unstable = Value::ExternRef(Some(ExternRef::new(Unstable)));
        take.call(&mut store, &[unstable]).expect("returns");
        drop(store);
    }
}

#[test]
fn dropping_an_object_may_run_another_stores_guest() {
    thread_local! {
        static OTHER: RefCell<Option<(Store<Host>, Instance)>> = const { RefCell::new(None) };
        static SEEN: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
    }
    /// An object that calls the other store's guest when it is dropped.
    struct Owner;
    impl Drop for Owner {
        fn drop(&mut self) {
            let (mut store, instance) = OTHER.take().expect("set before");
            let run = instance.func(&mut store, "own").expect("exported");
            SEEN.set(run.call(&mut store, &[]).expect("returns"));
        }
    }
    for (way, engine) in engines() {
        let module = module(
            &engine,
            r#"(func (export "take") (param externref))
               (func (export "run") (local $r externref)
                 (local.set $r (call $new)) (call $alive (i32.const 0)) (call $use (local.get $r) (i32.const 0)))
               (func (export "own") (result i32) (call $use (call $new) (i32.const 0)) (i32.const 7))"#,
        );
        let instantiate = || {
            let mut store = Store::new(&engine, Host::default());
            let instance = Instance::new(&mut store, &module, &imports(&engine)).expect("instantiates");
            (store, instance)
        };
        OTHER.set(Some(instantiate()));
        let object = ExternRef::new(Owner);
        let (mut store, instance) = instantiate();
        let take = instance.func(&mut store, "take").expect("exported");
        take.call(&mut store, &[Value::ExternRef(Some(object))])
            .expect("returns");
        // The object is dropped while the guest is in its second call.
        let run = instance.func(&mut store, "run").expect("exported");
        run.call(&mut store, &[])
            .unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(SEEN.take(), [Value::I32(7)], "{way}");
    }
}
