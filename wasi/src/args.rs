//! `args_*`: the program's arguments, byte for byte.

use crate::ctx::WasiCtx;
use crate::types::Result;

/// Writes the arguments.
pub(crate) fn args_get(ctx: &mut WasiCtx, memory: &mut [u8], argv: u32, argv_buf: u32) -> Result {
    ctx.args.get(memory, argv, argv_buf)
}

/// Writes how many arguments there are, and their size.
pub(crate) fn args_sizes_get(ctx: &mut WasiCtx, memory: &mut [u8], argc: u32, argv_buf_size: u32) -> Result {
    ctx.args.sizes_get(memory, argc, argv_buf_size)
}
