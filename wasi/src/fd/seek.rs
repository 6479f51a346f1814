//! `fd_seek` and `fd_tell`: the position of a file, which the kernel keeps.

use rustix::fs::SeekFrom;

use crate::ctx::WasiCtx;
use crate::memory;
use crate::types::{Errno, Result, Version};

/// Moves the position of a file, and writes where it is now.
pub(crate) fn fd_seek(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    version: Version,
    fd: u32,
    offset: i64,
    whence: u32,
    newoffset: u32,
) -> Result {
    let file = ctx.table.file(fd)?;
    memory::check(memory, newoffset, 8)?;
    let position = rustix::fs::seek(file.fd(), from(version, whence, offset)?)?;
    memory::write_u64(memory, newoffset, position)
}

/// Writes the position of a file.
pub(crate) fn fd_tell(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, offset: u32) -> Result {
    let position = rustix::fs::tell(ctx.table.file(fd)?.fd())?;
    memory::write_u64(memory, offset, position)
}

/// The meaning of `whence`, whose order preview1 changed.
fn from(version: Version, whence: u32, offset: i64) -> Result<SeekFrom> {
    let set = || u64::try_from(offset).map(SeekFrom::Start).map_err(|_| Errno::INVAL);
    match (version, whence) {
        (Version::Preview1, 0) | (Version::Preview0, 2) => set(),
        (Version::Preview1, 1) | (Version::Preview0, 0) => Ok(SeekFrom::Current(offset)),
        (Version::Preview1, 2) | (Version::Preview0, 1) => Ok(SeekFrom::End(offset)),
        _ => Err(Errno::INVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whence_has_the_order_of_its_version() {
        let order = |version| (0..3).map(|whence| from(version, whence, 5)).collect::<Vec<_>>();
        let (set, cur, end) = (Ok(SeekFrom::Start(5)), Ok(SeekFrom::Current(5)), Ok(SeekFrom::End(5)));
        assert_eq!(order(Version::Preview1), [set, cur, end]);
        assert_eq!(order(Version::Preview0), [cur, end, set]);
        assert_eq!(from(Version::Preview1, 3, 0), Err(Errno::INVAL));
        assert_eq!(from(Version::Preview1, 0, -1), Err(Errno::INVAL));
    }
}
