//! What was typed: argv in, a [`Request`] out. What the words mean is for `options`.
//!
//! Options come before the module; from the module on every word belongs to the guest, untouched and byte-exact, so
//! everything here is an [`OsString`]. The names and meanings of the options are frozen.

use std::ffi::{OsStr, OsString};

use clap::builder::styling::Styles;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, ValueHint};

use crate::exit::Status;
use crate::report::Failure;

/// First words that are commands of wrun, today or later. A file of such a name is reached as `./cache`.
const RESERVED: &[&str] = &["run", "compile", "cache", "inspect", "completions", "help"];

/// What is to be done.
pub(crate) enum Request {
    /// Print this to stdout: help, the version, a shell's completions.
    Print(Vec<u8>),
    /// Run a module.
    Run(Typed),
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
    override_usage = "wrun [run] [OPTIONS] MODULE [ARGS]...\n       wrun help | completions SHELL",
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

const ABOUT: &str = "\
Runs a WebAssembly/WASI program the way a shell runs a native one.

MODULE is a wasm file or its text format, or `-` for stdin. ARGS, all that comes after it, are the
program's own.";

const STATUSES: &str = "\
Exit status: the program's own (0 to 255); 134 it trapped; 124 the deadline passed; 127 there is no
such module; 126 the module cannot be run; 125 wrun failed, wrong usage included.
Environment: WRUN_LOG (else RUST_LOG) switches logs on, for example WRUN_LOG=debug.";

/// The reserved first words.
#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Run a module: what wrun does without a command
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
    #[command(hide = true, disable_help_flag = true)]
    Compile(Later),
    #[command(hide = true, disable_help_flag = true)]
    Cache(Later),
    #[command(hide = true, disable_help_flag = true)]
    Inspect(Later),
}

/// The words of a command that is reserved for a later version.
#[derive(clap::Args, Debug)]
struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<OsString>,
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
    /// Give the guest a directory, under its own name or another
    #[arg(long, value_name = "HOST[::GUEST]", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Vec<OsString>,

    /// Give the guest a directory for reading only
    #[arg(long, value_name = "HOST[::GUEST]", value_hint = ValueHint::DirPath)]
    pub(crate) dir_ro: Vec<OsString>,

    /// Set an environment variable of the guest; without a value, pass on wrun's own, if it is set
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<OsString>,

    /// Pass on the whole environment
    #[arg(long)]
    pub(crate) inherit_env: bool,

    /// The guest's argv[0] [default: the module's path as typed]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) argv0: Option<OsString>,

    /// What to do about imports that wrun does not know: refuse the module (error), trap when one is called (trap), or
    /// return zeros (zero)
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) unknown_imports: UnknownImports,

    /// The guest's stack: reserved, not committed [default: 8MiB]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(crate) stack_size: Option<OsString>,

    /// Leave the table of wasm offsets out: a smaller artifact, but backtraces have no offsets and no source lines
    #[arg(long)]
    pub(crate) no_address_map: bool,

    /// Call this export instead of `_start`, with ARGS as its arguments, and print its results, one per line
    #[arg(long, value_name = "FUNC", allow_hyphen_values = true)]
    pub(crate) invoke: Option<OsString>,

    /// End the guest when this time has passed since wrun started: 500ms, 5s, 1m
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(crate) epoch_timeout: Option<OsString>,
}

/// What happens with imports that nobody defines.
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
    let line = match CommandLine::try_parse_from(argv) {
        Ok(line) => line,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Request::Print(error.render().to_string().into_bytes()));
        }
        Err(error) => return Err(Failure::usage(&one_line(&error))),
    };
    match line.command {
        None => {
            if let Some(word) = line.run.command.first().and_then(|word| reserved(word)) {
                // clap takes a command's name after an option for a file's.
                return Err(Failure::usage(&format!(
                    "`{word}` is a command and comes first: write `wrun {word} …`, or `./{word}` for a file of that name"
                )));
            }
            typed(line.run)
        }
        Some(Command::Run(run)) => typed(run),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut CommandLine::command(), "wrun", &mut script);
            Ok(Request::Print(script))
        }
        Some(Command::Compile(_)) => Err(not_yet("compile")),
        Some(Command::Cache(_)) => Err(not_yet("cache")),
        Some(Command::Inspect(_)) => Err(not_yet("inspect")),
    }
}

fn typed(line: RunLine) -> Result<Request, Failure> {
    let RunLine { flags, command } = line;
    if command.is_empty() {
        return Err(Failure::usage("the module is missing: wrun [OPTIONS] MODULE [ARGS]..."));
    }
    Ok(Request::Run(Typed { flags, command }))
}

/// The reserved word that `word` is, if it is one.
fn reserved(word: &OsStr) -> Option<&'static str> {
    RESERVED.iter().copied().find(|reserved| word == *reserved)
}

fn not_yet(command: &str) -> Failure {
    Failure::new(
        Status::Failure,
        &format!("`wrun {command}` is not available yet, its name is reserved: for a file write `./{command}`"),
    )
}

/// A complaint of clap's as one line: without its prefix and usage, with its tips.
fn one_line(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
    {
        let similar = match error.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(similar)) => format!(", did you mean `{similar}`?"),
            _ => String::new(),
        };
        return format!("there is no option `{argument}`{similar} (options of the guest come after the module)");
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty());
    let parts: Vec<_> = lines.map(|line| line.strip_prefix("tip: ").unwrap_or(line)).collect();
    parts.join("; ").replace(":; ", ": ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    /// What came out, in a few words: the module and its arguments, or the message.
    fn outcome(words: &[&str]) -> Result<Vec<String>, String> {
        let argv = ["wrun"].iter().chain(words).map(OsString::from);
        match parse(argv) {
            Ok(Request::Run(typed)) => Ok(typed
                .command
                .into_iter()
                .map(|word| word.into_string().expect("typed here"))
                .collect()),
            Ok(Request::Print(_)) => Ok(vec!["printed".to_owned()]),
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
    fn wrong_usage_is_one_line_with_the_fix() {
        for (words, part) in [
            (&[][..], "the module is missing"),
            (&["--inherit-env"], "the module is missing"),
            (&["run"], "the module is missing"),
            (&["--dri", "x", "a.wasm"], "did you mean `--dir-ro`?"),
            (&["--frobnicate", "a.wasm"], "there is no option `--frobnicate`"),
            (&["-x", "a.wasm"], "there is no option `-x`"),
            (
                &["--unknown-imports", "maybe", "a.wasm"],
                "[possible values: error, trap, zero]",
            ),
            (&["--inherit-env=yes", "a.wasm"], "--inherit-env"),
            (&["--dir"], "a value is required for '--dir"),
            (&["--env", "A=b", "run", "a.wasm"], "`run` is a command and comes first"),
            (&["compile", "--help"], "`wrun compile` is not available yet"),
            (&["cache", "ls", "-x"], "`wrun cache` is not available yet"),
            (&["inspect"], "`wrun inspect` is not available yet"),
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
        ] {
            assert_eq!(outcome(words), Ok(vec!["printed".to_owned()]), "{words:?}");
        }
    }
}
