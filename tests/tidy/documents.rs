//! Every path and every test program that documents, comments and scripts name must exist.

use wrun_tests::repository;

use crate::files::{SourceFile, documents, files, rust, scripts};
use crate::hold;

/// Prefixes of paths that a document may name although a clone does not have them.
const MADE_BY_RUNNING: &[&str] = &["target/"];

/// Returns the folders and files at the root. A path is recognised by its first part, which must be one of them.
fn roots() -> Vec<String> {
    std::fs::read_dir(repository())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect()
}

/// Returns the words of a document that are paths: in backticks or link targets, beginning at the root, and without wildcards.
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

/// Returns the names of all test programs: those that manifests declare, and the files in `runtime/tests/`.
fn test_programs() -> Vec<String> {
    let mut found: Vec<_> = files(|path| path.ends_with("Cargo.toml"))
        .iter()
        .flat_map(|manifest| {
            let declared = manifest.text.split("[[test]]\nname = \"").skip(1);
            let names: Vec<_> = declared
                .filter_map(|rest| rest.split('"').next())
                .map(str::to_owned)
                .collect();
            names
        })
        .collect();
    let automatic = rust().into_iter().filter_map(|file| {
        let name = file.path.strip_prefix("runtime/tests/")?.strip_suffix(".rs")?;
        (!name.contains('/')).then(|| name.to_owned())
    });
    found.extend(automatic);
    found
}

/// Lists the test programs that a text names after `--test` and that do not exist.
fn missing_tests(file: &SourceFile) -> Vec<String> {
    let programs = test_programs();
    let named = file.text.split("--test ").skip(1).filter_map(|rest| {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        rest.split(|c| !is_name(c)).next()
    });
    named
        // Leave out variables of a script and placeholders.
        .filter(|name| name.chars().any(char::is_lowercase))
        .filter(|name| !programs.iter().any(|program| program == name))
        .map(|name| format!("names the test program {name}, which is not there"))
        .collect()
}

/// Lists the paths that a script names as whole words and that do not exist.
fn missing_in_script(file: &SourceFile) -> Vec<String> {
    let roots = roots();
    let words = file
        .text
        .split(|c: char| c.is_whitespace() || "\"'`=:;,(){}".contains(c));
    // A word may begin with a variable, as `$root/ci/check`. A word with a variable inside is not a path.
    let words = words.map(|word| word.strip_prefix("$root/").unwrap_or(word));
    words
        .filter(|word| word.contains('/') && word.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c)))
        .filter(|word| roots.iter().any(|root| word.split('/').next() == Some(root)))
        .filter(|path| !MADE_BY_RUNNING.iter().any(|made| path.starts_with(made)))
        .filter(|path| !repository().join(path).exists())
        .map(|path| format!("names {path}, which is not there"))
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

/// Lists the folders of these files that a text does not name in backticks with a slash at the end.
fn unnamed_folders(files: &[SourceFile], text: &str) -> Vec<String> {
    let mut folders: Vec<_> = files
        .iter()
        .filter_map(|file| Some(file.path.rsplit_once('/')?.0.to_owned()))
        .collect();
    folders.sort();
    folders.dedup();
    folders.retain(|folder| !text.contains(&format!("`{folder}/`")));
    folders
}

#[test]
fn the_architecture_page_names_every_folder() {
    let page = files(|path| path == "ARCHITECTURE.md");
    let unnamed = unnamed_folders(&files(|_| true), &page[0].text);
    assert!(unnamed.is_empty(), "ARCHITECTURE.md does not name {unnamed:?}");
    let made_up = [SourceFile::made_up("a/b/c.rs", ""), SourceFile::made_up("d.rs", "")];
    assert_eq!(unnamed_folders(&made_up, "`a/`"), ["a/b"]);
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
fn every_path_that_a_script_names_is_there() {
    hold(&scripts(), missing_in_script);
}

#[test]
fn every_test_program_that_is_named_is_there() {
    hold(&files(|path| path != "tests/tidy/documents.rs"), missing_tests);
}

#[test]
fn a_test_program_that_is_not_there_is_found() {
    let text = "cargo test --test cli traps:: --test none, `--test spec`, --test NAME, --test $name --test cache";
    assert_eq!(missing_tests(&SourceFile::made_up("a.md", text)).len(), 1);
}

#[test]
fn a_path_that_is_not_there_is_found() {
    let document = |text| SourceFile::made_up("README.md", text);
    assert_eq!(missing(&document("see `tests/none.rs` and [this](ci/none)")).len(), 2);
    let script = SourceFile::made_up(
        "ci/x",
        "ci/none; \"$root/tests/none\"; ci/check tests/$name.wat target/x /ci/none",
    );
    assert_eq!(missing_in_script(&script).len(), 2);
    assert!(
        missing(&document(
            "see `tests/tidy/main.rs`, `app.wasm`, `a/b`, `target/x`, [x](https://x.org)"
        ))
        .is_empty()
    );
}
