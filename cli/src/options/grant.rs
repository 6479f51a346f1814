//! Parses the values of `--dir` and `--dir-ro` to grants. Nothing is opened.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use wrun_wasi::{Access, Grant};

/// Returns the option that grants an access.
pub(crate) fn option(access: Access) -> &'static str {
    match access {
        Access::ReadWrite => "--dir",
        Access::ReadOnly => "--dir-ro",
    }
}

/// Reads `HOST[::GUEST]`. Without `GUEST`, the guest's name is the host's path as typed. Refuses a guest's name that another
/// grant has, because the guest would see only one of them.
pub(crate) fn read(word: &OsStr, access: Access, others: &[Grant]) -> Result<Grant, String> {
    let bytes = word.as_bytes();
    let (host, guest) = match bytes.windows(2).position(|pair| pair == b"::") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, bytes),
    };
    let shown = word.display();
    if host.is_empty() {
        return Err(format!(
            "`{shown}` has no path of a file or directory: write HOST or HOST::GUEST"
        ));
    }
    if guest.is_empty() {
        return Err(format!(
            "`{shown}` has no name for the guest after `::`: write for example `{shown}/`"
        ));
    }
    let grant = Grant {
        host: PathBuf::from(OsStr::from_bytes(host)),
        guest: guest.to_vec(),
        access,
    };
    let Some(other) = others.iter().find(|other| name(other) == name(&grant)) else {
        return Ok(grant);
    };
    Err(format!(
        "the guest's `{}` is given twice, for `{}` and for `{}`: leave one of them out, or give it another name (HOST::GUEST)",
        OsStr::from_bytes(&grant.guest).display(),
        other.host.display(),
        grant.host.display()
    ))
}

/// Returns the guest's name without slashes at its end: `/x/` is `/x`.
fn name(grant: &Grant) -> &[u8] {
    let slashes = grant.guest.iter().rev().take_while(|byte| **byte == b'/').count();
    &grant.guest[..grant.guest.len() - slashes]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_as_people_type_them() {
        for (word, host, guest) in [
            (".", ".", "."),
            ("./sub/", "./sub/", "./sub/"),
            ("/tmp", "/tmp", "/tmp"),
            ("/tmp::/", "/tmp", "/"),
            ("file.txt", "file.txt", "file.txt"),
            ("a::b::c", "a", "b::c"),
            ("a:b", "a:b", "a:b"),
        ] {
            let grant = read(OsStr::new(word), Access::ReadOnly, &[]).expect(word);
            let expected = Grant {
                host: host.into(),
                guest: guest.into(),
                access: Access::ReadOnly,
            };
            assert_eq!(grant, expected, "{word}");
        }
        let bytes = OsStr::from_bytes(b"\xff::\xfe");
        let grant = read(bytes, Access::ReadWrite, &[]).expect("bytes are fine");
        assert_eq!(
            (grant.host.as_os_str().as_bytes(), &*grant.guest),
            (&b"\xff"[..], &b"\xfe"[..])
        );
    }

    #[test]
    fn grants_that_are_refused_name_the_fix() {
        for (word, fix) in [("", "HOST::GUEST"), ("::/x", "HOST::GUEST"), ("/x::", "`/x::/`")] {
            let error = read(OsStr::new(word), Access::ReadWrite, &[]).expect_err(word);
            assert!(error.contains(fix), "{word}: {error}");
        }
    }

    #[test]
    fn a_guests_name_is_that_of_one_grant() {
        let given = |words: &[&str]| {
            let mut grants = Vec::new();
            for word in words {
                grants.push(read(OsStr::new(word), Access::ReadWrite, &grants)?);
            }
            Ok(())
        };
        for words in [
            &["a::/x", "b::/y"][..],
            &["a", "b"],
            &["/", "."],
            &["a::x", "a::/x", "a::xx"],
        ] {
            assert_eq!(given(words), Ok(()), "{words:?}");
        }
        for words in [
            &["a::/x", "c", "b::/x"][..],
            &[".", "."],
            &["a::/x/", "b::/x"],
            &["a::/", "/"],
        ] {
            let error: String = given(words).expect_err("one of them would not be seen");
            assert!(error.contains("is given twice, for `"), "{words:?}: {error}");
        }
    }
}
