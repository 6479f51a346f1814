//! Names of artifacts, by the contents and by the identity of a file.
//!
//! Input: wasm bytes, settings, an open file. Output: a key, or a file's identity as the name of a link. Must not hold: the
//! directory.

use std::fmt::{self, Write};
use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime};

use super::names::Name;
use crate::sys::dir;

/// Time after a change in which a second change might leave the file's times as they are.
const SETTLING: Duration = Duration::from_secs(2);

/// Key of an artifact: a hash of the wasm bytes, and a hash of everything else that the artifact depends on.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct CacheKey {
    contents: [u8; 32],
    settings: [u8; 32],
}

impl CacheKey {
    /// Makes the key of these bytes under these settings.
    pub(crate) fn new(wasm: &[u8], settings: &Settings) -> Self {
        Self {
            contents: *blake3::hash(wasm).as_bytes(),
            settings: *blake3::hash(&settings.0).as_bytes(),
        }
    }

    pub(super) fn file_name(&self) -> String {
        Name::Artifact(self.to_string()).to_string()
    }

    pub(super) fn lock_name(&self) -> String {
        Name::Lock(self.to_string()).to_string()
    }
}

impl fmt::Display for CacheKey {
    /// Writes the name of the artifact's file without suffix: 64 digits for the contents, 16 for the settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.contents)?;
        f.write_char('-')?;
        hex(f, &self.settings[..8])
    }
}

fn hex(out: &mut impl Write, bytes: &[u8]) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().try_for_each(|byte| {
        out.write_char(char::from(DIGITS[usize::from(byte >> 4)]))?;
        out.write_char(char::from(DIGITS[usize::from(byte & 15)]))
    })
}

/// Everything besides the wasm bytes that changes an artifact: the build and the compile settings. They are kept as they are,
/// because a warm start should compute no hash.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Settings([u8; Self::LEN]);

impl Settings {
    /// Length in bytes.
    pub(super) const LEN: usize = 40;

    /// Joins the settings of a configuration with the build of wrun, which determines the format and the target.
    pub(crate) fn new(build: &[u8; 16], config: &[u8; 24]) -> Self {
        let mut bytes = [0; Self::LEN];
        bytes[..16].copy_from_slice(build);
        bytes[16..].copy_from_slice(config);
        Self(bytes)
    }
}

/// Identity of a file and its contents: device, inode, size, and the times of the last changes of its contents and of its inode.
/// Nobody can set the time of the inode's change.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct FileIdentity {
    fields: [i64; 7],
    /// Time at which the identity was taken.
    taken: SystemTime,
    /// True if every later change of the contents changes the fields.
    is_reliable: bool,
}

impl FileIdentity {
    /// Takes the identity of an open file. Take it before reading the contents.
    ///
    /// # Errors
    /// Fails if the system does not describe the file, or if it is not a regular file.
    pub fn of(file: &File) -> io::Result<Self> {
        let taken = SystemTime::now();
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        Ok(Self {
            fields: dir::identity(&metadata),
            taken,
            is_reliable: false,
        })
    }

    /// Makes the identity reliable if possible. Call this before reading the contents. It may wait for the disk if the file was
    /// written a short time ago.
    pub(super) fn before_reading(mut self, file: &File) -> Self {
        self.is_reliable = self.is_settled()
            && tells_contents_apart(&self.fields)
            && dir::make_changes_show(file).unwrap_or_else(|error| {
                log::debug!("cache: the module's file cannot be remembered: {error}");
                false
            });
        self
    }

    /// Returns device, inode, size, and times.
    pub(super) fn fields(&self) -> &[i64; 7] {
        &self.fields
    }

    /// Returns true if the cache can remember the file by this identity.
    pub(super) fn is_reliable(&self) -> bool {
        self.is_reliable
    }

    /// Returns true if the file is unchanged. Call this after reading the contents.
    pub fn still_holds(&self, file: &File) -> bool {
        Self::of(file).is_ok_and(|now| now.fields == self.fields)
    }

