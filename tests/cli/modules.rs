//! Modules that cannot be run: each has its status and a message of one line with the cause and the fix.

use crate::support::{Dir, bound_by_permissions, guest, wrun, wrun_after, wrun_through};

/// Returns the binary form of a module.
fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the tests' modules are well-formed")
}

/// Returns the module with an export `_start`.
fn with_start(module: &str) -> String {
    let open = module.strip_suffix(')').expect("a module in parentheses");
    format!("{open} (func (export \"_start\")))")
}

#[test]
fn a_module_that_is_not_there_has_status_127() {
    let dir = Dir::new();
    dir.write("file.wat", "(module)");
    for (path, parts) in [
        ("missing.wasm", &["no module `missing.wasm`", "check the path"][..]),
        ("no/such/dir.wasm", &["no module `no/such/dir.wasm`"]),
        ("file.wat/x", &["no module `file.wat/x`"]),
        ("", &["no module ``"]),
        ("file", &["no module `file`", "did you mean `file.wat`?"]),
        ("line\nbreak", &["no module `line\\nbreak`"]),
    ] {
        dir.wrun([path]).run().fails(127, parts);
    }
}

#[test]
fn files_that_cannot_be_read_have_status_126() {
    let dir = Dir::new();
    std::os::unix::fs::symlink("loop", dir.path().join("loop")).expect("the directory for tests can be written");
    dir.wrun(["."]).run().fails(126, ["`.` is a directory", "`--dir .`"]);
    dir.wrun(["loop"])
        .run()
        .fails(126, ["cannot open the module `loop`", "symbolic link"]);
    dir.wrun(["/proc/self/mem"])
        .run()
        .fails(126, ["cannot read the module `/proc/self/mem`"]);
}

#[test]
fn a_file_without_permission_has_status_126() {
    let dir = Dir::new();
    let path = dir.write("secret.wasm", "");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(&path, mode).expect("the test owns the file");
    let prefix = bound_by_permissions();
    let parts = ["no permission to read the module `", "secret.wasm`", "chmod +r"];
    wrun_through(prefix, [&path]).run().fails(126, parts);
}

#[test]
fn files_that_are_no_wasm_are_called_what_they_look_like() {
    let dir = Dir::new();
    let elf = std::fs::read(env!("CARGO_BIN_EXE_wrun")).expect("cargo has built the binary");
    for (name, bytes, part) in [
        ("elf", &elf[..4096], "ELF"),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a wasm module"),
        ("text", b"hello, this is not a module\n", "not a wasm module"),
        ("script", b"#!/bin/sh\necho hello\n", "not a wasm module"),
        ("empty", b"", "empty"),
        ("short", b"\0as", "wasm module"),
        ("zeros", &[0; 100], "not a wasm module"),
        ("not utf-8", b"(module \xff)", "not a wasm module"),
    ] {
        dir.write(name, bytes);
        dir.wrun([name])
            .run()
            .fails(126, [&format!("cannot run `{name}`: "), part]);
    }
}

#[test]
fn a_text_may_be_marked_as_utf_8() {
    let dir = Dir::new();
    let text = std::fs::read_to_string(guest("hello")).expect("the guest exists");
    dir.write("marked.wat", format!("\u{feff}{text}"));
    dir.wrun(["marked.wat"]).run().prints("hello, world\n");
    dir.write("marked.wat", "\u{feff}(module");
    dir.wrun(["marked.wat"])
        .run()
        .fails(126, ["invalid wasm text: ", "(line 1, column 8)"]);
}

#[test]
fn wrong_text_is_shown_by_line_and_column() {
    let dir = Dir::new();
    for (text, parts) in [
        (
            "(module\n  (func $f\n    i32.frob))",
            &["invalid wasm text: ", "unknown operator", "(line 3, column 5)"][..],
        ),
        ("(module", &["invalid wasm text: ", "(line 1, column 8)"]),
        (
            ";; only a comment",
            &["invalid wasm text: expected at least one module field (line 1, column "],
        ),
        ("(defun f (x) x)", &["invalid wasm text: ", "(line 1, column 2)"]),
        ("(module (func $a) (func $a))", &["duplicate", "(line 1, column 25)"]),
        ("(module (func call $nowhere))", &["$nowhere", "(line 1, column 20)"]),
    ] {
        dir.write("x.wat", text);
        dir.wrun(["x.wat"])
            .run()
            .fails(126, ["cannot run `x.wat`: "].iter().chain(parts));
    }
}

