//! The ready queue: which children can run, whether the body can, and whom to wake for it.
//!
//! # What it promises
//!
//! * A runnable that was pushed is handed out exactly once, first in, first out.
//! * No wake-up is lost: whoever makes the scope ready while it is idle wakes the task that polls
//!   the scope, exactly once.
//! * Nobody is added after the end, and nobody who was added before it is overlooked by it.
//!
//! # States
//!
//! One lock holds everything that decides. The scope is
//!
//! * **busy** while it is inside `poll`, or is about to be: no waker is stored. A push only
//!   appends, whoever is in `poll` will see it.
//! * **idle** between two polls: the waker of the task that polls the scope is stored. A push
//!   appends, takes the waker out (so the scope is busy again) and wakes it after unlocking.
//! * **ended** for ever after [`end`](Ready::end), or after [`next`](Ready::next) said
//!   [`Done`](Next::Done): [`add`](Ready::add) refuses. Pushes still append, for the end collects
//!   them.
//!
//! While the scope is busy the polling thread has its children [at home](crate::home), and does to
//! them there what others do under the lock: only it can, so no lock is needed. Everything below
//! holds with "under the lock" read as "under the lock, or at home".
//!
//! # Invariants
//!
//! 1. `poll` stores the waker under the lock, and only if it sees no runnable and no woken body,
//!    there and at home. So between that look and the storing nothing can be pushed: no lost
//!    wake-up.
//! 2. A child is counted in by the critical section that pushes its first runnable. So the end,
//!    which marks `ended` in a critical section of its own, finds a child either refused, or
//!    counted *and* pushed. At home nothing is added once `ended` is set: marking it is left for
//!    home's own thread to do, which then stays away, or comes back with a home that takes nobody.
//! 3. A child is counted out as the last act of its destructor, after its future is gone. So
//!    "no child is alive" means "every future has been dropped".
//! 4. No foreign code runs under the lock: wakers are cloned before, and woken and dropped after.
//!    `Waker::will_wake` compares two pointers and is not foreign.
//!
//! The scope's own part, polling and ending, is in `polling.rs`.
//!
//! # The end
//!
//! [`await_runnables`](Ready::await_runnables) collects runnables until no child is alive. A waker
//! on another thread can have marked its child as scheduled without having pushed the runnable yet:
//! then there is nothing to collect, the count is not met, and it waits. What it waits for is that
//! push, a few instructions away on the other thread; a push signals `late` if it sees that the end
//! is `waiting`. Both look and signal hold the lock, so the signal cannot be missed.
#![forbid(unsafe_code)]

use std::task::Waker;

mod alive;
pub(crate) mod caller;
pub(crate) mod children;
mod polling;

use crate::child::Runnable;
use crate::home::{Contents, Home};
use crate::panic::wake;
use crate::ready::alive::Alive;
use crate::ready::children::{Children, Key};
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering};

/// Whether a child keeps its scope open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The scope waits for it.
    Ordinary,
    /// The scope cancels it once the body and all ordinary children are done.
    Background,
}

/// What the scope does next; see [`Ready::next`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Run what is in the batch, then poll the body if it was woken.
    Run,
    /// Nothing to do and no waker to wait with: clone the caller's, outside the lock, and ask
    /// again.
    NeedWaker,
    /// Nothing to do: return `Pending`. The waker is stored.
    Idle,
    /// The body and all ordinary children are done. The scope has ended.
    Done,
}

/// The ready queue of one scope.
#[derive(Debug)]
pub(crate) struct Ready {
    home: Home,
    state: Mutex<State>,
    /// Set under the lock by a push: for the thread at home, which need not lock to see that
    /// nothing has arrived.
    arrived: AtomicBool,
    /// Set under the lock; taken by the poll that is about to poll the body.
    body_woken: AtomicBool,
    /// Set under the lock, for ever.
    ended: AtomicBool,
    /// Signalled by a push that finds the end waiting for it.
    late: Condvar,
    ordinary: Alive,
    background: Alive,
}

#[derive(Debug, Default)]
struct State {
    children: Children,
    /// Set while the end waits for a late push.
    waiting: bool,
    /// Whom to wake; stored only while the scope is idle.
    waker: Option<Waker>,
}

/// What everybody does, on any thread.
impl Ready {
    /// A queue whose body counts as woken, so that the first poll starts it.
    pub(crate) fn new() -> Self {
        Self {
            home: Home::new(),
            state: Mutex::default(),
            arrived: AtomicBool::new(false),
            body_woken: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            late: Condvar::new(),
            ordinary: Alive::default(),
            background: Alive::default(),
        }
    }

