//! The meaning of the command line. Input: the words from `flags`. Output: checked settings, or a failure with its fix.
//!
//! This room reads the environment for `--env NAME`, `--inherit-env` and the cache's directory. It opens nothing.

pub(crate) mod cache;
pub(crate) mod codegen;
pub(crate) mod grant;
pub(crate) mod listen;
mod quantity;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use wrun_runtime::{Config, MemoryMode};
use wrun_wasi::{Access, Grant};

use self::cache::CacheOptions;
use self::codegen::CodegenOptions;
use self::listen::Address;
use crate::flags::{Backtrace, Profile, RunFlags, UnknownImports};
use crate::report::{Action, Failure, Frames, Reporter};

/// The settings of one run.
#[derive(Debug)]
pub(crate) struct Options {
    /// The purpose for which the module is read, for messages.
    pub(crate) action: Action,
    /// The module's file, or stdin.
    pub(crate) module: Source,
    /// The guest's argv, from `argv[0]` on.
    pub(crate) argv: Vec<OsString>,
    /// The guest's environment.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Files and directories that the guest may use, in the order of `--dir`, then `--dir-ro`.
    pub(crate) grants: Vec<Grant>,
    /// The addresses that the guest may accept connections on, in the order of `--listen`.
    pub(crate) listen: Vec<Address>,
    /// The treatment of imports that wrun does not define.
    pub(crate) unknown_imports: UnknownImports,
    /// The size of the guest's stack in bytes.
    pub(crate) stack_size: u32,
    /// True if perf gets a description of the compiled code.
    pub(crate) perf: bool,
    /// The settings of compiled code.
    pub(crate) codegen: CodegenOptions,
    /// True if native code from outside the cache may be run.
    pub(crate) allow_precompiled: bool,
    /// The cache and its permitted use.
    pub(crate) cache: CacheOptions,
    /// The export to call instead of `_start`.
    pub(crate) invoke: Option<String>,
    /// The time limit of the run.
    pub(crate) timeout: Option<Timeout>,
    /// The frames of a backtrace to print.
    pub(crate) frames: Frames,
}

/// The source of a module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input, typed as `-`.
    Stdin,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("-"),
        }
    }
}

/// A time limit, with the text that the user typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Timeout {
    /// The longest time that the run may take.
    pub(crate) duration: Duration,
    /// The text that the user typed, for messages.
    pub(crate) typed: String,
}

/// The default size of the guest's stack in bytes, the same as for native programs.
const DEFAULT_STACK: u32 = 8 << 20;

/// The smallest stack in bytes, enough for a few dozen frames. A smaller value is most likely a wrong unit.
const SMALLEST_STACK: u64 = 64 << 10;

/// The largest stack in bytes.
const LARGEST_STACK: u64 = 2 << 30;

impl Options {
    /// Returns the options of `wrun path`, for tests of other rooms.
    #[cfg(test)]
    pub(crate) fn of_module(path: &str) -> Self {
        let flags = RunFlags::default();
        Self::new(flags, vec![path.into()]).expect("there is nothing to be wrong")
    }

    /// Checks `flags` and `command`. `command` holds the module and the guest's arguments and is not empty.
    pub(crate) fn new(flags: RunFlags, command: Vec<OsString>) -> Result<Self, Failure> {
        let RunFlags {
            dir,
            dir_ro,
            listen,
            env,
            inherit_env,
            argv0,
            unknown_imports,
            stack_size,
            invoke,
            epoch_timeout,
            backtrace,
            profile,
            codegen,
            allow_precompiled,
            cache,
        } = flags;

        let mut argv = command;
        let module = if argv[0] == "-" {
            Source::Stdin
        } else {
            Source::File(PathBuf::from(&argv[0]))
        };
        if let Some(name) = argv0 {
            argv[0] = name;
        }
        let mut grants = Vec::with_capacity(dir.len() + dir_ro.len());
        for (words, access) in [(dir, Access::ReadWrite), (dir_ro, Access::ReadOnly)] {
            for word in words {
                let grant = grant::read(&word, access, &grants);
                grants.push(grant.map_err(|reason| wrong(grant::option(access), &reason))?);
            }
        }
        let listen = listen.iter().map(|word| listen::address(word));
        Ok(Self {
            action: Action::Run,
            module,
            argv,
            env: environment(inherit_env, &env)?,
            grants,
            listen: listen
                .collect::<Result<_, _>>()
                .map_err(|reason| wrong("--listen", &reason))?,
            unknown_imports,
            stack_size: match stack_size {
                None => DEFAULT_STACK,
                Some(word) => stack(&word).map_err(|reason| wrong("--stack-size", &reason))?,
            },
            perf: profile == Some(Profile::Perf),
            codegen: CodegenOptions::new(&codegen),
            allow_precompiled,
            cache: CacheOptions::new(cache)?,
            invoke: match invoke {
                None => None,
                Some(word) => Some(utf8(&word).map_err(|reason| wrong("--invoke", &reason))?.to_owned()),
            },
            timeout: match epoch_timeout {
                None => None,
                Some(word) => Some(timeout(&word).map_err(|reason| wrong("--epoch-timeout", &reason))?),
            },
            frames: match backtrace {
                Some(Backtrace::Full) => Frames::All,
                None | Some(Backtrace::Short) => Frames::Few,
                Some(Backtrace::None) => Frames::None,
            },
        })
    }
}

