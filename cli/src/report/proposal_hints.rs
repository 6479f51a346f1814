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

/// Advice for atomic instructions in a module without a shared memory.
const ATOMICS: &str = "its memory is not shared, so its atomic instructions come from -mcpu=bleeding-edge (`bleeding_edge` in Zig), \
     -matomics (clang), -C target-feature=+atomics (rustc) or --enable threads (asc): leave that out, or add -mno-atomics, \
     -C target-feature=-atomics";

/// Advice for a shared memory.
const SHARED_MEMORY: &str = "its memory is shared, for wasi-threads or Emscripten's pthreads: build for wasm32-wasip1 in place of \
     wasm32-wasip1-threads, and without -pthread, --shared-memory and -C target-feature=+atomics";

const HINTS: &[Hint] = &[
    Hint {
        proposal: "exception-handling",
        advice: "exceptions come from -fwasm-exceptions (clang, Emscripten), setjmp with -mllvm -wasm-enable-sjlj or \
                 -sSUPPORT_LONGJMP=wasm, or panic=unwind (rustc): build with -fno-exceptions and without setjmp, or -C panic=abort",
    },
    Hint {
        proposal: "legacy exception-handling",
        advice: "exceptions of the older form come from -fwasm-exceptions (clang, Emscripten): build with -fno-exceptions; \
                 `wasm-opt --translate-to-exnref` gives the newer form, which wrun does not run yet either",
    },
    Hint {
        proposal: "threads",
        advice: ATOMICS,
    },
    Hint {
        proposal: "tail-call",
        advice: "tail calls come from -mtail-call or -mcpu=bleeding-edge (clang), -C target-feature=+tail-call (rustc): leave that \
                 out, or add -mno-tail-call, -C target-feature=-tail-call",
    },
    Hint {
        proposal: "multi-memory",
        advice: "several memories come from wasm-merge or -mmultimemory (clang): build without, or make one of them with \
                 `wasm-opt --multi-memory-lowering`",
    },
    Hint {
        proposal: "memory64",
        advice: "64-bit memories come from --target=wasm64 (clang), wasm64-unknown-unknown (rustc) or -sMEMORY64 (Emscripten): \
                 build for wasm32-wasip1",
    },
    Hint {
        proposal: "relaxed-simd",
        advice: "relaxed vector instructions come from -mrelaxed-simd or -mcpu=bleeding-edge (clang), \
                 -C target-feature=+relaxed-simd (rustc) or --enable relaxed-simd (asc): leave that out, or add \
                 -mno-relaxed-simd, -C target-feature=-relaxed-simd",
    },
    Hint {
        proposal: "function-references",
        advice: "typed function references come from compilers for garbage-collected languages (Kotlin, Dart, OCaml, Scheme), which \
                 have no flag against them, and from `wasm-opt --enable-gc`: leave that out",
    },
    Hint {
        proposal: "gc",
        advice: "objects of WebAssembly's garbage collector come from compilers such as Kotlin's, Dart's, J2CL, wasm_of_ocaml and \
                 Hoot, which have no flag against them; MoonBit has `--target wasm`, TeaVM has its target WEBASSEMBLY, and \
                 wasm-opt has --disable-gc",
    },
    Hint {
        proposal: "custom-page-sizes",
        advice: "another page size comes from `wasm-ld --page-size`: link without it",
    },
    Hint {
        proposal: "wide-arithmetic",
        advice: "128-bit arithmetic comes from -mwide-arithmetic (clang) or -C target-feature=+wide-arithmetic (rustc): leave that \
                 out, or add -mno-wide-arithmetic, -C target-feature=-wide-arithmetic",
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
    Hint {
        proposal: "shared-everything-threads",
        advice: "shared globals, tables and functions come from `wasm-opt --all-features`: add --disable-shared-everything",
    },
];

/// Returns the advice for all refused proposals of a module. `in_code` is true if they were found in the body of a function.
pub(super) fn advice(proposals: &[Proposal], in_code: bool) -> String {
    let advice: Vec<_> = proposals
        .iter()
        .filter_map(|proposal| one(*proposal, in_code))
        .collect();
    advice.join("; ")
}

fn one(proposal: Proposal, in_code: bool) -> Option<&'static str> {
    // A shared memory is declared, and refused, before the code.
    if proposal.0 == "threads" && !in_code {
        return Some(SHARED_MEMORY);
    }
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

    #[test]
    fn atomics_are_a_matter_of_flags_where_no_memory_is_shared() {
        let threads = [Proposal("threads")];
        assert!(advice(&threads, true).contains("-mno-atomics"));
        assert!(advice(&threads, false).contains("wasi-threads"));
    }
}
