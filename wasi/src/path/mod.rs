//! `path_*`: functions on names below a directory. Each reads its path from the guest, lets `resolve` find the directory
//! that the last name lies in (which never leaves the grant), and then does one thing with that name. A read-only grant is
//! refused here, before the kernel is asked.

pub(crate) mod directory;
pub(crate) mod link;
pub(crate) mod open;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod resolve;
pub(crate) mod stat;
#[cfg(test)]
mod tests;

use crate::ctx::WasiCtx;
use crate::memory;
use crate::types::{Errno, Result, lookupflags};
use resolve::Place;

/// The longest path that Linux takes, with its zero byte.
pub(crate) const PATH_MAX: usize = 4096;

/// A path of the guest: any bytes but zero.
pub(crate) fn read(memory: &[u8], path: u32, path_len: u32) -> Result<&[u8]> {
    let path = memory::bytes(memory, path, path_len)?;
    if path.is_empty() {
        return Err(Errno::NOENT);
    }
    if path.len() >= PATH_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    if path.contains(&0) {
        return Err(Errno::INVAL);
    }
    Ok(path)
}

/// The place of a name that is created or removed, in a grant that is open to changes. `.` and `..` give `dots`.
fn place_to_change<'a>(
    ctx: &'a WasiCtx,
    memory: &'a [u8],
    fd: u32,
    path: u32,
    path_len: u32,
    dots: Errno,
) -> Result<Place<'a>> {
    let path = read(memory, path, path_len)?;
    let dir = ctx.table.dir(fd)?;
    dir.access.check_write()?;
    resolve::place(dir, path, dots)
}

/// Whether a symbolic link at the end of a path is followed.
fn follow(flags: u32) -> Result<bool> {
    match flags {
        0 => Ok(false),
        lookupflags::SYMLINK_FOLLOW => Ok(true),
        _ => Err(Errno::INVAL),
    }
}
