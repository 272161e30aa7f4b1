//! The cancellation of a scope: whether it was cancelled, why, and who waits for it.
//!
//! # What it promises
//!
//! * Level-triggered: once a scope is cancelled it stays so, and whoever asks or waits later learns
//!   of it at once.
//! * The first cause is kept. What somebody has seen of it does not change.
//! * Each waiter is woken once, outside of all locks, and a waker that panics keeps nobody else
//!   from being woken. (That is why this is not `event_listener::Event`, which calls wakers under
//!   its lock: one that polls in `wake` deadlocks there, and one that panics leaves it broken.)
//! * A scope is cancelled with every scope around it, which are its *ancestors*.
//! * A scope whose cancellation nobody asks for pays for an empty pointer, and for one atomic step
//!   when it ends. A nested one pays for the link to its parent as well.
//!
//! # Parts
//!
//! [`Cancellation`](crate::cancel::cancellation::Cancellation) is what the shared state of a scope
//! always has: how the scope came to its end, if it has, a link to its parent, and a place for a
//! [`Signal`]. The signal is made when somebody wants a token, and with it those of all ancestors.
//! It holds the cause and the waiters. A waiter is a task, or the signal of a nested scope.
//!
//! # Invariants
//!
//! 1. The bit `WATCHED` of the state of a `Cancellation` is set after the signal is in its place
//!    and linked to its parent, and has the outcome as its cause if there is one. The outcome is
//!    entered in the same word; each by a read-modify-write that fails if the other one came in
//!    between. So the end of a scope finds the signal, or whoever makes the signal the outcome; and
//!    once there is an outcome, the signal that is found has a cause.
//! 2. A cause is set before the waiters are taken, and a waiter enters only if it sees no cause of
//!    the signal or of an ancestor, both under the signal's lock. So a waiter is woken or refused.
//! 3. Whoever asks looks at the ancestors, too. So a scope is cancelled as soon as one around it
//!    is, before the waiters have been told.
//! 4. A cause of its own is set only if there is none in the ancestors, and what is seen there is
//!    set as its own before it is shown. So a cause, once seen, is the first. (A signal that is
//!    made after the end knows of no other cause than the end, and nobody has seen another.)
//! 5. A thread that holds a signal's lock may take its parent's; nobody takes locks in the other
//!    direction. The lock of a link to a parent is the innermost: no other is taken under it. No
//!    foreign code runs under any: wakers are cloned before, woken and dropped after.
//! 6. A scope that has ended lets go of its parent, and so does a signal that has told its cause:
//!    their answer stands. So a scope that has left the one it began in keeps that one, and nothing
//!    around it, even if each in a long row began in the one before.
//! 7. A cause that others may inherit is entered between two counts of the [`Tree`]. If all that
//!    have begun had been entered when a signal looked at its ancestors, and no other one has begun
//!    since, it need not look again. So who asks often, and from many threads, takes no lock.
#![forbid(unsafe_code)]

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Poll, Waker};

use slab::Slab;

use crate::cancel::cause::Cause;
use crate::panic::{quietly, wake};
use crate::sync::{AtomicUsize, Mutex, OnceLock, Ordering};

/// What a scope, or its signal, knows itself of its cancellation.
pub(crate) enum Answer<C, P> {
    Cancelled(C),
    NotCancelled,
    AskParent(Arc<P>),
}

/// The cause of a scope's cancellation, and who waits for it.
pub(crate) struct Signal {
    cause: OnceLock<Cause>,
    /// `None` from the beginning if it has none; emptied when there is a cause.
    parent: Option<Mutex<Option<Arc<Signal>>>>,
    tree: Arc<Tree>,
    /// How many cancellations had begun in the tree when no ancestor had a cause.
    seen: AtomicUsize,
    waiting: Mutex<Waiting>,
}

/// The cancellations among all signals that descend from one; see invariant 7.
#[derive(Default)]
struct Tree {
    begun: AtomicUsize,
    entered: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    waiters: Slab<Waiter>,
    /// The parent, and the key among its waiters, while the signal is there.
    link: Option<(Arc<Signal>, usize)>,
}

enum Waiter {
    Task(Waker),
    Nested(Arc<Signal>),
}

