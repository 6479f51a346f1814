//! Lays out the initial contents of memories as runs of non-zero pages that can be mapped.
//!
//! Input: the data segments. Output: [`Images`], which has the segments that instantiation need not copy, the places of the
//! runs in their memory and in the image section, and the section's bytes. A run begins at a multiple of [`PAGE`] and is a
//! multiple of it long. A memory has at most [`MAX_RUNS`] runs. Pages that no segment writes cost neither time nor memory.

use core::ops::Range;

use wrun_artifact::index::{DataIndex, DefinedMemoryIndex, Index, IndexVec, MemoryIndex};
use wrun_artifact::types::PageSize;

use crate::parse::{Data, Mode, Module, Segment};

/// Size of a page in bytes: the unit of mapping.
const PAGE: u64 = wrun_artifact::header::PAGE as u64;

/// The largest number of runs in the image of a memory.
const MAX_RUNS: usize = 64;

/// The number of bytes that an image may have beyond twice the bytes in segments.
const SLACK: u64 = 1 << 20;

/// A run of pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    /// Range in the memory.
    pub(crate) range: Range<u64>,
    /// Offset in the image section.
    pub(crate) at: u64,
}

/// The images of all memories, one after the other.
pub(crate) struct Images {
    /// The runs of each memory, in order.
    pub(crate) memories: IndexVec<DefinedMemoryIndex, Vec<Run>>,
    /// True for a segment that is part of an image, so that instantiation need not copy it.
    pub(crate) data_in_image: IndexVec<DataIndex, bool>,
    /// Length of the image section in bytes: a multiple of [`PAGE`].
    pub(crate) len: u64,
}

impl Images {
    /// Lays out the images of all memories.
    pub(crate) fn new(module: &Module<'_>) -> Self {
        let mut images = Self {
            memories: IndexVec::new(),
            data_in_image: module.data.keys().map(|_| false).collect(),
            len: 0,
        };
        let trap = module.first_visible_trap();
        let must_wait = |data| trap.is_some_and(|trap| Segment::Data(data) > trap);
        for (memory, ty) in module.memories.iter() {
            if module.defined_memory(memory).is_none() {
                continue;
            }
            // The runs are whole pages, and the length of a memory of smaller pages need not be a multiple of their size.
            let waits = ty.page != PageSize::Default || active(module, memory).any(|(data, _)| must_wait(data));
            let size = ty.bytes(ty.min).filter(|_| !waits);
            let runs = size.and_then(|size| runs(module, memory, size));
            if runs.is_some() {
                for (data, _) in active(module, memory) {
                    images.data_in_image[data] = true;
                }
            }
            let mut at = images.len;
            images.memories.push(
                runs.unwrap_or_default()
                    .into_iter()
                    .map(|range| {
                        let run = Run { at, range };
                        at += run.range.end - run.range.start;
                        run
                    })
                    .collect(),
            );
            images.len = at;
        }
        images
    }

    /// Writes the image section to `out`, which holds [`Images::len`] zeros.
    pub(crate) fn fill(&self, module: &Module<'_>, out: &mut [u8]) {
        for (own, runs) in self.memories.iter() {
            let memory = MemoryIndex::new(own.index() + module.counts().imported_memories as usize);
            // In the module's order: if segments overlap, the last one counts.
            for (index, data) in active(module, memory) {
                if let Some(range) = place(module, data).filter(|_| self.data_in_image[index]) {
                    copy(data.bytes, &range, runs, out);
                }
            }
        }
    }
}

/// Returns the active segments of a memory, in order.
fn active<'m, 'a>(
    module: &'m Module<'a>,
    memory: MemoryIndex,
) -> impl Iterator<Item = (DataIndex, &'m Data<'a>)> + use<'m, 'a> {
    module
        .data
        .iter()
        .filter(move |(_, data)| matches!(&data.mode, Mode::Active { target, .. } if *target == memory))
}

/// Returns the range of its memory that an active segment fills, if it is known.
fn place(module: &Module<'_>, data: &Data<'_>) -> Option<Range<u64>> {
    let Mode::Active { target, offset } = &data.mode else {
        return None;
    };
    let start = offset.offset(module.memories[*target].index)?;
    Some(start..start.checked_add(data.bytes.len() as u64)?)
}

/// Returns the runs of a memory of `size` bytes. Returns `None` if instantiation has to copy all segments in order: because one
/// may trap or has to wait for others, because an offset is not known, or because the image would be much larger than its
/// contents.
fn runs(module: &Module<'_>, memory: MemoryIndex, size: u64) -> Option<Vec<Range<u64>>> {
    let mut written = Vec::new();
    let mut total = 0;
    for (_, data) in active(module, memory) {
        let range = place(module, data).filter(|range| range.end <= size)?;
        total += data.bytes.len() as u64;
        non_zero_pages(data.bytes, range.start, &mut written);
    }
    let runs = merge_nearest(join(written), MAX_RUNS);
    let len: u64 = runs.iter().map(|run| run.end - run.start).sum();
    (len <= 2 * total + SLACK).then_some(runs)
}