    /// Returns true if the file was not changed shortly before the identity was taken. A later change then shows in the times.
    fn is_settled(&self) -> bool {
        let [_, _, _, modified, _, changed, _] = self.fields;
        let Ok(now) = self.taken.duration_since(SystemTime::UNIX_EPOCH) else {
            return false;
        };
        let latest = modified.max(changed);
        // A time in the future is treated like a recent one.
        u64::try_from(latest).map_or(true, |latest| now.as_secs().saturating_sub(latest) > SETTLING.as_secs())
    }

    /// Returns the name of the link for a file with this identity under these settings. It has about 140 characters.
    pub(super) fn name(&self, settings: &Settings) -> String {
        let mut name = fields_name(&self.fields);
        name.push('-');
        hex(&mut name, &settings.0).expect("writing to a string does not fail");
        name
    }
}

/// Returns true if a running system took the time of the inode's change, and not a program that builds disk images. An image that
/// is built again has the same devices, inodes and times as before, even when its files differ. Such programs write whole
/// seconds. File systems with a coarse clock also write whole seconds, and their times do not tell two contents apart either.
pub(super) fn tells_contents_apart(fields: &[i64; 7]) -> bool {
    let [.., nanoseconds] = fields;
    *nanoseconds != 0
}

/// Returns the fields of an identity as a part of a name.
pub(super) fn fields_name(fields: &[i64; 7]) -> String {
    let mut name = String::with_capacity(192);
    for (at, field) in fields.iter().enumerate() {
        let separator = if at == 0 { "" } else { "-" };
        write!(name, "{separator}{field:x}").expect("writing to a string does not fail");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::names::LinkName;

    fn identity(fields: [i64; 7]) -> FileIdentity {
        FileIdentity {
            fields,
            taken: SystemTime::UNIX_EPOCH + Duration::from_secs(1000),
            is_reliable: false,
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
    fn times_of_whole_seconds_are_of_no_use() {
        for (nanoseconds, of_use) in [([0, 0], false), ([5, 0], false), ([0, 5], true), ([5, 7], true)] {
            let fields = [1, 2, 3, 4, nanoseconds[0], 5, nanoseconds[1]];
            assert_eq!(tells_contents_apart(&fields), of_use, "{nanoseconds:?}");
        }
    }

    #[test]
    fn names_of_links_are_recognised() {
        let settings = Settings::new(&[0xa0; 16], &[0x0f; 24]);
        for fields in [[0; 7], [-1; 7], [i64::MIN; 7], [1, 2, 3, 4, 5, 6, 7]] {
            let name = identity(fields).name(&settings);
            assert!(LinkName::parse(name.as_ref()).is_some(), "{name}");
        }
    }

    #[test]
    fn every_field_and_the_settings_change_the_name() {
        let base = identity([1, 2, 3, 4, 5, 6, 7]);
        let plain = Settings::new(&[0; 16], &[0; 24]);
        let mut names = vec![
            base.name(&plain),
            base.name(&Settings::new(&[1; 16], &[0; 24])),
            base.name(&Settings::new(&[0; 16], &[1; 24])),
        ];
        for field in 0..7 {
            let mut other = base;
            other.fields[field] += 1;
            names.push(other.name(&plain));
        }
        // Adjacent fields do not merge into the same text.
        names.push(identity([0x12, 0x3, 3, 4, 5, 6, 7]).name(&plain));
        names.push(identity([0x1, 0x23, 3, 4, 5, 6, 7]).name(&plain));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 12);
        let longest = identity([i64::MIN; 7]).name(&plain);
        assert!(longest.len() <= 255, "a file's name has at most 255 bytes");
    }

    #[test]
    fn keys_differ_in_contents_and_settings() {
        let settings = [0, 1].map(|build| Settings::new(&[build; 16], &[0; 24]));
        let keys = [(&b"a"[..], 0), (b"b", 0), (b"a", 1)];
        let names: Vec<_> = keys
            .iter()
            .map(|(wasm, build)| CacheKey::new(wasm, &settings[*build]).file_name())
            .collect();
        assert!(names[0] != names[1] && names[0] != names[2] && names[1] != names[2]);
        for (name, (wasm, build)) in names.iter().zip(keys) {
            let key = CacheKey::new(wasm, &settings[build]);
            assert_eq!(Name::parse(name.as_ref()), Some(Name::Artifact(key.to_string())));
            assert_eq!(Name::parse(key.lock_name().as_ref()), Some(Name::Lock(key.to_string())));
        }
    }
}