#[test]
fn a_module_that_ends_in_the_middle_is_truncated() {
    let dir = Dir::new();
    let whole = std::fs::read_to_string(guest("hello")).expect("the guest exists");
    let whole = wasm(&whole);
    // Cut at any place except the end of a section.
    for length in [5, 9, 20, whole.len() / 2, whole.len() - 1] {
        dir.write("cut.wasm", &whole[..length]);
        dir.wrun(["cut.wasm"])
            .run()
            .fails(126, ["cannot run `cut.wasm`: ", "truncated", "offset 0x"]);
    }
}

#[test]
fn an_invalid_module_is_refused_with_offset_and_reason() {
    let dir = Dir::new();
    for (text, part) in [
        ("(module (func (result i32)))", "type mismatch"),
        (
            "(module (func (drop (i32.add (i32.const 1) (i64.const 1)))))",
            "type mismatch",
        ),
        ("(module (export \"x\" (func 3)))", "unknown func"),
        ("(module (func (local.set 4 (i32.const 0))))", "unknown local"),
        ("(module (memory 70000))", "memory size"),
        (
            "(module (func (export \"a\")) (func (export \"a\")))",
            "duplicate export",
        ),
    ] {
        dir.write("bad.wasm", wasm(&with_start(text)));
        dir.wrun(["bad.wasm"])
            .run()
            .fails(126, ["cannot run `bad.wasm`: invalid wasm module: ", part, "offset 0x"]);
    }
    let mut version = wasm("(module)");
    version[4] = 7;
    dir.write("bad.wasm", version);
    dir.wrun(["bad.wasm"])
        .run()
        .fails(126, ["cannot run `bad.wasm`: ", "unknown binary version 0x7: there is"]);
}

#[test]
fn proposals_that_are_not_supported_are_named() {
    let dir = Dir::new();
    for (text, proposal) in [
        ("(module (memory 1 1 shared))", "threads"),
        ("(module (type (struct (field i32))))", "gc"),
        (
            "(module (import \"m\" \"f\" (func (exact (type 0)))) (type (func)))",
            "custom-descriptors",
        ),
        ("(module (func (drop (ref.i31 (i32.const 1)))))", "gc"),
        ("(module (type $f (func)) (type (cont $f)))", "stack-switching"),
        (
            "(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))",
            "memory-control",
        ),
    ] {
        dir.write("new.wasm", wasm(&with_start(text)));
        let parts = ["cannot run `new.wasm`: ", proposal, "does not support yet", "offset 0x"];
        dir.wrun(["new.wasm"]).run().fails(126, parts);
    }
}

#[test]
fn a_module_beyond_a_limit_is_told_what_it_has_too_much_of() {
    let locals = format!("(module (func (export \"_start\") (local {})))", "i32 ".repeat(50_001));
    let table = "(module (table 10000001 funcref) (func (export \"_start\")))";
    for (text, parts) in [
        (
            locals.as_str(),
            [
                "cannot run `-`: the module is too large for wrun",
                "function 0 has 50001 locals, and 50000 are allowed",
            ],
        ),
        (
            table,
            [
                "cannot run `-`: ",
                "a table would have 10000001 entries, and wrun allows 10000000",
            ],
        ),
    ] {
        wrun(["-"]).stdin(text).run().fails(126, parts);
    }
}

#[test]
fn a_component_is_called_one() {
    let dir = Dir::new();
    dir.write("component.wat", "(component)");
    let parts = [
        "cannot run `component.wat`: ",
        "component",
        "wrun runs core modules",
        "wasm32-wasip1",
    ];
    dir.wrun(["component.wat"]).run().fails(126, parts);
}

