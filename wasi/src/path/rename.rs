//! `path_rename`.

use crate::ctx::WasiCtx;
use crate::path::{self, resolve};
use crate::types::{Errno, Result};

/// Moves a file or directory, also from one grant to another. Both must be open to changes.
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
    let old_path = path::read(memory, old_path, old_path_len)?;
    let new_path = path::read(memory, new_path, new_path_len)?;
    let (old_dir, new_dir) = (ctx.table.dir(fd)?, ctx.table.dir(new_fd)?);
    old_dir.access.check_write()?;
    new_dir.access.check_write()?;
    let old = resolve::place(old_dir, old_path, Errno::BUSY)?;
    let new = resolve::second_place(&old, new_dir, new_path, Errno::BUSY)?;
    // Slashes do not make this call follow a link.
    Ok(rustix::fs::renameat(
        &old.parent,
        old.name_and_slashes,
        &new.parent,
        new.name_and_slashes,
    )?)
}
