//! Random bytes from the kernel.

use rustix::rand::GetRandomFlags;

use crate::types::Result;

/// Largest number of bytes per call. The kernel fills that many quickly, so a signal never waits long.
pub(crate) const PIECE: usize = 64 << 10;

/// Fills the beginning of `bytes` with random bytes. Returns their number, at most [`PIECE`].
pub(crate) fn fill(bytes: &mut [u8]) -> Result<usize> {
    let piece = bytes.len().min(PIECE);
    Ok(rustix::rand::getrandom(&mut bytes[..piece], GetRandomFlags::empty())?)
}
