//! `wrun cache …`: lists, verifies and cleans the cache. A missing cache counts as empty. A cache that cannot be trusted is
//! refused.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use wrun_runtime::{
    Cache, CacheEntry, CacheKey, CacheMode, CacheRest, Engine, MemoryMode, Module, Pruned, Stale, verify_cached,
};

use crate::exit::Status;
use crate::flags::{CacheAction, CacheLine, CodegenFlags};
use crate::input::{self, Input};
use crate::options::cache as cache_options;
use crate::report::{self, Action, Failure, printable, quantity};

/// Runs the command.
pub(crate) fn cache(line: CacheLine) -> Result<Status, Failure> {
    let CacheLine {
        action,
        cache_dir,
        json,
    } = line;
    let place = cache_options::place(cache_dir)?;
    let dir = place.map(|place| place.dir);
    if let CacheAction::Key { codegen, file } = action {
        return key(dir.as_deref(), codegen, file, json);
    }
    let dir = dir.ok_or_else(|| Failure::new(Status::Failure, cache_options::NO_DIRECTORY))?;
    match action {
        CacheAction::Path if json => super::print(true, &json!({"dir": super::lossy(&dir)}), String::new),
        // For scripts: the bytes of the path, unchanged.
        CacheAction::Path => report::to_stdout(&[dir.as_os_str().as_bytes(), b"\n"].concat()),
        CacheAction::Ls => list(&dir, json),
        CacheAction::Stats { limit } => statistics(&dir, cache_options::limit(limit.cache_size.as_deref())?, json),
        CacheAction::Verify => verify(&dir, json),
        CacheAction::Prune { limit } => {
            let limit = cache_options::limit(limit.cache_size.as_deref())?;
            remove(&dir, json, |cache| cache.prune(limit))
        }
        CacheAction::Clear => remove(&dir, json, Cache::clear),
        CacheAction::Key { .. } => unreachable!("done above"),
    }
}

/// Returns the artifacts of a cache.
fn entries(dir: &Path) -> Result<Vec<CacheEntry>, Failure> {
    match input::cache::existing(dir)? {
        None => Ok(Vec::new()),
        Some(cache) => cache.entries().map_err(|error| unusable(dir, &error)),
    }
}

fn unusable(dir: &Path, error: &io::Error) -> Failure {
    let text = format!("the cache directory {} cannot be used: {error}", dir.display());
    Failure::new(Status::Failure, &text)
}

/// Returns the seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn ago(time: SystemTime) -> String {
    let age = time.elapsed().unwrap_or(Duration::ZERO);
    format!("{} ago", quantity::rough(age))
}

fn list(dir: &Path, json: bool) -> Result<Status, Failure> {
    let entries = entries(dir)?;
    let row = |entry: &CacheEntry| {
        json!({
            "key": entry.key,
            "path": super::lossy(&entry.path),
            "bytes": entry.bytes,
            "used": seconds(entry.used),
        })
    };
    super::print(json, &entries.iter().map(row).collect(), || {
        let line = |entry: &CacheEntry| {
            let (size, used) = (quantity::bytes(entry.bytes), ago(entry.used));
            format!("{size:>12}  {used:>12}  {}\n", printable(&entry.key))
        };
        entries.iter().map(line).collect()
    })
}

fn statistics(dir: &Path, limit: u64, json: bool) -> Result<Status, Failure> {
    let (entries, rest) = match input::cache::existing(dir)? {
        None => (Vec::new(), CacheRest::default()),
        Some(cache) => {
            let both = cache.entries().and_then(|entries| Ok((entries, cache.rest()?)));
            both.map_err(|error| unusable(dir, &error))?
        }
    };
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let (oldest, newest) = (entries.first(), entries.last());
    let value = json!({
        "dir": super::lossy(dir),
        "artifacts": entries.len(),
        "bytes": bytes,
        "limit": limit,
        "oldest_use": oldest.map(|entry| seconds(entry.used)),
        "newest_use": newest.map(|entry| seconds(entry.used)),
        "left_over_bytes": rest.left_over_bytes,
        "links": rest.links,
    });
    super::print(json, &value, || {
        let used = |entry: Option<&CacheEntry>| entry.map_or_else(|| "-".to_owned(), |entry| ago(entry.used));
        let left_over = match rest.left_over_bytes {
            0 => String::new(),
            bytes => format!("left over   {}\n", quantity::bytes(bytes)),
        };
        format!(
            "directory   {}\nartifacts   {}\nsize        {} of at most {}\nlast uses   {} to {}\nknown files {}\n{left_over}",
            printable(&dir.to_string_lossy()),
            entries.len(),
            quantity::bytes(bytes),
            quantity::bytes(limit),
            used(oldest),
            used(newest),
            rest.links,
        )
    })
}

