//! Finds facts that depend on the whole module: the forms and contents of tables, and the values of globals.
//!
//! Input: the module, and the facts about its bodies in any order. Output: a [`Scan`].
//!
//! A table is private if it can never contain a reference to another instance. These are the conditions: this module defines
//! it, its elements are functions, it is not exported, code writes no references to it, it is copied only from and to private
//! tables, and the segments that can reach it contain only functions of this module and nulls.

use std::collections::{BTreeMap, BTreeSet};

use wrun_artifact::facts::{Facts, GlobalFacts, TableFacts};
use wrun_artifact::index::{DefinedFuncIndex, ElemIndex, FuncIndex, Index, IndexVec, TableIndex};
use wrun_artifact::types::GlobalType;
use wrun_artifact::vmlayout::TableForm;

use super::module::{BodyFacts, Elem, ElemItems, Item, Mode, Module, Scan};
use super::segments::Segment;

/// The number of entries that an image may have beyond twice the number of elements in segments.
const IMAGE_SLACK: usize = 65536;

impl Scan {
    /// Combines the facts about all bodies.
    pub(crate) fn new(module: &Module<'_>, bodies: impl Iterator<Item = BodyFacts>) -> Self {
        let mut callees = BTreeMap::new();
        let bodies = bodies.inspect(|facts| callees.extend(facts.context_only_for.clone()));
        let uses = Uses::gather(module, bodies);
        let private = uses.private(module);
        let mut elems_in_image: IndexVec<ElemIndex, bool> = module.elems.keys().map(|_| false).collect();
        let mut thunks = BTreeSet::new();
        let mut tables = IndexVec::new();
        let trap = module.first_visible_trap();
        let must_wait = |elem: &ElemIndex| trap.is_some_and(|trap| Segment::Elem(*elem) > trap);
        for (table, ty) in module.tables.iter() {
            let used = &uses.tables[table];
            let image = match used.active.iter().any(must_wait) {
                true => None,
                false => image(module, table, &used.active),
            };
            if image.is_some() {
                for elem in &used.active {
                    elems_in_image[*elem] = true;
                }
            }
            if private[table] {
                thunks.extend(used.reaching().flat_map(|elem| imported_funcs(module, elem)));
            }
            tables.push(TableFacts {
                ty: *ty,
                form: match ty.element {
                    element if element.is_object() => TableForm::Extern,
                    _ if private[table] => TableForm::Private,
                    _ => TableForm::Shared,
                },
                fixed_len: (used.is_own && !used.exported && !used.grown)
                    .then_some(ty.min)
                    .and_then(|len| u32::try_from(len).ok()),
                constant: private[table] && image.is_some() && used.inited.is_empty() && !used.copied_into,
                image: image.unwrap_or_default(),
            });
        }
        let global = |(global, ty): (_, &GlobalType)| GlobalFacts {
            ty: *ty,
            constant: module
                .defined_global(global)
                .filter(|_| !ty.mutable)
                .and_then(|own| module.global_inits[own].value()),
        };
        let facts = Facts {
            counts: *module.counts(),
            types: module.types.clone(),
            sigs: module.sigs.clone(),
            funcs: module.funcs.clone(),
            tables,
            memories: module.memories.clone(),
            globals: module.globals.iter().map(global).collect(),
            tags: module.tags.clone(),
            thunks: thunks.into_iter().collect(),
            context_free: context_free(callees),
        };
        Self { facts, elems_in_image }
    }
}

/// Returns the context-free functions: those of `callees` that call only context-free functions.
fn context_free(mut callees: BTreeMap<DefinedFuncIndex, Vec<DefinedFuncIndex>>) -> BTreeSet<DefinedFuncIndex> {
    loop {
        let kept: BTreeSet<_> = callees.keys().copied().collect();
        callees.retain(|_, calls| calls.iter().all(|call| kept.contains(call)));
        if callees.len() == kept.len() {
            return kept;
        }
    }
}

