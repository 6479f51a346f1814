//! Golden tests: text format → Cranelift IR → machine code, one `.wat` file for each family of instructions.
//!
//! A file is a module, followed by the listing that it has to give, as comments behind [`MARK`]. Lines that begin with `;;!` are
//! directives: `;;! memory = checked`, `;;! cpu = v3`, `;;! deterministic = true`, `;;! list = PREFIX…` (only the functions and
//! trampolines whose names begin so; trampolines are listed only then). All other files are compiled for x86-64-v2, and all
//! without an address map, so a listing depends on nothing but the file and the code generator. To accept what has changed:
//!
//! ```text
//! WRUN_BLESS=1 cargo test -p wrun-tests --test disas
//! ```

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wrun_artifact::config::{Config, CpuFeatures, MemoryMode};
use wrun_compiler::testing::list;

/// The line between a module and its listing.
const MARK: &str = ";; listing";

/// The files of this folder, by name.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("disas");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of this file")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .collect();
    files.sort();
    files
}

/// The settings and the prefixes of names that the directives of a module ask for.
fn directives(module: &str) -> (Config, Vec<&str>) {
    let mut config = Config {
        cpu: CpuFeatures::X86_64_V2,
        memory: MemoryMode::Guarded,
        address_map: false,
        ..Config::native()
    };
    let mut prefixes = Vec::new();
    for line in module.lines().filter_map(|line| line.strip_prefix(";;!")) {
        match line.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some(("memory", "checked")) => config.memory = MemoryMode::Checked,
            Some(("cpu", "v3")) => config.cpu = CpuFeatures::X86_64_V3,
            Some(("deterministic", "true")) => config.deterministic = true,
            Some(("list", names)) => prefixes.extend(names.split_whitespace()),
            _ => panic!("no such directive: {line}"),
        }
    }
    (config, prefixes)
}

/// The listing of a module: for each function its name, IR and machine code, each line a comment.
fn listing(module: &str) -> String {
    let (config, prefixes) = directives(module);
    let wasm = wat::parse_str(module).expect("the text is well-formed");
    let listed = list(&wasm, &config, !prefixes.is_empty()).expect("it compiles");
    let mut out = String::new();
    let mut comment = |text: &str| {
        for line in text.split('\n') {
            writeln!(out, "{}", format!(";; {line}").trim_end()).expect("a string takes everything");
        }
    };
    let wanted = |name: &str| prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix));
    for function in listed.iter().filter(|function| wanted(&function.name)) {
        comment("");
        comment(&format!("{}:", function.name));
        comment(function.clif.trim());
        comment("---");
        comment(function.assembly.trim_matches('\n'));
    }
    out
}

#[test]
fn each_family_compiles_to_the_code_that_its_file_shows() {
    let bless = std::env::var_os("WRUN_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in files() {
        let text = fs::read_to_string(&path).expect("readable");
        let (module, expected) = text.split_once(MARK).unwrap_or((&text, ""));
        let found = listing(module);
        if expected.trim() == found.trim() {
            continue;
        }
        let name = path.file_name().expect("a file").display().to_string();
        if bless {
            let text = format!("{}\n\n{MARK}\n{found}", module.trim_end());
            fs::write(&path, text).expect("writable");
            println!("{name}: accepted");
        } else {
            let line = expected
                .trim()
                .lines()
                .zip(found.trim().lines())
                .find(|(expected, found)| expected != found);
            wrong.push(format!("{name}: first difference {line:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\naccept with WRUN_BLESS=1 cargo test -p wrun-tests --test disas",
        wrong.join("\n")
    );
}

#[test]
fn a_listing_is_the_same_each_time_and_shows_no_address() {
    let module = "(module (memory 1) (func (param i32) (result i32) (i32.load (local.get 0)) (br_if 0 (local.get 0))))";
    let once = listing(module);
    assert_eq!(once, listing(module));
    assert!(once.contains("function u1:0") && once.contains("ret"), "{once}");
    assert!(!once.contains("0x7f"), "{once}");
}
