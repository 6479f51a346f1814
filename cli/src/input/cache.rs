//! Opens the cache of a run or a command. Input: the cache options. Output: an open cache, or none.
//!
//! A run never fails because of the cache, except with `--cache-mode require`. If a cache cannot be used, wrun prints a notice
//! if the user named it, or if it exists and cannot be trusted or opened. Otherwise only the log mentions it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use wrun_runtime::{Cache, CacheError, CacheMode};

use crate::exit::Status;
use crate::options::cache::{CacheDir, CacheOptions, DEFAULT_LIMIT, NO_DIRECTORY};
use crate::report::{self, Failure, Reporter};

/// Opens the cache for a run.
pub(super) fn open(options: &CacheOptions, report: &Reporter<'_>) -> Result<Option<Cache>, Failure> {
    let CacheOptions::On { place, mode, limit } = options else {
        return Ok(None);
    };
    let Some(place) = place else {
        if *mode == CacheMode::Require {
            return Err(report.cannot_run(NO_DIRECTORY));
        }
        log::debug!("cache: {NO_DIRECTORY}");
        return Ok(None);
    };
    match open_or_make(place, *mode, *limit) {
        Ok(cache) => return Ok(Some(cache)),
        Err(error) if *mode == CacheMode::Require => {
            let fix = match error.is_absent() {
                true => " (a run without `--cache-mode require` makes and fills it)",
                false => "",
            };
            return Err(report.cannot_run(&format!("{error}{fix}")));
        }
        Err(error) if is_worth_a_line(place, &error) => report::notice(&format!("notice: {error}")),
        Err(error) => log::debug!("cache: {error}"),
    }
    Ok(None)
}

/// Opens the cache that remembers verified native code. Native code also runs without a cache, so a missing cache is not an
/// error, even with `--cache-mode require`. Then the code is verified at each run.
pub(super) fn open_for_native_code(options: &CacheOptions) -> Option<Cache> {
    let CacheOptions::On {
        place: Some(place),
        mode,
        limit,
    } = options
    else {
        return None;
    };
    match open_or_make(place, *mode, *limit) {
        Ok(cache) => Some(cache),
        Err(error) => {
            log::debug!("cache: native code is verified at each run: {error}");
            None
        }
    }
}

/// Opens a cache for `wrun cache`, which does not add artifacts. Returns `None` if the directory does not exist.
pub(crate) fn existing(dir: &Path) -> Result<Option<Cache>, Failure> {
    match Cache::open(dir, CacheMode::ReadOnly, DEFAULT_LIMIT) {
        Ok(cache) => Ok(Some(cache)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(Failure::new(Status::Failure, &error.to_string())),
    }
}

/// Opens the cache, and creates its directory if that is permitted.
fn open_or_make(place: &CacheDir, mode: CacheMode, limit: u64) -> Result<Cache, CacheError> {
    let Some(home) = &place.home else {
        return Cache::open(&place.dir, mode, limit);
    };
    match Cache::open_existing(&place.dir, mode, limit) {
        Err(error) if error.is_absent() && mode == CacheMode::ReadWrite => {
            may_make_in(home, &place.dir).map_err(|error| CacheError::Io(place.dir.clone(), error))?;
            Cache::open(&place.dir, mode, limit)
        }
        result => result,
    }
}

/// Returns true if wrun should print a notice that the cache cannot be used. System users often have no home, so a default
/// directory that could not be created gives no notice. An existing one that cannot be used does.
fn is_worth_a_line(place: &CacheDir, error: &CacheError) -> bool {
    match error {
        CacheError::Untrusted(..) => true,
        _ if place.home.is_none() => true,
        CacheError::Io(_, error) => {
            error.kind() == io::ErrorKind::PermissionDenied && place.dir.symlink_metadata().is_ok()
        }
    }
}

/// Checks that the default directory of the cache may be created. A missing home is not created. Nothing is created in the home
/// of another user, who could not use it afterwards. A directory that root owns, such as `/tmp`, is permitted: its permissions
/// decide.
fn may_make_in(home: &Path, dir: &Path) -> io::Result<()> {
    home.metadata()?;
    let found = dir.ancestors().find_map(|path| Some((path, path.metadata().ok()?)));
    let Some((path, found)) = found else {
        return Ok(());
    };
    let is_own = [0, rustix::process::geteuid().as_raw()].contains(&found.uid());
    let foreign = || {
        io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} belongs to another user", path.display()),
        )
    };
    is_own.then_some(()).ok_or_else(foreign)
}
