//! Explains why a module is refused: names the proposals that it needs, or the limit that it exceeds.
//!
//! Input: the bytes and the error. Output: the error, or [`CompileError::Unsupported`] if the module is valid with more
//! features switched on, or [`CompileError::Limit`]. The validator runs again with more features, only on the part that it
//! refused: the sections without the bodies, or one body. The messages of the validator are not interpreted.

use wasmparser::{FuncToValidate, FunctionBody, Parser, ValidPayload, Validator, ValidatorResources, WasmFeatures};
use wrun_artifact::index::{DefinedFuncIndex, Index};

use super::{FEATURES, ValidationPool, gate, invalid, limits};
use crate::error::{CompileError, Proposal};

/// Proposals that wrun does not support, by the name of their repository, the most common first.
const PROPOSALS: &[(WasmFeatures, &str)] = &[
    // The gate refuses shared memories without this, so it stands for the rest of that proposal too.
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "threads"),
    (WasmFeatures::GC, "gc"),
    (WasmFeatures::STACK_SWITCHING, "stack-switching"),
    (WasmFeatures::CUSTOM_DESCRIPTORS, "custom-descriptors"),
    (WasmFeatures::COMPACT_IMPORTS, "compact-import-section"),
    (WasmFeatures::MEMORY_CONTROL, "memory-control"),
];

impl Proposal {
    /// Returns all proposals that wrun knows by name and does not support, the most common first.
    pub fn all() -> impl Iterator<Item = Self> {
        PROPOSALS.iter().map(|(_, name)| Self(name))
    }
}

/// Explains the error of a module whose sections (without the bodies) are refused: names the limit that it exceeds, or the
/// proposals that its sections need. If no proposal helps, returns the error itself, or the first error that is left with all
/// proposals.
pub(crate) fn explain_sections(wasm: &[u8], error: CompileError) -> CompileError {
    let CompileError::Invalid { offset, .. } = error else {
        return error;
    };
    if let Some(what) = limits::exceeded(wasm, offset) {
        return CompileError::Limit(what);
    }
    match mend(FEATURES, offset, |features| Outline::read(wasm, features).map(|_| ())) {
        Ok(added) => unsupported(FEATURES.union(added), offset, false),
        Err(left) => left.unwrap_or(error),
    }
}

