//! Errors, for embedders and for people.
//!
//! Input: failures of the other rooms. Output: a closed list of errors, with their wording. Must not hold: exit statuses.

mod backtrace;
mod exception;
mod imports;
mod trap;

use std::fmt;
use std::io;
use std::path::PathBuf;

use wrun_artifact::TrapCode;
use wrun_artifact::elf::Stale;

pub use backtrace::{Backtrace, Frame, Location};
pub use exception::Exception;
pub(crate) use exception::Part;
pub(crate) use imports::describe;
pub use imports::{ImportsError, IncompatibleImport, MissingImport, first_few};
pub use trap::Trap;

/// The reason for a failure. Its text is one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The module could not be compiled.
    #[cfg(feature = "compiler")]
    Compile(wrun_compiler::CompileError),
    /// The artifact cannot be used.
    Artifact(Stale),
    /// The cache must have the module ([`crate::CacheMode::Require`]) and has no artifact of it that can be used.
    CacheMiss {
        /// Path of the artifact's file, also if the file is missing.
        artifact: PathBuf,
        /// The reason why it cannot be used.
        reason: Miss,
    },
    /// An import is missing or has another type.
    Imports(ImportsError),
    /// The guest trapped.
    Trap(Trap),
    /// An exception that the guest does not catch. A host function that returns this error throws the exception.
    Exception(Exception),
    /// Compiled code caused a fault that is no trap. The artifact is damaged, or the code generator has a bug. The store cannot
    /// be used any more. Holds the place, if it is in a function of the module.
    BadCode(Option<String>),
    /// A host function ended the guest with an error of its own.
    Host(Box<dyn std::error::Error + Send + Sync>),
    /// A host function panicked: a bug of the host.
    HostPanic(String),
    /// The address space has no room for a guarded memory, which reserves a little more than 4 GiB. A module that is compiled for
    /// [`crate::MemoryMode::Checked`] needs only the size of the memory.
    AddressSpace(String),
    /// The system has no more memory, descriptors or other resources.
    Resource(String),
    /// The call is invalid: it has values of another type or items of another store, its store was interrupted, or a table would
    /// have more entries than are allowed.
    Refused(String),
}

impl Error {
    /// Makes an error of a host function, for example an exit.
    pub fn host(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Host(error.into())
    }

    /// Makes the error of a host function that notices that the deadline has passed (see [`crate::Caller::interrupted`]).
    pub fn interrupt() -> Self {
        TrapCode::Interrupt.into()
    }

    /// Returns the error that a host function passed to [`Error::host`], if it has this type.
    pub fn downcast_host<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Host(error) => error.downcast_ref(),
            _ => None,
        }
    }

    pub(crate) fn resource(what: &str, error: &io::Error) -> Self {
        Self::Resource(format!("{what}: {error}"))
    }

    /// Makes the error for an artifact whose `part` is inconsistent.
    pub(crate) fn damaged(part: &'static str) -> Self {
        Self::Artifact(Stale::Damaged(part))
    }
}

impl From<TrapCode> for Error {
    fn from(code: TrapCode) -> Self {
        Self::Trap(Trap::new(code))
    }
}

impl From<Exception> for Error {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

impl From<Trap> for Error {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

impl From<ImportsError> for Error {
    fn from(error: ImportsError) -> Self {
        Self::Imports(error)
    }
}

impl From<Stale> for Error {
    fn from(stale: Stale) -> Self {
        Self::Artifact(stale)
    }
}

#[cfg(feature = "compiler")]
impl From<wrun_compiler::CompileError> for Error {
    fn from(error: wrun_compiler::CompileError) -> Self {
        Self::Compile(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "compiler")]
            Self::Compile(error) => error.fmt(f),
            Self::Artifact(stale) => stale.fmt(f),
            Self::CacheMiss {
                artifact,
                reason: Miss::Absent,
            } => write!(
                f,
                "the cache has no artifact for this module ({} is not there)",
                artifact.display()
            ),
            Self::CacheMiss { artifact, reason } => write!(
                f,
                "the cache's artifact for this module ({}) cannot be used: {reason}",
                artifact.display()
            ),
            Self::Imports(error) => error.fmt(f),
            Self::Trap(trap) => trap.fmt(f),
            Self::Exception(exception) => write!(f, "uncaught exception: {exception}"),
            Self::BadCode(place) => {
                f.write_str("compiled code failed where it cannot trap")?;
                if let Some(place) = place {
                    write!(f, " (in {place})")?;
                }
                f.write_str(": its artifact is damaged, or this is a bug in wrun")
            }
            Self::Host(error) => error.fmt(f),
            Self::HostPanic(text) => write!(f, "this is a bug in a host function, please report it: {text}"),
            Self::AddressSpace(text) | Self::Resource(text) | Self::Refused(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Host(error) => Some(&**error),
            _ => None,
        }
    }
}

/// The reason why the cache has no artifact for a module. The text describes the artifact.
#[derive(Debug)]
pub enum Miss {
    /// The cache has no artifact of the module.
    Absent,
    /// The artifact cannot be opened or mapped, or is not trusted.
    Unusable(io::Error),
    /// The artifact is damaged, or was made by another build, for another machine or with other settings.
    Stale(Stale),
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("it is not there"),
            Self::Unusable(error) => error.fmt(f),
            Self::Stale(stale) => stale.fmt(f),
        }
    }
}
