//! The directory of artifacts.
//!
//! Input: a key, or the bytes of an artifact. Output: the file of the artifact, or none. Must not hold: the meaning of the bytes.
//!
//! ```text
//! DIR/KEY.wrun         an artifact; written once, never changed, replaced by renaming another one over it
//! DIR/KEY.lock         held (flock) by the process that compiles this artifact, so that others wait instead of compiling it too
//! DIR/new-RANDOM       an artifact that is being written; held (flock) by its writer
//! DIR/by-file/ID-SETTINGS  a symbolic link to ../KEY.wrun: the wasm file with this identity has this artifact. Advisory
//! DIR/by-file/ID       a symbolic link: the checksums of the artifact with this identity were compared (`verified`)
//! ```
//!
//! Artifacts are native code, so the cache uses no file that another user could have written. The directory, the artifact, and
//! `by-file` must belong to this user or to root, and other users must not be able to write to them. Only links in `by-file` are
//! followed, and none of them can lead out of the directory.
//!
//! Files with other names (see `names`) do not belong to wrun. Reading (`find…`) removes and writes nothing, except that it
//! records a file's time of last use. `publish` writes, and `evict` removes. No failure here makes a run fail: the caller gets
//! the error, logs it, and goes on without the cache.

mod evict;
mod key;
mod names;
mod publish;
mod verified;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub use evict::{CacheEntry, CacheRest, Pruned};
pub(crate) use key::Settings;
pub use key::{CacheKey, FileIdentity};
use names::Name;
pub(crate) use verified::{Found, Unverified};

use crate::error::Miss;
use crate::sys::dir::{Dir, Opened, Owner, effective_user};

/// Permissions of a run on the cache.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum CacheMode {
    /// Use artifacts in the cache, and add new ones.
    ReadWrite,
    /// Use artifacts in the cache.
    ReadOnly,
    /// Use artifacts in the cache. A missing artifact is an error.
    Require,
}

/// A directory of artifacts.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    dir: Dir,
    /// User who owns the directory: this user or root.
    owner: u32,
    mode: CacheMode,
    limit: u64,
}

/// The reason why a directory is not used as a cache. The text is one line.
#[derive(Debug)]
pub enum CacheError {
    /// The directory cannot be opened or created.
    Io(PathBuf, io::Error),
    /// Another user could put code there.
    Untrusted(PathBuf, &'static str),
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => {
                let fix = match error.kind() {
                    io::ErrorKind::PermissionDenied => " (name another one with --cache-dir)",
                    _ => "",
                };
                write!(f, "the cache directory {} cannot be used: {error}{fix}", path.display())
            }
            Self::Untrusted(path, why) => write!(
                f,
                "the cache directory {} is not used, since artifacts are native code and {why}",
                path.display()
            ),
        }
    }
}

impl CacheError {
    /// Returns true if the directory does not exist.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl std::error::Error for CacheError {}

/// Creates a directory, and those above it, for its owner alone.
fn make(dir: &Path) -> io::Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| {
        let is_dangling = |path: &&Path| path.is_symlink() && !path.exists();
        match dir.ancestors().find(is_dangling) {
            Some(link) if error.kind() == io::ErrorKind::AlreadyExists => io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "{} is a dangling link (remove it, or create its target)",
                    link.display()
                ),
            ),
            _ => error,
        }
    })
}

/// The reason why a file may hold data that another user has written.
enum Foreign {
    /// Other users can write to it.
    Writable,
    /// It belongs to a user other than this one and root.
    Owned,
}

impl Foreign {
    /// Checks a file's owner and permissions for `user`, who is this user or root. Returns the reason if another user may have
    /// written the file.
    fn find(owner: Owner, user: u32) -> Option<Self> {
        let is_own = owner.user == 0 || owner.user == user || owner.user == effective_user();
        if !is_own {
            return Some(Self::Owned);
        }
        owner.others_can_write.then_some(Self::Writable)
    }

    /// Does the same as `find`, but returns an error.
    fn check(owner: Owner, user: u32) -> io::Result<()> {
        let Some(found) = Self::find(owner, user) else {
            return Ok(());
        };
        let text = match found {
            Self::Writable => "others can write to it",
            Self::Owned => "it belongs to another user",
        };
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }
}

