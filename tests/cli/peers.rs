//! Options of other runners: the message names the option that does the same, or says that there is none.

use crate::support::{guest, wrun};

#[test]
fn the_option_that_does_the_same_is_named() {
    for (words, parts) in [
        (
            &["--mapdir", "/data:."][..],
            &["no option `--mapdir`", "`--dir HOST::GUEST`"][..],
        ),
        (
            &["--mapdir=/data:."],
            &["no option `--mapdir`: ", "`--dir HOST::GUEST`"],
        ),
        (
            &["--volume", ".:/data"],
            &["no option `--volume`", "`--dir HOST::GUEST`"],
        ),
        (
            &["-v", ".:/data"],
            &["no option `-v`", "`--dir HOST::GUEST`", "WRUN_LOG=debug"],
        ),
        (
            &["-mount=.:/data:ro"],
            &["no option `-mount`", "`--dir HOST::GUEST`", "--dir-ro"],
        ),
        (&["--timeout", "5"], &["no option `--timeout`", "`--epoch-timeout 5s`"]),
        (&["-timeout", "5s"], &["no option `-timeout`", "`--epoch-timeout 5s`"]),
        (&["--verbose"], &["no option `--verbose`", "WRUN_LOG=debug"]),
        (
            &["--tcplisten", "127.0.0.1:80"],
            &["no option `--tcplisten`", "`--listen ADDR`"],
        ),
        (&["--env-inherit"], &["no option `--env-inherit`", "`--inherit-env`"]),
        (&["-env", "A=b"], &["no option `-env`", "`--env`"]),
        (&["-env-inherit"], &["no option `-env-inherit`", "`--inherit-env`"]),
        (&["--cwd", "/x"], &["no option `--cwd`", "`--dir PATH::.`"]),
        (&["--disable-cache"], &["no option `--disable-cache`", "`--no-cache`"]),
        (&["-i", "f"], &["no option `-i`", "`--invoke FUNC`"]),
        (&["-S", "inherit-env"], &["no option `-S`", "`--inherit-env`"]),
        (&["-Sinherit-env=y"], &["no option `-S`", "`--inherit-env`"]),
        (&["-W", "timeout=5s"], &["no option `-W`", "`--epoch-timeout 5s`"]),
        (
            &["-W", "max-wasm-stack=1000000"],
            &["no option `-W`", "`--stack-size SIZE`"],
        ),
        (&["-C", "cache=n"], &["no option `-C`", "`--no-cache`"]),
        (&["-D", "max-backtrace=3"], &["no option `-D`", "`--backtrace full`"]),
        (
            &["-W", "relaxed-simd-deterministic"],
            &["no option `-W`", "`--deterministic`"],
        ),
        (
            &["run", "-W", "unknown-imports-trap"],
            &["no option `-W`", "`--unknown-imports trap`"],
        ),
    ] {
        wrun(words).args([guest("hello")]).run().fails(125, parts);
    }
}

#[test]
fn where_there_is_no_such_option_the_reason_is_given() {
    for (words, parts) in [
        (&["--net"][..], &["no option `--net`", "cannot open connections"][..]),
        (
            &["--fuel", "100"],
            &["no option `--fuel`", "does not count instructions"],
        ),
        (&["-W", "fuel=100"], &["no option `-W`", "does not count instructions"]),
        (&["--allow-all"], &["no option `--allow-all`", "only what `--dir`"]),
        (&["--env-file", ".env"], &["no option `--env-file`", "`--env NAME`"]),
        (&["--no-dir"], &["no option `--no-dir`", "no directory unless"]),
        (
            &["--preload", "x=y.wasm"],
            &["no option `--preload`", "runs one module"],
        ),
        (
            &["--max-memory-size", "1G"],
            &["no option `--max-memory-size`", "`ulimit -v`"],
        ),
        (&["-O", "opt-level=2"], &["no option `-O`", "always optimises"]),
        (&["-W", "gc"], &["no option `-W`", "are always on"]),
        (&["--coredump"], &["no option `--coredump`", "no core dump"]),
        (&["-d", "."], &["no option `-d`", "no short form"]),
        // Three options have this beginning, so none of them is suggested.
        (&["--cache"], &["no option `--cache`", "always used"]),
    ] {
        let ended = wrun(words).args([guest("hello")]).run().fails(125, parts);
        assert!(!ended.stderr.contains("did you mean"), "{}", ended.stderr);
    }
}

#[test]
fn only_a_slip_of_the_finger_gets_a_suggestion() {
    for (word, option) in [
        ("--dri", "--dir"),
        ("--dirr", "--dir"),
        ("--enb", "--env"),
        ("--stack", "--stack-size"),
        ("--inherit-envs", "--inherit-env"),
        ("--cachedir", "--cache-dir"),
        ("--allow-precompile", "--allow-precompiled"),
    ] {
        let part = format!("no option `{word}`, did you mean `{option}`?");
        wrun([word, "x"]).args([guest("hello")]).run().fails(125, [part]);
    }
    for word in ["--frobnicate", "--nat", "--version2000", "--cachet-fur"] {
        let ended = wrun([word]).args([guest("hello")]).run().fails(125, ["no option"]);
        assert!(!ended.stderr.contains("did you mean"), "{}", ended.stderr);
    }
}
