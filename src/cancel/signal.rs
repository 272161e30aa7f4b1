//! The cancellation of a scope: whether it was cancelled, why, and who waits for it.
//!
//! # What it promises
//!
//! * Level-triggered: once a scope is cancelled it stays so, and whoever asks or waits later learns
//!   of it at once.
//! * The first cause is kept. What somebody has seen of it does not change.
//! * Each waiter is woken once, outside of all locks, and a waker that panics keeps nobody else from
//!   being woken. (That is why this is not `event_listener::Event`, which calls wakers under its
//!   lock: one that polls in `wake` deadlocks there, and one that panics leaves it broken.)
//! * A scope is cancelled with every scope around it, which are its *ancestors*.
//! * A scope whose cancellation nobody asks for pays for an empty pointer, and for one atomic step
//!   when it ends.
//!
//! # Parts
//!
//! [`Cancellation`] is what the shared state of a scope always has: how the scope came to its end,
//! if it has, a link to its parent, and a place for a [`Signal`]. The signal is made when somebody
//! wants a token, and with it those of all ancestors. It holds the cause and the waiters. A waiter
//! is a task, or the signal of a nested scope.
//!
//! # Invariants
//!
//! 1. The bit [`WATCHED`] of [`Cancellation::state`] is set after the signal is in its place and
//!    linked to its parent, and the outcome is entered in the same word, each by a
//!    read-modify-write. So one of the two sees the other: the end of a scope finds the signal, or
//!    who made the signal finds the outcome.
//! 2. A cause is set before the waiters are taken, and a waiter enters only if it sees no cause of
//!    the signal or of an ancestor, both under the signal's lock. So a waiter is woken or refused.
//! 3. Whoever asks looks at the ancestors, too. So a scope is cancelled as soon as one around it
//!    is, before the waiters have been told.
//! 4. A cause of its own is set only if there is none in the ancestors, and what is seen there is
//!    set as its own before it is shown. So a cause, once seen, is the first.
//! 5. A thread that holds a signal's lock may take its parent's; nobody takes locks in the other
//!    direction. No foreign code runs under any: wakers are cloned before, woken and dropped after.
#![forbid(unsafe_code)]

use std::fmt;
use std::iter::successors;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};

use slab::Slab;

use crate::cancel::cause::Cause;
use crate::panic::{quietly, wake};
use crate::shared::Shared;
use crate::sync::{AtomicU8, Mutex, Ordering};

/// How a scope came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    /// The body or a child gave an `Err`.
    Failed = 1,
    /// Something panicked.
    Panicked = 2,
    /// The normal end.
    Ended = 3,
    /// The scope's future was dropped before its end.
    Dropped = 4,
}

/// The bits of [`Cancellation::state`] that hold an [`Outcome`], or 0 while there is none.
const OUTCOME: u8 = 0b0111;
/// Set once there is a signal that has to learn of the outcome.
const WATCHED: u8 = 0b1000;

impl Outcome {
    fn of(state: u8) -> Option<Self> {
        let all = [Self::Failed, Self::Panicked, Self::Ended, Self::Dropped];
        all.into_iter()
            .find(|outcome| *outcome as u8 == state & OUTCOME)
    }

    fn cause(self) -> Cause {
        match self {
            Self::Failed => Cause::Failed,
            Self::Panicked => Cause::Panicked,
            Self::Ended => Cause::Ended,
            Self::Dropped => Cause::Dropped,
        }
    }
}

/// What a scope always has of its cancellation.
#[derive(Debug, Default)]
pub(crate) struct Cancellation {
    /// The outcome, and whether there is a signal.
    state: AtomicU8,
    /// Made when somebody asks.
    signal: OnceLock<Arc<Signal>>,
    /// The scope in which this one was polled for the first time.
    parent: OnceLock<Arc<Shared>>,
}

