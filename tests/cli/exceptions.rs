//! Exceptions that leave the guest, and what handlers for everything do not catch.

use std::time::Duration;

use crate::support::{Dir, wrun};

/// Returns a module with the import of `proc_exit`, some fields, and `_start` with this body.
fn command(fields: &str, body: &str) -> String {
    format!(
        "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $proc_exit (param i32))) (memory (export \"memory\") 1)
          {fields} (func $main (export \"_start\") {body}))"
    )
}

/// Returns instructions around a body that catch everything and end normally, in both forms.
fn catching(body: &str) -> [String; 2] {
    [
        format!("(block $caught (try_table (catch_all $caught) {body}))"),
        format!("try {body} catch_all end"),
    ]
}

#[test]
fn an_exception_that_nobody_catches_ends_the_program_with_its_name_payload_and_backtrace() {
    let dir = Dir::new();
    for (fields, message) in [
        ("(tag $t) (func $thrower throw $t)", "uncaught exception: t"),
        (
            "(tag $out-of-paper (param i32 i64 f32 f64)) (func $thrower
               i32.const -7 i64.const 8 f32.const 0.5 f64.const inf throw $out-of-paper)",
            "uncaught exception: out-of-paper(i32 -7, i64 8, f32 0.5, f64 inf)",
        ),
        (
            "(tag (export \"paper\") (param externref funcref)) (func $thrower
               ref.null extern ref.func $thrower throw 0) (elem declare func $thrower)",
            "uncaught exception: paper(externref null, funcref)",
        ),
        (
            "(tag (param i32)) (func $thrower i32.const 1 throw 0)",
            "uncaught exception: unnamed tag(i32 1)",
        ),
    ] {
        dir.write("x.wat", command(fields, "call $thrower"));
        dir.wrun(["x.wat"]).run().traps(134, message, ["0: thrower", "1: main"]);
    }
}

#[test]
fn a_handler_for_another_tag_and_a_rethrow_keep_the_backtrace_of_the_throw() {
    let dir = Dir::new();
    let fields = "(tag $t (param i32)) (tag $other) (func $thrower i32.const 5 throw $t)";
    for body in [
        "(block $caught (try_table (catch $other $caught) (call $thrower)))",
        "(block $caught (result exnref) (try_table (catch_all_ref $caught) (call $thrower)) (unreachable)) (throw_ref)",
        "try call $thrower catch $other end",
        "try call $thrower catch_all rethrow 0 end",
        "try try call $thrower delegate 0 catch $other end",
    ] {
        dir.write("x.wat", command(fields, body));
        dir.wrun(["x.wat"])
            .run()
            .traps(134, "uncaught exception: t(i32 5)", ["0: thrower", "1: main"]);
    }
}

#[test]
fn an_exception_in_the_start_function_is_reported_too() {
    let dir = Dir::new();
    dir.write("x.wat", command("(tag $t) (func $begin (throw $t)) (start $begin)", ""));
    dir.wrun(["x.wat"])
        .run()
        .traps(134, "uncaught exception: t", ["0: begin"]);
}

#[test]
fn an_exit_is_not_caught() {
    let dir = Dir::new();
    for body in catching("i32.const 3 call $proc_exit") {
        dir.write("x.wat", command("", &body));
        dir.wrun(["x.wat"]).run().status(3).quiet();
    }
}

#[test]
fn traps_are_not_caught() {
    let dir = Dir::new();
    let fields = "(func $deeper (param i32) (call $deeper (local.get 0)) (call $deeper (local.get 0)))";
    for (trapping, reason) in [
        ("unreachable", "trap: unreachable"),
        ("i32.const -1 i32.load drop", "trap: out of bounds memory access"),
        ("i32.const 1 i32.const 0 i32.div_s drop", "trap: integer divide by zero"),
        ("ref.null exn throw_ref", "trap: null exception reference"),
        ("i32.const 0 call $deeper", "trap: call stack exhausted"),
    ] {
        for body in catching(trapping) {
            dir.write("x.wat", command(fields, &body));
            let ended = dir.wrun(["x.wat"]).run().status(134);
            assert!(ended.stderr.starts_with(&format!("wrun: {reason}")), "{ended:?}");
        }
    }
}