/// Uses of one table, by code and by segments.
#[derive(Default)]
struct TableUse {
    /// True if this module defines it.
    is_own: bool,
    exported: bool,
    /// True if code writes references to it.
    written: bool,
    grown: bool,
    copied_into: bool,
    /// Active segments, in order.
    active: Vec<ElemIndex>,
    /// Passive segments that code copies into it. All other segments are already dropped when code runs.
    inited: Vec<ElemIndex>,
}

impl TableUse {
    /// Returns all segments whose elements can be in the table.
    fn reaching(&self) -> impl Iterator<Item = ElemIndex> {
        self.active.iter().chain(&self.inited).copied()
    }
}

/// Uses of all tables.
struct Uses {
    tables: IndexVec<TableIndex, TableUse>,
    /// (destination, source) of `table.copy`.
    copies: BTreeSet<(TableIndex, TableIndex)>,
}

impl Uses {
    fn gather(module: &Module<'_>, bodies: impl Iterator<Item = BodyFacts>) -> Self {
        let mut tables: IndexVec<TableIndex, TableUse> = module
            .tables
            .keys()
            .map(|table| TableUse {
                is_own: module.defined_table(table).is_some(),
                ..TableUse::default()
            })
            .collect();
        for export in &module.exports {
            if let Item::Table(table) = export.item {
                tables[table].exported = true;
            }
        }
        for (elem, Elem { mode, .. }) in module.elems.iter() {
            if let Mode::Active { target, .. } = mode {
                tables[*target].active.push(elem);
            }
        }
        let mut copies = BTreeSet::new();
        let mut inits = BTreeSet::new();
        let mut unknown = false;
        for body in bodies {
            unknown |= body.unknown;
            for table in body.tables_written {
                tables[table].written = true;
            }
            for table in body.tables_grown {
                tables[table].grown = true;
            }
            inits.extend(body.tables_inited);
            copies.extend(body.tables_copied);
        }
        for (table, elem) in inits {
            if module.elems[elem].mode == Mode::Passive {
                tables[table].inited.push(elem);
            }
        }
        for (destination, _) in &copies {
            tables[*destination].copied_into = true;
        }
        if unknown {
            for (table, _) in module.tables.iter() {
                let used = &mut tables[table];
                (used.written, used.grown, used.copied_into) = (true, true, true);
            }
        }
        Self { tables, copies }
    }

    /// Returns true for each private table.
    fn private(&self, module: &Module<'_>) -> IndexVec<TableIndex, bool> {
        let of_functions = |elem| matches!(module.elems[elem].items, ElemItems::Funcs(_));
        let mut private: IndexVec<TableIndex, bool> = self
            .tables
            .iter()
            .map(|(table, used)| {
                module.tables[table].element.is_func()
                    && module.is_null_at_first(table)
                    && used.is_own
                    && !used.exported
                    && !used.written
                    && used.reaching().all(of_functions)
            })
            .collect();
        // A copy makes both tables shared if one is, so one shared table can make a chain of others shared.
        loop {
            let mut stable = true;
            for (a, b) in &self.copies {
                if private[*a] != private[*b] {
                    private[*a] = false;
                    private[*b] = false;
                    stable = false;
                }
            }
            if stable {
                return private;
            }
        }
    }
}

/// Returns the initial contents of a table, up to the last element that its active segments write. Returns `None` if
/// instantiation has to copy all segments in order: because one may trap, because an offset or an element is not known, or
/// because the image would be much larger than its contents.
fn image(module: &Module<'_>, table: TableIndex, active: &[ElemIndex]) -> Option<Vec<Option<FuncIndex>>> {
    module.defined_table(table)?;
    let ty = &module.tables[table];
    if !ty.element.is_func() || !module.is_null_at_first(table) {
        return None;
    }
    let min = usize::try_from(ty.min).ok()?;
    let mut parts = Vec::with_capacity(active.len());
    let (mut len, mut items_total) = (0, 0);
    for elem in active {
        let Elem {
            mode: Mode::Active { offset, .. },
            items: ElemItems::Funcs(items),
            ..
        } = &module.elems[*elem]
        else {
            return None;
        };
        let start = usize::try_from(offset.offset(ty.index)?).ok()?;
        let end = start.checked_add(items.len()).filter(|end| *end <= min)?;
        if !items.is_empty() {
            len = len.max(end);
            items_total += items.len();
            parts.push((start..end, items));
        }
    }
    if len > 2 * items_total + IMAGE_SLACK {
        return None;
    }
    let mut image = vec![None; len];
    for (range, items) in parts {
        image[range].copy_from_slice(items);
    }
    Some(image)
}