#[test]
fn missing_imports_are_all_listed_with_the_likely_reason() {
    let dir = Dir::new();
    for (imports, parts) in [
        (
            r#"(import "env" "invoke_vii" (func (param i32 i32 i32))) (import "env" "emscripten_resize_heap" (func (param i32) (result i32)))"#,
            &[
                "env.invoke_vii",
                "env.emscripten_resize_heap",
                "Emscripten",
                "--unknown-imports trap",
            ][..],
        ),
        (
            r#"(import "wasi" "thread-spawn" (func (param i32) (result i32)))"#,
            &["wasi.thread-spawn", "wasi-threads", "wasm32-wasip1"],
        ),
        (
            r#"(import "wasi_unstable" "frob" (func))"#,
            &["wasi_unstable.frob", "another runtime"],
        ),
        (
            r#"(import "wasi:cli/stdout@0.2.0" "get-stdout" (func (result i32)))"#,
            &["get-stdout", "component model"],
        ),
        (
            r#"(import "./app_bg.js" "__wbindgen_throw" (func (param i32 i32)))"#,
            &["__wbindgen_throw", "wasm-bindgen"],
        ),
        (
            r#"(import "gojs" "runtime.wasmExit" (func (param i32)))"#,
            &["runtime.wasmExit", "GOOS=wasip1"],
        ),
        (
            r#"(import "mine" "f" (func (param i64) (result f32)))"#,
            &["mine.f", "(i64) -> (f32)", "another host"],
        ),
        (
            r#"(import "wasi_snapshot_preview1" "frob" (func))"#,
            &["wasi_snapshot_preview1.frob", "another runtime"],
        ),
        (
            r#"(import "mine" "memory" (memory 1)) (import "mine" "table" (table 1 funcref)) (import "mine" "g" (global i32))"#,
            &["mine.memory", "mine.table", "mine.g", "--import-memory"],
        ),
    ] {
        dir.write("x.wat", format!("(module {imports} (func (export \"_start\")))"));
        dir.wrun(["x.wat"])
            .run()
            .fails(126, ["cannot run `x.wat`: "].iter().chain(parts));
    }
}

#[test]
fn a_module_for_another_host_is_told_so_before_it_is_told_that_it_has_no_entry() {
    let dir = Dir::new();
    for (options, text, parts) in [
        (
            // Like a library that wasm-bindgen builds for a web page.
            &[][..],
            r#"(import "./hello_bg.js" "__wbg_alert_1" (func (param i32 i32))) (import "wbg" "__wbindgen_throw" (func (param i32 i32)))
               (memory (export "memory") 17) (func (export "greet") (param i32 i32)) (func (export "__wbindgen_start"))"#,
            &[
                "./hello_bg.js.__wbg_alert_1",
                "wbg.__wbindgen_throw",
                "wasm-bindgen",
                "wasm32-wasip1 (unknown imports: ",
            ][..],
        ),
        (
            // Like a program that Emscripten builds for a web page.
            &[],
            r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))) (import "env" "_abort_js" (func))
               (memory (export "memory") 256 256) (func (export "__wasm_call_ctors"))
               (func (export "main") (param i32 i32) (result i32) i32.const 0)"#,
            &[
                "unknown imports: env._abort_js func () -> ())",
                "Emscripten",
                "with wasi-sdk (",
            ],
        ),
        (
            // Like a program that Go builds for a web page.
            &[],
            r#"(import "gojs" "runtime.wasmExit" (func (param i32)))
               (func (export "run") (param i32 i32)) (func (export "resume"))"#,
            &["gojs.runtime.wasmExit", "GOOS=wasip1"],
        ),
        (
            &[],
            r#"(import "env" "mine" (func)) (func (export "f"))"#,
            &["env.mine", "another host; --unknown-imports trap"],
        ),
        (
            &["--invoke", "no such function"],
            r#"(import "env" "mine" (func)) (func (export "f"))"#,
            &["env.mine", "another host"],
        ),
        (
            // With the option no import is missing.
            &["--unknown-imports", "trap"],
            r#"(import "env" "mine" (func)) (func (export "f"))"#,
            &["exports no `_start`", "--invoke", "`f` () -> ()"],
        ),
    ] {
        dir.write("x.wat", format!("(module {text})"));
        let ended = dir
            .wrun(options.iter().chain(&["x.wat"]))
            .run()
            .fails(126, ["cannot run `x.wat`: "].iter().chain(parts));
        let is_about_imports = ended.stderr.contains("unknown import");
        assert_ne!(is_about_imports, ended.stderr.contains("`_start`"), "{}", ended.stderr);
    }
}

