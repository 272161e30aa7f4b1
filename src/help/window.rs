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
//! # When it is open
//!
//! From the moment when a poll has children to run and a helper could be had, to the end of that
//! poll. Helpers are called rarely: if sharing pays (see [`crate::help::policy`]), or if something
//! arrives while the scope's thread is busy and has not come to it for a while.
//!
//! The scope's thread does not close the window to wait in it. As long as a helper is inside it
//! goes on running what becomes ready, and [sleeps](crate::queue::Queue::sleep) if nothing is; for
//! the helper can be in a poll that blocks. It closes, and waits, if the scope has to end, in which
//! case no poll may start any more. If its budget is spent it [drains](crate::run::drain): then it
//! is open for an *epoch*, and otherwise *ajar* while the scope's thread polls a child, or shut.
//!
//! # States
//!
//! One atomic word holds the bits [`OPEN`], [`AJAR`], [`EAGER`], [`EPOCH`] and [`SLEEPING`] and the
//! numbers of helpers inside.
//!
//! | | helpers | means | left by |
//! |---|---|---|---|
//! | neither | 0 | **shut** | `open` |
//! | OPEN | any | **open**: helpers enter and leave | `try_shut` if none is inside; `let_none_in`; the end of an epoch |
//! | AJAR | any | **ajar**: as open if the scope's thread has been in a poll of a child for a while, else as closing; helpers watch | `let_none_in` |
//! | neither | > 0 | **closing**: helpers leave, none enters, some watch; the scope's thread waits, or goes on alone | the last one to leave; `set_ajar`; `begin_epoch` |
//!
//! A helper is counted in one of two numbers: that of the epoch in which it was last seen between
//! two polls. A new epoch exchanges the two. So once the other one is zero, all that were inside
//! when it began have come back from the polls in which they were then.
//!
//! EAGER says that polls of this scope were slow lately: a push calls a helper at once. Otherwise
//! it does so if this poll of the scope has lasted for longer than one does without a slow poll in
//! it. SLEEPING is set while the scope's thread waits for helpers to leave, or sleeps: the last one
//! to leave has to notify it. That costs a system call, and is not done in vain.
//!
//! # Invariants
//!
//! 1. Only the thread inside `poll` sets OPEN and AJAR, and it clears them on every way out, for
//!    [`Open`] does so when it is dropped. But the helper that ends an epoch exchanges OPEN for
//!    AJAR, in the one step by which it moves over or leaves. It was counted until then, so the
//!    thread has not come out; and if that has cleared OPEN before, no AJAR is set.
//! 2. A helper enters by one compare-exchange from a value with OPEN or AJAR to that value plus one
//!    helper. So it cannot enter a window that closes in between: either the exchange comes first
//!    and the closer counts it, or it fails. `try_shut` is one compare-exchange as well: it finds a
//!    helper, or keeps it out. The clock, at which a helper looks if it is ajar, decides only
//!    whether it tries.
//! 3. The waiting thread sets SLEEPING and reads the counts by one read-modify-write, and does so
//!    again before it sleeps, when it listens for the event. The helper that brings a count to zero
//!    sees SLEEPING in the same way, and notifies. So the thread sees zero, or is notified after it
//!    began to listen.
//! 4. A helper owns a reference to the shared state, in which the window lives: signalling is safe
//!    even if the scope is gone by then.
//! 5. An epoch begins when nobody is counted in the one before the last. So the number that is
//!    exchanged in is zero, and a helper that sees another epoch than its own sees the latest one:
//!    the next begins after it has moved over. No more enter than fit into one of the two numbers.
//!
//! # Orderings
//!
//! *Enter* acquires what *open* released: the helper sees the state that the scope's thread left.
//! *Leave* releases, and what finds no helper inside acquires: the scope's thread sees what the
//! helper did to children, and to what they borrow. Clearing OPEN needs no more than that, because
//! a helper that misses it is still counted.
//!
//! # How long the closer waits
//!
//! A helper looks at OPEN between two polls and leaves when it is clear, after handing back what it
//! took and has not run. So the wait is bounded by the longest poll of a child. A child that is
//! itself a scope may in that poll wait for helpers of its own; a thread is a helper of at most one
//! scope for each scope below it on its stack, so these waits form a tree and end at its leaves.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::time::Duration;

use crate::help::epoch::{Awaited, EPOCH, HELPER, MOST, count, one};
use crate::help::policy::{BUSY, HELD_UP};
use crate::sync::{
    self, AtomicBool, AtomicUsize, Event, Instant, LOOKS, Ordering, SPINS, SharedInstant, pause,
    spin_loop,
};

