//! Logs for people: `WRUN_LOG`, else `RUST_LOG`, on stderr.
//!
//! If neither variable is set, nothing is initialised: a run without logs pays nothing for them.

use env_logger::Target;
use log::LevelFilter;

use super::notice;
use crate::output::Stderr;

/// Crates whose own logs are long and about themselves: their warnings only, unless a filter names them
/// (`WRUN_LOG=debug,cranelift_codegen=debug`).
const TALKATIVE: &[&str] = &["cranelift_codegen", "cranelift_frontend", "regalloc2"];

/// Starts logging if a variable is set. A filter that means nothing gets a notice, and the run goes on.
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
    // Not env_logger's own way to stderr, which waits for a full pipe whatever the deadline.
    builder.target(Target::Pipe(Box::new(Stderr)));
    builder.parse_filters(&filters).init();
}
