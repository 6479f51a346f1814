//! The names in a cache's directory, made and recognised.
//!
//! Input: the name of a file or link. Output: its kind and its key. Must not hold: access to files.
//!
//! The directory may hold other files too (`--cache-dir .`). A file whose name does not match exactly is not wrun's. It is
//! neither listed nor touched.

use std::ffi::OsStr;
use std::fmt;

use super::key::Settings;
use crate::sys::dir::random;

/// Suffix of the names of artifacts.
const ARTIFACT: &str = ".wrun";

/// Suffix of the names of locks.
const LOCK: &str = ".lock";

/// Prefix of the names of files that are being written.
const NEW: &str = "new-";

/// The name of a file in the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Name {
    /// An artifact, by its key.
    Artifact(String),
    /// A lock. The process that holds it compiles the artifact with this key.
    Lock(String),
    /// A file that is being written, by its random number.
    Temporary(String),
}

impl Name {
    /// Makes a new, unused name.
    pub(super) fn temporary() -> Self {
        Self::Temporary(format!("{:016x}", random()))
    }

    /// Returns the kind of file with this name, or `None` if it does not belong to the cache.
    pub(super) fn parse(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        let key = |key: &str| is_key(key).then(|| key.to_owned());
        if let Some(prefix) = name.strip_suffix(ARTIFACT) {
            return key(prefix).map(Self::Artifact);
        }
        if let Some(prefix) = name.strip_suffix(LOCK) {
            return key(prefix).map(Self::Lock);
        }
        let number = name.strip_prefix(NEW)?;
        is_hex(number, 16).then(|| Self::Temporary(number.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Artifact(key) => write!(f, "{key}{ARTIFACT}"),
            Self::Lock(key) => write!(f, "{key}{LOCK}"),
            Self::Temporary(number) => write!(f, "{NEW}{number}"),
        }
    }
}

/// The name of a link in the directory of links.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum LinkName {
    /// The identity of a file, and settings.
    Identity(String),
    /// The identity of an artifact whose checksums were compared.
    Verified(String),
    /// A link that is still being made and will be renamed.
    Temporary(String),
}