/// Appends the ranges of pages that contain a non-zero byte of `bytes`, which begin at the address `start`.
fn non_zero_pages(mut bytes: &[u8], start: u64, out: &mut Vec<Range<u64>>) {
    let mut page = start - start % PAGE;
    // `bytes` may begin in the middle of a page.
    let mut room = usize::try_from(PAGE - start % PAGE).expect("at most a page");
    while !bytes.is_empty() {
        let (part, rest) = bytes.split_at(room.min(bytes.len()));
        if part.iter().any(|byte| *byte != 0) {
            match out.last_mut() {
                Some(last) if last.start <= page && page <= last.end => last.end = last.end.max(page + PAGE),
                _ => out.push(page..page + PAGE),
            }
        }
        bytes = rest;
        page += PAGE;
        room = usize::try_from(PAGE).expect("small");
    }
}

/// Sorts ranges and joins those that touch.
fn join(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    ranges
}

/// Reduces the runs to at most `max`: those with the smallest gaps between them are joined.
fn merge_nearest(runs: Vec<Range<u64>>, max: usize) -> Vec<Range<u64>> {
    let Some(surplus) = runs.len().checked_sub(max).filter(|surplus| *surplus > 0) else {
        return runs;
    };
    let mut gaps: Vec<_> = runs
        .windows(2)
        .enumerate()
        .map(|(i, pair)| (pair[1].start - pair[0].end, i + 1))
        .collect();
    gaps.sort_unstable();
    let mut closed = vec![false; runs.len()];
    for (_, after) in &gaps[..surplus] {
        closed[*after] = true;
    }
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(max);
    for (run, closed) in runs.into_iter().zip(closed) {
        match merged.last_mut() {
            Some(last) if closed => last.end = run.end,
            _ => merged.push(run),
        }
    }
    merged
}

