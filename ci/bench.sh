#!/usr/bin/env bash
# Benchmarks: compares wrun with wasmtime, wasmer, node and native code, as far as they are installed. RUNS (15) is the number
# of runs of each, WRUN the binary (default: a release build), ROWS a pattern of the rows to run (default: all).
set -euo pipefail
cd "$(dirname "$0")/.."

ci/install
if [ -z "${WRUN:-}" ]; then
    cargo build --release -p wrun
    WRUN=target/x86_64-unknown-linux-gnu/release/wrun
fi
ci/fetch-programs.sh
WRUN=$WRUN exec python3 ci/bench.py
