//! How many children of a scope are alive.
//!
//! A child is counted in when it is spawned, and out as the last act of its destructor. Each of the
//! two is a number of its own, which only grows, and each is kept in two halves: one is written by
//! the thread that has the scope's children [at home](crate::home), with plain stores, the other
//! one by everybody else, with read-modify-writes.
//!
//! Reading who was counted *out* first and who was counted *in* afterwards makes the difference
//! safe: it is never less than the number of children that were alive in between. So "none is
//! alive" is never said too early, on whatever thread. The polling thread reads it exactly, as far
//! as children are not being dropped on helpers at that moment.
#![forbid(unsafe_code)]

use crate::sync::{AtomicUsize, Ordering};

/// The children of one kind.
#[derive(Debug, Default)]
pub(crate) struct Alive {
    spawned: Tally,
    finished: Tally,
}

impl Alive {
    /// Counts a child in, on the thread that is at home.
    #[inline]
    pub(crate) fn spawned_at_home(&self) {
        self.spawned.home.store(
            self.spawned.home.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Relaxed,
        );
    }

    /// Counts a child in, on any other thread; under the lock of the ready queue.
    pub(crate) fn spawned_elsewhere(&self) {
        self.spawned.elsewhere.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a child out, on the thread that is at home.
    ///
    /// Release, here and below: whoever reads the count sees everything that the destructor did.
    #[inline]
    pub(crate) fn finished_at_home(&self) {
        self.finished.home.store(
            self.finished.home.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Release,
        );
    }

    /// Counts a child out, on any other thread.
    pub(crate) fn finished_elsewhere(&self) {
        self.finished.elsewhere.fetch_add(1, Ordering::Release);
    }

    /// Children that are alive.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        let finished = self.finished.sum();
        self.spawned.sum().wrapping_sub(finished)
    }
}

/// A number that only grows, in two halves; see the module documentation.
#[derive(Debug, Default)]
struct Tally {
    home: AtomicUsize,
    elsewhere: AtomicUsize,
}

impl Tally {
    #[inline]
    fn sum(&self) -> usize {
        let elsewhere = self.elsewhere.load(Ordering::Acquire);
        self.home.load(Ordering::Acquire).wrapping_add(elsewhere)
    }
}
