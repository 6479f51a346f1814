//! Describes a compiled module: the file itself, or the compiled module that a run makes of a wasm file.

use serde_json::{Value, json};
use wrun_runtime::{ExceptionForm, Inspection, MemoryMode};

use super::super::features;
use super::{function_lines, line};
use crate::report::quantity;

fn memory(mode: MemoryMode) -> &'static str {
    match mode {
        MemoryMode::Guarded => "guarded",
        MemoryMode::Checked => "checked",
    }
}

/// Properties of a wasm file that its compiled module does not have: its key in the cache, the form of exceptions that it uses,
/// and the message of a run that refuses it.
type Source<'a> = (&'a str, ExceptionForm, Option<&'a str>);

/// Returns the description as JSON. `wasm` is there for a wasm file.
pub(super) fn value(source: &str, wasm: Option<Source<'_>>, found: &Inspection) -> Value {
    let (key, exceptions, refused) = parts(wasm);
    let imports = found.imports.iter();
    let exports = found.exports.iter();
    let sections = found.sections.iter();
    let functions = found.functions.iter();
    json!({
        "file": source,
        "kind": if key.is_none() { "compiled" } else { "wasm" },
        "key": key,
        "refused": refused,
        "proposals": [],
        "exceptions": exceptions,
        "bytes": found.bytes,
        "build": found.build,
        "is_this_build": found.is_this_build,
        "format_version": found.format_version,
        "target": found.target,
        "cpu": features(found.cpu),
        "memory": memory(found.memory),
        "reservation": found.reservation,
        "guard": found.guard,
        "address_map": found.address_map,
        "alias_analysis": found.alias_analysis,
        "deterministic": found.deterministic,
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

/// Returns the properties one by one, the form of exceptions by name.
fn parts(wasm: Option<Source<'_>>) -> (Option<&str>, Option<&'static str>, Option<&str>) {
    match wasm {
        Some((key, exceptions, refused)) => (Some(key), Some(exceptions.name()), refused),
        None => (None, None, None),
    }
}

/// Writes a checksum in hexadecimal, because numbers in JSON are not exact to 64 bits.
fn hex(checksum: u64) -> String {
    format!("{checksum:016x}")
}

/// Returns the description as text.
pub(super) fn words(source: &str, wasm: Option<Source<'_>>, found: &Inspection) -> String {
    let (key, exceptions, refused) = parts(wasm);
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
        (
            "deterministic",
            if found.deterministic { "yes" } else { "no" }.to_owned(),
        ),
        ("padding", quantity::bytes(found.padding.into())),
        ("code section", format!("at {:#x} of the wasm file", found.code_section)),
        ("checksums", checksums),
        ("key", key.unwrap_or("-").to_owned()),
        ("refused", refused.unwrap_or("no").to_owned()),
        ("exceptions", exceptions.unwrap_or("-").to_owned()),
        ("functions", found.functions.len().to_string()),
    ];
    for (title, row) in rows {
        line(&mut text, &format!("{title:<14}{row}"));
    }
    let functions = found.functions.iter();
    function_lines(
        &mut text,
        functions.map(|func| (func.index, func.bytes, func.offset, func.name.as_deref())),
    );
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
