//! `path_*`: functions on paths below a directory.

use rustix::fs::OFlags;

use super::fd::stat::{timestamps, write_filestat};
use super::flags::{self, checked, fdflags, lookupflags, oflags, rights};
use super::{Version, memory};
use crate::host::WasiCtx;
use crate::host::path::open::Open;
use crate::host::path::{self, PATH_MAX, change, open, stat};
use crate::types::{Errno, Result};

/// Reads a path. It may contain any byte except zero.
fn read(memory: &[u8], path: u32, path_len: u32) -> Result<&[u8]> {
    let path = memory::bytes(memory, path, path_len)?;
    path::check(path)?;
    Ok(path)
}

/// Reads `lookupflags`. Returns true if a symbolic link at the end of a path is followed.
fn follow(flags: u32) -> Result<bool> {
    match flags {
        0 => Ok(false),
        lookupflags::SYMLINK_FOLLOW => Ok(true),
        _ => Err(Errno::INVAL),
    }
}

/// Opens a file or directory, or creates a file. The rights decide whether it can be read and written.
#[allow(clippy::too_many_arguments, reason = "these are the arguments of the WASI function")]
pub(crate) fn path_open(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    dirflags: u32,
    path: u32,
    path_len: u32,
    oflags: u32,
    rights_base: u64,
    rights_inheriting: u64,
    fdflags: u32,
    opened_fd: u32,
) -> Result {
    let follow = follow(dirflags)?;
    let oflags = checked(oflags, oflags::ALL)?;
    let fdflags = checked(fdflags, fdflags::ALL)?;
    if (rights_base | rights_inheriting) & !rights::ALL != 0 {
        return Err(Errno::INVAL);
    }
    if oflags & oflags::DIRECTORY != 0 && oflags & !oflags::DIRECTORY != 0 {
        return Err(Errno::INVAL);
    }
    memory::check(memory, opened_fd, 4)?;
    let path = read(memory, path, path_len)?;
    let request = Open {
        follow,
        flags: access_mode(rights_base) | flags::create_flags(oflags) | flags::open_flags(fdflags),
        readable: rights_base & rights::FD_READ != 0,
    };
    let opened = open::open(&mut ctx.table, fd, path, &request)?;
    memory::write_u32(memory, opened_fd, opened)
}

/// Returns the access mode for a set of rights. Without the right to read or to write, a file is opened for reading, and reads
/// are refused later.
fn access_mode(rights: u64) -> OFlags {
    let read = rights & (rights::FD_READ | rights::FD_READDIR) != 0;
    let write = rights & rights::FD_WRITE != 0;
    match (read, write) {
        (_, false) => OFlags::RDONLY,
        (false, true) => OFlags::WRONLY,
        (true, true) => OFlags::RDWR,
    }
}

/// Creates a directory.
pub(crate) fn path_create_directory(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    change::create_directory(&ctx.table, fd, read(memory, path, path_len)?)
}

/// Removes an empty directory.
pub(crate) fn path_remove_directory(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    change::remove_directory(&ctx.table, fd, read(memory, path, path_len)?)
}

/// Removes a name that is not a directory. Of a symbolic link it removes the link and not the target.
pub(crate) fn path_unlink_file(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    change::unlink_file(&ctx.table, fd, read(memory, path, path_len)?)
}

/// Moves a file or directory, also from one grant to another.
#[allow(clippy::too_many_arguments, reason = "these are the arguments of the WASI function")]
pub(crate) fn path_rename(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    old_path: u32,
    old_path_len: u32,
    new_fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result {
    let old_path = read(memory, old_path, old_path_len)?;
    let new_path = read(memory, new_path, new_path_len)?;
    change::rename(&ctx.table, fd, old_path, new_fd, new_path)
}

/// Creates a hard link. `old_flags` must be 0: wrun does not follow a symbolic link here.
#[allow(clippy::too_many_arguments, reason = "these are the arguments of the WASI function")]
pub(crate) fn path_link(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    old_fd: u32,
    old_flags: u32,
    old_path: u32,
    old_path_len: u32,
    new_fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result {
    if old_flags != 0 {
        return Err(Errno::INVAL);
    }
    let old_path = read(memory, old_path, old_path_len)?;
    let new_path = read(memory, new_path, new_path_len)?;
    change::link(&ctx.table, old_fd, old_path, new_fd, new_path)
}

/// Creates a symbolic link.
pub(crate) fn path_symlink(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    old_path: u32,
    old_path_len: u32,
    fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result {
    let target = read(memory, old_path, old_path_len)?;
    let new_path = read(memory, new_path, new_path_len)?;
    change::symlink(&ctx.table, target, fd, new_path)
}

/// Writes as much of the target of a symbolic link as fits.
#[allow(clippy::too_many_arguments, reason = "these are the arguments of the WASI function")]
pub(crate) fn path_readlink(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    path: u32,
    path_len: u32,
    buf: u32,
    buf_len: u32,
    bufused: u32,
) -> Result {
    memory::check(memory, bufused, 4)?;
    memory::check(memory, buf, buf_len)?;
    let path = read(memory, path, path_len)?;
    let mut buffer = [0; PATH_MAX];
    let target = stat::read_link(&ctx.table, fd, path, &mut buffer)?;
    let fitting = target.len().min(buf_len as usize);
    memory::write(memory, buf, &target[..fitting])?;
    memory::write_u32(memory, bufused, fitting as u32)
}

/// Writes the attributes of a file.
#[allow(
    clippy::too_many_arguments,
    reason = "these are the arguments of the WASI function, and the version"
)]
pub(crate) fn path_filestat_get(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    version: Version,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    buf: u32,
) -> Result {
    let follow = follow(flags)?;
    let path = read(memory, path, path_len)?;
    let stat = stat::stat(&ctx.table, fd, path, follow)?;
    write_filestat(memory, version, buf, &stat)
}

/// Sets the times of a file.
#[allow(clippy::too_many_arguments, reason = "these are the arguments of the WASI function")]
pub(crate) fn path_filestat_set_times(
    ctx: &mut WasiCtx,
    memory: &mut [u8],
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result {
    let follow = follow(flags)?;
    let times = timestamps(atim, mtim, fst_flags)?;
    let path = read(memory, path, path_len)?;
    stat::set_times(&ctx.table, fd, path, follow, &times)
}

#[cfg(test)]
mod open_tests;
#[cfg(test)]
mod tests;
