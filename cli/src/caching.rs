//! Which directory is the cache, and what may be done with it: options and environment in, an open cache or none out.
//!
//! A run never fails because of the cache, unless it was told to (`--cache-mode require`). What cannot be used is worth a
//! line when the user named it, or when it is there and not to be trusted; else the log says so.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use wrun_runtime::{Cache, CacheError, CacheMode};

use crate::exit::Status;
use crate::flags::{CacheFlags, Mode};
use crate::quantity;
use crate::report::{self, Failure, Reporter};

/// How large a cache may grow when nothing is said.
pub(crate) const DEFAULT_LIMIT: u64 = 2 << 30;

/// What to say where there is no directory.
pub(crate) const NO_DIRECTORY: &str =
    "there is no directory for the cache: set HOME, XDG_CACHE_HOME or WRUN_CACHE_DIR, or write --cache-dir DIR";

/// What a run may do with which cache.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Nothing: `--no-cache`.
    Off,
    /// This.
    On {
        /// Where it is. `None` where nothing says so.
        place: Option<Place>,
        /// What may be done with it.
        mode: CacheMode,
        /// How many bytes it may have.
        limit: u64,
    },
}

/// The directory of a cache.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its path.
    pub(crate) dir: PathBuf,
    /// Whether the user has named it, for wrun alone.
    pub(crate) is_named: bool,
}

impl Caching {
    /// What the options mean.
    pub(crate) fn new(flags: CacheFlags) -> Result<Self, Failure> {
        let CacheFlags {
            cache_dir,
            no_cache,
            cache_mode,
            cache_size,
        } = flags;
        let mode = match cache_mode {
            None | Some(Mode::ReadWrite) => CacheMode::ReadWrite,
            Some(Mode::ReadOnly) => CacheMode::ReadOnly,
            Some(Mode::Require) => CacheMode::Require,
        };
        let (place, limit) = (place(cache_dir)?, limit(cache_size.as_deref())?);
        match (no_cache, mode) {
            (true, CacheMode::Require) => Err(Failure::usage(
                "--no-cache and --cache-mode require exclude each other: leave one of them out",
            )),
            (true, _) => Ok(Self::Off),
            (false, mode) => Ok(Self::On { place, mode, limit }),
        }
    }

    /// Opens the cache for a run.
    pub(crate) fn open(&self, report: &Reporter<'_>) -> Result<Option<Cache>, Failure> {
        let Self::On { place, mode, limit } = self else {
            return Ok(None);
        };
        let Some(place) = place else {
            if *mode == CacheMode::Require {
                return Err(report.cannot_run(NO_DIRECTORY));
            }
            log::debug!("cache: {NO_DIRECTORY}");
            return Ok(None);
        };
        match Cache::open(&place.dir, *mode, *limit) {
            Ok(cache) => return Ok(Some(cache)),
            Err(error) if *mode == CacheMode::Require => return Err(report.cannot_run(&error.to_string())),
            Err(error) if place.is_named || matches!(error, CacheError::Untrusted(..)) => {
                report::notice(&format!("notice: {error}"));
            }
            Err(error) => log::debug!("cache: {error}"),
        }
        Ok(None)
    }
}

/// The directory of the cache, from the option or the environment.
pub(crate) fn place(flag: Option<OsString>) -> Result<Option<Place>, Failure> {
    if flag.as_ref().is_some_and(|word| word.is_empty()) {
        return Err(Failure::usage("--cache-dir: the path of the directory is missing"));
    }
    Ok(find(flag, |name| std::env::var_os(name)))
}

/// Bytes, from `--cache-size`.
pub(crate) fn limit(flag: Option<&OsStr>) -> Result<u64, Failure> {
    let Some(word) = flag else {
        return Ok(DEFAULT_LIMIT);
    };
    let typed = word
        .to_str()
        .ok_or_else(|| format!("`{}` is not valid UTF-8", word.display()));
    typed
        .and_then(quantity::size)
        .map_err(|reason| Failure::usage(&format!("--cache-size: {reason}")))
}

/// An open cache for looking after it, whoever fills it. `None` when its directory is not there yet.
pub(crate) fn existing(dir: &Path) -> Result<Option<Cache>, Failure> {
    match Cache::open(dir, CacheMode::ReadOnly, DEFAULT_LIMIT) {
        Ok(cache) => Ok(Some(cache)),
        Err(CacheError::Io(_, error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(Status::Failure, &error.to_string())),
    }
}

/// The first of the option, wrun's own variable, and the user's directory for caches. Empty variables are as good as none,
/// and relative paths are none where the XDG specification wants absolute ones.
fn find(flag: Option<OsString>, variable: impl Fn(&str) -> Option<OsString>) -> Option<Place> {
    if let Some(dir) = flag.or_else(|| variable("WRUN_CACHE_DIR").filter(|dir| !dir.is_empty())) {
        return Some(Place {
            dir: dir.into(),
            is_named: true,
        });
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(Place {
        dir: caches.join("wrun"),
        is_named: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_the_first_that_is_named() {
        let all = [("WRUN_CACHE_DIR", "w"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        for (flag, environment, expected) in [
            (Some("f"), &all[..], Some(("f", true))),
            (None, &all, Some(("w", true))),
            (None, &all[1..], Some(("/x/wrun", false))),
            (None, &all[2..], Some(("/h/.cache/wrun", false))),
            (None, &[], None),
            (
                None,
                &[("WRUN_CACHE_DIR", ""), ("HOME", "/h")],
                Some(("/h/.cache/wrun", false)),
            ),
            (
                None,
                &[("XDG_CACHE_HOME", "x"), ("HOME", "/h")],
                Some(("/h/.cache/wrun", false)),
            ),
            (
                None,
                &[("XDG_CACHE_HOME", ""), ("HOME", "/h")],
                Some(("/h/.cache/wrun", false)),
            ),
            (None, &[("HOME", "")], None),
            (None, &[("HOME", "h")], None),
        ] {
            let variable = |name: &str| {
                let found = environment.iter().find(|(found, _)| *found == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let found = find(flag.map(OsString::from), variable);
            let expected = expected.map(|(dir, is_named)| Place {
                dir: dir.into(),
                is_named,
            });
            assert_eq!(found, expected, "{flag:?} {environment:?}");
        }
    }

    #[test]
    fn requiring_a_cache_and_having_none_exclude_each_other() {
        let flags = |no_cache, cache_mode| CacheFlags {
            no_cache,
            cache_mode,
            ..CacheFlags::default()
        };
        let failure = Caching::new(flags(true, Some(Mode::Require))).expect_err("these exclude each other");
        assert!(failure.text().contains("leave one of them out"), "{}", failure.text());
        assert_eq!(Caching::new(flags(true, Some(Mode::ReadOnly))).ok(), Some(Caching::Off));
    }
}
