//! Completions as the shells show them: the offers of each shell at the end of a line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wrun_tests::skip;

use crate::support::{Dir, wrun};

/// The shells, and the command that runs a script without the user's settings.
const SHELLS: &[(&str, &[&str])] = &[
    ("bash", &["bash", "--norc", "--noprofile"]),
    ("zsh", &["zsh", "-f"]),
    ("fish", &["fish", "--no-config"]),
];

/// The files in the directory in which a line is completed. A name with a slash at its end is a directory.
const FILES: &[&str] = &["app.wasm", "calc.wasm", "cave/", "data.txt", "read.wat", "redo.txt"];

/// A directory with [`FILES`] and the scripts of all shells.
struct Shells {
    dir: Dir,
    scripts: Dir,
}

impl Shells {
    fn new() -> Self {
        let (dir, scripts) = (Dir::new(), Dir::new());
        for name in FILES {
            match name.strip_suffix('/') {
                Some(name) => std::fs::create_dir(dir.path().join(name)).expect("the scratch directory can be written"),
                None => _ = dir.write(name, ""),
            }
        }
        for (shell, _) in SHELLS {
            let ended = wrun(["completions", shell]).run().status(0).quiet();
            scripts.write(shell, ended.stdout);
        }
        Self { dir, scripts }
    }

    /// Returns the offers of a shell, without the slashes of directories.
    fn offers(&self, shell: &str, command: &[&str], line: &str) -> BTreeSet<String> {
        let ended = Command::new(command[0])
            .args(&command[1..])
            .args([harness(shell), self.scripts.path().join(shell)])
            .arg(line)
            .current_dir(self.dir.path())
            .env("HOME", self.scripts.path())
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .output()
            .expect("the shell was found");
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(
            ended.status.success() && errors.is_empty(),
            "{shell} `{line}`: {errors}"
        );
        let text = String::from_utf8(ended.stdout).expect("names in UTF-8");
        text.lines().map(|line| line.trim_end_matches('/').to_owned()).collect()
    }
}

/// Returns the script that completes a line in a shell.
fn harness(shell: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/cli/shells/complete.{shell}"))
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    found.is_ok_and(|ended| ended.status.success())
}

/// Checks the offers of all installed shells for a line. Fish offers `--option=value` where the others offer `value`.
fn all_offer(lines: &[(&str, &[&str])]) {
    let shells = Shells::new();
    for (shell, command) in SHELLS {
        if !is_there(command[0]) {
            skip(shell, format_args!("there is no {shell}"));
            continue;
        }
        for (line, expected) in lines {
            let option = match line.rsplit_once([' ', '=']) {
                Some((before, _)) if *shell == "fish" && line[before.len()..].starts_with('=') => {
                    format!("{}=", before.rsplit(' ').next().unwrap_or_default())
                }
                _ => String::new(),
            };
            let expected: BTreeSet<_> = expected.iter().map(|word| format!("{option}{word}")).collect();
            assert_eq!(shells.offers(shell, command, line), expected, "{shell} `{line}`");
        }
    }
}

const COMMANDS: &[&str] = &["cache", "compile", "completions", "help", "inspect", "run"];
const MODULES: &[&str] = &["app.wasm", "calc.wasm", "cave", "read.wat"];
const ALL_FILES: &[&str] = &["app.wasm", "calc.wasm", "cave", "data.txt", "read.wat", "redo.txt"];

#[test]
fn the_first_word_is_a_command_or_a_module() {
    let all = [COMMANDS, MODULES].concat();
    all_offer(&[
        ("wrun ", &all),
        ("wrun ca", &["cache", "calc.wasm", "cave"]),
        ("wrun ap", &["app.wasm"]),
        // A compiled module can have any name.
        ("wrun da", &["data.txt"]),
        ("wrun run ", MODULES),
    ]);
}

#[test]
fn after_the_module_only_files_are_offered() {
    all_offer(&[
        ("wrun app.wasm ", ALL_FILES),
        ("wrun app.wasm da", &["data.txt"]),
        ("wrun app.wasm --", &[]),
        ("wrun app.wasm --cache", &[]),
        ("wrun run app.wasm --", &[]),
        ("wrun app.wasm ca", &["calc.wasm", "cave"]),
        ("wrun app.wasm cache ", ALL_FILES),
        ("wrun -- app.wasm --", &[]),
        ("wrun --dir . app.wasm --c", &[]),
    ]);
}

#[test]
fn options_are_offered_before_the_module_and_modules_after_them() {
    all_offer(&[
        ("wrun --cache", &["--cache-dir", "--cache-mode", "--cache-size"]),
        ("wrun run --cache-d", &["--cache-dir"]),
        ("wrun --dir", &["--dir", "--dir-ro"]),
        ("wrun --dir . ", MODULES),
        ("wrun --dir=. ca", &["calc.wasm", "cave"]),
        ("wrun --inherit-env ca", &["calc.wasm", "cave"]),
        ("wrun -e A=b ca", &["calc.wasm", "cave"]),
        ("wrun --env A=b:c --cache-d", &["--cache-dir"]),
        ("wrun --listen 127.0.0.1:80 --cache-d", &["--cache-dir"]),
        ("wrun -- ", MODULES),
    ]);
}

#[test]
fn values_of_options_are_offered() {
    all_offer(&[
        ("wrun --dir ", ALL_FILES),
        ("wrun --dir-ro c", &["calc.wasm", "cave"]),
        ("wrun --dir=c", &["calc.wasm", "cave"]),
        ("wrun --cache-dir ", &["cave"]),
        ("wrun --cache-dir=c", &["cave"]),
        ("wrun --cache-mode ", &["read-write", "read-only", "require"]),
        ("wrun --cache-mode read-", &["read-write", "read-only"]),
        ("wrun --cache-mode=re", &["read-write", "read-only", "require"]),
        ("wrun --cache-mode=", &["read-write", "read-only", "require"]),
        ("wrun --cpu ", &["native", "x86-64-v2", "x86-64-v3"]),
        ("wrun --unknown-imports t", &["trap"]),
        ("wrun --backtrace ", &["full", "short", "none"]),
        ("wrun --env ", &[]),
        ("wrun --epoch-timeout ", &[]),
    ]);
}

#[test]
fn commands_offer_what_they_take() {
    all_offer(&[
        (
            "wrun cache ",
            &["clear", "help", "key", "ls", "path", "prune", "stats", "verify"],
        ),
        ("wrun cache ls --", &["--cache-dir", "--help", "--json"]),
        ("wrun cache --json l", &["ls"]),
        ("wrun cache key ca", &["calc.wasm", "cave"]),
        ("wrun cache key --cpu n", &["native"]),
        ("wrun compile ", MODULES),
        ("wrun compile app.wasm -o ", ALL_FILES),
        ("wrun compile app.wasm ", &[]),
        ("wrun inspect ", ALL_FILES),
        ("wrun completions ", &["bash", "elvish", "fish", "powershell", "zsh"]),
        ("wrun help ca", &["cache"]),
    ]);
}
