//! Whether a scope was asked to stop, or came to its end; why; and who waits for that.
//!
//! # What it promises
//!
//! * Level-triggered: once there is a cause it stays, and a task that asks or waits later learns of
//!   it at once.
//! * The first cause is kept.
//! * Each waiting task is woken once, outside of all locks, and a waker that panics keeps no other
//!   from being woken. (That is why this is no `event_listener::Event`, which calls wakers under
//!   its lock: one that polls in `wake` deadlocks there.)
//! * Every scope inside this one has a cause before the first task is woken.
//! * A scope that is neither watched nor nested pays for it with one atomic step, at its end.
//!
//! # States
//!
//! One word says what there is. The cause is entered once; [`FAILED`] and [`LINKED`] are only ever
//! set.
//!
//! | bits | mean |
//! |---|---|
//! | [`CAUSE`] is 0 | the scope runs, and nothing was asked of it |
//! | [`CAUSE`] is an [`Outcome`] | that is the cause |
//! | [`CAUSE`] is [`REQUESTED`] | the cause is in [`Links::cause`] |
//! | [`FAILED`] | no poll of the body or of a child may start any more |
//! | [`LINKED`] | a task waits, or a scope inside this one is linked to it |
//!
//! # Pushed inwards
//!
//! A scope that is polled for the first time inside another one links itself to that: it is one of
//! its waiters, until its end. A cause is pushed from there through the tree, first to all scopes,
//! then to all tasks. So to ask whether a stop was requested is to read one word.
//!
//! # Invariants
//!
//! 1. A waiter enters under the lock, having found [`LINKED`] set and no cause, or having set it by
//!    a read-modify-write that found no cause. A cause is entered by a read-modify-write of the
//!    same word, and if that finds [`LINKED`] the waiters are taken, under the lock. So a waiter is
//!    refused, or is taken.
//! 2. [`Links::cause`] is set, under the lock, before the word says so, and never changes after.
//! 3. At most one lock of a `Stop` is held at a time, and no foreign code runs under it: wakers are
//!    cloned before, woken and dropped after.
//! 4. A scope that has a cause has no waiters, and takes none. So after its end it keeps no other
//!    scope alive, and a key of a waiter that was told finds nothing.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Arc;
use std::task::{Poll, Waker};

use slab::Slab;

use crate::panic::{quietly, wake};
use crate::stop::cause::Cause;
use crate::sync::{AtomicU8, Mutex, Ordering};

/// What kind of cause there is; 0 while there is none.
const CAUSE: u8 = 0b0111;
/// Set when the body or a child has failed or panicked.
const FAILED: u8 = 0b1000;
/// Set once there is something in the [`Links`].
const LINKED: u8 = 0b1_0000;

/// How a scope came to its end; which is its cause, if no other was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// The cause is in [`Links::cause`]: it was requested, of this scope or of one around it.
const REQUESTED: u8 = 5;

/// What a scope `S` has of its stopping.
pub(crate) struct Stop<S> {
    state: AtomicU8,
    /// Made when it is needed: most scopes are neither watched nor around another one.
    links: Mutex<Option<Box<Links<S>>>>,
}

struct Links<S> {
    waiters: Slab<Waiter<S>>,
    /// The cause, if it has a text, or is that of a scope around this one.
    cause: Option<Cause>,
}

impl<S> Default for Links<S> {
    fn default() -> Self {
        Self {
            waiters: Slab::new(),
            cause: None,
        }
    }
}

enum Waiter<S> {
    Task(Waker),
    Nested(Arc<S>),
}