#[test]
fn an_import_of_another_type_is_refused() {
    let dir = Dir::new();
    let text = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i64))) (func (export "_start")))"#;
    dir.write("x.wat", text);
    let parts = [
        "cannot run `x.wat`: ",
        "wasi_snapshot_preview1.proc_exit",
        "(i64) -> ()",
        "(i32) -> ()",
    ];
    dir.wrun(["x.wat"]).run().fails(126, parts);
    let parts = [parts.as_slice(), &["other declarations", "rebuild it", "wasi-sdk"]].concat();
    dir.wrun(["--unknown-imports", "trap", "x.wat"])
        .run()
        .fails(126, &parts);

    // Another missing import does not make it a module for another host: it is built for WASI.
    let mine = text.replace("(module", "(module (import \"env\" \"mine\" (func))");
    dir.write("x.wat", mine);
    let parts = [parts.as_slice(), &["env.mine"]].concat();
    let ended = dir.wrun(["x.wat"]).run().fails(126, &parts);
    assert!(!ended.stderr.contains("another host"), "{}", ended.stderr);
}

#[test]
fn an_imported_shared_memory_points_to_wasi_threads() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module (import "env" "memory" (memory 1 2 shared)) (func (export "_start")))"#,
    );
    dir.wrun(["x.wat"])
        .run()
        .fails(126, ["threads", "wasm32-wasip1-threads"]);
}

#[test]
fn modules_without_an_entry_say_what_they_export() {
    let dir = Dir::new();
    for (text, parts) in [
        ("(module)", &["exports no `_start`", "it exports no function"][..]),
        (
            "(module (memory (export \"memory\") 1) (func (export \"f\") (param i32)) (func (export \"g\") (result f64) unreachable))",
            &["exports no `_start`", "--invoke", "`f` (i32) -> ()", "`g` () -> (f64)"],
        ),
        (
            "(module (func (export \"_initialize\")) (func (export \"f\")))",
            &["a library", "--invoke", "it exports `f` () -> ()"],
        ),
        (
            "(module (func (export \"_start\")) (func (export \"_initialize\")))",
            &["both `_start`", "`_initialize`"],
        ),
        (
            "(module (func (export \"_start\") (param i32)))",
            &["its `_start` has the type (i32) -> ()"],
        ),
        (
            "(module (global (export \"_start\") i32 (i32.const 0)))",
            &["its export `_start` is not a function"],
        ),
        (
            "(module (func (export \"_initialize\") (result i32) unreachable))",
            &["its `_initialize` has the type () -> (i32)"],
        ),
    ] {
        dir.write("x.wat", text);
        dir.wrun(["x.wat"])
            .run()
            .fails(126, ["cannot run `x.wat`: "].iter().chain(parts));
    }
    let many: String = (0..50).map(|i| format!("(func (export \"f{i:02}\"))")).collect();
    dir.write("x.wat", format!("(module {many})"));
    dir.wrun(["x.wat"])
        .run()
        .fails(126, ["`f00` () -> ()", "`f19`", " and 30 more"]);
}

#[test]
fn names_from_a_module_cannot_drive_a_terminal() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module (import "\1b[31m" "a\nb" (func)) (func (export "_start")))"#,
    );
    let ended = dir.wrun(["x.wat"]).run().fails(126, ["\\u{1b}[31m.a\\nb"]);
    assert!(!ended.stderr.contains('\x1b'));
}

