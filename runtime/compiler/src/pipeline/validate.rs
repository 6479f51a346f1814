//! Validation of all bodies on all threads.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use wrun_artifact::index::{DefinedFuncIndex, Index};

use super::pool::Pool;
use crate::compile::panics;
use crate::error::CompileError;
use crate::parse::{self, BodyFacts, Module, ValidationPool};

/// Validates all bodies. The error is that of the first body in the file that has one. Facts of bodies that have nothing
/// to tell are left out.
pub(super) fn validate(
    module: &Module<'_>,
    pool: &Pool,
    interrupt: Option<&AtomicBool>,
) -> Result<Vec<BodyFacts>, CompileError> {
    let next = AtomicUsize::new(0);
    let ends = AtomicBool::new(false);
    let worked = pool.run(|| {
        let mut allocations = ValidationPool::default();
        let mut found = Vec::new();
        while !ends.load(Ordering::Relaxed) {
            // Bodies are handed out in order: those before one that fails are looked at too, whatever the timing.
            let func = next.fetch_add(1, Ordering::Relaxed);
            if func >= module.bodies.len() {
                break;
            }
            let result = if interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                Err(CompileError::Interrupted)
            } else {
                panics::catch(|| parse::validate_body(module, DefinedFuncIndex::new(func), &mut allocations))
                    .unwrap_or_else(|reason| Err(CompileError::Bug(format!("validating body {func}: {reason}"))))
            };
            match result {
                Ok(facts) if facts == BodyFacts::default() => {}
                Ok(facts) => found.push((func, Ok(facts))),
                Err(error) => {
                    ends.store(true, Ordering::Relaxed);
                    found.push((func, Err(error)));
                }
            }
        }
        found
    });
    let mut found: Vec<_> = worked.into_iter().flatten().collect();
    found.sort_unstable_by_key(|(func, _)| *func);
    found.into_iter().map(|(_, result)| result).collect()
}
