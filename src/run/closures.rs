//! Closures that outlive their child: a scope is not over before they are.
//!
//! A child can be dropped at any moment; its closure, which runs on a thread of the blocking pool,
//! cannot. The scope waits for it at its end: a poll returns `Pending`, a destructor blocks.
//!
//! # Invariants
//!
//! 1. A closure is counted before its child is counted out, so a scope without children knows all
//!    that it has to wait for, and they only become fewer.
//! 2. It is counted out when nothing of the user's is left on its thread. Releasing the count is
//!    acquired by the wait, and with it everything the closure did.
//! 3. A wait looks at the count after its waker, or its listener, is in its place; and the thread
//!    that brings the count to zero looks for them afterwards. So the one sees zero, or is woken by
//!    the other. For the waker the lock orders the two, for the listener the event's fences.
#![forbid(unsafe_code)]

use std::task::{Poll, Waker};

use crate::panic::{quietly, wake};
use crate::sync::{AtomicUsize, Event, Mutex, Ordering, wait_until};

/// The closures of one scope that outlive their child.
#[derive(Default)]
pub(crate) struct Closures {
    count: AtomicUsize,
    /// The task that polls the scope, if it waits.
    waker: Mutex<Option<Waker>>,
    /// Notified when the last one has returned.
    none_left: Event,
}

#[cfg_attr(
    not(feature = "blocking"),
    allow(dead_code, reason = "there are none then")
)]
impl Closures {
    /// Counts a closure whose child is being dropped.
    pub(crate) fn enter(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts it out: nothing of it is left.
    pub(crate) fn leave(&self) {
        if self.count.fetch_sub(1, Ordering::Release) == 1 {
            self.none_left.notify(1);
            let waker = self.waker.lock().take();
            wake(waker);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Waits, as a task, until none is left. For a scope that has no children any more.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<()> {
        if self.len() == 0 {
            return Poll::Ready(());
        }
        // A panic in here is the caller's own, and leaves as it came. The scope waits on when it is
        // polled again, or dropped.
        let fresh = waker.clone();
        let stale = self.waker.lock().replace(fresh);
        quietly(|| drop(stale));
        if self.len() > 0 {
            return Poll::Pending;
        }
        let unused = self.waker.lock().take();
        quietly(|| drop(unused));
        Poll::Ready(())
    }

    /// Waits, as a thread, until none is left. Never unwinds. For a scope that has no children any
    /// more, and is not polled any more.
    pub(crate) fn wait(&self) {
        if self.len() > 0 {
            let stale = self.waker.lock().take();
            quietly(|| drop(stale));
            wait_until(&self.none_left, || self.len() == 0);
        }
    }
}
