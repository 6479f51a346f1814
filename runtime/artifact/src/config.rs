//! Everything, besides the wasm bytes, that changes an artifact: what is here is part of the cache key, what is not here
//! may not influence the compiler's output.
//!
//! Not here: run-only settings (deadlines, directories, limits, stack sizes) and compile-only ones (threads, verifier).

use core::fmt;

/// Version of the artifact's format and of every layout that compiled code relies on. Raised with each change to them.
pub const FORMAT_VERSION: u32 = 2;

macro_rules! features {
    ($($(#[$doc:meta])* $konst:ident = $bit:literal, $flag:literal;)*) => {
        impl CpuFeatures {
            $($(#[$doc])* pub const $konst: Self = Self(1 << $bit);)*

            /// Every feature wrun knows, with its name as `std::arch` spells it.
            pub const KNOWN: &[(Self, &str)] = &[$((Self::$konst, $flag)),*];
        }
    };
}

/// A set of CPU features.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub struct CpuFeatures(u64);

features! {
    /// SSE3.
    SSE3 = 0, "sse3";
    /// SSSE3.
    SSSE3 = 1, "ssse3";
    /// SSE4.1.
    SSE41 = 2, "sse4.1";
    /// SSE4.2.
    SSE42 = 3, "sse4.2";
    /// `popcnt`.
    POPCNT = 4, "popcnt";
    /// `cmpxchg16b`.
    CMPXCHG16B = 5, "cmpxchg16b";
    /// AVX.
    AVX = 6, "avx";
    /// AVX2.
    AVX2 = 7, "avx2";
    /// Fused multiply and add.
    FMA = 8, "fma";
    /// Bit manipulation 1.
    BMI1 = 9, "bmi1";
    /// Bit manipulation 2.
    BMI2 = 10, "bmi2";
    /// `lzcnt`.
    LZCNT = 11, "lzcnt";
    /// AVX-512 foundation.
    AVX512F = 12, "avx512f";
    /// AVX-512 vector length extensions.
    AVX512VL = 13, "avx512vl";
    /// AVX-512 doubleword and quadword instructions.
    AVX512DQ = 14, "avx512dq";
    /// AVX-512 bit algorithms.
    AVX512BITALG = 15, "avx512bitalg";
    /// AVX-512 vector byte manipulation.
    AVX512VBMI = 16, "avx512vbmi";
}

impl CpuFeatures {
    /// No feature beyond the architecture's first version.
    pub const NONE: Self = Self(0);

    /// x86-64-v2, the least that wrun compiles for: with it no instruction of Wasm 2.0 needs a helper function.
    pub const X86_64_V2: Self = Self(0x3f);

    /// x86-64-v3.
    pub const X86_64_V3: Self = Self(0xfff);

    /// The set with these bits, if all of them are known.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let known = Self::KNOWN.iter().fold(0, |all, (one, _)| all | one.0);
        (bits & !known == 0).then_some(Self(bits))
    }

    /// The bits of this set, as the artifact stores them.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Everything in either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Features of this set that `other` lacks.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns true if this set has all features of `other`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for CpuFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (feature, name) in Self::KNOWN {
            if self.contains(*feature) {
                write!(f, "{separator}{name}")?;
                separator = ",";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for CpuFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CpuFeatures({self})")
    }
}

/// How accesses to linear memories are kept in bounds.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum MemoryMode {
    /// The whole 4 GiB index space and [`GUARD_SIZE`] bytes after it are reserved: most accesses need no check.
    Guarded,
    /// Every access is compared with the memory's length; memories may move when they grow.
    Checked,
}

/// Bytes reserved for a guarded memory, without the guard.
pub const RESERVATION: u64 = 1 << 32;

/// Bytes after the reservation that are never accessible. An access with static offset + size up to this needs no check.
pub const GUARD_SIZE: u64 = 32 << 20;

/// Settings of a compilation.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// The features that compiled code may use.
    pub cpu: CpuFeatures,
    /// How memory accesses are kept in bounds.
    pub memory: MemoryMode,
    /// Adds an address map: the instruction of the wasm file that each address comes from.
    pub address_map: bool,
    /// Lets the alias analysis remove and reorder loads and stores: a switch to look for miscompilations.
    pub alias_analysis: bool,
    /// For tests: this many bytes of padding between functions, so that calls have far to go. At most 1 MiB.
    pub padding: u32,
}

impl Config {
    /// The settings of a run without options, for the CPU that runs this.
    pub fn native() -> Self {
        Self {
            cpu: CpuFeatures::detect(),
            memory: MemoryMode::Guarded,
            address_map: true,
            alias_analysis: true,
            padding: 0,
        }
    }

    /// Every field as 24 bytes: equal for equal settings, and for no others.
    pub fn to_bytes(&self) -> [u8; 24] {
        let Self {
            cpu,
            memory,
            address_map,
            alias_analysis,
            padding,
        } = self;
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&cpu.bits().to_le_bytes());
        bytes[8] = match memory {
            MemoryMode::Guarded => 0,
            MemoryMode::Checked => 1,
        };
        bytes[9] = u8::from(*address_map);
        bytes[10] = u8::from(*alias_analysis);
        bytes[12..16].copy_from_slice(&padding.to_le_bytes());
        bytes[16] = u8::try_from(RESERVATION.trailing_zeros()).expect("at most 64");
        bytes[17] = u8::try_from(GUARD_SIZE.trailing_zeros()).expect("at most 64");
        bytes
    }

    /// The settings that [`Config::to_bytes`] wrote, if these bytes are of this build's form.
    pub fn from_bytes(bytes: &[u8; 24]) -> Option<Self> {
        let config = Self {
            cpu: CpuFeatures::from_bits(u64::from_le_bytes(bytes[..8].try_into().ok()?))?,
            memory: match bytes[8] {
                0 => MemoryMode::Guarded,
                1 => MemoryMode::Checked,
                _ => return None,
            },
            address_map: bytes[9] == 1,
            alias_analysis: bytes[10] == 1,
            padding: u32::from_le_bytes(bytes[12..16].try_into().ok()?),
        };
        (config.to_bytes() == *bytes).then_some(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_the_round_trip_and_differ_in_their_bytes() {
        let base = Config::native();
        let others = [
            Config {
                memory: MemoryMode::Checked,
                ..base
            },
            Config {
                address_map: false,
                ..base
            },
            Config {
                alias_analysis: false,
                ..base
            },
            Config { padding: 7, ..base },
            Config {
                cpu: CpuFeatures::NONE,
                ..base
            },
        ];
        assert_eq!(Config::from_bytes(&base.to_bytes()), Some(base));
        for other in others {
            assert_ne!(other.to_bytes(), base.to_bytes());
            assert_eq!(Config::from_bytes(&other.to_bytes()), Some(other));
        }
    }

    #[test]
    fn bytes_of_no_settings_are_refused() {
        let mut bytes = Config::native().to_bytes();
        bytes[8] = 9;
        assert_eq!(Config::from_bytes(&bytes), None);
    }
}