/// Explains the error of a body: names the limit that it exceeds, or the proposals that it and the later bodies need. If no
/// proposal helps for this body or a later one, returns the error of that body. `next_refused` returns the first body from an
/// index on that is refused with the features known to be needed so far, and its error.
pub(crate) fn explain_bodies(
    wasm: &[u8],
    (func, error): (DefinedFuncIndex, CompileError),
    next_refused: impl FnMut(&Needs<'_>, usize) -> Option<(DefinedFuncIndex, CompileError)>,
) -> CompileError {
    if !matches!(error, CompileError::Invalid { .. }) {
        return error;
    }
    let gathered = Needs::new(wasm).and_then(|mut needs| {
        needs.add_body(func, error)?;
        needs.add_bodies(func.index() + 1, next_refused)?;
        Ok(needs)
    });
    match gathered {
        Ok(needs) => unsupported(needs.features, needs.first.unwrap_or_default(), true),
        Err(left) => left,
    }
}

/// Returns all proposals that the sections and bodies of a module need. Fails if the module is invalid even with all proposals.
pub(crate) fn all_proposals(
    wasm: &[u8],
    next_refused: impl FnMut(&Needs<'_>, usize) -> Option<(DefinedFuncIndex, CompileError)>,
) -> Result<Vec<Proposal>, CompileError> {
    let mut needs = Needs::new(wasm)?;
    needs.add_bodies(0, next_refused)?;
    Ok(names(needs.features))
}

/// The unsupported proposals that a module is known to need: those of the sections, and those of the bodies that were refused
/// so far.
pub(crate) struct Needs<'a> {
    wasm: &'a [u8],
    /// The sections, read with all features, so that the types of all proposals are distinguished.
    outline: Outline<'a>,
    /// The features that are needed.
    features: WasmFeatures,
    /// Offset in bytes of the first use that was found in a body.
    first: Option<u64>,
}

impl<'a> Needs<'a> {
    /// Finds the needs of the sections. Fails with the remaining error if no proposal helps.
    fn new(wasm: &'a [u8]) -> Result<Self, CompileError> {
        let outline = Outline::read(wasm, all_features()).map_err(|error| explain_sections(wasm, error))?;
        let features = match Outline::read(wasm, FEATURES) {
            Ok(_) => FEATURES,
            Err(error) => {
                let check = |features| Outline::read(wasm, features).map(|_| ());
                let added = mend(FEATURES, offset_of(&error), check).map_err(|left| left.unwrap_or(error))?;
                FEATURES.union(added)
            }
        };
        let first = None;
        Ok(Self {
            wasm,
            outline,
            features,
            first,
        })
    }

    /// Returns the number of bodies of the module.
    pub(crate) fn bodies(&self) -> usize {
        self.outline.bodies.len()
    }

    /// Validates a body with all features that are known to be needed.
    pub(crate) fn validate_body(&self, func: DefinedFuncIndex, pool: &mut ValidationPool) -> Result<(), CompileError> {
        self.outline.validate_body(func, self.features, pool)
    }

    /// Adds the needs of the bodies from `from` on.
    fn add_bodies(
        &mut self,
        mut from: usize,
        mut next_refused: impl FnMut(&Needs<'_>, usize) -> Option<(DefinedFuncIndex, CompileError)>,
    ) -> Result<(), CompileError> {
        while let Some((func, error)) = next_refused(self, from) {
            self.add_body(func, error)?;
            from = func.index() + 1;
        }
        Ok(())
    }

    /// Adds the needs of a body that was refused with `error`. Fails with the remaining error if no proposal helps.
    fn add_body(&mut self, func: DefinedFuncIndex, error: CompileError) -> Result<(), CompileError> {
        let CompileError::Invalid { offset, .. } = error else {
            return Err(error);
        };
        if let Some(what) = limits::exceeded(self.wasm, offset) {
            return Err(CompileError::Limit(what));
        }
        let mut pool = ValidationPool::default();
        let check = |features| self.outline.validate_body(func, features, &mut pool);
        let added = mend(self.features, offset, check).map_err(|left| left.unwrap_or(error))?;
        self.features = self.features.union(added);
        self.first.get_or_insert(offset);
        Ok(())
    }
}

/// The part of a module that validating one body needs: all sections, validated, and the bodies, not validated.
struct Outline<'a> {
    resources: Option<ValidatorResources>,
    bodies: Vec<FuncToRead<'a>>,
}

/// A body that was not validated.
struct FuncToRead<'a> {
    /// The function, in the function index space.
    index: u32,
    /// Its type.
    ty: u32,
    body: FunctionBody<'a>,
}

impl<'a> Outline<'a> {
    /// Reads and validates the sections with these features.
    fn read(wasm: &'a [u8], features: WasmFeatures) -> Result<Self, CompileError> {
        let mut parser = Parser::new(0);
        parser.set_features(features);
        let mut validator = Validator::new_with_features(features);
        let mut outline = Self {
            resources: None,
            bodies: Vec::new(),
        };
        for payload in parser.parse_all(wasm) {
            let payload = payload.map_err(|error| invalid(&error))?;
            gate::check(&payload, features)?;
            if let ValidPayload::Func(func, body) = validator.payload(&payload).map_err(|error| invalid(&error))? {
                let FuncToValidate {
                    index, ty, resources, ..
                } = func;
                outline.bodies.push(FuncToRead { index, ty, body });
                outline.resources.get_or_insert(resources);
            }
        }
        Ok(outline)
    }

    /// Validates a body with these features.
    fn validate_body(
        &self,
        func: DefinedFuncIndex,
        features: WasmFeatures,
        pool: &mut ValidationPool,
    ) -> Result<(), CompileError> {
        let FuncToRead { index, ty, body } = &self.bodies[func.index()];
        let func = FuncToValidate {
            resources: self.resources.clone().expect("a module with bodies has resources"),
            index: *index,
            ty: *ty,
            features,
        };
        let mut validator = func.into_validator(core::mem::take(&mut pool.allocations));
        validator.validate(body).map_err(|error| invalid(&error))?;
        pool.allocations = validator.into_allocations();
        Ok(())
    }
}

