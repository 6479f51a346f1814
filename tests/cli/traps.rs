//! Traps: status 134, the reason in the words of the specification, and a wasm backtrace with the names of functions.

use std::time::{Duration, Instant};

use crate::support::{Dir, guest, wrun, wrun_after, wrun_through};

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
    let text = std::fs::read_to_string(guest("hello")).expect("the guest exists");
    let text = text.trim_end().strip_suffix(")").expect("the module ends so");
    // The same module with another end: a command that traps after its output.
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
fn functions_without_names_have_those_of_their_exports_or_numbers() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module (func unreachable) (func (export "_start") (call 0)))"#,
    );
    dir.wrun(["x.wat"])
        .run()
        .traps(134, "trap: unreachable", ["0: function 0", "1: _start"]);
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

#[test]
fn traps_are_reported_when_whoever_started_wrun_has_blocked_the_signals() {
    let blocked = ["env", "--block-signal=SEGV,BUS,ILL,FPE"];
    for (trap, reason) in [
        (&["unreachable"][..], "unreachable"),
        (&["far out of bounds"], "out of bounds memory access"),
        (&["divide by zero", "0"], "integer divide by zero"),
        (
            &["endless"],
            "call stack exhausted (the stack has 8MiB: --stack-size sets it)",
        ),
    ] {
        let (export, args) = trap.split_first().expect("not empty");
        let ended = wrun_through(&blocked, ["--invoke", export])
            .args([guest("traps")])
            .args(args)
            .run();
        ended.traps(134, &format!("trap: {reason}"), ["0: "]);
    }
}

#[test]
fn a_fault_signal_that_somebody_sends_ends_wrun_as_any_program() {
    for (name, signal) in [("SEGV", 11), ("BUS", 7), ("ILL", 4), ("FPE", 8)] {
        let send = format!("(sleep 0.3; kill -{name} $$) & true");
        let ended = wrun_after(&send, ["--invoke", "read"]).args([guest("waits")]);
        ended.stdin_open().run().quiet().dies_of(signal);
    }
}

#[test]
fn names_of_cpp_and_rust_functions_are_readable_and_cannot_outlast_the_trap() {
    let dir = Dir::new();
    let endless = "S_IS0_S0_E".to_owned() + &(1..24).map(|i| format!("S_IS{0}_S{0}_E", digit(i))).collect::<String>();
    dir.write(
        "x.wat",
        format!(
            r#"(module
              (func $_ZN5outer5innerEi unreachable)
              (func $_RNvC7mycrate3foo call 0)
              (func $_Z1f1aIiiE{endless} (export "_start") call 1))"#
        ),
    );
    let started = Instant::now();
    dir.wrun(["x.wat"]).run().traps(
        134,
        "trap: unreachable",
        ["0: outer::inner(int) @", "1: mycrate::foo @", "2: _Z1f1aIiiE"],
    );
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// Returns a digit of a number in base 36.
fn digit(number: u32) -> char {
    char::from_digit(number, 36).expect("small").to_ascii_uppercase()
}
