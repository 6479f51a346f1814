//! The state of one guest's WASI, and the builder that a host makes it with. The builder is the only place where a path of
//! the host is opened as such; from then on everything is relative to a descriptor.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir as CapDir;
use rustix::fs::{CWD, Mode, OFlags};

use crate::readdir::Listing;
use crate::strings::Strings;
use crate::table::{Descriptor, Dir, DirAccess, File, Handle, Table};

/// What a guest has: arguments, environment and descriptors.
pub struct WasiCtx {
    pub(crate) args: Strings,
    pub(crate) env: Strings,
    pub(crate) table: Table,
    /// The directory entries that were read ahead, for the directory that was listed last.
    pub(crate) listing: Listing,
}

impl WasiCtx {
    /// A builder for a guest with the process's standard streams and nothing else.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// Collects what a guest is given.
#[derive(Default)]
pub struct Builder {
    args: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    dirs: Vec<Grant>,
    sockets: Vec<OwnedFd>,
    stdin_empty: bool,
}

struct Grant {
    fd: OwnedFd,
    root: (u64, u64),
    guest: Box<[u8]>,
    access: DirAccess,
}

impl Builder {
    /// Adds an argument. The first one is the program's name.
    pub fn arg(&mut self, arg: impl AsRef<[u8]>) -> &mut Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Sets a variable of the environment; the last value of a name counts.
    pub fn env(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        let (name, value) = (name.as_ref(), value.as_ref().to_vec());
        match self.env.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.env.push((name.to_vec(), value)),
        }
        self
    }

    /// Opens the directory `host` and grants it under the name `guest`. Directories are numbered from 3 on, in this order.
    pub fn dir(&mut self, host: &Path, guest: impl AsRef<[u8]>, access: DirAccess) -> Result<&mut Self, DirError> {
        let error = |reason| DirError {
            path: host.to_path_buf(),
            reason,
        };
        let guest = guest.as_ref();
        if guest.is_empty() {
            return Err(error(DirErrorReason::EmptyName));
        }
        if guest.contains(&0) || u32::try_from(guest.len()).is_err() {
            return Err(error(DirErrorReason::BadName));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = || {
            let fd = rustix::fs::openat(CWD, host, flags, Mode::empty())?;
            let stat = rustix::fs::fstat(&fd)?;
            Ok((fd, (stat.st_dev, stat.st_ino)))
        };
        let (fd, root) = open().map_err(|errno: rustix::io::Errno| error(DirErrorReason::Open(errno.into())))?;
        self.dirs.push(Grant {
            fd,
            root,
            guest: guest.into(),
            access,
        });
        Ok(self)
    }

    /// Grants a socket, usually one that listens. Sockets are numbered after the directories, in this order. Their flags stay
    /// as they are, whatever the guest sets, since other processes may have them too.
    pub fn socket(&mut self, socket: OwnedFd) -> &mut Self {
        self.sockets.push(socket);
        self
    }

    /// Gives the guest a standard input that is at its end, in place of the process's.
    pub fn stdin_empty(&mut self) -> &mut Self {
        self.stdin_empty = true;
        self
    }

    /// Makes the state. The builder is used up by this.
    pub fn build(&mut self) -> Result<WasiCtx, BuildError> {
        let mut args = Strings::default();
        for (index, arg) in std::mem::take(&mut self.args).iter().enumerate() {
            if arg.contains(&0) {
                return Err(BuildError::ArgNul { index });
            }
            if !args.push(&[arg]) {
                return Err(BuildError::TooLarge { what: "arguments" });
            }
        }
        let mut env = Strings::default();
        for (name, value) in std::mem::take(&mut self.env) {
            let shown = || String::from_utf8_lossy(&name).into_owned();
            if name.is_empty() {
                return Err(BuildError::EnvNameEmpty);
            }
            if name.contains(&b'=') {
                return Err(BuildError::EnvNameEquals { name: shown() });
            }
            if name.contains(&0) || value.contains(&0) {
                return Err(BuildError::EnvNul { name: shown() });
            }
            if !env.push(&[&name, b"=", &value]) {
                return Err(BuildError::TooLarge {
                    what: "environment variables",
                });
            }
        }
        let table = self.table()?;
        Ok(WasiCtx {
            args,
            env,
            table,
            listing: Listing::default(),
        })
    }

    fn table(&mut self) -> Result<Table, BuildError> {
        let stdin = if self.stdin_empty {
            // A pipe without a writer is at its end, and needs no file to be there.
            let (reader, _) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
                .map_err(|errno| BuildError::Stdin { error: errno.into() })?;
            File::owned(reader, true, DirAccess::ReadOnly)
        } else {
            File::shared(Handle::Stdin)
        };
        let mut descriptors = vec![
            Descriptor::File(stdin),
            Descriptor::File(File::shared(Handle::Stdout)),
            Descriptor::File(File::shared(Handle::Stderr)),
        ];
        let mut table = Table::new();
        for grant in self.dirs.drain(..) {
            descriptors.push(Descriptor::Dir(Dir {
                dir: CapDir::from_std_file(grant.fd.into()),
                access: grant.access,
                preopen: Some(grant.guest),
                serial: table.next_serial(),
                root: grant.root,
            }));
        }
        let sockets = self.sockets.drain(..);
        descriptors.extend(sockets.map(|fd| Descriptor::File(File::shared(Handle::Granted(fd)))));
        for descriptor in descriptors {
            table.insert(descriptor).map_err(|_| BuildError::TooManyDescriptors)?;
        }
        Ok(table)
    }
}

/// A directory that cannot be granted.
#[derive(Debug)]
pub struct DirError {
    path: PathBuf,
    reason: DirErrorReason,
}

#[derive(Debug)]
enum DirErrorReason {
    Open(std::io::Error),
    EmptyName,
    BadName,
}

impl fmt::Display for DirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            DirErrorReason::Open(error) => match error.kind() {
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
            DirErrorReason::EmptyName => {
                write!(
                    f,
                    "cannot grant directory '{path}': its name for the guest is empty; use a name such as '/' or '.'"
                )
            }
            DirErrorReason::BadName => {
                write!(
                    f,
                    "cannot grant directory '{path}': its name for the guest contains a zero byte; use another name"
                )
            }
        }
    }
}

