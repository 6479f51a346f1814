//! Error messages for the command line. Input: an error of clap. Output: one line with the fix.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::peers;

/// Turns an error into one line. `argv` is the command line as typed, `command` its definition. `is_run` is true unless the
/// first word is another command.
pub(super) fn one_line(error: &clap::Error, argv: &[OsString], command: &Command, is_run: bool) -> String {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
    {
        return unknown(argument, argv, command, is_run);
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

/// Returns the message for an option or word that the command does not have.
fn unknown(argument: &str, argv: &[OsString], command: &Command, is_run: bool) -> String {
    if !argument.starts_with('-') {
        return format!("`{argument}` is one word too many");
    }
    let words = argv.get(1..).unwrap_or_default();
    let known = options(command, words);
    if let Some(similar) = similar(argument, &known) {
        return format!("there is no option `{argument}`, did you mean `{similar}`?");
    }
    if !is_run {
        return format!("there is no option `{argument}` here");
    }
    match peers::answer(argument, words) {
        Some((option, answer)) => format!("there is no option `{option}`: {answer}"),
        None => format!("there is no option `{argument}` (options of the guest come after the module)"),
    }
}

/// Returns the long options of the command that `words` begins with, in the form in which they are typed.
fn options(command: &Command, words: &[OsString]) -> Vec<String> {
    let mut command = command;
    for word in words {
        if let Some(below) = command.get_subcommands().find(|below| *word == *below.get_name()) {
            command = below;
        }
    }
    let longs = command.get_arguments().filter_map(clap::Arg::get_long);
    longs.map(|name| format!("--{name}")).collect()
}

/// Returns the option that was most likely meant: one that differs by a typing mistake or two, or the only one with this
/// beginning.
fn similar<'a>(typed: &str, options: &'a [String]) -> Option<&'a str> {
    let slips = match typed.trim_start_matches('-').len() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let distance = |option: &String| strsim::osa_distance(typed, option);
    let nearest = options.iter().min_by_key(|option| distance(option))?;
    if distance(nearest) <= slips {
        return Some(nearest);
    }
    let mut beginning = options.iter().filter(|option| option.starts_with(&format!("{typed}-")));
    match (beginning.next(), beginning.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}
