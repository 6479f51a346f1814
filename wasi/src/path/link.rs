//! `path_link`, `path_symlink` and `path_readlink`: hard and symbolic links. What a symbolic link says is decided when it is
//! followed; one that begins with a slash could only lead out, so none is created and none is shown.

use rustix::fs::{AtFlags, FileType};

use crate::ctx::WasiCtx;
use crate::memory;
use crate::path::{self, PATH_MAX, resolve};
use crate::types::{Errno, Result};

/// Creates a hard link. Both grants must be open to changes: a link below the other one would be a way to write.
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
        // Following a link to link to its target is not offered.
        return Err(Errno::INVAL);
    }
    let old_path = path::read(memory, old_path, old_path_len)?;
    let new_path = path::read(memory, new_path, new_path_len)?;
    let (old_dir, new_dir) = (ctx.table.dir(old_fd)?, ctx.table.dir(new_fd)?);
    old_dir.access.check_write()?;
    new_dir.access.check_write()?;
    let old = resolve::place(old_dir, old_path, Errno::PERM)?;
    if old.has_slash() {
        // Slashes would make the call follow a link. Only a directory can have them, and it cannot be linked to.
        let stat = rustix::fs::statat(&old.parent, old.name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        return Err(if is_directory { Errno::PERM } else { Errno::NOTDIR });
    }
    let new = resolve::second_place(&old, new_dir, new_path, Errno::EXIST)?;
    Ok(rustix::fs::linkat(
        &old.parent,
        old.name,
        &new.parent,
        new.name_and_slashes,
        AtFlags::empty(),
    )?)
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
    let target = path::read(memory, old_path, old_path_len)?;
    let new_path = path::read(memory, new_path, new_path_len)?;
    let dir = ctx.table.dir(fd)?;
    dir.access.check_write()?;
    if target.starts_with(b"/") {
        return Err(Errno::PERM);
    }
    let place = resolve::place(dir, new_path, Errno::EXIST)?;
    // Slashes make this call fail, and do not make it follow a link.
    Ok(rustix::fs::symlinkat(target, &place.parent, place.name_and_slashes)?)
}

/// Writes what a symbolic link says, as much of it as fits.
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
    let path = path::read(memory, path, path_len)?;
    let place = resolve::place(ctx.table.dir(fd)?, path, Errno::INVAL)?;
    if place.has_slash() {
        // What has slashes is a directory, if it is anything.
        let stat = rustix::fs::statat(&place.parent, place.name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        return Err(if is_regular { Errno::NOTDIR } else { Errno::INVAL });
    }
    let mut target = [0; PATH_MAX];
    let len = rustix::fs::readlinkat_raw(&place.parent, place.name, &mut target[..])?;
    let target = &target[..len];
    if target.starts_with(b"/") {
        return Err(Errno::PERM);
    }
    let fitting = target.len().min(buf_len as usize);
    memory::write(memory, buf, &target[..fitting])?;
    memory::write_u32(memory, bufused, fitting as u32)
}
