//! Copies exceptions from the store to the host and back.
//!
//! Input: the number of an exception in the store, or an exception of the host. Output: the other one. Must not hold: how a
//! handler is found.
//!
//! The payload of an exception can refer to other exceptions. Such chains can have any length, and many exceptions can refer to
//! the same one. So both directions use a list of pending exceptions instead of recursion, and copy each exception once.

use std::collections::HashMap;
use std::iter;

use crate::error::{Error, Exception, Part};
use crate::state::{StoreCore, Thrown};
use crate::trap;

/// Copies an exception of the store for the host, with everything that its payload refers to.
pub(crate) fn exception(core: &StoreCore, number: u64) -> Result<Exception, Error> {
    describe(core, number, false)
}

/// Does the same for an exception that leaves the guest now. The guest's calls up to here become part of its backtrace.
///
/// # Errors
/// The interrupt of the deadline too: there can be millions of exceptions to copy.
pub(super) fn take_out(core: &StoreCore, number: u64) -> Result<Exception, Error> {
    describe(core, number, true)
}

fn damaged() -> Error {
    Error::damaged("a stack map")
}

fn describe(core: &StoreCore, number: u64, leaves: bool) -> Result<Exception, Error> {
    let mut done = HashMap::new();
    let mut pending = vec![number];
    while let Some(next) = pending.last().copied() {
        let known = pending.len();
        if !done.contains_key(&next) {
            let thrown = core.objects.exception(next).ok_or_else(damaged)?;
            let inner = core.tag(thrown.tag())?.ty.params().iter().zip(thrown.payload());
            let inner = inner.filter_map(|(ty, slot)| ty.is_exn().then_some(slot as u64));
            pending.extend(inner.filter(|inner| *inner != 0 && !done.contains_key(inner)));
            if pending.len() > known {
                continue;
            }
            if leaves {
                core.check_deadline_at(done.len() as u32)?;
            }
            done.insert(next, describe_one(core, thrown, leaves && next == number, &done)?);
        }
        pending.pop();
    }
    done.remove(&number).ok_or_else(damaged)
}

/// Copies an exception whose payload refers only to exceptions in `inner`.
fn describe_one(
    core: &StoreCore,
    thrown: &Thrown,
    leaves: bool,
    inner: &HashMap<u64, Exception>,
) -> Result<Exception, Error> {
    let tag = core.tag(thrown.tag())?;
    let mut parts = Vec::with_capacity(tag.ty.params().len());
    for (ty, slot) in iter::zip(tag.ty.params(), thrown.payload()) {
        parts.push(match ty {
            _ if slot as u64 == 0 || !ty.is_object() => Part::Plain(slot),
            ty if ty.is_exn() => Part::Exception(inner.get(&(slot as u64)).cloned().ok_or_else(damaged)?),
            _ => Part::Object(core.objects.get(slot as u64).cloned().ok_or_else(damaged)?),
        });
    }
    let backtrace = match &thrown.backtrace {
        Some(backtrace) => backtrace.clone(),
        None => trap::thrown_at(&core.vm, &thrown.trace, leaves),
    };
    let name = tag.name.as_deref().map(str::to_owned);
    let tag = (thrown.tag(), name, tag.ty.clone());
    Ok(Exception::from_parts(core.id(), tag, parts, Some(backtrace)))
}

/// Puts an exception of the host into the store, where a guest may keep it, and returns its number. Collects nothing.
pub(crate) fn insert_exception(core: &mut StoreCore, exception: &Exception) -> Result<u64, Error> {
    core.check(exception.store())?;
    let mut done = HashMap::new();
    let mut pending = vec![exception];
    while let Some(next) = pending.last().copied() {
        let known = pending.len();
        if !done.contains_key(&next.address()) {
            let inner = next.parts().iter().filter_map(|part| match part {
                Part::Exception(inner) => Some(inner),
                Part::Plain(_) | Part::Object(_) => None,
            });
            pending.extend(inner.filter(|inner| !done.contains_key(&inner.address())));
            if pending.len() > known {
                continue;
            }
            let number = insert_one(core, next, &done)?;
            done.insert(next.address(), number);
        }
        pending.pop();
    }
    done.get(&exception.address()).copied().ok_or_else(damaged)
}

/// Does the same for an exception whose payload refers only to exceptions in `inner`.
fn insert_one(core: &mut StoreCore, exception: &Exception, inner: &HashMap<usize, u64>) -> Result<u64, Error> {
    core.check(exception.store())?;
    let mut payload = Vec::with_capacity(exception.parts().len());
    for part in exception.parts() {
        payload.push(match part {
            Part::Plain(slot) => *slot,
            Part::Object(object) => core.objects.insert(object.clone()).into(),
            Part::Exception(exception) => (*inner.get(&exception.address()).ok_or_else(damaged)?).into(),
        });
    }
    let tag = core.tag(exception.tag_number())?;
    let mut thrown = Thrown::new(exception.tag_number(), tag, payload.into_iter());
    thrown.keep();
    thrown.backtrace = exception.known_backtrace().cloned();
    Ok(core.objects.insert_exception(thrown))
}
