//! Adds artifacts to the cache.
//!
//! Input: a key and the bytes of an artifact. Output: the file of the artifact, complete from the moment it has its name. A lock
//! lets one of several processes compile while the others wait. Must not hold: removing artifacts.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::names::{self, Name};
use super::{Cache, CacheKey, CacheMode, Unverified};
use crate::sys::dir::identity;
use crate::sys::file::may_have;

/// Longest time to wait for another process that compiles the same module. Most modules take seconds, the largest take minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Interval at which the compiling process shows that it is working.
const BEAT: Duration = Duration::from_secs(1);

/// Time without such a sign after which other processes no longer wait: the compiling process was probably stopped.
const STALLED: Duration = Duration::from_secs(5);

/// Longest time to wait for the permission to remove a lock. Removing takes microseconds.
const TURN: Duration = Duration::from_secs(1);

/// The right to compile one artifact. Dropping it gives it back. The system gives it back when the process dies.
#[derive(Debug)]
pub(crate) struct Lock<'c> {
    cache: &'c Cache,
    name: String,
    /// Locked as long as it is open.
    file: File,
    /// Dropping this ends the thread that shows that this process is working.
    _beat: Option<Sender<()>>,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // The file is removed while it is locked, so a waiting process notices that the file has no name any more.
        let _ = self.cache.remove_held(&self.name, &self.file);
    }
}

/// Touches the file of a lock at intervals until the returned value is dropped. This needs a thread, because the code generator
/// does not return meanwhile. If no thread can be made, other processes wait only a short time.
fn start_beat(file: &File) -> Option<Sender<()>> {
    let file = file.try_clone().ok()?;
    let (done, end) = mpsc::channel();
    let thread = thread::Builder::new().name("cache".into()).stack_size(64 << 10);
    let started = thread.spawn(move || {
        while end.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            let _ = file.set_modified(SystemTime::now());
        }
    });
    started.ok().map(|_| done)
}

/// State of the process that holds the lock, as a waiting process sees it.
#[derive(Default)]
struct Watch(Option<(Instant, [i64; 3])>);

impl Watch {
    /// Returns true if the holder of the lock has not touched it for too long, measured by the clock of this process.
    fn has_stalled(&mut self, file: &File) -> bool {
        let Ok(metadata) = file.metadata() else {
            return false;
        };
        let now = [metadata.ino().cast_signed(), metadata.mtime(), metadata.mtime_nsec()];
        match self.0 {
            Some((since, seen)) if seen == now => since.elapsed() > STALLED,
            _ => {
                self.0 = Some((Instant::now(), now));
                false
            }
        }
    }
}

