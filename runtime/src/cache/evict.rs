//! Removing artifacts: those not used for longest, when there are too many; and what killed processes have left over. Whoever has
//! an artifact open or mapped keeps it.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::publish::NEW;
use super::{BY_FILE, Cache, CacheKey, CacheMode, SUFFIX};
use crate::sys::dir::Item;

/// A file that nobody holds may belong to a process that has not got as far as to hold it.
const GRACE: Duration = Duration::from_secs(60);

/// An artifact in a cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheEntry {
    /// Its key, as [`CacheKey`] writes it.
    pub key: String,
    /// Its file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last used, as far as the file system says.
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
            .items()?
            .into_iter()
            .filter_map(|item| self.entry(item))
            .collect();
        entries.sort_by(|a, b| (a.used, &a.key).cmp(&(b.used, &b.key)));
        Ok(entries)
    }

    fn entry(&self, item: Item) -> Option<CacheEntry> {
        let key = item.name.to_str()?.strip_suffix(SUFFIX)?.to_owned();
        item.is_file.then(|| CacheEntry {
            key,
            path: self.path.join(&*item.name),
            bytes: item.bytes,
            used: item.used,
        })
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
            let removed = self.dir.remove(OsStr::new(&format!("{}{SUFFIX}", entry.key)));
            if removed.is_ok() {
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
        for item in self.dir.items()? {
            let name = item.name.to_str().unwrap_or_default();
            let left_over = name.starts_with(NEW) || name.ends_with(".lock");
            let is_old = item.written.elapsed().is_ok_and(|age| age > GRACE);
            // Holding it proves that nobody else does.
            if left_over && is_old && self.dir.read(name).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = self.dir.remove(&item.name);
            }
        }
        let Ok(links) = self.dir.open_dir(BY_FILE) else {
            return Ok(());
        };
        for link in links.items()? {
            if !links.leads_somewhere(&link.name) {
                let _ = links.remove(&link.name);
            }
        }
        Ok(())
    }
}