impl Signal {
    pub(crate) fn new(parent: Option<Arc<Self>>) -> Self {
        let tree = parent.as_ref().map(|parent| Arc::clone(&parent.tree));
        Self {
            tree: tree.unwrap_or_default(),
            seen: AtomicUsize::new(usize::MAX),
            cause: OnceLock::new(),
            parent: parent.map(|parent| Mutex::new(Some(parent))),
            waiting: Mutex::new(Waiting::default()),
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        if self.cause.get().is_some() {
            return true;
        }
        if self.parent.is_none() {
            return false;
        }
        // Acquire: a cause that our caller has seen, anywhere, had begun; and what was entered is
        // seen by the look below.
        let begun = self.tree.begun.load(Ordering::Acquire);
        if self.seen.load(Ordering::Relaxed) == begun {
            return false;
        }
        let entered = self.tree.entered.load(Ordering::Acquire);
        let is_cancelled = self.cause().is_some();
        if !is_cancelled && entered == begun {
            self.seen.store(begun, Ordering::Relaxed);
        }
        is_cancelled
    }

    /// The cause, if the scope was cancelled.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        match self.answer() {
            Answer::Cancelled(cause) => Some(cause),
            Answer::NotCancelled => None,
            Answer::AskParent(parent) => {
                let cancelled = parent.nearest_cancelled()?;
                let cause = cancelled.cause.get()?;
                Some(self.cause.get_or_init(|| cause.for_nested()))
            }
        }
    }

    /// What the signal knows itself.
    fn answer(&self) -> Answer<&Cause, Self> {
        if let Some(cause) = self.cause.get() {
            return Answer::Cancelled(cause);
        }
        match self.parent() {
            Some(parent) => Answer::AskParent(parent),
            // It may have gone just now, and then there is a cause.
            None => self
                .cause
                .get()
                .map_or(Answer::NotCancelled, Answer::Cancelled),
        }
    }

    /// This signal or the nearest ancestor that has a cause.
    fn nearest_cancelled(self: Arc<Self>) -> Option<Arc<Self>> {
        let mut signal = self;
        loop {
            let parent = match signal.answer() {
                Answer::Cancelled(_) => break,
                Answer::NotCancelled => return None,
                Answer::AskParent(parent) => parent,
            };
            signal = parent;
        }
        Some(signal)
    }

    /// The parent, while there is no cause.
    fn parent(&self) -> Option<Arc<Self>> {
        self.parent.as_ref()?.lock().clone()
    }

    /// Enters the cause of a scope that had ended before anybody asked.
    pub(crate) fn set_late(&self, cause: Cause) {
        let _ = self.cause.set(cause);
        self.let_go_of_parent();
    }

    /// For a signal that has a cause.
    fn let_go_of_parent(&self) {
        if let Some(parent) = &self.parent {
            let parent = parent.lock().take();
            drop(parent);
        }
    }

    /// Cancels the scope, for this cause if it is the first.
    ///
    /// This wakes foreign wakers; it never unwinds.
    pub(crate) fn fire(&self, cause: Cause) {
        self.tree.begun.fetch_add(1, Ordering::AcqRel);
        if self.cause().is_none() {
            let _ = self.cause.set(cause);
        }
        self.tree.entered.fetch_add(1, Ordering::Release);
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
    pub(crate) fn link(self: &Arc<Self>) {
        let Some(parent) = self.parent() else {
            return;
        };
        let mut waiting = self.waiting.lock();
        if waiting.link.is_some() || self.is_cancelled() {
            return;
        }
        let mut others = parent.waiting.lock();
        if !parent.is_cancelled() {
            let nested = Waiter::Nested(Arc::clone(self));
            let key = others.waiters.insert(nested);
            drop(others);
            waiting.link = Some((parent, key));
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
        let _ = self.cause(); // which makes one of its own of what it inherits
        let Waiting { waiters, link } = mem::take(&mut *self.waiting.lock());
        for (_, waiter) in waiters {
            match waiter {
                Waiter::Task(waker) => wakers.push(waker),
                Waiter::Nested(signal) => nested.push(signal),
            }
        }
        if let Some((parent, key)) = link {
            parent.leave(key);
        }
        self.let_go_of_parent();
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
