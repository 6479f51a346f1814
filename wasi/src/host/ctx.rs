//! The WASI state of one guest, and its builder. Only the builder opens a path of the host as it is. From then on every path is
//! relative to a descriptor.

use std::os::fd::OwnedFd;

use crate::host::error::{BuildError, GrantError};
use crate::host::grant::{Grant, Grants};
use crate::host::listing::Listing;
use crate::host::strings::Strings;
use crate::host::table::{Descriptor, File, Handle, Table};
use crate::types::Access;

/// State of a guest: arguments, environment and descriptors.
pub struct WasiCtx {
    pub(crate) args: Strings,
    pub(crate) env: Strings,
    pub(crate) table: Table,
    /// Directory entries that were read ahead, for the directory that was listed last.
    pub(crate) listing: Listing,
}

impl WasiCtx {
    /// Creates a builder for a guest with the process's standard streams and nothing else.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// Collects the things that a guest is given.
#[derive(Default)]
pub struct Builder {
    args: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    grants: Grants,
    dev_null: bool,
    sockets: Vec<OwnedFd>,
    stdin_empty: bool,
}

impl Builder {
    /// Adds an argument. The first one is the program's name.
    pub fn arg(&mut self, arg: impl AsRef<[u8]>) -> &mut Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Sets an environment variable. The last value of a name counts.
    pub fn env(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        let (name, value) = (name.as_ref(), value.as_ref().to_vec());
        match self.env.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.env.push((name.to_vec(), value)),
        }
        self
    }

    /// Opens a directory or file and grants it. The guest's descriptors of directories are numbered from 3 on, in the order of
    /// the calls. The guest finds a granted file in a virtual directory, which holds only the files that were granted with the
    /// same parent directory.
    ///
    /// # Errors
    ///
    /// Fails if the path cannot be opened, and if the guest could not use or find the name.
    pub fn grant(&mut self, grant: &Grant) -> Result<&mut Self, GrantError> {
        self.grants.add(grant)?;
        Ok(self)
    }

    /// Gives the guest `/dev/null`, in a directory `/dev` that holds nothing else and is numbered after the other directories.
    /// The directory is left out if a grant covers it (`/dev` or `/`), and if sockets are granted, because it would change
    /// their numbers.
    pub fn dev_null(&mut self) -> &mut Self {
        self.dev_null = true;
        self
    }

    /// Grants a socket, usually one that listens. Sockets are numbered after the directories, in the order of the calls. The
    /// guest cannot change the flags of the socket itself, because other processes may use it too.
    pub fn socket(&mut self, socket: OwnedFd) -> &mut Self {
        self.sockets.push(socket);
        self
    }

    /// Gives the guest an empty standard input in place of that of the process.
    pub fn stdin_empty(&mut self) -> &mut Self {
        self.stdin_empty = true;
        self
    }

    /// Makes the state. The builder is empty afterwards.
    ///
    /// # Errors
    ///
    /// Fails if an argument or variable cannot be passed to a guest, and if descriptors run out.
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
            // A pipe without a writer is at its end, and unlike `/dev/null` it is always available.
            let (reader, _) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
                .map_err(|errno| BuildError::Stdin { error: errno.into() })?;
            File::owned(reader, true, Access::ReadOnly)
        } else {
            File::shared(Handle::Stdin)
        };
        let descriptors = [
            Descriptor::File(stdin),
            Descriptor::File(File::shared(Handle::Stdout)),
            Descriptor::File(File::shared(Handle::Stderr)),
        ];
        let mut table = Table::new();
        for descriptor in descriptors {
            table.insert(descriptor).map_err(|_| BuildError::TooManyDescriptors)?;
        }
        let has_sockets = !self.sockets.is_empty();
        std::mem::take(&mut self.grants)
            .insert(&mut table, self.dev_null, has_sockets)
            .map_err(|_| BuildError::TooManyDescriptors)?;
        for fd in self.sockets.drain(..) {
            let socket = File::shared(Handle::Granted(fd));
            table
                .insert(Descriptor::File(socket))
                .map_err(|_| BuildError::TooManyDescriptors)?;
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_only(host: &str, guest: &str) -> Grant {
        Grant {
            host: host.into(),
            guest: guest.into(),
            access: Access::ReadOnly,
        }
    }

    #[test]
    fn words_that_a_guest_cannot_be_told_are_refused_by_name() {
        let message = |builder: &mut Builder| builder.build().err().expect("refused").to_string();
        assert!(message(WasiCtx::builder().arg("a").arg("b\0c")).contains("argument 1"));
        assert!(message(WasiCtx::builder().env("A=B", "c")).contains("'A=B'"));
        assert!(message(WasiCtx::builder().env("A", "b\0")).contains("'A'"));
        assert!(message(WasiCtx::builder().env("", "b")).contains("empty name"));
    }

    #[test]
    fn a_directory_that_cannot_be_opened_is_named_with_the_reason() {
        let message = |host: &str, guest: &str| {
            let error = WasiCtx::builder().grant(&read_only(host, guest)).err();
            error.expect("refused").to_string()
        };
        assert!(message("/nowhere/at/all", "/").contains("'/nowhere/at/all': it does not exist"));
        assert!(message("/proc/self/status", "/").contains("that of a directory"));
        assert!(message("/proc/self/status/x", "/").contains("a part of this path is a file"));
        assert!(message("/", "").contains("empty"));
        assert!(message("/", "a\0b").contains("zero byte"));
    }

    #[test]
    fn directories_are_numbered_from_three_and_sockets_follow() {
        let (socket, _) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut builder = WasiCtx::builder();
        builder.socket(socket.into());
        builder.grant(&read_only("/", "a")).unwrap();
        builder.grant(&read_only("/", "b")).unwrap();
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
