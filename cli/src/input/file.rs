//! Reads the bytes of a module. Input: a file or stdin. Output: its whole contents, converted from the text format to the
//! binary format if necessary.
//!
//! The compiler checks whether the bytes are a valid module.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use wrun_runtime::Deadline;

use crate::exit::Status;
use crate::report::{Failure, Reporter};

/// The largest module in bytes. Offsets in a module are 32-bit numbers, and other runners have the same limit.
const LARGEST: u64 = 1 << 30;

/// The byte order mark that may come before text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Opens a file, unless the deadline passes first. (Opening a named pipe waits for a writer.)
pub(crate) fn open(path: &Path, deadline: Option<&Deadline>, report: &Reporter<'_>) -> Result<File, Failure> {
    // `File::open` would continue after a signal without a check of the deadline.
    loop {
        match openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => return Ok(file.into()),
            Err(Errno::INTR) if deadline.is_some_and(Deadline::passed) => return Err(report.deadline(None)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(unreadable(path, &error.into())),
        }
    }
}

/// Refuses an open file that cannot be read as a file, such as a directory.
pub(crate) fn check_kind(path: &Path, file: &File) -> Result<(), Failure> {
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(unreadable(path, &ErrorKind::IsADirectory.into())),
        Ok(_) => Ok(()),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Reads the whole module from a file, or from stdin without one, unless the deadline passes first.
pub(crate) fn read(
    file: Option<&File>,
    deadline: Option<&Deadline>,
    report: &Reporter<'_>,
) -> Result<Vec<u8>, Failure> {
    let bytes = match file {
        None => read_to_end(io::stdin().lock(), 0, deadline, report),
        Some(file) => {
            // The size is only a hint: it is 0 if it is not known.
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            read_to_end(file, size, deadline, report)
        }
    }?;
    log::debug!("module: {} bytes from {}", bytes.len(), report.module);
    Ok(bytes)
}

/// Converts the text format to the binary format. Other bytes are returned unchanged: the compiler reports what they are.
pub(crate) fn binary(bytes: Vec<u8>, deadline: Option<&Deadline>, report: &Reporter<'_>) -> Result<Vec<u8>, Failure> {
    let start = start_of_text(&bytes);
    if !is_text(&bytes[start..]) {
        return Ok(bytes);
    }
    let parse = move || match wat::parse_bytes(&bytes[start..]) {
        Ok(wasm) => Ok(wasm.into_owned()),
        Err(error) => Err(error.to_string()),
    };
    let parsed = match deadline {
        None => parse(),
        Some(deadline) => deadline.run(parse).ok_or_else(|| report.deadline(None))?,
    };
    parsed.map_err(|error| {
        let (what, place) = one_line(&error);
        report.cannot_run(&format!("invalid wasm text: {what}{place}"))
    })
}

/// Returns the length of the part before the text: a byte order mark, which some editors write, or a line `#!...`, which makes
/// the file a program. The newline of that line is kept, so that errors name the right line numbers.
fn start_of_text(bytes: &[u8]) -> usize {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else if bytes.starts_with(b"#!") {
        bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len())
    } else {
        0
    }
}

/// Returns true for the text format of wasm: after comments there is a parenthesis, or the text at least begins with a comment.
fn is_text(bytes: &[u8]) -> bool {
    match wat::Detect::from_bytes(bytes) {
        wat::Detect::WasmText => true,
        wat::Detect::WasmBinary => false,
        wat::Detect::Unknown => {
            let text = bytes.trim_ascii_start();
            let is_comment = text.starts_with(b";;") || text.starts_with(b"(;");
            is_comment && str::from_utf8(text).is_ok()
        }
    }
}

