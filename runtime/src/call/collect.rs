//! Collects objects, of the host and exceptions: finds those that guests can reach, and drops the others.
//!
//! A guest can reach an object through a slot of a frame that is active, a table, or a global. A frame's slots are known for the
//! calls that it is in (`.wrun.stackmaps`); trampolines keep no reference across the call that they make. Element segments hold
//! none of their own: their items are null or name a global.
//!
//! References that are on their way between host and guest are in none of these places. So nothing is collected while there are
//! any: a collection comes before arguments or results are handed to the guest, and after those of the guest have become values
//! of the host.

use wrun_artifact::vmlayout::TableForm;

use crate::error::Error;
use crate::state::StoreCore;
use crate::trap;

/// Collects if the number of objects says so. To be called before objects are added, with no reference on its way.
pub(crate) fn collect_if_due(core: &mut StoreCore) -> Result<(), Error> {
    match core.objects.is_due() {
        true => collect(core),
        false => Ok(()),
    }
}

/// Collects if the store is to collect at every opportunity. To be called with no reference on its way.
pub(crate) fn collect_if_always(core: &mut StoreCore) -> Result<(), Error> {
    match core.objects.is_always_due() {
        true => collect(core),
        false => Ok(()),
    }
}

/// Collects if the number of objects says so, but keeps the exception that was just made, and what its payload refers to.
pub(super) fn collect_but(core: &mut StoreCore, exception: u64) -> Result<(), Error> {
    if !core.objects.is_due() {
        return Ok(());
    }
    core.objects.mark(exception);
    collect(core)
}

/// Drops all objects that no guest of the store can reach. To be called with no reference on its way.
///
/// # Errors
/// When dropping an object panics.
#[cold]
pub(crate) fn collect(core: &mut StoreCore) -> Result<(), Error> {
    let mut visited = 0;
    let objects = &mut core.objects;
    trap::visit_calls(&core.vm, core.vm.exit_fp.get(), |call| {
        visited += 2;
        for slot in call.code.artifact().stack_maps().lookup(call.offset) {
            visited += 1;
            objects.mark(call.slot(slot));
        }
    });
    for table in core.tables.iter().filter(|table| table.form() == TableForm::Extern) {
        visited += table.len() as usize;
        for index in 0..table.len() {
            objects.mark(table.read(index));
        }
    }
    visited += core.reference_globals.len();
    for global in &core.reference_globals {
        // SAFETY: globals live as long as the store, and no guest writes them now.
        objects.mark(unsafe { global.read() });
    }
    objects.sweep(visited).discard()
}
