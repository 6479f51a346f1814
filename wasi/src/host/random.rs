//! Random bytes from the kernel.

use rustix::rand::GetRandomFlags;

use crate::types::Result;

/// Most bytes of one call: the kernel gives that many without being interrupted for long.
pub(crate) const PIECE: usize = 64 << 10;

/// Fills the beginning of `bytes` with random bytes. Returns how many, at most [`PIECE`].
pub(crate) fn fill(bytes: &mut [u8]) -> Result<usize> {
    let piece = bytes.len().min(PIECE);
    Ok(rustix::rand::getrandom(&mut bytes[..piece], GetRandomFlags::empty())?)
}
