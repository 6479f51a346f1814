//! `wrun inspect FILE`: what a compiled module holds. Of a wasm file, the compiled module that a run would use is shown.

use std::fmt::Write;

use serde_json::{Value, json};
use wrun_runtime::{CpuFeatures, Engine, Inspection, MemoryMode, Module, Stale, inspect as inspect_artifact};

use crate::exit::Status;
use crate::flags::InspectLine;
use crate::module::{Contents, Input};
use crate::options::{Options, Source};
use crate::quantity;
use crate::report::{Failure, Reporter, printable};

/// Prints what the file holds.
pub(crate) fn inspect(line: InspectLine) -> Result<Status, Failure> {
    let InspectLine {
        json,
        code,
        cache,
        file,
    } = line;
    let options = super::options(file, code, cache)?;
    options.code.check_machine()?;
    let (is_precompiled, found) = look(&options)?;
    let what = if is_precompiled { "compiled module" } else { "wasm" };
    super::print(json, &value(&options.module, is_precompiled, &found), || {
        words(&options.module, what, &found)
    })
}

/// Whether the file is a compiled module, and what it, or the one that a run makes of it, holds.
fn look(options: &Options) -> Result<(bool, Inspection), Failure> {
    let report = Reporter::new(options);
    let refuse = |stale: Stale| report.cannot_inspect(&stale);
    let input = Input::open(options, None)?;
    let engine = Engine::new(&options.config(MemoryMode::Guarded)).map_err(|error| report.failure(&error))?;
    let inspect = |module: &Module| inspect_artifact(module.serialize()).map_err(refuse);
    if let Some(module) = input.known(&engine) {
        return Ok((false, inspect(&module)?));
    }
    if let Contents::Artifact(bytes) = input.contents()? {
        return Ok((true, inspect_artifact(bytes).map_err(refuse)?));
    }
    let module = input.read_and_compile(&engine).map_err(|no| no.failure(&report))?;
    Ok((false, inspect(&module)?))
}

fn memory(mode: MemoryMode) -> &'static str {
    match mode {
        MemoryMode::Guarded => "guarded",
        MemoryMode::Checked => "checked",
    }
}

fn value(source: &Source, is_precompiled: bool, found: &Inspection) -> Value {
    let features = CpuFeatures::KNOWN
        .iter()
        .filter(|(feature, _)| found.cpu.contains(*feature));
    let imports = found.imports.iter();
    let exports = found.exports.iter();
    let sections = found.sections.iter();
    json!({
        "file": source.to_string(),
        "kind": if is_precompiled { "compiled" } else { "wasm" },
        "bytes": found.bytes,
        "build": found.build,
        "is_this_build": found.is_this_build,
        "format_version": found.format_version,
        "target": found.target,
        "cpu": features.map(|(_, name)| *name).collect::<Vec<_>>(),
        "memory": memory(found.memory),
        "address_map": found.address_map,
        "name": found.name,
        "functions": found.functions,
        "imports": imports.map(|(module, name, ty)| json!({"module": module, "name": name, "type": ty})).collect::<Vec<_>>(),
        "exports": exports.map(|(name, ty)| json!({"name": name, "type": ty})).collect::<Vec<_>>(),
        "sections": sections
            .map(|(name, offset, bytes)| json!({"name": name, "offset": offset, "bytes": bytes}))
            .collect::<Vec<_>>(),
    })
}

fn words(source: &Source, what: &str, found: &Inspection) -> String {
    let mut text = String::new();
    let this = if found.is_this_build {
        "this wrun"
    } else {
        "another wrun"
    };
    let name = found.name.as_deref().unwrap_or("-");
    let rows = [
        ("file", format!("{source} ({what})")),
        ("compiled size", quantity::bytes(found.bytes)),
        ("name", name.to_owned()),
        ("build", format!("{} ({this})", found.build)),
        ("format", found.format_version.to_string()),
        ("target", found.target.to_owned()),
        ("cpu", found.cpu.to_string()),
        ("memory", memory(found.memory).to_owned()),
        ("address map", if found.address_map { "yes" } else { "no" }.to_owned()),
        ("functions", found.functions.to_string()),
    ];
    for (title, row) in rows {
        line(&mut text, &format!("{title:<14}{row}"));
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
