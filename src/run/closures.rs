//! Closures that outlive their child: no scope returns before they have.
//!
//! A child can be dropped at any moment; its closure, which runs on a thread of the blocking pool,
//! cannot. An end that is awaited is pending until the last closure has returned. A scope that is
//! *dropped* waits for nothing: it hands its closures to the scope around it, which has them as its
//! own from then on. If there is none they run on alone.
//!
//! # States
//!
//! | | means | left by |
//! |---|---|---|
//! | **open** | the scope is not over: it waits for closures, and takes over those of others | the [`poll`](Closures::poll) that finds none; [`hand_over`](Closures::hand_over) |
//! | **closed** | the scope is over, and no closure of it runs | – |
//! | **handed over** | likewise, and those that run count as one closure of the heir | the last one to leave: closed |
//! | **alone** | likewise, and there is no heir | the last one to leave: closed |
//!
//! # Invariants
//!
//! 1. A closure is counted before its child is counted out. So a scope without children knows all
//!    of its own that it has to wait for.
//! 2. It is counted out when nothing of the user's is left on its thread. Releasing the count is
//!    acquired by the poll that closes, and with it everything the closure did.
//! 3. To close, and to be taken over, are read-modify-writes of one word. So a scope takes nothing
//!    over that it does not wait for.
//! 4. A poll looks at the count after its waker is in its place, and the thread that brings the
//!    count to zero looks for the waker afterwards; the lock orders the two. So the one sees zero,
//!    or is woken by the other.
//! 5. The heir is a scope in which this one was polled for the first time, or one around that. It
//!    had begun before. So there are no circles.
//! 6. One lock at a time.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::panic::{quietly, wake};
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Set once the scope is over.
const CLOSED: usize = 1;
/// One closure.
const CLOSURE: usize = 2;

/// The closures of one scope `S` that outlive their child.
pub(crate) struct Closures<S> {
    word: AtomicUsize,
    links: Mutex<Links<S>>,
}

struct Links<S> {
    /// The task that polls the scope, if it waits.
    waker: Option<Waker>,
    /// Set once the scope is over: who has what it had, or would have had.
    heir: Option<Arc<S>>,
}

#[cfg_attr(
    not(feature = "blocking"),
    allow(dead_code, reason = "there are none then")
)]
impl<S: AsRef<Self>> Closures<S> {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicUsize::new(0),
            links: Mutex::new(Links {
                waker: None,
                heir: None,
            }),
        }
    }

    /// Counts a closure whose child is being dropped.
    pub(crate) fn enter(&self) {
        self.word.fetch_add(CLOSURE, Ordering::Relaxed);
    }

    /// Counts a closure of `scope` out: nothing of it is left.
    ///
    /// This wakes foreign wakers; it never unwinds.
    pub(crate) fn leave(scope: &Arc<S>) {
        let mut next = Some(Arc::clone(scope));
        while let Some(scope) = next {
            let closures = (*scope).as_ref();
            let mut links = closures.links.lock();
            let before = closures.word.fetch_sub(CLOSURE, Ordering::Release);
            if before / CLOSURE > 1 {
                return;
            }
            let waker = links.waker.take();
            next = links.heir.clone(); // and it stays, for scopes inside that are left later
            drop(links);
            wake(waker);
        }
    }

    /// Calls `act` with the scope to which a closure of `scope` belongs: `scope` itself, or the one
    /// that has taken it over. Meanwhile it is handed to no other.
    pub(crate) fn with_owner<R>(scope: &Arc<S>, act: impl FnOnce(&Arc<S>) -> R) -> R {
        let mut owner = Arc::clone(scope);
        loop {
            let links = (*owner).as_ref().links.lock();
            let Some(heir) = links.heir.clone() else {
                return act(&owner);
            };
            drop(links);
            owner = heir;
        }
    }

    /// Returns how many run. Those that were taken over from one scope count as one.
    pub(crate) fn len(&self) -> usize {
        self.word.load(Ordering::Acquire) / CLOSURE
    }

    /// Returns true once the scope is over, and waits for none.
    #[cfg(feature = "inspect")]
    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Waits, as a task, until none is left, and closes. For a scope that has no children any more.
    ///
    /// If scopes inside this one may be left, `around` is the scope to which their closures go.
    #[inline]
    pub(crate) fn poll(&self, waker: &Waker, around: Option<&Arc<S>>) -> Poll<()> {
        match self.try_close(around) {
            true => Poll::Ready(()),
            false => self.poll_running(waker, around),
        }
    }

    #[inline(never)]
    fn poll_running(&self, waker: &Waker, around: Option<&Arc<S>>) -> Poll<()> {
        // A panic in here is the caller's own, and leaves as it came. The scope waits on when it is
        // polled again, or dropped.
        let fresh = waker.clone();
        let stale = self.links.lock().waker.replace(fresh);
        quietly(|| drop(stale));
        if !self.try_close(around) {
            return Poll::Pending;
        }
        let unused = self.links.lock().waker.take();
        quietly(|| drop(unused));
        Poll::Ready(())
    }

    /// Closes if no closure is left.
    #[inline]
    fn try_close(&self, around: Option<&Arc<S>>) -> bool {
        match around {
            None => self.try_close_word(),
            Some(around) => self.try_close_inside(around),
        }
    }

    #[inline]
    fn try_close_word(&self) -> bool {
        let (acquire, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
        let closed = self.word.compare_exchange(0, CLOSED, acquire, relaxed);
        closed.is_ok()
    }

    #[inline(never)]
    fn try_close_inside(&self, around: &Arc<S>) -> bool {
        let heir = Self::find_open(around, 0);
        let mut links = self.links.lock();
        let closed = self.try_close_word();
        if closed {
            links.heir = heir;
        }
        closed
    }

    /// Hands what runs to `around`, the scope around this one, or to the next that is not over. For
    /// a scope that is dropped, and has no children any more. Never unwinds.
    #[inline]
    pub(crate) fn hand_over(&self, around: Option<&Arc<S>>) {
        if self.word.load(Ordering::Acquire) & CLOSED == 0 && !self.try_close(around) {
            self.hand_over_running(around);
        }
    }

    #[inline(never)]
    fn hand_over_running(&self, around: Option<&Arc<S>>) {
        // They are counted there first: no moment may come in which they are counted nowhere.
        let heir = around.and_then(|around| Self::find_open(around, CLOSURE));
        let mut links = self.links.lock();
        let before = self.word.fetch_or(CLOSED, Ordering::AcqRel);
        let waker = links.waker.take();
        let unused = match before / CLOSURE {
            0 => heir,
            _ => {
                links.heir = heir;
                None
            }
        };
        drop(links);
        quietly(|| drop(waker));
        if let Some(heir) = unused {
            Self::leave(&heir); // they have returned just now
        }
    }

    /// Takes the heir out, for the drop of the shared state: heirs of heirs make a chain, which
    /// must not be dropped by recursion.
    pub(crate) fn take_heir(&mut self) -> Option<Arc<S>> {
        self.links.get_mut().heir.take()
    }

    /// Finds the first scope that is not over, from `scope` outwards, and adds `closures` to what
    /// it waits for.
    fn find_open(scope: &Arc<S>, closures: usize) -> Option<Arc<S>> {
        let add = |word| (word & CLOSED == 0).then_some(word + closures);
        let mut scope = Arc::clone(scope);
        loop {
            let word = &(*scope).as_ref().word;
            let added = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
            if added.is_ok() {
                return Some(scope);
            }
            let heir = (*scope).as_ref().links.lock().heir.clone()?;
            scope = heir;
        }
    }
}
