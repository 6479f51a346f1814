//! `wrun inspect FILE`: what a compiled module says of itself, and a wasm file by way of the one that is made of it.

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Dir, Ended, artifacts, guest, wrun};

#[track_caller]
fn parsed(ended: Ended) -> Value {
    let ended = ended.status(0).quiet();
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

#[test]
fn the_fields_of_a_wasm_file_and_of_its_compiled_module() {
    let dir = Dir::new();
    let text = r#"(module $the-name
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (memory (export "memory") 1 4)
        (func (export "_start"))
        (func (export "f") (param i64) (result f64) unreachable))"#;
    let file = dir.write("a \"file\".wat", text);
    let out = dir.path().join("out");
    dir.wrun(["compile", "--cpu=x86-64-v2", "--no-address-map", "-o", "out"])
        .args([&file])
        .run()
        .prints("");
    let wasm = parsed(
        wrun(["inspect", "--json", "--cpu=x86-64-v2", "--no-address-map"])
            .args([&file])
            .run(),
    );
    let compiled = parsed(wrun(["inspect", "--json"]).args([&out]).run());
    for (found, kind, path) in [(&wasm, "wasm", &file), (&compiled, "compiled", &out)] {
        assert_eq!(found["kind"], kind);
        assert_eq!(found["file"], path.to_str().expect("UTF-8"));
    }
    let without_file = |value: &Value| {
        let mut value = value.clone();
        let fields = value.as_object_mut().expect("an object");
        fields.remove("file");
        fields.remove("kind");
        value
    };
    assert_eq!(without_file(&wasm), without_file(&compiled), "it is the same code");
    for (field, expected) in [
        ("name", json!("the-name")),
        ("functions", json!(2)),
        ("is_this_build", json!(true)),
        ("target", json!("x86_64-unknown-linux")),
        ("memory", json!("guarded")),
        ("address_map", json!(false)),
        (
            "cpu",
            json!(["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b"]),
        ),
        ("bytes", json!(fs::metadata(&out).expect("it is there").len())),
        (
            "imports",
            json!([{"module": "wasi_snapshot_preview1", "name": "proc_exit", "type": "func (i32) -> ()"}]),
        ),
        (
            "exports",
            json!([
                {"name": "_start", "type": "func () -> ()"},
                {"name": "f", "type": "func (i64) -> (f64)"},
                {"name": "memory", "type": "memory of 1 to 4 pages"},
            ]),
        ),
    ] {
        assert_eq!(compiled[field], expected, "{field}");
    }
    let sections = compiled["sections"].as_array().expect("a list");
    let text = sections.iter().find(|section| section["name"] == ".text");
    let text = text.expect("there is code");
    assert_eq!(text["offset"], 4096);
    assert!(text["bytes"].as_u64() > Some(0), "{text}");
    assert_eq!(compiled["build"].as_str().map(str::len), Some(32));
}

#[test]
fn people_are_told_the_same() {
    let dir = Dir::new();
    dir.wrun(["compile", "-o", "out"])
        .args([guest("hello")])
        .run()
        .prints("");
    let read = |ended: Ended| String::from_utf8(ended.status(0).quiet().stdout).expect("UTF-8");
    let compiled = read(dir.wrun(["inspect", "out"]).run());
    let wasm = read(wrun(["inspect"]).args([guest("hello")]).run());
    let parts = [
        "(this wrun)\n",
        "cpu           sse3",
        "memory        guarded\n",
        "address map   yes\n",
        "functions     1\n",
        "section       .text ",
        "import        wasi_snapshot_preview1.fd_write func (i32, i32, i32, i32) -> (i32)\n",
        "export        _start func () -> ()\n",
    ];
    for part in parts {
        assert!(compiled.contains(part), "no {part} in\n{compiled}");
        assert!(wasm.contains(part), "no {part} in\n{wasm}");
    }
    assert!(
        compiled.starts_with("file          out (compiled module)\n"),
        "{compiled}"
    );
    assert!(wasm.contains("hello.wat (wasm)\n"), "{wasm}");
}

#[test]
fn names_of_a_module_cannot_drive_a_terminal() {
    let dir = Dir::new();
    dir.write("x.wat", "(module (func (export \"a\\1b[2J\\nb\")))");
    let ended = dir.wrun(["inspect", "x.wat"]).run().status(0).quiet();
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(text.contains("export        a\\u{1b}[2J\\nb func () -> ()\n"), "{text}");
    let value = parsed(dir.wrun(["inspect", "--json", "x.wat"]).run());
    assert_eq!(value["exports"][0]["name"], "a\x1b[2J\nb");
}

#[test]
fn what_a_run_would_use_comes_from_the_cache_and_goes_there() {
    let dir = Dir::new();
    let inspect = |options: &[&str]| {
        let inspect = dir.wrun(["inspect", "--json", "--cache-dir=cache"]);
        inspect.args(options).args([guest("hello")]).run()
    };
    fs::create_dir(dir.path().join("cache")).expect("it is ours");
    inspect(&["--cache-mode", "require"]).fails(126, ["the cache has no"]);
    let first = parsed(inspect(&[]));
    assert_eq!(artifacts(&dir.path().join("cache")).len(), 1);
    assert_eq!(first, parsed(inspect(&["--cache-mode", "require"])));
    dir.wrun(["--cache-dir=cache", "--cache-mode=require"])
        .args([guest("hello")])
        .run()
        .prints("hello, world\n");
}

#[test]
fn what_cannot_be_inspected_is_refused_with_the_reason() {
    let dir = Dir::new();
    dir.wrun(["compile", "-o", "out"])
        .args([guest("hello")])
        .run()
        .prints("");
    let sound = fs::read(dir.path().join("out")).expect("it is there");
    dir.write("cut", &sound[..sound.len() / 2]);
    dir.write("text", "hello");
    for (file, status, parts) in [
        ("missing", 127, &["no module `missing`"][..]),
        (".", 126, &["is a directory"]),
        ("cut", 126, &["cannot inspect `cut`: ", "truncated"]),
        ("text", 126, &["not a wasm module"]),
    ] {
        dir.wrun(["inspect", file]).run().fails(status, parts);
        dir.wrun(["inspect", "--json", file]).run().fails(status, parts);
    }
    let mut header = sound;
    header[64 + 16] ^= 0xff;
    dir.write("header", header);
    dir.wrun(["inspect", "header"])
        .run()
        .fails(126, ["cannot inspect `header`: ", "checksum"]);
}
