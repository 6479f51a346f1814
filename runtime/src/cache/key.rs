//! Names of artifacts: by contents, and by the identity of the file that has the contents.

use std::fmt::{self, Write};
use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime};

use super::SUFFIX;
use crate::engine::Engine;
use crate::sys::dir;

/// A file that was changed more recently than this may be changed again without its times showing it.
const SETTLING: Duration = Duration::from_secs(2);

/// What an artifact depends on: the wasm bytes, and a hash of everything else.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct CacheKey {
    contents: [u8; 32],
    settings: [u8; 32],
}

impl CacheKey {
    /// The key under which the artifact of these bytes is kept for an engine's settings.
    pub fn of(engine: &Engine, wasm: &[u8]) -> Self {
        Self::new(wasm, &engine.settings())
    }

    /// The key of contents that are compiled with these settings (a hash of all of them).
    pub(crate) fn new(wasm: &[u8], settings: &[u8; 32]) -> Self {
        Self {
            contents: *blake3::hash(wasm).as_bytes(),
            settings: *settings,
        }
    }

    pub(super) fn file_name(&self) -> String {
        format!("{self}{SUFFIX}")
    }

    pub(super) fn lock_name(&self) -> String {
        format!("{self}.lock")
    }
}

impl fmt::Display for CacheKey {
    /// The name of the artifact's file, without suffix: 64 digits for the contents, 16 for the settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.contents)?;
        f.write_char('-')?;
        hex(f, &self.settings[..8])
    }
}

fn hex(out: &mut impl Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

/// A hash of some fields; fields never run into each other.
pub(crate) fn hash_fields(fields: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for field in fields {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    *hasher.finalize().as_bytes()
}

/// What tells a file with its contents from all others: device, inode, size, and the times of the last changes of its contents
/// and of its inode (which nobody can set).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct FileIdentity {
    fields: [i64; 7],
    /// When it was taken.
    taken: SystemTime,
}

impl FileIdentity {
    /// The identity of an open file: to be taken before its contents are read.
    ///
    /// # Errors
    /// When the system tells nothing of the file, or it is not a regular file.
    pub fn of(file: &File) -> io::Result<Self> {
        let taken = SystemTime::now();
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        Ok(Self {
            fields: dir::identity(&metadata),
            taken,
        })
    }

    /// Whether the file still is what it was: to be asked after its contents were read.
    pub fn still_holds(&self, file: &File) -> bool {
        Self::of(file).is_ok_and(|now| now.fields == self.fields)
    }

    /// Whether the file was not changed in the moments before the identity was taken: then a later change shows in its times.
    pub(super) fn is_settled(&self) -> bool {
        let [_, _, _, modified, _, changed, _] = self.fields;
        let Ok(now) = self.taken.duration_since(SystemTime::UNIX_EPOCH) else {
            return false;
        };
        let latest = modified.max(changed);
        // Times of the future are no better than recent ones.
        u64::try_from(latest).map_or(true, |latest| now.as_secs().saturating_sub(latest) > SETTLING.as_secs())
    }

    /// The name of the link for a file with this identity, under these settings.
    pub(super) fn name(&self, settings: &[u8; 32]) -> String {
        let mut bytes = [0; 56];
        for (chunk, field) in bytes.chunks_exact_mut(8).zip(self.fields) {
            chunk.copy_from_slice(&field.to_le_bytes());
        }
        let hash = hash_fields(&[&bytes, settings]);
        let mut name = String::with_capacity(32);
        hex(&mut name, &hash[..16]).expect("writing to a string does not fail");
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(fields: [i64; 7]) -> FileIdentity {
        FileIdentity {
            fields,
            taken: SystemTime::UNIX_EPOCH + Duration::from_secs(1000),
        }
    }

    #[test]
    fn a_file_that_was_just_changed_is_not_settled() {
        for (modified, changed, settled) in [
            (10, 10, true),
            (997, 997, true),
            (998, 10, false),
            (10, 999, false),
            (10, 5000, false),
            (-5, 10, true),
        ] {
            let identity = identity([1, 2, 3, modified, 0, changed, 0]);
            assert_eq!(identity.is_settled(), settled, "{modified} {changed}");
        }
    }

    #[test]
    fn every_field_and_the_settings_change_the_name() {
        let base = identity([1, 2, 3, 4, 5, 6, 7]);
        let mut names = vec![base.name(&[0; 32]), base.name(&[1; 32])];
        for field in 0..7 {
            let mut other = base;
            other.fields[field] += 1;
            names.push(other.name(&[0; 32]));
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn keys_differ_in_contents_and_settings() {
        let keys = [(&b"a"[..], [0; 32]), (b"b", [0; 32]), (b"a", [1; 32])];
        let names: Vec<_> = keys
            .iter()
            .map(|(wasm, settings)| CacheKey::new(wasm, settings).file_name())
            .collect();
        assert!(names[0] != names[1] && names[0] != names[2] && names[1] != names[2]);
        assert!(names.iter().all(|name| name.len() == 64 + 1 + 16 + SUFFIX.len()));
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(hash_fields(&[b"ab", b"c"]), hash_fields(&[b"a", b"bc"]));
    }
}
