//! The parts of the command line for wrun itself: help, version, completions, reserved words, options, wrong usage.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Dir, guest, wrun, wrun_after};

#[test]
fn help_names_every_option_and_status() {
    for words in [
        &["--help"][..],
        &["-h"],
        &["help"],
        &["help", "run"],
        &["run", "--help"],
        &["run", "-h"],
    ] {
        let ended = wrun(words).run().status(0).quiet();
        let text = String::from_utf8(ended.stdout).expect("help is UTF-8");
        for word in [
            "Usage: wrun",
            "--dir ",
            "--dir-ro",
            "--listen",
            "-e, --env",
            "--inherit-env",
            "--argv0",
            "--unknown-imports",
            "--stack-size",
            "--no-address-map",
            "--deterministic",
            "--invoke",
            "--epoch-timeout",
            "--profile",
            "--backtrace",
            "--cpu",
            "--allow-precompiled",
            "--cache-dir",
            "--no-cache",
            "--cache-mode",
            "--cache-size",
            "WRUN_CACHE_DIR",
            "134",
            "124",
            "125",
            "126",
            "127",
            "WRUN_LOG",
        ] {
            assert!(text.contains(word), "{words:?}: no {word} in\n{text}");
        }
    }
}

#[test]
fn the_version_is_one_line() {
    for word in ["--version", "-V"] {
        wrun([word]).run().prints("wrun 0.1.0\n");
    }
}

#[test]
fn help_names_every_option_that_there_is() {
    // The completions are made from the definition of the options.
    let ended = wrun(["completions", "bash"]).run().status(0).quiet();
    let script = String::from_utf8(ended.stdout).expect("scripts are UTF-8");
    let words = script
        .split("'run') words='")
        .nth(1)
        .and_then(|rest| rest.split('\'').next());
    let words = words.expect("run has its options").split(' ');
    let options: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 15 && options.contains(&"--listen"), "{options:?}");
    let help = wrun(["--help"]).run().status(0).quiet();
    let help = String::from_utf8(help.stdout).expect("help is UTF-8");
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).expect("the file exists");
    for option in options {
        assert!(
            help.contains(&format!(" {option} ")) || help.contains(&format!(" {option}\n")),
            "{option}:\n{help}"
        );
        let in_table = [' ', '`', ',']
            .iter()
            .any(|after| readme.contains(&format!("`{option}{after}")));
        assert!(in_table || option == "--help", "README does not have {option}");
    }
}

#[test]
fn short_forms_are_those_of_all_command_lines() {
    let run = wrun(["--argv0", "x", "-e", "A=b", "-eC=d"])
        .args([guest("words")])
        .run();
    run.prints("x\0|A=b\0C=d\0");
    wrun(["-V"]).run().prints("wrun 0.1.0\n");
    wrun(["-h"]).run().status(0).quiet();
}

#[test]
fn help_is_quiet_about_a_reader_that_went_away() {
    for words in [&["--help"][..], &["--version"], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().expect("there are descriptors left");
        drop(reader);
        wrun(words).run_with_stdout(writer).status(0).quiet();
    }
}

#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    wrun(["--help"])
        .run_with_stdout(full)
        .fails(125, ["cannot write to stdout: No space left"]);
}

