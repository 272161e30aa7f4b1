//! Closures that outlive their child: a scope is not over before they are.
//!
//! A child can be dropped at any moment; its closure, which runs on a thread of the blocking pool,
//! cannot. It *lingers*, and the scope waits for it at its end: a poll returns `Pending`, a
//! destructor blocks.
//!
//! # Invariants
//!
//! 1. A closure is counted before its child is counted out, so a scope without children knows all
//!    that linger, and they only become fewer.
//! 2. It is counted out when nothing of the user's is left on its thread. Releasing the count is
//!    acquired by whoever waits, and with it everything the closure did.
//! 3. Whoever waits looks at the count under the lock, after the waker is in its place; and whoever
//!    brings the count to zero takes the lock afterwards. So the one sees zero, or is woken by the
//!    other.
#![forbid(unsafe_code)]

use std::task::{Poll, Waker};

use crate::panic::{quietly, wake};
use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering};

/// The closures of one scope that linger.
#[derive(Debug, Default)]
pub(crate) struct Lingering {
    count: AtomicUsize,
    /// The task that polls the scope, if it waits.
    waker: Mutex<Option<Waker>>,
    none_left: Condvar,
}

#[cfg_attr(
    not(feature = "blocking"),
    allow(dead_code, reason = "without the pool nothing lingers")
)]
impl Lingering {
    /// Counts a closure whose child is being dropped.
    pub(crate) fn enter(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts it out: nothing of it is left.
    pub(crate) fn leave(&self) {
        if self.count.fetch_sub(1, Ordering::Release) == 1 {
            let waker = {
                let mut waker = self.waker.lock();
                self.none_left.notify_one();
                waker.take()
            };
            wake(waker);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Waits, as a task, until none is left. For a scope that has no children any more.
    #[inline]
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<()> {
        match self.len() {
            0 => Poll::Ready(()),
            _ => self.enter_waker(waker),
        }
    }

    /// Waits, as a thread, until none is left. Never unwinds. For a scope that has no children any
    /// more.
    #[inline]
    pub(crate) fn wait(&self) {
        if self.len() > 0 {
            self.block();
        }
    }

    #[cold]
    fn enter_waker(&self, waker: &Waker) -> Poll<()> {
        // A panic in here is the caller's own, and leaves as it came. The scope waits on when it is
        // polled again, or dropped.
        let fresh = waker.clone();
        let mut waker = self.waker.lock();
        let stale = waker.replace(fresh);
        let is_over = self.len() == 0;
        let unused = is_over.then(|| waker.take());
        drop(waker);
        quietly(|| drop(stale));
        quietly(|| drop(unused));
        match is_over {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    #[cold]
    fn block(&self) {
        let mut waker = self.waker.lock();
        // Nobody polls any more.
        let stale = waker.take();
        while self.len() > 0 {
            waker = self.none_left.wait(waker);
        }
        drop(waker);
        quietly(|| drop(stale));
    }
}
