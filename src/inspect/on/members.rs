//! The children and closures of one scope that are alive, where a tree finds them.
//!
//! # Invariants
//!
//! 1. A child is entered before anybody can poll or drop it, and leaves in its destructor, before
//!    it is counted out. A closure is entered before it is given to the pool, and leaves when
//!    nothing of the user's is left of it. Each leaves once.
//! 2. So whoever holds the lock finds pointers to metadata that is not freed before the lock is: an
//!    allocation is freed after the destructor of what is in it, which waits for the lock.
//! 3. Nothing foreign is called under the lock.

use std::fmt;
#[cfg(feature = "blocking")]
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::record::{Record, Timed};
use super::scopes::{About, forget};
use crate::inspect::Name;
#[cfg(feature = "blocking")]
use crate::inspect::spans::{ChildSpan, SpanId};
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
    entries: Mutex<Entries>,
}

/// The place of a child: its number plus one, or 0; and whether it is a closure. Of one that is in
/// a list it is written under the lock of that.
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

    fn set(&self, number: usize) {
        let number = u32::try_from(number).ok().filter(|it| it + 1 < CLOSURE);
        let number = number.expect("a scope can have no more than 2^31 children");
        let kind = self.0.load(Ordering::Relaxed) & CLOSURE;
        self.0.store(kind | (number + 1), Ordering::Relaxed);
    }

    fn take(&self) -> Option<usize> {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(before & CLOSURE, Ordering::Relaxed);
        (before & !CLOSURE).checked_sub(1).map(|it| it as usize)
    }
}

/// A pointer to the metadata of one that is here.
struct Entry(*const Meta);

// SAFETY: it is `&Meta` to whoever may use it, which is `Sync`; see the invariants.
unsafe impl Send for Entry {}

impl Entry {
    /// # Safety
    ///
    /// It is in the list, whose lock is held for as long as the reference is used.
    unsafe fn meta<'a>(&self) -> &'a Meta {
        // SAFETY: it is here, so it is not freed while the lock is held (invariant 2), and nothing
        // has mutable access to it: it is metadata, of atomic words.
        unsafe { &*self.0 }
    }
}

/// So many are seen while the lock is held.
const AT_A_TIME: usize = 500;
/// Memory for so many is kept.
const SPARE: usize = 64;

/// Those that are here, in no order; each knows its number.
#[derive(Default)]
struct Entries(Vec<Entry>);

impl Entries {
    fn enter(&mut self, meta: &Meta) {
        let number = self.0.len();
        if number == self.0.capacity() {
            // By little: a scope can have very many, and half of the list would be empty.
            self.0.reserve_exact(4.max(number / 16));
        }
        self.0.push(Entry(meta));
        meta.place().set(number);
    }

    fn leave(&mut self, meta: &Meta) {
        let Some(number) = meta.place().take() else {
            return;
        };
        self.0.swap_remove(number);
        if let Some(moved) = self.0.get(number) {
            // SAFETY: it is here, and who has us holds the lock.
            unsafe { moved.meta() }.place().set(number);
        }
        if self.0.capacity() > 4 * self.0.len() + SPARE {
            self.0.shrink_to(2 * self.0.len() + SPARE / 2);
        }
    }
}

impl Members {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self {
            record: Record::new(),
            about: Mutex::new(About::new()),
            entries: Mutex::new(Entries::default()),
        }
    }

    /// Enters a child or closure, which nobody else can reach yet.
    #[inline]
    pub(crate) fn enter(&self, meta: &Meta) {
        self.entries.lock().enter(meta);
    }

    /// Has it leave, if it is here.
    #[inline]
    pub(crate) fn leave(&self, meta: &Meta) {
        self.entries.lock().leave(meta);
    }

    /// A poll of the scope begins.
    #[inline]
    pub(crate) fn begin_poll(&self) -> Timed<'_> {
        self.record.begin()
    }

    /// Calls `see` with the metadata of each that is here, under the lock: of some at a time, so
    /// that nobody waits for long who wants to enter or leave meanwhile. Some may be seen twice.
    ///
    /// From the end: one that is moved comes from there. So it was seen already, or comes to a
    /// place that is still to be seen; none is missed that was here before.
    pub(super) fn each(&self, mut see: impl FnMut(&Meta)) {
        let mut left = usize::MAX;
        while left > 0 {
            let entries = self.entries.lock();
            left = left.min(entries.0.len());
            let next = left.saturating_sub(AT_A_TIME);
            for entry in entries.0[next..left].iter().rev() {
                // SAFETY: we hold the lock until it has been seen.
                see(unsafe { entry.meta() });
            }
            left = next;
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
    pub(crate) fn new(
        shared: &Arc<Shared>,
        name: Name,
        spawned: Spawned,
        span: &ChildSpan,
    ) -> Self {
        Self {
            meta: Meta::of_closure(shared, name, spawned, SpanId::of(span)),
            shared: Arc::clone(shared),
        }
    }

    /// It is where it stays, and is given to the pool next.
    pub(crate) fn enter(&self) {
        self.shared.members.enter(&self.meta);
    }

    /// It begins on this thread; what this returns ends it.
    pub(crate) fn begin(&self) -> impl Sized + '_ {
        self.meta.begin_poll()
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
