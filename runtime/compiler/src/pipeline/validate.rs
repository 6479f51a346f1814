//! Validates all bodies on all threads.
//!
//! Input: a module whose sections are valid. Output: the facts about its bodies, or the error of the first invalid body,
//! independent of the number of threads. A module that needs unsupported proposals costs about one validation too: each body is
//! validated once, and those after the first refused one with the proposals that are known to be needed by then.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use wrun_artifact::index::{DefinedFuncIndex, Index};

use super::pool::Pool;
use crate::compile::panics;
use crate::error::{CompileError, Proposal};
use crate::parse::{self, BodyFacts, Module, Needs, ValidationPool};

/// Validates all bodies. Empty facts are left out.
pub(super) fn validate(
    wasm: &[u8],
    module: &Module<'_>,
    pool: &Pool,
    interrupt: Option<&AtomicBool>,
) -> Result<Vec<BodyFacts>, CompileError> {
    let work = Work { pool, interrupt };
    let check = |func, memory: &mut _| {
        let facts = parse::validate_body(module, func, memory)?;
        Ok((facts != BodyFacts::default()).then_some(facts))
    };
    work.each(0..module.bodies.len(), check)
        .map_err(|refused| parse::explain_bodies(wasm, refused, |needs, from| work.next_refused(needs, from)))
}

/// Returns the unsupported proposals that a module needs. Fails if the module is invalid even with all proposals.
pub(super) fn proposals(
    wasm: &[u8],
    pool: &Pool,
    interrupt: Option<&AtomicBool>,
) -> Result<Vec<Proposal>, CompileError> {
    let work = Work { pool, interrupt };
    parse::all_proposals(wasm, |needs, from| work.next_refused(needs, from))
}

/// A body that is refused, and its error.
type Refused = (DefinedFuncIndex, CompileError);

/// The threads, and a flag that becomes true when they are to stop.
struct Work<'a> {
    pool: &'a Pool,
    interrupt: Option<&'a AtomicBool>,
}

impl Work<'_> {
    /// Returns the first body, from one on, that needs more than the known proposals.
    fn next_refused(&self, needs: &Needs<'_>, from: usize) -> Option<Refused> {
        let check = |func, memory: &mut _| needs.validate_body(func, memory).map(|()| None::<()>);
        self.each(from..needs.bodies(), check).err()
    }

    /// Checks bodies and returns the results in order, or the first refused body.
    fn each<T: Send>(
        &self,
        bodies: Range<usize>,
        check: impl Fn(DefinedFuncIndex, &mut ValidationPool) -> Result<Option<T>, CompileError> + Sync,
    ) -> Result<Vec<T>, Refused> {
        let next = AtomicUsize::new(bodies.start);
        let ends = AtomicBool::new(false);
        let worked = self.pool.run(|| {
            let mut memory = ValidationPool::default();
            let mut found = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                // Bodies are handed out in order, so all bodies before a refused one are checked too, independent of timing.
                let func = next.fetch_add(1, Ordering::Relaxed);
                if func >= bodies.end {
                    break;
                }
                let result = if self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                    Err(CompileError::Interrupted)
                } else {
                    panics::catch(|| check(DefinedFuncIndex::new(func), &mut memory))
                        .unwrap_or_else(|reason| Err(CompileError::Bug(format!("validating body {func}: {reason}"))))
                };
                match result {
                    Ok(None) => {}
                    Ok(Some(facts)) => found.push((func, Ok(facts))),
                    Err(error) => {
                        ends.store(true, Ordering::Relaxed);
                        found.push((func, Err((DefinedFuncIndex::new(func), error))));
                    }
                }
            }
            found
        });
        let mut found: Vec<_> = worked.into_iter().flatten().collect();
        found.sort_unstable_by_key(|(func, _)| *func);
        found.into_iter().map(|(_, result)| result).collect()
    }
}
