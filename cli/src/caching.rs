//! Which directory is the cache, and what may be done with it: options and environment in, an open cache or none out.
//!
//! A run never fails because of the cache, unless it was told to (`--cache-mode require`). What cannot be used is worth a
//! line when the user named it, or when it is there and not to be trusted or opened; else the log says so.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt;
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
    /// What has to be there for it to be made (the user's home), unless the user has named the directory, for wrun alone.
    pub(crate) home: Option<PathBuf>,
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
        match place.open(*mode, *limit) {
            Ok(cache) => return Ok(Some(cache)),
            Err(error) if *mode == CacheMode::Require => {
                let fix = match error.is_absent() {
                    true => " (a run without `--cache-mode require` makes and fills it)",
                    false => "",
                };
                return Err(report.cannot_run(&format!("{error}{fix}")));
            }
            Err(error) if place.is_worth_a_line(&error) => report::notice(&format!("notice: {error}")),
            Err(error) => log::debug!("cache: {error}"),
        }
        Ok(None)
    }
}

impl Place {
    /// Opens the cache, and makes its directory if it may be made.
    fn open(&self, mode: CacheMode, limit: u64) -> Result<Cache, CacheError> {
        let Some(home) = &self.home else {
            return Cache::open(&self.dir, mode, limit);
        };
        match Cache::open_existing(&self.dir, mode, limit) {
            Err(error) if error.is_absent() && mode == CacheMode::ReadWrite => {
                may_make_in(home, &self.dir).map_err(|error| CacheError::Io(self.dir.clone(), error))?;
                Cache::open(&self.dir, mode, limit)
            }
            result => result,
        }
    }

    /// Whether the user is to know that the cache cannot be used. Many a system's users have no home to speak of, so only what
    /// is there counts, and not what could not be made.
    fn is_worth_a_line(&self, error: &CacheError) -> bool {
        match error {
            CacheError::Untrusted(..) => true,
            _ if self.home.is_none() => true,
            CacheError::Io(_, error) => {
                error.kind() == io::ErrorKind::PermissionDenied && self.dir.symlink_metadata().is_ok()
            }
        }
    }
}

/// Whether the directory of a cache that the user has not named may be made: not a home that is not there, and nothing in the
/// home of somebody else, who could not use it afterwards. (What belongs to root, like `/tmp`, lets itself be written or not.)
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
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(Failure::new(Status::Failure, &error.to_string())),
    }
}

/// The first of the option, wrun's own variable, and the user's directory for caches. Empty variables are as good as none,
/// and relative paths are none where the XDG specification wants absolute ones.
fn find(flag: Option<OsString>, variable: impl Fn(&str) -> Option<OsString>) -> Option<Place> {
    if let Some(dir) = flag.or_else(|| variable("WRUN_CACHE_DIR").filter(|dir| !dir.is_empty())) {
        return Some(Place {
            dir: dir.into(),
            home: None,
        });
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // The specification wants the first to be made, but a home is made by whoever makes the user.
    if let Some(caches) = absolute("XDG_CACHE_HOME") {
        let (dir, home) = (caches.join("wrun"), Some(PathBuf::from("/")));
        return Some(Place { dir, home });
    }
    let home = absolute("HOME")?;
    Some(Place {
        dir: home.join(".cache/wrun"),
        home: Some(home),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_the_first_that_is_named() {
        let all = [("WRUN_CACHE_DIR", "w"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        for (flag, environment, expected) in [
            (Some("f"), &all[..], Some(("f", None))),
            (None, &all, Some(("w", None))),
            (None, &all[1..], Some(("/x/wrun", Some("/")))),
            (None, &all[2..], Some(("/h/.cache/wrun", Some("/h")))),
            (None, &[], None),
            (
                None,
                &[("WRUN_CACHE_DIR", ""), ("HOME", "/h")],
                Some(("/h/.cache/wrun", Some("/h"))),
            ),
            (
                None,
                &[("XDG_CACHE_HOME", "x"), ("HOME", "/h")],
                Some(("/h/.cache/wrun", Some("/h"))),
            ),
            (
                None,
                &[("XDG_CACHE_HOME", ""), ("HOME", "/h")],
                Some(("/h/.cache/wrun", Some("/h"))),
            ),
            (None, &[("HOME", "")], None),
            (None, &[("HOME", "h")], None),
        ] {
            let variable = |name: &str| {
                let found = environment.iter().find(|(found, _)| *found == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let found = find(flag.map(OsString::from), variable);
            let expected = expected.map(|(dir, home)| Place {
                dir: dir.into(),
                home: home.map(PathBuf::from),
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
