//! Programs that nobody wrote: made from a seed, run, and compared with a model. A failure names its seed;
//! `WRUN_FUZZ_SEED` runs that one alone, `WRUN_FUZZ_COUNT` says how many to run.

mod tables;

/// Random numbers (SplitMix64): the same ones for the same seed, everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below `end`")
    }

    /// True once in `times`.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// The seeds to run: those that the environment asks for, else `count` from 0 on.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text: String| text.parse::<u64>().expect("a number"))
    };
    match number("WRUN_FUZZ_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WRUN_FUZZ_COUNT").unwrap_or(count),
    }
}
