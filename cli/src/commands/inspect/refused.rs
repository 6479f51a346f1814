//! Describes a wasm file that wrun refuses: a component or a core module.

use serde_json::{Value, json};

use super::{Refused, function_lines, line};

/// Returns the kind of the file for JSON.
fn kind(found: &Refused) -> &'static str {
    if found.description.is_component {
        "component"
    } else {
        "wasm"
    }
}

/// Returns the description as JSON.
pub(super) fn value(source: &str, found: &Refused) -> Value {
    let description = &found.description;
    let functions = description.functions.iter();
    let imports = description.imports.iter();
    let exports = description.exports.iter();
    let sections = description.sections.iter();
    json!({
        "file": source,
        "kind": kind(found),
        "key": found.key,
        "refused": found.reason,
        "proposals": found.proposals,
        "exceptions": (!description.is_component).then(|| description.exceptions.name()),
        "name": description.name,
        "functions": functions.len(),
        "function_list": functions
            .map(|func| json!({"index": func.index, "name": func.name, "offset": func.offset, "bytes": func.bytes}))
            .collect::<Vec<_>>(),
        "imports": imports.map(|(module, name, ty)| json!({"module": module, "name": name, "type": ty})).collect::<Vec<_>>(),
        "exports": exports.map(|(name, ty)| json!({"name": name, "type": ty})).collect::<Vec<_>>(),
        "sections": sections
            .map(|(name, offset, bytes)| json!({"name": name, "offset": offset, "bytes": bytes}))
            .collect::<Vec<_>>(),
        "modules": description.modules,
        "components": description.components,
    })
}

/// Returns the description as text.
pub(super) fn words(source: &str, found: &Refused) -> String {
    let description = &found.description;
    let mut text = String::new();
    let mut rows = vec![
        ("file", format!("{source} ({})", kind(found))),
        ("refused", found.reason.clone()),
        ("name", description.name.as_deref().unwrap_or("-").to_owned()),
        ("key", found.key.clone()),
    ];
    if description.is_component {
        rows.push(("modules", description.modules.to_string()));
        rows.push(("components", description.components.to_string()));
    } else {
        let proposals = match found.proposals.is_empty() {
            true => "-".to_owned(),
            false => found.proposals.join(", "),
        };
        rows.push(("proposals", proposals));
        rows.push(("exceptions", description.exceptions.name().to_owned()));
        rows.push(("functions", description.functions.len().to_string()));
    }
    for (title, row) in rows {
        line(&mut text, &format!("{title:<14}{row}"));
    }
    let functions = description.functions.iter();
    function_lines(
        &mut text,
        functions.map(|func| (func.index, func.bytes, func.offset, func.name.as_deref())),
    );
    for (name, offset, bytes) in &description.sections {
        line(
            &mut text,
            &format!("section       {name:<14} {bytes:>12} bytes at {offset:#x}"),
        );
    }
    for (module, name, ty) in &description.imports {
        let module = module.as_deref().map(|module| format!("{module}.")).unwrap_or_default();
        line(&mut text, &format!("import        {module}{name} {ty}"));
    }
    for (name, ty) in &description.exports {
        line(&mut text, &format!("export        {name} {ty}"));
    }
    text
}
