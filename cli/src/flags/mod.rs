//! Parses the command line. Input: argv. Output: a [`Request`], with values as typed. `options` checks and interprets them.
//!
//! Options come before the module. From the module on every word is an argument of the guest and is passed on byte for byte, so
//! all values are [`OsString`]s. The names and meanings of the options are stable.
//!
//! An option has a short form only if the form is usual: `-h`, `-V`, `-e` for `--env` as in container tools, `-o` for
//! `--output` as in compilers. There is no `-d`, `-v` or `-i`, because they mean different things in different tools.

mod commands;
mod complaint;
mod completions;
mod peers;

use std::ffi::{OsStr, OsString};

use clap::builder::styling::Styles;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueHint};

pub(crate) use self::commands::{
    CacheAction, CacheFlags, CacheLine, CodegenFlags, CompileLine, Cpu, InspectLine, Mode,
};
use crate::report::Failure;

/// First words that are commands of wrun. A module with such a name is run as `./cache`.
const RESERVED: &[&str] = &["run", "compile", "cache", "inspect", "completions", "help"];

/// The request of the command line.
pub(crate) enum Request {
    /// Print this to stdout: help, the version, a shell's completions.
    Print(Vec<u8>),
    /// Run a module.
    Run(Typed),
    /// Compile a module to a file.
    Compile(CompileLine),
    /// Manage the cache.
    Cache(CacheLine),
    /// Describe a module.
    Inspect(InspectLine),
}

/// The options and the guest's words, as typed.
pub(crate) struct Typed {
    /// The options before the module.
    pub(crate) flags: RunFlags,
    /// The module's path, then the guest's arguments.
    pub(crate) command: Vec<OsString>,
}

/// The command line.
#[derive(Parser, Debug)]
#[command(
    name = "wrun",
    version,
    about = ABOUT,
    override_usage = "wrun [run] [OPTIONS] MODULE [ARGS]...\n       wrun compile | cache | inspect | completions | help ...",
    after_help = STATUSES,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    styles = Styles::plain(),
    max_term_width = 100
)]
struct CommandLine {
    #[command(flatten)]
    run: RunLine,

    #[command(subcommand)]
    command: Option<Command>,
}

/// A run without a command word, which is the usual case. Building this definition costs a fraction of building
/// [`CommandLine`], which is only built if this one refuses the command line.
#[derive(Parser, Debug)]
#[command(name = "wrun", args_override_self = true)]
struct RunAlone {
    #[command(flatten)]
    run: RunLine,
}

const ABOUT: &str = "\
Runs a WebAssembly/WASI program the way a shell runs a native one.

MODULE is a wasm file or its text format, or `-` for stdin. All words after it are the program's own
arguments.";

const STATUSES: &str = "\
Exit status: the program's own (0 to 255); 134 it trapped, or an exception left it; 124 the
deadline passed; 127 there is no such module; 126 the module cannot be run; 125 wrun failed, or the
command line is wrong.
Environment: WRUN_LOG (else RUST_LOG) switches logs on, for example WRUN_LOG=debug.";

/// The reserved first words.
#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Run a module: the default without a command
    #[command(
        override_usage = "wrun run [OPTIONS] MODULE [ARGS]...",
        after_help = STATUSES,
        args_override_self = true
    )]
    Run(RunLine),
    /// Print the completions of a shell: `source <(wrun completions bash)`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Compile a module to a file of native code, which `wrun --allow-precompiled` runs
    #[command(args_override_self = true)]
    Compile(CompileLine),
    /// List, verify and clean the cache of compiled modules
    #[command(args_override_self = true, arg_required_else_help = false)]
    Cache(CacheLine),
    /// Show the contents of a module: header, sections, imports, exports
    #[command(args_override_self = true)]
    Inspect(InspectLine),
}

/// Options, module and arguments.
#[derive(clap::Args, Debug)]
struct RunLine {
    #[command(flatten)]
    flags: RunFlags,

    /// The module, then the guest's arguments.
    #[arg(trailing_var_arg = true, hide = true, value_hint = ValueHint::FilePath)]
    command: Vec<OsString>,
}

