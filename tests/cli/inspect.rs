//! `wrun inspect FILE` of compiled modules, and of wasm files that can be compiled.

use std::fs;

use crate::support::{Dir, Ended, artifacts, guest, wrun};
use serde_json::{Value, json};
use wrun_artifact::header::PROGRAM_HEADER_OFFSET;

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
        fields.remove("key");
        // Only the wasm file shows it.
        fields.remove("exceptions");
        value
    };
    assert_eq!(without_file(&wasm), without_file(&compiled), "it is the same code");
    let key = wrun(["cache", "key", "--cpu=x86-64-v2", "--no-address-map"])
        .args([&file])
        .run();
    let key = String::from_utf8(key.status(0).quiet().stdout).expect("UTF-8");
    assert_eq!((&wasm["key"], &compiled["key"]), (&json!(key.trim()), &Value::Null));
    for (field, expected) in [
        ("name", json!("the-name")),
        ("functions", json!(2)),
        ("is_this_build", json!(true)),
        ("target", json!("x86_64-unknown-linux")),
        ("memory", json!("guarded")),
        ("reservation", json!(1_u64 << 32)),
        ("guard", json!(32 << 20)),
        ("alias_analysis", json!(true)),
        ("deterministic", json!(false)),
        ("padding", json!(0)),
        ("address_map", json!(false)),
        (
            "cpu",
            json!(["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b"]),
        ),
        ("bytes", json!(fs::metadata(&out).expect("it exists").len())),
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
    let bytes = wat::parse_file(&file).expect("it is well-formed");
    // Two bodies: the first with no locals and an end, the second with a trap before it.
    let code = [2, 2, 0, 0x0b, 3, 0, 0, 0x0b];
    let at = bytes.windows(code.len()).position(|window| window == code);
    assert_eq!(compiled["code_section"], at.expect("there is a code section"));
    let artifact = fs::read(&out).expect("it exists");
    let stored = |at: usize| {
        let field = artifact[at..at + 8].try_into().expect("eight bytes");
        format!("{:016x}", u64::from_le_bytes(field))
    };
    // The checksums are at the end of the header: text, data, then header and info.
    let end = PROGRAM_HEADER_OFFSET;
    let expected = json!({"text": stored(end - 24), "data": stored(end - 16), "head": stored(end - 8)});
    assert_eq!(compiled["checksums"], expected);

    let sections = compiled["sections"].as_array().expect("a list");
    let text = sections.iter().find(|section| section["name"] == ".text");
    let text = text.expect("there is code");
    assert_eq!(text["offset"], 4096);
    assert!(text["bytes"].as_u64() > Some(0), "{text}");
    assert_eq!(compiled["build"].as_str().map(str::len), Some(32));
}

#[test]
fn every_function_with_a_body_is_listed_and_people_are_shown_the_largest() {
    let dir = Dir::new();
    let mut text = r#"(module (import "a" "b" (func)) (memory 1)"#.to_owned();
    for number in 0..15 {
        let store = |at: usize| format!("(i32.store (i32.const {}) (i32.const 1))", at * 4);
        let stores: String = (0..number * 5).map(store).collect();
        text.push_str(&format!("(func $f{number} {stores})"));
    }
    dir.write("x.wat", text + "(func))");
    dir.wrun(["compile", "-o", "out", "x.wat"]).run().prints("");
    let value = parsed(dir.wrun(["inspect", "--json", "out"]).run());
    assert_eq!(value["functions"], 16);
    let functions = value["function_list"].as_array().expect("a list");
    let artifact = fs::read(dir.path().join("out")).expect("it exists");
    let section = |name: &str| {
        let found = value["sections"].as_array().expect("a list").iter();
        let found = found.into_iter().find(|section| section["name"] == name).expect(name);
        let (start, len) = (found["offset"].as_u64(), found["bytes"].as_u64());
        start.expect("a number")..start.expect("a number") + len.expect("a number")
    };
    let mut end = section(".text").start;
    for (at, function) in (1_u64..).zip(functions) {
        let field = |name: &str| function[name].as_u64().expect("a number");
        assert_eq!(field("index"), at);
        assert!(field("offset") >= end && field("bytes") > 0, "{function}");
        end = field("offset") + field("bytes");
        let code = &artifact[field("offset") as usize..end as usize];
        assert!(code.contains(&0xc3), "it returns: {function}");
        let name = if at == 16 {
            Value::Null
        } else {
            json!(format!("f{}", at - 1))
        };
        assert_eq!(function["name"], name);
    }
    assert!(functions.len() == 16 && end <= section(".text").end);
    let sizes: Vec<_> = functions.iter().map(|function| function["bytes"].as_u64()).collect();
    assert!(sizes[1..15].is_sorted() && sizes[14] > sizes[1], "{sizes:?}");

    let ended = dir.wrun(["inspect", "out"]).run().status(0).quiet();
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("function  ")).collect();
    assert_eq!(lines.len(), 11, "{text}");
    for (line, number) in lines.iter().zip((5..15).rev()) {
        assert!(line.ends_with(&format!(" f{number}")), "{text}");
    }
    assert_eq!(
        lines[10],
        "function      6 smaller ones: `wrun inspect --json` lists all"
    );
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
        "memory        guarded (4.0 GiB reserved, 32.0 MiB of guard)\n",
        "aliases       analysed\n",
        "code section  at 0x",
        "checksums     ",
        "key           ",
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
    fs::create_dir(dir.path().join("cache")).expect("the test owns it");
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
    let sound = fs::read(dir.path().join("out")).expect("it exists");
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
