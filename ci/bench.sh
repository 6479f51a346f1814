#!/usr/bin/env bash
# Benchmarks: wrun beside wasmtime, wasmer, node and native code, those that are there. RUNS (15) is how often each is run,
# WRUN the binary (default: a release build), ROWS a pattern of the rows to run (default: all).
set -euo pipefail
cd "$(dirname "$0")/.."

ci/install
if [ -z "${WRUN:-}" ]; then
    cargo build --release -p wrun
    WRUN=target/x86_64-unknown-linux-gnu/release/wrun
fi
ci/fetch-programs.sh
WRUN=$WRUN exec python3 ci/bench.py