/// The options of a run.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct RunFlags {
    /// Give the guest a directory or a single file, under its own name or another
    #[arg(long, value_name = "HOST[::GUEST]", value_hint = ValueHint::AnyPath, allow_hyphen_values = true)]
    pub(crate) dir: Vec<OsString>,

    /// Give the guest a directory or a single file for reading only
    #[arg(long, value_name = "HOST[::GUEST]", value_hint = ValueHint::AnyPath, allow_hyphen_values = true)]
    pub(crate) dir_ro: Vec<OsString>,

    /// Let the guest accept connections on an address: 127.0.0.1:8080, [::1]:8080 or unix:PATH
    #[arg(long, value_name = "ADDR", allow_hyphen_values = true)]
    pub(crate) listen: Vec<OsString>,

    /// Set an environment variable of the guest; without VALUE, pass on wrun's own, if it is set
    #[arg(short, long, value_name = "NAME[=VALUE]", allow_hyphen_values = true)]
    pub(crate) env: Vec<OsString>,

    /// Pass on all environment variables
    #[arg(long)]
    pub(crate) inherit_env: bool,

    /// The guest's argv[0] [default: the module's path as typed]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) argv0: Option<OsString>,

    /// The treatment of imports that wrun does not know: refuse the module (error), trap when one is called (trap), or
    /// return zeros (zero)
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) unknown_imports: UnknownImports,

    /// The guest's stack: reserved, not committed [default: 8MiB]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(crate) stack_size: Option<OsString>,

    /// Call this export instead of `_start`, with ARGS as its arguments, and print its results, one per line. A function
    /// without parameters finds ARGS in argv
    #[arg(long, value_name = "FUNC", allow_hyphen_values = true)]
    pub(crate) invoke: Option<OsString>,

    /// End the guest when this time has passed since the start of wrun: 500ms, 5s, 1m
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) epoch_timeout: Option<OsString>,

    /// The length of backtraces: the innermost 15 and outermost 5 frames (short, the default), all frames up to 64 (full), or
    /// none
    #[arg(long, value_name = "LENGTH", value_enum, hide_possible_values = true)]
    pub(crate) backtrace: Option<Backtrace>,

    /// Describe the compiled code to a profiler: perf (/tmp/perf-PID.map and /tmp/jit-PID.dump, with source lines)
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub(crate) profile: Option<Profile>,

    #[command(flatten)]
    pub(crate) codegen: CodegenFlags,

    /// Run MODULE even if it is native code from `wrun compile`: only for files that you trust like programs
    #[arg(long)]
    pub(crate) allow_precompiled: bool,

    #[command(flatten)]
    pub(crate) cache: CacheFlags,
}

/// The profiler of a run.
#[derive(clap::ValueEnum, Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Profile {
    /// Linux perf.
    Perf,
}

/// The length of backtraces.
#[derive(clap::ValueEnum, Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Backtrace {
    /// All frames that are known.
    Full,
    /// The innermost and the outermost ones.
    Short,
    /// No frame.
    None,
}

/// The treatment of unknown imports.
#[derive(clap::ValueEnum, Copy, Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum UnknownImports {
    /// The module is refused.
    #[default]
    Error,
    /// Calling one traps.
    Trap,
    /// Calling one returns zeros.
    Zero,
}

/// Reads argv.
pub(crate) fn parse(argv: impl Iterator<Item = OsString>) -> Result<Request, Failure> {
    let argv: Vec<OsString> = argv.collect();
    if let Some(typed) = without_options(&argv) {
        return Ok(Request::Run(typed));
    }
    let command = argv.get(1).and_then(|word| reserved(word));
    let is_run = command.is_none_or(|word| word == "run");
    let alone = match command {
        None => RunAlone::try_parse_from(&argv).ok(),
        Some(_) => None,
    };
    let whole = || match alone {
        Some(RunAlone { run }) => Ok(CommandLine { run, command: None }),
        None => CommandLine::try_parse_from(&argv),
    };
    let line = match whole() {
        Ok(line) => line,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Request::Print(error.render().to_string().into_bytes()));
        }
        Err(error) => {
            let mut command = CommandLine::command();
            // Without this call, global options are missing in the subcommands.
            command.build();
            let line = complaint::one_line(&error, &argv, &command, is_run);
            return Err(Failure::usage(&line));
        }
    };
    match line.command {
        None => {
            if let Some(word) = line.run.command.first().and_then(|word| reserved(word)) {
                // clap takes the name of a command after an option for the module.
                return Err(Failure::usage(&format!(
                    "`{word}` is a command and comes first: write `wrun {word} …`, or `./{word}` for a file of that name"
                )));
            }
            typed(line.run, &argv)
        }
        Some(Command::Run(run)) => typed(run, &argv),
        Some(Command::Completions { shell }) => Ok(Request::Print(completions::script(shell, CommandLine::command()))),
        Some(Command::Compile(line)) => Ok(Request::Compile(line)),
        Some(Command::Cache(line)) => Ok(Request::Cache(line)),
        Some(Command::Inspect(line)) => Ok(Request::Inspect(line)),
    }
}

/// Reads argv if the module comes first. Then there are no options, and no parser is built.
fn without_options(argv: &[OsString]) -> Option<Typed> {
    let module = argv.get(1)?;
    let is_module = reserved(module).is_none() && !module.as_encoded_bytes().starts_with(b"-");
    is_module.then(|| Typed {
        flags: RunFlags::default(),
        command: argv[1..].to_vec(),
    })
}

