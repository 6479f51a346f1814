//! The bytes of an artifact are all that the run side needs.
#![allow(
    unsafe_code,
    reason = "loading an artifact is a promise that wrun made it, which holds for those made here"
)]

use wrun_artifact::elf::Stale;
use wrun_runtime::{
    Config, CpuFeatures, Engine, Error, ExternRef, Imports, Instance, MemoryMode, Module, Store, Value, Verify,
};
use wrun_tests::Scratch;

use crate::{artifact, example};

/// Loads bytes that this process has made. A test that has changed them runs no code of them.
pub(crate) fn load(engine: &Engine, bytes: &[u8]) -> Result<Module, Error> {
    // SAFETY: wrun has made the code. A test with changed bytes expects a refusal, and otherwise reads only the descriptions.
    unsafe { Module::deserialize(engine, bytes) }
}

/// Returns the results of the example's functions in a module, and the contents of its memory.
fn behaviour(engine: &Engine, module: &Module, object: &ExternRef) -> (Vec<Value>, Vec<u8>) {
    let mut imports = Imports::new(engine);
    imports.func(
        "host",
        "log",
        |mut caller: wrun_runtime::Caller<'_, i32>, value: i32| *caller.data_mut() = value,
    );
    let mut store = Store::new(engine, 0);
    let instance = Instance::new(&mut store, module, &imports).expect("everything is given");
    let mut results = Vec::new();
    for (name, arguments) in [
        ("fib", &[Value::I32(15)][..]),
        ("apply", &[Value::I32(2), Value::I32(50), Value::I32(8)]),
        ("fill", &[Value::I32(4)]),
        ("keep", &[Value::ExternRef(Some(object.clone())), Value::I32(9)]),
        ("many", &[]),
    ] {
        let func = instance.func(&mut store, name).expect("exported");
        results.extend(func.call(&mut store, arguments).expect("none of them traps"));
    }
    results.push(Value::I32(*store.data()));
    let memory = instance.memory(&mut store, "memory").expect("exported");
    let bytes = memory.data(&store);
    (results, [&bytes[..32], &bytes[70_000..70_016]].concat())
}

#[test]
fn a_module_from_its_artifact_does_the_same() {
    let engine = Engine::new(&Config::new()).expect("signals can be handled");
    let compiled = Module::new(&engine, &example()).expect("valid");
    let object = ExternRef::new("an object");
    let expected = behaviour(&engine, &compiled, &object);
    assert_eq!(expected.0[..2], [Value::I32(610), Value::I32(42)]);
    assert_eq!(expected.1[4..17], *b"not yet there");
    assert_eq!(expected.1[32..41], *b"some text");

    let from_bytes = load(&engine, compiled.serialize()).expect("whole");
    assert_eq!(behaviour(&engine, &from_bytes, &object), expected);

    let scratch = Scratch::new();
    let path = scratch.write("artifact", compiled.serialize());
    // SAFETY: this process has just made the bytes, and no other process uses the file.
    let from_file = unsafe { Module::deserialize_file(&engine, &path, Verify::Always) }.expect("whole");
    std::fs::remove_file(&path).expect("still there");
    assert_eq!(behaviour(&engine, &from_file, &object), expected);
    assert!(from_file.serialize() == compiled.serialize());
}

#[test]
fn the_compiler_and_the_runtime_give_the_same_bytes() {
    let engine = Engine::new(&Config::new()).expect("signals can be handled");
    let module = Module::new(&engine, &example()).expect("valid");
    assert!(module.serialize() == artifact(&example(), &wrun_compiler::Config::native()));
}

#[test]
fn an_artifact_of_other_settings_is_refused() {
    let guarded = Engine::new(&Config::new()).expect("signals can be handled");
    let checked = Engine::new(Config::new().memory_mode(MemoryMode::Checked)).expect("signals can be handled");
    let module = Module::new(&guarded, &example()).expect("valid");
    let result = load(&checked, module.serialize());
    assert!(matches!(result, Err(Error::Artifact(Stale::Config))), "{result:?}");
}

#[test]
fn an_engine_with_the_settings_of_an_artifact_loads_it() {
    let mut odd = Config::new();
    odd.memory_mode(MemoryMode::Checked)
        .address_map(false)
        .cpu(CpuFeatures::X86_64_V2);
    let engine = Engine::new(&odd).expect("signals can be handled");
    let module = Module::new(&engine, &example()).expect("valid");
    let object = ExternRef::new("an object");
    let expected = behaviour(&engine, &module, &object);
    let mut like = Config::new();
    like.like_artifact(&module.serialize()[..4096]);
    let engine = Engine::new(&like).expect("signals can be handled");
    let loaded = load(&engine, module.serialize()).expect("as if made for it");
    assert_eq!(behaviour(&engine, &loaded, &object), expected);

    // Other bytes have no settings.
    for beginning in [&b""[..], &[0; 4096], &module.serialize()[1..4097]] {
        let mut same = Config::new();
        same.like_artifact(beginning);
        assert_eq!(format!("{same:?}"), format!("{:?}", Config::new()));
    }
}

#[test]
fn bytes_that_are_no_artifact_are_refused() {
    let engine = Engine::new(&Config::new()).expect("signals can be handled");
    for bytes in [&b""[..], b"\0asm\x01\0\0\0", &[0x7f; 5000]] {
        let result = load(&engine, bytes);
        assert!(matches!(result, Err(Error::Artifact(_))), "{result:?}");
    }
}
