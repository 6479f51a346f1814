//! The cache that a run or a command uses: settings in, an open cache or none out.
//!
//! A run never fails because of the cache, unless the user said so (`--cache-mode require`). A cache that cannot be used is
//! worth a line when the user named it, or when it is there and cannot be trusted or opened. Else only the log says so.

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

/// Opens the cache that remembers verified native code. Native code runs without a cache too, so nothing is said when there is
/// none, even with `--cache-mode require`: the code is verified at each run then.
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

/// Opens a cache for `wrun cache`, which does not fill it. `None` when its directory is not there yet.
pub(crate) fn existing(dir: &Path) -> Result<Option<Cache>, Failure> {
    match Cache::open(dir, CacheMode::ReadOnly, DEFAULT_LIMIT) {
        Ok(cache) => Ok(Some(cache)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(Failure::new(Status::Failure, &error.to_string())),
    }
}

/// Opens the cache, and makes its directory if it may be made.
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

/// Returns true when the user should know that the cache cannot be used. Many users of a system have no home, so a directory
/// that is there counts, and one that could not be made does not.
fn is_worth_a_line(place: &CacheDir, error: &CacheError) -> bool {
    match error {
        CacheError::Untrusted(..) => true,
        _ if place.home.is_none() => true,
        CacheError::Io(_, error) => {
            error.kind() == io::ErrorKind::PermissionDenied && place.dir.symlink_metadata().is_ok()
        }
    }
}

/// Checks that the directory of a cache that the user has not named may be made. A missing home is not made, and nothing is
/// made in another user's home, who could not use it afterwards. A directory of root's, like `/tmp`, has permissions of its own.
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
