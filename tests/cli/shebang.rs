//! Modules in the text format that begin with a `#!` line: the kernel starts them through wrun.

use std::path::Path;
use std::process::Command;

use crate::support::{Dir, guest};

/// Returns the directory of the binary under test.
fn bin() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wrun"))
        .parent()
        .expect("it is in a directory")
}

/// Writes a guest as an executable file with this first line.
fn program(dir: &Dir, line: &str, name: &str) -> std::path::PathBuf {
    let text = std::fs::read_to_string(guest(name)).expect("the guest exists");
    dir.write_program(name, format!("{line}\n{text}"))
}

#[test]
fn a_text_module_is_a_program_of_its_own() {
    let dir = Dir::new();
    for line in [
        format!("#!{}", env!("CARGO_BIN_EXE_wrun")),
        "#!/usr/bin/env wrun".to_owned(),
        "#!/usr/bin/env -S wrun --no-cache --env A=b".to_owned(),
    ] {
        let path = program(&dir, &line, "exit");
        let ended = Command::new(path).arg("7").env("PATH", path_with_wrun()).output();
        let ended = ended.expect("the kernel runs it");
        assert_eq!(ended.status.code(), Some(7), "{line}: {ended:?}");
    }
}

/// Returns the variable PATH with the directory of the binary under test first.
fn path_with_wrun() -> std::ffi::OsString {
    let mut path = bin().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

#[test]
fn the_options_of_the_first_line_count() {
    let dir = Dir::new();
    let path = program(&dir, "#!/usr/bin/env -S wrun --env A=b", "words");
    let run = || {
        let mut command = Command::new(&path);
        command
            .arg("x")
            .env("PATH", path_with_wrun())
            .env("XDG_CACHE_HOME", dir.path());
        let ended = command.output().expect("the kernel runs it");
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).expect("UTF-8")
    };
    let cold = run();
    assert!(cold.contains("A=b") && cold.contains('x'), "{cold}");
    // The cache finds the file, which has the `#!` line.
    assert_eq!(cold, run());
}

#[test]
fn errors_name_the_lines_of_the_file() {
    let dir = Dir::new();
    dir.write("x.wat", "#!/usr/bin/env wrun\n(module\n  (fnc))");
    dir.wrun(["x.wat"])
        .run()
        .fails(126, ["invalid wasm text: ", "(line 3, column 4)"]);
}

#[test]
fn a_script_of_another_kind_is_no_module() {
    let dir = Dir::new();
    dir.write("x.sh", "#!/bin/sh\necho hello\n");
    dir.wrun(["x.sh"]).run().fails(126, ["cannot run `x.sh`: "]);
}
