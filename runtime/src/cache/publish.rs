//! Adding artifacts: under a lock, so that one of several processes compiles, and by renaming, so that nobody ever sees half a
//! file.

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

/// How long a process waits for another one that is at work on the same module. A file takes seconds, the largest minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often the process that compiles shows that it is at work.
const BEAT: Duration = Duration::from_secs(1);

/// A process that has not shown it for this long has been stopped (or its machine is in trouble): it is not waited for.
const STALLED: Duration = Duration::from_secs(5);

/// How long a process waits for its turn to remove a lock, which takes microseconds.
const TURN: Duration = Duration::from_secs(1);

/// The right to compile one artifact. Given back on drop, and by the system when the process dies.
#[derive(Debug)]
pub(crate) struct Lock<'c> {
    cache: &'c Cache,
    name: String,
    /// Locked as long as it is open.
    file: File,
    /// Ends the thread that shows that this process is at work.
    _beat: Option<Sender<()>>,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // Removed while it is held: whoever waits for it notices that its file has no name any more.
        let _ = self.cache.remove_held(&self.name, &self.file);
    }
}

/// Touches the file of a lock again and again, until what it gives is dropped. Only a thread can do so while the code generator
/// works; without one, those who wait do so for a short time only.
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
    /// Returns true if the holder of the lock has not touched it for too long, by this process's own clock.
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
    /// Waits for the right to compile an artifact, and takes it from a process that was stopped. `None` when it is not to be had
    /// (the directory cannot be written, or `give_up` says so, or it takes too long): the caller compiles without it then.
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
                // The one who held it before may have removed the name just before this process locked it.
                Ok(()) if file.metadata().is_ok_and(|metadata| metadata.nlink() > 0) => {
                    return Some(Lock {
                        cache: self,
                        name,
                        _beat: start_beat(&file),
                        file,
                    });
                }
                Ok(()) => {}
                // Without its name it is nobody's: the next to come makes another one.
                Err(TryLockError::WouldBlock) if watch.has_stalled(&file) => {
                    log::debug!("cache: the process that compiles this module does not go on, and is not waited for");
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

    /// Removes the name of a file that this process holds or takes from its holder, if it is still this file's: others may have
    /// removed it and made another one of that name.
    pub(super) fn remove_held(&self, name: &str, file: &File) -> io::Result<()> {
        // One process at a time, or two that both look first would remove what one of them makes next. Whoever is stopped right
        // here is not waited for.
        let _alone = self.dir.alone(TURN)?;
        if self.dir.is(name, file) {
            self.dir.remove(name)?;
        }
        Ok(())
    }

    /// Adds an artifact, in place of one with the same key.
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

    /// Remembers that an artifact is whole that was just written. To be called when it has its name: giving it one changes the time
    /// of the inode's change.
    fn remember_published(&self, file: &File, key: &CacheKey) {
        match file.metadata() {
            Ok(metadata) => {
                let target = names::target(&key.file_name());
                self.remember_verified(&Unverified::new(identity(&metadata), target));
            }
            Err(error) => log::debug!("cache: cannot remember that an artifact is whole: {error}"),
        }
    }

    /// Gives an artifact its name. Anything but a directory is replaced.
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
        // Says that the file is being written: one that nobody holds was left over by a process that was killed.
        if let Err(TryLockError::Error(error)) = file.try_lock() {
            log::debug!("cache: cannot lock a new file: {error}");
        }
        file.write_all(artifact)?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Settings;

    #[test]
    fn whoever_works_is_waited_for_and_whoever_does_not_is_not() {
        let path = std::env::temp_dir().join(format!("wrun-lock-{}", std::process::id()));
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
        std::fs::remove_dir_all(path).expect("own");
    }
}
