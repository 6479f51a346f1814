//! Scattered reads and gathered writes. The guest's arrays of `iovec` and `ciovec` become slices of its memory, so that the
//! kernel copies directly from or to the guest. No bytes are copied or allocated here.
//!
//! One call uses at most `MAX` non-empty ranges (the limit of the kernel) and at most `LARGEST` bytes. A larger transfer ends
//! with a short count. Every used range is checked before the first byte moves. An array of more than `MOST` ranges is refused,
//! because reading it would delay the deadline.

use std::array;
use std::io::{IoSlice, IoSliceMut};

use super::memory;
use crate::host::stream::{Source, Target};
use crate::types::{Errno, Result};

/// Largest number of ranges for one system call.
const MAX: usize = 1024;
/// Largest number of bytes for one system call. No signal interrupts a transfer from or to a file, so this bounds the delay of
/// a deadline.
const LARGEST: usize = 32 << 20;
/// Largest number of ranges of a call, empty ones included.
const MOST: u32 = 1 << 16;
/// Number of ranges up to which a small array on the stack is enough.
const FEW: usize = 16;
/// Size of an `iovec` in bytes.
const SIZE: u32 = 8;

/// Checks the bounds and the length of the array itself.
fn check(memory: &[u8], iovs: u32, len: u32) -> Result {
    memory::check_array(memory, iovs, len, SIZE)?;
    if len > MOST { Err(Errno::INVAL) } else { Ok(()) }
}

