//! How many children of a scope are alive.
//!
//! A child is counted in when it is spawned, and out as the last act of its destructor. Each of the
//! two is a number of its own, which only grows, and each is kept in two halves: one is written by
//! the thread that has the scope's children [at home](crate::queue::home), with plain stores, the
//! other one by all other threads, with read-modify-writes.
//!
//! To read the number that was counted *out* first and the one that was counted *in* afterwards
//! makes the difference safe: it is never less than the number of children that were alive in
//! between. So "no child is alive" is never said too early, on whatever thread. The polling thread
//! reads it exactly, as far as children are not being dropped on helpers at that moment.
#![forbid(unsafe_code)]

use crate::sync::{AtomicUsize, Ordering};

/// Counts the children of one kind.
#[derive(Default)]
pub(crate) struct Counts {
    spawned: Tally,
    finished: Tally,
}

impl Counts {
    /// Counts a child in, on the thread that is at home.
    #[inline]
    pub(crate) fn spawned_at_home(&self) {
        self.spawned.add_at_home(Ordering::Relaxed);
    }

    /// Counts a child in, on any other thread; under the lock of the queue that it is pushed to.
    pub(crate) fn spawned_elsewhere(&self) {
        self.spawned.elsewhere.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a child out, on the thread that is at home.
    ///
    /// Release, here and below: a thread that reads the count sees all that the destructor did.
    #[inline]
    pub(crate) fn finished_at_home(&self) {
        self.finished.add_at_home(Ordering::Release);
    }

    /// Counts a child out, on any other thread.
    pub(crate) fn finished_elsewhere(&self) {
        self.finished.elsewhere.fetch_add(1, Ordering::Release);
    }

    /// Returns how many are alive.
    #[inline]
    pub(crate) fn alive(&self) -> usize {
        let finished = self.finished.sum();
        self.spawned.sum().wrapping_sub(finished)
    }

    /// Returns how many are alive of two kinds. Not the sum of the two: one of this kind can have
    /// spawned one of the other between two looks, and have finished.
    pub(crate) fn alive_of(kinds: [&Self; 2]) -> usize {
        let sum = |tally: fn(&Self) -> &Tally| {
            let [one, other] = kinds.map(|it| tally(it).sum());
            one.wrapping_add(other)
        };
        let finished = sum(|it| &it.finished);
        sum(|it| &it.spawned).wrapping_sub(finished)
    }
}

/// A number that only grows, in two halves; see the module documentation.
#[derive(Default)]
struct Tally {
    home: AtomicUsize,
    elsewhere: AtomicUsize,
}

impl Tally {
    #[inline]
    fn add_at_home(&self, order: Ordering) {
        let home = self.home.load(Ordering::Relaxed);
        self.home.store(home.wrapping_add(1), order);
    }

    #[inline]
    fn sum(&self) -> usize {
        let elsewhere = self.elsewhere.load(Ordering::Acquire);
        self.home.load(Ordering::Acquire).wrapping_add(elsewhere)
    }
}
