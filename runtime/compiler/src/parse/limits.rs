//! Distinguishes a module that exceeds a limit of the validator from an invalid one.
//!
//! Input: the bytes, and where the validator stopped. Output: the exceeded limit, if there is one. The validator's errors give
//! the limit only in their text, so the sizes in the module at that place are read again. The limits are those that engines
//! have agreed on (<https://webassembly.github.io/spec/js-api/#limits>).

use core::ops::Range;

use wasmparser::{BinaryReader, FunctionBody, Parser, Payload};

/// The largest numbers of entries of each kind in a module, imports included.
const TYPES: u32 = 1_000_000;
const FUNCTIONS: u32 = 1_000_000;
const IMPORTS: u32 = 1_000_000;
const EXPORTS: u32 = 1_000_000;
const GLOBALS: u32 = 1_000_000;
const ELEMENT_SEGMENTS: u32 = 100_000;
const DATA_SEGMENTS: u32 = 100_000;
const TABLES: u32 = 100;
const MEMORIES: u32 = 100;

/// The largest body of a function in bytes.
const BODY: u32 = 7_654_321;

/// The largest number of locals of a function, without its parameters.
const LOCALS: u32 = 50_000;

/// The largest number of parameters of a function type, and of its results.
const VALUES: u32 = 1_000;

/// Returns the limit that is exceeded at the place where the validator stopped.
pub(super) fn exceeded(wasm: &[u8], offset: u64) -> Option<String> {
    let offset = usize::try_from(offset).ok()?;
    let mut parser = Parser::new(0);
    parser.set_features(super::FEATURES);
    let (mut bodies, mut imported) = (0u32, Imported::default());
    for payload in parser.parse_all(wasm) {
        let (range, count, limit, what) = match payload.ok()? {
            Payload::TypeSection(section) => {
                let range = section.range();
                match in_types(wasm, range.clone(), offset) {
                    None => (range, section.count(), TYPES, "types"),
                    found => return found,
                }
            }
            Payload::ImportSection(section) => {
                let found = (section.range(), section.count(), IMPORTS, "imports");
                if !found.0.contains(&offset) {
                    imported = Imported::of(section)?;
                }
                found
            }
            Payload::FunctionSection(section) => {
                let count = section.count().saturating_add(imported.funcs);
                (section.range(), count, FUNCTIONS, "functions")
            }
            Payload::TableSection(section) => {
                let count = section.count().saturating_add(imported.tables);
                (section.range(), count, TABLES, "tables")
            }
            Payload::MemorySection(section) => {
                let count = section.count().saturating_add(imported.memories);
                (section.range(), count, MEMORIES, "memories")
            }
            Payload::GlobalSection(section) => {
                let count = section.count().saturating_add(imported.globals);
                (section.range(), count, GLOBALS, "globals")
            }
            Payload::ExportSection(section) => (section.range(), section.count(), EXPORTS, "exports"),
            Payload::ElementSection(section) => {
                (section.range(), section.count(), ELEMENT_SEGMENTS, "element segments")
            }
            Payload::DataCountSection { count, range } => (range, count, DATA_SEGMENTS, "data segments"),
            Payload::DataSection(section) => (section.range(), section.count(), DATA_SEGMENTS, "data segments"),
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                if range.contains(&offset) {
                    let func = imported.funcs.saturating_add(bodies);
                    return in_body(&body, offset, func);
                }
                bodies += 1;
                continue;
            }
            _ => continue,
        };
        // The count comes first in the section, so the validator stopped at it.
        if range.contains(&offset) {
            return (count > limit).then(|| too_many("it has", count.into(), limit, what));
        }
    }
    None
}

fn too_many(subject: &str, count: u64, limit: u32, what: &str) -> String {
    format!("{subject} {count} {what}, and {limit} are allowed")
}

/// Numbers of imports, for each kind that has a limit.
#[derive(Default)]
struct Imported {
    funcs: u32,
    tables: u32,
    memories: u32,
    globals: u32,
}

impl Imported {
    fn of(section: wasmparser::ImportSectionReader<'_>) -> Option<Self> {
        let mut imported = Self::default();
        for import in section.into_imports() {
            match import.ok()?.ty {
                wasmparser::TypeRef::Func(_) => imported.funcs += 1,
                wasmparser::TypeRef::Table(_) => imported.tables += 1,
                wasmparser::TypeRef::Memory(_) => imported.memories += 1,
                wasmparser::TypeRef::Global(_) => imported.globals += 1,
                _ => {}
            }
        }
        Some(imported)
    }
}

/// Returns the limit on parameters or results that a function type exceeds, if `offset` is the place of their number.
fn in_types(wasm: &[u8], range: Range<usize>, offset: usize) -> Option<String> {
    if !range.contains(&offset) {
        return None;
    }
    let mut reader = BinaryReader::new(wasm.get(range.clone())?, range.start);
    for ty in 0..reader.read_var_u32().ok()? {
        // The form of a function type. Wasm 2.0 has no other form.
        if reader.read_u8().ok()? != 0x60 {
            return None;
        }
        for what in ["parameters", "results"] {
            let at = reader.original_position();
            let count = reader.read_var_u32().ok()?;
            if at == offset {
                return (count > VALUES).then(|| too_many(&format!("type {ty} has"), count.into(), VALUES, what));
            }
            // Each type of a value is one byte.
            reader.read_bytes(usize::try_from(count).ok()?).ok()?;
        }
    }
    None
}

