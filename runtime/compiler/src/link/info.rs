//! The info section: rows that describe the module.
//!
//! Input: the module, the facts about it, the memories' images and the places of code. Output: the info section's tables. Rows
//! that point into `.wrun.tables` and `.wrun.data` match the contents that `contents` writes there. The linker decides on files
//! and the order of sections.

use wrun_artifact::facts::Facts;
use wrun_artifact::index::{FuncIndex, GlobalIndex, Index, SigIndex, TagIndex};
use wrun_artifact::info::{
    ConstOp as OpRow, DataRow, ElemRow, ExportRow, ExternRow, FuncRow, GlobalRow, ImportRow, InfoBuilder, ItemKind,
    MemoryRow, NONE, RunRow, SigRow, Span, TableRow, TagRow, const_op, segment_mode,
};
use wrun_artifact::types::ExternType;
use wrun_artifact::vmlayout::{Libcall, TableForm};

use super::contents::{copied_data, own_tables, private_len};
use super::image::Images;
use super::placement::Placement;
use crate::code::Symbol;
use crate::parse::{ConstExpr, ConstOp, Elem, ElemItems, Item, Mode, Module, Scan};

/// Builds the info section. `image_at` is the offset of the image section in the file.
pub(crate) fn build(
    module: &Module<'_>,
    scan: &Scan,
    images: &Images,
    image_at: u64,
    placement: &Placement,
) -> InfoBuilder {
    let mut info = InfoBuilder {
        counts: *module.counts(),
        start: module.start.map(FuncIndex::as_u32),
        ..InfoBuilder::default()
    };
    sigs(&mut info, module, placement);
    imports(&mut info, module, placement);
    funcs(&mut info, module, placement);
    table_rows(&mut info, module, &scan.facts);
    memories(&mut info, module, images, image_at);
    for (global, init) in module.global_inits.iter() {
        let index = GlobalIndex::new(global.index() + module.counts().imported_globals as usize);
        let init = const_expr(&mut info, init);
        info.globals.push(GlobalRow {
            ty: ExternRow::global(&module.globals[index]),
            init,
        });
    }
    tags(&mut info, module);
    exports(&mut info, module);
    elems(&mut info, module, scan);
    data_rows(&mut info, module, images);
    let offset = |libcall: &Libcall| placement.start(Symbol::Libcall(*libcall)).unwrap_or(NONE).into();
    info.libcalls = Libcall::ALL.iter().map(offset).collect();
    info
}

fn sigs(info: &mut InfoBuilder, module: &Module<'_>, placement: &Placement) {
    for (sig, ty) in module.sigs.iter() {
        let params = info.types(ty.params());
        let results = info.types(ty.results());
        let offset = |symbol: fn(SigIndex) -> Symbol| placement.start(symbol(sig)).unwrap_or(NONE).into();
        info.sigs.push(SigRow {
            params,
            results,
            entry: offset(Symbol::Entry),
            typed_hostcall: offset(Symbol::TypedHostcall),
            untyped_hostcall: offset(Symbol::UntypedHostcall),
        });
    }
}

fn imports(info: &mut InfoBuilder, module: &Module<'_>, placement: &Placement) {
    let mut imported_tags = 0;
    for import in &module.imports {
        let mut thunk = NONE;
        let ty = match &import.ty {
            ExternType::Func(_) => {
                let func = FuncIndex::new(info.imported_func_sigs.len());
                let sig = module.funcs[func].as_u32();
                info.imported_func_sigs.push(sig.into());
                thunk = placement.start(Symbol::ImportThunk(func)).unwrap_or(NONE);
                ExternRow::func(sig)
            }
            ExternType::Table(ty) => ExternRow::table(ty),
            ExternType::Memory(ty) => ExternRow::memory(ty),
            ExternType::Global(ty) => ExternRow::global(ty),
            ExternType::Tag(_) => {
                let sig = module.tags[TagIndex::new(imported_tags)];
                imported_tags += 1;
                ExternRow::tag(sig.as_u32())
            }
        };
        let (module, name) = (info.string(import.module), info.string(import.name));
        info.imports.push(ImportRow {
            module,
            name,
            ty,
            thunk: thunk.into(),
        });
    }
}

fn funcs(info: &mut InfoBuilder, module: &Module<'_>, placement: &Placement) {
    let rows = module.bodies.keys().map(|own| {
        let range = placement.func(own);
        let sig = module.funcs[module.func_index(own)];
        FuncRow {
            sig: sig.as_u32().into(),
            start: range.start.into(),
            len: (range.end - range.start).into(),
        }
    });
    info.funcs = rows.collect();
}

fn table_rows(info: &mut InfoBuilder, module: &Module<'_>, facts: &Facts) {
    let mut at = 0;
    for table in own_tables(module) {
        let known = &facts.tables[table];
        let image = match known.form {
            TableForm::Private => {
                let len = private_len(module, facts, table);
                at += len;
                Span::new(at - len, len)
            }
            TableForm::Shared => append(
                &mut info.elem_items,
                known.image.iter().map(|func| func_number(func).into()),
            ),
            TableForm::Extern => Span::default(),
        };
        let init = module
            .defined_table(table)
            .and_then(|own| module.table_inits[own].as_ref());
        let init = init.map_or(Span::default(), |init| const_expr(info, init));
        info.tables.push(TableRow {
            init,
            ty: ExternRow::table(&module.tables[table]),
            form: known.form as u8,
            constant: u8::from(known.constant),
            pad: [0; 2],
            image,
        });
    }
}

