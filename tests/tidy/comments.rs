//! Doc comments begin with a verb or a noun.

use crate::files::{SourceFile, rust};
use crate::hold;

/// Beginnings of clauses that have no subject and no verb of their own.
const CLAUSES: &[&str] = &["What", "Whether", "Where", "That which"];

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
    hold(&rust(), clauses);
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
