//! The children and closures of one scope that are alive, where a tree finds them.
//!
//! # Invariants
//!
//! 1. A child is entered before anybody can poll or drop it, and leaves in its destructor, before it
//!    is counted out. A closure is entered before it is given to the pool, and leaves when nothing
//!    of the user's is left of it. Each leaves once.
//! 2. So whoever holds the lock finds pointers to metadata that is not freed before the lock is: an
//!    allocation is freed after the destructor of what is in it, which waits for the lock.
//! 3. Nothing foreign is called under the lock.

use std::fmt;
use std::ptr;
#[cfg(feature = "blocking")]
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::record::{Name, Record};
use super::scopes::{About, forget};
use crate::run::shared::Shared;
use crate::sync::{Mutex, MutexGuard};
#[cfg(feature = "blocking")]
use crate::task::metadata::Spawned;

/// The metadata of a child.
type Meta = crate::task::metadata::Meta<Shared>;

/// What a scope or pen has for trees.
pub(crate) struct Members {
    /// Of the scope or pen itself.
    pub(super) record: Record,
    pub(super) about: Mutex<About>,
    places: Mutex<Places>,
}

/// The place of a child: its number plus one, or 0; and whether it is a closure.
#[derive(Debug)]
pub(crate) struct Place(AtomicU32);

const CLOSURE: u32 = 1 << 31;

impl Place {
    pub(crate) fn new(is_closure: bool) -> Self {
        Self(AtomicU32::new(if is_closure { CLOSURE } else { 0 }))
    }

    pub(super) fn is_closure(&self) -> bool {
        self.0.load(Ordering::Relaxed) & CLOSURE != 0
    }
}

/// A pointer to metadata; or, with [`FREE`] in its address, the number of the next free place.
struct Entry(*const Meta);

const FREE: usize = 1;
const _: () = assert!(align_of::<Meta>() > FREE);

// SAFETY: it is `&Meta` to whoever may use it, which is `Sync`; see the invariants.
unsafe impl Send for Entry {}

impl Entry {
    fn free(next: usize) -> Self {
        Self(ptr::without_provenance(next << 1 | FREE))
    }

    /// Returns the number of the next free place, if this is one.
    fn next_free(&self) -> Option<usize> {
        let address = self.0.addr();
        (address & FREE != 0).then_some(address >> 1)
    }
}

/// A list of places, and a list of those of them that are free, which ends behind the last.
#[derive(Default)]
struct Places {
    entries: Vec<Entry>,
    free: usize,
}

impl Places {
    fn enter(&mut self, meta: &Meta) -> usize {
        let number = self.free;
        if number == self.entries.len() {
            if number == self.entries.capacity() {
                // By a quarter, as the registry of suspended children, and for the same reason.
                self.entries.reserve_exact(4.max(number / 4));
            }
            self.entries.push(Entry::free(number + 1));
        }
        let entry = &mut self.entries[number];
        self.free = entry.next_free().expect("this place is free");
        *entry = Entry(meta);
        number
    }

    fn leave(&mut self, number: usize) {
        self.entries[number] = Entry::free(self.free);
        self.free = number;
    }
}

impl Members {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self {
            record: Record::new(Name::default()),
            about: Mutex::new(About::new()),
            places: Mutex::new(Places::default()),
        }
    }

    /// Enters a child or closure, which nobody else can reach yet.
    #[inline]
    pub(crate) fn enter(&self, meta: &Meta) {
        let number = self.places.lock().enter(meta) as u32;
        assert!(
            number < CLOSURE - 1,
            "a scope can have no more than 2^31 children"
        );
        let place = &meta.place().0;
        let kind = place.load(Ordering::Relaxed) & CLOSURE;
        place.store(kind | (number + 1), Ordering::Relaxed);
    }

    /// Has it leave, if it is here.
    #[inline]
    pub(crate) fn leave(&self, meta: &Meta) {
        let place = meta.place().0.fetch_and(CLOSURE, Ordering::Relaxed) & !CLOSURE;
        if place != 0 {
            self.places.lock().leave(place as usize - 1);
        }
    }

    /// Times one poll of the scope.
    #[inline]
    pub(crate) fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.record.time(poll)
    }

    /// Calls `see` with the metadata of each that is here, under the lock.
    pub(super) fn each(&self, mut see: impl FnMut(&Meta)) {
        let places = self.places.lock();
        for entry in &places.entries {
            if entry.next_free().is_none() {
                // SAFETY: it is here, so it is not freed while we hold the lock (invariant 2), and
                // nothing has mutable access to it: it is metadata, of atomic words.
                see(unsafe { &*entry.0 });
            }
        }
    }

    pub(crate) fn set_name(&self, name: Name) {
        let before = std::mem::replace(&mut self.about.lock().name, name);
        drop(before); // a string, which is not foreign
    }

    pub(super) fn about(&self) -> MutexGuard<'_, About> {
        self.about.lock()
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").finish_non_exhaustive()
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        forget(self.about.get_mut());
    }
}

/// What a closure of `spawn_blocking` has for trees.
#[cfg(feature = "blocking")]
pub(crate) struct ClosureRecord {
    meta: Meta,
    shared: Arc<Shared>,
}

#[cfg(feature = "blocking")]
impl ClosureRecord {
    pub(crate) fn new(shared: &Arc<Shared>, name: Name, spawned: Spawned) -> Self {
        Self {
            meta: Meta::of_closure(shared, name, spawned),
            shared: Arc::clone(shared),
        }
    }

    /// It is where it stays, and is given to the pool next.
    pub(crate) fn enter(&self) {
        self.shared.members.enter(&self.meta);
    }

    /// Runs it; it does not unwind.
    pub(crate) fn run<T>(&self, closure: impl FnOnce() -> T) -> T {
        self.meta.poll(closure)
    }

    /// Nothing is left of it.
    pub(crate) fn leave(&self) {
        self.shared.members.leave(&self.meta);
    }
}

#[cfg(feature = "blocking")]
impl Drop for ClosureRecord {
    fn drop(&mut self) {
        self.leave();
    }
}