/// Set while the scope's future is inside `poll` and may be helped.
const OPEN: usize = 1;
/// Set while the scope's thread waits for helpers to leave.
const SLEEPING: usize = 2;
/// Set while pushes call for help at once.
const EAGER: usize = 4;
/// Set while the scope's future may be helped if a poll of a child takes long.
const AJAR: usize = 8;
/// The window of one scope.
#[derive(Default)]
pub(crate) struct Window {
    word: AtomicUsize,
    /// What the scope's thread waits for: notified by the last helper to leave, if the thread
    /// sleeps, and by a push that finds it waiting.
    event: Event,
    /// When the poll began in which it was opened; that of a child, if it is ajar.
    start: SharedInstant,
    /// Set when a poll of a child took long.
    slow: AtomicBool,
}

impl Window {
    /// Opens the window, until what this gives is dropped; then no helper is inside. For the thread
    /// inside `poll`, which began at `start`; not while it is open.
    pub(crate) fn open(&self, start: Instant, is_eager: bool) -> Open<'_> {
        self.let_in(start, if is_eager { OPEN | EAGER } else { OPEN });
        Open(self)
    }

    /// Enters as a helper, if the window is open.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let is_full = |word| count(word, 0) + count(word, EPOCH) >= MOST;
        let enter = |word| (self.lets_in(word) && !is_full(word)).then(|| word + one(word & EPOCH));
        let word = self
            .word
            .fetch_update(Ordering::Acquire, Ordering::SeqCst, enter)
            .ok()?;
        Some(Inside {
            window: self,
            epoch: Cell::new(word & EPOCH),
        })
    }

    /// Returns true if helpers can enter.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.lets_in(self.word.load(Ordering::Relaxed))
    }

    #[inline]
    fn lets_in(&self, word: usize) -> bool {
        word & OPEN != 0 || (word & AJAR != 0 && self.start.elapsed() >= HELD_UP)
    }

    /// Returns true if a push should call for help: the poll is slow, or may be.
    #[inline]
    pub(crate) fn wants_help(&self) -> bool {
        match self.word.load(Ordering::Relaxed) & (OPEN | EAGER | AJAR) {
            0 => false,
            OPEN => self.start.elapsed() >= BUSY,
            _ => true, // if it is ajar, to watch
        }
    }

    /// Opens the window of a pen, for as long as that lasts.
    pub(crate) fn open_for_pen(&self) {
        self.word.store(OPEN, Ordering::Release);
    }

    /// A thread of a pen looks at the ready queue, now.
    pub(crate) fn looks(&self, now: Instant) {
        self.start.set(now);
    }

    /// Returns when one looked last, or the poll began.
    pub(crate) fn looked(&self) -> &SharedInstant {
        &self.start
    }

    /// A thread of a pen that has looked goes, and leaves others behind, who may be in slow polls.
    pub(crate) fn looks_no_more(&self) {
        self.start.forget();
    }

    /// Has pushes call for help at once, or not any more.
    pub(crate) fn set_eager(&self, is_eager: bool) {
        match is_eager {
            true => self.word.fetch_or(EAGER, Ordering::Relaxed),
            false => self.word.fetch_and(!EAGER, Ordering::Relaxed),
        };
    }

    /// Returns whether they do.
    pub(crate) fn is_eager(&self) -> bool {
        self.word.load(Ordering::Relaxed) & EAGER != 0
    }

    /// Returns true if it is open, or a helper is inside.
    #[inline]
    pub(crate) fn is_in_use(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0
    }

    /// Returns true if it matters whether a poll of a child was slow: if slow polls are expected,
    /// or the poll has outlasted the window.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        word != 0 && word & (OPEN | EAGER) != OPEN
    }

    /// Notes that a poll of a child took long.
    pub(crate) fn saw_slow(&self) {
        self.slow.store(true, Ordering::Relaxed);
    }

    /// Returns whether that was noted since this was asked last.
    #[inline]
    pub(crate) fn take_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed) && self.slow.swap(false, Ordering::Relaxed)
    }

    /// Shuts the window if no helper is inside; returns false if one is. True as well if it is
    /// shut.
    #[inline]
    pub(crate) fn try_shut(&self) -> bool {
        // Acquire: it can be shut but for the helper that has left just now.
        let word = self.word.load(Ordering::Acquire);
        word == 0
            || (word < HELPER
                && self
                    .word
                    .compare_exchange(word, 0, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok())
    }

    /// Lets no helper in any more. Those inside leave when they come back from their polls.
    pub(crate) fn let_none_in(&self) {
        self.word
            .fetch_and(!(OPEN | EAGER | AJAR), Ordering::Relaxed);
    }

    fn let_in(&self, start: Instant, how: usize) {
        self.start.set(start);
        // Whoever lets helpers in looks afterwards whether one is coming; who comes says so before
        // it looks here. Hence the total order of these four.
        self.word.fetch_or(how, Ordering::SeqCst);
    }

    /// Lets helpers in if the poll of a child that begins at `start` takes long; not while it is
    /// open.
    pub(crate) fn set_ajar(&self, start: Instant) {
        self.let_in(start, AJAR);
    }

    /// The thread of the scope begins to poll a child, while an epoch lasts that may end meanwhile.
    pub(crate) fn begin_poll(&self, start: Instant) {
        self.start.set(start);
    }

    /// It polls none.
    pub(crate) fn rest(&self) {
        self.start.set_never();
    }

    /// Lets helpers in again, and begins an epoch: nobody is left of those that were
    /// [awaited](Awaited::Earlier) in the last one. When it is over the window is ajar.
    pub(crate) fn begin_epoch(&self, start: Instant) {
        self.word.fetch_xor(EPOCH, Ordering::Relaxed);
        self.let_in(start, OPEN | EAGER);
    }

    /// Waits for a while until no helper is inside; returns whether that is so.
    pub(crate) fn wait_for(&self, limit: Duration) -> bool {
        self.spin(|| false) || self.wait_at_most(limit, || self.is_without_or_asleep(Awaited::All))
    }

    /// Waits as [`wait_until`](Self::wait_until), for a while; returns whether it is over.
    pub(crate) fn wait_at_most(&self, limit: Duration, is_over: impl FnMut() -> bool) -> bool {
        let is_over = sync::wait_at_most(&self.event, limit, is_over);
        self.word.fetch_and(!SLEEPING, Ordering::Relaxed);
        is_over
    }

    /// Waits until `is_over`, which is asked again after each notification. Never unwinds, unless
    /// `is_over` does.
    pub(crate) fn wait_until(&self, is_over: impl FnMut() -> bool) {
        sync::wait_until(&self.event, is_over);
        self.word.fetch_and(!SLEEPING, Ordering::Relaxed);
    }

    /// Has the thread that waits look again.
    pub(crate) fn notify(&self) {
        self.event.notify(1);
    }

    /// Has all threads that end a pen look again.
    pub(crate) fn notify_all(&self) {
        self.event.notify(usize::MAX);
    }

    /// Returns true if nobody is left of those. Otherwise the last one will notify.
    pub(crate) fn is_without_or_asleep(&self, awaited: Awaited) -> bool {
        awaited.is_none_left(self.word.fetch_or(SLEEPING, Ordering::Acquire))
    }

    /// Returns true if nobody is left of those.
    pub(crate) fn is_without(&self, awaited: Awaited) -> bool {
        awaited.is_none_left(self.word.load(Ordering::Acquire))
    }

    /// Returns true if no helper is inside.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_without(Awaited::All)
    }

    /// Returns true if helpers can enter, or could after a while.
    #[inline]
    pub(crate) fn lets_in_later(&self) -> bool {
        self.word.load(Ordering::Relaxed) & (OPEN | AJAR) != 0
    }

    /// Waits until helpers can enter, while the scope's thread cannot come out: it may be in a poll
    /// that will take long. Not for ever, since the thread belongs to the executor.
    pub(crate) fn watch(&self) {
        for _ in 0..LOOKS {
            let word = self.word.load(Ordering::Relaxed);
            if word < HELPER || self.lets_in(word) {
                break;
            }
            pause(HELD_UP.saturating_sub(self.start.elapsed()));
        }
    }

    /// Waits a moment until no helper is inside, or `is_over`; returns whether no helper is.
    pub(crate) fn spin(&self, is_over: impl Fn() -> bool) -> bool {
        for _ in 0..SPINS {
            if self.is_alone() || is_over() {
                break;
            }
            spin_loop();
        }
        self.is_alone()
    }
}

