//! `wrun completions SHELL`: makes a completion script for a shell from the definition of the options.
//!
//! The scripts for bash, zsh and fish are the files beside this one. All of them go through the typed words in the same way,
//! and treat every word from the module on as an argument of the guest. This file fills in their tables of options, commands,
//! values and operands. For other shells `clap_complete` makes the script.

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

/// A word to offer and its description.
type Entry = (String, String);

/// A command of wrun: one line of the tables.
struct Context {
    /// The words of the command, such as `cache ls`. Empty if no command or module was typed yet.
    name: String,
    options: Vec<Entry>,
    commands: Vec<Entry>,
    operand: Value,
}

/// The kind of an option's value or of an operand.
#[derive(Clone, PartialEq, Debug)]
enum Value {
    /// No value.
    None,
    /// One of these entries.
    Choice(Vec<Entry>),
    Directory,
    File,
    /// A wasm file or its text format.
    Module,
    /// A word that cannot be completed.
    Text,
}

/// Returns the script for `shell`. `command` is the definition of the whole command line.
pub(super) fn script(shell: Shell, mut command: Command) -> Vec<u8> {
    let (template, syntax) = match shell {
        Shell::Bash => (include_str!("wrun.bash"), BASH),
        Shell::Zsh => (include_str!("wrun.zsh"), ZSH),
        Shell::Fish => (include_str!("wrun.fish"), FISH),
        _ => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "wrun", &mut script);
            return script;
        }
    };
    command.build();
    let mut contexts = Vec::new();
    collect(&command, String::new(), &mut contexts);
    let table = |row: &dyn Fn(&Context) -> String| -> String {
        let rows = contexts.iter().filter_map(|context| {
            let row = row(context);
            (!row.is_empty()).then(|| syntax.case(&[&context.name], &row))
        });
        rows.collect::<Vec<_>>().join("\n")
    };
    let values: Vec<_> = values(&command)
        .into_iter()
        .map(|(names, value)| {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            syntax.case(&names, &syntax.value(&value))
        })
        .collect();
    template
        .replace("@OPTIONS@", &table(&|context| syntax.entries(&context.options)))
        .replace("@COMMANDS@", &table(&|context| syntax.entries(&context.commands)))
        .replace("@VALUES@", &values.join("\n"))
        .replace("@OPERANDS@", &table(&|context| syntax.value(&context.operand)))
        .into_bytes()
}

/// Appends `command`, whose words are `name`, and all its subcommands.
fn collect(command: &Command, name: String, contexts: &mut Vec<Context>) {
    // clap's own command `help` repeats all other commands. Their names are enough.
    let below = if command.get_name() == "help" {
        Vec::new()
    } else {
        command.get_subcommands().collect()
    };
    let options = command
        .get_opts()
        .chain(flags(command))
        .filter(|arg| !arg.is_hide_set());
    contexts.push(Context {
        options: options
            .flat_map(|arg| names(arg).into_iter().map(|name| (name, description(arg))))
            .collect(),
        commands: command.get_subcommands().map(entry).collect(),
        operand: command.get_positionals().next().map_or(Value::None, value),
        name: name.clone(),
    });
    for command in below {
        collect(
            command,
            format!("{name} {}", command.get_name()).trim().to_owned(),
            contexts,
        );
    }
}

fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.get_action().takes_values())
}

/// Returns the options that take a value, each with its names.
fn values(command: &Command) -> Vec<(Vec<String>, Value)> {
    let mut found: Vec<(Vec<String>, Value)> = Vec::new();
    let mut commands = vec![command];
    while let Some(command) = commands.pop() {
        for arg in command.get_opts() {
            let names = names(arg);
            if !found.iter().any(|(known, _)| *known == names) {
                found.push((names, value(arg)));
            }
        }
        commands.extend(command.get_subcommands());
    }
    found
}

/// Returns the names of an option, such as `--output` and `-o`.
fn names(arg: &Arg) -> Vec<String> {
    let long = arg.get_long().map(|name| format!("--{name}"));
    let short = arg.get_short().map(|name| format!("-{name}"));
    long.into_iter().chain(short).collect()
}

fn value(arg: &Arg) -> Value {
    let choices = arg.get_possible_values();
    if !choices.is_empty() {
        let entry = |value: &clap::builder::PossibleValue| {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            (value.get_name().to_owned(), help)
        };
        return Value::Choice(choices.iter().map(entry).collect());
    }
    match arg.get_value_hint() {
        ValueHint::DirPath => Value::Directory,
        // Modules are files of one kind.
        ValueHint::FilePath if arg.is_positional() => Value::Module,
        ValueHint::FilePath | ValueHint::AnyPath => Value::File,
        _ => Value::Text,
    }
}

fn entry(command: &Command) -> Entry {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    (command.get_name().to_owned(), about)
}

fn description(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

/// The syntax of the tables in a shell.
struct Syntax {
    case: fn(&[&str], &str) -> String,
    entries: fn(&[Entry]) -> String,
    kind: fn(&str, &[Entry]) -> String,
}

impl Syntax {
    fn case(&self, names: &[&str], body: &str) -> String {
        (self.case)(names, body)
    }

    fn entries(&self, entries: &[Entry]) -> String {
        if entries.is_empty() {
            String::new()
        } else {
            (self.entries)(entries)
        }
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::None => String::new(),
            Value::Choice(entries) => (self.kind)("choice", entries),
            Value::Directory => (self.kind)("directory", &[]),
            Value::File => (self.kind)("file", &[]),
            Value::Module => (self.kind)("module", &[]),
            Value::Text => (self.kind)("text", &[]),
        }
    }
}

const BASH: Syntax = Syntax {
    case: posix_case,
    entries: |entries| format!("words={}", posix(&words(entries).join(" "))),
    kind: |kind, entries| match entries {
        [] => format!("kind={kind}"),
        _ => format!("kind={kind} words={}", posix(&words(entries).join(" "))),
    },
};

const ZSH: Syntax = Syntax {
    case: posix_case,
    entries: zsh_entries,
    kind: |kind, entries| match entries {
        [] => format!("kind={kind}"),
        _ => format!("kind={kind} {}", zsh_entries(entries)),
    },
};

const FISH: Syntax = Syntax {
    case: |names, body| {
        let names: Vec<_> = names.iter().map(|name| fish(name)).collect();
        format!("        case {}\n            {body}", names.join(" "))
    },
    entries: |entries| {
        let entries = entries
            .iter()
            .map(|(word, help)| format!("{} {}", fish(word), fish(help)));
        format!("printf '%s\\t%s\\n' {}", entries.collect::<Vec<_>>().join(" "))
    },
    kind: |kind, entries| {
        let words = words(entries).into_iter().map(fish);
        let lines: Vec<_> = [kind.to_owned()].into_iter().chain(words).collect();
        format!("printf '%s\\n' {}", lines.join(" "))
    },
};

fn words(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|(word, _)| word.as_str()).collect()
}

fn zsh_entries(entries: &[Entry]) -> String {
    let entries = entries.iter().map(|(word, help)| posix(&format!("{word}:{help}")));
    format!("entries=({})", entries.collect::<Vec<_>>().join(" "))
}

fn posix_case(names: &[&str], body: &str) -> String {
    let names: Vec<_> = names.iter().map(|name| posix(name)).collect();
    format!("        {}) {body} ;;", names.join(" | "))
}

/// Quotes `text` for bash and zsh.
fn posix(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Quotes `text` for fish.
fn fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