impl LinkName {
    /// Returns the kind of file with this name, or `None` if it does not belong to the cache.
    pub(super) fn parse(name: &OsStr) -> Option<Self> {
        if let Some(Name::Temporary(number)) = Name::parse(name) {
            return Some(Self::Temporary(number));
        }
        let name = name.to_str()?;
        let mut parts = name.split('-');
        if parts.by_ref().take(7).filter(|field| is_number(field)).count() != 7 {
            return None;
        }
        match (parts.next(), parts.next()) {
            (None, _) => Some(Self::Verified(name.to_owned())),
            (Some(settings), None) if is_hex(settings, 2 * Settings::LEN) => Some(Self::Identity(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(name) | Self::Verified(name) => f.write_str(name),
            Self::Temporary(number) => write!(f, "{NEW}{number}"),
        }
    }
}

/// Target of a link that marks a file outside of the cache as verified. No file has this name.
pub(super) const ELSEWHERE: &str = "elsewhere";

/// Returns the target of a symlink to the artifact with this name.
pub(super) fn target(artifact: &str) -> String {
    format!("../{artifact}")
}

/// Returns true if this is the target of a symlink to an artifact.
pub(super) fn is_target(target: &[u8]) -> bool {
    linked(target).is_some()
}

/// Returns the name of the artifact from the target of a link.
pub(super) fn linked(target: &[u8]) -> Option<&str> {
    let name = str::from_utf8(target.strip_prefix(b"../")?).ok()?;
    matches!(Name::parse(OsStr::new(name)), Some(Name::Artifact(_))).then_some(name)
}

fn is_key(key: &str) -> bool {
    key.split_once('-')
        .is_some_and(|(contents, settings)| is_hex(contents, 64) && is_hex(settings, 16))
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns true if `{:x}` could have written this text.
fn is_number(text: &str) -> bool {
    (1..=16).contains(&text.len()) && is_hex(text, text.len()) && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_recognised() {
        let key = format!("{}-{}", "0123456789abcdef".repeat(4), "fedcba9876543210");
        for name in [Name::Artifact(key.clone()), Name::Lock(key), Name::temporary()] {
            let text = name.to_string();
            assert_eq!(Name::parse(OsStr::new(&text)), Some(name.clone()), "{text}");
            let is_artifact = matches!(name, Name::Artifact(_));
            assert_eq!(is_target(target(&text).as_bytes()), is_artifact, "{text}");
        }
        for settings in ["00", "ff"] {
            let text = format!("fe00-0-1-ffffffffffffffff-7-6b033f1e-0-{}", settings.repeat(40));
            let name = LinkName::Identity(text.clone());
            assert_eq!(name.to_string(), text);
            assert_eq!(LinkName::parse(OsStr::new(&text)), Some(name));
        }
        let text = "fe00-0-1-ffffffffffffffff-7-6b033f1e-0";
        let name = LinkName::Verified(text.to_owned());
        assert_eq!(name.to_string(), text);
        assert_eq!(LinkName::parse(OsStr::new(text)), Some(name));
        let text = Name::temporary().to_string();
        let name = LinkName::parse(OsStr::new(&text)).expect("made the same way");
        assert_eq!(name.to_string(), text);
    }

    #[test]
    fn what_is_nearly_a_name_is_none() {
        let (contents, settings) = ("0123456789abcdef".repeat(4), "fedcba9876543210");
        let key = format!("{contents}-{settings}");
        for name in [
            "",
            ".wrun",
            ".lock",
            "new-",
            "Cargo.lock",
            "tool.wrun",
            "new-york.txt",
            "new-0123456789abcde",
            "new-0123456789abcdef0",
            "new-0123456789abcdeg",
            "new-0123456789ABCDEF",
            "new-0123456789abcdef.lock",
            "xnew-0123456789abcdef",
            &key,
            &format!("{key}.wrun~"),
            &format!("{key}.wrun.lock"),
            &format!("{key}.WRUN"),
            &format!("{}.wrun", key.to_uppercase()),
            &format!("a{key}.wrun"),
            &format!("{key}a.lock"),
            &format!("{contents}_{settings}.lock"),
            &format!("{contents}-{settings}-{settings}.wrun"),
            &format!("{contents}{settings}.wrun"),
            &format!("{}-{settings}.wrun", &contents[1..]),
        ] {
            assert_eq!(Name::parse(OsStr::new(name)), None, "{name}");
            assert_eq!(LinkName::parse(OsStr::new(name)), None, "{name}");
            assert!(!is_target(target(name).as_bytes()), "{name}");
        }
        let settings = "00".repeat(40);
        for link in [
            &settings,
            "1-2-3-4-5-6",
            "1-2-3-4-5-6-",
            "1-2-3-4-5-6-7-",
            "1-2-3-4-5-6-7-8",
            &format!("1-2-3-4-5-6-{settings}"),
            &format!("1-2-3-4-5-6-7-8-{settings}"),
            &format!("1-2-3-4-5-6-7-{settings}-"),
            &format!("1-2-3-4-5-6-7-{settings}00"),
            &format!("1-2-3-4--6-7-{settings}"),
            &format!("1-2-3-4-5-6-07-{settings}"),
            &format!("1-2-3-4-5-6-A-{settings}"),
            &format!("1-2-3-4-5-6-10000000000000000-{settings}"),
        ] {
            assert_eq!(LinkName::parse(OsStr::new(link)), None, "{link}");
        }
        for target in [&format!("{key}.wrun"), &format!("../../{key}.wrun"), "..", "../", "/"] {
            assert!(!is_target(target.as_bytes()), "{target}");
        }
    }
}
