//! The order of rooms inside each crate: a room may use those before it in the list, never those behind it.
//!
//! A room is a file or folder directly below a crate's `src/`. Its uses are paths from the crate's root (`crate::room::…`,
//! `super::super::…`), in `use` declarations and in code, unit tests included. A name that the root re-exports (`pub use
//! room::Name`) counts as a use of the room that it comes from. The rule does not apply to the root itself (`lib.rs`, `main.rs`
//! and `entry.rs`).

use crate::files::{SourceFile, rust};
use crate::paths::{modules, paths, reexports};

/// A crate's source folder, and its rooms in order.
struct Crate {
    folder: &'static str,
    rooms: &'static [&'static str],
}

const CRATES: &[Crate] = &[
    Crate {
        folder: "runtime/artifact/src/",
        rooms: &[
            "index",
            "types",
            "trap_code",
            "config",
            "cpu",
            "vmlayout",
            "facts",
            "compact",
            "info",
            "names",
            "traps",
            "address_map",
            "stack_maps",
            "handlers",
            "header",
            "elf",
        ],
    },
    Crate {
        folder: "runtime/compiler/src/",
        rooms: &["error", "parse", "code", "translate", "compile", "link", "pipeline"],
    },
    Crate {
        folder: "runtime/src/",
        rooms: &[
            "sys",
            "config",
            "vm",
            "error",
            "load",
            "state",
            "trap",
            "call",
            "instantiate",
            "cache",
            "pipeline",
            "api",
        ],
    },
    Crate {
        folder: "wasi/src/",
        rooms: &["types", "host", "preview1", "imports"],
    },
    Crate {
        folder: "cli/src/",
        rooms: &[
            "exit", "output", "report", "flags", "options", "input", "run", "commands",
        ],
    },
];

impl Crate {
    /// Returns the place of a room in the order.
    fn place(&self, room: &str) -> Option<usize> {
        self.rooms.iter().position(|name| *name == room)
    }

    /// Lists the uses in the files of this crate that violate the order.
    fn violations(&self, files: &[SourceFile]) -> Vec<String> {
        let inside: Vec<_> = files
            .iter()
            .filter_map(|file| Some((file.path.strip_prefix(self.folder)?, file)))
            .collect();
        let roots: Vec<_> = inside.iter().filter(|(path, _)| is_root(path)).collect();
        let exported: Vec<_> = roots.iter().flat_map(|(_, file)| reexports(file)).collect();
        let declared: Vec<_> = roots.iter().flat_map(|(_, file)| modules(file)).collect();
        let mut found = Vec::new();
        for (path, file) in inside.iter().filter(|(path, _)| !is_root(path)) {
            let room = room(path);
            let Some(place) = self.place(room) else {
                found.push(format!("{}: `{room}` is no room of {}", file.path, self.folder));
                continue;
            };
            for used in paths(file, &module(path)) {
                let from = exported.iter().find(|(name, _)| *name == used.name);
                let target = match from {
                    // A re-export from another crate.
                    Some((_, from)) if !declared.contains(from) => continue,
                    Some((_, from)) if self.place(&used.name).is_none() => from,
                    _ => &used.name,
                };
                if self.place(target).is_none_or(|other| other > place) {
                    let line = used.line;
                    found.push(format!("{}:{line}: `{room}` uses `{}`, upwards", file.path, used.text));
                }
            }
        }
        found
    }
}

/// Returns true for the file at a crate's root, which declares the rooms, and for the start of the process, which calls it.
fn is_root(path: &str) -> bool {
    ["lib.rs", "main.rs", "entry.rs"].contains(&path)
}

/// Returns the room of a file, by its path from the crate's source folder.
fn room(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Returns the module path of a file, by its path from the crate's source folder.
fn module(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').map(str::to_owned).collect()
}

#[test]
fn no_room_uses_one_behind_it() {
    let files = rust();
    let found: Vec<_> = CRATES.iter().flat_map(|each| each.violations(&files)).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_room_of_the_list_is_there() {
    let files = rust();
    for each in CRATES {
        for name in each.rooms {
            let is_there = files
                .iter()
                .filter_map(|file| file.path.strip_prefix(each.folder))
                .any(|path| !is_root(path) && room(path) == *name);
            assert!(is_there, "{} has no room `{name}`", each.folder);
        }
    }
}

#[test]
fn uses_upwards_are_found() {
    let krate = Crate {
        folder: "x/src/",
        rooms: &["low", "middle", "high"],
    };
    let root = "mod low; mod middle; mod high;\npub use high::{Handle, inner::Other as Renamed};\n\
        pub use middle::Thing;\npub use another_crate::Foreign;\n";
    let violations = |path: &str, text: &str| {
        krate.violations(&[
            SourceFile::made_up("x/src/lib.rs", root),
            SourceFile::made_up(path, text),
        ])
    };
    for text in [
        "use crate::high::X;",
        "use crate::{low::A, high::{B, C}};",
        "use crate::{\n    low::A,\n    high,\n};",
        "pub(crate) use crate::high as other;",
        "fn f() { crate::high::g(); }",
        "fn f(x: &super::high::X) {}",
        "use super::high;",
        "mod tests { use super::super::high::X; }",
        "mod tests { mod inner {} fn f() { super::super::high::g() } }",
        "use crate::Handle;",
        "use crate::Renamed;",
        "macro_rules! m { () => { $crate::high::g() } }",
        "use crate::*;",
        "use crate::unknown;",
    ] {
        let found = violations("x/src/middle.rs", text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with("x/src/middle.rs:"), "{found:?}");
    }
    for text in [
        "use crate::low::X;",
        "use crate::{low::A, middle::{B, high::C}};",
        "use crate::{Foreign, Thing}; pub(crate) struct A; pub(in crate::middle) struct B;",
        "use super::low::X; fn f(super_high: u32) {}",
        "mod tests { use super::*; use super::high; }",
        "use self::high::X; use other::crate_high;",
        "// use crate::high;\nconst A: &str = \"crate::high::X\";",
        "fn f() { if x < crate::low::LIMIT { y() } }",
    ] {
        let found = violations("x/src/middle.rs", text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
    assert_eq!(
        violations("x/src/middle/deep.rs", "use super::super::high::X;").len(),
        1
    );
    assert!(violations("x/src/middle/deep.rs", "use super::high::X;").is_empty());
    assert!(violations("x/src/middle/mod.rs", "use super::low::X;").is_empty());
    assert_eq!(violations("x/src/elsewhere.rs", "").len(), 1);
}
