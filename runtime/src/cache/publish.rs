//! Adding artifacts: under a lock, so that one of several processes compiles, and by renaming, so that nobody ever sees half a
//! file.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

use super::{Cache, CacheKey, CacheMode};
use crate::sys::dir::random;
use crate::sys::file::may_have;

/// What the names of files that are being written begin with.
pub(super) const NEW: &str = "new-";

/// How long a process waits for another one that compiles the same module. A file takes seconds, the largest minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// The right to compile one artifact. Given back on drop, and by the system when the process dies.
#[derive(Debug)]
pub(crate) struct Lock<'c> {
    cache: &'c Cache,
    name: String,
    /// Locked as long as it is open.
    _file: File,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // Removed while it is held: whoever waits for it notices that its file has no name any more.
        let _ = self.cache.dir.remove(OsStr::new(&self.name));
    }
}

impl Cache {
    /// Waits for the right to compile an artifact. `None` when it is not to be had (the directory cannot be written, or `give_up`
    /// says so, or it takes too long): the caller compiles without it then.
    pub(crate) fn lock(&self, key: &CacheKey, give_up: impl Fn() -> bool) -> Option<Lock<'_>> {
        if self.mode != CacheMode::ReadWrite {
            return None;
        }
        let name = key.lock_name();
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        while !give_up() && start.elapsed() < PATIENCE {
            let file = self.dir.open_or_create(&name).ok()?;
            match file.try_lock() {
                // The one who held it before may have removed the name just before this process locked it.
                Ok(()) if file.metadata().is_ok_and(|metadata| metadata.nlink() > 0) => {
                    return Some(Lock {
                        cache: self,
                        name,
                        _file: file,
                    });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Err(TryLockError::Error(error)) => {
                    log::debug!("cache: cannot lock {name}: {error}");
                    return None;
                }
            }
        }
        None
    }

    /// Adds an artifact, in place of one with the same key.
    pub(crate) fn publish(&self, key: &CacheKey, artifact: &[u8]) -> io::Result<()> {
        may_have(artifact.len())?;
        let temporary = format!("{NEW}{:016x}", random());
        let mut file = self.dir.create_new(&temporary)?;
        let written = self.write(&mut file, artifact);
        let published = written.and_then(|()| self.dir.rename(&temporary, &key.file_name()));
        if let Err(error) = published {
            let _ = self.dir.remove(OsStr::new(&temporary));
            return Err(error);
        }
        self.keep_within_limit(key);
        Ok(())
    }

    fn write(&self, file: &mut File, artifact: &[u8]) -> io::Result<()> {
        // Says that the file is being written: one that nobody holds was left over by a process that was killed.
        if let Err(TryLockError::Error(error)) = file.try_lock() {
            log::debug!("cache: cannot lock a new file: {error}");
        }
        file.write_all(artifact)?;
        file.sync_all()
    }
}
