#!/usr/bin/env bash
# Checks that the release binary is a static-pie without shared libraries, and that a dynamically linked build works too.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
hello=$root/tests/guests/hello.wat

fail() {
    echo "ci/static-binary.sh: $*" >&2
    exit 1
}

cargo build --release -p wrun
binary=target/x86_64-unknown-linux-gnu/release/wrun
kind=$(file -b "$binary")
grep -q 'static-pie linked' <<<"$kind" || fail "$binary is not static-pie: $kind"
readelf -S -W "$binary" | grep '\.relr\.dyn' >/dev/null || fail "$binary has no packed relative relocations"
if readelf -d -W "$binary" | grep NEEDED; then
    fail "$binary needs shared libraries"
fi
said=$(env -i "$binary" "$hello")

# Outside of the repository cargo does not read `.cargo/config.toml`, which asks for static linking. Dependencies are not
# optimised, because this only tests that the build links and runs.
(cd / && cargo build --manifest-path "$root/Cargo.toml" -p wrun --target-dir "$root/target/dynamic" \
    --config 'profile.dev.package."*".opt-level=0')
dynamic=$(find target/dynamic -maxdepth 3 -name wrun -type f -path '*/debug/wrun')
kind=$(file -b "$dynamic")
grep -q 'dynamically linked' <<<"$kind" || fail "$dynamic is not dynamically linked: $kind"
[ "$("$dynamic" "$hello")" = "$said" ] || fail "the dynamic build prints something else than the static one"

echo "ci/static-binary.sh: static-pie of $(stat -c %s "$binary") bytes, and a dynamic build; both print: $said"
