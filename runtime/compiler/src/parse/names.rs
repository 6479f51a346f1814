//! Names for people: those of the name section, and for other functions the names of their exports.
//!
//! Input: the section, which is not validated, and the exports. Output: the names of the module and of its functions, as far as
//! they can be read. A malformed section is not an error.

use wasmparser::{Name, NameMap, NameSectionReader};
use wrun_artifact::index::{FuncIndex, Index, IndexVec, TagIndex};

use super::module::{Export, Item};

/// Contents of the name section.
pub(super) struct Names<'a> {
    /// The module's name.
    pub(super) module: Option<&'a str>,
    /// Names of functions.
    pub(super) funcs: IndexVec<FuncIndex, Option<&'a str>>,
    /// Names of tags.
    pub(super) tags: IndexVec<TagIndex, Option<&'a str>>,
}

/// Reads a section in a module of `funcs` functions and `tags` tags. What follows the first defect of a subsection is left out.
pub(super) fn read<'a>(section: Option<NameSectionReader<'a>>, funcs: usize, tags: usize) -> Names<'a> {
    let mut names = Names {
        module: None,
        funcs: core::iter::repeat_n(None, funcs).collect(),
        tags: core::iter::repeat_n(None, tags).collect(),
    };
    for subsection in section.into_iter().flatten() {
        match subsection {
            Ok(Name::Module { name, .. }) => names.module = Some(name),
            Ok(Name::Function(map)) => take(map, &mut names.funcs),
            Ok(Name::Tag(map)) => take(map, &mut names.tags),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    names
}

/// Enters the names of a subsection, up to its first defect.
fn take<'a, K: Index>(map: NameMap<'a>, names: &mut IndexVec<K, Option<&'a str>>) {
    for naming in map.into_iter().map_while(Result::ok) {
        let index = K::new(naming.index as usize);
        if names.get(index).is_some() {
            names[index] = Some(naming.name);
        }
    }
}

impl<'a> Names<'a> {
    /// Gives functions and tags without a name that of their first export.
    pub(super) fn add_exported(&mut self, exports: &[Export<'a>]) {
        for export in exports {
            match export.item {
                Item::Func(func) => _ = self.funcs[func].get_or_insert(export.name),
                Item::Tag(tag) => _ = self.tags[tag].get_or_insert(export.name),
                Item::Table(_) | Item::Memory(_) | Item::Global(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::parse;
    use wrun_artifact::Config;

    /// Returns the name of a module and the names of its two functions, for these bytes as name section.
    fn names(section: &[u8]) -> (Option<String>, Vec<Option<String>>) {
        let mut wasm = wat::parse_str("(module (func) (func))").expect("text");
        wasm.extend([0, u8::try_from(section.len() + 5).expect("short"), 4]);
        wasm.extend(b"name");
        wasm.extend(section);
        let module = parse(&wasm, &Config::native()).expect("valid");
        let owned = |name: &Option<&str>| name.map(str::to_owned);
        (owned(&module.name), module.func_names.values().map(owned).collect())
    }

    #[test]
    fn names_are_taken_as_they_stand() {
        let (module, funcs) = names(b"\x00\x02\x01m\x01\x07\x02\x00\x01a\x01\x01b");
        assert_eq!(module.as_deref(), Some("m"));
        assert_eq!(funcs, [Some("a".to_owned()), Some("b".to_owned())]);
    }

    #[test]
    fn without_names_every_function_is_nameless() {
        assert_eq!(names(b""), (None, vec![None, None]));
    }

    #[test]
    fn a_function_without_a_name_has_that_of_its_first_export() {
        let text =
            r#"(module (func) (func (export "b") (export "c")) (func $own (export "d")) (memory (export "e") 1))"#;
        let wasm = wat::parse_str(text).expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid");
        let names: Vec<_> = module.func_names.values().copied().collect();
        assert_eq!(names, [None, Some("b"), Some("own")]);
    }

    #[test]
    fn a_malformed_section_is_no_error() {
        // An index out of range, a name that is not UTF-8, a length beyond the end, a subsection beyond the end.
        assert_eq!(names(b"\x01\x07\x02\x09\x01a\x01\x01b").1, [None, Some("b".to_owned())]);
        assert_eq!(
            names(b"\x01\x07\x02\x00\x01a\x01\x01\xff").1,
            [Some("a".to_owned()), None]
        );
        assert_eq!(names(b"\x01\x04\x01\x00\x7fa").1, [None, None]);
        assert_eq!(names(b"\x01\x7f\x01"), (None, vec![None, None]));
    }
}