/// Reads like `Read::read_to_end`, and checks the deadline after each signal.
fn read_to_end(
    mut from: impl Read,
    size: u64,
    deadline: Option<&Deadline>,
    report: &Reporter<'_>,
) -> Result<Vec<u8>, Failure> {
    let too_large = || report.cannot_run("the module is larger than 1 GiB, the limit of wrun");
    if size > LARGEST {
        return Err(too_large());
    }
    // One byte more than the size of the file, so that the read at the end does not grow the buffer.
    let mut bytes = vec![0; usize::try_from(size).expect("bounded above") + 1];
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            bytes.resize((bytes.len() * 2).max(64 << 10), 0);
        }
        match from.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                let text = format!("cannot read the module `{}`: {error}", report.module);
                return Err(Failure::new(Status::CannotRun, &text));
            }
        }
        if deadline.is_some_and(Deadline::passed) {
            return Err(report.deadline(None));
        }
        if filled as u64 > LARGEST {
            return Err(too_large());
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Returns the failure of a path that cannot be opened, with the likely fix.
fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            let near = ["wasm", "wat"].into_iter().find_map(|extension| {
                let mut name = path.as_os_str().to_owned();
                name.push(".");
                name.push(extension);
                Path::new(&name)
                    .is_file()
                    .then(|| format!("; did you mean `{}`?", name.display()))
            });
            let hint = near.unwrap_or_else(|| ": check the path".to_owned());
            Failure::new(Status::NotFound, &format!("there is no module `{shown}`{hint}"))
        }
        ErrorKind::IsADirectory => Failure::new(
            Status::CannotRun,
            &format!("`{shown}` is a directory, not a module: give a directory to the guest with `--dir {shown}`"),
        ),
        ErrorKind::PermissionDenied => Failure::new(
            Status::CannotRun,
            &format!("no permission to read the module `{shown}`: make it readable (chmod +r)"),
        ),
        _ => Failure::new(Status::CannotRun, &format!("cannot open the module `{shown}`: {error}")),
    }
}

/// Extracts the reason and the place (such as ` (line 3, column 7)`) from the multi-line error of the text parser.
fn one_line(error: &str) -> (&str, String) {
    let (what, place) = match error.split_once("\n     --> ") {
        Some((what, rest)) => (what, rest.lines().next().unwrap_or_default()),
        None => error.rsplit_once(" at <anon>:").unwrap_or((error, "")),
    };
    let mut numbers = place.rsplitn(3, ':');
    match (numbers.next(), numbers.next()) {
        (Some(column), Some(line)) => (what, format!(" (line {line}, column {column})")),
        _ => (what, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::options::Options;

    /// Returns the binary form of a file, or the message. The deadline, if there is one, is far away.
    fn read(bytes: &[u8], deadline: Option<&Deadline>) -> Result<Vec<u8>, String> {
        let options = Options::of_module("x.wat");
        binary(bytes.to_vec(), deadline, &options.reporter()).map_err(|failure| failure.text())
    }

    #[test]
    fn errors_in_the_text_name_line_and_column() {
        for (text, place) in [
            ("(module\n  (fnc))", "(line 2, column 4)"),
            ("(module", "(line 1, column 8)"),
            ("(display \"hello\")", "(line 1, column 2)"),
            (
                ";; a comment and nothing else",
                "at least one module field (line 1, column ",
            ),
            (" (; a comment ;)\n", "at least one module field (line 2, column 1)"),
            ("(; a comment without end", "(line 1, column "),
            (";; a comment\nwords", "(line 2, column 1)"),
            (&format!("(module {} (fnc))", " ".repeat(600)), "(line 1, column "),
            ("#!/usr/bin/env wrun\n(module\n  (fnc))", "(line 3, column 4)"),
            ("#!/usr/bin/env wrun\n(fnc)", "(line 2, column 2)"),
        ] {
            let line = read(text.as_bytes(), None).expect_err(text);
            assert!(
                line.starts_with("wrun: cannot run `x.wat`: invalid wasm text: "),
                "{line}"
            );
            assert!(line.contains(place), "{line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }

    #[test]
    fn only_text_is_parsed_as_text() {
        let deadline = Deadline::after(Duration::from_secs(3600)).expect("there is a timer left");
        for deadline in [None, Some(&deadline)] {
            for bytes in [
                &b"\0asm\x01\0\0\0"[..],
                b"\x7fELF",
                b"hello",
                b"",
                b"\xff(module)",
                b"\xef\xbb\xbf",
                b"\xef\xbb\xbf\0asm\x01\0\0\0",
                b"#!/bin/sh\n",
                b"#!/bin/sh\necho hello\n",
                b"#!(module)",
                b"#!/usr/bin/env wrun\n\0asm\x01\0\0\0",
                b"; an assembler's comment",
                b";; \xff",
            ] {
                assert_eq!(read(bytes, deadline).as_deref(), Ok(bytes), "left to the compiler");
            }
            for text in [
                "(module)",
                " ;; a comment\n(; and\n another ;) (module)",
                "\u{feff}(module)",
                "#!/usr/bin/env wrun\n(module)",
                "#! wrun --dir .\r\n;; a comment\r\n(module)",
            ] {
                assert_eq!(
                    read(text.as_bytes(), deadline).as_deref(),
                    Ok(&b"\0asm\x01\0\0\0"[..]),
                    "{text}"
                );
            }
        }
    }
}