#[test]
fn text_is_recognised_by_content_and_binary_runs_from_any_name() {
    let dir = Dir::new();
    let text = std::fs::read(guest("hello")).expect("the guest exists");
    let binary = wasm(std::str::from_utf8(&text).expect("text is UTF-8"));
    for (name, bytes) in [
        ("text.wasm", &text),
        ("binary.wat", &binary),
        ("noext", &binary),
        ("-", &binary),
        ("x y.txt", &text),
    ] {
        dir.write(name, bytes);
        dir.wrun(["--", &format!("./{name}")]).run().prints("hello, world\n");
    }
}

/// A guest that seeks to the beginning of its standard input, reads, and ends with the number of bytes that it found.
const BACK: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (drop (call $seek (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 32)))
      (i32.store (i32.const 0) (i32.const 64))
      (i32.store (i32.const 4) (i32.const 100))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
      (call $exit (i32.load (i32.const 8)))))"#;

#[test]
fn a_module_comes_from_stdin_or_a_pipe() {
    let text = std::fs::read(guest("hello")).expect("the guest exists");
    let binary = wasm(std::str::from_utf8(&text).expect("text is UTF-8"));
    for bytes in [&text, &binary] {
        wrun(["-"]).stdin(bytes.clone()).run().prints("hello, world\n");
        wrun(["/dev/stdin"]).stdin(bytes.clone()).run().prints("hello, world\n");
    }
    wrun(["-"]).run().fails(126, ["cannot run `-`: "]);
    wrun(["-"])
        .stdin("nonsense")
        .run()
        .fails(126, ["cannot run `-`: ", "not a wasm module"]);
    // The module was the whole of stdin: the guest gets an empty stdin and cannot seek back to read the module.
    let dir = Dir::new();
    dir.write("back.wat", BACK);
    wrun_after("exec <back.wat", ["-"])
        .current_dir(dir.path())
        .run()
        .status(0)
        .quiet();
    let cat = std::fs::read(guest("cat")).expect("the guest exists");
    wrun(["-"]).stdin(cat).run().prints("");
}

#[test]
fn a_module_without_end_is_refused() {
    // 2 GiB of zeros that take no space on the disk.
    let dir = Dir::new();
    let file = std::fs::File::create(dir.path().join("huge")).expect("the directory for tests can be written");
    file.set_len(2 << 30).expect("files can have holes");
    dir.wrun(["huge"])
        .run()
        .fails(126, ["cannot run `huge`", "larger than 1 GiB"]);
}

#[test]
fn a_small_address_space_is_told_in_one_line_and_enough() {
    wrun_after("ulimit -v 3000000", [guest("hello")])
        .run()
        .status(0)
        .says(["notice: ", "ulimit -v", "slower"]);
    let ended = wrun_after("ulimit -v 3000000", [guest("cat")])
        .stdin("still right")
        .run()
        .status(0);
    assert_eq!(ended.stdout, b"still right");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    wrun_after("ulimit -v 3000000", [guest("traps").to_str().expect("UTF-8")])
        .run()
        .fails(126, ["--invoke"]);
    // Room for a memory with 32-bit indices, and not for one with 64-bit indices.
    let dir = Dir::new();
    dir.write(
        "wide.wat",
        r#"(module (memory i64 1)
            (func (export "_start")
              (i64.store (i64.const 65528) (i64.const 5))
              (if (i64.ne (memory.grow (i64.const 2)) (i64.const 1)) (then unreachable))
              (if (i64.ne (i64.load (i64.const 65528)) (i64.const 5)) (then unreachable))))"#,
    );
    for (limit, notice) in [("20000000", true), ("unlimited", false)] {
        let ended = wrun_after(&format!("ulimit -v {limit}"), [dir.path().join("wide.wat")])
            .run()
            .status(0);
        assert_eq!(
            ended
                .stderr
                .contains("notice: there is little address space (ulimit -v)"),
            notice,
            "{limit}"
        );
    }
}
