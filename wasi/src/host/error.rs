//! Errors of grants and of the builder. Each message is one line with the cause and the fix.

use std::fmt;
use std::path::{Path, PathBuf};

/// Error of a grant: the file or directory cannot be opened, or a guest cannot use the name.
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
    /// It cannot be opened.
    Open(std::io::Error),
    /// It is a socket, which has no contents to open.
    Socket,
    /// The file system `/proc` is not mounted. wrun opens a granted file through it.
    NoProc,
    /// The guest's name is empty.
    EmptyName,
    /// The guest's name contains a zero byte.
    BadName,
    /// The guest's name of a file is that of a directory.
    NoFileName {
        /// Guest's name.
        name: String,
    },
    /// Another file has the same name for the guest.
    Twice {
        /// Guest's name.
        name: String,
    },
    /// The directory of the guest's file is granted too, as a whole.
    HiddenByDir {
        /// Guest's name of the directory.
        dir: String,
    },
    /// Files were granted in the directory of this name.
    HidesFiles {
        /// Guest's name of the directory.
        name: String,
    },
}

impl From<rustix::io::Errno> for GrantErrorReason {
    fn from(errno: rustix::io::Errno) -> GrantErrorReason {
        GrantErrorReason::Open(errno.into())
    }
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot grant '{}': {}", self.path.display(), self.reason)
    }
}

impl fmt::Display for GrantErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GrantErrorReason::Open(error) => match error.kind() {
                std::io::ErrorKind::NotFound => write!(f, "it does not exist; create it or name another one"),
                std::io::ErrorKind::NotADirectory => {
                    write!(f, "a part of this path is a file; remove what follows its name")
                }
                std::io::ErrorKind::PermissionDenied => write!(f, "you have no permission to read it"),
                _ => write!(f, "{error}"),
            },
            GrantErrorReason::Socket => {
                write!(
                    f,
                    "it is a socket, which cannot be opened; grant a socket with --listen"
                )
            }
            GrantErrorReason::NoProc => write!(
                f,
                "it is a file, and without /proc only directories can be granted; mount /proc, or grant the directory \
                 that holds it"
            ),
            GrantErrorReason::EmptyName => {
                write!(f, "its name for the guest is empty; use a name such as '/' or '.'")
            }
            GrantErrorReason::BadName => {
                write!(f, "its name for the guest contains a zero byte; use another name")
            }
            GrantErrorReason::NoFileName { name } => write!(
                f,
                "it is a file, and its name for the guest, '{name}', is that of a directory; end it with the name of a file"
            ),
            GrantErrorReason::Twice { name } => write!(
                f,
                "the guest's file '{name}' is granted twice; leave one of them out, or give it another name (HOST::GUEST)"
            ),
            GrantErrorReason::HiddenByDir { dir } => write!(
                f,
                "it is a file in the guest's directory '{dir}', which is granted as a whole, and the guest can see only one \
                 of the two; put it into another directory (HOST::/DIRECTORY/NAME)"
            ),
            GrantErrorReason::HidesFiles { name } => write!(
                f,
                "files are granted in the guest's directory '{name}', and the guest can see only one of the two; give the \
                 directory another name (HOST::GUEST)"
            ),
        }
    }
}

impl std::error::Error for GrantError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            GrantErrorReason::Open(error) => Some(error),
            _ => None,
        }
    }
}

/// Error of a builder.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// An argument contains a zero byte. The guest would see its end there.
    ArgNul {
        /// Position of the argument; 0 is the program's name.
        index: usize,
    },
    /// A variable has no name.
    EnvNameEmpty,
    /// The name of a variable contains `=`. The guest would see its end there.
    EnvNameEquals {
        /// Name of the variable.
        name: String,
    },
    /// The name or value of a variable contains a zero byte.
    EnvNul {
        /// Name of the variable.
        name: String,
    },
    /// Arguments or environment are larger than the 4 GiB that a guest can address.
    TooLarge {
        /// `arguments` or `environment variables`.
        what: &'static str,
    },
    /// The limit of open files (`RLIMIT_NOFILE`) is lower than the number of grants.
    TooManyDescriptors,
    /// The system could not make the pipe for the empty standard input.
    Stdin {
        /// Error of the system.
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
