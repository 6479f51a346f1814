//! Options of other runners. Input: an option that wrun does not have. Output: the option that does the same, or the reason why
//! there is none.
//!
//! The names are those of wasmtime, wasmer, WasmEdge, wazero, iwasm, wasmi and toywasm, and of container tools.

use std::ffi::OsString;

/// Names of options, and the answer to each of them.
type Answer = (&'static [&'static str], &'static str);

const DIRECTORY: &str = "`--dir HOST::GUEST` gives a directory under another name, `--dir-ro` for reading only";
const TIMEOUT: &str = "`--epoch-timeout 5s` ends the program after a time";
const LISTEN: &str = "`--listen ADDR` lets the program accept connections";
const NETWORK: &str = "WASI preview 1 cannot open connections; `--listen ADDR` lets the program accept them";
const FUEL: &str = "wrun does not count instructions; `--epoch-timeout 5s` ends the program after a time";
const MEMORY: &str = "wrun has no limit for a program's memory; `ulimit -v` in the shell limits the process";
const STACK: &str = "`--stack-size SIZE` sets the program's stack";
const LINKING: &str = "wrun runs one module; link the others into it when it is built";
const LOGS: &str = "the variable WRUN_LOG switches logs on: `WRUN_LOG=debug wrun ...`";
const INVOKE: &str = "`--invoke FUNC` calls an exported function";
const INHERIT: &str = "`--inherit-env` passes on the whole environment";
const PROPOSALS: &str = "wrun has no switch for it: the proposals that wrun supports are always on";
const COMPILER: &str = "wrun has one compiler, which always optimises";
const WASI: &str = "WASI preview 1 is always there";
const CACHE_DIR: &str = "`--cache-dir DIR` or the variable WRUN_CACHE_DIR names the cache's directory";
const NO_CACHE: &str = "`--no-cache` neither uses nor fills the cache";
const BACKTRACE: &str = "`--backtrace full` shows all frames that a backtrace has";
const CORE_DUMP: &str =
    "wrun writes no core dump of a program; `--backtrace full` shows all frames that a backtrace has";
const TRAP: &str = "`--unknown-imports trap` traps when an import that wrun does not know is called";
const ZERO: &str = "`--unknown-imports zero` returns zeros from imports that wrun does not know";
const DETERMINISTIC: &str = "`--deterministic` makes relaxed vector instructions and NaNs the same on every CPU";
const DEFAULT_DENY: &str = "a program may use only what `--dir`, `--dir-ro`, `--listen` and `--env` give it";

