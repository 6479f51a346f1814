//! `path_unlink_file`.

use rustix::fs::AtFlags;

use crate::ctx::WasiCtx;
use crate::path;
use crate::types::{Errno, Result};

/// Removes a name that is not a directory; a link itself, not what it leads to.
pub(crate) fn path_unlink_file(ctx: &mut WasiCtx, memory: &mut [u8], fd: u32, path: u32, path_len: u32) -> Result {
    let place = path::place_to_change(ctx, memory, fd, path, path_len, Errno::ISDIR)?;
    // Slashes make this call fail whatever the name is, and never make it follow a link.
    Ok(rustix::fs::unlinkat(
        &place.parent,
        place.name_and_slashes,
        AtFlags::empty(),
    )?)
}
