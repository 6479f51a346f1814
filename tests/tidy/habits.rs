//! Rules about banned calls, reasons of lint exceptions, documentation of modules, and scripts.

use crate::files::{SourceFile, files, rust, scripts};
use crate::hold;

/// Banned calls, their replacements, and the files in which they are allowed.
const BANNED: &[(&str, &str, &[&str])] = &[
    ("process::exit(", "end through cli/src/exit.rs", &["cli/src/exit.rs"]),
    ("todo!(", "write it", &[]),
    ("unimplemented!(", "write it, or return an error", &[]),
    ("dbg!(", "use the log", &[]),
    ("static mut ", "use an atomic or a cell", &[]),
];

/// Folders whose code prints nothing: output for people goes through `cli`.
const SILENT: &[&str] = &[
    "runtime/src/",
    "runtime/compiler/src/",
    "runtime/artifact/src/",
    "wasi/src/",
];

fn banned(file: &SourceFile) -> Vec<String> {
    let mut violations = Vec::new();
    let silent = SILENT.iter().any(|room| file.path.starts_with(room));
    for (number, line) in file.code() {
        for (call, instead, allowed) in BANNED {
            if line.contains(call) && !allowed.contains(&file.path.as_str()) {
                violations.push(format!("line {number}: `{call}`: {instead}"));
            }
        }
        if silent
            && ["println!(", "eprintln!(", "print!("]
                .iter()
                .any(|call| line.contains(call))
        {
            violations.push(format!("line {number}: prints, which is for `cli`"));
        }
    }
    violations
}

/// Every `allow` and `expect` of a lint has a reason.
fn reasons(file: &SourceFile) -> Vec<String> {
    // Reasons are strings, so the text with strings is searched, but only where the code has an attribute.
    let code = file.code();
    let lines: Vec<_> = file.text.lines().collect();
    let mut violations = Vec::new();
    for (number, line) in &code {
        let begins = ["#[allow(", "#![allow(", "#[expect(", "#![expect("]
            .iter()
            .any(|start| line.contains(start));
        if !begins {
            continue;
        }
        let end = code[number - 1..]
            .iter()
            .find(|(_, line)| line.contains(']'))
            .map_or(code.len(), |(end, _)| *end);
        if !lines[number - 1..end].concat().contains("reason = ") {
            violations.push(format!("line {number}: an exception without its reason"));
        }
    }
    violations
}

fn module_documentation(file: &SourceFile) -> Vec<String> {
    let documented = file.text.starts_with("//! ") && !file.text.starts_with("//! to be written");
    if documented {
        Vec::new()
    } else {
        vec!["does not begin with its documentation (//!)".to_owned()]
    }
}

/// Scripts stop at the first error, and do not replace the flags of `.cargo/config.toml`.
fn script(file: &SourceFile) -> Vec<String> {
    let mut violations = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        if !line.trim_start().starts_with('#') && line.contains("RUSTFLAGS") {
            violations.push(format!("line {}: replaces the flags of .cargo/config.toml", number + 1));
        }
    }
    let shell = file.text.starts_with("#!/usr/bin/env bash");
    if shell && !file.text.contains("\nset -euo pipefail\n") {
        violations.push("goes on after an error".to_owned());
    }
    violations
}

/// No file names a place outside of the repository.
fn outside(file: &SourceFile) -> Vec<String> {
    let elsewhere = ["..", "shared"].join("/");
    let lines = file
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(&elsewhere));
    lines
        .map(|(number, _)| format!("line {}: names a place outside of the repository", number + 1))
        .collect()
}

#[test]
fn no_banned_call_is_used() {
    hold(&rust(), banned);
}

#[test]
fn every_exception_says_why() {
    hold(&rust(), reasons);
}

#[test]
fn every_module_opens_with_its_documentation() {
    hold(&rust(), module_documentation);
}

#[test]
fn scripts_are_careful() {
    hold(&scripts(), script);
}

#[test]
fn nothing_points_outside_of_the_repository() {
    hold(&files(|_| true), outside);
}

#[test]
fn violations_are_found() {
    let wasi = |text| SourceFile::made_up("wasi/src/x.rs", text);
    assert_eq!(banned(&wasi("std::process::exit(1); println!(\"x\");")).len(), 2);
    assert!(banned(&wasi("// todo!()")).is_empty());
    assert_eq!(reasons(&wasi("#[allow(dead_code)]\nfn f() {}")).len(), 1);
    assert!(reasons(&wasi("#[expect(\n    dead_code,\n    reason = \"x\"\n)]")).is_empty());
    assert_eq!(module_documentation(&wasi("fn f() {}")).len(), 1);
    let flags = format!("#!/usr/bin/env bash\n{}=x cargo build", ["RUST", "FLAGS"].concat());
    assert_eq!(script(&SourceFile::made_up("ci/x", &flags)).len(), 2);
    assert_eq!(outside(&wasi(&["see ", "..", "/shared/x"].concat())).len(), 1);
}
