//! Documents name paths of the repository; each must be there.

use wrun_tests::repository;

use crate::files::{SourceFile, documents, rust};
use crate::hold;

/// What a document may name although a clone does not have it.
const MADE_BY_RUNNING: &[&str] = &["target/"];

/// The folders and files at the root, which is where a path must begin to be recognised as one.
fn roots() -> Vec<String> {
    std::fs::read_dir(repository())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect()
}

/// The words of a document that are paths: in backticks or link targets, beginning at the root, not a pattern.
fn paths<'a>(text: &'a str, roots: &[String]) -> Vec<&'a str> {
    let in_backticks = text.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let plain = |word: &str| word.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    let of_repository = |word: &str| {
        let first = word.split('/').next().unwrap_or(word);
        let file = word.ends_with(".md") || word.ends_with(".rs") || word.ends_with(".toml");
        (word.contains('/') || file) && (roots.iter().any(|root| root == first) || (file && word.contains('/')))
    };
    in_backticks
        .chain(links)
        .filter(|word| plain(word) && of_repository(word))
        .collect()
}

fn missing(file: &SourceFile) -> Vec<String> {
    let folder = repository()
        .join(&file.path)
        .parent()
        .expect("a file lies in a folder")
        .to_owned();
    paths(&file.text, &roots())
        .into_iter()
        .filter(|path| !MADE_BY_RUNNING.iter().any(|made| path.starts_with(made)))
        .filter(|path| !repository().join(path).exists() && !folder.join(path).exists())
        .map(|path| format!("names {path}, which is not there"))
        .collect()
}

#[test]
fn every_path_that_a_document_names_is_there() {
    hold(&documents(), missing);
}

#[test]
fn every_path_that_code_comments_name_is_there() {
    let comments = rust()
        .into_iter()
        .map(|file| {
            let text: Vec<_> = file
                .text
                .lines()
                .filter(|line| line.trim_start().starts_with("//"))
                .collect();
            SourceFile {
                text: text.join("\n"),
                path: file.path,
            }
        })
        .collect::<Vec<_>>();
    hold(&comments, missing);
}

#[test]
fn a_path_that_is_not_there_is_found() {
    let document = |text| SourceFile::made_up("README.md", text);
    assert_eq!(missing(&document("see `tests/none.rs` and [this](ci/none)")).len(), 2);
    assert!(
        missing(&document(
            "see `tests/tidy/main.rs`, `app.wasm`, `a/b`, `target/x`, [x](https://x.org)"
        ))
        .is_empty()
    );
}