#[test]
fn wrong_usage_has_status_125_and_the_fix() {
    let hello = guest("hello");
    let hello = hello.to_str().expect("the checkout has a name in UTF-8");
    for (words, parts) in [
        (&[][..], &["the module is missing", "wrun --help"][..]),
        (&["run"], &["the module is missing"]),
        (&["--inherit-env"], &["the module is missing"]),
        (
            &["--frobnicate", hello],
            &["no option `--frobnicate`", "after the module"],
        ),
        (&["-x", hello], &["no option `-x`"]),
        (&["--inherit-envs", hello], &["did you mean `--inherit-env`?"]),
        (&["run", "--dirr", ".", hello], &["did you mean `--dir"]),
        (&["--dir"], &["--dir", "a value is required"]),
        (&["--no-address-map=1", hello], &["--no-address-map"]),
        (&["--deterministic=1", hello], &["--deterministic"]),
        (&["--dir", "::x", hello], &["--dir: `::x` has no path", "HOST::GUEST"]),
        (
            &["--dir-ro", ".::", hello],
            &["--dir-ro: `.::` has no name for the guest", "`.::/`"],
        ),
        (
            &["--dir", "no/such", hello],
            &["--dir: ", "'no/such'", "does not exist"],
        ),
        (
            &["--dir-ro", "no/such::/x", hello],
            &["--dir-ro: ", "'no/such'", "does not exist"],
        ),
        (
            &["--dir", "/etc/passwd/x", hello],
            &["--dir: ", "a part of this path is a file"],
        ),
        (&["--dir", "/:/data", hello], &["did you mean `/::/data`?"]),
        (
            &["--dir-ro", "/etc/passwd:/users", hello],
            &["did you mean `/etc/passwd::/users`?"],
        ),
        (
            &["--dir", ".::/x", "--dir", "/::/x", hello],
            &[
                "--dir: the guest's `/x` is given twice, for `.` and for `/`",
                "HOST::GUEST",
            ],
        ),
        (
            &["--dir-ro", ".", "--dir", "./", hello],
            &["--dir-ro: the guest's `.` is given twice, for `./` and for `.`"],
        ),
        (&["--env", "=x", hello], &["--env: `=x` has no name", "NAME=VALUE"]),
        (
            &["--unknown-imports", "maybe", hello],
            &["--unknown-imports", "error, trap, zero"],
        ),
        (
            &["--stack-size", "lots", hello],
            &["--stack-size: `lots` is not a size", "`8MiB`"],
        ),
        (&["--stack-size", "8MB", hello], &["--stack-size: ", "write `8MiB`"]),
        (
            &["--stack-size", "1K", hello],
            &["--stack-size: `1K` is too small", "8MiB are the default"],
        ),
        (
            &["--stack-size", "1000G", hello],
            &["--stack-size: `1000G` is too large"],
        ),
        (&["--stack-size", "-1", hello], &["--stack-size: `-1` is not a size"]),
        (
            &["--epoch-timeout", "5", hello],
            &["--epoch-timeout: `5` has no unit", "`5s`", "`5ms`"],
        ),
        (&["--epoch-timeout", "5x", hello], &["--epoch-timeout: ", "not a unit"]),
        (
            &["--epoch-timeout", "0s", hello],
            &["--epoch-timeout: ", "leave the option out"],
        ),
        (
            &["--epoch-timeout", "0", hello],
            &["--epoch-timeout: `0` is zero", "leave the option out"],
        ),
        (&["--dir", "-x", hello], &["--dir: ", "'-x'", "does not exist"]),
        (&["--epoch-timeout", "", hello], &["--epoch-timeout: ", "`500ms`"]),
    ] {
        wrun(words).run().fails(125, parts);
    }
}

#[test]
fn values_that_are_not_unicode_are_refused_where_they_cannot_be_meant() {
    let word = OsStr::from_bytes(b"\xff");
    for option in ["--stack-size", "--epoch-timeout", "--invoke"] {
        let parts = [&format!("{option}: "), "not valid UTF-8"];
        wrun([OsStr::new(option), word, guest("hello").as_os_str()])
            .run()
            .fails(125, parts);
    }
}

#[test]
fn reserved_words_are_commands_and_files_have_a_path() {
    for (words, parts) in [
        (
            &["compile", "--help"][..],
            &["--output <OUT>", "--cpu", "--no-address-map", "--deterministic"][..],
        ),
        (
            &["cache", "--help"],
            &[
                "path",
                "ls",
                "stats",
                "key",
                "verify",
                "prune",
                "clear",
                "--json",
                "--cache-dir",
            ],
        ),
        (&["help", "cache"], &["verify"]),
        (&["help", "inspect"], &["--json", "--cache-dir"]),
    ] {
        let text = wrun(words).run().status(0).quiet().stdout;
        let text = String::from_utf8(text).expect("help is UTF-8");
        for part in parts {
            assert!(text.contains(part), "{words:?}: no {part} in\n{text}");
        }
    }
    for word in ["compile", "cache", "inspect"] {
        wrun([word]).run().fails(125, ["wrun: ", "(see `wrun --help`)"]);
        wrun([word, "--frob"]).run().fails(125, ["there is no option `--frob`"]);
    }
    let dir = Dir::new();
    for word in ["run", "compile", "cache", "inspect", "completions", "help"] {
        std::fs::copy(guest("hello"), dir.path().join(word)).expect("the directory for tests can be written");
        dir.wrun([format!("./{word}")]).run().prints("hello, world\n");
        dir.wrun(["run", word]).run().prints("hello, world\n");
        dir.wrun(["--inherit-env", word])
            .run()
            .fails(125, [format!("`{word}` is a command and comes first")]);
    }
}

#[test]
fn a_bad_option_is_found_before_the_module_is_looked_for() {
    wrun(["--stack-size", "x", "no/such.wasm"])
        .run()
        .fails(125, ["--stack-size"]);
}

#[test]
fn a_closed_stdout_has_not_been_written() {
    for words in [&["--version"][..], &["--help"], &["help", "cache"], &["cache", "path"]] {
        wrun_after("exec >&-", words)
            .env("HOME", "/nowhere")
            .run()
            .fails(125, ["cannot write to stdout: Bad file descriptor"]);
        // There is no stream for a message.
        wrun_after("exec >&- 2>&-", words)
            .env("HOME", "/nowhere")
            .run()
            .status(125)
            .quiet();
    }
}
