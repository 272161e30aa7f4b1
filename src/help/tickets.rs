//! How many tickets of a scope there are, and how another one is called.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Arc;

use crate::help::policy::BUSY;
use crate::help::ticket::Call;
use crate::sync::{AtomicBool, AtomicU32, Instant, Mutex, Ordering, SharedInstant};

/// Pushes to a pen of which one at least reads the clock.
pub(super) const UNTIMED: u32 = 8;

/// The tickets of a scope.
#[derive(Default)]
pub(crate) struct Tickets {
    /// Those that an executor holds and has not finished or dropped; idle workers of a pen are not.
    pub(super) out: AtomicU32,
    /// Those of them that were not run yet.
    pub(super) coming: AtomicU32,
    /// When one was called last; of a pen.
    since: SharedInstant,
    /// How many pushes asked since one was called, or looked at the ready queue; of a pen.
    pushes: AtomicU32,
    /// Set by a push: one that is out should look again when it comes back from what it polls. Of a
    /// pen.
    is_asked: AtomicBool,
    /// Set when there is no executor any more. Of a pen.
    is_orphan: AtomicBool,
    /// How pushes call for help, once a window was open.
    call: Mutex<Option<Arc<Call>>>,
}

impl Tickets {
    /// Counts one that was called.
    pub(super) fn called(&self) {
        self.out.fetch_add(1, Ordering::Relaxed);
        self.one_comes();
    }

    pub(super) fn one_comes(&self) {
        self.coming.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn one_retires(&self) {
        self.out.fetch_sub(1, Ordering::Relaxed);
    }

    /// Those that come are expected: for a while.
    pub(super) fn expect(&self) {
        self.since.set(Instant::now());
        self.look();
    }

    /// One looks at the ready queue.
    pub(super) fn look(&self) {
        self.pushes.store(0, Ordering::Relaxed);
    }

    /// Returns true if this push, which has asked, is the first since one was called.
    pub(super) fn is_first(&self) -> bool {
        self.pushes.load(Ordering::Relaxed) == 1
    }

    /// A push asks whether one should be called: returns true if it should read the clock for that.
    /// Of many pushes only some do, since it would be a third of what they cost: the first ones
    /// after a thread was called, or has taken all, and later ones, never more than [`UNTIMED`]
    /// apart.
    pub(super) fn is_time(&self) -> bool {
        // Threads may overwrite what others have counted; it need not be exact.
        let pushes = self.pushes.load(Ordering::Relaxed).wrapping_add(1);
        self.pushes.store(pushes, Ordering::Relaxed);
        let apart = (pushes / UNTIMED).next_power_of_two().min(UNTIMED);
        pushes % apart == 0
    }

    /// Returns true if those that come should have come.
    pub(super) fn are_late(&self) -> bool {
        self.since.elapsed() >= BUSY
    }

    /// Returns true if one is coming, and not late.
    pub(super) fn are_expected(&self) -> bool {
        self.are_coming() && !self.are_late()
    }

    /// A push asks one that is out to look again soon.
    pub(super) fn ask(&self) {
        self.is_asked.store(true, Ordering::Relaxed);
    }

    /// Returns whether one was to look since this was asked last.
    #[inline]
    pub(super) fn take_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed) && self.is_asked.swap(false, Ordering::Relaxed)
    }

    /// The executor does not take workers any more.
    #[cfg(feature = "tokio")]
    pub(super) fn has_no_executor(&self) {
        self.is_orphan.store(true, Ordering::Relaxed);
    }

    /// Returns true if it does not.
    pub(crate) fn is_orphan(&self) -> bool {
        self.is_orphan.load(Ordering::Relaxed)
    }

    pub(super) fn out(&self) -> usize {
        self.out.load(Ordering::Relaxed) as usize
    }

    /// Returns true if no thread was called that is still there or to come.
    pub(crate) fn is_none_out(&self) -> bool {
        self.out() == 0 && !self.are_coming()
    }

    pub(super) fn are_coming(&self) -> bool {
        self.coming.load(Ordering::Relaxed) > 0
    }

    /// Returns how threads are called.
    pub(crate) fn call(&self) -> Option<Arc<Call>> {
        self.call.lock().clone()
    }

    /// The same, and from here on they are not.
    pub(crate) fn take_call(&self) -> Option<Arc<Call>> {
        self.call.lock().take()
    }

    /// Says how pushes call for help from now on, or that they cannot.
    pub(crate) fn set_call(&self, call: Option<Arc<Call>>) {
        let before = mem::replace(&mut *self.call.lock(), call);
        drop(before); // not under the lock: the executor is foreign
    }
}
