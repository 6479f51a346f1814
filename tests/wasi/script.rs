//! Tables of calls. Each line is a call in the language of tests/guests/wasi/calls.c, then ` = `, then the expected output. `
//! or ` separates alternatives. Empty lines and lines that begin with `//` are skipped.

use std::fmt::Write;

/// A table of calls.
pub(crate) struct Script<'a> {
    lines: Vec<(&'a str, Vec<&'a str>)>,
}

impl<'a> Script<'a> {
    /// Reads a table.
    pub(crate) fn new(text: &'a str) -> Self {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"));
        let lines: Vec<_> = lines
            .map(|line| {
                let (call, expected) = line
                    .rsplit_once(" = ")
                    .unwrap_or_else(|| panic!("no ` = ` in the line `{line}`"));
                (call.trim_end(), expected.trim_start().split(" or ").collect())
            })
            .collect();
        assert!(!lines.is_empty(), "a table without calls tests nothing");
        Self { lines }
    }

    /// Returns the calls, as arguments for the interpreter.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().map(|(call, _)| *call)
    }

    /// Compares the output of the interpreter with the table.
    #[track_caller]
    pub(crate) fn check(&self, printed: &[u8], context: &str) {
        let printed = std::str::from_utf8(printed).expect("the interpreter prints ASCII");
        let found: Vec<&str> = printed.lines().filter(|line| *line != "paused").collect();
        let mut report = String::new();
        let mut wrong = found.len() != self.lines.len();
        for (at, (call, expected)) in self.lines.iter().enumerate() {
            let found = found.get(at).copied().unwrap_or("(nothing)");
            let right = expected.contains(&found);
            wrong |= !right;
            let mark = if right { "  " } else { "!!" };
            writeln!(report, "{mark} {call} = {found}").expect("a string can be written");
            if !right {
                writeln!(report, "   {} expected", expected.join(" or ")).expect("a string can be written");
            }
        }
        assert!(!wrong, "{context}:\n{report}");
    }
}

#[test]
fn a_difference_is_found() {
    let script = Script::new("fd_close 9 = BADF\n // comment\n\n fd_sync 3 = ok or INVAL");
    assert_eq!(script.calls().collect::<Vec<_>>(), ["fd_close 9", "fd_sync 3"]);
    script.check(b"BADF\nok\n", "right");
    script.check(b"BADF\nINVAL\n", "right");
    for wrong in [&b"BADF\n"[..], b"BADF\nok\nok\n", b"ok\nok\n", b"BADF\nIO\n", b""] {
        let checked =
            std::panic::catch_unwind(|| Script::new("fd_close 9 = BADF\nfd_sync 3 = ok or INVAL").check(wrong, ""));
        assert!(checked.is_err(), "{}", wrong.escape_ascii());
    }
}