#[test]
fn a_deadline_is_not_caught() {
    let dir = Dir::new();
    for body in catching("(loop $again (br $again))") {
        dir.write("x.wat", command("", &format!("(loop $outer {body} (br $outer))")));
        let ended = dir.wrun(["--epoch-timeout=300ms", "x.wat"]).run().traps(
            124,
            "interrupted: the deadline of 300ms has passed (--epoch-timeout)",
            ["0: main"],
        );
        assert!(ended.wall < Duration::from_secs(20), "{:?}", ended.wall);
    }
}

#[test]
fn an_invoked_function_returns_what_it_caught_or_ends_with_what_it_threw() {
    let dir = Dir::new();
    let text = r#"(module (tag $odd (param i64)) (table funcref (elem $check)) (type $t (func (param i64)))
        (func $check (type $t) (if (i32.wrap_i64 (i64.and (local.get 0) (i64.const 1))) (then (throw $odd (local.get 0)))))
        (func (export "check") (param i64) (call $check (local.get 0)))
        (func (export "caught") (param i64) (result i64)
          (block $odd (result i64)
            (try_table (catch $odd $odd) (call_indirect (type $t) (local.get 0) (i32.const 0)))
            (i64.const -1)))
        (func (export "legacy") (param i64) (result i64)
          local.get 0 try (param i64) (result i64) i32.const 0 call_indirect (type $t) i64.const -1 catch $odd end))"#;
    dir.write("x.wat", text);
    let invoke = |function: &str, word: &str| dir.wrun(["--invoke", function, "x.wat", word]).run();
    for function in ["caught", "legacy"] {
        invoke(function, "7").prints("7\n");
        invoke(function, "8").prints("-1\n");
    }
    invoke("check", "8").prints("");
    invoke("check", "9").traps(134, "uncaught exception: odd(i64 9)", ["0: check", "1: check"]);
}

#[test]
fn inspect_names_the_form_of_exceptions_and_lists_tags() {
    let [exnref, legacy] = catching("");
    let both = format!("{exnref} {legacy}");
    for (body, form) in [
        ("nop", "none"),
        (&*exnref, "exnref"),
        (&*legacy, "legacy"),
        (&*both, "both"),
    ] {
        for (refused, fields) in [(false, ""), (true, "(import \"mine\" \"u\" (tag (param i64)))")] {
            let dir = Dir::new();
            let module =
                format!("(module {fields} (tag (export \"t\") (param i32)) (func (export \"_start\") {body}))");
            dir.write("x.wat", module);
            let found = dir.wrun(["inspect", "--json", "x.wat"]).run().status(0).quiet();
            let found: serde_json::Value = serde_json::from_slice(&found.stdout).expect("JSON");
            assert_eq!(found["exceptions"], form);
            assert_eq!(found["refused"].is_string(), refused, "{found}");
            let tag = serde_json::json!({"name": "t", "type": "tag (i32)"});
            assert!(
                found["exports"].as_array().is_some_and(|all| all.contains(&tag)),
                "{found}"
            );
            let words = dir.wrun(["inspect", "x.wat"]).run().status(0).quiet();
            let words = String::from_utf8(words.stdout).expect("UTF-8");
            assert!(words.contains(&format!("exceptions    {form}\n")), "{words}");
            if refused {
                assert!(words.contains("import        mine.u tag (i64)\n"), "{words}");
                continue;
            }
            dir.wrun(["compile", "-o", "out", "x.wat"]).run().prints("");
            let found = wrun(["inspect", "--json"])
                .args([dir.path().join("out")])
                .run()
                .status(0)
                .quiet();
            let found: serde_json::Value = serde_json::from_slice(&found.stdout).expect("JSON");
            assert!(found["exceptions"].is_null(), "the compiled module does not show it");
            assert!(
                found["exports"].as_array().is_some_and(|all| all.contains(&tag)),
                "{found}"
            );
        }
    }
}
