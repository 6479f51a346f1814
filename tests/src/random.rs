//! Random numbers (SplitMix64). Equal seeds give equal numbers on every machine.

use std::time::{Duration, SystemTime};

/// A generator. Its only state is the seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Makes a generator from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Makes a generator from the clock, and prints its seed, so that a failure can be repeated.
    pub fn from_clock() -> Self {
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("the clock is right");
        let seed = since.as_nanos() as u64;
        println!("seed {seed}");
        Self(seed)
    }

    /// Returns the next 64 random bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "an endless iterator has no use for adaptors here"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below `end`")
    }

    /// Returns true with the probability 1 in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Returns a time from 0 up to, but not including, `most`.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64((self.next() >> 11) as f64 / (1u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The first outputs of the reference implementation (Sebastiano Vigna's splitmix64.c) for the seed 1234567.
        let mut random = Random::new(1_234_567);
        let numbers = [random.next(), random.next(), random.next()];
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn numbers_and_times_are_within_their_bounds() {
        let mut random = Random::new(0);
        let mut seen = [false; 3];
        for _ in 0..100 {
            seen[random.below(3)] = true;
            assert!(random.up_to(Duration::from_secs(1)) < Duration::from_secs(1));
        }
        assert_eq!(seen, [true; 3]);
    }
}
