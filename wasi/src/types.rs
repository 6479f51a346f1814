//! The numbers of preview1: error codes, flags, file types and the little-endian layouts of the structures that a guest
//! reads and writes. Nothing here touches a descriptor or guest memory.
//!
//! Names are those of the witx. Layouts are byte arrays with named offsets, so that neither alignment nor the host's
//! representation can leak into them.

use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno as HostErrno;

/// An error code as the guest sees it, never zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Errno(pub(crate) u16);

/// The result of every WASI function: what it gives has been written to guest memory.
pub(crate) type Result<T = ()> = std::result::Result<T, Errno>;

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
                    // These have another name here, or there.
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

/// The two generations of WASI's first interface. They differ in three layouts and in the order of `whence`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    /// `wasi_unstable`.
    Preview0,
    /// `wasi_snapshot_preview1`.
    Preview1,
}

/// Defines a group of flag constants of one width.
macro_rules! flags {
    ($(#[$doc:meta])* $module:ident: $int:ty { $($name:ident = $value:expr),* $(,)? }) => {
        $(#[$doc])*
        #[allow(dead_code, reason = "the table is complete, so that it can be checked as a whole")]
        pub(crate) mod $module {
            $(pub(crate) const $name: $int = $value;)*
        }
    };
}

flags!(/// `fdflags`.
    fdflags: u16 { APPEND = 1, DSYNC = 2, NONBLOCK = 4, RSYNC = 8, SYNC = 16, ALL = 31 });
flags!(/// `fstflags`.
    fstflags: u16 { ATIM = 1, ATIM_NOW = 2, MTIM = 4, MTIM_NOW = 8, ALL = 15 });
flags!(/// `lookupflags`.
    lookupflags: u32 { SYMLINK_FOLLOW = 1 });
flags!(/// `oflags`.
    oflags: u16 { CREAT = 1, DIRECTORY = 2, EXCL = 4, TRUNC = 8, ALL = 15 });
flags!(/// `eventtype`.
    eventtype: u8 { CLOCK = 0, FD_READ = 1, FD_WRITE = 2 });
flags!(/// `eventrwflags`.
    eventrwflags: u16 { FD_READWRITE_HANGUP = 1 });
flags!(/// `subclockflags`.
    subclockflags: u16 { SUBSCRIPTION_CLOCK_ABSTIME = 1 });
flags!(/// `riflags`.
    riflags: u16 { RECV_PEEK = 1, RECV_WAITALL = 2, ALL = 3 });
flags!(/// `roflags`.
    roflags: u16 { RECV_DATA_TRUNCATED = 1 });
flags!(/// `sdflags`.
    sdflags: u8 { RD = 1, WR = 2, ALL = 3 });
flags!(/// `filetype`.
filetype: u8 {
    UNKNOWN = 0, BLOCK_DEVICE = 1, CHARACTER_DEVICE = 2, DIRECTORY = 3, REGULAR_FILE = 4, SOCKET_DGRAM = 5,
    SOCKET_STREAM = 6, SYMBOLIC_LINK = 7,
});
flags!(/// `rights`.
rights: u64 {
    FD_DATASYNC = 1 << 0, FD_READ = 1 << 1, FD_SEEK = 1 << 2, FD_FDSTAT_SET_FLAGS = 1 << 3, FD_SYNC = 1 << 4,
    FD_TELL = 1 << 5, FD_WRITE = 1 << 6, FD_ADVISE = 1 << 7, FD_ALLOCATE = 1 << 8, PATH_CREATE_DIRECTORY = 1 << 9,
    PATH_CREATE_FILE = 1 << 10, PATH_LINK_SOURCE = 1 << 11, PATH_LINK_TARGET = 1 << 12, PATH_OPEN = 1 << 13,
    FD_READDIR = 1 << 14, PATH_READLINK = 1 << 15, PATH_RENAME_SOURCE = 1 << 16, PATH_RENAME_TARGET = 1 << 17,
    PATH_FILESTAT_GET = 1 << 18, PATH_FILESTAT_SET_SIZE = 1 << 19, PATH_FILESTAT_SET_TIMES = 1 << 20,
    FD_FILESTAT_GET = 1 << 21, FD_FILESTAT_SET_SIZE = 1 << 22, FD_FILESTAT_SET_TIMES = 1 << 23,
    PATH_SYMLINK = 1 << 24, PATH_REMOVE_DIRECTORY = 1 << 25, PATH_UNLINK_FILE = 1 << 26,
    POLL_FD_READWRITE = 1 << 27, SOCK_SHUTDOWN = 1 << 28, SOCK_ACCEPT = 1 << 29, ALL = (1 << 30) - 1,
});

/// A `prestat` of a directory.
pub(crate) fn prestat(name_len: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    put(&mut bytes, 4, name_len.to_le_bytes());
    bytes
}

/// An `fdstat`.
pub(crate) fn fdstat(filetype: u8, flags: u16, base: u64, inheriting: u64) -> [u8; 24] {
    let mut bytes = [0; 24];
    put(&mut bytes, 0, [filetype]);
    put(&mut bytes, 2, flags.to_le_bytes());
    put(&mut bytes, 8, base.to_le_bytes());
    put(&mut bytes, 16, inheriting.to_le_bytes());
    bytes
}

/// The size of a `filestat`.
pub(crate) fn filestat_size(version: Version) -> u32 {
    match version {
        Version::Preview0 => 56,
        Version::Preview1 => 64,
    }
}

/// A `filestat`, in the first `filestat_size` bytes. `ctim` is the time of the last change of status.
pub(crate) fn filestat(version: Version, stat: &Stat) -> [u8; 64] {
    let mut bytes = [0; 64];
    let times = [
        timestamp(stat.st_atime, stat.st_atime_nsec as i64),
        timestamp(stat.st_mtime, stat.st_mtime_nsec as i64),
        timestamp(stat.st_ctime, stat.st_ctime_nsec as i64),
    ];
    put(&mut bytes, 0, stat.st_dev.to_le_bytes());
    put(&mut bytes, 8, stat.st_ino.to_le_bytes());
    put(&mut bytes, 16, [filetype_of(FileType::from_raw_mode(stat.st_mode))]);
    let size_at = match version {
        Version::Preview0 => {
            let nlink = u32::try_from(stat.st_nlink).unwrap_or(u32::MAX);
            put(&mut bytes, 20, nlink.to_le_bytes());
            24
        }
        Version::Preview1 => {
            put(&mut bytes, 24, stat.st_nlink.to_le_bytes());
            32
        }
    };
    put(&mut bytes, size_at, stat.st_size.max(0).to_le_bytes());
    for (i, time) in times.iter().enumerate() {
        put(&mut bytes, size_at + 8 + 8 * i, time.to_le_bytes());
    }
    bytes
}

/// The size of a `dirent`, which is followed by the name.
pub(crate) const DIRENT_SIZE: usize = 24;

/// A `dirent`.
pub(crate) fn dirent(next: u64, ino: u64, name_len: u32, filetype: u8) -> [u8; DIRENT_SIZE] {
    let mut bytes = [0; DIRENT_SIZE];
    put(&mut bytes, 0, next.to_le_bytes());
    put(&mut bytes, 8, ino.to_le_bytes());
    put(&mut bytes, 16, name_len.to_le_bytes());
    put(&mut bytes, 20, [filetype]);
    bytes
}

/// The size of an `event`.
pub(crate) const EVENT_SIZE: u32 = 32;

/// An `event`.
pub(crate) fn event(userdata: u64, error: u16, eventtype: u8, nbytes: u64, flags: u16) -> [u8; EVENT_SIZE as usize] {
    let mut bytes = [0; EVENT_SIZE as usize];
    put(&mut bytes, 0, userdata.to_le_bytes());
    put(&mut bytes, 8, error.to_le_bytes());
    put(&mut bytes, 10, [eventtype]);
    put(&mut bytes, 16, nbytes.to_le_bytes());
    put(&mut bytes, 24, flags.to_le_bytes());
    bytes
}

/// The size of a `subscription`.
pub(crate) fn subscription_size(version: Version) -> u32 {
    match version {
        Version::Preview0 => 56,
        Version::Preview1 => 48,
    }
}

/// Where the fields of a `subscription_clock` begin in a `subscription`: preview0 has one more identifier before them.
pub(crate) fn subscription_clock(version: Version) -> usize {
    match version {
        Version::Preview0 => 24,
        Version::Preview1 => 16,
    }
}

/// Nanoseconds since 1970. Earlier times are given as 1970, and times after 2554 as the last that there is.
fn timestamp(seconds: i64, nanoseconds: i64) -> u64 {
    match u64::try_from(seconds) {
        Ok(seconds) => seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(nanoseconds.max(0) as u64),
        Err(_) => 0,
    }
}

/// The `filetype` of a host file. There is none for a FIFO, and sockets by name are taken for streams.
pub(crate) fn filetype_of(file_type: FileType) -> u8 {
    match file_type {
        FileType::RegularFile => filetype::REGULAR_FILE,
        FileType::Directory => filetype::DIRECTORY,
        FileType::Symlink => filetype::SYMBOLIC_LINK,
        FileType::BlockDevice => filetype::BLOCK_DEVICE,
        FileType::CharacterDevice => filetype::CHARACTER_DEVICE,
        FileType::Socket => filetype::SOCKET_STREAM,
        FileType::Fifo | FileType::Unknown => filetype::UNKNOWN,
    }
}

/// Linux's own `O_DSYNC`. That of rustix is `O_SYNC`, which waits for more than the guest asked for.
const HOST_DSYNC: OFlags = OFlags::from_bits_retain(0o10_000);

/// The host's open flags for a set of `fdflags`.
pub(crate) fn open_flags(flags: u16) -> OFlags {
    let pairs = [
        (fdflags::APPEND, OFlags::APPEND),
        (fdflags::DSYNC, HOST_DSYNC),
        (fdflags::NONBLOCK, OFlags::NONBLOCK),
        (fdflags::RSYNC, OFlags::RSYNC),
        (fdflags::SYNC, OFlags::SYNC),
    ];
    pairs
        .into_iter()
        .filter(|(flag, _)| flags & flag != 0)
        .fold(OFlags::empty(), |all, (_, host)| all | host)
}

/// The `fdflags` of the host's open flags. Linux has one flag for SYNC and RSYNC: it is reported as SYNC.
pub(crate) fn fd_flags(flags: OFlags) -> u16 {
    let mut result = 0;
    if flags.contains(OFlags::APPEND) {
        result |= fdflags::APPEND;
    }
    if flags.contains(OFlags::NONBLOCK) {
        result |= fdflags::NONBLOCK;
    }
    // SYNC's bits include DSYNC's.
    if flags.contains(OFlags::SYNC) {
        result |= fdflags::SYNC;
    } else if flags.contains(HOST_DSYNC) {
        result |= fdflags::DSYNC;
    }
    result
}

/// Narrows a flags argument: bits that the type does not have are the guest's mistake.
pub(crate) fn checked<T: TryFrom<u32> + Into<u64> + Copy>(value: u32, all: T) -> Result<T> {
    let narrow = T::try_from(value).map_err(|_| Errno::INVAL)?;
    if narrow.into() & !all.into() != 0 {
        return Err(Errno::INVAL);
    }
    Ok(narrow)
}

/// Writes `value` at `offset`, which is inside of `bytes` by construction.
fn put<const N: usize>(bytes: &mut [u8], offset: usize, value: [u8; N]) {
    bytes[offset..offset + N].copy_from_slice(&value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_sizes_and_offsets_of_the_witx() {
        assert_eq!(prestat(0x0102_0304), [0, 0, 0, 0, 4, 3, 2, 1]);

        let fdstat = fdstat(4, 0x0201, 0x11, 0x22);
        assert_eq!(
            (fdstat.len(), fdstat[0], fdstat[2], fdstat[3], fdstat[8], fdstat[16]),
            (24, 4, 1, 2, 0x11, 0x22)
        );

        let dirent = dirent(0x11, 0x22, 0x33, 3);
        assert_eq!(
            (dirent.len(), dirent[0], dirent[8], dirent[16], dirent[20]),
            (24, 0x11, 0x22, 0x33, 3)
        );

        let event = event(0x11, 8, 1, 0x44, 1);
        assert_eq!(
            (event.len(), event[0], event[8], event[10], event[16], event[24]),
            (32, 0x11, 8, 1, 0x44, 1)
        );

        assert_eq!(
            (
                subscription_size(Version::Preview0),
                subscription_size(Version::Preview1)
            ),
            (56, 48)
        );
        assert_eq!(
            (filestat_size(Version::Preview0), filestat_size(Version::Preview1)),
            (56, 64)
        );
    }

    #[test]
    fn filestat_places_each_field() {
        let mut stat = rustix::fs::stat("/").unwrap();
        stat.st_dev = 1;
        stat.st_ino = 2;
        stat.st_nlink = 3;
        stat.st_size = 4;
        (stat.st_atime, stat.st_atime_nsec) = (1, 5);
        (stat.st_mtime, stat.st_mtime_nsec) = (2, 6);
        (stat.st_ctime, stat.st_ctime_nsec) = (-1, 7);
        let field = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());

        let new = filestat(Version::Preview1, &stat);
        let fields: Vec<u64> = [0, 8, 24, 32, 40, 48, 56].iter().map(|at| field(&new, *at)).collect();
        assert_eq!(fields, [1, 2, 3, 4, 1_000_000_005, 2_000_000_006, 0]);
        assert_eq!(new[16], filetype::DIRECTORY);

        let old = filestat(Version::Preview0, &stat);
        let fields: Vec<u64> = [0, 8, 24, 32, 40, 48].iter().map(|at| field(&old, *at)).collect();
        assert_eq!(fields, [1, 2, 4, 1_000_000_005, 2_000_000_006, 0]);
        assert_eq!((old[16], old[20]), (filetype::DIRECTORY, 3));
    }

    #[test]
    fn times_outside_of_the_range_are_clamped() {
        assert_eq!(timestamp(-5, 999), 0);
        assert_eq!(timestamp(i64::MAX, 0), u64::MAX);
        assert_eq!(timestamp(18_446_744_073, 999_999_999), u64::MAX);
        assert_eq!(timestamp(1, 1), 1_000_000_001);
    }

    #[test]
    fn flags_with_unknown_bits_are_refused() {
        assert_eq!(checked(oflags::ALL.into(), oflags::ALL), Ok(15));
        assert_eq!(checked(16, oflags::ALL), Err(Errno::INVAL));
        assert_eq!(checked(0x1_0001, oflags::ALL), Err(Errno::INVAL));
    }

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

    #[test]
    fn open_flags_survive_the_way_to_the_host_and_back() {
        for flags in [
            0,
            fdflags::APPEND,
            fdflags::DSYNC,
            fdflags::NONBLOCK,
            fdflags::SYNC,
            fdflags::APPEND | 4,
        ] {
            assert_eq!(fd_flags(open_flags(flags)), flags);
        }
    }
}