/// Prints the key of a module, and with `--json` whether the cache has its artifact.
fn key(dir: Option<&Path>, codegen: CodegenFlags, file: OsString, json: bool) -> Result<Status, Failure> {
    let options = super::options(Action::Key, file, codegen, super::without_cache())?;
    let report = options.reporter();
    let input = Input::open(&options, None)?;
    let engine = Engine::new(&options.config(MemoryMode::Guarded)).map_err(|error| report.failure(&error))?;
    let (wasm, _) = input.wasm()?;
    Module::recognise(wasm).map_err(|error| report.failure(&error))?;
    let key = CacheKey::of(&engine, wasm).to_string();
    if !json {
        return super::print(false, &Value::Null, || format!("{key}\n"));
    }
    // The look-up is that of a run with `--cache-mode require`. An unusable cache has no artifact.
    let cache = dir.and_then(|dir| Cache::open(dir, CacheMode::Require, cache_options::DEFAULT_LIMIT).ok());
    let is_cached = cache.is_some_and(|cache| Module::new_cached(&engine, &cache, wasm, None).is_ok());
    let value = json!({"file": options.module.to_string(), "key": key, "is_cached": is_cached});
    super::print(true, &value, String::new)
}

/// The result of verifying an artifact's checksums.
enum Verdict {
    Sound,
    /// This wrun cannot use it on this machine. It is not known to be damaged.
    Stale(Stale),
    Damaged(String),
    /// It cannot be read.
    Unreadable(io::Error),
    /// Another process has removed it meanwhile.
    Gone,
}

fn verdict(cache: &Cache, entry: &CacheEntry) -> Verdict {
    use Stale::{Build, Config, Cpu, FormatVersion, Target};
    match verify_cached(cache, entry) {
        Ok(None) => Verdict::Sound,
        Ok(Some(stale @ (Build | FormatVersion { .. } | Target | Cpu(_) | Config))) => Verdict::Stale(stale),
        Ok(Some(damage)) => Verdict::Damaged(damage.to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Verdict::Gone,
        Err(error) => Verdict::Unreadable(error),
    }
}

fn verify(dir: &Path, json: bool) -> Result<Status, Failure> {
    let (mut sound, mut stale) = (0_u64, 0_u64);
    let mut damaged = Vec::<(PathBuf, String)>::new();
    let mut unreadable = Vec::<(PathBuf, String)>::new();
    let judge = |cache: Cache| -> io::Result<Vec<_>> {
        let entries = cache.entries()?.into_iter();
        Ok(entries.map(|entry| (verdict(&cache, &entry), entry)).collect())
    };
    let judged = input::cache::existing(dir)?.map_or(Ok(Vec::new()), judge);
    for (verdict, entry) in judged.map_err(|error| unusable(dir, &error))? {
        match verdict {
            Verdict::Sound => sound += 1,
            Verdict::Stale(why) => {
                log::debug!("{}: {why}", entry.path.display());
                stale += 1;
            }
            Verdict::Damaged(why) => damaged.push((entry.path, why)),
            Verdict::Unreadable(error) => unreadable.push((entry.path, error.to_string())),
            Verdict::Gone => {}
        }
    }
    let rows = |list: &[(PathBuf, String)]| -> Value {
        let row = |(path, why): &(PathBuf, String)| json!({"path": super::lossy(path), "reason": why});
        list.iter().map(row).collect()
    };
    let value = json!({
        "dir": super::lossy(dir),
        "sound": sound,
        "stale": stale,
        "damaged": rows(&damaged),
        "unreadable": rows(&unreadable),
    });
    super::print(json, &value, || {
        let line = |(path, why): &(PathBuf, String)| format!("{}\n", printable(&format!("{}: {why}", path.display())));
        let lines: String = damaged.iter().chain(&unreadable).map(line).collect();
        let more = match unreadable.len() {
            0 => String::new(),
            count => format!(", {count} unreadable"),
        };
        format!("{lines}{sound} sound, {stale} stale, {} damaged{more}\n", damaged.len())
    })?;
    let complaint = match (damaged.is_empty(), unreadable.is_empty()) {
        (true, true) => return Ok(Status::Success),
        (true, false) => "some artifacts cannot be read: make the listed files readable, or remove them",
        (false, _) => "the cache is damaged: remove the listed files, or all files with `wrun cache clear`",
    };
    Err(Failure::new(Status::Failure, complaint))
}

/// Removes files with `how`, and prints the number of removed artifacts and the files that could not be removed.
fn remove(dir: &Path, json: bool, how: impl FnOnce(&Cache) -> io::Result<Pruned>) -> Result<Status, Failure> {
    let pruned = match input::cache::existing(dir)? {
        None => Pruned::default(),
        Some(cache) => how(&cache).map_err(|error| unusable(dir, &error))?,
    };
    let Pruned {
        files,
        bytes,
        failed,
        failure,
    } = pruned;
    let value = json!({"removed": files, "bytes": bytes, "failed": failed});
    super::print(json, &value, || {
        let artifacts = if files == 1 { "artifact" } else { "artifacts" };
        format!("removed {files} {artifacts} of {}\n", quantity::bytes(bytes))
    })?;
    let Some((path, error)) = failure else {
        return Ok(Status::Success);
    };
    let others = match failed {
        0 | 1 => String::new(),
        failed => format!(" (and {} more)", failed - 1),
    };
    let text = format!(
        "cannot remove {}{others}: {error}: make {} writable for this user, or remove it by hand",
        path.display(),
        dir.display()
    );
    Err(Failure::new(Status::Failure, &text))
}
