//! The module `spectest` that the suite imports from, as the suite's README describes it.

use std::collections::HashMap;

use wrun_runtime::{
    Caller, Error, Extern, Func, Global, GlobalType, IndexType, Memory, MemoryType, PageSize, Store, Table, TableType,
    ValType, Value,
};

/// Returns the exports of `spectest`.
pub(crate) fn exports(store: &mut Store<()>) -> Result<HashMap<String, Extern>, Error> {
    let table = TableType {
        index: IndexType::I32,
        element: ValType::FUNCREF,
        min: 10,
        max: Some(20),
    };
    let mut exports = HashMap::from([
        ("print", Extern::Func(Func::wrap(store, |_: Caller<'_, ()>| ()))),
        (
            "print_i32",
            Extern::Func(Func::wrap(store, |_: Caller<'_, ()>, _: i32| ())),
        ),
        (
            "print_i64",
            Extern::Func(Func::wrap(store, |_: Caller<'_, ()>, _: i64| ())),
        ),
        (
            "print_f32",
            Extern::Func(Func::wrap(store, |_: Caller<'_, ()>, _: f32| ())),
        ),
        (
            "print_f64",
            Extern::Func(Func::wrap(store, |_: Caller<'_, ()>, _: f64| ())),
        ),
        (
            "print_i32_f32",
            Extern::Func(Func::wrap(store, |_: Caller<'_, ()>, _: i32, _: f32| ())),
        ),
        (
            "print_f64_f64",
            Extern::Func(Func::wrap(store, |_: Caller<'_, ()>, _: f64, _: f64| ())),
        ),
        (
            "memory",
            Extern::Memory(Memory::new(
                store,
                MemoryType {
                    index: IndexType::I32,
                    page: PageSize::Default,
                    min: 1,
                    max: Some(2),
                },
            )?),
        ),
        ("table", Extern::Table(Table::new(store, table, Value::FuncRef(None))?)),
    ]);
    let globals = [
        ("global_i32", ValType::I32, Value::I32(666)),
        ("global_i64", ValType::I64, Value::I64(666)),
        ("global_f32", ValType::F32, Value::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Value::F64(666.6_f64.to_bits())),
    ];
    for (name, content, value) in globals {
        let global = Global::new(
            store,
            GlobalType {
                content,
                mutable: false,
            },
            value,
        )?;
        exports.insert(name, Extern::Global(global));
    }
    Ok(exports
        .into_iter()
        .map(|(name, item)| (name.to_owned(), item))
        .collect())
}