impl Options {
    /// Returns the reporter for messages about this run.
    pub(crate) fn reporter(&self) -> Reporter<'_> {
        Reporter {
            action: self.action,
            module: &self.module,
            stack_size: self.stack_size,
            timeout: self.timeout.as_ref().map(|timeout| &*timeout.typed),
            address_map: self.codegen.address_map,
            frames: self.frames,
        }
    }

    /// Returns the settings of an engine for this run.
    pub(crate) fn config(&self, memory: MemoryMode) -> Config {
        let mut config = self.codegen.config(memory);
        config.stack_size(self.stack_size as usize).perf(self.perf);
        config
    }
}

/// Returns the failure of an option with an invalid value.
fn wrong(option: &str, reason: &str) -> Failure {
    Failure::usage(&format!("{option}: {reason}"))
}

fn utf8(word: &OsStr) -> Result<&str, String> {
    word.to_str()
        .ok_or_else(|| format!("`{}` is not valid UTF-8", word.display()))
}

/// Makes the guest's environment: all of wrun's own with `--inherit-env`, then each `--env`. The last value of a name counts.
fn environment(inherit: bool, words: &[OsString]) -> Result<Vec<(OsString, OsString)>, Failure> {
    let mut env = Vec::new();
    if inherit {
        // A name that contains `=` could not be separated from its value.
        env.extend(std::env::vars_os().filter(|(name, _)| !name.as_bytes().contains(&b'=')));
    }
    for word in words {
        let bytes = word.as_bytes();
        let (name, value) = match bytes.iter().position(|byte| *byte == b'=') {
            Some(at) => (&bytes[..at], Some(OsString::from_vec(bytes[at + 1..].to_vec()))),
            // A variable that is not set stays unset.
            None => (bytes, std::env::var_os(word)),
        };
        if name.is_empty() {
            let text = format!(
                "`{}` has no name: write NAME=VALUE, or NAME to pass on wrun's own",
                word.display()
            );
            return Err(wrong("--env", &text));
        }
        let Some(value) = value else { continue };
        let name = OsStr::from_bytes(name).to_owned();
        match env.iter_mut().find(|(other, _)| *other == name) {
            Some(entry) => entry.1 = value,
            None => env.push((name, value)),
        }
    }
    Ok(env)
}

fn stack(word: &OsStr) -> Result<u32, String> {
    let typed = utf8(word)?;
    let bytes = quantity::size(typed)?;
    if bytes < SMALLEST_STACK {
        return Err(format!(
            "`{typed}` is too small for a stack: at least 64KiB are needed, 8MiB are the default"
        ));
    }
    if bytes > LARGEST_STACK {
        return Err(format!("`{typed}` is too large for a stack: at most 2GiB are possible"));
    }
    Ok(u32::try_from(bytes).expect("compared just above"))
}

fn timeout(word: &OsStr) -> Result<Timeout, String> {
    let typed = utf8(word)?;
    Ok(Timeout {
        duration: quantity::duration(typed)?,
        typed: typed.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_variable_of_a_name_counts() {
        let words: Vec<OsString> = ["A=1", "B=x=y", "C=", "A=2", "WRUN_TEST_THAT_IS_NOT_SET"]
            .map(OsString::from)
            .to_vec();
        let env = environment(false, &words).expect("these are fine");
        let expected =
            [("A", "2"), ("B", "x=y"), ("C", "")].map(|(name, value)| (OsString::from(name), OsString::from(value)));
        assert_eq!(env, expected);
    }

    #[test]
    fn a_variable_without_a_name_is_refused() {
        for word in ["=x", ""] {
            let failure = environment(false, &[word.into()]).expect_err(word);
            assert!(failure.text().contains("NAME=VALUE"), "{}", failure.text());
        }
    }

    #[test]
    fn stacks_within_bounds() {
        for (word, bytes) in [("64K", 64 << 10), ("8MiB", 8 << 20), ("2GiB", 2 << 30)] {
            assert_eq!(stack(OsStr::new(word)), Ok(bytes), "{word}");
        }
        for (word, fix) in [
            ("63K", "at least 64KiB"),
            ("0", "at least 64KiB"),
            ("2049M", "at most 2GiB"),
            ("8", "at least"),
        ] {
            assert!(stack(OsStr::new(word)).expect_err(word).contains(fix), "{word}");
        }
    }
}
