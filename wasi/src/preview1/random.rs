//! `random_get`: writes random bytes from the kernel directly into guest memory.
//!
//! The length of one call is limited, as on other hosts. A larger length is most likely a mistake, and filling it would commit
//! all pages of the memory.

use super::memory;
use crate::host::{WasiCtx, random};
use crate::types::{Errno, Result};

/// Largest number of bytes of a call.
const MOST: u32 = 64 << 20;

/// Fills a range with random bytes. `done` counts the bytes of earlier attempts that returned `INTR`. An attempt returns `INTR`
/// after every piece, so that a long call ends at the deadline.
pub(crate) fn random_get(_: &mut WasiCtx, memory: &mut [u8], done: &mut usize, buf: u32, buf_len: u32) -> Result {
    let bytes = memory::bytes_mut(memory, buf, buf_len)?;
    if buf_len > MOST {
        return Err(Errno::INVAL);
    }
    let rest = &mut bytes[*done..];
    if !rest.is_empty() {
        *done += random::fill(rest)?;
    }
    if *done < buf_len as usize {
        Err(Errno::INTR)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::random::PIECE;

    fn fill(memory: &mut [u8], buf: u32, len: u32) -> Result {
        let mut ctx = WasiCtx::builder().build().unwrap();
        let mut done = 0;
        loop {
            match random_get(&mut ctx, memory, &mut done, buf, len) {
                Err(Errno::INTR) => {}
                result => return result,
            }
        }
    }

    #[test]
    fn all_pieces_of_a_range_are_filled_and_nothing_else() {
        let len = 3 * PIECE + 5;
        let mut memory = vec![0; len + 64];
        fill(&mut memory, 32, len as u32).unwrap();
        assert_eq!((&memory[..32], &memory[len + 32..]), (&[0; 32][..], &[0; 32][..]));
        for piece in memory[32..len + 32].chunks(4096).filter(|piece| piece.len() == 4096) {
            assert!(piece.iter().any(|byte| *byte != 0));
        }
    }

    #[test]
    fn no_bytes_are_a_success_and_a_wrong_range_is_a_fault() {
        assert_eq!(fill(&mut [0; 8], 8, 0), Ok(()));
        assert_eq!(fill(&mut [0; 8], 4, 5), Err(Errno::FAULT));
        assert_eq!(fill(&mut [0; 8], u32::MAX, u32::MAX), Err(Errno::FAULT));
    }

    #[test]
    fn more_bytes_than_anybody_needs_are_refused() {
        let mut memory = vec![0; MOST as usize + 1];
        assert_eq!(fill(&mut memory, 0, MOST + 1), Err(Errno::INVAL));
        assert!(memory.iter().all(|byte| *byte == 0));
        assert_eq!(fill(&mut memory, 0, MOST), Ok(()));
        assert_eq!(memory[MOST as usize], 0);
    }
}
