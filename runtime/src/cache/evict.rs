//! Removes files of the cache: the least recently used artifacts above the limit, old links above their number, and leftovers of
//! killed processes.
//!
//! Input: a cache, a limit in bytes. Output: counts of the removed files, or descriptions of the files that are there. Must not
//! hold: reading or adding artifacts. A process that has a removed artifact open or mapped keeps it. Files with other names than
//! those in [`names`] are never touched.

use std::fs::TryLockError;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::key::fields_name;
use super::names::{self, LinkName, Name};
use super::{BY_FILE, Cache, CacheKey, CacheMode};
use crate::sys::dir::{Dir, Facts, Opened};

/// Age from which a file that no process holds counts as left over. A younger file may belong to a process that is about to lock
/// it.
const GRACE: Duration = Duration::from_secs(60);

/// Accuracy of the recorded time of last use. A run does not record its use if a use within this time is recorded already.
const RESOLUTION: Duration = Duration::from_secs(60);

/// Largest number of links of one kind that are kept. A machine with fresh checkouts makes a link for each of them and never uses
/// most of these links again.
const MOST_LINKS: usize = 4096;

/// An artifact in a cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheEntry {
    /// Key of the artifact, as [`CacheKey`] writes it.
    pub key: String,
    /// Path of the artifact's file.
    pub path: PathBuf,
    /// Size of the artifact in bytes.
    pub bytes: u64,
    /// Time of last use, to the minute.
    pub used: SystemTime,
}

/// Files beside the artifacts.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct CacheRest {
    /// Size in bytes of the files that are being written or that killed processes left behind.
    pub left_over_bytes: u64,
    /// Number of links from the identities of files to artifacts.
    pub links: u64,
}

/// Numbers and sizes of the removed files.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Artifacts.
    pub files: u64,
    /// Their sizes, in bytes.
    pub bytes: u64,
    /// Number of files that could not be removed.
    pub failed: u64,
    /// Path of the first file that could not be removed, and the reason.
    pub failure: Option<(PathBuf, io::Error)>,
}

impl Pruned {
    /// Counts the removal of a file, and returns true if it succeeded. A file that another process has removed meanwhile is no
    /// failure.
    fn note(&mut self, path: impl FnOnce() -> PathBuf, removed: io::Result<()>) -> bool {
        match removed {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => {
                self.failed += 1;
                self.failure.get_or_insert_with(|| (path(), error));
                false
            }
        }
    }
}

/// Selects which files besides artifacts are removed: files that only running processes need, and links.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Sweep {
    /// Old files, and dangling symlinks.
    LeftOver,
    /// All files that no process holds, and all links.
    All,
}

impl Cache {
    /// Lists all artifacts, the least recently used first.
    ///
    /// # Errors
    /// Fails if the directory cannot be read.
    pub fn entries(&self) -> io::Result<Vec<CacheEntry>> {
        Ok(self.entries_of(&self.dir.items(Name::parse)?))
    }

    fn entries_of(&self, items: &[(Name, Facts)]) -> Vec<CacheEntry> {
        let entry = |(name, facts): &(Name, Facts)| match name {
            Name::Artifact(key) if facts.is_file => Some(CacheEntry {
                key: key.clone(),
                path: self.path.join(name.to_string()),
                bytes: facts.bytes,
                used: facts.used,
            }),
            _ => None,
        };
        let mut entries: Vec<_> = items.iter().filter_map(entry).collect();
        entries.sort_by(|a, b| (a.used, &a.key).cmp(&(b.used, &b.key)));
        entries
    }

    /// Records that an artifact is used now. The system records this rarely or never, depending on how the file system is
    /// mounted. `verified` is the target of the link that marks the artifact as verified. The link is renamed to the new times.
    pub(super) fn note_use(&self, artifact: &mut Opened, verified: Option<&str>) {
        let is_known = artifact.facts.used.elapsed().map_or(true, |age| age <= RESOLUTION);
        if is_known || self.mode != CacheMode::ReadWrite {
            return;
        }
        let before = artifact.facts.identity;
        match artifact.set_read_now().and_then(|()| artifact.refresh()) {
            Ok(()) => {
                if let Some(target) = verified {
                    self.move_verified(&before, &artifact.facts.identity, target);
                }
            }
            Err(error) => log::debug!("cache: cannot record that an artifact is used: {error}"),
        }
    }

