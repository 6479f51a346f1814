//! Distinguishes a wasm module from other files, before anything is validated.
//!
//! Input: the bytes. Output: nothing, or an error that names another kind of file, a component, or a truncated module. Only the
//! first bytes and the lengths of sections are read.

use crate::error::CompileError;

const MAGIC: &[u8] = b"\0asm";
/// Version 1 of layer 0: a core module.
const MODULE: [u8; 4] = [1, 0, 0, 0];
/// The layer of components, whatever their version.
const COMPONENT_LAYER: [u8; 2] = [1, 0];
/// The greatest section id that a core module may have (the tag section's).
const LAST_SECTION: u8 = 13;
/// Number of bytes of a text that are examined.
const SAMPLE: usize = 512;

/// Refuses bytes that are not a complete module: another kind of file, or a truncated module. The module may still be invalid.
///
/// # Errors
/// [`NotWasm`](CompileError::NotWasm), [`Component`](CompileError::Component) or [`Truncated`](CompileError::Truncated).
/// [`Invalid`](CompileError::Invalid) for an unknown version, and [`Limit`](CompileError::Limit) for more than 4 GiB.
pub fn recognise(wasm: &[u8]) -> Result<(), CompileError> {
    let truncated = CompileError::Truncated {
        offset: wasm.len() as u64,
    };
    if !wasm.starts_with(MAGIC) {
        let begins_well = !wasm.is_empty() && MAGIC.starts_with(wasm);
        return Err(if begins_well {
            truncated
        } else {
            CompileError::NotWasm(guess(wasm))
        });
    }
    let Some((header, sections)) = wasm.split_at_checked(8) else {
        return Err(truncated);
    };
    if header[6..] == COMPONENT_LAYER {
        return Err(CompileError::Component);
    }
    if header[4..] != MODULE {
        let version = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        return Err(CompileError::Invalid {
            offset: 4,
            reason: format!("unknown binary version {version:#x}: there is only version 1 of core modules"),
        });
    }
    if ends_in_the_middle(sections) {
        return Err(truncated);
    }
    if u32::try_from(wasm.len()).is_err() {
        return Err(CompileError::Limit("the file is larger than 4 GiB".to_owned()));
    }
    Ok(())
}

/// Returns true if a section reaches beyond the end. The validator reports other errors in the headers of sections.
fn ends_in_the_middle(mut rest: &[u8]) -> bool {
    while let Some((&id, tail)) = rest.split_first() {
        if id > LAST_SECTION {
            return false;
        }
        // The section's length: LEB128, at most five bytes.
        let mut len = 0u64;
        let mut size = 0;
        loop {
            let Some(&byte) = tail.get(size) else { return true };
            len |= u64::from(byte & 0x7f) << (7 * size);
            size += 1;
            if byte & 0x80 == 0 {
                break;
            }
            if size == 5 {
                return false;
            }
        }
        let Some(next) = usize::try_from(len).ok().and_then(|len| tail[size..].get(len..)) else {
            return true;
        };
        rest = next;
    }
    false
}

/// Guesses the kind of file. The text begins with its article.
fn guess(bytes: &[u8]) -> Option<&'static str> {
    const SIGNATURES: &[(&[u8], &str)] = &[
        (b"\x7fELF", "an ELF file (a native program or library)"),
        (b"MZ", "a Windows program"),
        (b"\xcf\xfa\xed\xfe", "a macOS program"),
        (b"\xce\xfa\xed\xfe", "a macOS program"),
        (b"\xca\xfe\xba\xbe", "a macOS program or a Java class"),
        (b"BC\xc0\xde", "LLVM bitcode, not linked yet"),
        (b"!<arch>\n", "a static library (ar archive)"),
        (b"\x1f\x8b", "a gzip file: unpack it first"),
        (b"PK\x03\x04", "a zip archive: unpack it first"),
        (b"\x28\xb5\x2f\xfd", "a zstd file: unpack it first"),
        (b"\xfd7zXZ\0", "an xz file: unpack it first"),
        (b"BZh", "a bzip2 file: unpack it first"),
        (
            b"version https://git-lfs",
            "a git-lfs pointer: fetch the file itself first",
        ),
        (b"#!", "a script"),
    ];
    if bytes.is_empty() {
        return Some("an empty file");
    }
    if let Some((_, name)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Some(name);
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some("a tar archive: unpack it first");
    }
    text(&bytes[..bytes.len().min(SAMPLE)])
}

