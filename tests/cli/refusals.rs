//! Modules that wrun refuses: if possible before their code is read, and with the likely cause and its fix first.

use std::fs;

use crate::support::{Dir, artifacts, wrun};

/// A function with an invalid body.
const INVALID: &str = "(func $invalid i32.add)";

/// Returns `count` valid functions.
fn filler(count: usize) -> String {
    "(func (param i32) (result i32) (i32.add (local.get 0) (i32.load (local.get 0))))".repeat(count)
}

#[test]
fn what_the_sections_before_the_code_show_is_refused_before_the_code_is_looked_at() {
    let dir = Dir::new();
    fs::create_dir(dir.path().join("cache")).expect("the test owns it");
    for (text, part) in [
        (
            r#"(import "mine" "f" (func)) (func (export "_start"))"#,
            "mine.f func () -> ()",
        ),
        (
            r#"(import "wasi_snapshot_preview1" "fd_close" (func)) (func (export "_start"))"#,
            "wasi_snapshot_preview1.fd_close is func (i32) -> (i32), but the module wants func () -> ()",
        ),
        (r#"(func (export "f"))"#, "it exports no `_start`"),
        (
            r#"(func (export "_start") (param i32))"#,
            "its `_start` has the type (i32) -> ()",
        ),
        (
            r#"(memory 1 1 shared) (func (export "_start"))"#,
            "needs threads (first at offset 0x",
        ),
        (
            r#"(type $f (func)) (type (cont $f)) (func (export "_start"))"#,
            "needs stack-switching (first",
        ),
        (r#"(type (struct)) (func (export "_start"))"#, "needs gc (first"),
        (
            r#"(import "mine" "f" (func (exact (type 0)))) (type (func)) (func (export "_start"))"#,
            "needs custom-descriptors (first",
        ),
        (
            r#"(global (ref null func) (ref.null func)) (global (mut anyref) (ref.i31 (i32.const 1)))"#,
            "gc (first",
        ),
    ] {
        let module = format!("(module {text} {INVALID})");
        dir.write("x.wat", &module);
        for cache in ["--no-cache", "--cache-dir=cache"] {
            let ended = dir
                .wrun([cache, "x.wat"])
                .run()
                .fails(126, ["cannot run `x.wat`: ", part]);
            assert!(!ended.stderr.contains("invalid wasm module"), "{}", ended.stderr);
        }
    }
    assert_eq!(artifacts(&dir.path().join("cache")), [""; 0]);
    // Without such a reason, the code is validated.
    dir.write("x.wat", format!("(module (func (export \"_start\")) {INVALID})"));
    dir.wrun(["x.wat"])
        .run()
        .fails(126, ["invalid wasm module: type mismatch"]);
}

#[test]
fn an_invocation_is_checked_before_the_code_is_looked_at() {
    let dir = Dir::new();
    dir.write("x.wat", format!("(module (func (export \"f\") (param i32)) {INVALID})"));
    dir.wrun(["--invoke", "g", "x.wat"])
        .run()
        .fails(125, ["there is no export `g`", "`f` (i32) -> ()"]);
    dir.wrun(["--invoke", "f", "x.wat", "word"])
        .run()
        .fails(125, ["--invoke: ", "word"]);
    dir.wrun(["--invoke", "f", "x.wat", "1"])
        .run()
        .fails(126, ["invalid wasm module"]);
}

#[test]
fn a_module_with_unknown_imports_is_compiled_when_they_are_to_trap() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module (import "mine" "f" (func)) (func (export "_start")))"#,
    );
    dir.wrun(["--unknown-imports=trap", "x.wat"]).run().prints("");
    // The cache has the module now. Without the option it is still refused.
    dir.wrun(["--cache-dir=cache", "--unknown-imports=trap", "x.wat"])
        .run()
        .prints("");
    dir.wrun(["--cache-dir=cache", "x.wat"])
        .run()
        .fails(126, ["unknown imports: mine.f"]);
    // Only imported functions can trap.
    dir.write(
        "x.wat",
        r#"(module (import "mine" "m" (memory 1)) (func (export "_start")))"#,
    );
    dir.wrun(["--unknown-imports=trap", "x.wat"])
        .run()
        .fails(126, ["mine.m memory"]);
}

