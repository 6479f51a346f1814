//! The objects to which guests hold references: host objects and exceptions.
//!
//! Input: objects, and the numbers that guests hold. Output: the object of a number, and the objects that no guest can reach.
//! Must not hold: frames, tables, globals.
//!
//! Compiled code knows an object by a number. Null is 0. The low half of the number is the object's place in [`Objects`] plus 1.
//! The high half counts how many objects had the place before. So a number that outlives its object is noticed and never refers
//! to another object.
//!
//! A collection marks the numbers that guests still hold ([`Objects::mark`]), and then takes out the other objects
//! ([`Objects::sweep`]). The caller finds the numbers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{TagObject, Thrown};
use crate::error::Error;
use crate::vm::{ExternRef, Slot};

/// Number of objects below which no collection starts by itself.
const FEW: usize = 1024;

/// The objects of one store.
pub(crate) struct Objects {
    places: Vec<Place>,
    /// Free places. The last one is used next.
    free: Vec<u32>,
    /// Number of objects from which on a collection is due.
    due: usize,
    /// True if a collection is always due.
    always: bool,
    /// Number of the exception that was thrown last.
    last_thrown: u64,
}

enum Object {
    Host(ExternRef),
    Exception(Box<Thrown>),
}

#[derive(Default)]
struct Place {
    object: Option<Object>,
    /// Number of objects that had this place before.
    uses: u32,
    is_marked: bool,
}

impl Objects {
    /// Makes an empty list. With `always`, a collection is due at every opportunity.
    pub(crate) fn new(always: bool) -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            due: FEW,
            always,
            last_thrown: 0,
        }
    }

    /// Returns the number of objects, including those that no guest can reach any more.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Returns true if a collection is due before the next object is added.
    pub(crate) fn is_due(&self) -> bool {
        self.always || self.len() >= self.due
    }

    /// Returns true if a collection is due at every opportunity.
    pub(crate) fn is_always_due(&self) -> bool {
        self.always
    }

    /// Adds a host object and returns its number. An object that is already in the list is added again under another number,
    /// because guests cannot compare references.
    pub(crate) fn insert(&mut self, object: ExternRef) -> u64 {
        self.add(Object::Host(object))
    }

    /// Adds an exception and returns its number.
    pub(crate) fn insert_exception(&mut self, exception: Thrown) -> u64 {
        self.add(Object::Exception(Box::new(exception)))
    }

    /// Adds an exception that the guest throws, and returns its number. `number` is that of its tag. Reuses the memory of the
    /// exception that was thrown before, if the guest does not keep that one: it was handled or has left the guest.
    pub(crate) fn throw(&mut self, number: u64, tag: &TagObject, payload: impl Iterator<Item = Slot>) -> u64 {
        let last = self.last_thrown;
        if self.exception(last).is_some_and(|last| !last.is_kept())
            && let Some(place) = index(last).and_then(|index| self.places.get_mut(index))
            && let Some(Object::Exception(thrown)) = &mut place.object
        {
            thrown.renew(number, tag, payload);
            place.uses = place.uses.wrapping_add(1);
            self.last_thrown = u64::from(place.uses) << 32 | u64::from(last as u32);
        } else {
            self.last_thrown = self.insert_exception(Thrown::new(number, tag, payload));
        }
        self.last_thrown
    }

    /// Takes an exception out of the list.
    pub(crate) fn take_exception(&mut self, number: u64) -> Option<Box<Thrown>> {
        self.exception(number)?;
        let index = index(number)?;
        let place = &mut self.places[index];
        place.uses = place.uses.wrapping_add(1);
        self.free.push(index as u32);
        match place.object.take() {
            Some(Object::Exception(thrown)) => Some(thrown),
            _ => None,
        }
    }

    fn add(&mut self, object: Object) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            u32::try_from(self.places.len() - 1).expect("there is not enough memory for this many objects")
        });
        let place = &mut self.places[index as usize];
        place.object = Some(object);
        u64::from(place.uses) << 32 | (u64::from(index) + 1)
    }

    fn object(&self, number: u64) -> Option<&Object> {
        let place = self.places.get(index(number)?)?;
        place.object.as_ref().filter(|_| u64::from(place.uses) == number >> 32)
    }

    /// Returns the host object with this number. Returns `None` if it was collected, or if the number was never used.
    pub(crate) fn get(&self, number: u64) -> Option<&ExternRef> {
        match self.object(number)? {
            Object::Host(object) => Some(object),
            Object::Exception(_) => None,
        }
    }

    /// Returns the exception with this number.
    pub(crate) fn exception(&self, number: u64) -> Option<&Thrown> {
        match self.object(number)? {
            Object::Exception(exception) => Some(exception),
            Object::Host(_) => None,
        }
    }

    /// Returns the exception with this number, for changing it.
    pub(crate) fn exception_mut(&mut self, number: u64) -> Option<&mut Thrown> {
        self.exception(number)?;
        match &mut self.places.get_mut(index(number)?)?.object {
            Some(Object::Exception(exception)) => Some(exception),
            _ => None,
        }
    }

    /// Marks the object with this number as held by a guest, and all objects that the payload of an exception refers to. Ignores
    /// null and numbers without an object.
    pub(crate) fn mark(&mut self, number: u64) {
        let mut pending = vec![];
        let mut next = Some(number);
        while let Some(number) = next {
            if self.object(number).is_some()
                && let Some(place) = index(number).and_then(|index| self.places.get_mut(index))
                && !std::mem::replace(&mut place.is_marked, true)
                && let Some(Object::Exception(exception)) = &place.object
            {
                pending.extend(exception.references());
            }
            next = pending.pop();
        }
    }

    /// Takes out the objects that were not marked, and decides when the next collection is due. `visited` is the number of words
    /// that were searched for references. A larger number delays the next collection, so that the search costs a bounded time for
    /// each object that a guest gets.
    pub(crate) fn sweep(&mut self, visited: usize) -> Garbage {
        let mut garbage = Vec::new();
        self.free.clear();
        for (index, place) in self.places.iter_mut().enumerate().rev() {
            if !place.is_marked
                && let Some(object) = place.object.take()
            {
                place.uses = place.uses.wrapping_add(1);
                garbage.push(object);
            }
            place.is_marked = false;
            if place.object.is_none() {
                self.free.push(index as u32);
            }
        }
        self.due = (2 * self.len()).max(self.len() + visited / 8).max(FEW);
        Garbage(garbage)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let objects = self.places.drain(..).filter_map(|place| place.object).collect();
        if let Err(error) = Garbage(objects).discard() {
            log::warn!("{error}");
        }
    }
}

