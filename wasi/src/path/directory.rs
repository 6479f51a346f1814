//! `path_create_directory` and `path_remove_directory`.

use rustix::fs::{AtFlags, Mode};

use crate::ctx::WasiCtx;
use crate::path::{self, resolve};
use crate::types::{Errno, Result};

/// Creates a directory.
pub(crate) fn path_create_directory(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    let path = path::read(memory, path, path_len)?;
    let dir = ctx.table.dir(fd)?;
    dir.access.check_write()?;
    let place = resolve::place(dir, path, Errno::EXIST)?;
    // Slashes do not make this call follow a link.
    Ok(rustix::fs::mkdirat(
        &place.parent,
        place.name_and_slashes,
        Mode::from_raw_mode(0o777),
    )?)
}

/// Removes an empty directory.
pub(crate) fn path_remove_directory(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    let path = path::read(memory, path, path_len)?;
    let dir = ctx.table.dir(fd)?;
    dir.access.check_write()?;
    let place = resolve::place(dir, path, Errno::INVAL)?;
    Ok(rustix::fs::unlinkat(
        &place.parent,
        place.name_and_slashes,
        AtFlags::REMOVEDIR,
    )?)
}
