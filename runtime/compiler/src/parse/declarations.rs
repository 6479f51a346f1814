//! Reads the declarations of a module, which come before its code: imports, exports and their types.
//!
//! Input: the bytes. Output: [`Declarations`], from validated sections. Neither bodies nor data are read, so this takes
//! microseconds for a module that takes seconds to compile.

use wasmparser::{Chunk, Parser, Payload, Validator};
use wrun_artifact::types::ExternType;

use super::module::Item;
use super::sections::Sections;
use super::{FEATURES, explain_sections, gate, invalid, recognise};
use crate::error::CompileError;

/// Declarations of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declarations {
    /// Imports, in the module's order: module name, name, type.
    pub imports: Vec<(String, String, ExternType)>,
    /// Exports, in the module's order: name, type.
    pub exports: Vec<(String, ExternType)>,
    /// True if it defines or imports a memory.
    pub has_memory: bool,
    /// The role of a linker for the module.
    pub linkage: Linkage,
}

/// The role of a linker for a module, by the conventions of tools
/// (<https://github.com/WebAssembly/tool-conventions>, `Linking.md` and `DynamicLinking.md`).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Linkage {
    /// The module has no section for linkers.
    None,
    /// It has a section `linking`, like object files and programs that keep their relocations.
    Object,
    /// It has a section `dylink.0` or `dylink`, like shared libraries and programs that load them.
    Dynamic,
}

/// Reads the declarations of a module.
///
/// # Errors
/// The error of a section before the code that is invalid, needs an unsupported proposal or exceeds a limit.
pub fn declarations(wasm: &[u8]) -> Result<Declarations, CompileError> {
    recognise(wasm)?;
    let mut sections = Sections::default();
    let mut linkage = Linkage::None;
    let read = read(wasm, &mut sections, &mut linkage);
    read.map_err(|error| explain_sections(wasm, error))?;
    Ok(Declarations {
        exports: sections
            .exports
            .iter()
            .map(|export| (export.name.to_owned(), sections.type_of(export.item)))
            .collect(),
        imports: sections
            .imports
            .into_iter()
            .map(|import| (import.module.to_owned(), import.name.to_owned(), import.ty))
            .collect(),
        has_memory: !sections.memories.is_empty(),
        linkage,
    })
}

fn read<'a>(wasm: &'a [u8], sections: &mut Sections<'a>, linkage: &mut Linkage) -> Result<(), CompileError> {
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut validator = Validator::new_with_features(FEATURES);
    let mut rest = wasm;
    let mut is_before_code = true;
    loop {
        let (consumed, payload) = match parser.parse(rest, true).map_err(|error| invalid(&error))? {
            Chunk::Parsed { consumed, payload } => (consumed, payload),
            Chunk::NeedMoreData(_) => unreachable!("the whole module is there"),
        };
        rest = &rest[consumed..];
        match &payload {
            Payload::End(_) => return Ok(()),
            Payload::CustomSection(section) => match section.name() {
                "linking" => *linkage = Linkage::Object,
                "dylink.0" | "dylink" => *linkage = Linkage::Dynamic,
                _ => {}
            },
            Payload::CodeSectionStart { size, .. } => {
                is_before_code = false;
                parser.skip_section();
                let Some(behind) = rest.get(*size as usize..) else {
                    return Ok(());
                };
                rest = behind;
            }
            _ if is_before_code => {
                gate::check(&payload, FEATURES)?;
                sections
                    .take(payload, &mut validator)
                    .map_err(|error| invalid(&error))?;
            }
            _ => {}
        }
    }
}

impl Sections<'_> {
    /// Returns the type of an exported item.
    fn type_of(&self, item: Item) -> ExternType {
        match item {
            Item::Func(func) => ExternType::Func(self.sigs[self.funcs[func]].clone()),
            Item::Table(table) => ExternType::Table(self.tables[table]),
            Item::Memory(memory) => ExternType::Memory(self.memories[memory]),
            Item::Global(global) => ExternType::Global(self.globals[global]),
            Item::Tag(tag) => ExternType::Tag(self.sigs[self.tags[tag]].clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Declarations, CompileError> {
        declarations(&wat::parse_str(text).expect("text"))
    }

    fn words(found: &Declarations) -> (Vec<String>, Vec<String>) {
        let imports = found
            .imports
            .iter()
            .map(|(module, name, ty)| format!("{module}.{name} {ty:?}"));
        let exports = found.exports.iter().map(|(name, ty)| format!("{name} {ty:?}"));
        (imports.collect(), exports.collect())
    }

    #[test]
    fn imports_and_exports_are_those_that_compiling_finds() {
        let text = r#"(module
            (import "m" "f" (func (param i32) (result f64))) (import "m" "g" (global (mut i64)))
            (import "m" "t" (table 1 2 funcref)) (import "m" "m" (memory 1 2))
            (func (export "own") (param v128)) (export "f" (func 0)) (export "g" (global 0))
            (export "t" (table 0)) (export "m" (memory 0)) (data (i32.const 0) "x"))"#;
        let wasm = wat::parse_str(text).expect("text");
        let found = declarations(&wasm).expect("valid");
        let (imports, exports) = words(&found);
        assert_eq!((imports.len(), exports.len(), found.linkage), (4, 5, Linkage::None));
        let module = crate::parse::parse(&wasm, &wrun_artifact::Config::native()).expect("valid");
        let expected: Vec<_> = module
            .imports
            .iter()
            .map(|one| format!("{}.{} {:?}", one.module, one.name, one.ty))
            .collect();
        assert_eq!(imports, expected);
        assert!(
            exports[0].starts_with("own Func(") && exports[4].starts_with("m Memory("),
            "{exports:?}"
        );
    }

    #[test]
    fn code_and_data_are_not_looked_at() {
        let found = of(
            r#"(module (import "m" "f" (func)) (memory 1) (func i32.add) (data (i64.const 0) "x") (@custom "linking" ""))"#,
        );
        let found = found.expect("valid as far as it is looked at");
        assert_eq!((found.imports.len(), found.linkage), (1, Linkage::Object));
    }

    #[test]
    fn what_the_sections_show_is_refused_with_its_reason() {
        assert!(matches!(
            of("(module (memory 1 1 shared) (func i32.add))"),
            Err(CompileError::Unsupported { in_code: false, .. })
        ));
        assert!(matches!(
            of("(module (export \"x\" (func 0)))"),
            Err(CompileError::Invalid { .. })
        ));
        assert!(matches!(of("(component)"), Err(CompileError::Component)));
    }

    #[test]
    fn sections_for_linkers_are_found_before_and_behind_the_code() {
        for (text, linkage) in [
            ("(module (func) (@custom \"name.\" \"\"))", Linkage::None),
            ("(module (func) (@custom \"linking\" \"\"))", Linkage::Object),
            (
                "(module (@custom \"dylink.0\" (before first) \"\") (func))",
                Linkage::Dynamic,
            ),
        ] {
            assert_eq!(of(text).expect("valid").linkage, linkage, "{text}");
        }
    }
}