/// Returns a minimal set of proposals, in addition to the features in `known`, with which `check` passes: no proposal of the
/// set can be left out. Fails if `check` fails even with all proposals. The error is the remaining one, or `None` if it is at
/// `offset`, the place of the first error.
fn mend(
    known: WasmFeatures,
    offset: u64,
    mut check: impl FnMut(WasmFeatures) -> Result<(), CompileError>,
) -> Result<WasmFeatures, Option<CompileError>> {
    let mut needed: Vec<_> = PROPOSALS
        .iter()
        .map(|(one, _)| *one)
        .filter(|one| !known.contains(*one))
        .collect();
    if let Some(one) = needed.iter().find(|one| check(known.union(**one)).is_ok()) {
        return Ok(*one);
    }
    let union = |set: &[WasmFeatures]| set.iter().fold(WasmFeatures::empty(), |all, one| all.union(*one));
    if let Err(left) = check(known.union(union(&needed))) {
        return Err((offset_of(&left) != offset).then_some(left));
    }
    // Leave out the proposals that are not needed, the least common first.
    for i in (0..needed.len()).rev() {
        let one = needed.remove(i);
        if check(known.union(union(&needed))).is_err() {
            needed.insert(i, one);
        }
    }
    Ok(union(&needed))
}

fn all_features() -> WasmFeatures {
    PROPOSALS.iter().fold(FEATURES, |all, (one, _)| all.union(*one))
}

fn offset_of(error: &CompileError) -> u64 {
    match error {
        CompileError::Invalid { offset, .. } => *offset,
        _ => 0,
    }
}

fn names(features: WasmFeatures) -> Vec<Proposal> {
    let needed = PROPOSALS.iter().filter(|(one, _)| features.contains(*one));
    needed.map(|(_, name)| Proposal(name)).collect()
}

