//! Doc comments begin with a verb or a noun.

use crate::files::{SourceFile, rust};
use crate::hold;

/// Beginnings of clauses that have no subject and no verb of their own.
const CLAUSES: &[&str] = &["What", "Whether", "Where", "That which"];

/// Folders that still have such comments, and how many at most. Numbers only get smaller.
const NOT_YET: &[(&str, usize)] = &[
    ("cli/src/", 65),
    ("runtime/artifact/src/", 60),
    ("tests/", 10),
    ("wasi/src/", 10),
];

/// Lists the doc comments of a file that begin with a clause.
fn clauses(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = "";
    for (number, line) in file.text.lines().enumerate() {
        let line = line.trim_start();
        let marker = ["///", "//!"].into_iter().find(|marker| line.starts_with(marker));
        if let Some(marker) = marker
            && before != marker
        {
            let text = line[marker.len()..].trim_start();
            let begins = |clause: &&&str| {
                let rest = text.strip_prefix(**clause);
                rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            };
            if let Some(clause) = CLAUSES.iter().find(begins) {
                found.push(format!("line {}: begins with \"{clause}\"", number + 1));
            }
        }
        before = marker.unwrap_or("");
    }
    found
}

#[test]
fn doc_comments_begin_with_a_verb_or_a_noun() {
    let files = rust();
    let pending = |path: &str| NOT_YET.iter().any(|(folder, _)| path.starts_with(folder));
    let (_, strict): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| pending(&file.path));
    hold(&strict, clauses);
}

#[test]
fn the_other_folders_get_better() {
    for (folder, most) in NOT_YET {
        let files = rust();
        let inside = files.iter().filter(|file| file.path.starts_with(folder));
        let found: Vec<_> = inside
            .flat_map(|file| {
                let lines = clauses(file).into_iter();
                lines.map(|line| format!("{}: {line}", file.path))
            })
            .collect();
        println!("{folder}: {}", found.len());
        assert!(
            found.len() <= *most,
            "{folder} has {} of at most {most}:\n{}",
            found.len(),
            found.join("\n")
        );
    }
}

#[test]
fn clauses_are_found() {
    let count = |text| clauses(&SourceFile::made_up("a.rs", text)).len();
    assert_eq!(
        count("//! What it is.\n\n    /// Whether it is.\n/// Where not.\nfn f() {}\n///That which."),
        3
    );
    assert_eq!(count("/// What's new.\n//! Where inner begins.\n"), 2);
    assert_eq!(
        count("/// Returns\n/// What\n// Where\n/// Whatever, whereas Whereabouts"),
        0
    );
}
