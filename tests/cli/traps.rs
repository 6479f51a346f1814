//! Traps: status 134, the spec's reason, a wasm backtrace with the functions' names.

mod support;

use support::{Dir, guest, wrun};

#[test]
fn each_trap_has_its_reason_and_a_backtrace() {
    for (name, argument, reason, frames) in [
        ("unreachable", None, "unreachable", &["0: inner", "1: unreachable"][..]),
        (
            "memory out of bounds",
            None,
            "out of bounds memory access",
            &["0: memory"],
        ),
        ("far out of bounds", None, "out of bounds memory access", &["0: far"]),
        ("fill out of bounds", None, "out of bounds memory access", &["0: fill"]),
        (
            "table out of bounds",
            None,
            "out of bounds table access",
            &["0: table_get"],
        ),
        ("undefined element", None, "undefined element", &["0: undefined"]),
        ("uninitialized element", None, "uninitialized element", &["0: null"]),
        ("type mismatch", None, "indirect call type mismatch", &["0: mismatch"]),
        ("divide by zero", Some("0"), "integer divide by zero", &["0: zero"]),
        ("integer overflow", Some("-1"), "integer overflow", &["0: overflow"]),
        (
            "invalid conversion",
            Some("nan"),
            "invalid conversion to integer",
            &["0: nan"],
        ),
        ("conversion overflow", Some("1e10"), "integer overflow", &["0: range"]),
    ] {
        wrun(["--invoke", name])
            .args([guest("traps")])
            .args(argument)
            .run()
            .traps(134, &format!("trap: {reason}"), frames);
    }
}

#[test]
fn a_trap_in_start_is_reported_too() {
    let dir = Dir::new();
    dir.write(
        "start.wat",
        r#"(module (func $begin unreachable) (start $begin) (func (export "_start")))"#,
    );
    dir.wrun(["start.wat"])
        .run()
        .traps(134, "trap: unreachable", ["0: begin"]);
    dir.write("main.wat", r#"(module (func $main (export "_start") unreachable))"#);
    dir.wrun(["main.wat"])
        .run()
        .traps(134, "trap: unreachable", ["0: main"]);
    dir.write(
        "data.wat",
        r#"(module (memory 1) (data (i32.const 65536) "x") (func (export "_start")))"#,
    );
    dir.wrun(["data.wat"])
        .run()
        .traps(134, "trap: out of bounds memory access", [""; 0]);
}

#[test]
fn output_before_a_trap_is_not_lost() {
    let dir = Dir::new();
    let text = std::fs::read_to_string(guest("hello")).expect("the guest is there");
    let text = text.trim_end().strip_suffix(")").expect("the module ends so");
    // A command that traps after its greeting: the same module with another end.
    let text =
        text.replace("(export \"_start\")", "") + "\n (func $after (export \"_start\") (call $main) unreachable))";
    dir.write("x.wat", text);
    let ended = dir.wrun(["x.wat"]).run().traps(134, "trap: unreachable", ["0: after"]);
    assert_eq!(ended.stdout, b"hello, world\n");
}

#[test]
fn endless_recursion_is_a_trap_with_a_short_backtrace() {
    let ended = wrun(["--invoke", "endless"]).args([guest("traps")]).run().traps(
        134,
        "trap: call stack exhausted (the stack has 8MiB: --stack-size sets it)",
        ["0: endless", "more frames"],
    );
    assert!(ended.stderr.lines().count() < 200, "{}", ended.stderr);
}

#[test]
fn more_stack_is_deeper_recursion() {
    let down = |options: &[&str], depth: u32| {
        wrun(["--invoke", "down"])
            .args(options)
            .args([guest("deep")])
            .args([depth.to_string()])
            .run()
    };
    down(&[], 100_000).prints("100000\n");
    down(&[], 3_000_000).status(134).says(["call stack exhausted", "8MiB"]);
    down(&["--stack-size", "512MiB"], 3_000_000).prints("3000000\n");
    down(&["--stack-size=64K"], 10).prints("10\n");
    down(&["--stack-size=64K"], 100_000)
        .status(134)
        .says(["call stack exhausted", "64KiB"]);
}

#[test]
fn without_address_map_the_message_says_what_is_lost() {
    let with = wrun(["--invoke", "unreachable"]).args([guest("traps")]).run();
    let with = with.traps(134, "trap: unreachable", ["0: inner @ 0x", "1: unreachable @ 0x"]);
    assert!(!with.stderr.contains("--no-address-map"), "{}", with.stderr);
    let without = wrun(["--no-address-map", "--invoke", "unreachable"])
        .args([guest("traps")])
        .run();
    let without = without.traps(
        134,
        "trap: unreachable",
        [
            "0: inner\n",
            "1: unreachable\n",
            "note: no wasm offsets and no source lines",
            "--no-address-map",
        ],
    );
    assert!(!without.stderr.contains("0x"), "{}", without.stderr);
}

#[test]
fn functions_without_names_have_numbers() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module (func unreachable) (func (export "_start") (call 0)))"#,
    );
    dir.wrun(["x.wat"])
        .run()
        .traps(134, "trap: unreachable", ["0: function 0", "1: function 1"]);
}

#[test]
fn names_from_a_module_cannot_drive_a_terminal() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        "(module (func $\"\\1b[31mred\" (export \"_start\") unreachable))",
    );
    let ended = dir
        .wrun(["x.wat"])
        .run()
        .traps(134, "trap: unreachable", ["\\u{1b}[31mred"]);
    assert!(!ended.stderr.contains('\x1b'));
}

#[test]
fn a_functions_name_can_neither_forge_lines_nor_reorder_them() {
    let dir = Dir::new();
    let long = "x".repeat(5000);
    dir.write(
        "x.wat",
        format!(
            r#"(module
                (func $inner (@name "in: ner\nwrun: cannot run `/etc/passwd`: forged\n   7: main") unreachable)
                (func $long (@name "{long}") (call $inner))
                (func $main (@name "   1: \u{{202e}}niam\u{{2028}}\1b[2J") (export "_start") (call $long)))"#
        ),
    );
    let ended = dir.wrun(["--no-address-map", "x.wat"]).run().status(134);
    let expected = [
        "wrun: trap: unreachable".to_owned(),
        r"   0: in: ner\nwrun: cannot run `/etc/passwd`: forged\n   7: main".to_owned(),
        format!("   1: {}…", &long[..1000]),
        r"   2:    1: \u{202e}niam\u{2028}\u{1b}[2J".to_owned(),
    ];
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines[..4], expected);
    assert!(lines[4].starts_with("note: ") && lines.len() == 5, "{lines:#?}");

    // The same with frames left out in the middle.
    dir.write(
        "x.wat",
        r#"(module (func $f (@name "f: \n 9: ") (export "_start") (call $f)))"#,
    );
    let ended = dir.wrun(["x.wat"]).run().status(134);
    let frames = ended.stderr.lines().skip(1);
    let (left_out, frames): (Vec<_>, Vec<_>) = frames.partition(|line| line.ends_with(" more frames ..."));
    assert_eq!(left_out.len(), 1, "{}", ended.stderr);
    assert!(
        frames.iter().all(|line| line.contains(r": f: \n 9:  @ 0x")),
        "{}",
        ended.stderr
    );
}
