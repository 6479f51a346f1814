//! The files of the repository, and Rust text without its comments and strings.

use std::path::Path;

use wrun_tests::repository;

/// A text file, by its path from the root.
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    /// Makes a file that does not exist, for testing a rule.
    pub(crate) fn made_up(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Returns its lines of code with their numbers. Comments and the contents of strings are replaced by spaces.
    pub(crate) fn code(&self) -> Vec<(usize, String)> {
        blanked(&self.text)
            .lines()
            .map(str::to_owned)
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .collect()
    }
}

/// Returns every text file of the repository whose path `wanted` accepts.
pub(crate) fn files(wanted: impl Fn(&str) -> bool) -> Vec<SourceFile> {
    let mut found = Vec::new();
    visit(repository(), "", &mut found);
    found.retain(|path| wanted(path));
    found.sort();
    found
        .into_iter()
        .filter_map(|path| {
            let text = String::from_utf8(std::fs::read(repository().join(&path)).expect("readable")).ok()?;
            Some(SourceFile { path, text })
        })
        .collect()
}

/// Returns the Rust files.
pub(crate) fn rust() -> Vec<SourceFile> {
    files(|path| path.ends_with(".rs"))
}

/// Returns the scripts: all files in `ci/` and `.ci/`.
pub(crate) fn scripts() -> Vec<SourceFile> {
    files(|path| path.starts_with("ci/") || path.starts_with(".ci/"))
}

/// Returns the documents.
pub(crate) fn documents() -> Vec<SourceFile> {
    files(|path| path.ends_with(".md"))
}

fn visit(directory: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).expect("readable") {
        let entry = entry.expect("readable");
        let name = entry
            .file_name()
            .into_string()
            .expect("names in the repository are UTF-8");
        let kind = entry.file_type().expect("readable");
        if kind.is_dir() && !["target", ".git", "__pycache__"].contains(&name.as_str()) {
            visit(&entry.path(), &format!("{prefix}{name}/"), found);
        } else if kind.is_file() {
            found.push(format!("{prefix}{name}"));
        }
    }
}

/// Replaces comments and the contents of strings in Rust text by spaces. Line numbers do not change.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            string_end(rest)
        } else if let Some(hashes) = raw_string(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = hashes + 2;
            rest[open..]
                .find(&close)
                .map_or(rest.len(), |end| open + end + close.len())
        } else if let Some(len) = character(rest) {
            len
        } else if first.is_alphanumeric() || first == '_' {
            // Take the whole word, so that the `r` of a name does not begin a raw string.
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[skipped..];
    }
    out
}

/// Returns the length of the string literal at the beginning of `text`.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the number of hashes of the raw string at the beginning of `text`.
fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

/// Returns the length of the character literal at the beginning of `text`. A lifetime is not one.
fn character(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('\'')?;
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        return rest[1..]
            .char_indices()
            .skip(1)
            .find(|(_, c)| *c == '\'')
            .map(|(at, _)| at + 3);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(1 + at + 1)
}

#[test]
fn comments_and_strings_are_blank_and_code_stays() {
    let text = "let a = \"unsafe \\\" {\"; // unsafe\nlet b = r#\"unsafe \" x\"#; /* unsafe */ let c = '\\''; let d = '\"'; unsafe";
    let blank = blanked(text);
    assert_eq!(blank.matches("unsafe").count(), 1, "{blank}");
    assert!(blank.trim_end().ends_with("unsafe"), "{blank}");
    assert_eq!(blank.lines().count(), 2);
    assert!(blanked("fn f<'a>(x: &'a str) {}").contains("str"));
}

#[test]
fn the_repository_is_found() {
    assert!(rust().iter().any(|file| file.path == "tests/tidy/files.rs"));
    assert!(!files(|path| path.starts_with("target/")).iter().any(|_| true));
}
