//! Removing artifacts: those not used for longest, when there are too many; and what killed processes have left over. Whoever has
//! an artifact open or mapped keeps it, and what is not wrun's own ([`names`]) stays.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::names::{self, LinkName, Name};
use super::{BY_FILE, Cache, CacheKey, CacheMode};
use crate::sys::dir::{Dir, Facts, Opened};

/// A file that nobody holds may belong to a process that has not got as far as to hold it.
const GRACE: Duration = Duration::from_secs(60);

/// How exactly it is known when an artifact was last used: a run that finds a later use recorded records none.
const RESOLUTION: Duration = Duration::from_secs(60);

/// An artifact in a cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheEntry {
    /// Its key, as [`CacheKey`] writes it.
    pub key: String,
    /// Its file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last used, to the minute.
    pub used: SystemTime,
}

/// What was removed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// Artifacts.
    pub files: u64,
    /// Their sizes, in bytes.
    pub bytes: u64,
}

impl Cache {
    /// All artifacts, those not used for longest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn entries(&self) -> io::Result<Vec<CacheEntry>> {
        let mut entries: Vec<_> = self
            .dir
            .items(Name::parse)?
            .into_iter()
            .filter_map(|(name, facts)| self.entry(name, facts))
            .collect();
        entries.sort_by(|a, b| (a.used, &a.key).cmp(&(b.used, &b.key)));
        Ok(entries)
    }

    fn entry(&self, name: Name, facts: Facts) -> Option<CacheEntry> {
        let path = self.path.join(name.to_string());
        match name {
            Name::Artifact(key) if facts.is_file => Some(CacheEntry {
                key,
                path,
                bytes: facts.bytes,
                used: facts.used,
            }),
            _ => None,
        }
    }

    /// Records that an artifact is used now. The system itself does so at times or never, as the file system was mounted.
    pub(super) fn note_use(&self, artifact: &Opened) {
        let is_known = artifact.facts.used.elapsed().map_or(true, |age| age <= RESOLUTION);
        if is_known || self.mode != CacheMode::ReadWrite {
            return;
        }
        if let Err(error) = artifact.set_read_now() {
            log::debug!("cache: cannot record that an artifact is used: {error}");
        }
    }

    /// Removes artifacts until the others have at most `limit` bytes, and what is left over.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn prune(&self, limit: u64) -> io::Result<Pruned> {
        self.prune_but(limit, None)
    }

    /// Removes all artifacts, and what is left over.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn clear(&self) -> io::Result<Pruned> {
        self.prune_but(0, None)
    }

    /// Called after an artifact was added: that one stays, whatever its size.
    pub(super) fn keep_within_limit(&self, added: &CacheKey) {
        debug_assert_eq!(self.mode, CacheMode::ReadWrite, "only then are artifacts added");
        match self.prune_but(self.limit, Some(&added.to_string())) {
            Ok(Pruned { files: 0, .. }) => {}
            Ok(Pruned { files, bytes }) => log::debug!("cache: removed {files} artifacts of {bytes} bytes"),
            Err(error) => log::debug!("cache: cannot look for artifacts to remove: {error}"),
        }
    }

    fn prune_but(&self, limit: u64, keep: Option<&str>) -> io::Result<Pruned> {
        let mut pruned = Pruned::default();
        let entries = self.entries()?;
        let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
        for entry in entries {
            if total <= limit {
                break;
            }
            if Some(entry.key.as_str()) == keep {
                continue;
            }
            let name = Name::Artifact(entry.key).to_string();
            if self.dir.remove(&name).is_ok() {
                total -= entry.bytes;
                pruned.files += 1;
                pruned.bytes += entry.bytes;
            }
        }
        self.sweep()?;
        Ok(pruned)
    }

    /// Removes files that killed processes have left half written, and links to artifacts that are gone.
    fn sweep(&self) -> io::Result<()> {
        for (name, facts) in self.dir.items(Name::parse)? {
            let left_over = matches!(name, Name::Lock(_) | Name::Temporary(_)) && facts.is_file && is_old(&facts);
            let name = name.to_string();
            // Holding it proves that nobody else does.
            if left_over && self.dir.read(&name).is_ok_and(|opened| opened.file.try_lock().is_ok()) {
                let _ = self.dir.remove(&name);
            }
        }
        match self.dir.open_dir(BY_FILE) {
            Ok(links) => sweep_links(&links),
            Err(_) => Ok(()),
        }
    }
}

fn is_old(facts: &Facts) -> bool {
    facts.written.elapsed().is_ok_and(|age| age > GRACE)
}

fn sweep_links(links: &Dir) -> io::Result<()> {
    for (name, facts) in links.items(LinkName::parse)? {
        let text = name.to_string();
        let leads_to_an_artifact = || links.read_link(&text).is_ok_and(|led| names::is_target(led.as_bytes()));
        if !facts.is_link || !leads_to_an_artifact() {
            continue;
        }
        let left_over = match name {
            LinkName::Identity(_) => !links.leads_somewhere(&text),
            LinkName::Temporary(_) => is_old(&facts),
        };
        if left_over {
            let _ = links.remove(&text);
        }
    }
    Ok(())
}
