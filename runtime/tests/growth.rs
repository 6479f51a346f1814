//! Memories and tables that grow, and may move, in the middle of a function: later accesses use the new address.
#![cfg(feature = "compiler")]

use wrun_runtime::{
    Config, Engine, ExternRef, Imports, IndexType, Instance, Memory, MemoryMode, MemoryType, Module, PageSize, Store,
    Table, TableType, ValType, Value,
};

/// Number of entries to add to a table. They exceed the room that it has.
const MORE: i32 = 100_000;

fn engine(mode: MemoryMode) -> Engine {
    Engine::new(Config::new().memory_mode(mode)).expect("made")
}

/// Makes an instance of a module. `name` is its import, if it has one: a memory or a table with one page or entry.
fn instance(engine: &Engine, text: &str) -> (Store<()>, Instance) {
    let module = Module::new(engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let (mut store, mut imports) = (Store::new(engine, ()), Imports::new(engine));
    let index = IndexType::I32;
    let memory = MemoryType {
        index,
        page: PageSize::Default,
        min: 1,
        max: None,
    };
    let memory = Memory::new(&mut store, memory).expect("room");
    imports.define("host", "memory", memory);
    for (name, element) in [("objects", ValType::EXTERNREF), ("functions", ValType::FUNCREF)] {
        let ty = TableType {
            index,
            element,
            min: 1,
            max: None,
        };
        let table = Table::new(&mut store, ty, Value::default_of(element)).expect("room");
        imports.define("host", name, table);
    }
    let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
    (store, instance)
}

fn call(store: &mut Store<()>, instance: Instance, name: &str, args: &[Value]) -> Vec<Value> {
    let func = instance.func(store, name).expect("exported");
    func.call(store, args).expect("returns")
}

#[test]
fn accesses_around_the_growth_of_a_memory_are_in_the_same_memory() {
    for mode in [MemoryMode::Guarded, MemoryMode::Checked] {
        let engine = engine(mode);
        for memory in ["(memory 1)", r#"(import "host" "memory" (memory 1))"#] {
            let text = format!(
                r#"(module {memory} (export "memory" (memory 0))
                     (func $grow (drop (memory.grow (i32.const 1))))
                     (func (export "in line")
                       (i32.store (i32.const 0) (i32.const 1))
                       (drop (memory.grow (i32.const 1)))
                       (i32.store (i32.const 4) (i32.const 2))
                       (i32.store (i32.const 65536) (i32.load (i32.const 0)))
                       (call $grow)
                       (i32.store (i32.const 131072) (i32.load (i32.const 4))))
                     (func (export "in a loop") (local $page i32)
                       (loop $again
                         (i32.store (i32.shl (local.get $page) (i32.const 16)) (i32.const 3))
                         (drop (memory.grow (i32.const 1)))
                         (i32.store offset=4 (i32.shl (local.get $page) (i32.const 16)) (local.get $page))
                         (local.set $page (i32.add (local.get $page) (i32.const 1)))
                         (br_if $again (i32.lt_u (local.get $page) (i32.const 3))))))"#
            );
            for (name, words) in [
                ("in line", [(0, 1), (4, 2), (0x1_0000, 1), (0x2_0000, 2)]),
                ("in a loop", [(0, 3), (4, 0), (0x2_0000, 3), (0x2_0004, 2)]),
            ] {
                let (mut store, instance) = instance(&engine, &text);
                assert_eq!(call(&mut store, instance, name, &[]), []);
                let memory = instance.memory(&mut store, "memory").expect("exported");
                let bytes = memory.data(&store);
                let found = words.map(|(at, _)| (at, bytes[at]));
                assert_eq!(found, words, "{mode:?} {text} {name}");
            }
        }
    }
}

#[test]
fn accesses_around_the_growth_of_a_table_of_objects_are_in_the_same_table() {
    let engine = engine(MemoryMode::Guarded);
    for table in [
        "(table $t 1 externref)",
        r#"(import "host" "objects" (table $t 1 externref))"#,
    ] {
        let text = format!(
            r#"(module {table}
                 (func (export "grow") (param externref externref)
                   (table.set $t (i32.const 0) (local.get 0))
                   (drop (table.grow $t (ref.null extern) (i32.const {MORE})))
                   (table.set $t (i32.const 0) (local.get 1))
                   (table.set $t (i32.const {MORE}) (table.get $t (i32.const 0))))
                 (func (export "at") (param i32) (result externref) (table.get $t (local.get 0))))"#
        );
        let (mut store, instance) = instance(&engine, &text);
        let [first, second] = ["first", "second"].map(|name| Value::ExternRef(Some(ExternRef::new(name))));
        assert_eq!(call(&mut store, instance, "grow", &[first, second.clone()]), []);
        for at in [0, MORE] {
            let found = call(&mut store, instance, "at", &[Value::I32(at)]);
            assert_eq!(found, std::slice::from_ref(&second), "{table} {at}");
        }
    }
}

#[test]
fn calls_around_the_growth_of_a_table_of_functions_are_through_the_same_table() {
    let engine = engine(MemoryMode::Guarded);
    for table in [
        "(table $t 1 funcref)",
        r#"(table $t (export "shared") 1 funcref)"#,
        r#"(import "host" "functions" (table $t 1 funcref))"#,
    ] {
        let text = format!(
            r#"(module {table}
                 (type $number (func (result i32)))
                 (elem (table $t) (i32.const 0) func $one)
                 (elem $more func $two $three)
                 (func $one (result i32) (i32.const 1))
                 (func $two (result i32) (i32.const 2))
                 (func $three (result i32) (i32.const 3))
                 (func (export "grow") (result i32 i32 i32)
                   (call_indirect $t (type $number) (i32.const 0))
                   (drop (table.grow $t (ref.null func) (i32.const {MORE})))
                   (table.init $t $more (i32.const {MORE}) (i32.const 0) (i32.const 1))
                   (table.init $t $more (i32.const 0) (i32.const 1) (i32.const 1))
                   (call_indirect $t (type $number) (i32.const {MORE}))
                   (call_indirect $t (type $number) (i32.const 0))))"#
        );
        let (mut store, instance) = instance(&engine, &text);
        let found = call(&mut store, instance, "grow", &[]);
        assert_eq!(found, [1, 2, 3].map(Value::I32), "{table}");
    }
}
