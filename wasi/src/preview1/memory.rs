//! Checked access to guest memory, by address and length. A range that is not inside the memory gives `FAULT`. The functions do
//! not know the meaning of the bytes.

use crate::types::{Errno, Result};

/// Returns the host's range of `len` bytes at the guest's address `ptr`.
fn range(memory: &[u8], ptr: u32, len: u32) -> Result<std::ops::Range<usize>> {
    // Two 32-bit numbers cannot overflow 64 bits.
    let (start, end) = (ptr as usize, ptr as usize + len as usize);
    if end > memory.len() {
        Err(Errno::FAULT)
    } else {
        Ok(start..end)
    }
}

/// Checks that a range is inside the memory, before a call has effects.
pub(crate) fn check(memory: &[u8], ptr: u32, len: u32) -> Result {
    range(memory, ptr, len).map(drop)
}

/// Checks that an array of `count` elements of `size` bytes is inside the memory.
pub(crate) fn check_array(memory: &[u8], ptr: u32, count: u32, size: u32) -> Result {
    let len = u32::try_from(u64::from(count) * u64::from(size)).map_err(|_| Errno::FAULT)?;
    check(memory, ptr, len)
}

/// Returns the bytes of a range.
pub(crate) fn bytes(memory: &[u8], ptr: u32, len: u32) -> Result<&[u8]> {
    range(memory, ptr, len).map(|range| &memory[range])
}

/// Returns the bytes of a range for writing.
pub(crate) fn bytes_mut(memory: &mut [u8], ptr: u32, len: u32) -> Result<&mut [u8]> {
    range(memory, ptr, len).map(|range| &mut memory[range])
}

/// Copies `value` to the guest.
pub(crate) fn write(memory: &mut [u8], ptr: u32, value: &[u8]) -> Result {
    let len = u32::try_from(value.len()).map_err(|_| Errno::FAULT)?;
    bytes_mut(memory, ptr, len)?.copy_from_slice(value);
    Ok(())
}

/// Writes a `u32`.
pub(crate) fn write_u32(memory: &mut [u8], ptr: u32, value: u32) -> Result {
    write(memory, ptr, &value.to_le_bytes())
}

/// Writes a `u64`.
pub(crate) fn write_u64(memory: &mut [u8], ptr: u32, value: u64) -> Result {
    write(memory, ptr, &value.to_le_bytes())
}

/// Reads the `u32` at `offset` of bytes that are known to be long enough.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(array(bytes, offset))
}

/// Reads the `u64` at `offset` of bytes that are known to be long enough.
pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(array(bytes, offset))
}

/// Reads the `u16` at `offset` of bytes that are known to be long enough.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(array(bytes, offset))
}

fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[offset..offset + N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_at_the_end_of_the_memory() {
        let mut memory = vec![0; 16];
        assert_eq!(check(&memory, 0, 16), Ok(()));
        assert_eq!(check(&memory, 16, 0), Ok(()));
        assert_eq!(check(&memory, 17, 0), Err(Errno::FAULT));
        assert_eq!(check(&memory, 1, 16), Err(Errno::FAULT));
        assert_eq!(check(&memory, u32::MAX, u32::MAX), Err(Errno::FAULT));
        assert_eq!(check_array(&memory, 0, u32::MAX, 48), Err(Errno::FAULT));
        assert_eq!(write_u32(&mut memory, 12, 7), Ok(()));
        assert_eq!(write_u64(&mut memory, 12, 7), Err(Errno::FAULT));
        assert_eq!(u32_at(&memory, 12), 7);
    }
}
