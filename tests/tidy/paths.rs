//! Finds paths in Rust text that lead through the root of a crate.

use crate::files::SourceFile;

/// A path from the crate's root.
#[derive(Debug)]
pub(crate) struct RootPath {
    pub(crate) line: usize,
    /// The first name after the root, or `*` for all names.
    pub(crate) name: String,
    /// The path as far as it was followed.
    pub(crate) text: String,
}

/// A word or a sign of Rust text.
#[derive(Debug, PartialEq, Eq)]
struct Token {
    line: usize,
    text: String,
}

/// Returns the tokens of a file: words, `::`, and single signs. Comments and strings have none.
fn tokens(file: &SourceFile) -> Vec<Token> {
    let mut found = Vec::new();
    for (line, text) in file.code() {
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let len = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                let text = rest[..len].to_owned();
                found.push(Token { line, text });
            }
            rest = &rest[len..];
        }
    }
    found
}

/// Returns the paths in a file that lead through the crate's root. `module` is the file's module path.
pub(crate) fn paths(file: &SourceFile, module: &[String]) -> Vec<RootPath> {
    let tokens = tokens(file);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut found = Vec::new();
    // The inline modules around the current token: the nesting of braces at their beginning, and their names.
    let mut inline: Vec<(usize, String)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|(begins, _)| *begins == depth);
            }
            "mod" if text(at + 2) == "{" => inline.push((depth, text(at + 1).to_owned())),
            "crate" | "super" if at == 0 || text(at - 1) != "::" => {
                let mut ancestors: Vec<String> = match text(at) {
                    "crate" => Vec::new(),
                    _ => {
                        let all = module.iter().chain(inline.iter().map(|(_, name)| name));
                        all.cloned().collect()
                    }
                };
                if text(at) == "super" {
                    ancestors.pop();
                }
                while text(at + 1) == "::" && text(at + 2) == "super" {
                    ancestors.pop();
                    at += 2;
                }
                if text(at + 1) == "::" && ancestors.is_empty() {
                    for end in tree(&tokens, at + 2) {
                        let name = end.text.clone();
                        found.push(RootPath {
                            line: end.line,
                            text: format!("crate::{name}"),
                            name,
                        });
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Returns the first names of the tree of paths that begins at a token: the word itself, or the names of a list in braces.
fn tree(tokens: &[Token], at: usize) -> Vec<&Token> {
    let Some(first) = tokens.get(at) else {
        return Vec::new();
    };
    if first.text != "{" {
        return vec![first];
    }
    let mut found = Vec::new();
    let mut depth = 0;
    let mut begins = false;
    for token in &tokens[at..] {
        match token.text.as_str() {
            "{" => {
                depth += 1;
                begins = depth == 1;
            }
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," => begins = depth == 1,
            _ if begins => {
                found.push(token);
                begins = false;
            }
            _ => {}
        }
    }
    found
}

/// Returns the names of the modules that a file declares.
pub(crate) fn modules(file: &SourceFile) -> Vec<String> {
    let tokens = tokens(file);
    let declared = tokens
        .windows(3)
        .filter(|three| three[0].text == "mod" && three[2].text == ";");
    declared.map(|three| three[1].text.clone()).collect()
}

/// Returns the names that the root of a crate re-exports, each with its module.
pub(crate) fn reexports(root: &SourceFile) -> Vec<(String, String)> {
    let tokens = tokens(root);
    let mut found = Vec::new();
    for (at, _) in tokens.iter().enumerate().filter(|(_, token)| token.text == "use") {
        let Some(module) = tokens.get(at + 1) else { continue };
        let declaration = tokens[at + 1..].split(|token| token.text == ";").next().unwrap_or(&[]);
        for (at, token) in declaration.iter().enumerate() {
            let next = declaration.get(at + 1).map_or("", |token| token.text.as_str());
            // The last word of each branch is the name, also after `as`.
            if ["", ",", "}"].contains(&next) && !["}", ","].contains(&token.text.as_str()) {
                found.push((token.text.clone(), module.text.clone()));
            }
        }
    }
    found
}
