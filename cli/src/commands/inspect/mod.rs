//! `wrun inspect FILE`: describes a module. For a wasm file that can be compiled, it describes the compiled module that a run
//! would use. For a refused component or core module, it describes the wasm file and gives the reason of the refusal.

mod compiled;
mod refused;

use std::fmt::Write;

use serde_json::Value;
use wrun_runtime::{
    CacheKey, CompileError, Declarations, Description, Engine, Error, ExceptionForm, Inspection, MemoryMode, Module,
    describe, inspect as inspect_artifact,
};

use crate::exit::Status;
use crate::flags::InspectLine;
use crate::input::{Input, NoModule};
use crate::options::Options;
use crate::report::{Action, Failure, printable};
use crate::run::preflight;

/// Prints the description of the file.
pub(crate) fn inspect(line: InspectLine) -> Result<Status, Failure> {
    let InspectLine {
        json,
        codegen,
        cache,
        file,
    } = line;
    let as_run = super::options(Action::Run, file.clone(), codegen.clone(), super::without_cache())?;
    let options = super::options(Action::Inspect, file, codegen, cache)?;
    options.codegen.check_machine()?;
    let found = look(&options, &as_run)?;
    let source = options.module.to_string();
    if json {
        super::print(true, &found.value(&source), String::new)
    } else {
        super::print(false, &Value::Null, || found.words(&source))
    }
}

/// Description of a file.
enum Found {
    /// It is a compiled module.
    Compiled(Inspection),
    /// It is a wasm file that can be compiled.
    Wasm {
        /// Its key in the cache.
        key: String,
        /// The compiled module that a run makes of it.
        inspection: Inspection,
        /// The form of exceptions that its code uses. (A compiled module does not show it.)
        exceptions: ExceptionForm,
        /// Message of a run without options, if it refuses the module: it may lack `_start`.
        refused: Option<String>,
    },
    /// It is a wasm file that wrun refuses.
    Refused(Refused),
}

/// A wasm file that wrun refuses.
struct Refused {
    /// Its key in the cache.
    key: String,
    description: Description,
    /// The unsupported proposals that it needs, as far as they could be determined.
    proposals: Vec<&'static str>,
    /// Message of a run.
    reason: String,
}

impl Found {
    /// Returns the description as JSON.
    fn value(&self, source: &str) -> Value {
        match self {
            Self::Compiled(inspection) => compiled::value(source, None, inspection),
            Self::Wasm {
                key,
                inspection,
                exceptions,
                refused,
            } => compiled::value(source, Some((key, *exceptions, refused.as_deref())), inspection),
            Self::Refused(found) => refused::value(source, found),
        }
    }

    /// Returns the description as text.
    fn words(&self, source: &str) -> String {
        match self {
            Self::Compiled(inspection) => compiled::words(source, None, inspection),
            Self::Wasm {
                key,
                inspection,
                exceptions,
                refused,
            } => compiled::words(source, Some((key, *exceptions, refused.as_deref())), inspection),
            Self::Refused(found) => refused::words(source, found),
        }
    }
}

/// Reads a file and describes it. `as_run` holds the options of a run of this file.
fn look(options: &Options, as_run: &Options) -> Result<Found, Failure> {
    let report = options.reporter();
    let inspect = |bytes: &[u8]| inspect_artifact(bytes).map_err(|stale| report.cannot_run(&stale.to_string()));
    let input = Input::open(options, None)?;
    if let Some(bytes) = input.artifact_bytes()? {
        return Ok(Found::Compiled(inspect(bytes)?));
    }
    let engine = Engine::new(&options.config(MemoryMode::Guarded)).map_err(|error| report.failure(&error))?;
    let wasm = input.wasm()?.0;
    let key = CacheKey::of(&engine, wasm).to_string();
    let refused = |error: Refusal| match describe(wasm) {
        Ok(description) => Ok(Found::Refused(Refused {
            key: key.clone(),
            description,
            proposals: error.proposals(&engine, wasm),
            reason: error.line(as_run),
        })),
        Err(error) => Err(report.failure(&error.into())),
    };
    let declared = match Declarations::read(wasm) {
        Ok(declared) => declared,
        Err(Error::Compile(error)) => return refused(Refusal::Compile(error)),
        Err(error) => return Err(report.failure(&error)),
    };
    if let Err(failure) = preflight::check_imports(as_run, &declared) {
        return refused(Refusal::Run(failure));
    }
    let module = match input.known(&engine)? {
        Some(module) => Ok(module),
        None => input.read_and_compile(&engine, |_| Ok(())),
    };
    match module {
        Ok(module) => Ok(Found::Wasm {
            refused: preflight::check(as_run, &declared)
                .err()
                .map(|failure| failure.line().to_owned()),
            inspection: inspect(module.serialize())?,
            exceptions: describe(wasm)
                .map_err(|error| report.failure(&error.into()))?
                .exceptions,
            key,
        }),
        Err(NoModule::Error(Error::Compile(error))) if error.is_about_the_module() => refused(Refusal::Compile(error)),
        Err(no) => Err(no.failure(&report)),
    }
}

/// The reason why a wasm file is refused.
enum Refusal {
    Compile(CompileError),
    Run(Failure),
}

impl Refusal {
    /// Returns the message of a run.
    fn line(&self, as_run: &Options) -> String {
        match self {
            Self::Compile(error) => as_run.reporter().failure(&error.clone().into()).line().to_owned(),
            Self::Run(failure) => failure.line().to_owned(),
        }
    }

    /// Returns all proposals that are needed. (A run that is refused because of a section before the code names only the
    /// proposals of the sections.)
    fn proposals(&self, engine: &Engine, wasm: &[u8]) -> Vec<&'static str> {
        let found = match (Module::proposals(engine, wasm), self) {
            (Ok(found), _) => found,
            (Err(_), Self::Compile(CompileError::Unsupported { proposals, .. })) => proposals.clone(),
            (Err(_), _) => Vec::new(),
        };
        found.iter().map(|proposal| proposal.0).collect()
    }
}

/// The number of functions in the text.
const SHOWN_FUNCTIONS: usize = 10;

/// Adds a line to the text.
fn line(text: &mut String, line: &str) {
    writeln!(text, "{}", printable(line)).expect("writing to a string does not fail");
}

/// Adds a line for each of the largest functions, the largest first: index, size in bytes, offset and name.
fn function_lines<'a>(text: &mut String, functions: impl Iterator<Item = (u32, u64, u64, Option<&'a str>)>) {
    let mut functions: Vec<_> = functions.collect();
    functions.sort_by_key(|(index, bytes, ..)| (std::cmp::Reverse(*bytes), *index));
    for (index, bytes, offset, name) in functions.iter().take(SHOWN_FUNCTIONS) {
        let name = name.unwrap_or("-");
        line(
            text,
            &format!("function      {index:>6} {bytes:>12} bytes at {offset:#x} {name}"),
        );
    }
    if let Some(more) = functions.len().checked_sub(SHOWN_FUNCTIONS).filter(|more| *more > 0) {
        line(
            text,
            &format!("function      {more} smaller ones: `wrun inspect --json` lists all"),
        );
    }
}
