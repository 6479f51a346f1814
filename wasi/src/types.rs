//! Types that every room shares: error codes, results, and the access that a grant gives.
//!
//! Error codes are the numbers of `wasi_snapshot_preview1`, because every error of the host has one there.

use rustix::io::Errno as HostErrno;

/// Error code that the guest gets, never zero. The numbers are those of `errno` in the witx.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Errno(pub(crate) u16);

/// Result of a host function or of a WASI function.
pub(crate) type Result<T = ()> = std::result::Result<T, Errno>;

/// Access that a grant gives. Everything that a guest opens below the grant inherits it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Files and directories can be read, created, changed and removed.
    ReadWrite,
    /// Files and directories can be read.
    ReadOnly,
}

impl Access {
    /// Refuses a change below a read-only grant.
    ///
    /// # Errors
    ///
    /// `ROFS`, as from a read-only file system.
    pub(crate) fn check_write(self) -> Result {
        match self {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Errno::ROFS),
        }
    }
}

/// Defines the error codes that wrun names, and how the host's map to them.
macro_rules! errnos {
    ($($name:ident = $code:literal),* $(,)?; $($only:ident = $only_code:literal),* $(,)?) => {
        impl Errno {
            $(pub(crate) const $name: Errno = Errno($code);)*
            $(pub(crate) const $only: Errno = Errno($only_code);)*
        }

        impl From<HostErrno> for Errno {
            fn from(errno: HostErrno) -> Errno {
                match errno {
                    $(HostErrno::$name => Errno::$name,)*
                    // These names differ between WASI and the host.
                    HostErrno::ACCESS => Errno::ACCES,
                    HostErrno::TOOBIG => Errno::TOOBIG,
                    // A host error without a counterpart is still an error, and never a trap.
                    _ => Errno::IO,
                }
            }
        }
    };
}

#[allow(dead_code, reason = "the table is complete, so that it can be checked as a whole")]
mod codes {
    use super::{Errno, HostErrno};

    errnos! {
        ADDRINUSE = 3, ADDRNOTAVAIL = 4, AFNOSUPPORT = 5, AGAIN = 6, ALREADY = 7, BADF = 8, BADMSG = 9,
        BUSY = 10, CANCELED = 11, CHILD = 12, CONNABORTED = 13, CONNREFUSED = 14, CONNRESET = 15, DEADLK = 16,
        DESTADDRREQ = 17, DOM = 18, DQUOT = 19, EXIST = 20, FAULT = 21, FBIG = 22, HOSTUNREACH = 23, IDRM = 24,
        ILSEQ = 25, INPROGRESS = 26, INTR = 27, INVAL = 28, IO = 29, ISCONN = 30, ISDIR = 31, LOOP = 32, MFILE = 33,
        MLINK = 34, MSGSIZE = 35, MULTIHOP = 36, NAMETOOLONG = 37, NETDOWN = 38, NETRESET = 39, NETUNREACH = 40,
        NFILE = 41, NOBUFS = 42, NODEV = 43, NOENT = 44, NOEXEC = 45, NOLCK = 46, NOLINK = 47, NOMEM = 48, NOMSG = 49,
        NOPROTOOPT = 50, NOSPC = 51, NOSYS = 52, NOTCONN = 53, NOTDIR = 54, NOTEMPTY = 55, NOTRECOVERABLE = 56,
        NOTSOCK = 57, NOTSUP = 58, NOTTY = 59, NXIO = 60, OVERFLOW = 61, OWNERDEAD = 62, PERM = 63, PIPE = 64,
        PROTO = 65, PROTONOSUPPORT = 66, PROTOTYPE = 67, RANGE = 68, ROFS = 69, SPIPE = 70, SRCH = 71, STALE = 72,
        TIMEDOUT = 73, TXTBSY = 74, XDEV = 75;
        TOOBIG = 1, ACCES = 2, NOTCAPABLE = 76,
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Errno {
        match (error.raw_os_error(), error.kind()) {
            (Some(code), _) => HostErrno::from_raw_os_error(code).into(),
            // The resolver reports a path that leads out of the grant without an error code of the system.
            (None, std::io::ErrorKind::PermissionDenied) => Errno::PERM,
            (None, std::io::ErrorKind::InvalidInput) => Errno::INVAL,
            (None, _) => Errno::IO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_errors_map_to_the_guests_numbers() {
        assert_eq!(Errno::from(HostErrno::NOENT).0, 44);
        assert_eq!(Errno::from(HostErrno::ACCESS).0, 2);
        assert_eq!(Errno::from(HostErrno::OPNOTSUPP), Errno::NOTSUP);
        assert_eq!(Errno::from(HostErrno::WOULDBLOCK), Errno::AGAIN);
        assert_eq!(Errno::from(HostErrno::NOTTY), Errno::NOTTY);
        assert_eq!(Errno::from(HostErrno::MEDIUMTYPE), Errno::IO);
        let escape = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "outside");
        assert_eq!(Errno::from(escape), Errno::PERM);
    }
}