impl Cancellation {
    /// Says in which scope this one is polled. For the first poll.
    pub(crate) fn set_parent(&self, parent: Option<Arc<Shared>>) {
        if let Some(parent) = parent {
            // A second one changes nothing: where a scope began is what counts.
            let _ = self.parent.set(parent);
        }
    }

    /// True if no poll may start any more because something failed.
    pub(crate) fn is_stopped(&self) -> bool {
        let outcome = self.state.load(Ordering::Acquire) & OUTCOME;
        outcome == Outcome::Failed as u8 || outcome == Outcome::Panicked as u8
    }

    /// Enters the outcome, if there is none yet, and tells whoever waits.
    ///
    /// This wakes foreign wakers; it never unwinds.
    pub(crate) fn settle(&self, outcome: Outcome) {
        let enter = |state| (state & OUTCOME == 0).then_some(state | outcome as u8);
        // Release: who sees the outcome sees what led to it. Acquire: we see the signal.
        let entered = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, enter);
        let (Ok(before) | Err(before)) = entered;
        if before & WATCHED != 0 {
            // Also if somebody was first, who may not have come to it yet: this returns when
            // everybody was told.
            let first = Outcome::of(before).unwrap_or(outcome);
            self.signal().fire(first.cause());
        }
    }

    /// Whether the scope was cancelled; makes no signal.
    pub(crate) fn is_cancelled(&self) -> bool {
        for scope in self.with_ancestors() {
            let state = scope.state.load(Ordering::Acquire);
            if state & WATCHED != 0 {
                // It knows of its ancestors, and says the same as the tokens.
                return scope.signal().is_cancelled();
            }
            if state & OUTCOME != 0 {
                return true;
            }
        }
        false
    }

    /// The signal; made at the first call, after those of all ancestors.
    pub(crate) fn signal(&self) -> &Arc<Signal> {
        let is_watched = |scope: &&Self| scope.state.load(Ordering::Acquire) & WATCHED != 0;
        // Not recursive: scopes can be nested as deep as the stack carries.
        let unwatched: Vec<_> = self
            .with_ancestors()
            .take_while(|scope| !is_watched(scope))
            .collect();
        for scope in unwatched.into_iter().rev() {
            scope.watch();
        }
        let Some(signal) = self.signal.get() else {
            unreachable!("a scope that is watched has a signal");
        };
        signal
    }

    /// Makes the signal, links it to its parent's and sets [`WATCHED`]. If several threads are
    /// here at once, each makes sure of all that before it goes on.
    fn watch(&self) {
        let signal = self.signal.get_or_init(|| {
            let parent = self.parent.get();
            let parent = parent.and_then(|parent| parent.cancellation.signal.get());
            Arc::new(Signal::new(parent.cloned()))
        });
        // Asked for too late to know what was first, it says how the scope itself ended.
        if let Some(outcome) = Outcome::of(self.state.load(Ordering::Acquire)) {
            let _ = signal.cause.set(outcome.cause());
        }
        signal.link();
        let before = self.state.fetch_or(WATCHED, Ordering::AcqRel);
        if let Some(outcome) = Outcome::of(before) {
            signal.fire(outcome.cause());
        }
    }

    fn with_ancestors(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |scope| {
            scope.parent.get().map(|parent| &parent.cancellation)
        })
    }
}

/// The cause of a scope's cancellation, and who waits for it.
pub(crate) struct Signal {
    cause: OnceLock<Cause>,
    parent: Option<Arc<Signal>>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    waiters: Slab<Waiter>,
    /// The key among the waiters of the parent, while the signal is there.
    link: Option<usize>,
}

enum Waiter {
    Task(Waker),
    Nested(Arc<Signal>),
}