    /// Adds a child with its first runnable, or gives the runnable back if the scope has ended.
    #[inline]
    pub(crate) fn add(&self, runnable: Runnable, kind: Kind) -> Result<(), Runnable> {
        let added = self.home.visit(|home| match home {
            Some(home) if !home.takes_nobody => {
                self.alive(kind).spawned_at_home();
                self.push_to(home, runnable);
                Ok(())
            }
            _ => Err(runnable),
        });
        added.or_else(|runnable| self.add_elsewhere(runnable, kind))
    }

    fn add_elsewhere(&self, runnable: Runnable, kind: Kind) -> Result<(), Runnable> {
        let mut state = self.state.lock();
        if self.ended.load(Ordering::Relaxed) {
            return Err(runnable);
        }
        self.alive(kind).spawned_elsewhere();
        state.children.ready.push_back(runnable);
        self.arrived.store(true, Ordering::Relaxed);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        Ok(())
    }

    /// Appends the runnable of a child that was woken, if this thread has the children at home.
    #[inline]
    pub(crate) fn push_at_home(&self, runnable: Runnable) -> Result<(), Runnable> {
        self.home.visit(|home| match home {
            Some(home) => {
                self.push_to(home, runnable);
                Ok(())
            }
            None => Err(runnable),
        })
    }

    /// Appends the runnable of a child that was woken. Never unwinds, never drops a runnable.
    pub(crate) fn push_elsewhere(&self, runnable: Runnable) {
        let mut state = self.state.lock();
        state.children.ready.push_back(runnable);
        self.arrived.store(true, Ordering::Relaxed);
        if state.waiting {
            self.late.notify_one();
        }
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// Marks the body as woken.
    pub(crate) fn wake_body(&self) {
        let at_home = self
            .home
            .visit(|home| home.map(|home| home.body_woken = true));
        if at_home.is_none() {
            let mut state = self.state.lock();
            self.mark_body_woken();
            let waker = state.waker.take();
            drop(state);
            wake(waker);
        }
    }

    /// Enters a child that returned `Pending` for the first time.
    #[inline]
    pub(crate) fn suspend(&self, waker: &Waker) -> Key {
        let waker = waker.clone();
        self.home.visit(|home| match home {
            Some(home) => home.children.suspend(waker),
            None => self.state.lock().children.suspend(waker),
        })
    }

    /// Counts a child out, after taking it from the registry of suspended children if it has a key.
    /// The very last thing that its destructor does, but for dropping the waker that this returns.
    #[inline]
    pub(crate) fn count_out(&self, kind: Kind, key: Option<Key>) -> Option<Waker> {
        let alive = self.alive(kind);
        self.home.visit(|home| match home {
            Some(home) => {
                let waker = key.and_then(|key| home.children.leave(key));
                alive.finished_at_home();
                waker
            }
            None => {
                let waker = key.and_then(|key| self.state.lock().children.leave(key));
                alive.finished_elsewhere();
                waker
            }
        })
    }

    /// Ordinary children that are alive.
    pub(crate) fn ordinary(&self) -> usize {
        self.ordinary.count()
    }

    /// Children that are alive.
    pub(crate) fn len(&self) -> usize {
        self.ordinary.count() + self.background.count()
    }

    /// True once no child can be added any more.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    #[inline]
    fn alive(&self, kind: Kind) -> &Alive {
        match kind {
            Kind::Ordinary => &self.ordinary,
            Kind::Background => &self.background,
        }
    }

    fn mark_body_woken(&self) {
        // Release: what the waker's thread did before is visible to the poll of the body. An
        // exchange rather than a store, for loom: it does not know that a store which an exchange
        // did not read must come after it.
        self.body_woken.swap(true, Ordering::Release);
    }

    #[inline]
    fn push_to(&self, home: &mut Contents, runnable: Runnable) {
        self.collect(home);
        home.children.ready.push_back(runnable);
    }

    /// Brings home what was pushed under the lock.
    #[inline]
    fn collect(&self, home: &mut Contents) {
        if self.arrived.load(Ordering::Relaxed) {
            self.collect_from(&mut self.state.lock(), home);
        }
    }

    fn collect_from(&self, state: &mut State, home: &mut Contents) {
        home.children.append(&mut state.children.ready);
        self.arrived.store(false, Ordering::Relaxed);
    }
}