/// Returns the limit that a function's body exceeds.
fn in_body(body: &FunctionBody<'_>, offset: usize, func: u32) -> Option<String> {
    let size = body.range().len() as u64;
    let subject = format!("function {func} has");
    if size > BODY.into() {
        return Some(too_many(&subject, size, BODY, "bytes"));
    }
    let mut reader = body.get_locals_reader().ok()?;
    let mut locals = 0u64;
    for _ in 0..reader.get_count() {
        let (count, _) = reader.read().ok()?;
        locals += u64::from(count);
    }
    // A larger number is no valid `u32` and makes a module invalid.
    let is_limit = (u64::from(LOCALS) + 1..=u32::MAX.into()).contains(&locals);
    (is_limit && offset <= reader.original_position()).then(|| too_many(&subject, locals, LOCALS, "locals"))
}

#[cfg(test)]
mod tests {
    use crate::error::CompileError;
    use crate::parse::{ValidationPool, explain_bodies, explain_sections, parse, validate_body};
    use wrun_artifact::Config;

    fn leb(mut n: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let byte = u8::try_from(n & 0x7f).expect("seven bits");
            n >>= 7;
            if n == 0 {
                bytes.push(byte);
                return bytes;
            }
            bytes.push(byte | 0x80);
        }
    }

    /// Makes a section from its contents.
    fn section(id: u8, contents: &[u8]) -> Vec<u8> {
        [&[id][..], &leb(contents.len()), contents].concat()
    }

    /// Makes a section of `count` equal entries.
    fn many(id: u8, count: usize, entry: &[u8]) -> Vec<u8> {
        section(id, &[leb(count), entry.repeat(count)].concat())
    }

    fn error(sections: &[Vec<u8>]) -> Option<CompileError> {
        let wasm = [&b"\0asm\x01\0\0\0"[..], &sections.concat()].concat();
        let module = match parse(&wasm, &Config::native()) {
            Err(error) => return Some(explain_sections(&wasm, error)),
            Ok(module) => module,
        };
        let mut pool = ValidationPool::default();
        let mut bodies = module.bodies.keys();
        let refused = bodies.find_map(|func| Some((func, validate_body(&module, func, &mut pool).err()?)))?;
        Some(explain_bodies(&wasm, refused, |_, _| None))
    }

    #[test]
    fn each_limit_is_told_by_what_there_is_too_much_of_and_just_as_much_is_fine() {
        let ty = || section(1, b"\x01\x60\0\0");
        let import = |count| many(2, count, b"\0\0\0\0");
        let wide = |count| section(1, &[&b"\x01\x60"[..], &leb(count), &vec![0x7f; count], b"\0"].concat());
        let body = |contents: &[u8]| {
            let code = section(10, &[&b"\x01"[..], &leb(contents.len()), contents].concat());
            [ty(), section(3, b"\x01\0"), code].concat()
        };
        let locals = |count| body(&[&b"\x01"[..], &leb(count), b"\x7f\x0b"].concat());
        let nops = |size: usize| body(&[&b"\0"[..], &vec![1; size - 2], b"\x0b"].concat());
        type Make<'a> = &'a dyn Fn(usize) -> Vec<u8>;
        let cases: [(usize, &str, Make<'_>); 14] = [
            (1_000_000, "types", &|n| many(1, n, b"\x60\0\0")),
            (1_000_000, "functions", &|n| {
                [ty(), import(1), many(3, n - 1, b"\0"), many(10, n - 1, b"\x02\0\x0b")].concat()
            }),
            (100, "tables", &|n| many(4, n, b"\x70\0\0")),
            (100_000, "element segments", &|n| many(9, n, b"\x01\0\0")),
            (100_000, "data segments", &|n| many(11, n, b"\x01\0")),
            (100_000, "data segments", &|n| {
                [section(12, &leb(n)), many(11, n, b"\x01\0")].concat()
            }),
            (1_000_000, "globals", &|n| many(6, n, b"\x7f\0\x41\0\x0b")),
            (1_000, "parameters", &wide),
            (1_000, "results", &|n| {
                section(1, &[&b"\x01\x60\x01\x7f"[..], &leb(n), &vec![0x7f; n]].concat())
            }),
            (50_000, "locals", &locals),
            (7_654_321, "bytes", &nops),
            (100, "memories", &|n| many(5, n, b"\0\0")),
            (100, "memories", &|n| {
                [many(2, 1, b"\0\0\x02\0\0"), many(5, n - 1, b"\0\0")].concat()
            }),
            (100, "tables", &|n| {
                [many(2, 1, b"\0\0\x01\x70\0\0"), many(4, n - 1, b"\x70\0\0")].concat()
            }),
        ];
        for (limit, what, make) in cases {
            assert_eq!(error(&[make(limit)]), None, "{what}");
            match error(&[make(limit + 1)]) {
                Some(CompileError::Limit(text)) => assert!(
                    text.contains(&format!("{} {what}, and {limit} are allowed", limit + 1)),
                    "{text}"
                ),
                other => panic!("{what}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_invalid_stays_so() {
        let ty = section(1, b"\x01\x60\0\0");
        let body = |contents: &[u8]| {
            let code = section(10, &[&b"\x01"[..], &leb(contents.len()), contents].concat());
            vec![ty.clone(), section(3, b"\x01\0"), code]
        };
        for (what, sections) in [
            ("no such type", vec![ty.clone(), section(3, b"\x01\x05")]),
            ("no such type of a value", vec![section(1, b"\x01\x60\x01\x01\0")]),
            ("nothing on the stack", body(b"\0\x1a\x0b")),
            (
                "more locals than can be counted",
                body(b"\x02\xff\xff\xff\xff\x0f\x7f\x01\x7f\x0b"),
            ),
            ("no such local's type", body(b"\x01\xff\xff\x03\x01\x0b")),
        ] {
            let error = error(&sections);
            assert!(matches!(error, Some(CompileError::Invalid { .. })), "{what}: {error:?}");
        }
    }
}
