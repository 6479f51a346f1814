//! `wrun inspect FILE` of modules that wrun cannot run: it lists the contents of the file.

use crate::support::{Dir, artifacts};
use serde_json::{Value, json};

fn inspected(dir: &Dir, file: &str) -> (Value, String) {
    let json = dir
        .wrun(["inspect", "--json", "--cache-dir=cache", file])
        .run()
        .status(0)
        .quiet();
    let words = dir.wrun(["inspect", "--cache-dir=cache", file]).run().status(0).quiet();
    let value = serde_json::from_slice(&json.stdout).unwrap_or_else(|error| panic!("{error}: {json:?}"));
    (value, String::from_utf8(words.stdout).expect("UTF-8"))
}

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn all_imports_of_a_module_for_another_host_are_listed_and_it_is_not_compiled() {
    let dir = Dir::new();
    let imports: String = (0..40)
        .map(|i| format!("(import \"env\" \"f{i}\" (func (param i32)))"))
        .collect();
    dir.write(
        "x.wat",
        format!("(module $mine {imports} (func $main (export \"_start\")))"),
    );
    let (value, words) = inspected(&dir, "x.wat");
    assert_eq!(value["imports"].as_array().map(Vec::len), Some(40));
    assert_eq!(
        value["imports"][39],
        json!({"module": "env", "name": "f39", "type": "func (i32) -> ()"})
    );
    assert_eq!(value["exports"], json!([{"name": "_start", "type": "func () -> ()"}]));
    let run = dir.wrun(["x.wat"]).run().status(126);
    assert_eq!(
        Some(run.stderr.trim_end()),
        value["refused"].as_str().map(|line| format!("wrun: {line}")).as_deref()
    );
    for (field, expected) in [
        ("kind", json!("wasm")),
        ("name", json!("mine")),
        ("proposals", json!([])),
        ("functions", json!(1)),
        ("build", Value::Null),
    ] {
        assert_eq!(value[field], expected, "{field}");
    }
    assert_eq!(value["function_list"][0]["name"], "main");
    assert_eq!(value["function_list"][0]["index"], 40);
    let key = String::from_utf8(dir.wrun(["cache", "key", "x.wat"]).run().status(0).stdout).expect("UTF-8");
    assert_eq!(value["key"], key.trim());
    contains(
        &words,
        &[
            "file          x.wat (wasm)\n",
            "refused       cannot run `x.wat`: ",
            "import        env.f0 func (i32) -> ()\n",
            "import        env.f39 func (i32) -> ()\n",
            "export        _start func () -> ()\n",
            "section       code ",
        ],
    );
    assert!(!dir.path().join("cache").exists() || artifacts(&dir.path().join("cache")).is_empty());
}

#[test]
fn a_module_of_refused_proposals_lists_all_that_it_needs_and_its_own_declarations() {
    let dir = Dir::new();
    let text = r#"(module (type $s (struct)) (type $f (func)) (type (cont $f))
        (import "m" "t" (tag (param i32))) (import "m" "mem" (memory 1 2 shared))
        (func (export "f") (memory.discard (i32.const 0) (i32.const 0))))"#;
    dir.write("x.wasm", wat::parse_str(text).expect("well-formed"));
    let (value, words) = inspected(&dir, "x.wasm");
    let needed = ["threads", "gc", "stack-switching", "memory-control"];
    assert_eq!(value["proposals"], json!(needed));
    assert_eq!(
        value["imports"][0],
        json!({"module": "m", "name": "t", "type": "tag (i32)"})
    );
    assert_eq!(value["imports"][1]["type"], "shared memory of 1 to 2 pages");
    let refused = value["refused"].as_str().expect("a reason");
    assert!(
        refused.starts_with("cannot run `x.wasm`: the module needs threads and gc and stack-switching "),
        "{refused}"
    );
    contains(
        &words,
        &[
            "proposals     threads, gc, stack-switching, memory-control\n",
            "import        m.t tag (i32)\n",
        ],
    );
}

#[test]
fn a_proposal_that_only_the_code_needs_is_listed_too() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        "(module (func (export \"_start\") (drop (ref.i31 (i32.const 1)))))",
    );
    let (value, _) = inspected(&dir, "x.wat");
    assert_eq!((&value["proposals"], &value["functions"]), (&json!(["gc"]), &json!(1)));
}

#[test]
fn an_invalid_module_is_listed_with_the_reason() {
    let dir = Dir::new();
    dir.write("x.wat", "(module (func (export \"f\")) (func i32.add))");
    let (value, _) = inspected(&dir, "x.wat");
    assert_eq!((&value["functions"], &value["proposals"]), (&json!(2), &json!([])));
    assert!(
        value["refused"]
            .as_str()
            .is_some_and(|line| line.contains("invalid wasm module: type mismatch")),
        "{value}"
    );
}

#[test]
fn a_library_is_compiled_and_says_that_it_is_no_program() {
    let dir = Dir::new();
    dir.write("x.wat", "(module (func (export \"f\")))");
    let (value, words) = inspected(&dir, "x.wat");
    assert!(
        value["refused"]
            .as_str()
            .is_some_and(|line| line.contains("exports no `_start`")),
        "{value}"
    );
    assert_eq!(
        (&value["kind"], &value["is_this_build"]),
        (&json!("wasm"), &json!(true))
    );
    contains(
        &words,
        &["refused       cannot run `x.wat`: it is not a program", "(this wrun)\n"],
    );
    dir.write("x.wat", "(module (func (export \"_start\")))");
    let (value, words) = inspected(&dir, "x.wat");
    assert_eq!((&value["refused"], &value["proposals"]), (&Value::Null, &json!([])));
    contains(&words, &["refused       no\n"]);
}

#[test]
fn a_component_lists_what_it_imports_and_exports_by_kind() {
    let dir = Dir::new();
    let text = r#"(component (import "wasi:cli/run@0.2.0" (instance)) (import "f" (func))
        (core module (import "hidden" "g" (func))) (component (core module)) (export "again" (func 0)))"#;
    dir.write("x.wasm", wat::parse_str(text).expect("well-formed"));
    let (value, words) = inspected(&dir, "x.wasm");
    let imports = json!([
        {"module": null, "name": "wasi:cli/run@0.2.0", "type": "instance"},
        {"module": null, "name": "f", "type": "func"},
    ]);
    assert_eq!(value["imports"], imports);
    assert_eq!(value["exports"], json!([{"name": "again", "type": "func"}]));
    assert_eq!(
        (&value["kind"], &value["modules"], &value["components"]),
        (&json!("component"), &json!(2), &json!(1))
    );
    assert!(
        value["refused"]
            .as_str()
            .is_some_and(|line| line.contains("this is a component")),
        "{value}"
    );
    contains(
        &words,
        &[
            "file          x.wasm (component)\n",
            "modules       2\n",
            "import        wasi:cli/run@0.2.0 instance\n",
            "section       core module ",
        ],
    );
}