impl Cache {
    /// Waits for the right to compile an artifact, or takes it from a process that was stopped. Returns `None` if the directory
    /// cannot be written, if `give_up` returns true, or if the wait takes too long. The caller then compiles without the lock.
    pub(crate) fn lock(&self, key: &CacheKey, give_up: impl Fn() -> bool) -> Option<Lock<'_>> {
        if self.mode != CacheMode::ReadWrite {
            return None;
        }
        let name = key.lock_name();
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        let mut watch = Watch::default();
        while !give_up() && start.elapsed() < PATIENCE {
            let opened = self.dir.open_or_create(&name);
            let file = opened
                .inspect_err(|error| log::debug!("cache: cannot open {name}: {error}"))
                .ok()?;
            match file.try_lock() {
                // The previous holder may have removed the name just before this process locked the file.
                Ok(()) if file.metadata().is_ok_and(|metadata| metadata.nlink() > 0) => {
                    return Some(Lock {
                        cache: self,
                        name,
                        _beat: start_beat(&file),
                        file,
                    });
                }
                Ok(()) => {}
                // Without its name the file is no lock any more: the next process makes a new one.
                Err(TryLockError::WouldBlock) if watch.has_stalled(&file) => {
                    log::debug!("cache: the process that compiles this module was stopped, so its lock is removed");
                    self.remove_held(&name, &file).ok()?;
                }
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

    /// Removes the name of a file, if the name still belongs to this file. Other processes may have removed the file and made
    /// another one with the same name. This process holds the lock of the file, or takes it from a stopped holder.
    pub(super) fn remove_held(&self, name: &str, file: &File) -> io::Result<()> {
        // Only one process at a time may look and remove. Otherwise one of two processes could remove the new file of the other.
        // A process that is stopped at this point delays the others for a short time only.
        let _alone = self.dir.alone(TURN)?;
        if self.dir.is(name, file) {
            self.dir.remove(name)?;
        }
        Ok(())
    }

    /// Adds an artifact. Replaces one with the same key.
    pub(crate) fn publish(&self, key: &CacheKey, artifact: &[u8]) -> io::Result<()> {
        may_have(artifact.len())?;
        let temporary = Name::temporary().to_string();
        let mut file = self.dir.create_new(&temporary)?;
        let written = self.write(&mut file, artifact);
        let published = written.and_then(|()| self.put_in_place(&temporary, &key.file_name()));
        if let Err(error) = published {
            let _ = self.dir.remove(&temporary);
            return Err(error);
        }
        self.remember_published(&file, key);
        self.keep_within_limit(key);
        Ok(())
    }

    /// Marks an artifact that was just written as verified. Call this when the artifact has its name, because renaming changes
    /// the inode's time.
    fn remember_published(&self, file: &File, key: &CacheKey) {
        match file.metadata() {
            Ok(metadata) => {
                let target = names::target(&key.file_name());
                self.remember_verified(&Unverified::new(identity(&metadata), target));
            }
            Err(error) => log::debug!("cache: cannot remember that an artifact is whole: {error}"),
        }
    }

    /// Gives an artifact its name. Replaces anything there except a directory.
    fn put_in_place(&self, temporary: &str, name: &str) -> io::Result<()> {
        let in_the_way = |error: io::Error| match error.kind() {
            kind @ io::ErrorKind::IsADirectory => {
                io::Error::new(kind, format!("{name} is a directory (remove it to use the cache)"))
            }
            _ => error,
        };
        self.dir.rename(temporary, name).map_err(in_the_way)
    }

    fn write(&self, file: &mut File, artifact: &[u8]) -> io::Result<()> {
        // The lock shows that the file is being written. A file without a lock was left behind by a killed process.
        if let Err(TryLockError::Error(error)) = file.try_lock() {
            log::debug!("cache: cannot lock a new file: {error}");
        }
        file.write_all(artifact)?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use wrun_tests::Scratch;

    use super::*;
    use crate::cache::Settings;

    #[test]
    fn whoever_works_is_waited_for_and_whoever_does_not_is_not() {
        let scratch = Scratch::new();
        let path = scratch.path().join("cache");
        let cache = Cache::open(&path, CacheMode::ReadWrite, 0).expect("made");
        let settings = Settings::new(&[0; 16], &[0; 24]);
        let [works, stopped] = [&b"works"[..], b"stopped"].map(|wasm| CacheKey::new(wasm, &settings));
        let start = Instant::now();
        thread::scope(|scope| {
            let first = cache.lock(&works, || false).expect("nobody has it");
            let cache = &cache;
            let waits = scope.spawn(move || {
                drop(cache.lock(&works, || false).expect("given back"));
                start.elapsed()
            });

            let mut first_of_other = cache.lock(&stopped, || false).expect("nobody has it");
            first_of_other._beat = None;
            let second = cache.lock(&stopped, || false).expect("taken over");
            assert!(start.elapsed() > STALLED, "{:?}", start.elapsed());
            drop(first_of_other);
            let gave_up = Instant::now() + Duration::from_millis(50);
            assert!(
                cache.lock(&stopped, || Instant::now() > gave_up).is_none(),
                "the second one's lock is still there"
            );
            drop(second);

            thread::sleep(BEAT);
            let given_back = start.elapsed();
            drop(first);
            assert!(waits.join().expect("no panic") >= given_back);
        });
        assert_eq!(cache.dir.items(Name::parse).expect("readable").len(), 0);
    }
}
