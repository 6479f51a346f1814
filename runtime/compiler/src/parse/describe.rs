//! Lists the contents of a wasm file, even if wrun cannot run it.
//!
//! Input: the bytes of a core module or a component. Output: [`Description`]. Nothing is validated and every proposal is
//! accepted, so any file with well-formed sections can be listed. Modules and components inside a component are only counted.

use wasmparser::{ComponentExternalKind, Encoding, ExternalKind, KnownCustom, Parser, Payload, WasmFeatures};
use wrun_artifact::index::FuncIndex;

use super::exception_form::ExceptionForm;
use super::words::Types;
use super::{invalid, names, recognise};
use crate::error::CompileError;

/// Contents of a wasm file.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Description {
    /// True for a component, false for a core module.
    pub is_component: bool,
    /// The module's own name.
    pub name: Option<String>,
    /// Imports, in order: the module name (components have none), name, and type or kind in words.
    pub imports: Vec<(Option<String>, String, String)>,
    /// Exports, in order: name, and type or kind in words.
    pub exports: Vec<(String, String)>,
    /// Functions with a body, by index. Empty for a component.
    pub functions: Vec<DescribedFunction>,
    /// The form of exceptions that its functions use. For a component, nothing is known.
    pub exceptions: ExceptionForm,
    /// Sections, in order: name, offset of the contents in the file and their length, both in bytes.
    pub sections: Vec<(String, u64, u64)>,
    /// Number of core modules nested in it, at any depth.
    pub modules: usize,
    /// Number of components nested in it, at any depth.
    pub components: usize,
}

/// A function with a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedFunction {
    /// Its number in the function index space.
    pub index: u32,
    /// The name that the module gives it, or else the name of its first export.
    pub name: Option<String>,
    /// Offset of its body in the file, in bytes.
    pub offset: u64,
    /// Length of its body in bytes.
    pub bytes: u64,
}

/// Lists the contents of a wasm file.
///
/// # Errors
/// Fails if the bytes are not a wasm file, or if a section is malformed.
pub fn describe(wasm: &[u8]) -> Result<Description, CompileError> {
    match recognise(wasm) {
        Ok(()) | Err(CompileError::Component) => {}
        Err(error) => return Err(error),
    }
    let mut found = Reading::default();
    let mut parser = Parser::new(0);
    parser.set_features(WasmFeatures::all());
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(|error| invalid(&error))?;
        found.take(payload).map_err(|error| invalid(&error))?;
    }
    Ok(found.finish())
}

/// The part of the description that has been read so far.
#[derive(Default)]
struct Reading<'a> {
    found: Description,
    /// Nesting depth of modules and components at the reader's position. The outermost has depth 0.
    depth: usize,
    types: Types,
    names: Option<wasmparser::NameSectionReader<'a>>,
    /// Exported functions: index and name.
    exported: Vec<(u32, &'a str)>,
    imported_funcs: u32,
}

type Step = Result<(), wasmparser::BinaryReaderError>;