const ANSWERS: &[Answer] = &[
    (
        &[
            "--mapdir",
            "--map-dir",
            "--volume",
            "--mount",
            "-mount",
            "--wasi-dir",
            "--preopen",
            "--bind",
        ],
        DIRECTORY,
    ),
    (
        &["-v"],
        "`--dir HOST::GUEST` gives a directory, and WRUN_LOG=debug in the environment switches logs on",
    ),
    (&["-d"], "`--dir HOST[::GUEST]` gives a directory; it has no short form"),
    (
        &["--no-dir"],
        "a program has no directory unless `--dir` or `--dir-ro` gives it one",
    ),
    (
        &["--readonly", "--read-only", "--ro"],
        "`--dir-ro HOST[::GUEST]` gives a directory for reading only",
    ),
    (
        &["--cwd", "--workdir", "--pwd", "--chdir", "-w"],
        "the guest's `.` is its working directory: `--dir PATH::.`",
    ),
    (&["--timeout", "-timeout", "--time-limit", "--wasm-timeout"], TIMEOUT),
    (
        &[
            "--fuel",
            "--gas",
            "--gas-limit",
            "--enable-gas-measuring",
            "--enable-metering",
        ],
        FUEL,
    ),
    (
        &[
            "--net",
            "--network",
            "--inherit-network",
            "--addr-pool",
            "--allow-ip-name-lookup",
            "--ns-lookup-pool",
        ],
        NETWORK,
    ),
    (
        &["--tcplisten", "--tcp-listen", "--listenfd", "--listen-fd", "-listen"],
        LISTEN,
    ),
    (
        &["--env-file", "--envfile"],
        "wrun does not read variables from a file; `--env NAME` passes on a variable of the shell's",
    ),
    (
        &[
            "--forward-host-env",
            "--env-inherit",
            "--inherit-environment",
            "--wasi-inherit-env",
        ],
        INHERIT,
    ),
    (&["--wasi-env"], "`--env NAME=VALUE` sets a variable, `-e` for short"),
    (
        &[
            "--preload",
            "--use",
            "--module",
            "--module-path",
            "--native-lib",
            "--load",
            "--register",
            "--dyld",
        ],
        LINKING,
    ),
    (
        &[
            "--max-memory-size",
            "--memory-limit",
            "--memory-page-limit",
            "--max-memory",
            "--heap-size",
            "--memory",
            "-m",
        ],
        MEMORY,
    ),
    (&["--max-wasm-stack", "--stack-limit", "--max-stack-size"], STACK),
    (
        &[
            "--verbose",
            "--log",
            "--log-level",
            "--debug",
            "--trace",
            "--hostlogging",
            "-vv",
            "-vvv",
        ],
        LOGS,
    ),
    (
        &["--quiet", "-q", "--silent"],
        "wrun prints nothing of its own unless something goes wrong",
    ),
    (
        &[
            "-i",
            "-f",
            "--entry",
            "--entrypoint",
            "--entry-point",
            "--reactor",
            "--function",
        ],
        INVOKE,
    ),
    (
        &["--repl"],
        "wrun has no interactive mode; `--invoke FUNC` calls one exported function",
    ),
    (&["--disable-cache", "--nocache"], NO_CACHE),
    (&["--cachedir", "-cachedir", "--cache-path"], CACHE_DIR),
    (
        &["--cache"],
        "the cache is always used, unless `--no-cache` says otherwise",
    ),
    (
        &["--config"],
        "wrun reads no file of settings; WRUN_CACHE_DIR names the cache's directory",
    ),
    (&["--trap-unknown-imports", "--allow-unresolved-functions"], TRAP),
    (&["--default-values-unknown-imports"], ZERO),
    (&["--max-backtrace"], BACKTRACE),
    (&["--coredump", "--coredump-on-trap", "--enable-coredump"], CORE_DUMP),
    (
        &["--target"],
        "wrun makes code for x86-64 Linux; `--cpu x86-64-v2` names the least CPU that it has to run on",
    ),
    (
        &[
            "--compiler",
            "--interpreter",
            "-interpreter",
            "--cranelift",
            "--singlepass",
            "--llvm",
            "--jit",
            "--force-interpreter",
        ],
        COMPILER,
    ),
    (&["--optimize", "--opt-level", "--run-mode"], COMPILER),
    (&["--wasi", "--wasi-modules", "--wasi-version"], WASI),
    (
        &[
            "--wasm-features",
            "--wasm",
            "--enable-all",
            "--all-proposals",
            "--proposals",
        ],
        PROPOSALS,
    ),
    (
        &[
            "--stats",
            "--statistics",
            "--enable-all-statistics",
            "--print-stats",
            "--time",
        ],
        "the log says how long each phase took: `WRUN_LOG=debug wrun ...`",
    ),
    (
        &["--debug-info", "-g"],
        "backtraces show source lines when the module has debug information",
    ),
];

/// Prefixes of names, and the answer to all names that begin with one.
const PREFIXES: &[(&str, &str)] = &[
    ("--allow-", DEFAULT_DENY),
    ("--deny-", DEFAULT_DENY),
    ("--enable-", PROPOSALS),
    ("--disable-", PROPOSALS),
    ("--max-memory", MEMORY),
];