impl Signal {
    fn new(parent: Option<Arc<Self>>) -> Self {
        Self {
            cause: OnceLock::new(),
            parent,
            waiting: Mutex::new(Waiting::default()),
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.ancestors()
            .chain([self])
            .any(|signal| signal.cause.get().is_some())
    }

    /// The cause, if the scope was cancelled.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        if let Some(cause) = self.cause.get() {
            return Some(cause);
        }
        let cause = self.ancestors().find_map(|signal| signal.cause.get())?;
        Some(self.cause.get_or_init(|| cause.for_nested()))
    }

    /// Cancels the scope, for this cause if it is the first.
    ///
    /// This wakes foreign wakers; it never unwinds.
    pub(crate) fn fire(&self, cause: Cause) {
        if self.cause().is_none() {
            let _ = self.cause.set(cause);
        }
        self.tell();
    }

    /// Polls for the cancellation. `key` is the caller's place among the waiters, if it has one;
    /// to be given up with [`leave`](Self::leave).
    pub(crate) fn poll(&self, key: &mut Option<usize>, waker: &Waker) -> Poll<()> {
        if self.is_cancelled() {
            return Poll::Ready(());
        }
        if key.is_some_and(|key| self.has_waker(key, waker)) {
            return Poll::Pending;
        }
        let (poll, stale) = self.enter(key, waker.clone());
        quietly(|| drop(stale));
        poll
    }

    /// Gives up a place among the waiters.
    pub(crate) fn leave(&self, key: usize) {
        let waiter = self.waiting.lock().waiters.try_remove(key);
        quietly(|| drop(waiter));
    }

    fn ancestors(&self) -> impl Iterator<Item = &Self> {
        successors(self.parent.as_deref(), |signal| signal.parent.as_deref())
    }

    fn has_waker(&self, key: usize, waker: &Waker) -> bool {
        match self.waiting.lock().waiters.get(key) {
            Some(Waiter::Task(current)) => current.will_wake(waker),
            _ => false,
        }
    }

    /// Enters a task, or changes its waker; with what has to be dropped outside of the lock.
    fn enter(&self, key: &mut Option<usize>, waker: Waker) -> (Poll<()>, Option<Waiter>) {
        let waiter = Waiter::Task(waker);
        let mut waiting = self.waiting.lock();
        if self.is_cancelled() {
            return (Poll::Ready(()), Some(waiter));
        }
        let place = key.and_then(|key| waiting.waiters.get_mut(key));
        let stale = match place {
            Some(place) => Some(mem::replace(place, waiter)),
            None => {
                *key = Some(waiting.waiters.insert(waiter));
                None
            }
        };
        (Poll::Pending, stale)
    }

    /// Enters the signal among the waiters of its parent, unless it is there or one of the two was
    /// cancelled.
    fn link(self: &Arc<Self>) {
        let Some(parent) = &self.parent else {
            return;
        };
        let mut waiting = self.waiting.lock();
        if waiting.link.is_some() || self.is_cancelled() {
            return;
        }
        let mut others = parent.waiting.lock();
        if !parent.is_cancelled() {
            let nested = Waiter::Nested(Arc::clone(self));
            waiting.link = Some(others.waiters.insert(nested));
        }
    }

    /// Tells all waiters, and those of the scopes below, that there is a cause.
    fn tell(&self) {
        let mut wakers = Vec::new();
        let mut nested = Vec::new();
        self.take_waiters(&mut wakers, &mut nested);
        while let Some(signal) = nested.pop() {
            signal.take_waiters(&mut wakers, &mut nested);
        }
        wakers.into_iter().for_each(|waker| wake(Some(waker)));
    }

    fn take_waiters(&self, wakers: &mut Vec<Waker>, nested: &mut Vec<Arc<Self>>) {
        let Waiting { waiters, link } = mem::take(&mut *self.waiting.lock());
        for (_, waiter) in waiters {
            match waiter {
                Waiter::Task(waker) => wakers.push(waker),
                Waiter::Nested(signal) => nested.push(signal),
            }
        }
        if let (Some(parent), Some(key)) = (&self.parent, link) {
            parent.leave(key);
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parents and nested signals lead to each other.
        f.debug_struct("Signal")
            .field("cause", &self.cause())
            .finish_non_exhaustive()
    }
}
