//! Tests with whole modules, from text to artifact.

use std::process::Command;
use std::sync::atomic::AtomicBool;

use object::read::elf::ElfFile64;
use object::{Object, ObjectSection};
use wrun_artifact::config::{CpuFeatures, MemoryMode};
use wrun_artifact::facts::Facts;
use wrun_artifact::index::{Index, SigIndex};
use wrun_artifact::vmlayout::Libcall;

use super::*;
use crate::code::CompiledFunction;
use crate::error::Proposal;

/// A module with many features: imports, a private and an exported table, globals, memory, more results than registers.
const MIXED: &str = r#"
    (module $mixed
      (import "env" "log" (func $log (param i32 f64)))
      (import "env" "pair" (func $pair (param i64) (result i32 i32)))
      (memory (export "memory") 1 3)
      (table $own 4 funcref)
      (table $shared (export "table") 2 8 funcref)
      (global $g (mut i32) (i32.const 7))
      (elem (table $own) (i32.const 0) func $fact $log $many)
      (elem (table $shared) (i32.const 0) func $fact)
      (data (i32.const 16) "hello\n")
      (type $unary (func (param i64) (result i64)))
      (func $fact (export "fact") (type $unary)
        (if (result i64) (i64.eqz (local.get 0))
          (then (i64.const 1))
          (else (i64.mul (local.get 0) (call $fact (i64.sub (local.get 0) (i64.const 1)))))))
      (func $many (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 f64 v128)
        i32.const 0 i32.const 1 i32.const 2 i32.const 3 i32.const 4 i32.const 5 i32.const 6 i32.const 7
        i32.const 8 i32.const 9 f64.const 10 v128.const i32x4 1 2 3 4)
      (func (export "indirect") (param i32) (result i64)
        (call_indirect $own (type $unary) (i64.const 5) (local.get 0)))
      (func (export "shared") (param i32) (result i64)
        (call_indirect $shared (type $unary) (i64.const 5) (local.get 0)))
      (func (export "touch") (param i32)
        (i32.store (local.get 0) (i32.div_u (global.get $g) (local.get 0)))
        (global.set $g (i32.load offset=4 (local.get 0)))
        (call $log (global.get $g) (f64.ceil (f64.load (local.get 0))))
        (drop (memory.grow (i32.const 1)))
        (call $pair (i64.const 1)) drop drop)
      (func (export "drop") call $many drop drop drop drop drop drop drop drop drop drop drop drop))
"#;

/// `MIXED` with enough functions for several threads.
fn wide() -> Vec<u8> {
    let mut text = String::from("(module (memory 1) (func $f0 (param i32) (result i32) local.get 0)\n");
    for i in 1..300 {
        // The functions have very different sizes.
        let work =
            format!("(local.set 0 (i32.add (local.get 0) (i32.load offset={i} (local.get 0))))").repeat(i % 17 * 3);
        text += &format!(
            "(func $f{i} (param i32) (result i32) {work} (call $f{} (local.get 0)))\n",
            i * 7 % i
        );
    }
    wasm(&(text + ")"))
}

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's module")
}

/// Returns a config for a fixed CPU, so that the tests do the same on every machine.
fn config() -> Config {
    Config {
        cpu: CpuFeatures::X86_64_V2,
        ..Config::native()
    }
}

fn threads(count: usize) -> Options<'static> {
    Options {
        threads: NonZeroUsize::new(count),
        ..Options::default()
    }
}

fn artifact(wasm: &[u8], config: &Config, options: &Options<'_>) -> Vec<u8> {
    compile(wasm, config, options).expect("it compiles").0
}

fn error(text: &str) -> CompileError {
    compile(&wasm(text), &config(), &threads(2))
        .map(drop)
        .expect_err("it does not compile")
}

/// Returns the output of a tool of the binutils for an artifact.
fn tool(tool: &str, args: &[&str], artifact: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("wrun-{tool}-{}-{}", std::process::id(), args.concat()));
    std::fs::write(&path, artifact).expect("written");
    let output = Command::new(tool)
        .args(args)
        .arg(&path)
        .output()
        .expect("binutils are installed");
    std::fs::remove_file(&path).expect("written above");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{tool} {args:?}: {errors}"
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn modules_compile_in_every_mode() {
    for text in ["(module)", "(module (func (export \"_start\")))", MIXED] {
        for memory in [MemoryMode::Guarded, MemoryMode::Checked] {
            for address_map in [true, false] {
                for alias_analysis in [true, false] {
                    let config = Config {
                        memory,
                        address_map,
                        alias_analysis,
                        ..config()
                    };
                    let (bytes, report) = compile(&wasm(text), &config, &threads(1)).expect("it compiles");
                    assert_eq!(report.artifact_bytes, bytes.len());
                    let names: Vec<_> = report.phases.iter().map(|phase| phase.name).collect();
                    assert_eq!(names, ["parse", "translate+compile", "link"]);
                }
            }
        }
    }
}