/// Returns the imported functions among a segment's elements.
fn imported_funcs(module: &Module<'_>, elem: ElemIndex) -> impl Iterator<Item = FuncIndex> {
    let items = match &module.elems[elem].items {
        ElemItems::Funcs(items) => items.as_slice(),
        ElemItems::Exprs(_) => &[],
    };
    let imported = module.counts().imported_funcs as usize;
    items
        .iter()
        .flatten()
        .copied()
        .filter(move |func| func.index() < imported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{ValidationPool, parse, validate_body};
    use wrun_artifact::Config;

    fn scan(text: &str) -> Scan {
        let wasm = wat::parse_str(format!("(module {text})")).expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid");
        let mut pool = ValidationPool::default();
        let bodies = module
            .bodies
            .keys()
            .map(|func| validate_body(&module, func, &mut pool).expect("valid"));
        Scan::new(&module, bodies)
    }

    fn forms(text: &str) -> Vec<TableForm> {
        scan(text).facts.tables.values().map(|table| table.form).collect()
    }

    fn images(scan: &Scan) -> Vec<Vec<Option<u32>>> {
        let numbers = |table: &TableFacts| table.image.iter().map(|func| func.map(FuncIndex::as_u32)).collect();
        scan.facts.tables.values().map(numbers).collect()
    }

    use TableForm::{Extern, Private, Shared};

    #[test]
    fn the_form_of_a_table_follows_from_all_that_can_enter_it() {
        let two = "(table 2 funcref) (table 2 funcref)";
        for (text, expect) in [
            ("(table 2 funcref) (func) (elem (i32.const 0) 0)", &[Private][..]),
            ("(table 2 externref)", &[Extern]),
            ("(import \"\" \"\" (table 2 funcref))", &[Shared]),
            ("(table (export \"\") 2 funcref)", &[Shared]),
            (
                "(table 2 funcref) (func (table.set (i32.const 0) (ref.null func)))",
                &[Shared],
            ),
            (
                "(table 2 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 0)))",
                &[Shared],
            ),
            (
                "(table 2 funcref) (func (drop (table.grow (ref.null func) (i32.const 0))))",
                &[Shared],
            ),
            ("(table 2 funcref) (func (drop (table.get (i32.const 0))))", &[Private]),
            // A reference from outside, by an active segment and by `table.init`.
            (
                "(import \"\" \"\" (global funcref)) (table 2 funcref) (elem (i32.const 0) funcref (global.get 0))",
                &[Shared],
            ),
            (
                "(import \"\" \"\" (global funcref)) (table 2 funcref) (elem funcref (global.get 0))
                 (func (table.init 0 (i32.const 0) (i32.const 0) (i32.const 1)))",
                &[Shared],
            ),
            // The segment reaches no table, or is dropped when code runs.
            (
                "(import \"\" \"\" (global funcref)) (table 2 funcref) (elem funcref (global.get 0))",
                &[Private],
            ),
            (
                "(import \"\" \"\" (global funcref)) (table 2 funcref) (elem declare funcref (global.get 0))
                 (func (table.init 0 (i32.const 0) (i32.const 0) (i32.const 0)))",
                &[Private],
            ),
            (
                "(table 2 funcref) (elem funcref (ref.func 0) (ref.null func))
                 (func (table.init 0 (i32.const 0) (i32.const 0) (i32.const 1)))",
                &[Private],
            ),
            (
                &format!("{two} (func (table.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0)))"),
                &[Private, Private],
            ),
        ] {
            assert_eq!(forms(text), expect, "{text}");
        }
    }

    #[test]
    fn functions_are_context_free_when_all_that_they_call_are() {
        let free = |text: &str| {
            scan(text)
                .facts
                .context_free
                .iter()
                .map(|func| func.as_u32())
                .collect::<Vec<_>>()
        };
        let memory = "(memory 1)";
        let needs = "(func (drop (memory.size)))";
        for (text, expect) in [
            ("(func (call 0))".to_owned(), &[0][..]),
            ("(func (call 1)) (func (call 2)) (func (call 0))".to_owned(), &[0, 1, 2]),
            (format!("{memory} {needs} (func (call 2)) (func (call 0)) (func)"), &[3]),
            (
                format!("{memory} (func (call 1)) (func (call 2)) (func (call 0) (call 3)) {needs}"),
                &[],
            ),
        ] {
            assert_eq!(free(&text), expect, "{text}");
        }
    }

    #[test]
    fn an_unknown_instruction_makes_tables_shared_and_of_any_length() {
        let wasm = wat::parse_str("(module (table 2 funcref) (func) (elem (i32.const 0) 0 0))").expect("text");
        let module = parse(&wasm, &Config::native()).expect("valid");
        let facts = |unknown| {
            let body = BodyFacts {
                unknown,
                ..BodyFacts::default()
            };
            let scan = Scan::new(&module, core::iter::once(body));
            let table = scan.facts.tables.values().next().expect("one");
            (table.form, table.fixed_len, table.constant)
        };
        assert_eq!(facts(false), (Private, Some(2), true));
        assert_eq!(facts(true), (Shared, None, false));
    }

    #[test]
    fn copies_make_tables_shared_in_both_directions_and_along_chains() {
        let copy = |to: u32, from: u32| format!("(table.copy {to} {from} (i32.const 0) (i32.const 0) (i32.const 0))");
        let tables = "(table (export \"\") 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref)";
        for (copies, expect) in [
            (vec![copy(1, 0)], [Shared, Shared, Private, Private]),
            (vec![copy(0, 1)], [Shared, Shared, Private, Private]),
            (
                vec![copy(3, 2), copy(2, 1), copy(1, 0)],
                [Shared, Shared, Shared, Shared],
            ),
            (vec![copy(0, 3), copy(2, 3)], [Shared, Private, Shared, Shared]),
            (vec![copy(2, 3)], [Shared, Private, Private, Private]),
        ] {
            // Each copy is in a separate body, so the facts have to be merged.
            let bodies: String = copies.iter().map(|copy| format!("(func {copy})")).collect();
            assert_eq!(forms(&format!("{tables} {bodies}")), expect, "{copies:?}");
        }
    }

    #[test]
    fn segments_become_the_image_in_their_order() {
        let scan = scan(
            "(import \"\" \"\" (func)) (func) (func) (table 9 funcref)
             (elem (i32.const 1) func 1 2 1) (elem (i32.const 2) funcref (ref.func 0) (ref.null func))
             (elem (i32.const 9) func) (elem (i32.const 0) funcref (ref.null func)) (elem func 1)",
        );
        assert_eq!(images(&scan), [[None, Some(1), Some(0), None]]);
        assert_eq!(scan.elems_in_image.as_slice(), [true, true, true, true, false]);
        assert!(
            scan.facts
                .tables
                .values()
                .all(|table| table.constant && table.fixed_len == Some(9))
        );
        assert_eq!(scan.facts.thunks, [FuncIndex::from_u32(0)]);
    }

    #[test]
    fn a_table_with_one_segment_that_may_trap_or_is_unknown_has_no_image() {
        let good = "(table 2 funcref) (func) (elem (i32.const 0) func 0)";
        for bad in [
            "(elem (i32.const 2) func 0)",
            "(elem (i32.const 3) func)",
            "(elem (i32.const -1) func 0)",
            "(elem (global.get 0) func 0)",
            "(elem (i32.const 0) funcref (global.get 1))",
        ] {
            let imports = "(import \"\" \"\" (global i32)) (import \"\" \"\" (global funcref))";
            let scan = scan(&format!("{imports} {good} {bad}"));
            assert_eq!(images(&scan), [[]], "{bad}");
            assert_eq!(scan.elems_in_image.as_slice(), [false, false], "{bad}");
            assert!(
                scan.facts
                    .tables
                    .values()
                    .all(|table| !table.constant && table.fixed_len == Some(2)),
                "{bad}"
            );
        }
    }

    #[test]
    fn tables_of_others_and_of_the_host_have_no_image_but_shared_ones_of_this_module_have() {
        let scan = scan(
            "(import \"\" \"\" (table 5 funcref)) (table (export \"\") 5 funcref) (table 5 externref) (func)
             (elem (table 0) (i32.const 0) func 0) (elem (table 1) (i32.const 0) func 0)
             (elem (table 2) (i32.const 0) externref (ref.null extern))",
        );
        assert_eq!(images(&scan), [vec![], vec![Some(0)], vec![]]);
        assert_eq!(scan.elems_in_image.as_slice(), [false, true, false]);
        let lengths: Vec<_> = scan.facts.tables.values().map(|table| table.fixed_len).collect();
        assert_eq!(lengths, [None, None, Some(5)]);
        assert!(scan.facts.thunks.is_empty());
    }

    #[test]
    fn a_huge_table_with_few_elements_has_no_image() {
        let huge = scan("(table 0xffffffff funcref) (func) (elem (i32.const 0xfffffff0) func 0)");
        assert_eq!(images(&huge), [[]]);
        assert_eq!(huge.elems_in_image.as_slice(), [false]);
        let near = scan("(table 0xffffffff funcref) (func) (elem (i32.const 1) func 0)");
        assert_eq!(images(&near), [[None, Some(0)]]);
    }

    #[test]
    fn a_table_that_code_initialises_or_copies_into_is_not_constant() {
        let tables = "(table 2 funcref) (table 2 funcref) (elem func 0)";
        let constant = |body: &str| -> Vec<bool> {
            scan(&format!("{tables} (func {body})"))
                .facts
                .tables
                .values()
                .map(|table| table.constant)
                .collect()
        };
        assert_eq!(constant(""), [true, true]);
        assert_eq!(
            constant("(table.init 0 0 (i32.const 0) (i32.const 0) (i32.const 0))"),
            [false, true]
        );
        assert_eq!(
            constant("(table.copy 1 0 (i32.const 0) (i32.const 0) (i32.const 0))"),
            [true, false]
        );
        assert_eq!(constant("(elem.drop 0)"), [true, true]);
    }

    #[test]
    fn only_imports_that_can_enter_a_private_table_get_a_trampoline() {
        let imports = "(import \"\" \"a\" (func)) (import \"\" \"b\" (func)) (import \"\" \"c\" (func))";
        let scan = scan(&format!(
            "{imports} (table 5 funcref) (table (export \"\") 5 funcref) (elem (table 0) (i32.const 0) func 2 3)
             (elem (table 1) (i32.const 0) func 1) (elem func 0 2) (elem declare func 1)
             (func (table.init 0 2 (i32.const 0) (i32.const 0) (i32.const 1)))"
        ));
        assert_eq!(scan.facts.thunks, [FuncIndex::from_u32(0), FuncIndex::from_u32(2)]);
    }

    #[test]
    fn immutable_globals_of_known_value_are_constants() {
        let scan = scan(
            "(import \"\" \"\" (global i32)) (global i32 (i32.const 7)) (global (mut i32) (i32.const 7))
             (global i32 (global.get 0)) (global funcref (ref.null func)) (global funcref (ref.func 0)) (func)",
        );
        let known: Vec<_> = scan
            .facts
            .globals
            .values()
            .map(|global| global.constant.map(|slot| slot[0]))
            .collect();
        assert_eq!(known, [None, Some(7), None, None, Some(0), None]);
    }
}
