//! The cache options. Input: flags and environment. Output: the directory of the cache and its permitted use. `input::cache`
//! opens it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use wrun_runtime::CacheMode;

use super::quantity;
use crate::flags::{CacheFlags, Mode};
use crate::report::Failure;

/// The default limit of the cache in bytes.
pub(crate) const DEFAULT_LIMIT: u64 = 2 << 30;

/// The message if no directory for the cache is known.
pub(crate) const NO_DIRECTORY: &str =
    "there is no directory for the cache: set HOME, XDG_CACHE_HOME or WRUN_CACHE_DIR, or write --cache-dir DIR";

/// The cache and what a run may do with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CacheOptions {
    /// No cache: `--no-cache`.
    Off,
    /// A cache.
    On {
        /// Its directory. `None` if neither an option nor a variable names one.
        place: Option<CacheDir>,
        /// The permitted use.
        mode: CacheMode,
        /// The limit in bytes.
        limit: u64,
    },
}

/// The directory of a cache.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CacheDir {
    /// Its path.
    pub(crate) dir: PathBuf,
    /// The user's home, which has to exist before the directory is created. `None` if `--cache-dir` or `WRUN_CACHE_DIR` names
    /// the directory.
    pub(crate) home: Option<PathBuf>,
}

impl CacheOptions {
    /// Checks the flags.
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
                "--no-cache and --cache-mode require cannot be used together: leave one of them out",
            )),
            (true, _) => Ok(Self::Off),
            (false, mode) => Ok(Self::On { place, mode, limit }),
        }
    }
}

/// Returns the directory of the cache, from the option or the environment.
pub(crate) fn place(flag: Option<OsString>) -> Result<Option<CacheDir>, Failure> {
    if flag.as_ref().is_some_and(|word| word.is_empty()) {
        return Err(Failure::usage("--cache-dir: the path of the directory is missing"));
    }
    Ok(find(flag, |name| std::env::var_os(name)))
}

/// Reads `--cache-size`, in bytes.
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

/// Returns the directory from the option, from wrun's variable, or from the user's directory for caches, in this order. Empty
/// variables are ignored, and so are relative paths where the XDG specification requires absolute ones.
fn find(flag: Option<OsString>, variable: impl Fn(&str) -> Option<OsString>) -> Option<CacheDir> {
    if let Some(dir) = flag.or_else(|| variable("WRUN_CACHE_DIR").filter(|dir| !dir.is_empty())) {
        return Some(CacheDir {
            dir: dir.into(),
            home: None,
        });
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // The specification says to create the first directory. wrun does not create the user's home.
    if let Some(caches) = absolute("XDG_CACHE_HOME") {
        let (dir, home) = (caches.join("wrun"), Some(PathBuf::from("/")));
        return Some(CacheDir { dir, home });
    }
    let home = absolute("HOME")?;
    Some(CacheDir {
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
            let expected = expected.map(|(dir, home)| CacheDir {
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
        let failure = CacheOptions::new(flags(true, Some(Mode::Require))).expect_err("these exclude each other");
        assert!(failure.text().contains("leave one of them out"), "{}", failure.text());
        assert_eq!(
            CacheOptions::new(flags(true, Some(Mode::ReadOnly))).ok(),
            Some(CacheOptions::Off)
        );
    }
}