/// Copies the parts of a segment that lie in runs. Its other bytes are zero.
fn copy(bytes: &[u8], range: &Range<u64>, runs: &[Run], out: &mut [u8]) {
    let index = |at: u64| usize::try_from(at).expect("inside of a buffer");
    let first = runs.partition_point(|run| run.range.end <= range.start);
    for run in runs[first..].iter().take_while(|run| run.range.start < range.end) {
        let start = range.start.max(run.range.start);
        let end = range.end.min(run.range.end);
        let to = index(run.at + (start - run.range.start));
        let part = &bytes[index(start - range.start)..index(end - range.start)];
        out[to..to + part.len()].copy_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use wrun_artifact::Config;

    /// Returns the runs of memory 0, true for each segment in its image, and the section's bytes.
    fn images(text: &str) -> (Vec<Range<u64>>, Vec<bool>, Vec<u8>) {
        let wasm = wat::parse_str(format!("(module {text})")).expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid");
        let images = Images::new(&module);
        let mut bytes = vec![0; usize::try_from(images.len).expect("small")];
        images.fill(&module, &mut bytes);
        let runs: Vec<_> = images.memories.values().flatten().cloned().collect();
        let mut at = 0;
        for run in &runs {
            assert_eq!(run.at, at, "runs lie side by side");
            assert_eq!(run.range.start % PAGE, 0);
            assert_eq!(run.range.end % PAGE, 0);
            at += run.range.end - run.range.start;
        }
        assert_eq!(at, images.len);
        (
            runs.into_iter().map(|run| run.range).collect(),
            images.data_in_image.as_slice().to_vec(),
            bytes,
        )
    }

    fn run(start: u64, end: u64) -> Range<u64> {
        start..end
    }

    #[test]
    fn a_segment_becomes_the_pages_around_it() {
        let (runs, data, bytes) = images("(memory 1) (data (i32.const 4094) \"abcd\")");
        assert_eq!(runs, [run(0, 8192)]);
        assert_eq!(data, [true]);
        let mut expect = vec![0; 8192];
        expect[4094..4098].copy_from_slice(b"abcd");
        assert!(bytes == expect);
    }

    #[test]
    fn where_segments_overlap_the_last_one_counts() {
        let (runs, _, bytes) = images(
            "(memory 1) (data (i32.const 4) \"abcd\") (data (i32.const 5) \"\\00X\") (data (i32.const 2) \"12\") (data \"p\")",
        );
        assert_eq!(runs, [run(0, 4096)]);
        assert_eq!(&bytes[..10], b"\x00\x0012a\x00Xd\x00\x00");
    }

    #[test]
    fn runs_hold_what_copying_every_segment_in_order_gives() {
        // Segments of all lengths that overlap, touch and leave gaps, by a linear congruential generator.
        let mut state = 1u32;
        let mut next = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for _ in 0..20 {
            let mut memory = vec![0u8; 1 << 18];
            let mut text = String::from("(memory 4)");
            for _ in 0..20 {
                let (start, len, byte) = (next(240_000) as usize, next(20_000) as usize, u8::from(next(3) > 0));
                text.push_str(&format!(
                    "(data (i32.const {start}) \"{}\")",
                    format!("\\{byte:02x}").repeat(len)
                ));
                memory[start..start + len].fill(byte);
            }
            let (runs, _, bytes) = images(&text);
            let mut found = vec![0; memory.len()];
            let mut at = 0;
            for run in runs {
                let range = usize::try_from(run.start).expect("small")..usize::try_from(run.end).expect("small");
                found[range.clone()].copy_from_slice(&bytes[at..at + range.len()]);
                at += range.len();
            }
            assert!(found == memory, "{}", text.len());
        }
    }

    #[test]
    fn zero_pages_are_not_in_the_image_but_their_segments_are() {
        let zeros = "\\00".repeat(12288);
        let (runs, data, bytes) = images(&format!(
            "(memory 1) (data (i32.const 100) \"a{zeros}b\") (data (i32.const 20000) \"{zeros}\") (data (i32.const 65536) \"\")"
        ));
        assert_eq!(runs, [run(0, 4096), run(12288, 16384)]);
        assert_eq!(data, [true, true, true]);
        assert_eq!((bytes[100], bytes[4096 + 101]), (b'a', b'b'));
    }

    #[test]
    fn a_memory_without_data_has_no_runs() {
        assert_eq!(images("(memory 1)"), (vec![], vec![], vec![]));
    }

    #[test]
    fn one_segment_that_may_trap_or_is_unknown_leaves_all_to_instantiation() {
        for bad in [
            "(memory 1) (data (i32.const 65535) \"ab\")",
            "(memory 1) (data (i32.const 65537) \"\")",
            "(memory 1) (data (i32.const -1) \"a\")",
            "(memory 1) (data (global.get 0) \"a\")",
            "(import \"\" \"m\" (memory 1)) (data (i32.const 9) \"a\")",
        ] {
            let (runs, data, _) = images(&format!(
                "(import \"\" \"g\" (global i32)) {bad} (data (i32.const 0) \"good\") (data \"passive\")"
            ));
            assert!(runs.is_empty(), "{bad}");
            assert_eq!(data, [false; 3], "{bad}");
        }
    }

    #[test]
    fn at_most_64_runs_remain_and_the_smallest_gaps_are_closed() {
        // Gaps of 99 pages, except two smaller ones.
        let mut runs: Vec<Range<u64>> = (0..66).map(|i| i * 100 * PAGE..(i * 100 + 1) * PAGE).collect();
        runs[10].end += 50 * PAGE;
        runs[30].end += 51 * PAGE;
        let merged = merge_nearest(runs.clone(), MAX_RUNS);
        assert_eq!(merged.len(), MAX_RUNS);
        assert!(merged.contains(&(runs[10].start..runs[11].end)));
        assert!(merged.contains(&(runs[30].start..runs[31].end)));
        assert!(merged.contains(&runs[20]));
        assert_eq!(merge_nearest(runs[..64].to_vec(), MAX_RUNS), runs[..64]);
    }

    #[test]
    fn scattered_segments_are_merged_or_left_to_instantiation() {
        let scattered = |count: u32, distance: u32| -> (usize, bool) {
            let segments: String = (0..count)
                .map(|i| format!("(data (i32.const {}) \"x\")", i * distance))
                .collect();
            let (runs, data, bytes) = images(&format!("(memory 4096) {segments}"));
            for (i, at) in (0..u64::from(count))
                .map(|i| (i, i * u64::from(distance)))
                .filter(|_| data[0])
            {
                let before: u64 = runs
                    .iter()
                    .filter(|run| run.end <= at)
                    .map(|run| run.end - run.start)
                    .sum();
                let run = runs.iter().find(|run| run.contains(&at)).expect("in a run");
                assert_eq!(
                    bytes[usize::try_from(before + at - run.start).expect("small")],
                    b'x',
                    "segment {i}"
                );
            }
            (runs.len(), data.iter().all(|in_image| *in_image))
        };
        assert_eq!(scattered(100, 8192), (64, true));
        // One run per segment would be needed, and together with the gaps these are far larger than the data.
        assert_eq!(scattered(1000, 8192 * 16), (0, false));
    }

    #[test]
    fn many_segments_and_a_far_one_take_only_what_they_write() {
        let mut text = String::from("(memory 512) (data (i32.const 0x1000000) \"first\")");
        for i in 0..24_171 {
            text.push_str(&format!(
                "(data (i32.const {}) \"{:03}\")",
                0x10_0000 + i * 16,
                i % 1000
            ));
        }
        let (runs, data, bytes) = images(&text);
        assert_eq!(
            runs,
            [
                0x10_0000..0x10_0000 + (24_171u64 * 16).next_multiple_of(PAGE),
                0x100_0000..0x100_1000
            ]
        );
        assert!(data.iter().all(|in_image| *in_image));
        assert_eq!(&bytes[16 * 24_170..16 * 24_170 + 3], b"170");
        assert!(bytes.ends_with(&[&b"first"[..], &[0; 4091]].concat()));
    }
}