impl<'a> Reading<'a> {
    fn take(&mut self, payload: Payload<'a>) -> Step {
        let is_outermost = self.depth == 0;
        match &payload {
            Payload::ModuleSection { .. } => {
                self.depth += 1;
                self.found.modules += 1;
            }
            Payload::ComponentSection { .. } => {
                self.depth += 1;
                self.found.components += 1;
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if !is_outermost {
            return Ok(());
        }
        if let Some((_, range)) = payload.as_section() {
            let name = section_name(&payload);
            self.found.sections.push((name, range.start as u64, range.len() as u64));
        }
        if self.found.is_component {
            self.component(payload)
        } else {
            self.contents(payload)
        }
    }

    /// Adds a section of the outermost component.
    fn component(&mut self, payload: Payload<'a>) -> Step {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    let kind = kind(import.ty.kind()).to_owned();
                    self.found.imports.push((None, import.name.name.to_owned(), kind));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.found
                        .exports
                        .push((export.name.name.to_owned(), kind(export.kind).to_owned()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds a part of the outermost module.
    fn contents(&mut self, payload: Payload<'a>) -> Step {
        match payload {
            Payload::Version { encoding, .. } => self.found.is_component = encoding == Encoding::Component,
            Payload::TypeSection(section) => {
                for group in section {
                    self.types.add_group(group?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let ty = self.types.import(import.ty);
                    self.imported_funcs += u32::from(ty.starts_with("func "));
                    self.found
                        .imports
                        .push((Some(import.module.to_owned()), import.name.to_owned(), ty));
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.types.add_func(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.types.add_table(&table?.ty);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.types.add_memory(&memory?);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    self.types.add_tag(tag?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    self.types.add_global(&global?.ty);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.add_export(&export?);
                }
            }
            Payload::CodeSectionEntry(body) => {
                self.found.exceptions.add_body(&body);
                self.add_body(&body);
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    self.names = Some(names);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add_export(&mut self, export: &wasmparser::Export<'a>) {
        if matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact) {
            self.exported.push((export.index, export.name));
        }
        let ty = self.types.export(export.kind, export.index);
        self.found.exports.push((export.name.to_owned(), ty));
    }

    fn add_body(&mut self, body: &wasmparser::FunctionBody<'_>) {
        let position = u32::try_from(self.found.functions.len()).unwrap_or(u32::MAX);
        self.found.functions.push(DescribedFunction {
            index: self.imported_funcs.saturating_add(position),
            name: None,
            offset: body.range().start as u64,
            bytes: body.range().len() as u64,
        });
    }

    fn finish(mut self) -> Description {
        let funcs = self.imported_funcs as usize + self.found.functions.len();
        let mut names = names::read(self.names, funcs, 0);
        for (index, name) in self.exported {
            let func = FuncIndex::from_u32(index);
            if names.funcs.get(func).is_some() {
                names.funcs[func].get_or_insert(name);
            }
        }
        self.found.name = names.module.map(str::to_owned);
        for func in &mut self.found.functions {
            let name = names.funcs.get(FuncIndex::from_u32(func.index));
            func.name = name.copied().flatten().map(str::to_owned);
        }
        self.found
    }
}

/// Returns the name of a section, as in the specifications. A custom section's own name follows the word `custom`.
fn section_name(payload: &Payload<'_>) -> String {
    let name = match payload {
        Payload::CustomSection(section) => return format!("custom {}", section.name()),
        Payload::UnknownSection { id, .. } => return format!("unknown {id}"),
        Payload::TypeSection(_) | Payload::ComponentTypeSection(_) => "type",
        Payload::ImportSection(_) | Payload::ComponentImportSection(_) => "import",
        Payload::FunctionSection(_) => "function",
        Payload::TableSection(_) => "table",
        Payload::MemorySection(_) => "memory",
        Payload::TagSection(_) => "tag",
        Payload::GlobalSection(_) => "global",
        Payload::ExportSection(_) | Payload::ComponentExportSection(_) => "export",
        Payload::StartSection { .. } | Payload::ComponentStartSection { .. } => "start",
        Payload::ElementSection(_) => "element",
        Payload::DataCountSection { .. } => "data count",
        Payload::DataSection(_) => "data",
        Payload::CodeSectionStart { .. } => "code",
        Payload::ModuleSection { .. } => "core module",
        Payload::InstanceSection(_) => "core instance",
        Payload::CoreTypeSection(_) => "core type",
        Payload::ComponentSection { .. } => "component",
        Payload::ComponentInstanceSection(_) => "instance",
        Payload::ComponentAliasSection(_) => "alias",
        Payload::ComponentCanonicalSection(_) => "canon",
        _ => "other",
    };
    name.to_owned()
}

/// Returns the kind of an import or export of a component.
fn kind(kind: ComponentExternalKind) -> &'static str {
    match kind {
        ComponentExternalKind::Module => "core module",
        ComponentExternalKind::Func => "func",
        ComponentExternalKind::Value => "value",
        ComponentExternalKind::Type => "type",
        ComponentExternalKind::Instance => "instance",
        ComponentExternalKind::Component => "component",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Description {
        describe(&wat::parse_str(text).expect("text")).expect("readable")
    }

    #[test]
    fn a_module_of_many_proposals_is_listed() {
        let found = of(r#"(module $own (type $s (struct)) (type $f (func (param (ref $s))))
              (import "m" "f" (func (param i32) (result i64))) (import "m" "t" (tag (param i32)))
              (import "m" "mem" (memory i64 1 2 shared)) (import "m" "tab" (table 1 funcref))
              (func $a (type $f)) (func (export "b") (export "c") throw_ref i32.add)
              (global (export "g") (mut externref) (ref.null extern)) (export "t" (tag 0)) (export "mem" (memory 0)))"#);
        let imports: Vec<_> = found
            .imports
            .iter()
            .map(|(module, name, ty)| (module.as_deref(), &**name, &**ty))
            .collect();
        assert_eq!(
            imports,
            [
                (Some("m"), "f", "func (i32) -> (i64)"),
                (Some("m"), "t", "tag (i32)"),
                (Some("m"), "mem", "shared 64-bit memory of 1 to 2 pages"),
                (Some("m"), "tab", "table of at least 1 funcref"),
            ]
        );
        let exports: Vec<_> = found.exports.iter().map(|(name, ty)| (&**name, &**ty)).collect();
        let expected = [
            ("b", "func () -> ()"),
            ("c", "func () -> ()"),
            ("g", "mutable global externref"),
            ("t", "tag (i32)"),
            ("mem", "shared 64-bit memory of 1 to 2 pages"),
        ];
        assert_eq!(exports, expected);
        let functions: Vec<_> = found
            .functions
            .iter()
            .map(|func| (func.index, func.name.as_deref()))
            .collect();
        assert_eq!(functions, [(1, Some("a")), (2, Some("b"))]);
        let sections: Vec<_> = found.sections.iter().map(|(name, ..)| &**name).collect();
        assert_eq!(
            sections,
            ["type", "import", "function", "global", "export", "code", "custom name"]
        );
        assert_eq!((found.name.as_deref(), found.is_component), (Some("own"), false));
    }

    #[test]
    fn offsets_and_lengths_are_those_in_the_file() {
        let wasm = wat::parse_str("(module (func nop) (func))").expect("text");
        let found = describe(&wasm).expect("readable");
        let bodies: Vec<_> = found
            .functions
            .iter()
            .map(|func| &wasm[func.offset as usize..][..func.bytes as usize])
            .collect();
        assert_eq!(bodies, [&[0, 0x01, 0x0b][..], &[0, 0x0b]]);
        for (name, offset, bytes) in &found.sections {
            let (offset, bytes) = (*offset as usize, *bytes as usize);
            assert_eq!(
                usize::from(wasm[offset - 1]),
                bytes,
                "the length stands before the contents of {name}"
            );
        }
    }

    #[test]
    fn a_component_is_listed_by_name_and_kind_and_what_is_in_it_is_counted() {
        let found = of(
            r#"(component (import "wasi:cli/run@0.2.0" (instance)) (import "f" (func))
              (core module (import "hidden" "g" (func)) (func)) (component (core module)) (component)
              (export "again" (func 0)))"#,
        );
        assert!(found.is_component && found.functions.is_empty());
        let imports: Vec<_> = found
            .imports
            .iter()
            .map(|(module, name, ty)| (module.as_deref(), &**name, &**ty))
            .collect();
        assert_eq!(imports, [(None, "wasi:cli/run@0.2.0", "instance"), (None, "f", "func")]);
        assert_eq!(found.exports, [("again".to_owned(), "func".to_owned())]);
        assert_eq!((found.modules, found.components), (2, 2));
        assert!(found.sections.iter().any(|(name, ..)| name == "core module"));
    }

    #[test]
    fn what_is_no_wasm_or_malformed_is_refused() {
        assert!(matches!(describe(b"hello"), Err(CompileError::NotWasm(_))));
        assert!(matches!(
            describe(b"\0asm\x01\0\0\0\x01\x01\x05"),
            Err(CompileError::Invalid { .. })
        ));
    }
}
