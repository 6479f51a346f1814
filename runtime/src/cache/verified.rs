//! Files whose checksums were compared: the identity of a file comes in, and whether its bytes are known to be whole comes out.
//!
//! Only wrun writes artifacts, and it never writes to one that has its name. So an artifact whose inode is the one that wrun has
//! published or verified (device, inode, size, times) still holds the same bytes. Each such inode has a link in `by-file`: its
//! name is the identity, its target the artifact, or [`names::ELSEWHERE`] for a file outside of the cache. An artifact without a
//! link (restored from an archive, copied, changed) is verified at its next use.
//!
//! The times of an image of a disk may be the same for other contents ([`tells_contents_apart`]): such files have no links and
//! are verified each time. So is everything in a cache that cannot be written.

use std::io;

use super::key::{fields_name, tells_contents_apart};
use super::{BY_FILE, Cache, CacheEntry, CacheMode, FileIdentity, Foreign, names};
use crate::sys::dir::Opened;

/// An artifact that was found in the cache.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its file.
    pub(crate) artifact: Opened,
    /// Argument for [`Cache::remember_verified`] after all checksums were compared. `None` when that was done before.
    pub(crate) unverified: Option<Unverified>,
}

/// A file whose checksums were not compared so far.
#[derive(Debug)]
pub(crate) struct Unverified {
    /// Its identity, taken before it is read. `None` where that says nothing of the contents.
    identity: Option<[i64; 7]>,
    /// Target of the link to it.
    target: String,
}

impl Unverified {
    pub(super) fn new(identity: [i64; 7], target: String) -> Self {
        let identity = Some(identity).filter(tells_contents_apart);
        Self { identity, target }
    }
}

/// The name of the link that says that the file with this identity was verified.
fn link(identity: &[i64; 7]) -> String {
    format!("{BY_FILE}/{}", fields_name(identity))
}

impl Cache {
    /// Target of the link to the file with this identity, if it was verified.
    fn verified(&self, identity: &[i64; 7]) -> Option<String> {
        let target = self.dir.read_link(&link(identity)).ok()?.into_string().ok()?;
        (names::is_target(target.as_bytes()) || target == names::ELSEWHERE).then_some(target)
    }

    /// Looks up whether an artifact was verified, and records its use. `target` is that of a link to the artifact.
    pub(super) fn found(&self, mut artifact: Opened, target: impl FnOnce() -> io::Result<String>) -> io::Result<Found> {
        let verified = self.verified(&artifact.facts.identity);
        self.note_use(&mut artifact, verified.as_deref());
        let unverified = match verified {
            Some(_) => None,
            None => Some(Unverified::new(artifact.facts.identity, target()?)),
        };
        Ok(Found { artifact, unverified })
    }

    /// Remembers that all checksums of a file were compared and fit, in a cache that may be written.
    pub(crate) fn remember_verified(&self, file: &Unverified) {
        if self.mode == CacheMode::ReadWrite {
            self.link_verified(file);
        }
    }

    fn link_verified(&self, file: &Unverified) {
        let Some(identity) = &file.identity else {
            return;
        };
        match self.make_verified_link(identity, &file.target) {
            Ok(()) => self.keep_few_links(),
            Err(error) => log::debug!("cache: cannot remember that an artifact is whole: {error}"),
        }
    }

    fn make_verified_link(&self, identity: &[i64; 7], target: &str) -> io::Result<()> {
        self.make_links()?;
        match self.dir.symlink(target, &link(identity)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Called when wrun has changed the times of an artifact's inode: lets the link follow, if nothing else has changed.
    pub(super) fn move_verified(&self, old: &[i64; 7], new: &[i64; 7], target: &str) {
        if old == new || old[..5] != new[..5] || !tells_contents_apart(new) {
            return;
        }
        match self.make_verified_link(new, target) {
            // Another process may have removed it.
            Ok(()) => drop(self.dir.remove(&link(old))),
            Err(error) => log::debug!("cache: cannot remember that an artifact is whole: {error}"),
        }
    }

    /// Looks up whether a file outside of the cache was verified: `None` if so. To be asked before the file is read; may wait for
    /// the disk, when the file was written a short while ago.
    pub(crate) fn unverified_file(&self, file: &std::fs::File) -> io::Result<Option<Unverified>> {
        let identity = FileIdentity::of(file)?;
        if self.verified(identity.fields()).is_some() {
            return Ok(None);
        }
        let identity = self.before_reading(identity, file);
        Ok(Some(Unverified {
            // Anybody may write to it, also through a mapping: only a reliable identity will do.
            identity: identity.is_reliable().then_some(*identity.fields()),
            target: names::ELSEWHERE.to_owned(),
        }))
    }

    /// Opens an artifact to verify it, whatever is remembered of it.
    pub(crate) fn open_entry(&self, entry: &CacheEntry) -> io::Result<Found> {
        let name = names::Name::Artifact(entry.key.clone()).to_string();
        let artifact = self.dir.read(&name)?;
        let unverified = Some(Unverified::new(artifact.facts.identity, names::target(&name)));
        Ok(Found { artifact, unverified })
    }

    /// Remembers whether all checksums of an artifact fit, also in a cache that runs may not write.
    pub(crate) fn set_verified(&self, found: &Found, fits: bool) {
        let is_own = Foreign::check(found.artifact.facts.owner, self.owner).is_ok();
        match &found.unverified {
            Some(file) if fits && is_own => self.link_verified(file),
            _ => drop(self.dir.remove(&link(&found.artifact.facts.identity))),
        }
    }
}
