//! Logs for people: `WRUN_LOG`, else `RUST_LOG`, on stderr.
//!
//! When neither is set nothing is initialised, so that a run without logs pays nothing for them.

use log::LevelFilter;

/// Crates whose own logs are long and about themselves: their warnings only, unless a filter names them
/// (`WRUN_LOG=debug,cranelift_codegen=debug`).
const TALKATIVE: &[&str] = &["cranelift_codegen", "cranelift_frontend", "regalloc2"];

/// Starts logging if it was asked for.
pub(crate) fn start() {
    let Some(filters) = std::env::var_os("WRUN_LOG").or_else(|| std::env::var_os("RUST_LOG")) else {
        return;
    };
    let mut builder = env_logger::Builder::new();
    for name in TALKATIVE {
        builder.filter_module(name, LevelFilter::Warn);
    }
    builder.parse_filters(&filters.to_string_lossy()).init();
}
