//! Rules of the repository that the compiler does not check, as tests over its files.
//!
//! ```text
//! size       limits for the lengths of files and functions
//! rooms      the order of rooms inside each crate
//! borders    the crates that each room may name, and the files that may hold unsafe code
//! comments   the beginnings of doc comments
//! habits     banned calls, reasons of lint exceptions, module documentation, scripts
//! documents  every path that a document names exists
//! ```
//!
//! Each rule is a function from a text to its violations, with a test that it finds a violation.

mod borders;
mod comments;
mod documents;
mod files;
mod habits;
mod paths;
mod rooms;
mod size;

use files::SourceFile;

/// Applies a rule to files, and fails with the list of all violations.
fn hold(files: &[SourceFile], rule: impl Fn(&SourceFile) -> Vec<String>) {
    assert!(!files.is_empty(), "the rule applies to no file");
    let violations: Vec<String> = files
        .iter()
        .flat_map(|file| {
            rule(file)
                .into_iter()
                .map(|violation| format!("{}: {violation}", file.path))
        })
        .collect();
    assert!(
        violations.is_empty(),
        "{} violations:\n{}",
        violations.len(),
        violations.join("\n")
    );
}