    /// Measures the files beside the artifacts.
    ///
    /// # Errors
    /// Fails if the directory cannot be read.
    pub fn rest(&self) -> io::Result<CacheRest> {
        let items = self.dir.items(Name::parse)?;
        let left_over = items
            .iter()
            .filter(|(name, facts)| matches!(name, Name::Temporary(_)) && facts.is_file);
        let links = self.links()?.map_or(Ok(0), |links| count(&links))?;
        Ok(CacheRest {
            left_over_bytes: left_over.map(|(_, facts)| facts.bytes).sum(),
            links: links as u64,
        })
    }

    /// Removes artifacts until the others have at most `limit` bytes, the oldest links above their largest number, and leftovers.
    /// Goes on after a file that cannot be removed.
    ///
    /// # Errors
    /// Fails if the directory cannot be read.
    pub fn prune(&self, limit: u64) -> io::Result<Pruned> {
        self.prune_but(limit, None, Sweep::LeftOver)
    }

    /// Removes all files of wrun except those that running processes hold. Goes on after a file that cannot be removed.
    ///
    /// # Errors
    /// Fails if the directory cannot be read.
    pub fn clear(&self) -> io::Result<Pruned> {
        self.prune_but(0, None, Sweep::All)
    }

    /// Evicts artifacts after one was added. The added one stays, whatever its size.
    pub(super) fn keep_within_limit(&self, added: &CacheKey) {
        debug_assert_eq!(self.mode, CacheMode::ReadWrite, "only then are artifacts added");
        match self.prune_but(self.limit, Some(&added.to_string()), Sweep::LeftOver) {
            Ok(pruned) => {
                if pruned.files > 0 {
                    log::debug!("cache: removed {} artifacts of {} bytes", pruned.files, pruned.bytes);
                }
                if let Some((path, error)) = pruned.failure {
                    log::debug!("cache: cannot remove {}: {error}", path.display());
                }
            }
            Err(error) => log::debug!("cache: cannot look for artifacts to remove: {error}"),
        }
    }

    fn prune_but(&self, limit: u64, keep: Option<&str>, sweep: Sweep) -> io::Result<Pruned> {
        let mut pruned = Pruned::default();
        let items = self.dir.items(Name::parse)?;
        let entries = self.entries_of(&items);
        let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
        for entry in entries {
            if total <= limit {
                break;
            }
            if Some(entry.key.as_str()) == keep {
                continue;
            }
            let removed = self.dir.remove(&Name::Artifact(entry.key).to_string());
            if pruned.note(|| entry.path, removed) {
                total -= entry.bytes;
                pruned.files += 1;
                pruned.bytes += entry.bytes;
            }
        }
        self.sweep(&items, sweep, &mut pruned);
        // Only the removal of an artifact leaves dangling links. The search for them is skipped otherwise, because there may be
        // many links.
        let added_only = keep.is_some() && pruned.files == 0;
        if !added_only && let Err(error) = self.sweep_by_file(sweep, &mut pruned) {
            pruned.note(|| self.path.join(BY_FILE), Err(error));
        }
        Ok(pruned)
    }

    /// Removes files that killed processes have left incomplete.
    fn sweep(&self, items: &[(Name, Facts)], sweep: Sweep, pruned: &mut Pruned) {
        for (name, facts) in items {
            let path = || self.path.join(name.to_string());
            match name {
                // A directory with the name of an artifact would prevent the artifact from being written.
                Name::Artifact(_) if facts.is_dir => {
                    let error = io::Error::new(io::ErrorKind::IsADirectory, "it is a directory, and none of wrun's");
                    pruned.note(path, Err(error));
                }
                Name::Lock(_) | Name::Temporary(_) if facts.is_file && (sweep == Sweep::All || is_old(facts)) => {
                    pruned.note(path, self.remove_unheld(&name.to_string()));
                }
                _ => {}
            }
        }
    }

