//! Tables with 64-bit indices, in each form that a table can have.
#![cfg(feature = "compiler")]

use wrun_runtime::{
    Config, Engine, Error, ExternRef, Imports, IndexType, Instance, Module, Store, Table, TableType, TrapCode, ValType,
    Value,
};

/// The tables of the tests, by their form: only functions of the module can enter `$private`, others can enter `$shared`, and
/// `$objects` holds objects of the host. `$narrow` has 32-bit indices. `$imported` is the host's.
const TEXT: &str = r#"(module
    (type $number (func (result i32)))
    (import "host" "table" (table $imported i64 4 funcref))
    (table $private i64 6 funcref)
    (table $copied i64 6 funcref)
    (table $shared (export "shared") i64 6 8 funcref)
    (table $objects (export "objects") i64 6 externref)
    (table $narrow (export "narrow") 6 funcref)
    (elem (table $private) (i64.const 1) func $one $two $wrong)
    (elem (table $shared) (i64.const 1) func $one $two $wrong)
    (elem (table $imported) (i64.const 1) func $one $two $wrong)
    (elem $passive func $two $one)
    (func $one (type $number) (i32.const 1))
    (func $two (type $number) (i32.const 2))
    (func $wrong (param i32))
    (func (export "call private") (param i64) (result i32) (call_indirect $private (type $number) (local.get 0)))
    (func (export "call copied") (param i64) (result i32) (call_indirect $copied (type $number) (local.get 0)))
    (func (export "call shared") (param i64) (result i32) (call_indirect $shared (type $number) (local.get 0)))
    (func (export "call imported") (param i64) (result i32) (call_indirect $imported (type $number) (local.get 0)))
    (func (export "tail private") (param i64) (result i32) (return_call_indirect $private (type $number) (local.get 0)))
    (func (export "tail shared") (param i64) (result i32) (return_call_indirect $shared (type $number) (local.get 0)))
    (func (export "constant") (result i32) (call_indirect $private (type $number) (i64.const 0x100000001)))
    (func (export "get private") (param i64) (result i32) (ref.is_null (table.get $private (local.get 0))))
    (func (export "get shared") (param i64) (result i32) (ref.is_null (table.get $shared (local.get 0))))
    (func (export "get objects") (param i64) (result i32) (ref.is_null (table.get $objects (local.get 0))))
    (func (export "set shared") (param i64) (table.set $shared (local.get 0) (ref.null func)))
    (func (export "set objects") (param i64 externref) (table.set $objects (local.get 0) (local.get 1)))
    (func (export "fill shared") (param i64 i64) (table.fill $shared (local.get 0) (ref.func $two) (local.get 1)))
    (func (export "fill objects") (param i64 i64) (table.fill $objects (local.get 0) (ref.null extern) (local.get 1)))
    (func (export "init shared") (param i64 i32) (table.init $shared $passive (local.get 0) (i32.const 0) (local.get 1)))
    (func (export "init copied") (param i64 i32) (table.init $copied $passive (local.get 0) (i32.const 0) (local.get 1)))
    (func (export "copy shared") (param i64 i64 i64) (table.copy $shared $imported (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy private") (param i64 i64 i64) (table.copy $copied $private (local.get 0) (local.get 1) (local.get 2)))
    (func (export "to narrow") (param i32 i64 i32) (table.copy $narrow $shared (local.get 0) (local.get 1) (local.get 2)))
    (func (export "from narrow") (param i64 i32 i32) (table.copy $shared $narrow (local.get 0) (local.get 1) (local.get 2)))
    (func (export "grow shared") (param i64) (result i64) (table.grow $shared (ref.func $two) (local.get 0)))
    (func (export "grow objects") (param i64) (result i64) (table.grow $objects (ref.null extern) (local.get 0)))
    (func (export "size shared") (result i64) (table.size $shared))
    (func (export "size private") (result i64) (table.size $private))
    (elem declare func $two))"#;

/// Indices and numbers of entries that no table of the tests has.
const OUTSIDE: [i64; 7] = [6, 1 << 32, (1 << 32) + 1, 1 << 61, (1 << 61) + 1, i64::MIN, -1];

struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new() -> Self {
        let engine = Engine::new(&Config::new()).expect("made");
        let module = Module::new(&engine, &wat::parse_str(TEXT).expect("well-formed")).expect("valid");
        let (mut store, mut imports) = (Store::new(&engine, ()), Imports::new(&engine));
        let ty = TableType {
            index: IndexType::I64,
            element: ValType::FUNCREF,
            min: 6,
            max: None,
        };
        let table = Table::new(&mut store, ty, Value::FuncRef(None)).expect("made");
        imports.define("host", "table", table);
        let instance = Instance::new(&mut store, &module, &imports).expect("instantiates");
        Self { store, instance }
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, TrapCode> {
        let func = self.instance.func(&mut self.store, name).expect("exported");
        func.call(&mut self.store, args).map_err(|error| match error {
            Error::Trap(trap) => trap.code(),
            error => panic!("{name}: {error}"),
        })
    }

    /// Calls a function with numbers of 64 bits.
    fn wide(&mut self, name: &str, args: &[i64]) -> Result<Vec<Value>, TrapCode> {
        let args: Vec<_> = args.iter().map(|arg| Value::I64(*arg)).collect();
        self.call(name, &args)
    }
}

#[test]
fn calls_take_all_bits_of_the_index() {
    let mut guest = Guest::new();
    for name in [
        "call private",
        "call shared",
        "call imported",
        "tail private",
        "tail shared",
    ] {
        assert_eq!(guest.wide(name, &[1]), Ok(vec![Value::I32(1)]), "{name}");
        assert_eq!(guest.wide(name, &[2]), Ok(vec![Value::I32(2)]), "{name}");
        assert_eq!(
            guest.wide(name, &[3]),
            Err(TrapCode::IndirectCallTypeMismatch),
            "{name}"
        );
        assert_eq!(guest.wide(name, &[0]), Err(TrapCode::UninitializedElement), "{name}");
        for index in OUTSIDE {
            assert_eq!(
                guest.wide(name, &[index]),
                Err(TrapCode::UndefinedElement),
                "{name} {index:#x}"
            );
        }
    }
    assert_eq!(guest.call("constant", &[]), Err(TrapCode::UndefinedElement));
}

#[test]
fn entries_are_read_and_written_by_all_bits_of_the_index() {
    let mut guest = Guest::new();
    let outside = Err(TrapCode::TableOutOfBounds);
    for (name, null) in [("get private", 0), ("get shared", 0), ("get objects", 1)] {
        assert_eq!(guest.wide(name, &[1]), Ok(vec![Value::I32(null)]), "{name}");
        assert_eq!(guest.wide(name, &[5]), Ok(vec![Value::I32(1)]), "{name}");
        for index in OUTSIDE {
            assert_eq!(guest.wide(name, &[index]), outside, "{name} {index:#x}");
        }
    }
    let object = Value::ExternRef(Some(ExternRef::new(7)));
    for index in OUTSIDE {
        assert_eq!(guest.wide("set shared", &[index]), outside, "{index:#x}");
        let args = [Value::I64(index), object.clone()];
        assert_eq!(guest.call("set objects", &args), outside, "{index:#x}");
    }
    assert_eq!(guest.wide("set shared", &[1]), Ok(vec![]));
    assert_eq!(guest.wide("call shared", &[1]), Err(TrapCode::UninitializedElement));
    assert_eq!(guest.call("set objects", &[Value::I64(5), object]), Ok(vec![]));
    assert_eq!(guest.wide("get objects", &[5]), Ok(vec![Value::I32(0)]));
}

#[test]
fn ranges_of_entries_are_inside_or_trap_and_change_nothing() {
    let outside = Err(TrapCode::TableOutOfBounds);
    let mut guest = Guest::new();
    for at in OUTSIDE {
        for name in ["fill shared", "fill objects"] {
            assert_eq!(guest.wide(name, &[at, 1]), outside, "{name} {at:#x}");
            assert_eq!(guest.wide(name, &[1, at]), outside, "{name} of {at:#x}");
            assert_eq!(guest.wide(name, &[at, at.wrapping_neg()]), outside, "{name} {at:#x}");
        }
        for name in ["copy shared", "copy private"] {
            let rest = at.wrapping_neg();
            for args in [
                [at, 0, 1],
                [0, at, 1],
                [at, 0, rest],
                [0, at, rest],
                [1, 1, at],
                [1, 0, at],
            ] {
                assert_eq!(guest.wide(name, &args), outside, "{name} {args:x?}");
            }
        }
        for name in ["init shared", "init copied"] {
            assert_eq!(
                guest.call(name, &[Value::I64(at), Value::I32(1)]),
                outside,
                "{name} {at:#x}"
            );
        }
        let narrow = |at: i64| [Value::I32(0), Value::I64(at), Value::I32(1)];
        assert_eq!(guest.call("to narrow", &narrow(at)), outside, "{at:#x}");
        let narrow = |at: i64| [Value::I64(at), Value::I32(0), Value::I32(1)];
        assert_eq!(guest.call("from narrow", &narrow(at)), outside, "{at:#x}");
    }
    assert_eq!(guest.wide("call shared", &[0]), Err(TrapCode::UninitializedElement));

    assert_eq!(guest.wide("fill shared", &[4, 2]), Ok(vec![]));
    assert_eq!(guest.wide("call shared", &[5]), Ok(vec![Value::I32(2)]));
    assert_eq!(guest.wide("copy shared", &[3, 1, 1]), Ok(vec![]));
    assert_eq!(guest.wide("call shared", &[3]), Ok(vec![Value::I32(1)]));
    assert_eq!(guest.wide("copy private", &[2, 1, 2]), Ok(vec![]));
    assert_eq!(guest.wide("call copied", &[3]), Ok(vec![Value::I32(2)]));
    for (name, index) in [("init shared", 4), ("init copied", 0)] {
        assert_eq!(
            guest.call(name, &[Value::I64(index), Value::I32(2)]),
            Ok(vec![]),
            "{name}"
        );
    }
    assert_eq!(guest.wide("call shared", &[5]), Ok(vec![Value::I32(1)]));
    assert_eq!(guest.wide("call copied", &[1]), Ok(vec![Value::I32(1)]));
    // There and back through a table with 32-bit indices.
    assert_eq!(
        guest.call("to narrow", &[Value::I32(5), Value::I64(3), Value::I32(1)]),
        Ok(vec![])
    );
    assert_eq!(
        guest.call("from narrow", &[Value::I64(0), Value::I32(5), Value::I32(1)]),
        Ok(vec![])
    );
    assert_eq!(guest.wide("call shared", &[0]), Ok(vec![Value::I32(1)]));
}

#[test]
fn growth_gives_the_old_size_or_minus_one_in_64_bits() {
    let mut guest = Guest::new();
    let failed = Ok(vec![Value::I64(-1)]);
    for delta in [3, 1 << 32, (1 << 32) + 1, i64::MAX, -1, -6] {
        assert_eq!(guest.wide("grow shared", &[delta]), failed, "{delta:#x}");
    }
    for delta in [10_000_000, 1 << 32, (1 << 32) + 1, i64::MIN, -1] {
        assert_eq!(guest.wide("grow objects", &[delta]), failed, "{delta:#x}");
    }
    assert_eq!(guest.wide("grow shared", &[2]), Ok(vec![Value::I64(6)]));
    assert_eq!(guest.call("size shared", &[]), Ok(vec![Value::I64(8)]));
    assert_eq!(guest.call("size private", &[]), Ok(vec![Value::I64(6)]));
    assert_eq!(guest.wide("call shared", &[7]), Ok(vec![Value::I32(2)]));
    assert_eq!(guest.wide("call shared", &[8]), Err(TrapCode::UndefinedElement));
    assert_eq!(guest.wide("grow objects", &[9_999_994]), Ok(vec![Value::I64(6)]));
    assert_eq!(guest.wide("get objects", &[9_999_999]), Ok(vec![Value::I32(1)]));
}

#[test]
fn segments_outside_of_a_table_trap_and_limits_are_those_of_any_table() {
    let engine = Engine::new(&Config::new()).expect("made");
    let make = |text: &str| {
        let text = format!("(module {text} (func $f))");
        let module = Module::new(&engine, &wat::parse_str(text).expect("well-formed")).expect("valid");
        Instance::new(&mut Store::new(&engine, ()), &module, &Imports::new(&engine)).map(|_| ())
    };
    for offset in ["2", "0x100000000", "0x2000000000000000", "-1"] {
        let error = make(&format!("(table i64 2 funcref) (elem (i64.const {offset}) func $f)")).expect_err("traps");
        assert!(
            matches!(&error, Error::Trap(trap) if trap.code() == TrapCode::TableOutOfBounds),
            "{offset}: {error}"
        );
    }
    make("(table i64 2 0xffffffffffffffff funcref) (elem (i64.const 1) func $f)").expect("a maximum is no size");
    let error = make("(table i64 0x100000001 funcref)").expect_err("too large");
    assert!(
        error
            .to_string()
            .contains("a table would have 4294967297 entries, and wrun allows 10000000"),
        "{error}"
    );
}

#[test]
fn imports_of_tables_match_in_indices_and_in_the_largest_maximum() {
    let engine = Engine::new(&Config::new()).expect("made");
    let ty = |index, max| TableType {
        index,
        element: ValType::FUNCREF,
        min: 1,
        max,
    };
    let types = [
        (ty(IndexType::I32, None), "1 funcref"),
        (ty(IndexType::I64, None), "i64 1 funcref"),
        (ty(IndexType::I64, Some(u64::MAX)), "i64 1 0xffffffffffffffff funcref"),
        (ty(IndexType::I64, Some(5)), "i64 1 5 funcref"),
    ];
    let mut matched = Vec::new();
    for (at, (given, _)) in types.iter().enumerate() {
        for (wanted, (_, text)) in types.iter().enumerate() {
            let module = format!("(module (import \"\" \"\" (table {text})))");
            let module = Module::new(&engine, &wat::parse_str(module).expect("well-formed")).expect("valid");
            let (mut store, mut imports) = (Store::new(&engine, ()), Imports::new(&engine));
            imports.define(
                "",
                "",
                Table::new(&mut store, *given, Value::FuncRef(None)).expect("made"),
            );
            if Instance::new(&mut store, &module, &imports).is_ok() {
                matched.push((at, wanted));
            }
        }
    }
    assert_eq!(matched, [(0, 0), (1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)]);
}
