//! Logs on stderr, with the filter in `WRUN_LOG`, or else in `RUST_LOG`.
//!
//! If neither variable is set, nothing is initialised, so a run without logs pays nothing for them.

use env_logger::Target;
use log::LevelFilter;

use super::notice;
use crate::output::Stderr;

/// Crates with long internal logs. Only their warnings are shown, unless the filter names them
/// (`WRUN_LOG=debug,cranelift_codegen=debug`).
const TALKATIVE: &[&str] = &["cranelift_codegen", "cranelift_frontend", "regalloc2"];

/// Starts logging if a variable is set. For an invalid filter it prints a notice, and the run continues.
pub(crate) fn start() {
    let find = |variable| Some((variable, std::env::var_os(variable)?));
    let Some((variable, filters)) = find("WRUN_LOG").or_else(|| find("RUST_LOG")) else {
        return;
    };
    let filters = filters.to_string_lossy();
    if let Err(error) = env_filter::Builder::new().try_parse(&filters) {
        let text = format!("notice: {variable}: {error}: nothing is logged; write for example debug, or wrun=debug");
        notice(&text);
        return;
    }
    let mut builder = env_logger::Builder::new();
    for name in TALKATIVE {
        builder.filter_module(name, LevelFilter::Warn);
    }
    // env_logger's own target would wait for a full pipe past the deadline.
    builder.target(Target::Pipe(Box::new(Stderr)));
    builder.parse_filters(&filters).init();
}
