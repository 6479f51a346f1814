//! `--invoke`: arguments by type, results one per line, reactors.

use crate::support::{Dir, guest, wrun, wrun_after};

#[test]
fn arguments_are_read_by_their_types_and_results_printed_one_per_line() {
    for (words, results) in [
        (&["nothing"][..], ""),
        (&["add", "2", "3"], "5\n"),
        (&["add", "-1", "4294967295"], "-2\n"),
        (&["add", "0xffffffff", "+1"], "0\n"),
        (&["add", "2147483647", "1"], "-2147483648\n"),
        (&["加算", "-0x10", "0X1"], "-15\n"),
        (&["i64", "18446744073709551615"], "-1\n"),
        (&["i64", "-9223372036854775808"], "-9223372036854775808\n"),
        (&["i64", "0x7fffffffffffffff"], "9223372036854775807\n"),
        (&["f32", "0.1"], "0.1\n"),
        (&["f32", "16777217"], "16777216\n"),
        (&["f32", "nan"], "nan\n"),
        (&["f32", "-nan:0x1"], "-nan:0x1\n"),
        (&["f32", "inf"], "inf\n"),
        (&["f64", "-0"], "-0\n"),
        (&["f64", "1e300"], "1e300\n"),
        (&["f64", "-inf"], "-inf\n"),
        (&["f64", "5"], "5\n"),
        (&["f64", "0.30000000000000004"], "0.30000000000000004\n"),
        (&["swap", "7", "2.5"], "2.5\n7\n"),
        (&["many"], "-1\n-2\n0.1\n-inf\n"),
        (&["vector"], "0x00000004000000030000000200000001\n"),
        (&["references"], "null\nfuncref\nnull\n"),
        (&[""], "7\n"),
    ] {
        let (name, arguments) = words.split_first().expect("a name");
        let module = guest("values");
        wrun(["--invoke", name])
            .args([module])
            .args(arguments)
            .run()
            .prints(results);
    }
}

#[test]
fn wrong_calls_have_status_125_and_name_the_type() {
    for (words, parts) in [
        (
            &["add", "1"][..],
            &[
                "`add` has the type (i32, i32) -> (i32)",
                "takes 2 arguments, but 1 came",
            ][..],
        ),
        (&["add", "1", "2", "3"], &["takes 2 arguments, but 3 came"]),
        (
            &["add", "1", "4294967296"],
            &["`4294967296` is not an i32", "-2147483648 to 4294967295"],
        ),
        (&["add", "1.0", "2"], &["`1.0` is not an i32"]),
        (&["add", "--", "2"], &["`--` is not an i32"]),
        (&["i64", ""], &["`` is not an i64"]),
        (&["f64", "one"], &["`one` is not an f64", "inf or nan"]),
        // A number that is too large is refused, as for integers. `inf` is accepted.
        (&["f32", "1e39"], &["`1e39` is not an f32", "up to 3.4028235e38, inf"]),
        (&["f64", "-1e309"], &["`-1e309` is not an f64", "inf"]),
        (
            &["takes a vector", "0"],
            &[
                "`takes a vector` has the type (v128) -> ()",
                "values of type v128 cannot be given",
            ],
        ),
        (
            &["takes a function", "null"],
            &["values of type funcref cannot be given"],
        ),
        (
            &["takes a reference", "0", "null"],
            &["values of type externref cannot be given"],
        ),
        (&["global"], &["`global` is exported, but it is not a function"]),
        (
            &["nosuch"],
            &["there is no export `nosuch`", "`add` (i32, i32) -> (i32)"],
        ),
        (&["_start"], &["there is no export `_start`"]),
    ] {
        let (name, arguments) = words.split_first().expect("a name");
        let module = guest("values");
        wrun(["--invoke", name])
            .args([module])
            .args(arguments)
            .run()
            .fails(125, ["--invoke: "].iter().chain(parts));
    }
}