/// Returns the request of a run. Fails if there is no module.
fn typed(line: RunLine, argv: &[OsString]) -> Result<Request, Failure> {
    let RunLine { flags, command } = line;
    let options = &argv[1..argv.len() - command.len()];
    if let Some(word) = options.iter().find(|word| *word == "-env" || *word == "-env-inherit") {
        // clap would read this as `-e nv`.
        let option = if word == "-env" { "--env" } else { "--inherit-env" };
        return Err(Failure::usage(&format!(
            "there is no option `{}`, did you mean `{option}`?",
            word.display()
        )));
    }
    if command.is_empty() {
        return Err(Failure::usage("the module is missing: wrun [OPTIONS] MODULE [ARGS]..."));
    }
    Ok(Request::Run(Typed { flags, command }))
}

/// Returns the reserved word that `word` is, if it is one.
fn reserved(word: &OsStr) -> Option<&'static str> {
    RESERVED.iter().copied().find(|reserved| word == *reserved)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    /// Returns the module and its arguments, or the message.
    fn outcome(words: &[&str]) -> Result<Vec<String>, String> {
        let argv = ["wrun"].iter().chain(words).map(OsString::from);
        match parse(argv) {
            Ok(Request::Run(typed)) => Ok(typed
                .command
                .into_iter()
                .map(|word| word.into_string().expect("typed here"))
                .collect()),
            Ok(Request::Print(_)) => Ok(vec!["printed".to_owned()]),
            Ok(Request::Compile(_) | Request::Cache(_) | Request::Inspect(_)) => Ok(vec!["a command".to_owned()]),
            Err(failure) => Err(failure.text()),
        }
    }

    #[test]
    fn the_definition_of_the_options_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn from_the_module_on_every_word_belongs_to_the_guest() {
        for (words, command) in [
            (&["a.wasm"][..], &["a.wasm"][..]),
            (&["a.wasm", "--help"], &["a.wasm", "--help"]),
            (
                &["a.wasm", "-h", "--", "-x", "--dir"],
                &["a.wasm", "-h", "--", "-x", "--dir"],
            ),
            (&["a.wasm", "--"], &["a.wasm", "--"]),
            (&["a.wasm", "", "-"], &["a.wasm", "", "-"]),
            (
                &["--inherit-env", "a.wasm", "--inherit-env"],
                &["a.wasm", "--inherit-env"],
            ),
            (&["--", "--odd.wasm", "--", "x"], &["--odd.wasm", "--", "x"]),
            (&["-", "-"], &["-", "-"]),
            (&["run", "a.wasm", "run"], &["a.wasm", "run"]),
            (&["run", "--env", "A=b", "a.wasm", "--env"], &["a.wasm", "--env"]),
            (&["run", "cache"], &["cache"]),
            (&["./cache", "x"], &["./cache", "x"]),
            (&["a.wasm", "help"], &["a.wasm", "help"]),
            (&["a.wasm", "cache", "run"], &["a.wasm", "cache", "run"]),
        ] {
            let expected: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(outcome(words), Ok(expected), "{words:?}");
        }
    }

    #[test]
    fn a_module_that_comes_first_means_what_it_means_after_the_word_run() {
        for words in [
            &["a.wasm"][..],
            &["a.wasm", "--dir", "x", "--", "-"],
            &["", "x"],
            &["a b", ""],
        ] {
            let argv = |first: &[&str]| -> Vec<OsString> { first.iter().chain(words).map(OsString::from).collect() };
            let short = without_options(&argv(&["wrun"])).expect("it is a module");
            let Ok(Request::Run(whole)) = parse(argv(&["wrun", "run"]).into_iter()) else {
                panic!("{words:?} are a module and its arguments");
            };
            let debug = |typed: Typed| format!("{:?} {:?}", typed.flags, typed.command);
            assert_eq!(debug(short), debug(whole), "{words:?}");
        }
    }

    #[test]
    fn words_that_are_not_unicode_arrive_as_they_are() {
        let words: Vec<OsString> = [&b"wrun"[..], b"\xff.wasm", b"\xfe\n", b"--\xfd"]
            .iter()
            .map(|w| OsString::from_vec(w.to_vec()))
            .collect();
        let Ok(Request::Run(typed)) = parse(words.clone().into_iter()) else {
            panic!("these are a module and two arguments");
        };
        assert_eq!(typed.command, words[1..]);
    }

    #[test]
    fn the_last_of_an_option_counts_and_lists_add_up() {
        let words = [
            "wrun",
            "--argv0",
            "a",
            "--dir",
            "x",
            "--stack-size",
            "1M",
            "--argv0=b",
            "--dir=y",
            "--stack-size",
            "2M",
            "m",
        ];
        let Ok(Request::Run(typed)) = parse(words.iter().map(OsString::from)) else {
            panic!("repeated options are allowed");
        };
        assert_eq!(typed.flags.argv0, Some("b".into()));
        assert_eq!(typed.flags.stack_size, Some("2M".into()));
        assert_eq!(typed.flags.dir, ["x", "y"]);
    }

    #[test]
    fn values_of_every_option_may_begin_with_a_hyphen() {
        let options = [
            "--dir",
            "--dir-ro",
            "--listen",
            "--env",
            "-e",
            "--argv0",
            "--stack-size",
            "--invoke",
            "--epoch-timeout",
            "--cache-dir",
            "--cache-size",
        ];
        for option in options {
            for words in [&[option, "-A=1", "a.wasm"][..], &[&format!("{option}=-A=1"), "a.wasm"]] {
                let argv = ["wrun"].iter().chain(words).map(OsString::from);
                let Ok(Request::Run(typed)) = parse(argv) else {
                    panic!("{words:?} are a value and a module");
                };
                assert_eq!(typed.command, ["a.wasm"], "{words:?}");
                assert!(format!("{:?}", typed.flags).contains("\"-A=1\""), "{words:?}");
            }
        }
    }

    #[test]
    fn wrong_usage_is_one_line_with_the_fix() {
        for (words, part) in [
            (&[][..], "the module is missing"),
            (&["--inherit-env"], "the module is missing"),
            (&["run"], "the module is missing"),
            (&["--dri", "x", "a.wasm"], "did you mean `--dir`?"),
            (&["--stack", "1M", "a.wasm"], "did you mean `--stack-size`?"),
            (&["cache", "ls", "--jsom"], "did you mean `--json`?"),
            (&["--net", "a.wasm"], "there is no option `--net`: WASI preview 1"),
            (&["compile", "--net", "a.wasm"], "there is no option `--net` here"),
            (&["--frobnicate", "a.wasm"], "there is no option `--frobnicate`"),
            (&["-x", "a.wasm"], "there is no option `-x`"),
            (
                &["--unknown-imports", "maybe", "a.wasm"],
                "[possible values: error, trap, zero]",
            ),
            (&["--inherit-env=yes", "a.wasm"], "--inherit-env"),
            (&["--dir"], "a value is required for '--dir"),
            (&["--env", "A=b", "run", "a.wasm"], "`run` is a command and comes first"),
            (
                &["--cpu", "z80", "a.wasm"],
                "[possible values: native, x86-64-v2, x86-64-v3]",
            ),
            (
                &["--cache-mode", "x", "a.wasm"],
                "[possible values: read-write, read-only, require]",
            ),
            (&["compile", "a.wasm"], "--output <OUT>"),
            (&["compile", "-o", "x"], "<FILE>"),
            (&["cache"], "path, ls, stats"),
            (&["cache", "ls", "-x"], "there is no option `-x` here"),
            (&["cache", "frob"], "unrecognized subcommand 'frob'"),
            (&["cache", "key"], "<FILE>"),
            (&["inspect"], "<FILE>"),
            (&["inspect", "--no-cache", "run", "x"], "`x` is one word too many"),
            (&["completions"], "<SHELL>"),
            (&["completions", "nosuch"], "[possible values: bash"),
            (&["help", "nosuch"], "nosuch"),
        ] {
            let text = outcome(words).expect_err(&format!("{words:?}"));
            assert!(text.starts_with("wrun: ") && text.contains(part), "{words:?}: {text}");
            assert_eq!(text.lines().count(), 1, "{words:?}: {text}");
        }
    }

    #[test]
    fn commands_take_their_options_in_any_place() {
        for words in [
            &["compile", "a.wasm", "-o", "b", "--cpu", "x86-64-v2"][..],
            &["compile", "--output=b", "--no-address-map", "a.wasm"],
            &["cache", "--cache-dir", "d", "ls", "--json"],
            &["cache", "ls", "--cache-dir=d"],
            &["cache", "prune", "--cache-size", "1G", "--json"],
            &[
                "cache",
                "key",
                "--cpu=native",
                "a.wasm",
                "--no-address-map",
                "--deterministic",
            ],
            &["inspect", "a.wasm", "--json", "--cache-dir", "d"],
        ] {
            assert_eq!(outcome(words), Ok(vec!["a command".to_owned()]), "{words:?}");
        }
    }

    #[test]
    fn help_version_and_completions_are_printed() {
        for words in [
            &["--help"][..],
            &["-h"],
            &["help"],
            &["help", "run"],
            &["run", "--help"],
            &["--version"],
            &["-V"],
            &["completions", "bash"],
            &["compile", "--help"],
            &["help", "cache"],
            &["cache", "--help"],
            &["cache", "key", "--help"],
            &["inspect", "-h"],
        ] {
            assert_eq!(outcome(words), Ok(vec!["printed".to_owned()]), "{words:?}");
        }
    }
}