#[test]
fn an_instruction_of_a_proposal_in_the_last_function_of_many_is_named() {
    let dir = Dir::new();
    for (last, parts) in [
        (
            "(drop (ref.i31 (i32.const 1)))",
            &["needs gc (first at offset 0x", "wasm-opt has --disable-gc"][..],
        ),
        (
            "(memory.discard (i32.const 0) (i32.const 0)) (drop (ref.i31 (i32.const 1)))",
            &[
                "needs gc and memory-control (first",
                "Kotlin",
                "write the text or the intrinsic without it",
            ],
        ),
        ("i32.add", &["invalid wasm module: type mismatch"]),
        // An error that no proposal removes counts, also after a use of a proposal.
        (
            "(drop (ref.i31 (i32.const 1)))) (func f32.neg",
            &["invalid wasm module: type mismatch"],
        ),
    ] {
        let module = format!(
            "(module (memory 1) (func (export \"_start\")) {} (func $last {last}))",
            filler(3000)
        );
        dir.write("x.wat", module);
        dir.wrun(["x.wat"]).run().fails(126, parts);
    }
}

/// A use of each proposal that is refused by name, and parts of its advice.
const PROPOSALS: &[(&str, &[&str])] = &[
    (
        "(memory 1 1 shared)",
        &[
            "threads",
            "a shared memory comes from",
            "wasm32-wasip1-threads",
            "-pthread",
            "build for wasm32-wasip1 without",
        ],
    ),
    (
        "(global (shared mut i32) (i32.const 0))",
        &["threads", "shared globals", "--disable-shared-everything"],
    ),
    (
        "(type (struct))",
        &[
            "gc",
            "wasmWasi",
            "dart compile wasm",
            "wasm_of_ocaml",
            "`--target wasm` in place of wasm-gc",
        ],
    ),
    ("(type $f (func)) (type (cont $f))", &["stack-switching", "wasm-opt"]),
    (
        "(import \"m\" \"f\" (func (exact (type 0)))) (type (func))",
        &["custom-descriptors", "--disable-custom-descriptors"],
    ),
    (
        "(memory 1) (func (memory.discard (i32.const 0) (i32.const 0)))",
        &["memory-control", "without it"],
    ),
];

#[test]
fn each_proposal_is_refused_with_the_flag_that_causes_it_and_the_one_that_ends_it() {
    let dir = Dir::new();
    for (text, parts) in PROPOSALS {
        let wasm = wat::parse_str(format!("(module {text} (func (export \"_start\")))")).expect("well-formed");
        dir.write("x.wasm", wasm);
        let parts = [
            "cannot run `x.wasm`: the module needs ",
            "which wrun does not support yet: ",
        ]
        .iter()
        .chain(*parts);
        dir.wrun(["x.wasm"]).run().fails(126, parts);
    }
}

#[test]
fn imports_in_the_compact_form_are_refused_with_the_flag() {
    // One module name, then (0x7f) a list of one item: a function of type 0.
    let wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x09\x01\x01m\0\x7f\x01\0\0\0";
    let parts = ["needs compact-import-section", "--disable-compact-imports"];
    wrun(["-"]).stdin(wasm.to_vec()).run().fails(126, parts);
}

/// The export of a command.
const START: &str = "(func (export \"_start\"))";

/// The import of a WASI function.
macro_rules! fd_write {
    () => {
        r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))) "#
    };
}

