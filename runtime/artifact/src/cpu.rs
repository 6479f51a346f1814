//! Detects the features of the CPU that executes this code. wrun has no other detector.
//!
//! `std::is_x86_feature_detected!` detects every feature that the standard library knows, with more than twenty `cpuid`
//! instructions. In a virtual machine each of them exits to the hypervisor and takes longer than a system call. The features
//! that wrun uses take four.
//!
//! # Safety
//! This file may use `unsafe`: it executes `xgetbv`, which reads the set of registers that the operating system saves. It first
//! checks that the CPU has this instruction and that the system has enabled it.
#![allow(unsafe_code, reason = "reads XCR0")]

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv, CpuidResult};
use std::sync::OnceLock;

use crate::config::CpuFeatures;

/// A `cpuid` register with feature bits.
#[derive(Copy, Clone)]
enum Word {
    /// Leaf 1, `ecx`.
    Basic,
    /// Leaf 7, `ebx`.
    ExtendedB,
    /// Leaf 7, `ecx`.
    ExtendedC,
    /// Leaf 0x8000_0001, `ecx`.
    Amd,
}

/// The registers that the operating system must save for a feature.
#[derive(Copy, Clone)]
enum Registers {
    /// The registers that every operating system for x86-64 saves.
    Xmm,
    Ymm,
    Zmm,
}

/// Bits of XCR0: xmm and ymm. For zmm also the mask registers and both parts of the zmm state.
const YMM_SAVED: u64 = 0x06;
const ZMM_SAVED: u64 = 0xe6;

/// Leaf 1, `ecx`: the system has enabled `xsave`, so `xgetbv` can be used.
const OSXSAVE: u32 = 1 << 27;

/// Register and bit of each feature (Intel SDM 2A, `CPUID`; AMD APM 3, appendix E).
const FEATURES: &[(CpuFeatures, Word, u32, Registers)] = &[
    (CpuFeatures::SSE3, Word::Basic, 0, Registers::Xmm),
    (CpuFeatures::SSSE3, Word::Basic, 9, Registers::Xmm),
    (CpuFeatures::SSE41, Word::Basic, 19, Registers::Xmm),
    (CpuFeatures::SSE42, Word::Basic, 20, Registers::Xmm),
    (CpuFeatures::POPCNT, Word::Basic, 23, Registers::Xmm),
    (CpuFeatures::CMPXCHG16B, Word::Basic, 13, Registers::Xmm),
    (CpuFeatures::AVX, Word::Basic, 28, Registers::Ymm),
    (CpuFeatures::AVX2, Word::ExtendedB, 5, Registers::Ymm),
    (CpuFeatures::FMA, Word::Basic, 12, Registers::Ymm),
    (CpuFeatures::BMI1, Word::ExtendedB, 3, Registers::Xmm),
    (CpuFeatures::BMI2, Word::ExtendedB, 8, Registers::Xmm),
    (CpuFeatures::LZCNT, Word::Amd, 5, Registers::Xmm),
    (CpuFeatures::AVX512F, Word::ExtendedB, 16, Registers::Zmm),
    (CpuFeatures::AVX512VL, Word::ExtendedB, 31, Registers::Zmm),
    (CpuFeatures::AVX512DQ, Word::ExtendedB, 17, Registers::Zmm),
    (CpuFeatures::AVX512BITALG, Word::ExtendedC, 12, Registers::Zmm),
    (CpuFeatures::AVX512VBMI, Word::ExtendedC, 1, Registers::Zmm),
];

impl CpuFeatures {
    /// Returns the features of the CPU that executes this code, as far as wrun uses them.
    pub fn detect() -> Self {
        static DETECTED: OnceLock<CpuFeatures> = OnceLock::new();
        *DETECTED.get_or_init(detect)
    }
}

fn detect() -> CpuFeatures {
    let highest = __cpuid(0).eax;
    let basic = __cpuid(1).ecx;
    let extended = if highest >= 7 {
        __cpuid_count(7, 0)
    } else {
        CpuidResult {
            eax: 0,
            ebx: 0,
            ecx: 0,
            edx: 0,
        }
    };
    // Every CPU with a 64-bit mode has this leaf, because the bit for the 64-bit mode is in it.
    let amd = __cpuid(0x8000_0001).ecx;
    let saved = if basic & OSXSAVE == 0 {
        0
    } else {
        // SAFETY: the system has enabled `xsave`, and with it this instruction. Register 0 always exists.
        unsafe { _xgetbv(0) }
    };
    let is_found = |word: Word, bit: u32, registers: Registers| {
        let word = match word {
            Word::Basic => basic,
            Word::ExtendedB => extended.ebx,
            Word::ExtendedC => extended.ecx,
            Word::Amd => amd,
        };
        let needed = match registers {
            Registers::Xmm => 0,
            Registers::Ymm => YMM_SAVED,
            Registers::Zmm => ZMM_SAVED,
        };
        word & (1 << bit) != 0 && saved & needed == needed
    };
    FEATURES
        .iter()
        .filter(|(_, word, bit, registers)| is_found(*word, *bit, *registers))
        .fold(CpuFeatures::NONE, |found, (feature, ..)| found.union(*feature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_finds_the_same() {
        let mut expected = CpuFeatures::NONE;
        macro_rules! look {
            ($($konst:ident $name:tt)*) => {
                $(if std::is_x86_feature_detected!($name) {
                    expected = expected.union(CpuFeatures::$konst);
                })*
            };
        }
        look! {
            SSE3 "sse3" SSSE3 "ssse3" SSE41 "sse4.1" SSE42 "sse4.2" POPCNT "popcnt" CMPXCHG16B "cmpxchg16b" AVX "avx" AVX2 "avx2"
            FMA "fma" BMI1 "bmi1" BMI2 "bmi2" LZCNT "lzcnt" AVX512F "avx512f" AVX512VL "avx512vl" AVX512DQ "avx512dq"
            AVX512BITALG "avx512bitalg" AVX512VBMI "avx512vbmi"
        }
        assert_eq!(CpuFeatures::detect(), expected);
    }

    #[test]
    fn every_feature_is_looked_for() {
        let all = FEATURES.iter().map(|(feature, ..)| *feature);
        assert!(all.eq(CpuFeatures::KNOWN.iter().map(|(feature, _)| *feature)));
    }
}
