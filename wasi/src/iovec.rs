//! Scattered reads and gathered writes: the guest's arrays of `iovec` and `ciovec` become slices of its memory, so that the
//! kernel copies straight from or to the guest. Nothing is allocated, and nothing is copied here.
//!
//! At most `MAX` ranges that are not empty are used (the kernel's own limit); more than that makes a short count, which
//! is legal. Every range that is used is checked before the first byte moves.

use std::array;
use std::io::{IoSlice, IoSliceMut};

use crate::memory;
use crate::types::{Errno, Result};

/// The most ranges for one system call.
const MAX: usize = 1024;
/// So many ranges are handled without touching a large part of the stack.
const FEW: usize = 16;
/// The size of an `iovec`.
const SIZE: u32 = 8;

/// What a gathered write takes its bytes from.
pub(crate) enum Source<'a, 'b> {
    /// One range.
    One(&'b [u8]),
    /// Several ranges.
    Many(&'a [IoSlice<'b>]),
}

/// Where a scattered read puts its bytes.
pub(crate) enum Target<'a, 'b> {
    /// One range.
    One(&'b mut [u8]),
    /// Several ranges.
    Many(&'a mut [IoSliceMut<'b>]),
}

/// Calls `write` with the ranges of a `ciovec` array.
pub(crate) fn gather(
    memory: &[u8],
    iovs: u32,
    len: u32,
    write: impl FnOnce(Source<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    memory::check_array(memory, iovs, len, SIZE)?;
    match len {
        0 => write(Source::One(&[])),
        1 => {
            let (ptr, len) = iovec(memory, iovs, 0);
            write(Source::One(memory::bytes(memory, ptr, len)?))
        }
        2..=16 => gather_few(memory, iovs, len, write),
        _ => gather_many(memory, iovs, len, write),
    }
}

fn gather_few(
    memory: &[u8],
    iovs: u32,
    len: u32,
    write: impl FnOnce(Source<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    let mut slices = [IoSlice::new(&[]); FEW];
    let count = fill_sources(memory, iovs, len, &mut slices)?;
    write(Source::Many(&slices[..count]))
}

/// The same with room for all; apart, so that only the calls that need it pay for the stack.
#[inline(never)]
fn gather_many(
    memory: &[u8],
    iovs: u32,
    len: u32,
    write: impl FnOnce(Source<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    let mut slices = [IoSlice::new(&[]); MAX];
    let count = fill_sources(memory, iovs, len, &mut slices)?;
    write(Source::Many(&slices[..count]))
}

fn fill_sources<'m>(memory: &'m [u8], iovs: u32, len: u32, slices: &mut [IoSlice<'m>]) -> Result<usize> {
    let mut count = 0;
    for index in 0..len {
        let (ptr, len) = iovec(memory, iovs, index);
        let bytes = memory::bytes(memory, ptr, len)?;
        if !bytes.is_empty() {
            if count == slices.len() {
                break;
            }
            slices[count] = IoSlice::new(bytes);
            count += 1;
        }
    }
    Ok(count)
}

/// Calls `read` with the ranges of an `iovec` array.
pub(crate) fn scatter(
    memory: &mut [u8],
    iovs: u32,
    len: u32,
    read: impl FnOnce(Target<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    memory::check_array(memory, iovs, len, SIZE)?;
    match len {
        0 => read(Target::One(&mut [])),
        1 => {
            let (ptr, len) = iovec(memory, iovs, 0);
            read(Target::One(memory::bytes_mut(memory, ptr, len)?))
        }
        2..=16 => scatter_few(memory, iovs, len, read),
        _ => scatter_many(memory, iovs, len, read),
    }
}

fn scatter_few(
    memory: &mut [u8],
    iovs: u32,
    len: u32,
    read: impl FnOnce(Target<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    let mut ranges = [(0, 0); FEW];
    let count = fill_ranges(memory, iovs, len, &mut ranges)?;
    let mut slices: [IoSliceMut<'_>; FEW] = array::from_fn(|_| IoSliceMut::new(&mut []));
    let count = split(memory, &ranges[..count], &mut slices);
    read(Target::Many(&mut slices[..count]))
}

/// The same with room for all; apart, so that only the calls that need it pay for the stack.
#[inline(never)]
fn scatter_many(
    memory: &mut [u8],
    iovs: u32,
    len: u32,
    read: impl FnOnce(Target<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    let mut ranges = [(0, 0); MAX];
    let count = fill_ranges(memory, iovs, len, &mut ranges)?;
    let mut slices: [IoSliceMut<'_>; MAX] = array::from_fn(|_| IoSliceMut::new(&mut []));
    let count = split(memory, &ranges[..count], &mut slices);
    read(Target::Many(&mut slices[..count]))
}

/// Copies the ranges out of guest memory, which the read may overwrite.
fn fill_ranges(memory: &[u8], iovs: u32, len: u32, ranges: &mut [(u32, u32)]) -> Result<usize> {
    let mut count = 0;
    for index in 0..len {
        let (ptr, len) = iovec(memory, iovs, index);
        memory::check(memory, ptr, len)?;
        if len != 0 {
            if count == ranges.len() {
                break;
            }
            ranges[count] = (ptr, len);
            count += 1;
        }
    }
    Ok(count)
}

/// Splits the memory into the ranges, as long as each begins after the end of the one before it. The first range that does
/// not (overlapping or descending ones) ends the read there: a short count, after which the guest reads on.
fn split<'m>(memory: &'m mut [u8], ranges: &[(u32, u32)], slices: &mut [IoSliceMut<'m>]) -> usize {
    let mut rest = memory;
    let mut position = 0;
    for (count, &(ptr, len)) in ranges.iter().enumerate() {
        let Some(gap) = (ptr as usize).checked_sub(position) else {
            return count;
        };
        let (_, from) = rest.split_at_mut(gap);
        let (range, after) = from.split_at_mut(len as usize);
        slices[count] = IoSliceMut::new(range);
        rest = after;
        position = ptr as usize + len as usize;
    }
    ranges.len()
}

/// The address and length of one element of an array that was checked.
fn iovec(memory: &[u8], iovs: u32, index: u32) -> (u32, u32) {
    let at = iovs as usize + index as usize * SIZE as usize;
    (memory::u32_at(memory, at), memory::u32_at(memory, at + 4))
}

/// The sum of a read, which the kernel bounds to less than 2 GiB.
pub(crate) fn count(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| Errno::OVERFLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory of `size` bytes with an array of ranges at address 0.
    fn guest(size: usize, ranges: &[(u32, u32)]) -> Vec<u8> {
        let mut memory = vec![0; size];
        for (i, (ptr, len)) in ranges.iter().enumerate() {
            memory[8 * i..8 * i + 4].copy_from_slice(&ptr.to_le_bytes());
            memory[8 * i + 4..8 * i + 8].copy_from_slice(&len.to_le_bytes());
        }
        memory
    }

    /// The lengths of the ranges that a read would fill.
    fn scattered(memory: &mut [u8], len: u32) -> Result<Vec<usize>> {
        let mut lens = Vec::new();
        scatter(memory, 0, len, |target| {
            match target {
                Target::One(bytes) => lens.push(bytes.len()),
                Target::Many(slices) => lens.extend(slices.iter().map(|slice| slice.len())),
            }
            Ok(0)
        })?;
        Ok(lens)
    }

    fn gathered(memory: &[u8], len: u32) -> Result<Vec<usize>> {
        let mut lens = Vec::new();
        gather(memory, 0, len, |source| {
            match source {
                Source::One(bytes) => lens.push(bytes.len()),
                Source::Many(slices) => lens.extend(slices.iter().map(|slice| slice.len())),
            }
            Ok(0)
        })?;
        Ok(lens)
    }

    #[test]
    fn ascending_ranges_are_all_used() {
        let ranges = [(100, 10), (110, 5), (200, 0), (200, 20)];
        let mut memory = guest(256, &ranges);
        assert_eq!(scattered(&mut memory, 4), Ok(vec![10, 5, 20]));
        assert_eq!(gathered(&memory, 4), Ok(vec![10, 5, 20]));
    }

    #[test]
    fn a_read_into_overlapping_or_descending_ranges_is_short() {
        assert_eq!(scattered(&mut guest(256, &[(100, 10), (105, 10)]), 2), Ok(vec![10]));
        assert_eq!(scattered(&mut guest(256, &[(100, 10), (50, 10)]), 2), Ok(vec![10]));
        // A write may use the same bytes twice.
        assert_eq!(gathered(&guest(256, &[(100, 10), (100, 10)]), 2), Ok(vec![10, 10]));
    }

    #[test]
    fn a_range_outside_of_the_memory_is_a_fault_before_anything_moves() {
        for bad in [(250, 10), (u32::MAX, 1), (0, u32::MAX)] {
            let mut memory = guest(256, &[(100, 10), bad]);
            assert_eq!(scattered(&mut memory, 2), Err(Errno::FAULT));
            assert_eq!(gathered(&memory, 2), Err(Errno::FAULT));
            let mut single = guest(256, &[bad]);
            assert_eq!(scattered(&mut single, 1), Err(Errno::FAULT));
            assert_eq!(gathered(&single, 1), Err(Errno::FAULT));
        }
        // The array itself reaches beyond the end.
        assert_eq!(gathered(&guest(256, &[]), 33), Err(Errno::FAULT));
        assert_eq!(gathered(&guest(256, &[]), u32::MAX), Err(Errno::FAULT));
    }

    #[test]
    fn more_ranges_than_the_kernel_takes_make_a_short_count() {
        let ranges: Vec<(u32, u32)> = (0..3000).map(|i| (24_000 + i, u32::from(i >= 100))).collect();
        let mut memory = guest(32_768, &ranges);
        assert_eq!(scattered(&mut memory, 3000).unwrap().len(), MAX);
        assert_eq!(gathered(&memory, 3000).unwrap().len(), MAX);
    }

    #[test]
    fn no_ranges_and_empty_ranges_are_an_empty_transfer() {
        assert_eq!(gathered(&guest(64, &[]), 0), Ok(vec![0]));
        assert_eq!(gathered(&guest(64, &[(0, 0), (64, 0)]), 2), Ok(vec![]));
        assert_eq!(scattered(&mut guest(64, &[(9, 0)]), 1), Ok(vec![0]));
    }
}