#[test]
fn equal_input_gives_equal_bytes_whatever_the_order_of_work() {
    for wasm in [wide(), wasm(MIXED)] {
        let alone = artifact(&wasm, &config(), &threads(1));
        assert_eq!(artifact(&wasm, &config(), &threads(1)), alone, "again");
        for count in [2, 5] {
            assert!(artifact(&wasm, &config(), &threads(count)) == alone, "{count} threads");
        }
        for seed in [1, 2, 3] {
            let shuffled = Options {
                shuffle: Some(seed),
                ..threads(2)
            };
            assert!(artifact(&wasm, &config(), &shuffled) == alone, "order {seed}");
        }
        assert!(
            artifact(
                &wasm,
                &config(),
                &Options {
                    verify: !cfg!(debug_assertions),
                    ..threads(1)
                }
            ) == alone
        );
    }
}

#[test]
fn padding_moves_functions_apart() {
    let text_size = |padding| {
        let (bytes, report) = compile(&wide(), &Config { padding, ..config() }, &threads(2)).expect("it compiles");
        let elf: ElfFile64<'_> = ElfFile64::parse(&*bytes).expect("an ELF file");
        let text = elf.section_by_name(".text").expect("it has code");
        assert_eq!(text.size(), report.text_bytes as u64);
        text.size()
    };
    let (narrow, padded) = (text_size(0), text_size(4096));
    assert!(padded >= narrow + 299 * 4096, "{narrow} {padded}");
}

#[test]
fn the_tools_of_the_platform_read_an_artifact() {
    let artifact = artifact(&wasm(MIXED), &config(), &threads(2));
    let code = tool("objdump", &["-d", "--no-show-raw-insn"], &artifact);
    assert!(code.contains("<fact>:") && code.contains("ret"), "{code}");
    assert!(!code.contains("(bad)"), "{code}");
    let sections = tool("readelf", &["-W", "-S", "-h", "-s", "-l"], &artifact);
    assert!(sections.contains(".text"), "{sections}");
    assert!(tool("readelf", &["-W", "-r"], &artifact).contains("no relocations"));
    // 6 functions of the module, and the trampolines.
    let symbols = sections.lines().filter(|line| line.contains(" FUNC ")).count();
    assert!(symbols > 6 + Libcall::ALL.len(), "{symbols}");
}

#[test]
fn the_first_of_several_invalid_bodies_is_the_one_reported() {
    let mut text = String::from("(module (func $ok (result i32) i32.const 1)");
    for _ in 0..50 {
        text += "(func nop) (func (result i32) i64.const 1)";
    }
    let module = wasm(&(text + ")"));
    for count in [1, 2, 2, 2, 4] {
        let first = compile(&module, &config(), &threads(count))
            .map(drop)
            .expect_err("invalid");
        let CompileError::Invalid { offset, reason } = &first else {
            panic!("{first}")
        };
        assert!(reason.contains("type mismatch"), "{reason}");
        let alone = compile(&module, &config(), &threads(1)).map(drop);
        assert_eq!(alone, Err(first.clone()), "at {offset:#x}");
    }
}

#[test]
fn a_proposal_that_only_a_body_needs_is_named() {
    let error = error("(module (func (drop (ref.i31 (i32.const 1)))))");
    assert!(
        matches!(&error, CompileError::Unsupported { proposals, .. } if proposals[..] == [Proposal("gc")]),
        "{error:?}"
    );
}

#[test]
fn the_proposals_of_many_bodies_are_the_same_whatever_the_number_of_threads() {
    let body = |i: usize| match i {
        40 | 150 => "(memory.discard (i32.const 0) (i32.const 0))",
        41 | 90 | 120 => "(drop (ref.i31 (i32.const 1)))",
        _ => "(i32.store (i32.const 0) (i32.const 1))",
    };
    let bodies: String = (0..200)
        .map(|i| format!("(func {})", body(i).repeat(i % 7 + 1)))
        .collect();
    let valid = wasm(&format!("(module (memory 1) {bodies})"));
    let invalid = wasm(&format!("(module (memory 1) {bodies} (func i32.add) (func f32.neg))"));
    let errors = |wasm: &[u8]| {
        let error = |count| {
            compile(wasm, &config(), &threads(count))
                .map(drop)
                .expect_err("refused")
        };
        let first = error(1);
        for count in [2, 2, 2, 4] {
            assert_eq!(error(count), first, "{count} threads");
        }
        first
    };
    let first = errors(&valid);
    let CompileError::Unsupported {
        proposals: names,
        in_code: true,
        ..
    } = &first
    else {
        panic!("{first}")
    };
    assert_eq!(names[..], ["gc", "memory-control"].map(Proposal));
    let all = proposals(&valid, &threads(2)).expect("valid with them");
    assert_eq!(all, *names);
    assert!(matches!(errors(&invalid), CompileError::Invalid { .. }));
}