impl<S: AsRef<Self>> Stop<S> {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(0),
            links: Mutex::new(None),
        }
    }

    /// Returns true once there is a cause.
    #[inline]
    pub(crate) fn is_requested(&self) -> bool {
        self.state.load(Ordering::Acquire) & CAUSE != 0
    }

    /// Returns true if a scope inside this one may have been linked to it.
    pub(crate) fn is_linked(&self) -> bool {
        self.state.load(Ordering::Acquire) & LINKED != 0
    }

    /// Returns true if no poll may start any more because something failed.
    #[inline]
    pub(crate) fn has_failed(&self) -> bool {
        self.state.load(Ordering::Acquire) & FAILED != 0
    }

    /// Returns the cause, if there is one.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.cause_under(self.links.lock().as_deref())
    }

    fn cause_under(&self, links: Option<&Links<S>>) -> Option<Cause> {
        match self.state.load(Ordering::Acquire) & CAUSE {
            0 => None,
            REQUESTED => links.and_then(|links| links.cause.clone()),
            kind if kind == Outcome::Failed as u8 => Some(Cause::Failed),
            kind if kind == Outcome::Panicked as u8 => Some(Cause::Panicked),
            kind if kind == Outcome::Ended as u8 => Some(Cause::Ended),
            _ => Some(Cause::Dropped),
        }
    }

    /// Enters how the scope ended, and tells all that are linked to it.
    ///
    /// This wakes foreign wakers; it never unwinds.
    pub(crate) fn end(&self, outcome: Outcome) {
        let failed = match outcome {
            Outcome::Failed | Outcome::Panicked => FAILED,
            Outcome::Ended | Outcome::Dropped => 0,
        };
        let before = self.enter_kind(outcome as u8, failed);
        if before & LINKED != 0 {
            self.tell(None);
        }
    }

    /// Enters a cause that was said, if it is the first, and tells all that are linked.
    ///
    /// This wakes foreign wakers; it never unwinds.
    pub(crate) fn request(&self, cause: Cause) {
        if !self.is_requested() {
            self.tell(Some(cause));
        }
    }

    /// Enters a kind of cause, if there is none yet, and gives the word as it was before.
    ///
    /// Release: who sees the cause sees what led to it. Acquire: who takes waiters finds them.
    fn enter_kind(&self, kind: u8, bits: u8) -> u8 {
        let enter = |state| match state & CAUSE {
            0 => Some(state | bits | kind),
            _ => Some(state | bits),
        };
        let entered = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, enter);
        entered.unwrap_or_else(|before| before)
    }

    /// Enters `said` if it is the first cause; tells the scopes inside this one of the cause, and
    /// then all tasks.
    fn tell(&self, said: Option<Cause>) {
        if let Some((waiters, cause)) = self.take_waiters(said) {
            self.tell_all(waiters, &cause);
        }
    }

    #[cold]
    fn tell_all(&self, waiters: Slab<Waiter<S>>, cause: &Cause) {
        let cause = cause.for_nested();
        let mut tasks = Vec::new();
        let mut told = vec![waiters];
        while let Some(waiters) = told.pop() {
            for (_, waiter) in waiters {
                match waiter {
                    Waiter::Task(waker) => tasks.push(waker),
                    Waiter::Nested(scope) => {
                        let taken = (*scope).as_ref().take_waiters(Some(cause.clone()));
                        told.extend(taken.map(|(waiters, _)| waiters));
                    }
                }
            }
        }
        for waker in tasks {
            wake(Some(waker));
        }
    }

    /// Enters `said` if it is the first cause. Takes the waiters, if there are any, and gives them
    /// with the cause.
    fn take_waiters(&self, said: Option<Cause>) -> Option<(Slab<Waiter<S>>, Cause)> {
        let mut links = self.links.lock();
        if let Some(cause) = said {
            self.enter_said(links.get_or_insert_default(), cause);
        }
        let waiters = mem::take(&mut links.as_mut()?.waiters);
        let taken = (!waiters.is_empty()).then_some(waiters);
        taken.zip(self.cause_under(links.as_deref()))
    }

    fn enter_said(&self, links: &mut Links<S>, cause: Cause) {
        if links.cause.is_none() {
            links.cause = Some(cause);
            if self.enter_kind(REQUESTED, 0) & CAUSE != 0 {
                links.cause = None; // another one was first
            }
        }
    }

    /// Links a scope that is polled for the first time to the one around it, `parent`. Returns its
    /// key among the waiters there, to be given up with [`leave`](Self::leave) at its end; `None`
    /// if there is a cause already, which it then has as well.
    pub(crate) fn begin_inside(scope: &Arc<S>, parent: &Self) -> Option<usize> {
        let mut links = parent.links.lock();
        if parent.link() {
            let waiters = &mut links.get_or_insert_default().waiters;
            return Some(waiters.insert(Waiter::Nested(Arc::clone(scope))));
        }
        let cause = parent.cause_under(links.as_deref());
        drop(links);
        (**scope)
            .as_ref()
            .tell(cause.as_ref().map(Cause::for_nested));
        None
    }

    /// Says, under the lock, that something is about to be linked; false if there is a cause.
    fn link(&self) -> bool {
        let state = self.state.load(Ordering::Acquire);
        let before = match state & LINKED {
            0 => self.state.fetch_or(LINKED, Ordering::AcqRel),
            _ => state, // a cause that comes from here on finds the bit, and waits for the lock
        };
        before & CAUSE == 0
    }

    /// Polls for a cause. `key` is the caller's place among the waiters, if it has one; to be given
    /// up with [`leave`](Self::leave).
    pub(crate) fn poll(&self, key: &mut Option<usize>, waker: &Waker) -> Poll<()> {
        if self.is_requested() {
            return Poll::Ready(());
        }
        let is_same =
            |waiter: &Waiter<S>| matches!(waiter, Waiter::Task(it) if it.will_wake(waker));
        if key.is_some_and(|key| self.is_waiter(key, is_same)) {
            return Poll::Pending;
        }
        let mut waiter = Some(Waiter::Task(waker.clone()));
        let mut links = self.links.lock();
        let may_wait = self.link();
        if may_wait {
            let waiters = &mut links.get_or_insert_default().waiters;
            match key.and_then(|key| waiters.get_mut(key)) {
                Some(place) => waiter = waiter.map(|waiter| mem::replace(place, waiter)),
                None => *key = waiter.take().map(|waiter| waiters.insert(waiter)),
            }
        }
        drop(links);
        quietly(|| drop(waiter)); // what was not entered, or was replaced
        match may_wait {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    fn is_waiter(&self, key: usize, is_it: impl FnOnce(&Waiter<S>) -> bool) -> bool {
        let links = self.links.lock();
        let waiter = links.as_ref().and_then(|links| links.waiters.get(key));
        waiter.is_some_and(is_it)
    }

    /// Gives up a place among the waiters.
    pub(crate) fn leave(&self, key: usize) {
        let mut links = self.links.lock();
        let waiter = links.as_mut().and_then(|it| it.waiters.try_remove(key));
        drop(links);
        quietly(|| drop(waiter));
    }
}
