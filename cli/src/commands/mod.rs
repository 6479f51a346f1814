//! The commands that run no guest. Each takes its arguments as typed and prints its result.
//!
//! The default output is text for people. With `--json` it is one JSON object or array and a newline. The names of fields are
//! stable, and later versions may add fields.

mod cache;
mod compile;
mod inspect;

pub(crate) use cache::cache;
pub(crate) use compile::compile;
pub(crate) use inspect::inspect;

use std::ffi::OsString;

use serde_json::Value;
use wrun_runtime::CpuFeatures;

use crate::exit::Status;
use crate::flags::{CacheFlags, CodegenFlags, RunFlags};
use crate::options::Options;
use crate::report::{self, Action, Failure};

/// Returns the options of a run of `file` without arguments, for the action `action` instead of the run.
fn options(action: Action, file: OsString, codegen: CodegenFlags, cache: CacheFlags) -> Result<Options, Failure> {
    let flags = RunFlags {
        codegen,
        cache,
        ..RunFlags::default()
    };
    let options = Options::new(flags, vec![file])?;
    Ok(Options { action, ..options })
}

/// Returns the cache options for a command that does not use the cache.
fn without_cache() -> CacheFlags {
    CacheFlags {
        no_cache: true,
        ..CacheFlags::default()
    }
}

/// Prints `value` as JSON, or `words` if `json` is false.
fn print(json: bool, value: &Value, words: impl FnOnce() -> String) -> Result<Status, Failure> {
    let text = if json { format!("{value:#}\n") } else { words() };
    report::to_stdout(text.as_bytes())
}

/// Returns the names of CPU features.
fn features(cpu: CpuFeatures) -> Value {
    let features = CpuFeatures::KNOWN.iter().filter(|(feature, _)| cpu.contains(*feature));
    features.map(|(_, name)| *name).collect()
}

/// Converts `text` for JSON, which is Unicode.
fn lossy(text: impl AsRef<std::ffi::OsStr>) -> Value {
    Value::from(text.as_ref().to_string_lossy())
}