impl std::error::Error for DirError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            DirErrorReason::Open(error) => Some(error),
            DirErrorReason::EmptyName | DirErrorReason::BadName => None,
        }
    }
}

/// Something that a guest cannot be given.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// An argument contains a zero byte, where the guest would see its end.
    ArgNul {
        /// The position of the argument; 0 is the program's name.
        index: usize,
    },
    /// A variable has no name.
    EnvNameEmpty,
    /// The name of a variable contains `=`, where the guest would see its end.
    EnvNameEquals {
        /// The name.
        name: String,
    },
    /// The name or value of a variable contains a zero byte.
    EnvNul {
        /// The name.
        name: String,
    },
    /// More than a guest can address.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// The system's limit of open files does not allow what was granted.
    TooManyDescriptors,
    /// The empty standard input could not be made.
    Stdin {
        /// The system's reason.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_cannot_be_told_is_refused_by_name() {
        let message = |builder: &mut Builder| builder.build().err().expect("refused").to_string();
        assert!(message(WasiCtx::builder().arg("a").arg("b\0c")).contains("argument 1"));
        assert!(message(WasiCtx::builder().env("A=B", "c")).contains("'A=B'"));
        assert!(message(WasiCtx::builder().env("A", "b\0")).contains("'A'"));
        assert!(message(WasiCtx::builder().env("", "b")).contains("empty name"));
    }

    #[test]
    fn a_directory_that_cannot_be_opened_is_named_with_the_reason() {
        let message = |host: &str, guest: &str| {
            let mut builder = WasiCtx::builder();
            let error = builder
                .dir(Path::new(host), guest, DirAccess::ReadWrite)
                .err()
                .expect("refused");
            error.to_string()
        };
        assert!(message("/nowhere/at/all", "/").contains("'/nowhere/at/all': it does not exist"));
        assert!(message("/proc/self/status", "/").contains("not a directory"));
        assert!(message("/", "").contains("empty"));
        assert!(message("/", "a\0b").contains("zero byte"));
    }

    #[test]
    fn the_last_value_of_a_variable_counts() {
        let mut ctx = WasiCtx::builder()
            .env("A", "1")
            .env("B", "2")
            .env("A", "3")
            .build()
            .unwrap();
        let mut memory = vec![0; 64];
        crate::environ::environ_get(&mut ctx, &mut memory, 0, 8).unwrap();
        assert_eq!(&memory[8..16], b"A=3\0B=2\0");
    }

    #[test]
    fn directories_are_numbered_from_three_and_sockets_follow() {
        let (socket, _) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut builder = WasiCtx::builder();
        builder.socket(socket.into());
        builder.dir(Path::new("/"), "a", DirAccess::ReadOnly).unwrap();
        builder.dir(Path::new("/"), "b", DirAccess::ReadOnly).unwrap();
        let ctx = builder.build().unwrap();
        let names: Vec<Option<Vec<u8>>> = (0..6)
            .map(|fd| ctx.table.dir(fd).ok()?.preopen.as_ref().map(|name| name.to_vec()))
            .collect();
        assert_eq!(
            names,
            [None, None, None, Some(b"a".to_vec()), Some(b"b".to_vec()), None]
        );
        assert!(ctx.table.file(5).is_ok());
        assert!(ctx.table.get(6).is_err());
    }

    #[test]
    fn an_empty_stdin_is_at_its_end() {
        let ctx = WasiCtx::builder().stdin_empty().build().unwrap();
        let mut byte = [0];
        assert_eq!(rustix::io::read(ctx.table.file(0).unwrap().fd(), &mut byte[..]), Ok(0));
    }
}
