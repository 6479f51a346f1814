//! Instantiations that fail half way: earlier steps keep their effects, and later steps have none.
#![cfg(feature = "compiler")]

use wrun_runtime::{
    Config, Engine, Error, Imports, IndexType, Instance, Module, Store, Table, TableType, TrapCode, ValType, Value,
};

/// A module that first puts three functions into a table of the host. They return the first byte of its memory, and the value of
/// entry 0 of its own tables (−1 for null).
fn leaking(segments: &str) -> String {
    format!(
        r#"(module
             (type $t (func (result i32)))
             (import "host" "table" (table $foreign 4 funcref))
             (memory $own 1)
             (table $private 1 funcref)
             (table $shared 1 funcref) (export "shared" (table $shared))
             (func $seven (type $t) (i32.const 7))
             (func $byte (type $t) (i32.load8_u (i32.const 0)))
             (func $entry (type $t)
               (if (result i32) (ref.is_null (table.get $private (i32.const 0)))
                 (then (i32.const -1)) (else (call_indirect $private (type $t) (i32.const 0)))))
             (func $exported (type $t)
               (if (result i32) (ref.is_null (table.get $shared (i32.const 0)))
                 (then (i32.const -1)) (else (call_indirect $shared (type $t) (i32.const 0)))))
             {segments})"#
    )
}

/// Puts the three functions into the host's table.
const LEAK: &str = "(elem (table $foreign) (i32.const 0) func $byte $entry $exported)";

#[test]
fn segments_behind_the_one_that_traps_are_not_to_be_seen() {
    let private = "(elem (table $private) (i32.const 0) func $seven)";
    let shared = "(elem (table $shared) (i32.const 0) func $seven)";
    let data = "(data (memory $own) (i32.const 0) \"\\07\")";
    // The table has the length that the import demands, so only the instantiation detects that this index is too large.
    let bad_elem = "(elem (table $foreign) (i32.const 4) func $seven)";
    let bad_data = "(data (memory $own) (i32.const 65536) \"x\")";
    for (name, segments, code, expect) in [
        (
            "elements first",
            [LEAK, bad_elem, private, shared, data],
            TrapCode::TableOutOfBounds,
            [0, -1, -1],
        ),
        (
            "elements in the middle",
            [LEAK, private, bad_elem, shared, data],
            TrapCode::TableOutOfBounds,
            [0, 7, -1],
        ),
        (
            "elements in the middle, the other way round",
            [LEAK, shared, bad_elem, private, data],
            TrapCode::TableOutOfBounds,
            [0, -1, 7],
        ),
        (
            "data written before elements, that is nevertheless later",
            [data, private, shared, LEAK, bad_elem],
            TrapCode::TableOutOfBounds,
            [0, 7, 7],
        ),
        (
            "data first",
            [LEAK, private, shared, bad_data, data],
            TrapCode::MemoryOutOfBounds,
            [0, 7, 7],
        ),
        (
            "data last",
            [LEAK, private, shared, data, bad_data],
            TrapCode::MemoryOutOfBounds,
            [7, 7, 7],
        ),
    ] {
        let engine = Engine::new(&Config::new()).expect("made");
        let wasm = wat::parse_str(leaking(&segments.concat())).expect("valid");
        let module = Module::new(&engine, &wasm).expect("valid");
        let mut store = Store::new(&engine, ());
        let ty = TableType {
            index: IndexType::I32,
            element: ValType::FUNCREF,
            min: 4,
            max: None,
        };
        let table = Table::new(&mut store, ty, Value::FuncRef(None)).expect("made");
        let mut imports = Imports::new(&engine);
        imports.define("host", "table", table);
        match Instance::new(&mut store, &module, &imports) {
            Err(Error::Trap(trap)) => assert_eq!(trap.code(), code, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        let seen = [0, 1, 2].map(|index| {
            let Value::FuncRef(Some(leaked)) = table.get(&mut store, index).expect("inside") else {
                panic!("{name}: the first segment was copied")
            };
            leaked.call(&mut store, &[]).expect("returns")
        });
        assert_eq!(seen, expect.map(|value| vec![Value::I32(value)]), "{name}");
    }
}

#[test]
fn a_long_private_table_that_changes_begins_the_same_in_each_instance() {
    // The table is twice as long as its initial contents, which end in a page that other tables use too.
    let (len, filled) = (8000, 4000);
    let text = format!(
        r#"(module
             (type $t (func (result i32)))
             (table $before 3 funcref) (elem (table $before) (i32.const 0) func $two $two $two)
             (table $t {len} funcref) (elem (table $t) (i32.const 0) func {})
             (table $after 3 funcref) (elem (table $after) (i32.const 0) func $two $two $two)
             (elem $twos func $two $two)
             (func $one (type $t) (i32.const 1))
             (func $two (type $t) (i32.const 2))
             (func (export "call") (param i32) (result i32) (call_indirect $t (type $t) (local.get 0)))
             (func (export "after") (param i32) (result i32) (call_indirect $after (type $t) (local.get 0)))
             (func (export "change") (param i32)
               (table.init $t $twos (local.get 0) (i32.const 0) (i32.const 1))))"#,
        "$one ".repeat(filled)
    );
    let engine = Engine::new(&Config::new()).expect("made");
    let module = Module::new(&engine, &wat::parse_str(text).expect("valid")).expect("valid");
    let last = filled as i32 - 1;
    for _ in 0..2 {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &Imports::new(&engine)).expect("fits");
        let mut call = |name: &str, index: i32| {
            let func = instance.func(&mut store, name).expect("exported");
            match func.call(&mut store, &[Value::I32(index)]) {
                Err(Error::Trap(trap)) => Err(trap.code()),
                result => Ok(result.expect("returns or traps")),
            }
        };
        for index in [0, 511, 512, 513, 2048, last] {
            assert_eq!(call("call", index), Ok(vec![Value::I32(1)]), "{index}");
        }
        for index in [last + 1, last + 2, last + 512, 7999] {
            assert_eq!(call("call", index), Err(TrapCode::UninitializedElement), "{index}");
        }
        for index in [512, last, last + 1, 7999] {
            assert_eq!(call("change", index), Ok(vec![]));
            assert_eq!(call("call", index), Ok(vec![Value::I32(2)]), "{index}");
        }
        assert_eq!(call("call", 511), Ok(vec![Value::I32(1)]));
        assert_eq!(call("after", 2), Ok(vec![Value::I32(2)]));
        assert_eq!(call("call", len), Err(TrapCode::UndefinedElement));
    }
}