#[test]
fn a_library_is_initialised_once_before_the_call() {
    wrun(["--invoke", "count"])
        .args([guest("reactor")])
        .run()
        .prints("101\n");
    wrun(["--invoke", "_initialize"])
        .args([guest("reactor")])
        .run()
        .prints("");
}

#[test]
fn a_command_is_not_started_by_invoke() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module (func (export "_start") unreachable) (func (export "f") (result i32) (i32.const 3)))"#,
    );
    dir.wrun(["--invoke", "f", "x.wat"]).run().prints("3\n");
    dir.wrun(["x.wat"]).run().status(134);
}

#[test]
fn what_start_is_does_not_matter_to_invoke() {
    let dir = Dir::new();
    for (entry, result) in [
        ("(func (export \"_start\") (param i32))", "3\n"),
        ("(global (export \"_start\") i32 (i32.const 0))", "3\n"),
        (
            "(func (export \"_start\") unreachable) (func (export \"_initialize\") (global.set $g (i32.const 4)))",
            "4\n",
        ),
    ] {
        let f = "(global $g (mut i32) (i32.const 3)) (func (export \"f\") (result i32) (global.get $g))";
        dir.write("x.wat", format!("(module {entry} {f})"));
        dir.wrun(["--invoke", "f", "x.wat"]).run().prints(result);
    }
}

#[test]
fn an_initialisation_of_another_type_is_refused_unless_it_is_what_is_invoked() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module (func (export "_initialize") (param i32) (result i32) (local.get 0)) (func (export "f")))"#,
    );
    dir.wrun(["--invoke", "f", "x.wat"])
        .run()
        .fails(126, ["its `_initialize` has the type (i32) -> (i32)"]);
    dir.wrun(["--invoke", "_initialize", "x.wat", "7"]).run().prints("7\n");
}

#[test]
fn a_trap_in_the_initialisation_ends_the_run() {
    let dir = Dir::new();
    dir.write(
        "x.wat",
        r#"(module (func $_initialize (export "_initialize") unreachable) (func (export "f")))"#,
    );
    dir.wrun(["--invoke", "f", "x.wat"])
        .run()
        .traps(134, "trap: unreachable", ["_initialize"]);
}

#[test]
fn an_invoked_function_may_exit() {
    let dir = Dir::new();
    let text = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "f") (param i32) (result i32) (call $exit (local.get 0)) (i32.const 1)))"#;
    dir.write("x.wat", text);
    dir.wrun(["--invoke", "f", "x.wat", "9"]).run().status(9).quiet();
}

#[test]
fn results_that_cannot_be_written_are_a_failure() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    wrun(["--invoke", "many"])
        .args([guest("values")])
        .run_with_stdout(full)
        .fails(125, ["cannot write to stdout"]);
}

#[test]
fn results_for_a_closed_stdout_are_a_failure() {
    let invoke = |function: &'static str| {
        let words = ["--invoke".into(), function.into(), guest("values").into_os_string()];
        wrun_after("exec >&-", words).run()
    };
    invoke("many").fails(125, ["cannot write to stdout: Bad file descriptor"]);
    // There is nothing to write.
    invoke("nothing").prints("");
}

#[test]
fn a_function_without_parameters_finds_the_words_in_argv() {
    let dir = Dir::new();
    // A library whose function is a command: it writes its argv, like `words`.
    let text = std::fs::read_to_string(guest("words")).expect("the guest exists");
    dir.write(
        "x.wat",
        text.replace("(export \"_start\")", "(export \"delayed start\")"),
    );
    let invoke = |words: &[&str]| {
        let run = dir.wrun(["--argv0", "x", "--invoke", "delayed start", "x.wat"]);
        run.args(words).run()
    };
    invoke(&[]).prints("x\0|");
    invoke(&["--help", "", "-"]).prints("x\0--help\0\0-\0|");
    // A function with results finds them too, and is called only once.
    wrun(["--invoke", "many"])
        .args([guest("values")])
        .args(["--help"])
        .run()
        .prints("-1\n-2\n0.1\n-inf\n");
}
