//! `path_create_directory` and `path_remove_directory`.

use rustix::fs::{AtFlags, Mode};

use crate::ctx::WasiCtx;
use crate::path;
use crate::types::{Errno, Result};

/// Creates a directory.
pub(crate) fn path_create_directory(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    let place = path::place_to_change(ctx, memory, fd, path, path_len, Errno::EXIST)?;
    // Slashes do not make this call follow a link.
    Ok(rustix::fs::mkdirat(
        &place.parent,
        place.name_and_slashes,
        Mode::from_raw_mode(0o777),
    )?)
}

/// Removes an empty directory.
pub(crate) fn path_remove_directory(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    let place = path::place_to_change(ctx, memory, fd, path, path_len, Errno::INVAL)?;
    Ok(rustix::fs::unlinkat(
        &place.parent,
        place.name_and_slashes,
        AtFlags::REMOVEDIR,
    )?)
}
