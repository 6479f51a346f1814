//! Programs that nobody wrote: made from a seed, run, and compared with a model. A failure names its seed;
//! `WRUN_FUZZ_SEED` runs that one alone, `WRUN_FUZZ_COUNT` says how many to run.

mod references;
mod tables;

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