    /// Removes a file unless a process holds it.
    fn remove_unheld(&self, name: &str) -> io::Result<()> {
        let file = self.dir.read(name)?.file;
        // The lock proves that no other process holds the file.
        match file.try_lock() {
            Ok(()) => self.remove_held(name, &file),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Opens the directory of links, if there is one.
    fn links(&self) -> io::Result<Option<Dir>> {
        match self.dir.open_dir(BY_FILE) {
            Ok(links) => Ok(Some(links)),
            // A link or a file with this name does not belong to wrun.
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Removes the oldest links if there are too many. Called after a link was made. The cache does not know which links are
    /// still useful.
    pub(super) fn keep_few_links(&self) {
        let swept = self.links().and_then(|links| match links {
            Some(links) if count(&links)? > MOST_LINKS || count_verified(&links)? > MOST_LINKS => {
                self.sweep_links(&links, Sweep::LeftOver, &mut Pruned::default())
            }
            _ => Ok(()),
        });
        if let Err(error) = swept {
            log::debug!("cache: cannot look for links to remove: {error}");
        }
    }

    fn sweep_by_file(&self, sweep: Sweep, pruned: &mut Pruned) -> io::Result<()> {
        let Some(links) = self.links()? else {
            return Ok(());
        };
        self.sweep_links(&links, sweep, pruned)?;
        if sweep == Sweep::LeftOver {
            return Ok(());
        }
        match self.dir.remove_dir(BY_FILE) {
            // The directory holds other files, of other programs or ones that could not be removed (the failure is counted).
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed,
        }
    }

    /// Removes links to artifacts that are gone or were replaced, and the older half of each kind if there are too many.
    fn sweep_links(&self, links: &Dir, sweep: Sweep, pruned: &mut Pruned) -> io::Result<()> {
        let (mut known, mut verified) = (Vec::new(), Vec::new());
        let mut remove = |name: String| {
            let removed = links.remove(&name);
            pruned.note(|| self.path.join(BY_FILE).join(name), removed);
        };
        for (name, facts) in links.items(LinkName::parse)? {
            let text = name.to_string();
            let Some(target) = links.read_link(&text).ok().filter(|_| facts.is_link) else {
                continue;
            };
            let is_elsewhere =
                target.as_bytes() == names::ELSEWHERE.as_bytes() && matches!(name, LinkName::Verified(_));
            if !is_elsewhere && !names::is_target(target.as_bytes()) {
                continue;
            }
            let found = || links.facts_through_links(&text);
            match name {
                _ if sweep == Sweep::All => remove(text),
                LinkName::Identity(_) if found().is_ok() => known.push((facts.written, text)),
                LinkName::Verified(_) if is_elsewhere => verified.push((facts.written, text)),
                LinkName::Verified(_) if found().is_ok_and(|found| fields_name(&found.identity) == text) => {
                    verified.push((facts.written, text));
                }
                LinkName::Temporary(_) if !is_old(&facts) => {}
                LinkName::Identity(_) | LinkName::Verified(_) | LinkName::Temporary(_) => remove(text),
            }
        }
        for mut kept in [known, verified] {
            if kept.len() > MOST_LINKS {
                kept.sort();
                let half = kept.len() / 2;
                kept.drain(..half).for_each(|(_, name)| remove(name));
            }
        }
        Ok(())
    }
}

fn is_old(facts: &Facts) -> bool {
    facts.written.elapsed().is_ok_and(|age| age > GRACE)
}

/// Counts the files that are known to be undamaged, by the names of their links.
fn count_verified(links: &Dir) -> io::Result<usize> {
    links.count(|name| matches!(LinkName::parse(name), Some(LinkName::Verified(_))))
}

/// Counts the wasm files that are known, by the names of their links.
fn count(links: &Dir) -> io::Result<usize> {
    links.count(|name| matches!(LinkName::parse(name), Some(LinkName::Identity(_))))
}
