//! The directory of artifacts: key and bytes come in, a file comes out: hit or miss. Knows nothing of what the bytes mean.
//!
//! ```text
//! DIR/KEY.wrun         an artifact; written once, never changed, replaced by renaming another one over it
//! DIR/KEY.lock         held (flock) by the process that compiles this artifact, so that others wait instead of compiling it too
//! DIR/new-RANDOM       an artifact that is being written; held (flock) by its writer
//! DIR/by-file/ID       a symbolic link to ../KEY.wrun: the file with this identity has this artifact. Advisory
//! ```
//!
//! What has other names (`names`) is not wrun's. Reading (`find…`) removes and writes nothing, but lets a file's time of last
//! use be set; `publish` writes; `evict` removes. Nothing here fails a run: errors go to the
//! caller, who says so in the log and goes on without.

mod evict;
mod key;
mod names;
mod publish;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub use evict::{CacheEntry, Pruned};
pub(crate) use key::Settings;
pub use key::{CacheKey, FileIdentity};
use names::Name;

use crate::sys::dir::{Dir, Opened, effective_user};

/// What a run may do with the cache.
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
            Self::Io(path, error) => write!(f, "the cache directory {} cannot be used: {error}", path.display()),
            Self::Untrusted(path, why) => write!(
                f,
                "the cache directory {} is not used, since artifacts are native code and {why}",
                path.display()
            ),
        }
    }
}

impl std::error::Error for CacheError {}

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
        let failed = |error| CacheError::Io(dir.to_owned(), error);
        let open = match Dir::open(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && mode == CacheMode::ReadWrite => {
                let mut builder = fs::DirBuilder::new();
                builder.recursive(true).mode(0o700).create(dir).map_err(failed)?;
                Dir::open(dir).map_err(failed)?
            }
            result => result.map_err(failed)?,
        };
        let owner = open.owner().map_err(failed)?;
        if owner.others_can_write {
            return Err(CacheError::Untrusted(
                dir.to_owned(),
                "others can write to it (chmod go-w)",
            ));
        }
        if owner.user != 0 && owner.user != effective_user() {
            return Err(CacheError::Untrusted(dir.to_owned(), "it belongs to another user"));
        }
        Ok(Self {
            path: dir.to_owned(),
            dir: open,
            mode,
            limit,
        })
    }

    /// The directory, as it was given.
    pub fn dir(&self) -> &Path {
        &self.path
    }

    /// What a run may do with it.
    pub fn mode(&self) -> CacheMode {
        self.mode
    }

    /// The artifact with this key.
    pub(crate) fn find(&self, key: &CacheKey) -> Option<Opened> {
        self.open_artifact(&key.file_name())
    }

    /// The artifact that was remembered for a file with this identity.
    pub(crate) fn find_by_identity(&self, identity: &FileIdentity, settings: &Settings) -> Option<Opened> {
        self.open_artifact(&format!("{BY_FILE}/{}", identity.name(settings)))
    }

    fn open_artifact(&self, name: &str) -> Option<Opened> {
        match self.dir.read(name) {
            Ok(artifact) => {
                self.note_use(&artifact);
                Some(artifact)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    log::debug!("cache: {name} is not used: {error}");
                }
                None
            }
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

    /// Remembers which artifact a file has, so that the next run need not read it. Only where the identity can be trusted to
    /// change when the file does.
    pub(crate) fn remember(&self, identity: &FileIdentity, settings: &Settings, key: &CacheKey) -> io::Result<()> {
        if self.mode != CacheMode::ReadWrite || !identity.is_reliable() {
            return Ok(());
        }
        let name = format!("{BY_FILE}/{}", identity.name(settings));
        let target = names::target(&key.file_name());
        match self.dir.symlink(&target, &name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.dir.make_dir(BY_FILE)?;
                self.dir.symlink(&target, &name)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.correct_link(&target, &name),
            result => result,
        }
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