/// The directory of links in a cache.
const BY_FILE: &str = "by-file";

impl Cache {
    /// Opens a cache. With [`CacheMode::ReadWrite`], creates a missing directory for its owner alone. When the artifacts exceed
    /// `limit` bytes after one was added, the least recently used are removed.
    ///
    /// # Errors
    /// Fails if the directory cannot be opened or created, if other users can write to it, or if it belongs to a user other than
    /// this one and root.
    pub fn open(dir: &Path, mode: CacheMode, limit: u64) -> Result<Self, CacheError> {
        match Self::open_existing(dir, mode, limit) {
            Err(error) if error.is_absent() && mode == CacheMode::ReadWrite => {
                make(dir).map_err(|error| CacheError::Io(dir.to_owned(), error))?;
                Self::open_existing(dir, mode, limit)
            }
            result => result,
        }
    }

    /// Does the same as [`Self::open`], but creates no directory.
    ///
    /// # Errors
    /// Fails as [`Self::open`] does, and if there is no directory ([`CacheError::is_absent`]).
    pub fn open_existing(dir: &Path, mode: CacheMode, limit: u64) -> Result<Self, CacheError> {
        let failed = |error| CacheError::Io(dir.to_owned(), error);
        let open = Dir::open(dir).map_err(failed)?;
        let owner = open.owner().map_err(failed)?;
        let why = match Foreign::find(owner, 0) {
            None => None,
            // While others could write to the directory, they could have renamed one artifact to the name of another. The owner
            // does not show this.
            Some(Foreign::Writable) => {
                Some("others can write to it (chmod go-w, then `wrun cache clear` unless they are trusted)")
            }
            Some(Foreign::Owned) => Some("it belongs to another user (name another one with --cache-dir)"),
        };
        if let Some(why) = why {
            return Err(CacheError::Untrusted(dir.to_owned(), why));
        }
        Ok(Self {
            path: dir.to_owned(),
            dir: open,
            owner: owner.user,
            mode,
            limit,
        })
    }

    /// Returns the directory, as the caller gave it.
    pub fn dir(&self) -> &Path {
        &self.path
    }

    /// Returns the mode in which the cache was opened.
    pub fn mode(&self) -> CacheMode {
        self.mode
    }

    /// Returns the path of the artifact with this key. The artifact may be missing.
    pub(crate) fn artifact_path(&self, key: &CacheKey) -> PathBuf {
        self.path.join(key.file_name())
    }

    /// Finds the artifact with this key.
    pub(crate) fn find(&self, key: &CacheKey) -> Result<Found, Miss> {
        let name = key.file_name();
        self.check_artifact(self.dir.read(&name), || Ok(names::target(&name)))
    }

    /// Finds the artifact that the cache has remembered for a file with this identity.
    pub(crate) fn find_by_identity(&self, identity: &FileIdentity, settings: &Settings) -> Result<Found, Miss> {
        let name = format!("{BY_FILE}/{}", identity.name(settings));
        let found = self.check_links().and_then(|()| match self.dir.read_within(&name)? {
            Some(artifact) => Ok(artifact),
            None => self.read_linked(&name),
        });
        self.check_artifact(found, || {
            let target = self.dir.read_link(&name)?.into_string();
            target.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
        })
    }

    /// Opens the artifact that a link leads to, on a system that cannot confine the lookup to the directory.
    fn read_linked(&self, name: &str) -> io::Result<Opened> {
        let target = self.dir.read_link(name)?;
        let elsewhere = || io::Error::new(io::ErrorKind::InvalidInput, "it is a link that leads to no artifact");
        self.dir.read(names::linked(target.as_bytes()).ok_or_else(elsewhere)?)
    }

