//! Remembers which files have had all their checksums compared.
//!
//! Input: the identity of a file. Output: true if its bytes are known to be undamaged. Must not hold: the checksums.
//!
//! Only wrun writes artifacts, and it never writes to an artifact that has its name. So an inode that wrun has published or
//! verified still holds the same bytes, if its device, number, size and times are the same. Each such inode has a link in
//! `by-file`. The link's name is the identity, and its target is the artifact, or [`names::ELSEWHERE`] for a file outside of the
//! cache. An artifact without a link (restored from an archive, copied, changed) is verified at its next use.
//!
//! Files in a disk image may have the same times although their contents differ ([`tells_contents_apart`]). Such files get no
//! links and are verified each time, and so are all files in a cache that cannot be written.

use std::io;

use super::key::{fields_name, tells_contents_apart};
use super::{BY_FILE, Cache, CacheEntry, CacheMode, FileIdentity, Foreign, names};
use crate::sys::dir::Opened;

/// An artifact that was found in the cache.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its file.
    pub(crate) artifact: Opened,
    /// Argument for [`Cache::remember_verified`] after all checksums were compared. `None` if they were compared before.
    pub(crate) unverified: Option<Unverified>,
}

/// A file whose checksums have not been compared yet.
#[derive(Debug)]
pub(crate) struct Unverified {
    /// Identity of the file, taken before it is read. `None` if the identity could stay the same when the contents change.
    identity: Option<[i64; 7]>,
    /// Target of the link to this file.
    target: String,
}

impl Unverified {
    pub(super) fn new(identity: [i64; 7], target: String) -> Self {
        let identity = Some(identity).filter(tells_contents_apart);
        Self { identity, target }
    }
}

/// Returns the name of the link that marks the file with this identity as verified.
fn link(identity: &[i64; 7]) -> String {
    format!("{BY_FILE}/{}", fields_name(identity))
}

impl Cache {
    /// Returns the target of the link to the file with this identity, if the file was verified.
    fn verified(&self, identity: &[i64; 7]) -> Option<String> {
        let target = self.dir.read_link(&link(identity)).ok()?.into_string().ok()?;
        (names::is_target(target.as_bytes()) || target == names::ELSEWHERE).then_some(target)
    }

    /// Looks up if an artifact was verified, and records its use. `target` returns the target of a link to the artifact.
    pub(super) fn found(&self, mut artifact: Opened, target: impl FnOnce() -> io::Result<String>) -> io::Result<Found> {
        let verified = self.verified(&artifact.facts.identity);
        self.note_use(&mut artifact, verified.as_deref());
        let unverified = match verified {
            Some(_) => None,
            None => Some(Unverified::new(artifact.facts.identity, target()?)),
        };
        Ok(Found { artifact, unverified })
    }

    /// Remembers that all checksums of a file were correct. Does nothing in a cache that may not be written.
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

    /// Renames the link after wrun has changed the times of an artifact's inode, if nothing else has changed.
    pub(super) fn move_verified(&self, old: &[i64; 7], new: &[i64; 7], target: &str) {
        if old == new || old[..5] != new[..5] || !tells_contents_apart(new) {
            return;
        }
        match self.make_verified_link(new, target) {
            // Another process may have removed the link.
            Ok(()) => drop(self.dir.remove(&link(old))),
            Err(error) => log::debug!("cache: cannot remember that an artifact is whole: {error}"),
        }
    }

    /// Looks up if a file outside of the cache was verified. Returns `None` if so. Call this before reading the file. It may wait
    /// for the disk if the file was written a short time ago.
    pub(crate) fn unverified_file(&self, file: &std::fs::File) -> io::Result<Option<Unverified>> {
        let identity = FileIdentity::of(file)?;
        if self.verified(identity.fields()).is_some() {
            return Ok(None);
        }
        let identity = self.before_reading(identity, file);
        Ok(Some(Unverified {
            // Others may write to this file, also through a mapping, so only a reliable identity is used.
            identity: identity.is_reliable().then_some(*identity.fields()),
            target: names::ELSEWHERE.to_owned(),
        }))
    }

    /// Opens an artifact to verify it, even if it is marked as verified.
    pub(crate) fn open_entry(&self, entry: &CacheEntry) -> io::Result<Found> {
        let name = names::Name::Artifact(entry.key.clone()).to_string();
        let artifact = self.dir.read(&name)?;
        let unverified = Some(Unverified::new(artifact.facts.identity, names::target(&name)));
        Ok(Found { artifact, unverified })
    }

    /// Remembers if all checksums of an artifact were correct, also in a cache that runs may not write.
    pub(crate) fn set_verified(&self, found: &Found, fits: bool) {
        let is_own = Foreign::check(found.artifact.facts.owner, self.owner).is_ok();
        match &found.unverified {
            Some(file) if fits && is_own => self.link_verified(file),
            _ => drop(self.dir.remove(&link(&found.artifact.facts.identity))),
        }
    }
}
