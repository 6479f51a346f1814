//! The directory of artifacts: key and bytes come in, a file comes out: hit or miss. Knows nothing of what the bytes mean.
//!
//! ```text
//! DIR/KEY.wrun         an artifact; written once, never changed, replaced by renaming another one over it
//! DIR/KEY.lock         held (flock) by the process that compiles this artifact, so that others wait instead of compiling it too
//! DIR/new-RANDOM       an artifact that is being written; held (flock) by its writer
//! DIR/by-file/ID-SETTINGS  a symbolic link to ../KEY.wrun: the wasm file with this identity has this artifact. Advisory
//! DIR/by-file/ID       a symbolic link: the checksums of the artifact with this identity were compared (`verified`)
//! ```
//!
//! Artifacts are native code, so what somebody else could have written is not used: the directory, the artifact, and `by-file`
//! must belong to this user or root, and nobody else may be able to write to them. No link is followed but those in `by-file`,
//! and none out of the directory.
//!
//! Files with other names (see `names`) are not wrun's. Reading (`find…`) removes and writes nothing, but lets a file's time of last
//! use be set; `publish` writes; `evict` removes. Nothing here fails a run: errors go to the
//! caller, who says so in the log and goes on without.

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
    /// Use artifacts that are there, and add those that are not.
    ReadWrite,
    /// Use artifacts that are there.
    ReadOnly,
    /// Use artifacts that are there; one that is not is an error.
    Require,
}

/// A directory of artifacts.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    dir: Dir,
    /// The user who owns it: this one or root.
    owner: u32,
    mode: CacheMode,
    limit: u64,
}

/// Why a directory is not used as a cache. The text is one line.
#[derive(Debug)]
pub enum CacheError {
    /// It cannot be opened or made.
    Io(PathBuf, io::Error),
    /// Somebody else could put code there.
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
    /// Returns true if there is no such directory.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Io(_, error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl std::error::Error for CacheError {}

/// Makes a directory for its owner alone, and those above it.
fn make(dir: &Path) -> io::Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| {
        let is_dangling = |path: &&Path| path.is_symlink() && !path.exists();
        match dir.ancestors().find(is_dangling) {
            Some(link) if error.kind() == io::ErrorKind::AlreadyExists => io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "{} is a link to nothing (remove it, or make what it leads to)",
                    link.display()
                ),
            ),
            _ => error,
        }
    })
}

/// Why something in the file system may hold what somebody else has put there.
enum Foreign {
    /// Others can write to it.
    Writable,
    /// It belongs to somebody who is neither this user nor root.
    Owned,
}

impl Foreign {
    /// Returns true if something with this owner may hold files of somebody else, for `user`, who is known to be this one or root.
    fn find(owner: Owner, user: u32) -> Option<Self> {
        let is_own = owner.user == 0 || owner.user == user || owner.user == effective_user();
        if !is_own {
            return Some(Self::Owned);
        }
        owner.others_can_write.then_some(Self::Writable)
    }

    /// The same, as an error.
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
    /// Opens a cache; with [`CacheMode::ReadWrite`] its directory is made when it is not there, for its owner alone. Where the
    /// artifacts exceed `limit` bytes after one was added, those that were not used for longest are removed.
    ///
    /// # Errors
    /// When the directory cannot be opened or made, when others can write to it, and when it belongs to somebody who is neither
    /// this user nor root.
    pub fn open(dir: &Path, mode: CacheMode, limit: u64) -> Result<Self, CacheError> {
        match Self::open_existing(dir, mode, limit) {
            Err(error) if error.is_absent() && mode == CacheMode::ReadWrite => {
                make(dir).map_err(|error| CacheError::Io(dir.to_owned(), error))?;
                Self::open_existing(dir, mode, limit)
            }
            result => result,
        }
    }

