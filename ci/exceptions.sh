#!/usr/bin/env bash
# Compiles the C and C++ programs of tests/guests/exceptions/ with clang from npm, in both forms of exceptions, and compares their
# output and status with those of native builds. WRUN is the binary to test. Without it a release build is made. Without node, npm
# or g++ the script says so and does nothing, except in CI, where it fails.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in node npm g++; do
    command -v $tool >/dev/null && continue
    echo "skipped: there is no $tool" >&2
    [ -z "${CI:-}" ]
    exit
done
ci/fetch-programs.sh
if [ -z "${WRUN:-}" ]; then
    cargo build --release -p wrun
    WRUN=target/x86_64-unknown-linux-gnu/release/wrun
fi

guests=tests/guests/exceptions
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node $guests/build.mjs "$PWD/target/programs/yowasp-clang-22.0.0-git20542-10" "$work" >/dev/null

failed=0
for source in setjmp.c exceptions.cc uncaught.cc; do
    program=${source%.*}
    g++ -O1 -w -x "$([[ $source == *.cc ]] && echo c++ || echo c)" $guests/$source -o "$work/$program"
    expected=0
    { "$work/$program" >"$work/expected"; } 2>/dev/null || expected=$?
    for module in "$work/$program"-*.wasm; do
        actual=0
        "$WRUN" --no-cache "$module" >"$work/actual" 2>"$work/stderr" || actual=$?
        if [ $actual -eq $expected ] && cmp -s "$work/actual" "$work/expected"; then
            echo "ok     $(basename "$module" .wasm), status $actual"
        else
            failed=$((failed + 1))
            echo "FAILED $(basename "$module" .wasm): status $actual (expected $expected)"
            diff "$work/expected" "$work/actual" | head -n 10
            cat "$work/stderr"
        fi
    done
done
grep -q '^wrun: uncaught exception: ' "$work/stderr" || { failed=$((failed + 1)); echo 'FAILED uncaught: no message'; }
echo "ci/exceptions.sh: $failed failed"
[ "$failed" -eq 0 ]
