//! The rules of the house that no compiler checks, as ordinary tests over the repository's files.
//!
//! ```text
//! size       how long files and functions may be
//! rooms      the order of rooms inside each crate
//! borders    what each room may name, and which files may hold unsafe code
//! comments   how doc comments begin
//! habits     calls that have a replacement, lint exceptions with their reason, module documentation, scripts
//! documents  every path that a document names is there
//! ```
//!
//! Each rule is a plain function from a text to its violations, with a test that a violation is found.

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