    /// As [`Self::open`], but makes no directory.
    ///
    /// # Errors
    /// As for [`Self::open`], and when there is no directory ([`CacheError::is_absent`]).
    pub fn open_existing(dir: &Path, mode: CacheMode, limit: u64) -> Result<Self, CacheError> {
        let failed = |error| CacheError::Io(dir.to_owned(), error);
        let open = Dir::open(dir).map_err(failed)?;
        let owner = open.owner().map_err(failed)?;
        let why = match Foreign::find(owner, 0) {
            None => None,
            // What they could do meanwhile that its owner does not show: to rename one artifact to another one's name.
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

    /// The directory, as it was given.
    pub fn dir(&self) -> &Path {
        &self.path
    }

    /// Permissions of a run on it.
    pub fn mode(&self) -> CacheMode {
        self.mode
    }

    /// The file of the artifact with this key, whether it is there or not.
    pub(crate) fn artifact_path(&self, key: &CacheKey) -> PathBuf {
        self.path.join(key.file_name())
    }

    /// The artifact with this key.
    pub(crate) fn find(&self, key: &CacheKey) -> Result<Found, Miss> {
        let name = key.file_name();
        self.check_artifact(self.dir.read(&name), || Ok(names::target(&name)))
    }

    /// The artifact that was remembered for a file with this identity.
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

    /// Opens the artifact that a link is one to, where the system cannot be told to stay within the directory.
    fn read_linked(&self, name: &str) -> io::Result<Opened> {
        let target = self.dir.read_link(name)?;
        let elsewhere = || io::Error::new(io::ErrorKind::InvalidInput, "it is a link that leads to no artifact");
        self.dir.read(names::linked(target.as_bytes()).ok_or_else(elsewhere)?)
    }

    /// An artifact that was found and is to be trusted.
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

    /// Returns true if the symlinks can only be wrun's own: one of somebody else's would let another program run. That the directory is
    /// to be trusted sees to it that this stays so.
    fn check_links(&self) -> io::Result<()> {
        let facts = self.dir.facts(BY_FILE)?;
        let checked = match facts.is_dir {
            true => Foreign::check(facts.owner, self.owner),
            false => Err(io::Error::new(io::ErrorKind::NotADirectory, "it is not a directory")),
        };
        checked.map_err(|error| io::Error::new(error.kind(), format!("{BY_FILE}: {error} (remove it)")))
    }

    /// Makes the directory of links, if it is not there, and checks that one that is there can only be wrun's own.
    fn make_links(&self) -> io::Result<()> {
        match self.check_links() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.dir.make_dir(BY_FILE),
            result => result,
        }
    }

    /// The identity with which a file can be remembered, from one that was taken before; to be asked for before the file's
    /// contents are read. Where nothing will be remembered, it stays as it is.
    pub fn before_reading(&self, identity: FileIdentity, file: &File) -> FileIdentity {
        match self.mode {
            CacheMode::ReadWrite => identity.before_reading(file),
            CacheMode::ReadOnly | CacheMode::Require => identity,
        }
    }

    /// Returns true if a file is remembered by this identity: only if the identity surely changes when the file does.
    pub(crate) fn remembers(&self, identity: &FileIdentity) -> bool {
        self.mode == CacheMode::ReadWrite && identity.is_reliable()
    }

    /// Remembers which artifact a file has, so that the next run need not read it.
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

    /// Lets a name lead to `target` that is a link already, if that leads elsewhere.
    fn correct_link(&self, target: &str, name: &str) -> io::Result<()> {
        // What is no link is not wrun's, and stays.
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

    use super::*;

    #[test]
    fn links_lead_to_artifacts_where_the_system_cannot_see_to_that_either() {
        let path = std::env::temp_dir().join(format!("wrun-links-{}", std::process::id()));
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
            // What the system itself says, if it knows how.
            let within = cache.dir.read_within(&name);
            assert_eq!(within.is_ok(), leads || matches!(within, Ok(None)), "{target}");
            fs::remove_file(path.join(&name)).expect("there");
        }
        fs::rename(&artifact, path.join("elsewhere")).expect("there");
        symlink("elsewhere", &artifact).expect("writable");
        symlink(names::target(&key.file_name()), path.join(BY_FILE).join("link")).expect("writable");
        assert!(cache.read_linked(&format!("{BY_FILE}/link")).is_err());
        fs::remove_dir_all(path).expect("own");
    }
}
