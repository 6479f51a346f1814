//! Layouts of the structures that a guest reads and writes, as in the witx. A structure is encoded into a byte array at fixed
//! offsets, independent of the alignment and byte order of the host. All numbers are little-endian.

use rustix::fs::Timespec;

use super::Version;
use super::flags::filetype_of;
use crate::host::stat::FileStat;

/// Encodes a `prestat` of a directory.
pub(crate) fn prestat(name_len: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    put(&mut bytes, 4, name_len.to_le_bytes());
    bytes
}

/// Encodes an `fdstat`.
pub(crate) fn fdstat(filetype: u8, flags: u16, base: u64, inheriting: u64) -> [u8; 24] {
    let mut bytes = [0; 24];
    put(&mut bytes, 0, [filetype]);
    put(&mut bytes, 2, flags.to_le_bytes());
    put(&mut bytes, 8, base.to_le_bytes());
    put(&mut bytes, 16, inheriting.to_le_bytes());
    bytes
}

/// Returns the size of a `filestat` in bytes.
pub(crate) fn filestat_size(version: Version) -> u32 {
    match version {
        Version::Preview0 => 56,
        Version::Preview1 => 64,
    }
}

/// Encodes a `filestat` in the first `filestat_size` bytes. `ctim` is the time of the last change of status.
pub(crate) fn filestat(version: Version, stat: &FileStat) -> [u8; 64] {
    let mut bytes = [0; 64];
    put(&mut bytes, 0, stat.dev.to_le_bytes());
    put(&mut bytes, 8, stat.ino.to_le_bytes());
    put(&mut bytes, 16, [filetype_of(stat.file_type)]);
    let size_at = match version {
        Version::Preview0 => {
            let nlink = u32::try_from(stat.nlink).unwrap_or(u32::MAX);
            put(&mut bytes, 20, nlink.to_le_bytes());
            24
        }
        Version::Preview1 => {
            put(&mut bytes, 24, stat.nlink.to_le_bytes());
            32
        }
    };
    put(&mut bytes, size_at, stat.size.to_le_bytes());
    for (i, time) in [stat.atime, stat.mtime, stat.ctime].into_iter().enumerate() {
        put(&mut bytes, size_at + 8 + 8 * i, timestamp(time).to_le_bytes());
    }
    bytes
}

/// Size of a `dirent` in bytes. The name follows it.
pub(crate) const DIRENT_SIZE: usize = 24;

/// Encodes a `dirent`. `next` is the cookie of the entry that follows.
pub(crate) fn dirent(next: u64, ino: u64, name_len: u32, filetype: u8) -> [u8; DIRENT_SIZE] {
    let mut bytes = [0; DIRENT_SIZE];
    put(&mut bytes, 0, next.to_le_bytes());
    put(&mut bytes, 8, ino.to_le_bytes());
    put(&mut bytes, 16, name_len.to_le_bytes());
    put(&mut bytes, 20, [filetype]);
    bytes
}

/// Size of an `event` in bytes.
pub(crate) const EVENT_SIZE: u32 = 32;

/// Encodes an `event`.
pub(crate) fn event(userdata: u64, error: u16, eventtype: u8, nbytes: u64, flags: u16) -> [u8; EVENT_SIZE as usize] {
    let mut bytes = [0; EVENT_SIZE as usize];
    put(&mut bytes, 0, userdata.to_le_bytes());
    put(&mut bytes, 8, error.to_le_bytes());
    put(&mut bytes, 10, [eventtype]);
    put(&mut bytes, 16, nbytes.to_le_bytes());
    put(&mut bytes, 24, flags.to_le_bytes());
    bytes
}

/// Returns the size of a `subscription` in bytes.
pub(crate) fn subscription_size(version: Version) -> u32 {
    match version {
        Version::Preview0 => 56,
        Version::Preview1 => 48,
    }
}

/// Returns the offset of the fields of a `subscription_clock` in a `subscription`. In preview0 an additional identifier comes
/// before them.
pub(crate) fn subscription_clock(version: Version) -> usize {
    match version {
        Version::Preview0 => 24,
        Version::Preview1 => 16,
    }
}

/// Converts a time to nanoseconds since 1970. Earlier times become 1970, and times after 2554 the last one that fits.
fn timestamp(time: Timespec) -> u64 {
    match u64::try_from(time.tv_sec) {
        Ok(seconds) => seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(time.tv_nsec.max(0) as u64),
        Err(_) => 0,
    }
}

/// Writes `value` at `offset`, which is inside of `bytes` by construction.
fn put<const N: usize>(bytes: &mut [u8], offset: usize, value: [u8; N]) {
    bytes[offset..offset + N].copy_from_slice(&value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preview1::flags::filetype;
    use rustix::fs::FileType;

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
        let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
        let stat = FileStat {
            dev: 1,
            ino: 2,
            file_type: FileType::Directory,
            nlink: 3,
            size: 4,
            atime: time(1, 5),
            mtime: time(2, 6),
            ctime: time(-1, 7),
        };
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
        let timestamp = |tv_sec, tv_nsec| timestamp(Timespec { tv_sec, tv_nsec });
        assert_eq!(timestamp(-5, 999), 0);
        assert_eq!(timestamp(i64::MAX, 0), u64::MAX);
        assert_eq!(timestamp(18_446_744_073, 999_999_999), u64::MAX);
        assert_eq!(timestamp(1, 1), 1_000_000_001);
    }
}
