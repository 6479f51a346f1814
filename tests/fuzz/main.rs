//! Random programs: made from a seed, run, and compared with a model or with other engines. A failure names its seed. `WRUN_FUZZ_SEED` runs one seed
//! alone, and `WRUN_FUZZ_COUNT` sets the number of seeds, except in `differential`, which runs for `WRUN_FUZZ_SECONDS`.

mod differential;
mod memory;
mod references;
mod tables;

use wrun_runtime::{Config, CpuFeatures, MemoryMode};

/// Returns the seeds to run: those from the environment, or else `count` seeds from 0 on.
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

/// Returns the settings for a seed. Consecutive seeds cover all combinations of both memory modes, with and without an address
/// map, three CPU levels, and padding between functions.
fn settings(seed: u64) -> Config {
    let choose = |divisor: u64, count: u64| usize::try_from(seed / divisor % count).expect("small");
    let here = CpuFeatures::detect();
    let without_avx = here
        .without(CpuFeatures::AVX512F)
        .without(CpuFeatures::AVX512VL)
        .without(CpuFeatures::AVX512DQ)
        .without(CpuFeatures::AVX512BITALG)
        .without(CpuFeatures::AVX512VBMI)
        .without(CpuFeatures::AVX2)
        .without(CpuFeatures::FMA)
        .without(CpuFeatures::AVX);
    let mut config = Config::new();
    config
        .threads(1)
        .memory_mode([MemoryMode::Guarded, MemoryMode::Checked][choose(1, 2)])
        .address_map([true, false][choose(2, 2)])
        .cpu([here, CpuFeatures::X86_64_V2, without_avx][choose(4, 3)])
        .padding([0, 1, 4096, 1 << 16][choose(12, 4)]);
    config
}
