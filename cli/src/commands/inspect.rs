//! `wrun inspect FILE`: what a compiled module holds. Of a wasm file, the compiled module that a run would use is shown.

use std::cmp::Reverse;
use std::fmt::Write;

use serde_json::{Value, json};
use wrun_runtime::{CacheKey, Engine, Inspection, MemoryMode, inspect as inspect_artifact};

use crate::exit::Status;
use crate::flags::InspectLine;
use crate::input::Input;
use crate::options::{Options, Source};
use crate::report::{Action, Failure, printable, quantity};

/// Prints what the file holds.
pub(crate) fn inspect(line: InspectLine) -> Result<Status, Failure> {
    let InspectLine {
        json,
        codegen,
        cache,
        file,
    } = line;
    let options = super::options(Action::Inspect, file, codegen, cache)?;
    options.codegen.check_machine()?;
    let found = look(&options)?;
    if json {
        super::print(true, &value(&options.module, &found), String::new)
    } else {
        super::print(false, &Value::Null, || words(&options.module, &found))
    }
}

/// The contents of a file.
struct Found {
    /// The key of a wasm file in the cache; `None` for a compiled module.
    key: Option<String>,
    /// The contents of the compiled module, or of the one that a run makes of the wasm file.
    inspection: Inspection,
}

fn look(options: &Options) -> Result<Found, Failure> {
    let report = options.reporter();
    let inspect = |bytes: &[u8]| inspect_artifact(bytes).map_err(|stale| report.cannot_run(&stale.to_string()));
    let input = Input::open(options, None)?;
    if let Some(bytes) = input.artifact_bytes()? {
        let (key, inspection) = (None, inspect(bytes)?);
        return Ok(Found { key, inspection });
    }
    let engine = Engine::new(&options.config(MemoryMode::Guarded)).map_err(|error| report.failure(&error))?;
    let module = match input.known(&engine)? {
        Some(module) => module,
        None => input.read_and_compile(&engine).map_err(|no| no.failure(&report))?,
    };
    Ok(Found {
        key: Some(CacheKey::of(&engine, input.wasm()?.0).to_string()),
        inspection: inspect(module.serialize())?,
    })
}

fn memory(mode: MemoryMode) -> &'static str {
    match mode {
        MemoryMode::Guarded => "guarded",
        MemoryMode::Checked => "checked",
    }
}

fn value(source: &Source, Found { key, inspection: found }: &Found) -> Value {
    let imports = found.imports.iter();
    let exports = found.exports.iter();
    let sections = found.sections.iter();
    let functions = found.functions.iter();
    json!({
        "file": source.to_string(),
        "kind": if key.is_none() { "compiled" } else { "wasm" },
        "key": key,
        "bytes": found.bytes,
        "build": found.build,
        "is_this_build": found.is_this_build,
        "format_version": found.format_version,
        "target": found.target,
        "cpu": super::features(found.cpu),
        "memory": memory(found.memory),
        "reservation": found.reservation,
        "guard": found.guard,
        "address_map": found.address_map,
        "alias_analysis": found.alias_analysis,
        "padding": found.padding,
        "code_section": found.code_section,
        "checksums": {
            "head": hex(found.checksums.head),
            "text": hex(found.checksums.text),
            "data": hex(found.checksums.data),
        },
        "name": found.name,
        "functions": found.functions.len(),
        "function_list": functions
            .map(|func| json!({"index": func.index, "name": func.name, "offset": func.offset, "bytes": func.bytes}))
            .collect::<Vec<_>>(),
        "imports": imports.map(|(module, name, ty)| json!({"module": module, "name": name, "type": ty})).collect::<Vec<_>>(),
        "exports": exports.map(|(name, ty)| json!({"name": name, "type": ty})).collect::<Vec<_>>(),
        "sections": sections
            .map(|(name, offset, bytes)| json!({"name": name, "offset": offset, "bytes": bytes}))
            .collect::<Vec<_>>(),
    })
}

/// A checksum as people compare it; JSON's numbers are not that exact.
fn hex(checksum: u64) -> String {
    format!("{checksum:016x}")
}

/// The most functions in the output for people.
const SHOWN_FUNCTIONS: usize = 10;

fn words(source: &Source, Found { key, inspection: found }: &Found) -> String {
    let mut text = String::new();
    let what = if key.is_none() { "compiled module" } else { "wasm" };
    let this = if found.is_this_build {
        "this wrun"
    } else {
        "another wrun"
    };
    let name = found.name.as_deref().unwrap_or("-");
    let memory = format!(
        "{} ({} reserved, {} of guard)",
        memory(found.memory),
        quantity::bytes(found.reservation),
        quantity::bytes(found.guard)
    );
    let checksums = format!(
        "{} of header and info, {} of text, {} of data",
        hex(found.checksums.head),
        hex(found.checksums.text),
        hex(found.checksums.data)
    );
    let aliases = if found.alias_analysis {
        "analysed"
    } else {
        "not analysed"
    };
    let rows = [
        ("file", format!("{source} ({what})")),
        ("compiled size", quantity::bytes(found.bytes)),
        ("name", name.to_owned()),
        ("build", format!("{} ({this})", found.build)),
        ("format", found.format_version.to_string()),
        ("target", found.target.to_owned()),
        ("cpu", found.cpu.to_string()),
        ("memory", memory),
        ("address map", if found.address_map { "yes" } else { "no" }.to_owned()),
        ("aliases", aliases.to_owned()),
        ("padding", quantity::bytes(found.padding.into())),
        ("code section", format!("at {:#x} of the wasm file", found.code_section)),
        ("checksums", checksums),
        ("key", key.as_deref().unwrap_or("-").to_owned()),
        ("functions", found.functions.len().to_string()),
    ];
    for (title, row) in rows {
        line(&mut text, &format!("{title:<14}{row}"));
    }
    let mut functions: Vec<_> = found.functions.iter().collect();
    functions.sort_by_key(|func| (Reverse(func.bytes), func.index));
    for func in functions.iter().take(SHOWN_FUNCTIONS) {
        let (index, name) = (func.index, func.name.as_deref().unwrap_or("-"));
        line(
            &mut text,
            &format!(
                "function      {index:>6} {:>12} bytes at {:#x} {name}",
                func.bytes, func.offset
            ),
        );
    }
    if let Some(more) = functions.len().checked_sub(SHOWN_FUNCTIONS).filter(|more| *more > 0) {
        line(
            &mut text,
            &format!("function      {more} smaller ones: `wrun inspect --json` lists all"),
        );
    }
    for (name, offset, bytes) in &found.sections {
        line(
            &mut text,
            &format!("section       {name:<14} {bytes:>12} bytes at {offset:#x}"),
        );
    }
    for (module, name, ty) in &found.imports {
        line(&mut text, &format!("import        {module}.{name} {ty}"));
    }
    for (name, ty) in &found.exports {
        line(&mut text, &format!("export        {name} {ty}"));
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{}", printable(line)).expect("writing to a string does not fail");
}
