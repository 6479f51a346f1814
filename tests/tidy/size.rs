//! Limits for the lengths of files and functions. Tighten them over time, and never loosen them.

use crate::files::{SourceFile, files, rust};
use crate::hold;

/// The longest document or script in lines.
const LONGEST_FILE: usize = 1000;

/// The longest Rust file in lines.
const LONGEST_RUST: usize = 700;

/// The largest median length of the Rust files in lines.
const MEDIAN_FILE: usize = 180;

/// The length in lines that one Rust file in ten may exceed.
const LONG_FILE: usize = 390;

/// A function with more lines than this counts as long.
const LONG_FUNCTION: usize = 70;

/// The number of long functions per thousand.
const LONG_FUNCTIONS: usize = 5;

fn too_long(file: &SourceFile) -> Vec<String> {
    let lines = file.text.lines().count();
    let most = if file.path.ends_with(".rs") {
        LONGEST_RUST
    } else {
        LONGEST_FILE
    };
    if lines <= most {
        Vec::new()
    } else {
        vec![format!("{lines} lines, at most {most}")]
    }
}

/// Returns the functions of a formatted file, with their lengths in lines.
fn functions(file: &SourceFile) -> Vec<(String, usize)> {
    let code = file.code();
    let mut found = Vec::new();
    for (at, (number, line)) in code.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = function_name(line.trim_start()) else {
            continue;
        };
        // Formatted code closes a function in the column where it begins.
        let closing = format!("{}}}", " ".repeat(indent));
        let end = code[at..]
            .iter()
            .find(|(_, line)| line.trim_end() == closing || (line.len() == indent && line.ends_with(';')));
        if let Some((end, _)) = end {
            found.push((name, end - number + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let (before, after) = line.split_once("fn ")?;
    let words = ["pub", "const", "unsafe", "async", "extern"];
    let qualifiers_only = before
        .split_whitespace()
        .all(|word| words.contains(&word) || word.starts_with("pub(") || word == "crate)" || word.starts_with("super"));
    if !qualifiers_only || after.trim_end().ends_with(';') || line.contains('}') {
        return None;
    }
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (end > 0).then(|| after[..end].to_owned())
}

#[test]
fn no_file_is_too_long() {
    hold(
        &files(|path| [".rs", ".py", ".sh", ".md"].iter().any(|end| path.ends_with(end))),
        too_long,
    );
}

#[test]
fn most_files_are_short() {
    let mut lengths: Vec<_> = rust().iter().map(|file| file.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN_FILE, "the median file has {median} lines");
    let p90 = lengths[lengths.len() * 9 / 10];
    assert!(p90 <= LONG_FILE, "one file in ten has more than {p90} lines");
}

#[test]
fn few_functions_are_long() {
    let mut count = 0;
    let mut long = Vec::new();
    for file in rust() {
        for (name, lines) in functions(&file) {
            count += 1;
            if lines > LONG_FUNCTION {
                long.push(format!("{}: {name}: {lines} lines", file.path));
            }
        }
    }
    assert!(count > 100, "only {count} functions were found");
    assert!(
        long.len() * 1000 <= LONG_FUNCTIONS * count,
        "{} of {count} functions:\n{}",
        long.len(),
        long.join("\n")
    );
}

#[test]
fn long_files_and_functions_are_found() {
    let body = "    let x = 1;\n".repeat(80);
    let file = SourceFile::made_up(
        "a.rs",
        &format!("pub(crate) fn long(\n    x: u32,\n) -> u32 {{\n{body}}}\nfn short() {{}}\n"),
    );
    assert_eq!(functions(&file), [("long".to_owned(), 84)]);
    assert!(too_long(&file).is_empty());
    assert_eq!(too_long(&SourceFile::made_up("a.rs", &"\n".repeat(701))).len(), 1);
    assert!(too_long(&SourceFile::made_up("a.md", &"\n".repeat(701))).is_empty());
    assert_eq!(too_long(&SourceFile::made_up("a.md", &"\n".repeat(1001))).len(), 1);
}