/// Guesses the kind of text. Returns `None` if it is not text.
fn text(sample: &[u8]) -> Option<&'static str> {
    let control = |byte: &u8| *byte == 0x7f || (*byte < b' ' && !b"\t\n\r\x0c\x1b".contains(byte));
    // The sample may end in the middle of a character.
    let is_utf8 = match core::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if !is_utf8 || sample.iter().any(control) {
        return None;
    }
    let start = sample
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(sample)
        .trim_ascii_start();
    let begins = |word: &[u8]| {
        start
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    Some(if begins(b"<!doctype html") || begins(b"<html") {
        "an HTML page (a failed download?)"
    } else if begins(b"<?xml") || begins(b"<svg") {
        "an XML file"
    } else if begins(b"{") || begins(b"[") {
        "a JSON file"
    } else if begins(b"(module") || begins(b"(component") || begins(b"(;") || begins(b";;") {
        "WebAssembly's text format"
    } else {
        "a text file"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_wasm(bytes: &[u8]) -> Option<&'static str> {
        match recognise(bytes) {
            Err(CompileError::NotWasm(guess)) => guess,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn other_files_are_named() {
        let mut tar = vec![b'a'; 600];
        tar[257..262].copy_from_slice(b"ustar");
        tar[20] = 0;
        for (bytes, name) in [
            (&b""[..], "an empty file"),
            (b"\x7fELF\x02\x01\x01", "an ELF file"),
            (b"\x1f\x8b\x08\0", "a gzip file"),
            (b"PK\x03\x04", "a zip archive"),
            (b"\n <!DOCTYPE HTML><html>", "an HTML page"),
            (b"<HTML>", "an HTML page"),
            (b"{\"error\": 404}", "a JSON file"),
            (b"(module)", "WebAssembly's text format"),
            (b"#!/bin/sh\n", "a script"),
            (b"Not Found\n", "a text file"),
            (b"version https://git-lfs.github.com/spec/v1\n", "a git-lfs pointer"),
            (b"!<arch>\n", "a static library"),
            (&tar, "a tar archive"),
        ] {
            let found = not_wasm(bytes).expect("recognised");
            assert!(found.starts_with(name), "{found:?} is not {name:?}");
        }
    }

    #[test]
    fn a_text_that_is_cut_inside_of_a_character_is_still_text() {
        let text = "ä".repeat(SAMPLE);
        assert_eq!(not_wasm(&text.as_bytes()[..SAMPLE - 1]), Some("a text file"));
    }

    #[test]
    fn unknown_bytes_are_not_guessed_at() {
        assert_eq!(not_wasm(&[0x80, 0x01, 0x02, 0x03]), None);
    }

    #[test]
    fn a_component_is_told_from_a_module() {
        assert_eq!(recognise(b"\0asm\x0d\0\x01\0"), Err(CompileError::Component));
        assert_eq!(recognise(b"\0asm\x01\0\0\0"), Ok(()));
    }

    #[test]
    fn every_cut_through_a_section_is_found_and_ends_at_the_end_of_the_file() {
        let wasm =
            wat::parse_str("(module (memory 1) (data (i32.const 0) \"abc\") (func (export \"f\")))").expect("valid");
        // A module that is cut between sections has complete sections: the validator reports the missing ones.
        let mut whole = vec![8];
        let mut at = 8;
        while at < wasm.len() {
            at += 2 + usize::from(wasm[at + 1]);
            whole.push(at);
        }
        for cut in 1..=wasm.len() {
            let expect = if whole.contains(&cut) {
                Ok(())
            } else {
                Err(CompileError::Truncated { offset: cut as u64 })
            };
            assert_eq!(recognise(&wasm[..cut]), expect, "cut at {cut}");
        }
    }

    #[test]
    fn a_malformed_frame_is_left_to_the_validator() {
        for sections in [&[0x20, 0x7f][..], &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]] {
            let wasm = [b"\0asm\x01\0\0\0", sections].concat();
            assert_eq!(recognise(&wasm), Ok(()));
        }
    }
}