/// Returns the place in a number.
fn index(number: u64) -> Option<usize> {
    (number as u32).checked_sub(1).map(|index| index as usize)
}

/// Objects that no guest can reach. Dropping them runs code of the embedder.
#[must_use = "the objects are to be dropped where nothing is borrowed"]
pub(crate) struct Garbage(Vec<Object>);

impl Garbage {
    /// Drops all objects of which the host has no clone, in the order of their places.
    ///
    /// # Errors
    /// Fails if dropping an object panics, with the message of the first panic. All other objects are dropped nevertheless.
    pub(crate) fn discard(self) -> Result<(), Error> {
        let mut outcome = Ok(());
        for object in self.0.into_iter().rev() {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(object)));
            if dropped.is_err() && outcome.is_ok() {
                outcome = Err(Error::HostPanic("dropping a host object panicked".into()));
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(objects: &mut Objects, count: u32) -> Vec<u64> {
        (0..count).map(|n| objects.insert(ExternRef::new(n))).collect()
    }

    fn value(objects: &Objects, number: u64) -> Option<u32> {
        objects.get(number)?.downcast_ref().copied()
    }

    #[test]
    fn exactly_the_marked_objects_stay() {
        let mut objects = Objects::new(false);
        let all = numbers(&mut objects, 5);
        assert!(!all.contains(&0), "0 is null");
        for kept in [1, 4] {
            objects.mark(all[kept]);
        }
        assert_eq!(objects.sweep(0).0.len(), 3);
        let found: Vec<_> = all.iter().map(|number| value(&objects, *number)).collect();
        assert_eq!(found, [None, Some(1), None, None, Some(4)]);
        assert_eq!(objects.len(), 2);
        assert_eq!(objects.sweep(0).0.len(), 2, "marks do not last");
    }

    #[test]
    fn a_place_is_used_again_under_another_number() {
        let mut objects = Objects::new(false);
        let old = numbers(&mut objects, 3);
        objects.mark(old[1]);
        objects.sweep(0).discard().expect("numbers do not panic");
        let new = numbers(&mut objects, 2);
        assert_eq!(objects.places.len(), 3);
        assert_eq!([old[0], old[2]].map(|number| value(&objects, number)), [None, None]);
        assert_eq!(
            [new[0], new[1]].map(|number| value(&objects, number)),
            [Some(0), Some(1)]
        );
        objects.mark(old[0]);
        objects.mark(0);
        objects.mark(77);
        assert_eq!(objects.sweep(0).0.len(), 3, "a number without an object marks nothing");
    }

    #[test]
    fn collections_are_due_when_as_much_was_added_as_was_kept_or_looked_at() {
        let mut objects = Objects::new(false);
        let all = numbers(&mut objects, 4000);
        assert!(objects.is_due());
        for number in &all {
            objects.mark(*number);
        }
        objects.sweep(0).discard().expect("nothing is dropped");
        for (more, is_due) in [(3999, false), (1, true)] {
            numbers(&mut objects, more);
            assert_eq!(objects.is_due(), is_due);
        }
        objects.sweep(80_000).discard().expect("numbers do not panic");
        for (more, is_due) in [(9_999, false), (1, true)] {
            numbers(&mut objects, more);
            assert_eq!(objects.is_due(), is_due);
        }
        objects.sweep(0).discard().expect("numbers do not panic");
        numbers(&mut objects, 1023);
        assert!(!objects.is_due());
        assert!(Objects::new(true).is_due());
    }

    #[test]
    fn one_panic_keeps_no_other_object_alive() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("while dropped");
            }
        }
        let mut objects = Objects::new(false);
        let counted = ExternRef::new(());
        for object in [
            ExternRef::new(Panics),
            counted.clone(),
            ExternRef::new(Panics),
            counted.clone(),
        ] {
            objects.insert(object);
        }
        assert!(matches!(objects.sweep(0).discard(), Err(Error::HostPanic(_))));
        assert_eq!(counted.count(), 1);
        objects.insert(ExternRef::new(Panics));
        objects.insert(counted.clone());
        drop(objects);
        assert_eq!(counted.count(), 1);
    }
}
