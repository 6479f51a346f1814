//! The contents that rows of the info section point to: the entries of private tables, and the bytes of segments.
//!
//! Input: the module, the facts about it, the memories' images and the places of code. Output: the contents of `.wrun.tables`
//! and `.wrun.data`.

use wrun_artifact::facts::Facts;
use wrun_artifact::index::{DataIndex, TableIndex};
use wrun_artifact::vmlayout::TableForm;

use super::image::Images;
use super::placement::Placement;
use crate::code::Symbol;
use crate::parse::Module;

/// The most entries that may be written for a constant table beyond twice the entries of its image. A constant table of at most
/// this length is written in full, so that it can be used where it lies in the file.
const PADDING: usize = 65536;

/// Appends the contents of `.wrun.tables`: the images of private tables, one after the other.
///
/// # Panics
/// If a function of a private table has no place in the text, which is a bug in wrun.
pub(crate) fn write_tables(module: &Module<'_>, facts: &Facts, placement: &Placement, out: &mut Vec<u8>) {
    for table in own_tables(module).filter(|table| facts.tables[*table].form == TableForm::Private) {
        let image = &facts.tables[table].image;
        for func in image {
            let (sig, offset) = func.map_or((0, 0), |func| {
                let symbol = module
                    .defined_func(func)
                    .map_or(Symbol::ImportThunk(func), Symbol::Func);
                let offset = placement.start(symbol);
                let offset = offset.expect("this is a bug in wrun: a function in a private table has no code");
                (module.funcs[func].as_u32() + 1, offset)
            });
            out.extend_from_slice(&sig.to_le_bytes());
            out.extend_from_slice(&offset.to_le_bytes());
        }
        let padding = private_len(module, facts, table) - image.len();
        out.resize(out.len() + padding * size_of::<u64>(), 0);
    }
}

/// Appends the contents of `.wrun.data`: the bytes of segments that are not part of an image.
pub(crate) fn write_data(module: &Module<'_>, images: &Images, out: &mut Vec<u8>) {
    for (_, bytes) in copied_data(module, images) {
        out.extend_from_slice(bytes);
    }
}

/// Returns the segments whose bytes instantiation or code needs, in order.
pub(super) fn copied_data<'m>(
    module: &'m Module<'_>,
    images: &'m Images,
) -> impl Iterator<Item = (DataIndex, &'m [u8])> {
    module
        .data
        .iter()
        .filter(|(index, _)| !images.data_in_image[*index])
        .map(|(index, data)| (index, data.bytes))
}

/// Returns the tables that the module defines.
pub(super) fn own_tables(module: &Module<'_>) -> impl Iterator<Item = TableIndex> {
    module
        .tables
        .keys()
        .filter(|table| module.defined_table(*table).is_some())
}

/// Returns the number of entries that are written for a private table.
pub(super) fn private_len(module: &Module<'_>, facts: &Facts, table: TableIndex) -> usize {
    let known = &facts.tables[table];
    let (image, whole) = (
        known.image.len(),
        usize::try_from(module.tables[table].min).unwrap_or(usize::MAX),
    );
    if known.constant && whole <= 2 * image + PADDING {
        whole
    } else {
        image
    }
}
