//! `environ_*`: the environment, empty unless the user gave variables.

use crate::ctx::WasiCtx;
use crate::types::Result;

/// Writes the variables as `NAME=VALUE`.
pub(crate) fn environ_get(ctx: &mut WasiCtx, memory: &mut [u8], environ: u32, environ_buf: u32) -> Result {
    ctx.env.get(memory, environ, environ_buf)
}

/// Writes how many variables there are, and their size.
pub(crate) fn environ_sizes_get(ctx: &mut WasiCtx, memory: &mut [u8], count: u32, environ_buf_size: u32) -> Result {
    ctx.env.sizes_get(memory, count, environ_buf_size)
}