    /// Checks that an artifact can be trusted, and returns it.
    fn check_artifact(
        &self,
        found: io::Result<Opened>,
        target: impl FnOnce() -> io::Result<String>,
    ) -> Result<Found, Miss> {
        let checked = found.and_then(|artifact| {
            Foreign::check(artifact.facts.owner, self.owner)?;
            self.found(artifact, target)
        });
        checked.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Miss::Absent,
            _ => Miss::Unusable(error),
        })
    }

    /// Checks that only this user or root can have made the links. A link of another user could lead to another program. This
    /// stays true later, because nobody else can write to the directory.
    fn check_links(&self) -> io::Result<()> {
        let facts = self.dir.facts(BY_FILE)?;
        let checked = match facts.is_dir {
            true => Foreign::check(facts.owner, self.owner),
            false => Err(io::Error::new(io::ErrorKind::NotADirectory, "it is not a directory")),
        };
        checked.map_err(|error| io::Error::new(error.kind(), format!("{BY_FILE}: {error} (remove it)")))
    }

    /// Creates the directory of links if it is missing. Checks an existing one as `check_links` does.
    fn make_links(&self) -> io::Result<()> {
        match self.check_links() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.dir.make_dir(BY_FILE),
            result => result,
        }
    }

    /// Returns the identity by which the cache can remember a file, from the identity that was taken first. Call this before
    /// reading the file's contents. Returns the identity unchanged if the cache will not remember the file.
    pub fn before_reading(&self, identity: FileIdentity, file: &File) -> FileIdentity {
        match self.mode {
            CacheMode::ReadWrite => identity.before_reading(file),
            CacheMode::ReadOnly | CacheMode::Require => identity,
        }
    }

    /// Returns true if the cache can remember a file by this identity: a change of the file must change the identity.
    pub(crate) fn remembers(&self, identity: &FileIdentity) -> bool {
        self.mode == CacheMode::ReadWrite && identity.is_reliable()
    }

    /// Remembers which artifact a file has, so that the next run need not read the file.
    pub(crate) fn remember(&self, identity: &FileIdentity, settings: &Settings, key: &CacheKey) -> io::Result<()> {
        if !self.remembers(identity) {
            return Ok(());
        }
        self.make_links()?;
        let name = format!("{BY_FILE}/{}", identity.name(settings));
        let target = names::target(&key.file_name());
        match self.dir.symlink(&target, &name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return self.correct_link(&target, &name),
            result => result?,
        }
        self.keep_few_links();
        Ok(())
    }

    /// Changes an existing link so that it leads to `target`.
    fn correct_link(&self, target: &str, name: &str) -> io::Result<()> {
        // Anything that is not a link does not belong to wrun and stays.
        if self.dir.read_link(name)?.as_bytes() == target.as_bytes() {
            return Ok(());
        }
        let temporary = format!("{BY_FILE}/{}", Name::temporary());
        self.dir.symlink(target, &temporary)?;
        self.dir.rename(&temporary, name).inspect_err(|_| {
            let _ = self.dir.remove(&temporary);
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use wrun_tests::Scratch;

    use super::*;

    #[test]
    fn links_lead_to_artifacts_where_the_system_cannot_see_to_that_either() {
        let scratch = Scratch::new();
        let path = scratch.path().join("cache");
        let cache = Cache::open(&path, CacheMode::ReadWrite, 1 << 20).expect("made");
        let key = CacheKey::new(b"module", &Settings::new(&[0; 16], &[0; 24]));
        cache.publish(&key, b"artifact").expect("writable");
        cache.dir.make_dir(BY_FILE).expect("writable");
        let artifact = path.join(key.file_name());
        for (target, leads) in [
            (names::target(&key.file_name()), true),
            (artifact.display().to_string(), false),
            (
                format!(
                    "../../{}/{}",
                    path.file_name().expect("its own").display(),
                    key.file_name()
                ),
                false,
            ),
            ("../nothing".to_owned(), false),
            ("../by-file".to_owned(), false),
        ] {
            let name = format!("{BY_FILE}/link");
            symlink(&target, path.join(&name)).expect("writable");
            assert_eq!(cache.read_linked(&name).is_ok(), leads, "{target}");
            // The answer of the system itself, if it supports the flag.
            let within = cache.dir.read_within(&name);
            assert_eq!(within.is_ok(), leads || matches!(within, Ok(None)), "{target}");
            fs::remove_file(path.join(&name)).expect("there");
        }
        fs::rename(&artifact, path.join("elsewhere")).expect("there");
        symlink("elsewhere", &artifact).expect("writable");
        symlink(names::target(&key.file_name()), path.join(BY_FILE).join("link")).expect("writable");
        assert!(cache.read_linked(&format!("{BY_FILE}/link")).is_err());
    }
}