fn memories(info: &mut InfoBuilder, module: &Module<'_>, images: &Images, image_at: u64) {
    let types = module
        .memories
        .as_slice()
        .iter()
        .skip(module.counts().imported_memories as usize);
    for (ty, runs) in types.zip(images.memories.values()) {
        let rows = runs.iter().map(|run| RunRow {
            offset: run.range.start.into(),
            file_offset: (image_at + run.at).into(),
            len: (run.range.end - run.range.start).into(),
        });
        let runs = append(&mut info.runs, rows);
        info.memories.push(MemoryRow {
            ty: ExternRow::memory(ty),
            runs,
        });
    }
}

fn tags(info: &mut InfoBuilder, module: &Module<'_>) {
    for (tag, sig) in module.tags.iter().skip(module.counts().imported_tags as usize) {
        let name = info.string(module.tag_names[tag].unwrap_or_default());
        let sig = sig.as_u32().into();
        info.tags.push(TagRow { sig, name });
    }
}

fn exports(info: &mut InfoBuilder, module: &Module<'_>) {
    let mut sorted: Vec<_> = module.exports.iter().collect();
    sorted.sort_unstable_by_key(|export| export.name.as_bytes());
    for export in sorted {
        let (kind, index) = match export.item {
            Item::Func(func) => (ItemKind::Func, func.as_u32()),
            Item::Table(table) => (ItemKind::Table, table.as_u32()),
            Item::Memory(memory) => (ItemKind::Memory, memory.as_u32()),
            Item::Global(global) => (ItemKind::Global, global.as_u32()),
            Item::Tag(tag) => (ItemKind::Tag, tag.as_u32()),
        };
        let name = info.string(export.name);
        info.exports.push(ExportRow {
            name,
            kind: (kind as u32).into(),
            index: index.into(),
        });
    }
}

fn elems(info: &mut InfoBuilder, module: &Module<'_>, scan: &Scan) {
    for (index, Elem { mode, items, .. }) in module.elems.iter() {
        let mut row = ElemRow::default();
        match mode {
            Mode::Active { target, offset } => {
                row.table = target.as_u32().into();
                if scan.elems_in_image[index] {
                    row.mode = segment_mode::IN_IMAGE;
                } else {
                    row.offset = const_expr(info, offset);
                }
            }
            Mode::Passive => row.mode = segment_mode::PASSIVE,
            Mode::Declared => row.mode = segment_mode::DECLARED,
        }
        // A segment that is dropped from the start needs no elements.
        if [segment_mode::ACTIVE, segment_mode::PASSIVE].contains(&row.mode) {
            row.items = match items {
                ElemItems::Funcs(funcs) => {
                    append(&mut info.elem_items, funcs.iter().map(|func| func_number(func).into()))
                }
                ElemItems::Exprs(exprs) => {
                    row.exprs = 1;
                    let start = info.elem_exprs.len();
                    for expr in exprs {
                        let expr = const_expr(info, expr);
                        info.elem_exprs.push(expr);
                    }
                    Span::new(start, exprs.len())
                }
            };
        }
        info.elems.push(row);
    }
}

fn data_rows(info: &mut InfoBuilder, module: &Module<'_>, images: &Images) {
    for (index, data) in module.data.iter() {
        let mut row = DataRow::default();
        match &data.mode {
            Mode::Active { target, offset } => {
                row.memory = target.as_u32().into();
                if images.data_in_image[index] {
                    row.mode = segment_mode::IN_IMAGE;
                } else {
                    row.offset = const_expr(info, offset);
                }
            }
            Mode::Passive | Mode::Declared => row.mode = segment_mode::PASSIVE,
        }
        info.data.push(row);
    }
    let mut at = 0;
    for (index, bytes) in copied_data(module, images) {
        let row = &mut info.data[index.index()];
        row.start = at.into();
        row.len = (bytes.len() as u64).into();
        at += bytes.len() as u64;
    }
}

fn const_expr(info: &mut InfoBuilder, expr: &ConstExpr) -> Span {
    let row = |op: &ConstOp| {
        let number = |number: u32| u128::from(number).to_le_bytes();
        let (op, slot) = match op {
            ConstOp::Value(slot) => (const_op::PUSH, *slot),
            ConstOp::GlobalGet(global) => (const_op::GLOBAL, number(global.as_u32())),
            ConstOp::RefFunc(func) => (const_op::FUNC, number(func.as_u32())),
            ConstOp::I32Add => (const_op::I32_ADD, [0; 16]),
            ConstOp::I32Sub => (const_op::I32_SUB, [0; 16]),
            ConstOp::I32Mul => (const_op::I32_MUL, [0; 16]),
            ConstOp::I64Add => (const_op::I64_ADD, [0; 16]),
            ConstOp::I64Sub => (const_op::I64_SUB, [0; 16]),
            ConstOp::I64Mul => (const_op::I64_MUL, [0; 16]),
        };
        OpRow { op, pad: [0; 7], slot }
    };
    append(&mut info.const_ops, expr.0.iter().map(row))
}

/// Returns the number of a function as an element, or `NONE` for null.
fn func_number(func: &Option<FuncIndex>) -> u32 {
    func.map_or(NONE, FuncIndex::as_u32)
}

fn append<T>(pool: &mut Vec<T>, items: impl Iterator<Item = T>) -> Span {
    let start = pool.len();
    pool.extend(items);
    Span::new(start, pool.len() - start)
}

#[cfg(test)]
mod tests;
