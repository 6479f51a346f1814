#!/usr/bin/env bash
# Checks that a runtime without the compiler depends on no code generator and no wasm parser, and runs an artifact.
set -euo pipefail
cd "$(dirname "$0")/.."

tree=$(cargo tree -p wrun-runtime --no-default-features --edges normal,build --prefix none --format '{p}')
if grep -E '^(cranelift|regalloc2|wasmparser|wrun-compiler|addr2line|gimli|cpp_demangle|rustc-demangle)' <<<"$tree"; then
    echo "ci/no-compiler.sh: the crates above may not be part of a runtime without compiler and backtraces" >&2
    exit 1
fi

work=target/no-compiler
mkdir -p "$work"
cat >"$work/fib.wat" <<'WAT'
(module
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "trap") unreachable))
WAT
cargo run --quiet -p wrun-runtime --example write_artifact -- "$work/fib.wat" "$work/fib.artifact"
result=$(cargo run --quiet -p wrun-runtime --no-default-features --example run_artifact -- "$work/fib.artifact" fib 20)
if [ "$result" != 6765 ]; then
    echo "ci/no-compiler.sh: fib(20) is 6765, not $result" >&2
    exit 1
fi

# Without the feature `backtrace`, no frames are collected, and there is no code that looks up names or addresses.
run=(cargo run --quiet -p wrun-runtime --example run_artifact)
if with=$("${run[@]}" -- "$work/fib.artifact" trap 2>&1) || [[ $with != *"with 1 frames"* ]]; then
    echo "ci/no-compiler.sh: with backtraces a trap has one frame here: $with" >&2
    exit 1
fi
program=target/x86_64-unknown-linux-gnu/debug/examples/run_artifact
lookups='(AddressMap|Artifact).*(lookup|func_name)|wrun_runtime::trap::(backtrace|demangle|source|trace::walk)'
if ! grep -qE "$lookups" <<<"$(nm -C "$program")"; then
    echo "ci/no-compiler.sh: the lookups for backtraces have other names now" >&2
    exit 1
fi
if without=$("${run[@]}" --no-default-features -- "$work/fib.artifact" trap 2>&1) || [[ $without != *"with 0 frames"* ]]; then
    echo "ci/no-compiler.sh: without backtraces a trap has no frames: $without" >&2
    exit 1
fi
if grep -E "$lookups" <<<"$(nm -C "$program")"; then
    echo "ci/no-compiler.sh: the functions above are for backtraces, and are in a program without them" >&2
    exit 1
fi
echo "ci/no-compiler.sh: $(wc -l <<<"$tree") crates, none of them a compiler; the artifact ran"