#[test]
fn a_cpu_that_is_too_old_is_refused() {
    let config = Config {
        cpu: CpuFeatures::NONE,
        ..config()
    };
    let error = compile(&wasm("(module)"), &config, &threads(1))
        .map(drop)
        .expect_err("too old");
    assert!(
        matches!(&error, CompileError::Cpu(missing) if missing.contains("ssse3")),
        "{error:?}"
    );
}

#[test]
fn an_interrupt_ends_the_work() {
    for count in [1, 2] {
        let flag = AtomicBool::new(true);
        let options = Options {
            interrupt: Some(&flag),
            ..threads(count)
        };
        assert_eq!(
            compile(&wide(), &config(), &options).map(drop),
            Err(CompileError::Interrupted)
        );
    }
}

#[test]
fn a_panic_in_a_function_is_an_error_that_names_it() {
    let wasm = wasm("(module (import \"\" \"f\" (func)) (func $good) (func $bad (result v128) v128.const i64x2 0 0))");
    let config = config();
    let isa = isa::target(&config, true).expect("enough");
    let module = parse::parse(&wasm, &config).expect("valid");
    let bodies = validate(&wasm, &module, &Pool::new(NonZeroUsize::new(1), 1), None).expect("valid");
    let scan = Scan::new(&module, bodies.into_iter());
    let env = Env {
        facts: &scan.facts,
        layout: &module.layout,
        config: &config,
        isa: &*isa,
    };
    let mut workspace = Workspace::default();
    let mut out = CompiledFunction::default();
    let body = &module.bodies[DefinedFuncIndex::new(0)];
    let mut run = |symbol| {
        let body = matches!(symbol, Symbol::Func(_)).then_some(body);
        compile::compile(&mut workspace, &env, symbol, body, &mut out)
            .map_err(|failure| named(&module, symbol, failure))
    };

    // There is no such function, so the look-up of its type panics.
    let error = run(Symbol::Func(DefinedFuncIndex::new(9))).expect_err("it panics");
    assert!(
        matches!(&error, CompileError::Function { index: 10, bug: true, reason, .. } if reason.contains("panic at")),
        "{error:?}"
    );
    // Vectors are not passed to the host in registers.
    let error = run(Symbol::TypedHostcall(SigIndex::new(1)))
        .expect_err("no such trampoline")
        .to_string();
    assert!(
        error.contains("bug in wrun") && error.contains("() -> (v128)"),
        "{error}"
    );
    // The thread goes on with the next function.
    run(Symbol::Func(DefinedFuncIndex::new(0))).expect("it compiles");
    assert!(!out.code.is_empty());
}

#[test]
fn facts_and_one_body_give_the_code_of_a_whole_compile() {
    for (wasm, memory) in [
        (wasm(MIXED), MemoryMode::Guarded),
        (wasm(MIXED), MemoryMode::Checked),
        (wide(), MemoryMode::Guarded),
        (
            wasm(include_str!("../translate/tests/everything.wat")),
            MemoryMode::Guarded,
        ),
    ] {
        let config = Config { memory, ..config() };
        let module = parse::parse(&wasm, &config).expect("valid");
        let bodies = validate(&wasm, &module, &Pool::new(NonZeroUsize::new(1), 1), None).expect("valid");
        // From here on only the facts are used, and no longer the module.
        let saved = Scan::new(&module, bodies.into_iter()).facts.encode();
        let ranges: Vec<_> = module.bodies.values().map(|body| body.range.clone()).collect();
        drop(module);
        let facts = Facts::decode(&saved).expect("as encoded");
        let layout = facts.layout(&config).expect("as large as before");
        let isa = isa::target(&config, true).expect("enough");
        let env = Env {
            facts: &facts,
            layout: &layout,
            config: &config,
            isa: &*isa,
        };

        let (whole, _) = compile(&wasm, &config, &threads(1)).expect("it compiles");
        let elf: ElfFile64<'_> = ElfFile64::parse(&*whole).expect("an ELF file");
        let text = elf
            .section_by_name(".text")
            .expect("it has code")
            .data()
            .expect("readable");
        let expect = wrun_artifact::elf::Expect {
            build: wrun_artifact::BUILD,
            config: Some(config),
            cpu: config.cpu,
        };
        let artifact =
            wrun_artifact::elf::Artifact::read(&whole, &expect, wrun_artifact::header::Compare::All).expect("fits");
        for (range, func) in ranges.into_iter().zip(0..) {
            let body = parse::Body::new(&wasm[range.clone()], range.start);
            let mut out = CompiledFunction::default();
            let symbol = Symbol::Func(DefinedFuncIndex::from_u32(func));
            compile::compile(&mut Workspace::default(), &env, symbol, Some(&body), &mut out).expect("it compiles");
            let row = artifact.info().funcs[func as usize];
            let (start, len) = (row.start.get() as usize, row.len.get() as usize);
            let mut linked = text[start..start + len].to_vec();
            // The linker fills in the distances.
            for reloc in &out.relocs {
                let place = reloc.offset as usize..reloc.offset as usize + 4;
                linked[place.clone()].copy_from_slice(&out.code[place]);
            }
            assert_eq!(linked, out.code, "function {func}");
        }
    }
}