/// Calls `write` with the ranges of a `ciovec` array. One range is by far the most frequent case.
#[inline]
pub(crate) fn gather(
    memory: &[u8],
    iovs: u32,
    len: u32,
    write: impl FnOnce(Source<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    check(memory, iovs, len)?;
    match len {
        0 => write(Source::One(&[])),
        1 => {
            let (ptr, len) = iovec(memory, iovs, 0);
            let bytes = memory::bytes(memory, ptr, len)?;
            write(Source::One(&bytes[..bytes.len().min(LARGEST)]))
        }
        2..=16 => gather_up_to::<FEW>(memory, iovs, len, write),
        _ => gather_up_to::<MAX>(memory, iovs, len, write),
    }
}

/// Gathers with room for `N` ranges. Each `N` is a function of its own, so that only the calls that need a large array pay for
/// it.
#[inline(never)]
fn gather_up_to<const N: usize>(
    memory: &[u8],
    iovs: u32,
    len: u32,
    write: impl FnOnce(Source<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    let mut slices = [IoSlice::new(&[]); N];
    let count = fill_sources(memory, iovs, len, &mut slices)?;
    write(Source::Many(&slices[..count]))
}

fn fill_sources<'m>(memory: &'m [u8], iovs: u32, len: u32, slices: &mut [IoSlice<'m>]) -> Result<usize> {
    let (mut count, mut room) = (0, LARGEST);
    for index in 0..len {
        let (ptr, len) = iovec(memory, iovs, index);
        let bytes = memory::bytes(memory, ptr, len)?;
        if !bytes.is_empty() {
            if count == slices.len() || room == 0 {
                break;
            }
            let used = bytes.len().min(room);
            slices[count] = IoSlice::new(&bytes[..used]);
            (count, room) = (count + 1, room - used);
        }
    }
    Ok(count)
}

/// Calls `read` with the ranges of an `iovec` array.
#[inline]
pub(crate) fn scatter(
    memory: &mut [u8],
    iovs: u32,
    len: u32,
    read: impl FnOnce(Target<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    check(memory, iovs, len)?;
    match len {
        0 => read(Target::One(&mut [])),
        1 => {
            let (ptr, len) = iovec(memory, iovs, 0);
            let bytes = memory::bytes_mut(memory, ptr, len)?;
            let used = bytes.len().min(LARGEST);
            read(Target::One(&mut bytes[..used]))
        }
        2..=16 => scatter_up_to::<FEW>(memory, iovs, len, read),
        _ => scatter_up_to::<MAX>(memory, iovs, len, read),
    }
}

/// Scatters with room for `N` ranges, as [`gather_up_to`] does.
#[inline(never)]
fn scatter_up_to<const N: usize>(
    memory: &mut [u8],
    iovs: u32,
    len: u32,
    read: impl FnOnce(Target<'_, '_>) -> Result<usize>,
) -> Result<usize> {
    let mut ranges = [Range::default(); N];
    let ranges = fill_ranges(memory, iovs, len, &mut ranges)?;
    let mut slices: [IoSliceMut<'_>; N] = array::from_fn(|_| IoSliceMut::new(&mut []));
    let count = split(memory, ranges, &mut slices);
    read(Target::Many(&mut slices[..count]))
}

/// A non-empty range, and its position among the ranges of the call.
#[derive(Clone, Copy, Default)]
struct Range {
    ptr: u32,
    len: u32,
    place: usize,
}

impl Range {
    fn end(&self) -> usize {
        self.ptr as usize + self.len as usize
    }
}

/// Copies the ranges out of guest memory, because the read may overwrite them there.
fn fill_ranges<'r>(memory: &[u8], iovs: u32, len: u32, ranges: &'r mut [Range]) -> Result<&'r mut [Range]> {
    let (mut count, mut room) = (0, LARGEST as u32);
    for index in 0..len {
        let (ptr, len) = iovec(memory, iovs, index);
        memory::check(memory, ptr, len)?;
        if len != 0 {
            if count == ranges.len() || room == 0 {
                break;
            }
            let len = len.min(room);
            ranges[count] = Range { ptr, len, place: count };
            (count, room) = (count + 1, room - len);
        }
    }
    Ok(&mut ranges[..count])
}

/// Splits the memory into the ranges, which may be in any order, and returns their number. A range that overlaps an earlier one
/// ends the list, so the read returns a short count and the guest continues from there.
fn split<'m>(memory: &'m mut [u8], ranges: &mut [Range], slices: &mut [IoSliceMut<'m>]) -> usize {
    let mut count = ranges.len();
    ranges.sort_unstable_by_key(|range| range.ptr);
    loop {
        // Of two overlapping ranges the later one is dropped. The remaining ranges are then compared again.
        let mut lower: Option<&Range> = None;
        let mut apart = count;
        for range in ranges.iter().filter(|range| range.place < count) {
            if let Some(lower) = lower
                && lower.end() > range.ptr as usize
            {
                apart = apart.min(range.place.max(lower.place));
            }
            if lower.is_none_or(|lower| lower.end() <= range.end()) {
                lower = Some(range);
            }
        }
        if apart == count {
            break;
        }
        count = apart;
    }
    let mut rest = memory;
    let mut position = 0;
    for range in ranges.iter().filter(|range| range.place < count) {
        let (_, from) = rest.split_at_mut(range.ptr as usize - position);
        let (bytes, after) = from.split_at_mut(range.len as usize);
        slices[range.place] = IoSliceMut::new(bytes);
        rest = after;
        position = range.end();
    }
    count
}

/// Reads the address and length of one element of an array that was checked.
fn iovec(memory: &[u8], iovs: u32, index: u32) -> (u32, u32) {
    let at = iovs as usize + index as usize * SIZE as usize;
    (memory::u32_at(memory, at), memory::u32_at(memory, at + 4))
}

/// Converts the number of transferred bytes. The kernel limits it to less than 2 GiB.
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
    fn a_read_fills_ranges_in_their_order_wherever_they_lie() {
        let ranges = [(100, 10), (50, 20), (0, 0), (200, 30), (70, 30)];
        let mut memory = guest(256, &ranges);
        assert_eq!(scattered(&mut memory, 5), Ok(vec![10, 20, 30, 30]));
        let places: Vec<u8> = (0..90).collect();
        scatter(&mut memory, 0, 5, |target| {
            let Target::Many(slices) = target else {
                panic!("these are several");
            };
            let mut from = &places[..];
            for slice in slices {
                let (bytes, rest) = from.split_at(slice.len());
                slice.copy_from_slice(bytes);
                from = rest;
            }
            Ok(places.len())
        })
        .unwrap();
        assert_eq!(
            memory[50..110],
            [&places[10..30], &places[60..90], &places[..10]].concat()
        );
        assert_eq!(memory[200..230], places[30..60]);
    }

    #[test]
    fn a_read_into_overlapping_ranges_is_short() {
        for (ranges, used) in [
            (&[(100, 10), (105, 10)][..], &[10][..]),
            (&[(100, 10), (95, 10), (0, 5)], &[10]),
            (&[(200, 5), (100, 50), (149, 1)], &[5, 50]),
            (&[(149, 1), (200, 5), (100, 50)], &[1, 5]),
            // The second range overlaps the first and is dropped, so it does not matter that the third overlaps it too.
            (&[(100, 10), (90, 30), (115, 5)], &[10]),
            (&[(100, 100), (0, 50), (110, 5), (120, 5)], &[100, 50]),
        ] {
            let mut memory = guest(256, ranges);
            assert_eq!(
                scattered(&mut memory, ranges.len() as u32),
                Ok(used.to_vec()),
                "{ranges:?}"
            );
        }
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
    fn more_bytes_than_the_deadline_can_wait_for_make_a_short_count() {
        let most = LARGEST as u32;
        for (ranges, used) in [
            (&[(0, most)][..], &[LARGEST][..]),
            (&[(0, most + 1)], &[LARGEST]),
            (&[(0, 2 * most)], &[LARGEST]),
            (&[(most, 100), (0, most), (most + 100, 5)], &[100, LARGEST - 100]),
            (&[(most, 100), (0, most - 100), (most + 100, 5)], &[100, LARGEST - 100]),
        ] {
            let mut memory = guest(2 * LARGEST, ranges);
            let len = ranges.len() as u32;
            assert_eq!(gathered(&memory, len), Ok(used.to_vec()), "{ranges:?}");
            assert_eq!(scattered(&mut memory, len), Ok(used.to_vec()), "{ranges:?}");
        }
    }

    #[test]
    fn more_ranges_than_anybody_needs_are_refused() {
        let mut memory = vec![0; (MOST as usize + 1) * SIZE as usize];
        assert_eq!(gathered(&memory, MOST), Ok(vec![]));
        assert_eq!(scattered(&mut memory, MOST), Ok(vec![]));
        assert_eq!(gathered(&memory, MOST + 1), Err(Errno::INVAL));
        assert_eq!(scattered(&mut memory, MOST + 1), Err(Errno::INVAL));
    }

    #[test]
    fn no_ranges_and_empty_ranges_are_an_empty_transfer() {
        assert_eq!(gathered(&guest(64, &[]), 0), Ok(vec![0]));
        assert_eq!(gathered(&guest(64, &[(0, 0), (64, 0)]), 2), Ok(vec![]));
        assert_eq!(scattered(&mut guest(64, &[(9, 0)]), 1), Ok(vec![0]));
    }
}