/// The window is open; dropping this closes it.
pub(crate) struct Open<'a>(&'a Window);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let window = self.0;
        if window.try_shut() {
            return;
        }
        window.let_none_in();
        if !window.spin(|| false) {
            window.wait_until(|| window.is_without_or_asleep(Awaited::All));
        }
        window.try_shut(); // the next epoch is the first
    }
}

/// A helper is inside; dropping this leaves.
pub(crate) struct Inside<'a> {
    window: &'a Window,
    /// In which it is counted.
    epoch: Cell<usize>,
}

impl Inside<'_> {
    /// Asked between two polls: returns false once the helper should leave.
    pub(crate) fn goes_on(&self) -> bool {
        let word = self.window.word.load(Ordering::Relaxed);
        let epoch = word & EPOCH;
        if epoch != self.epoch.get() {
            self.leave(self.epoch.replace(epoch), one(epoch));
        }
        self.window.is_open()
    }

    /// Leaves an epoch, for another one or for good. The last one to leave the earlier epoch ends
    /// the later: whoever is inside should leave, and this one not begin another poll.
    fn leave(&self, epoch: usize, other: usize) {
        let leave = |word: usize| {
            let word = word - one(epoch) + other;
            let is_over = word & OPEN != 0 && word & EPOCH != epoch && count(word, epoch) == 0;
            Some(match is_over {
                true => (word & !(OPEN | EAGER)) | AJAR,
                false => word,
            })
        };
        let word = &self.window.word;
        let before = word.fetch_update(Ordering::Release, Ordering::Relaxed, leave);
        let before = before.expect("it leaves in any case");
        if before & SLEEPING != 0 && count(before, epoch) == 1 {
            self.window.event.notify(1);
        }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.leave(self.epoch.get(), 0);
    }
}