/// An option of wasmtime that takes settings, as in `-W timeout=5s`.
struct Group {
    names: [&'static str; 2],
    settings: &'static [Answer],
    otherwise: &'static str,
}

const GROUPS: &[Group] = &[
    Group {
        names: ["-W", "--wasm"],
        settings: &[
            (&["timeout"], TIMEOUT),
            (&["fuel"], FUEL),
            (&["max-memory-size", "max-memories", "max-table-elements"], MEMORY),
            (&["max-wasm-stack"], STACK),
            (&["unknown-imports-trap", "trap-unknown-imports"], TRAP),
            (&["unknown-imports-default"], ZERO),
            (&["relaxed-simd-deterministic", "nan-canonicalization"], DETERMINISTIC),
        ],
        otherwise: PROPOSALS,
    },
    Group {
        names: ["-S", "--wasi"],
        settings: &[
            (&["inherit-env"], INHERIT),
            (&["tcplisten", "listenfd"], LISTEN),
            (
                &["inherit-network", "tcp", "udp", "allow-ip-name-lookup", "http"],
                NETWORK,
            ),
            (&["cwd"], "the guest's `.` is its working directory: `--dir PATH::.`"),
            (&["threads"], "wrun does not run programs with threads yet"),
            (&["preview2", "p3"], "wrun runs WASI preview 1, no components yet"),
        ],
        otherwise: WASI,
    },
    Group {
        names: ["-C", "--codegen"],
        settings: &[(&["cache"], NO_CACHE), (&["cache-config"], CACHE_DIR)],
        otherwise: COMPILER,
    },
    Group {
        names: ["-O", "--optimize"],
        settings: &[],
        otherwise: COMPILER,
    },
    Group {
        names: ["-D", "--debug"],
        settings: &[
            (&["max-backtrace"], BACKTRACE),
            (&["coredump"], CORE_DUMP),
            (
                &["debug-info", "address-map"],
                "backtraces show source lines when the module has debug information",
            ),
        ],
        otherwise: LOGS,
    },
];

/// Returns the answer for `option`, which wrun does not have, and the option as it was typed, without a value. clap gives
/// `option` without its value, and `-mount` as `-m`, so the typed form is looked up in `words`, the words of the command line.
pub(super) fn answer(option: &str, words: &[OsString]) -> Option<(String, &'static str)> {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let typed = words.find(|word| word.starts_with(option))?;
    let next = words.next().unwrap_or_default();
    if let Some(group) = GROUPS.iter().find(|group| group.names[0] == option) {
        let attached = &typed[option.len()..];
        let settings = if attached.is_empty() { &*next } else { attached };
        return Some((option.to_owned(), setting(group, settings)));
    }
    if let Some(group) = GROUPS
        .iter()
        .find(|group| group.names[1] == option && next.contains('='))
    {
        return Some((option.to_owned(), setting(group, &next)));
    }
    let name = typed.split('=').next().unwrap_or_default();
    let known = |name: &str| {
        let (_, answer) = ANSWERS.iter().find(|(names, _)| names.contains(&name))?;
        Some(*answer)
    };
    let prefixed = || {
        let (_, answer) = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix))?;
        Some(*answer)
    };
    match known(name).or_else(prefixed) {
        Some(answer) => Some((name.to_owned(), answer)),
        // A short option with its value attached.
        None => known(option).map(|answer| (option.to_owned(), answer)),
    }
}

/// Returns the answer for the first setting of a group, as in `timeout=5s,fuel=1`.
fn setting(group: &Group, settings: &str) -> &'static str {
    let name = settings.split([',', '=']).next().unwrap_or_default();
    let known = group.settings.iter().find(|(names, _)| names.contains(&name));
    known.map_or(group.otherwise, |(_, answer)| answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the answer for the first of the words.
    fn told(option: &str, words: &[&str]) -> Option<(String, &'static str)> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        answer(option, &words)
    }

    #[test]
    fn an_option_is_named_as_it_was_typed() {
        for (option, words, name) in [
            ("-m", &["-mount=a:b", "x.wasm"][..], "-mount"),
            ("-m", &["-m64", "x.wasm"], "-m"),
            ("-t", &["-timeout", "5s", "x.wasm"], "-timeout"),
            ("--mapdir", &["--mapdir=a:b", "x.wasm"], "--mapdir"),
            ("-S", &["-Sinherit-env", "x.wasm"], "-S"),
        ] {
            assert_eq!(told(option, words).expect(option).0, name, "{words:?}");
        }
        assert_eq!(told("--frobnicate", &["--frobnicate", "x.wasm"]), None);
        assert_eq!(told("-z", &["-zap", "x.wasm"]), None);
    }

    #[test]
    fn a_group_is_answered_by_its_first_setting() {
        for (words, answer) in [
            (&["-W", "timeout=5s,fuel=3", "x.wasm"][..], TIMEOUT),
            (&["-Wfuel=3", "x.wasm"], FUEL),
            (&["-W", "all-proposals", "x.wasm"], PROPOSALS),
            (&["-C", "cache=n", "x.wasm"], NO_CACHE),
            (&["-S"], WASI),
        ] {
            assert_eq!(told(&words[0][..2], words).expect("a group").1, answer, "{words:?}");
        }
    }

    #[test]
    fn each_name_has_one_answer() {
        let mut names: Vec<_> = ANSWERS.iter().flat_map(|(names, _)| *names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
