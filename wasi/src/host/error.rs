//! Reasons why a guest cannot be given something, in one line with the fix.

use std::fmt;
use std::path::{Path, PathBuf};

/// Error of a grant: a directory that cannot be opened, or a name that no guest can use.
#[derive(Debug)]
pub struct GrantError {
    path: PathBuf,
    reason: GrantErrorReason,
}

impl GrantError {
    pub(crate) fn new(path: &Path, reason: GrantErrorReason) -> GrantError {
        GrantError {
            path: path.to_path_buf(),
            reason,
        }
    }
}

/// Reason of a [`GrantError`].
#[derive(Debug)]
pub(crate) enum GrantErrorReason {
    Open(std::io::Error),
    EmptyName,
    BadName,
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            GrantErrorReason::Open(error) => match error.kind() {
                std::io::ErrorKind::NotFound => {
                    write!(
                        f,
                        "cannot grant directory '{path}': it does not exist; create it or name another one"
                    )
                }
                std::io::ErrorKind::NotADirectory => {
                    write!(
                        f,
                        "cannot grant '{path}': it is not a directory; grant the directory that holds it"
                    )
                }
                std::io::ErrorKind::PermissionDenied => {
                    write!(f, "cannot grant directory '{path}': you have no permission to read it")
                }
                _ => write!(f, "cannot grant directory '{path}': {error}"),
            },
            GrantErrorReason::EmptyName => {
                write!(
                    f,
                    "cannot grant directory '{path}': its name for the guest is empty; use a name such as '/' or '.'"
                )
            }
            GrantErrorReason::BadName => {
                write!(
                    f,
                    "cannot grant directory '{path}': its name for the guest contains a zero byte; use another name"
                )
            }
        }
    }
}

impl std::error::Error for GrantError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            GrantErrorReason::Open(error) => Some(error),
            GrantErrorReason::EmptyName | GrantErrorReason::BadName => None,
        }
    }
}

/// Error of a builder: something that a guest cannot be given.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// An argument contains a zero byte, where the guest would see its end.
    ArgNul {
        /// Position of the argument; 0 is the program's name.
        index: usize,
    },
    /// A variable has no name.
    EnvNameEmpty,
    /// The name of a variable contains `=`, where the guest would see its end.
    EnvNameEquals {
        /// Name of the variable.
        name: String,
    },
    /// The name or value of a variable contains a zero byte.
    EnvNul {
        /// Name of the variable.
        name: String,
    },
    /// More than a guest can address.
    TooLarge {
        /// Name of the things of which there are too many.
        what: &'static str,
    },
    /// The system's limit of open files does not allow what was granted.
    TooManyDescriptors,
    /// The empty standard input could not be made.
    Stdin {
        /// Reason of the system.
        error: std::io::Error,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::ArgNul { index } => {
                write!(
                    f,
                    "argument {index} of the program contains a zero byte, which no argument can hold; remove it"
                )
            }
            BuildError::EnvNameEmpty => {
                write!(
                    f,
                    "a variable of the environment has an empty name; give it as NAME=VALUE"
                )
            }
            BuildError::EnvNameEquals { name } => {
                write!(
                    f,
                    "the name '{name}' of a variable contains '='; names end at the first '='"
                )
            }
            BuildError::EnvNul { name } => {
                write!(
                    f,
                    "the variable '{name}' contains a zero byte, which no variable can hold; remove it"
                )
            }
            BuildError::TooLarge { what } => {
                write!(
                    f,
                    "the {what} are larger than the 4 GiB that a guest can address; give fewer"
                )
            }
            BuildError::TooManyDescriptors => {
                write!(
                    f,
                    "more directories and sockets are granted than files may be open; raise 'ulimit -n'"
                )
            }
            BuildError::Stdin { error } => {
                write!(
                    f,
                    "cannot give the guest an empty standard input: {error}; close files or raise 'ulimit -n'"
                )
            }
        }
    }
}

impl std::error::Error for BuildError {}
