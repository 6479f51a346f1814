//! The settings that, besides the wasm bytes, determine an artifact. They are all part of the cache key, and no other setting
//! may influence the compiler's output.
//!
//! Must not hold: settings of a run (deadlines, directories, limits, stack sizes), and settings of the compiler that do not
//! change its output (threads, verifier).

use core::fmt;

use crate::types::IndexType;

/// Version of the artifact's format and of every layout that compiled code relies on. Raised with each change to them.
pub const FORMAT_VERSION: u32 = 4;

macro_rules! features {
    ($($(#[$doc:meta])* $konst:ident = $bit:literal, $flag:literal;)*) => {
        impl CpuFeatures {
            $($(#[$doc])* pub const $konst: Self = Self(1 << $bit);)*

            /// Every feature that wrun knows, with its name in `std::arch`.
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

    /// x86-64-v2, the minimum that wrun compiles for. With it no instruction of Wasm 2.0 needs a helper function.
    pub const X86_64_V2: Self = Self(0x3f);

    /// x86-64-v3.
    pub const X86_64_V3: Self = Self(0xfff);

    /// Returns the set with these bits, or `None` if one of them is unknown.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let known = Self::KNOWN.iter().fold(0, |all, (one, _)| all | one.0);
        (bits & !known == 0).then_some(Self(bits))
    }

    /// Returns the bits of this set, as the artifact stores them.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Returns the features in either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the features of this set that `other` lacks.
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

/// The way in which accesses to memories are kept in bounds.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum MemoryMode {
    /// Address space for the largest size and [`GUARD_SIZE`] bytes after it are reserved. Memories never move. Most accesses to a
    /// memory with 32-bit indices and pages of 64 KiB need no check.
    Guarded,
    /// Every access is compared with the memory's length. Memories may move when they grow.
    Checked,
}

/// Bytes reserved for a guarded memory with 32-bit indices, without the guard: every index is inside.
pub const RESERVATION: u64 = IndexType::I32.most_bytes();

/// Bytes reserved for a guarded memory with 64-bit indices, without the guard. No memory with such indices is larger, guarded or not.
pub const RESERVATION_64: u64 = IndexType::I64.most_bytes();

/// Bytes after the reservation that are never accessible. An access needs no check if its static offset plus its size is at
/// most this.
pub const GUARD_SIZE: u64 = 32 << 20;

/// Settings of a compilation.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// The features that compiled code may use.
    pub cpu: CpuFeatures,
    /// The way in which memory accesses are kept in bounds.
    pub memory: MemoryMode,
    /// Adds an address map, which maps machine code to instructions of the wasm file.
    pub address_map: bool,
    /// Lets the alias analysis remove and reorder loads and stores. Switching it off helps to find miscompilations.
    pub alias_analysis: bool,
    /// Gives results for which the specification leaves a choice the meaning of its deterministic profile, so that they are the same
    /// on every CPU: relaxed vector instructions, and the payloads of NaNs.
    pub deterministic: bool,
    /// For tests: number of bytes of padding between functions, so that calls have long distances. At most 1 MiB.
    pub padding: u32,
}

impl Config {
    /// Returns the settings of a run without options, for the CPU that executes this function.
    pub fn native() -> Self {
        Self {
            cpu: CpuFeatures::detect(),
            memory: MemoryMode::Guarded,
            address_map: true,
            alias_analysis: true,
            deterministic: false,
            padding: 0,
        }
    }

    /// Encodes all fields in 24 bytes. Different settings give different bytes.
    pub fn to_bytes(&self) -> [u8; 24] {
        let Self {
            cpu,
            memory,
            address_map,
            alias_analysis,
            deterministic,
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
        bytes[11] = u8::from(*deterministic);
        bytes[12..16].copy_from_slice(&padding.to_le_bytes());
        bytes[16] = u8::try_from(RESERVATION.trailing_zeros()).expect("at most 64");
        bytes[17] = u8::try_from(GUARD_SIZE.trailing_zeros()).expect("at most 64");
        bytes[18] = u8::try_from(RESERVATION_64.trailing_zeros()).expect("at most 64");
        bytes
    }

    /// Decodes settings that [`Config::to_bytes`] wrote. `None` if this build does not know them.
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
            deterministic: bytes[11] == 1,
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
            Config {
                deterministic: true,
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
