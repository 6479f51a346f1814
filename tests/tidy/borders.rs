//! The crates that each room may name, and the files that may hold unsafe code.

use crate::files::{SourceFile, rust};
use crate::hold;

/// Crates, and the prefixes of the paths of files that may name them.
const MAY_NAME: &[(&str, &[&str])] = &[
    (
        "cranelift_codegen",
        &[
            "runtime/compiler/src/code/",
            "runtime/compiler/src/translate/",
            "runtime/compiler/src/compile/",
        ],
    ),
    ("cranelift_frontend", &["runtime/compiler/src/translate/"]),
    (
        "wasmparser",
        &["runtime/compiler/src/parse/", "runtime/compiler/src/translate/"],
    ),
    ("rayon", &["runtime/compiler/src/pipeline/"]),
    ("gimli", &["runtime/src/trap/"]),
    ("addr2line", &["runtime/src/trap/"]),
    ("rustc_demangle", &["runtime/src/trap/"]),
    ("cpp_demangle", &["runtime/src/trap/"]),
    ("object", &["runtime/artifact/src/", "runtime/compiler/src/"]),
    ("libc", &["runtime/src/sys/", "runtime/tests/signals.rs"]),
    ("rustix", &["runtime/src/sys/", "wasi/", "cli/", "tests/"]),
    ("cap_std", &["wasi/"]),
    ("clap", &["cli/"]),
    ("env_filter", &["cli/"]),
    ("env_logger", &["cli/"]),
    ("serde_json", &["cli/", "tests/"]),
    ("wat", &["cli/", "tests/", "runtime/"]),
    (
        "wrun_compiler",
        &[
            "runtime/src/pipeline/",
            "runtime/src/error/",
            "runtime/src/lib.rs",
            "tests/",
        ],
    ),
    ("wrun_wasi", &["cli/"]),
];

/// Words that a room may not contain, from any crate.
const FOREIGN_WORDS: &[(&str, &[&str])] = &[
    ("runtime/artifact/src/", &["File", "transmute", "cranelift"]),
    ("runtime/compiler/src/parse/", &["cranelift"]),
    ("runtime/compiler/src/translate/", &["thread", "rayon"]),
    ("runtime/compiler/src/link/", &["cranelift_codegen", "File"]),
    ("runtime/src/sys/", &["wrun_artifact", "wrun_compiler"]),
    // A host function knows neither guest memory nor the layouts and numbers of an interface.
    (
        "wasi/src/host/",
        &[
            "memory",
            "Memory",
            "Caller",
            "iovec",
            "layout",
            "preview1",
            "wrun_runtime",
        ],
    ),
];

/// The files (or folders) that may hold unsafe code.
const UNSAFE: &[&str] = &[
    "runtime/src/sys/",
    "runtime/src/load/",
    "runtime/src/instantiate/",
    "runtime/src/call/",
    "runtime/src/trap/",
    // Access to contexts, and parts of the API.
    "runtime/src/vm/",
    "runtime/src/state/",
    "runtime/src/api/func.rs",
    "runtime/src/api/store.rs",
    "runtime/src/api/module.rs",
    "runtime/src/api/memory.rs",
    "runtime/src/api/global.rs",
    // Only the CPU tells which registers the operating system saves.
    "runtime/artifact/src/cpu.rs",
    // The name of the first function of the process.
    "cli/src/entry.rs",
    // A service manager passes descriptors as numbers.
    "cli/src/run/sockets.rs",
    // The caller of this function promises that the artifact is trustworthy. With `--allow-precompiled` the user does.
    "cli/src/input/precompiled.rs",
    "runtime/examples/run_artifact.rs",
    // A signal handler of the embedder and a forked child; an allocator that counts.
    "runtime/tests/signals.rs",
    "runtime/tests/allocations.rs",
    "tests/artifact/load.rs",
    "tests/fuzz/differential/load.rs",
    // Types of functions that are unsafe to call. None of them is called.
    "tests/wasi/signatures.rs",
];

fn may_be_unsafe(path: &str) -> bool {
    UNSAFE.iter().any(|allowed| path.starts_with(allowed))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns true if `line` contains `word` as a whole word.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Returns true if `line` uses the crate `name`, in a path that begins with it.
fn uses_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = &line[..at];
        let from_beginning = !before.ends_with(is_word) && !before.trim_end().ends_with("::") && !before.ends_with('.');
        let after = &line[at + name.len()..];
        from_beginning
            && (after.starts_with("::") || (before.trim_end().ends_with("use") && after.starts_with([';', ' '])))
    })
}

fn crates(file: &SourceFile) -> Vec<String> {
    let code = file.code();
    let forbidden = MAY_NAME
        .iter()
        .filter(|(_, rooms)| !rooms.iter().any(|room| file.path.starts_with(room)));
    forbidden
        .flat_map(|(name, _)| {
            let lines = code.iter().filter(move |(_, line)| uses_crate(line, name));
            lines.map(move |(number, _)| format!("line {number} names {name}"))
        })
        .collect()
}

fn words(file: &SourceFile) -> Vec<String> {
    let code = file.code();
    let foreign = FOREIGN_WORDS
        .iter()
        .filter(|(room, _)| file.path.starts_with(room))
        .flat_map(|(_, words)| *words);
    foreign
        .flat_map(|word| {
            let lines = code.iter().filter(move |(_, line)| names(line, word));
            lines.map(move |(number, _)| format!("line {number} says {word}"))
        })
        .collect()
}

/// `unsafe` in code: a block, a function, an implementation, or an attribute; not the lint's name.
fn unsafe_lines(file: &SourceFile) -> Vec<usize> {
    file.code()
        .iter()
        .filter(|(_, line)| names(line, "unsafe") || (names(line, "unsafe_code") && line.contains("allow")))
        .map(|(number, _)| *number)
        .collect()
}

fn unsafe_code(file: &SourceFile) -> Vec<String> {
    if may_be_unsafe(&file.path) {
        return Vec::new();
    }
    unsafe_lines(file)
        .iter()
        .map(|number| format!("line {number}: unsafe code has no place here"))
        .collect()
}

#[test]
fn each_room_names_only_its_own_crates() {
    hold(&rust(), crates);
}

#[test]
fn no_room_holds_a_foreign_word() {
    hold(&rust(), words);
}

#[test]
fn unsafe_code_is_only_where_the_design_has_it() {
    hold(&rust(), unsafe_code);
}

#[test]
fn no_exception_for_unsafe_code_is_left_over() {
    let files = rust();
    for allowed in UNSAFE {
        let used = files
            .iter()
            .any(|file| file.path.starts_with(allowed) && !unsafe_lines(file).is_empty());
        assert!(used, "nothing in {allowed} is unsafe");
    }
}

#[test]
fn violations_are_found() {
    let parse = |text| SourceFile::made_up("runtime/compiler/src/parse/x.rs", text);
    assert_eq!(crates(&parse("use rayon::prelude::*;")).len(), 1);
    assert_eq!(crates(&parse("let x = libc::getpid();")).len(), 1);
    assert!(crates(&parse("use wasmparser::Parser; // not rayon::join")).is_empty());
    assert!(crates(&parse("fn f(object: u32) { self.object::<u8>() }")).is_empty());
    assert_eq!(words(&parse("type X = cranelift;")).len(), 1);
    assert_eq!(unsafe_code(&parse("unsafe fn f() {}\n#[allow(unsafe_code)]")).len(), 2);
    assert!(unsafe_code(&parse("// unsafe\nlet x = \"unsafe\";")).is_empty());
}
