//! Tests of linking, with made-up functions.

use wrun_artifact::config::CpuFeatures;
use wrun_artifact::elf::{Artifact, Expect};
use wrun_artifact::header::Compare;
use wrun_artifact::index::{DefinedFuncIndex, SigIndex};
use wrun_artifact::vmlayout::Libcall;

use super::*;
use crate::parse::{BodyFacts, Scan, parse};

/// A module with an imported function (0), three others, of which the last has no name, data, an exported table, and debug
/// information.
const MODULE: &str = r#"
    (module $app
      (import "env" "log" (func $log))
      (memory 2)
      (data (i32.const 65536) "image")
      (data "passive")
      (table (export "table") 3 funcref)
      (elem (i32.const 0) func $one)
      (func $one (export "one"))
      (func $two)
      (func)
      (@custom ".debug_info" "dwarf"))
"#;

fn config() -> Config {
    Config {
        cpu: CpuFeatures::X86_64_V2,
        ..Config::native()
    }
}

/// Links the functions of `text` with these numbers (counted among the defined ones), stubs for the others, and trampolines.
fn link(text: &str, funcs: &[u32]) -> Result<Vec<u8>, CompileError> {
    let wasm = wat::parse_str(text).expect("the test's module");
    let config = config();
    let module = parse(&wasm, &config).expect("valid");
    let scan = Scan::new(&module, core::iter::empty::<BodyFacts>());
    let mut linker = Linker::new(&module, &scan, &config);
    let trampolines = [Symbol::Entry(SigIndex::from_u32(0)), Symbol::Libcall(Libcall::RefFunc)];
    let symbol = |func: DefinedFuncIndex| match funcs.contains(&func.as_u32()) {
        true => Symbol::Func(func),
        false => Symbol::Stub(func),
    };
    for (symbol, len) in module.bodies.keys().map(symbol).chain(trampolines).zip(10..) {
        let function = CompiledFunction {
            code: vec![0x90; len],
            addresses: vec![(0, 1)],
            ..CompiledFunction::default()
        };
        linker.push(symbol, &function)?;
    }
    linker.finish().map(|linked| linked.bytes)
}

fn read(bytes: &[u8]) -> Artifact<'_> {
    let expect = Expect {
        build: wrun_artifact::BUILD,
        config: Some(config()),
        cpu: CpuFeatures::X86_64_V2,
    };
    let artifact = Artifact::read(bytes, &expect, Compare::All).expect("fits");
    artifact.verify().expect("whole");
    artifact
}

#[test]
fn any_subset_of_functions_makes_an_artifact() {
    for subset in 0..8_u32 {
        let funcs: Vec<_> = (0..3).filter(|func| subset & (1 << func) != 0).collect();
        let bytes = link(MODULE, &funcs).expect("links");
        let artifact = read(&bytes);
        let info = artifact.info();
        let there: Vec<_> = (0..3).filter(|func| info.funcs[*func as usize].len.get() > 0).collect();
        assert_eq!(there, funcs);
        for func in funcs {
            let row = info.funcs[func as usize];
            assert_eq!(info.func_at(row.start.get() + row.len.get() - 1), Some(func));
            assert_ne!(info.func_at(row.start.get() + row.len.get()), Some(func));
        }
        assert_ne!(info.sigs[0].entry.get(), wrun_artifact::info::NONE);
    }
}

#[test]
fn everything_that_the_run_side_needs_is_there() {
    let bytes = link(MODULE, &[0, 1, 2]).expect("links");
    let artifact = read(&bytes);
    let names = [0, 1, 2, 3, 4].map(|func| artifact.func_name(func));
    assert_eq!(names, [Some("log"), Some("one"), Some("two"), None, None]);
    assert_eq!(artifact.module_name(), Some("app"));
    assert_eq!(artifact.data(), b"passive");
    assert_eq!(artifact.debug_section(".debug_info"), Some(&b"dwarf"[..]));
    assert!(artifact.code_section() > 0);
    let run = artifact.info().runs[0];
    assert_eq!(run.offset.get(), 65536);
    assert!(bytes[usize::try_from(run.file_offset.get()).expect("small")..].starts_with(b"image\0"));
}

#[test]
fn every_function_and_trampoline_has_a_symbol() {
    use object::{Object, ObjectSymbol};
    let bytes = link(MODULE, &[0, 2]).expect("links");
    let text = read(&bytes).text();
    let elf = object::read::elf::ElfFile64::<object::LittleEndian>::parse(&*bytes).expect("an ELF file");
    let symbols: Vec<_> = elf
        .symbols()
        .map(|symbol| {
            (
                symbol.name().expect("UTF-8"),
                symbol.address() - text.start as u64,
                symbol.size(),
            )
        })
        .collect();
    let expected = [
        ("one", 0, 10),
        ("wasm_function_3", 64, 12),
        ("wrun_entry_0", 96, 13),
        ("wrun_libcall_RefFunc", 128, 14),
    ];
    assert_eq!(symbols, expected);
}