/// Modules that toolchains make for other hosts: imports, exports, and parts of the advice, which begins with the first part.
const TOOLCHAINS: &[(&str, &str, &[&str])] = &[
    (
        // Like a program from `emcc -sSTANDALONE_WASM` that uses random numbers or removes a file.
        concat!(
            fd_write!(),
            r#" (import "env" "getentropy" (func (param i32 i32) (result i32)))
                   (import "env" "__syscall_unlinkat" (func (param i32 i32 i32) (result i32)))"#
        ),
        START,
        &[
            "built by Emscripten",
            "standalone form leaves these functions to the host: build with wasi-sdk",
        ],
    ),
    (
        // Like a program for a web page from `emcc`.
        concat!(
            fd_write!(),
            r#" (import "env" "__syscall_openat" (func (param i32 i32 i32 i32) (result i32)))
                   (import "env" "invoke_vii" (func (param i32 i32 i32)))"#
        ),
        "(func (export \"__wasm_call_ctors\")) (func (export \"main\") (param i32 i32) (result i32) i32.const 0)",
        &["built by Emscripten for its own JavaScript", "Node.js", "wasi-sdk"],
    ),
    (
        // Like the output of `emcc -sMAIN_MODULE`.
        r#"(import "env" "__syscall_openat" (func)) (import "GOT.mem" "stdout" (global (mut i32)))"#,
        "",
        &["built by Emscripten for its own JavaScript"],
    ),
    (
        // Like the output of `emcc -O3`, which shortens names.
        r#"(import "a" "a" (func (param i32))) (import "a" "b" (func (param i32) (result i32)))"#,
        "(func (export \"c\"))",
        &["its own JavaScript, with shortened names"],
    ),
    (
        // Like the output of `wasm-ld -shared`.
        r#"(import "env" "__memory_base" (global i32)) (import "GOT.func" "f" (global (mut i32)))"#,
        "",
        &["linked dynamically", "link statically"],
    ),
    (
        // Like the output of `clang -c`.
        r#"(import "env" "__linear_memory" (memory 0)) (import "env" "puts" (func (param i32) (result i32)))"#,
        "",
        &["an object file, not a program: link it", "clang without -c"],
    ),
    (
        // Like the output of `asc`.
        r#"(import "env" "abort" (func (param i32 i32 i32 i32))) (import "env" "seed" (func (result f64)))"#,
        "(func (export \"run\"))",
        &["built by AssemblyScript", "@assemblyscript/wasi-shim"],
    ),
    (
        r#"(import "gojs" "runtime.wasmExit" (func (param i32)))"#,
        "(func (export \"run\") (param i32 i32))",
        &["GOOS=wasip1 GOARCH=wasm", "TinyGo: -target=wasip1"],
    ),
    (
        r#"(import "./app_bg.js" "__wbindgen_throw" (func (param i32 i32)))"#,
        "",
        &[
            "built with wasm-bindgen for JavaScript",
            "Node.js",
            "without wasm-bindgen for wasm32-wasip1",
        ],
    ),
    (
        r#"(import "wasi:cli/stdout@0.2.0" "get-stdout" (func (result i32)))"#,
        "",
        &["component model (WASI 0.2)", "build for wasm32-wasip1"],
    ),
    (
        r#"(import "wasi" "thread-spawn" (func (param i32) (result i32)))"#,
        START,
        &["wasi-threads", "build for wasm32-wasip1"],
    ),
    (
        r#"(import "env" "memory" (memory 1))"#,
        START,
        &["link without --import-memory"],
    ),
];

#[test]
fn each_toolchain_that_makes_modules_for_another_host_is_told_what_to_do() {
    let dir = Dir::new();
    for (imports, exports, parts) in TOOLCHAINS {
        dir.write("x.wat", format!("(module {imports} {exports})"));
        let ended = dir.wrun(["x.wat"]).run().fails(126, *parts);
        let (hint, imports) = (ended.stderr.find(parts[0]), ended.stderr.find("(unknown imports: "));
        assert!(hint < imports, "the hint comes first: {}", ended.stderr);
        assert!(!ended.stderr.contains("STANDALONE_WASM"), "{}", ended.stderr);
    }
}

#[test]
fn an_object_file_is_told_to_be_linked_also_where_it_imports_nothing() {
    let dir = Dir::new();
    dir.write("x.wat", "(module (func) (@custom \"linking\" \"\\02\"))");
    dir.wrun(["x.wat"])
        .run()
        .fails(126, ["cannot run `x.wat`: it is an object file", "link it"]);
    // A program that keeps its relocations has that section too.
    dir.write(
        "x.wat",
        "(module (func (export \"_start\")) (@custom \"linking\" \"\\02\"))",
    );
    dir.wrun(["x.wat"]).run().prints("");
}

#[test]
fn a_component_is_told_how_to_become_a_module() {
    let dir = Dir::new();
    dir.write("x.wat", "(component)");
    let parts = [
        "this is a component, and wrun runs core modules",
        "wasm32-wasip1",
        "componentize-py",
    ];
    dir.wrun(["x.wat"]).run().fails(126, parts);
}

#[test]
fn five_unknown_imports_are_listed_and_the_others_counted() {
    let dir = Dir::new();
    for (count, listed, more) in [
        (5, "env.f4 func () -> ())", ""),
        (
            6,
            "env.f4 func () -> () and 1 more; ",
            "`wrun inspect x.wat` lists all)",
        ),
        (
            5000,
            "env.f4 func () -> () and 4995 more; ",
            "`wrun inspect x.wat` lists all)",
        ),
    ] {
        let imports: String = (0..count)
            .map(|i| format!("(import \"env\" \"f{i}\" (func))"))
            .collect();
        dir.write("x.wat", format!("(module {imports} (func (export \"_start\")))"));
        let ended = dir
            .wrun(["x.wat"])
            .run()
            .fails(126, ["(unknown imports: env.f0 func () -> (), env.f1 ", listed, more]);
        assert!(!ended.stderr.contains("env.f5 "), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}
