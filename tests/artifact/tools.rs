//! Artifacts as binutils read them: their output must be right and without warnings.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use wrun_compiler::Config;
use wrun_tests::Scratch;

use crate::{artifact, example, many_functions};

/// A section as `readelf -S -W` lists it.
#[derive(Debug)]
struct Section {
    name: String,
    kind: String,
    address: u64,
    offset: u64,
    size: u64,
    flags: String,
}

/// An artifact in a file.
struct ArtifactFile {
    path: PathBuf,
    _scratch: Scratch,
}

impl Deref for ArtifactFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

fn file(bytes: &[u8]) -> ArtifactFile {
    let scratch = Scratch::new();
    ArtifactFile {
        path: scratch.write("artifact", bytes),
        _scratch: scratch,
    }
}

/// Returns the output of a tool, which must not complain.
fn quietly(tool: &str, arguments: &[&str], path: &Path) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .arg(path)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {tool}: {error}; `ci/test` installs what the tests need"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{tool} {arguments:?}: {complaints}"
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn sections(path: &Path) -> Vec<Section> {
    let listing = quietly("readelf", &["-S", "-W"], path);
    let rows = listing
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('[')?.split_once(']'));
    let hex = |field: Option<&str>| u64::from_str_radix(field.expect("a column"), 16).expect("a hexadecimal number");
    rows.filter(|(number, _)| number.trim().parse::<u32>().is_ok_and(|number| number > 0))
        .map(|(_, row)| {
            let mut fields = row.split_whitespace();
            Section {
                name: fields.next().expect("a name").to_owned(),
                kind: fields.next().expect("a type").to_owned(),
                address: hex(fields.next()),
                offset: hex(fields.next()),
                size: hex(fields.next()),
                flags: fields
                    .nth(1)
                    .filter(|field| !field.starts_with(char::is_numeric))
                    .unwrap_or("")
                    .to_owned(),
            }
        })
        .collect()
}

fn section<'a>(sections: &'a [Section], name: &str) -> &'a Section {
    sections
        .iter()
        .find(|section| section.name == name)
        .unwrap_or_else(|| panic!("no {name} in {sections:#?}"))
}

#[test]
fn readelf_lists_the_sections_and_none_holds_relocations() {
    let path = file(&artifact(&example(), &Config::native()));
    assert!(quietly("readelf", &["-h", "-W"], &path).contains("X86-64"));
    let sections = sections(&path);
    let text = section(&sections, ".text");
    assert_eq!(text.offset % 4096, 0);
    assert!(text.flags.contains('X') && !text.flags.contains('W'), "{text:?}");
    assert!(
        sections.iter().all(|section| !section.flags.contains('W')),
        "something is writable: {sections:#?}"
    );
    assert_eq!(text.address, text.offset, "as mapped, so in the file");
    assert!(
        sections
            .iter()
            .all(|section| section.kind != "REL" && section.kind != "RELA"),
        "{sections:#?}"
    );
    assert!(section(&sections, ".wrun.stackmaps").size > 0);
}

#[test]
fn a_module_without_references_to_host_objects_has_no_stack_maps() {
    let path = file(&artifact(&many_functions(5), &Config::native()));
    assert!(sections(&path).iter().all(|section| section.name != ".wrun.stackmaps"));
}

#[test]
fn sections_do_not_overlap() {
    let path = file(&artifact(&many_functions(50), &Config::native()));
    let mut sections = sections(&path);
    sections.retain(|section| section.kind != "NOBITS" && section.size > 0);
    sections.sort_by_key(|section| section.offset);
    for pair in sections.windows(2) {
        assert!(pair[0].offset + pair[0].size <= pair[1].offset, "{pair:#?}");
    }
}

#[test]
fn readelf_shows_the_functions_by_their_names() {
    let path = file(&artifact(&example(), &Config::native()));
    let symbols = quietly("readelf", &["-s", "-W"], &path);
    for name in ["add", "sub", "apply", "fib", "fill", "many"] {
        let row = symbols
            .lines()
            .find(|line| line.split_whitespace().last() == Some(name));
        let row = row.unwrap_or_else(|| panic!("no symbol {name} in\n{symbols}"));
        assert!(row.contains("FUNC"), "{row}");
    }
}

#[test]
fn objdump_disassembles_the_text() {
    let path = file(&artifact(&example(), &Config::native()));
    let listing = quietly("objdump", &["-d"], &path);
    for label in ["<add>:", "<fib>:", "<many>:"] {
        assert!(listing.contains(label), "no {label} in\n{listing}");
    }
    assert!(!listing.contains("(bad)"), "{listing}");
    let fib = listing
        .split("<fib>:")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .expect("has a body");
    assert!(
        fib.lines().any(|line| line.contains("call") && line.contains("<fib>")),
        "no call of itself in\n{fib}"
    );
}

#[test]
fn the_address_map_can_be_left_out() {
    let with = artifact(&example(), &Config::native());
    let without = artifact(
        &example(),
        &Config {
            address_map: false,
            ..Config::native()
        },
    );
    let names =
        |bytes: &[u8]| -> Vec<String> { sections(&file(bytes)).into_iter().map(|section| section.name).collect() };
    let (with, without) = (names(&with), names(&without));
    let missing: Vec<_> = with.iter().filter(|name| !without.contains(name)).collect();
    assert_eq!(missing.len(), 1, "{with:?} against {without:?}");
    assert!(missing[0].contains("addr"), "{missing:?}");
}
