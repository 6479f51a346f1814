//! The commands that run no guest: each takes its words as typed, and prints what was asked for.
//!
//! For people by default, as JSON with `--json`: one object or array, and a newline. Names of fields are frozen as options
//! are; more may come.

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

/// The options of a run of `file` without a guest's, when this is to be done with it instead.
fn options(action: Action, file: OsString, codegen: CodegenFlags, cache: CacheFlags) -> Result<Options, Failure> {
    let flags = RunFlags {
        codegen,
        cache,
        ..RunFlags::default()
    };
    let options = Options::new(flags, vec![file])?;
    Ok(Options { action, ..options })
}

/// The options about the cache of a command that has nothing to do with it.
fn without_cache() -> CacheFlags {
    CacheFlags {
        no_cache: true,
        ..CacheFlags::default()
    }
}

/// Prints `value`, or the same in words.
fn print(json: bool, value: &Value, words: impl FnOnce() -> String) -> Result<Status, Failure> {
    let text = if json { format!("{value:#}\n") } else { words() };
    report::to_stdout(text.as_bytes())
}

/// The names of CPU features.
fn features(cpu: CpuFeatures) -> Value {
    let features = CpuFeatures::KNOWN.iter().filter(|(feature, _)| cpu.contains(*feature));
    features.map(|(_, name)| *name).collect()
}

/// `text` as it goes into JSON, which is Unicode.
fn lossy(text: impl AsRef<std::ffi::OsStr>) -> Value {
    Value::from(text.as_ref().to_string_lossy())
}
