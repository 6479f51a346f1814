//! Flags, file types and rights of preview1, with the names and numbers of the witx, and their counterparts on the host.

use rustix::fs::{FileType, OFlags};

use crate::host::stat::DSYNC;
use crate::types::{Errno, Result};

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

/// Maps the type of a host file to a `filetype`. A FIFO has no `filetype` of its own, and a socket in the file system counts as
/// a stream.
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

/// Maps `fdflags` to the host's open flags.
pub(crate) fn open_flags(flags: u16) -> OFlags {
    let pairs = [
        (fdflags::APPEND, OFlags::APPEND),
        (fdflags::DSYNC, DSYNC),
        (fdflags::NONBLOCK, OFlags::NONBLOCK),
        (fdflags::RSYNC, OFlags::RSYNC),
        (fdflags::SYNC, OFlags::SYNC),
    ];
    pairs
        .into_iter()
        .filter(|(flag, _)| flags & flag != 0)
        .fold(OFlags::empty(), |all, (_, host)| all | host)
}

/// Maps `oflags` to the host's open flags.
pub(crate) fn create_flags(oflags: u16) -> OFlags {
    let pairs = [
        (oflags::CREAT, OFlags::CREATE),
        (oflags::DIRECTORY, OFlags::DIRECTORY),
        (oflags::EXCL, OFlags::EXCL),
        (oflags::TRUNC, OFlags::TRUNC),
    ];
    pairs
        .into_iter()
        .filter(|(flag, _)| oflags & flag != 0)
        .fold(OFlags::empty(), |all, (_, host)| all | host)
}

/// Maps the host's open flags to `fdflags`. Linux has one flag for SYNC and RSYNC, which is reported as SYNC.
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
    } else if flags.contains(DSYNC) {
        result |= fdflags::DSYNC;
    }
    result
}

/// Narrows a flags argument to its type.
///
/// # Errors
///
/// `INVAL` for bits that are not in `all`.
pub(crate) fn checked<T: TryFrom<u32> + Into<u64> + Copy>(value: u32, all: T) -> Result<T> {
    let narrow = T::try_from(value).map_err(|_| Errno::INVAL)?;
    if narrow.into() & !all.into() != 0 {
        return Err(Errno::INVAL);
    }
    Ok(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_with_unknown_bits_are_refused() {
        assert_eq!(checked(oflags::ALL.into(), oflags::ALL), Ok(15));
        assert_eq!(checked(16, oflags::ALL), Err(Errno::INVAL));
        assert_eq!(checked(0x1_0001, oflags::ALL), Err(Errno::INVAL));
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
