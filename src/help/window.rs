//! The poll window: the span of a `poll` during which helpers may run children.
//!
//! # What it promises
//!
//! * A helper runs children only between entering and leaving, and it enters only while the window
//!   is open.
//! * When [`Open`] has been dropped no helper is inside, and none can enter until the next
//!   opening. Everything that helpers did is visible to the thread that closed.
//!
//! So the children of a scope are touched by other threads only while the scope's future is inside
//! `poll`, however late a helper arrives and whatever becomes of the future afterwards.
//!
//! # States
//!
//! One atomic word holds the bits [`OPEN`] and [`SLEEPING`] and the number of helpers inside,
//! counted in units of [`HELPER`].
//!
//! | OPEN | helpers | means | left by |
//! |---|---|---|---|
//! | no | 0 | **shut** | `open` |
//! | yes | any | **open**: helpers enter and leave | `close` |
//! | no | > 0 | **closing**: helpers leave, none enters; the closer waits | the last one to leave |
//!
//! SLEEPING is set while closing, once the closer has given up spinning: the last helper to leave
//! has to notify it. That costs a system call, and is not done in vain.
//!
//! # Invariants
//!
//! 1. Only the thread inside `poll` sets and clears OPEN, and it clears it on every way out, for
//!    [`Open`] does so when it is dropped.
//! 2. A helper enters by one compare-exchange from a value with OPEN to that value plus one helper.
//!    So it cannot enter a window that closes in between: either the exchange comes first and the
//!    closer counts it, or it fails.
//! 3. The closer sets SLEEPING and reads the count by one read-modify-write, and does so again
//!    before it sleeps, when it listens for `left`. The helper that brings the count to zero sees
//!    SLEEPING in the same way, and notifies. So the closer sees zero, or is notified after it
//!    began to listen.
//! 4. A helper owns a reference to the shared state, in which the window lives: signalling is safe
//!    even if the scope is gone by then.
//!
//! # Orderings
//!
//! *Enter* acquires what *open* released: the helper sees the state that the scope's thread left.
//! *Leave* releases and *close* acquires: the scope's thread sees what the helper did to children,
//! and to what they borrow. Clearing OPEN needs no more than that, because a helper that misses it
//! is still counted.
//!
//! # Why the closer waits for a bounded time only
//!
//! A helper looks at OPEN between two polls and leaves when it is clear, after handing back what it
//! took and has not run. So the wait is bounded by the longest poll of a child. A child that is
//! itself a scope may in that poll wait for helpers of its own; a thread is a helper of at most one
//! scope for each scope below it on its stack, so these waits form a tree and end at its leaves.
#![forbid(unsafe_code)]

use crate::sync::{AtomicUsize, Event, Ordering, SPINS, spin_loop, wait_until};

/// Set while the scope's future is inside `poll` and wants help.
const OPEN: usize = 1;
/// Set while the closer sleeps.
const SLEEPING: usize = 2;
/// One helper inside.
const HELPER: usize = 4;

/// The window of one scope.
#[derive(Default)]
pub(crate) struct Window {
    word: AtomicUsize,
    /// Notified by the last helper to leave, if the closer sleeps.
    left: Event,
}

impl Window {
    /// Opens the window, until what this gives is dropped; then no helper is inside. For the thread
    /// inside `poll`; not while it is open.
    pub(crate) fn open(&self) -> Open<'_> {
        self.word.fetch_or(OPEN, Ordering::Release);
        Open(self)
    }

    /// Enters as a helper, if the window is open.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let enter = |word| (word & OPEN != 0).then_some(word + HELPER);
        self.word
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, enter)
            .ok()
            .map(|_| Inside { window: self })
    }

    /// Waits until no helper is inside. Never unwinds.
    fn wait(&self) {
        for _ in 0..SPINS {
            if self.word.load(Ordering::Acquire) < HELPER {
                return;
            }
            spin_loop();
        }
        wait_until(&self.left, || {
            self.word.fetch_or(SLEEPING, Ordering::Acquire) < HELPER
        });
        self.word.fetch_and(!SLEEPING, Ordering::Relaxed);
    }
}

/// The window is open; dropping this closes it.
pub(crate) struct Open<'a>(&'a Window);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.word.fetch_and(!OPEN, Ordering::Relaxed);
        self.0.wait();
    }
}

/// A helper is inside; dropping this leaves.
pub(crate) struct Inside<'a> {
    window: &'a Window,
}

impl Inside<'_> {
    /// Returns false once the helper should leave.
    pub(crate) fn is_open(&self) -> bool {
        self.window.word.load(Ordering::Relaxed) & OPEN != 0
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let before = self.window.word.fetch_sub(HELPER, Ordering::Release);
        if before == HELPER | SLEEPING {
            self.window.left.notify(1);
        }
    }
}