fn unsupported(features: WasmFeatures, offset: u64, in_code: bool) -> CompileError {
    CompileError::Unsupported {
        proposals: names(features),
        offset,
        in_code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{ValidationPool, parse, validate_body};
    use wrun_artifact::Config;

    /// Returns the first body, from one on, that `check` refuses.
    fn first_refused(
        bodies: core::ops::Range<usize>,
        mut check: impl FnMut(DefinedFuncIndex) -> Result<(), CompileError>,
    ) -> Option<(DefinedFuncIndex, CompileError)> {
        bodies
            .map(DefinedFuncIndex::new)
            .find_map(|func| Some((func, check(func).err()?)))
    }

    fn next_refused(needs: &Needs<'_>, from: usize) -> Option<(DefinedFuncIndex, CompileError)> {
        let mut pool = ValidationPool::default();
        first_refused(from..needs.bodies(), |func| needs.validate_body(func, &mut pool))
    }

    /// Returns the first error of a module, explained.
    fn error(wasm: &[u8]) -> CompileError {
        let module = match parse(wasm, &Config::native()) {
            Err(error) => return explain_sections(wasm, error),
            Ok(module) => module,
        };
        let mut pool = ValidationPool::default();
        let refused = first_refused(0..module.bodies.len(), |func| {
            validate_body(&module, func, &mut pool).map(|_| ())
        });
        explain_bodies(wasm, refused.expect("refused"), next_refused)
    }

    /// Returns the proposals in the error of a refused module, and true if its code needs them.
    fn proposals(text: &str) -> (Vec<&'static str>, bool) {
        match error(&wat::parse_str(text).expect("text")) {
            CompileError::Unsupported {
                proposals,
                offset,
                in_code,
            } => {
                assert!(offset >= 8, "{text}");
                (proposals.iter().map(|proposal| proposal.0).collect(), in_code)
            }
            other => panic!("{text}: {other}"),
        }
    }

    /// Returns all proposals that a module needs.
    fn everything(text: &str) -> Vec<&'static str> {
        let wasm = wat::parse_str(text).expect("text");
        let all = all_proposals(&wasm, next_refused).expect("valid");
        all.iter().map(|proposal| proposal.0).collect()
    }

    #[test]
    fn a_module_that_needs_one_proposal_is_told_its_name() {
        for (name, text) in [
            ("threads", "(module (memory 1 1 shared))"),
            (
                "custom-descriptors",
                "(module (import \"m\" \"f\" (func (exact (type 0)))) (type (func)))",
            ),
            (
                "memory-control",
                "(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))",
            ),
        ] {
            assert_eq!(proposals(text).0, [name], "{text}");
        }
    }

    #[test]
    fn sections_are_refused_for_all_that_they_need_and_no_more_whatever_the_bodies_need() {
        for (names, all, text) in [
            (
                &["custom-descriptors"][..],
                &["gc", "custom-descriptors"][..],
                "(module (type (func)) (import \"m\" \"f\" (func (exact (type 0)))) (func (drop (ref.i31 (i32.const 1)))))",
            ),
            (
                &["threads", "custom-descriptors"],
                &["threads", "custom-descriptors"],
                "(module (type (func)) (import \"m\" \"f\" (func (exact (type 0)))) (memory i64 1 1 shared))",
            ),
            (
                &["threads"],
                &["threads", "gc", "memory-control"],
                "(module (memory 1 1 shared) (func (memory.discard (i32.const 0) (i32.const 0))) (func (drop (ref.i31 (i32.const 1)))))",
            ),
        ] {
            assert_eq!(proposals(text), (names.to_vec(), false), "{text}");
            assert_eq!(everything(text), all, "{text}");
        }
    }

    #[test]
    fn bodies_are_refused_for_all_that_they_need_and_no_more() {
        for (names, text) in [
            (
                // In one body.
                &["gc", "memory-control"][..],
                "(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0)) (drop (ref.i31 (i32.const 1)))))",
            ),
            (
                // In several, with others between them.
                &["gc", "memory-control"],
                "(module (memory 1) (func) (func (memory.discard (i32.const 0) (i32.const 0))) (func)
                   (func (memory.discard (i32.const 0) (i32.const 0))) (func (drop (ref.i31 (i32.const 1)))) (func))",
            ),
        ] {
            assert_eq!(proposals(text), (names.to_vec(), true), "{text}");
            assert_eq!(everything(text), names, "{text}");
        }
    }

    #[test]
    fn the_offset_is_that_of_the_first_use() {
        let text = "(module (memory 1) (func) (func (drop (ref.i31 (i32.const 1)))) (func (memory.discard (i32.const 0) (i32.const 0))))";
        let wasm = wat::parse_str(text).expect("text");
        let CompileError::Unsupported { offset, .. } = error(&wasm) else {
            panic!("supported")
        };
        let at = wasm.iter().position(|byte| *byte == 0xfb).expect("ref.i31");
        assert_eq!(offset, at as u64);
    }

    #[test]
    fn a_module_that_needs_nothing_more_has_an_empty_list() {
        assert_eq!(everything("(module (memory 1) (func))"), [""; 0]);
    }

    #[test]
    fn what_builds_on_another_proposal_names_both_where_both_are_used() {
        for (names, text) in [
            (
                &["gc"][..],
                "(module (type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1)))))",
            ),
            (
                &["stack-switching"],
                "(module (type $f (func)) (type $c (cont $f)) (func (drop (ref.null $c))) (func (param (ref $c)) (resume $c (local.get 0))))",
            ),
            (
                &["gc", "custom-descriptors"],
                "(module (rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct))))",
            ),
            (
                &["gc", "custom-descriptors"],
                "(module (type (func)) (type (struct)) (import \"m\" \"f\" (func (exact (type 0)))))",
            ),
            (
                &["threads"],
                "(module (global (shared mut i32) (i32.const 0)) (func (drop (global.atomic.get seq_cst 0))))",
            ),
        ] {
            assert_eq!(proposals(text).0, names, "{text}");
        }
    }

    #[test]
    fn imports_in_the_compact_form_are_told_from_malformed_ones() {
        // One module name, then (0x7f) a list of one item: a function of type 0.
        let imports = [
            &b"\0asm\x01\0\0\0"[..],
            b"\x01\x04\x01\x60\0\0",
            b"\x02\x09\x01\x01m\0\x7f\x01\0\0\0",
        ]
        .concat();
        let error = error(&imports);
        let CompileError::Unsupported { proposals, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(proposals, &[Proposal("compact-import-section")]);
    }

    #[test]
    fn a_module_that_is_invalid_anyway_is_not_called_unsupported() {
        let wasm = wat::parse_str("(module (func i32.add))").expect("text");
        assert!(matches!(error(&wasm), CompileError::Invalid { .. }));
        // Needs a proposal and is invalid behind that: what is wrong is what no proposal mends.
        let wasm = wat::parse_str("(module (func (drop (ref.i31 (i32.const 1)))) (func f32.neg))").expect("text");
        let CompileError::Invalid { offset, .. } = error(&wasm) else {
            panic!("valid")
        };
        assert_eq!(
            offset,
            wasm.iter().rposition(|byte| *byte == 0x8c).expect("f32.neg") as u64
        );
    }

    #[test]
    fn other_errors_pass() {
        let error = CompileError::NotWasm(None);
        assert_eq!(explain_sections(b"", error.clone()), error);
        let error = CompileError::Interrupted;
        assert_eq!(
            explain_bodies(b"", (DefinedFuncIndex::new(0), error.clone()), next_refused),
            error
        );
    }
}
