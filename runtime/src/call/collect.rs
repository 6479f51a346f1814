//! Collects host objects and exceptions.
//!
//! Input: a store. Output: the same store without the objects that no guest can reach. Must not hold: how stack maps are stored.
//!
//! A guest can reach an object through a slot of an active frame, a table, or a global. `.wrun.stackmaps` lists the slots of a
//! frame for each of its calls. Trampolines keep no reference across their call. Element segments hold no objects: their items
//! are null or name a global.
//!
//! References that are being passed between host and guest are in none of these places, so a collection must not happen while
//! there are any. It happens before arguments or results are passed to the guest, or after those of the guest have become values
//! of the host.

use wrun_artifact::vmlayout::TableForm;

use crate::error::Error;
use crate::state::StoreCore;
use crate::trap;

/// Collects if enough objects were added. Call this before adding objects, while no reference is being passed.
pub(crate) fn collect_if_due(core: &mut StoreCore) -> Result<(), Error> {
    match core.objects.is_due() {
        true => collect(core),
        false => Ok(()),
    }
}

/// Collects if the store is set to collect at every opportunity. Call this while no reference is being passed.
pub(crate) fn collect_if_always(core: &mut StoreCore) -> Result<(), Error> {
    match core.objects.is_always_due() {
        true => collect(core),
        false => Ok(()),
    }
}

/// Collects if enough objects were added. Keeps the exception that was just made, and the objects in its payload.
pub(super) fn collect_but(core: &mut StoreCore, exception: u64) -> Result<(), Error> {
    if !core.objects.is_due() {
        return Ok(());
    }
    core.objects.mark(exception);
    collect(core)
}

/// Drops all objects that no guest of the store can reach. Call this while no reference is being passed.
///
/// # Errors
/// Fails if dropping an object panics.
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
