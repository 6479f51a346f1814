//! Cause and fix of a refused proposal. Input: its name. Output: the compiler flags that switch it on and off.
//!
//! The flags are those of clang (also in wasi-sdk and Emscripten), rustc, Zig, Binaryen and AssemblyScript, as their help lists
//! them.

use wrun_runtime::Proposal;

/// A proposal, where it comes from, and how to build without it.
struct Hint {
    proposal: &'static str,
    advice: &'static str,
}

const HINTS: &[Hint] = &[
    Hint {
        proposal: "threads",
        advice: "a shared memory comes from the targets wasm32-wasi-threads and wasm32-wasip1-threads, from -pthread and from \
                 -Wl,--shared-memory (clang, Emscripten), -C link-arg=--shared-memory (rustc) or --sharedMemory (asc): build for \
                 wasm32-wasip1 without them, atomic instructions may stay; shared globals, tables and functions come from \
                 `wasm-opt --all-features`: add --disable-shared-everything",
    },
    Hint {
        proposal: "gc",
        advice: "objects of WebAssembly's garbage collector come from Kotlin's targets wasmWasi and wasmJs, `dart compile wasm`, \
                 J2CL (j2wasm), wasm_of_ocaml and Hoot (`guild compile-wasm`), which have no flag against them; MoonBit has \
                 `--target wasm` in place of wasm-gc, TeaVM has the target WEBASSEMBLY in place of WEBASSEMBLY_GC, and wasm-opt \
                 has --disable-gc",
    },
    Hint {
        proposal: "stack-switching",
        advice: "continuations come from experimental compilers and from `wasm-opt --enable-stack-switching`: build without",
    },
    Hint {
        proposal: "custom-descriptors",
        advice: "exact types come from `wasm-opt --all-features`: add --disable-custom-descriptors",
    },
    Hint {
        proposal: "compact-import-section",
        advice: "the short form of imports comes from `wasm-opt --all-features` or `wat2wasm --enable-compact-imports`: add \
                 --disable-compact-imports, or leave the option out",
    },
    Hint {
        proposal: "memory-control",
        advice: "no compiler uses it by itself: write the text or the intrinsic without it",
    },
];

/// Returns the advice for all refused proposals of a module.
pub(super) fn advice(proposals: &[Proposal]) -> String {
    let advice: Vec<_> = proposals.iter().filter_map(|proposal| one(*proposal)).collect();
    advice.join("; ")
}

fn one(proposal: Proposal) -> Option<&'static str> {
    HINTS
        .iter()
        .find(|hint| hint.proposal == proposal.0)
        .map(|hint| hint.advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proposal_that_is_refused_by_name_has_advice_and_no_other() {
        let mut refused: Vec<_> = Proposal::all().map(|proposal| proposal.0).collect();
        let mut hinted: Vec<_> = HINTS.iter().map(|hint| hint.proposal).collect();
        refused.sort_unstable();
        hinted.sort_unstable();
        assert_eq!(hinted, refused);
    }
}
