//! At home: the children of a scope in the hands of the one thread that polls it.
//!
//! Most of the time only the polling thread has to do with the children of a scope: they are
//! spawned, woken and dropped on its stack. So it keeps them *at home*, where no lock is needed, no
//! reference count and no read-modify-write. All other threads push under the lock of the
//! [ready queue](crate::queue), from where the polling thread brings home what has arrived.
//!
//! # Who is at home
//!
//! | | children are | this thread's pushes go | all others go |
//! |---|---|---|---|
//! | between two polls | at home, and no thread is there | to the lock | to the lock |
//! | in a poll, alone | at home | home | to the lock |
//! | in a poll, window open | under the lock | to the lock | to the lock |
//! | in a child that polls another scope | at home, and the thread is away | to the lock | to the lock |
//! | at the end of the scope | at home | home; a spawn goes to the lock, to be refused | to the lock |
//!
//! # Invariants
//!
//! 1. A thread comes home by setting `occupied`, which aborts the process if it was set, and gives
//!    the home back when the closure is done that it calls there, which cannot be skipped.
//! 2. A thread is at home if its [frame](crate::run::frame) says so. Frames are left in order, or
//!    the process aborts; so it is the thread that has set `occupied`.
//! 3. While a closure has the contents the frame does not say so. So nothing that it calls can have
//!    them a second time.

use std::ptr;

use crate::panic::Defer;
use crate::run::frame;
use crate::sync::{AtomicBool, Ordering, UnsafeCell, abort};

/// Why the process is aborted when a poll is left in the middle, and its scope touched.
pub(crate) const IN_THE_MIDDLE: &str =
    "the future of a scope was polled or dropped in the middle of a poll";

/// A cell that one thread has to itself for as long as it is at home.
pub(crate) struct Home<T> {
    /// Set while a thread is at home.
    occupied: AtomicBool,
    contents: UnsafeCell<T>,
}

// SAFETY: the contents are reached by the thread at home, invariant 2, which is one at a time,
// invariant 1, and which has acquired what the one before released. They may move from one thread
// to the next: they are `Send`.
unsafe impl<T: Send> Sync for Home<T> {}

impl<T> Home<T> {
    pub(crate) fn new(contents: T) -> Self {
        Self {
            occupied: AtomicBool::new(false),
            contents: UnsafeCell::new(contents),
        }
    }

    /// Calls `act` at home, in the innermost frame of this thread.
    ///
    /// Aborts the process if a thread is at home already. The future of a scope is polled, or
    /// dropped, by one thread at a time; only code that leaves a poll in the middle, on a stack of
    /// its own, can come here twice.
    #[inline(always)]
    pub(crate) fn enter<R>(&self, act: impl FnOnce() -> R) -> R {
        self.occupy();
        let _leave = Defer(|| self.give_back());
        frame::at_home(self.address(), act)
    }

    /// Leaves the home empty, until what this gives is dropped. For the thread that is there.
    pub(crate) fn leave(&self) -> Away<'_, T> {
        assert!(self.is_here(), "only the thread at home can leave it");
        self.give_back();
        Away(self, frame::hide())
    }

    /// Returns true if this thread is at home, and the contents are not in use.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        frame::home() == self.address()
    }

    /// Calls `visit` with the contents, if this thread is at home.
    #[inline]
    pub(crate) fn visit<R>(&self, visit: impl FnOnce(Option<&mut T>) -> R) -> R {
        if !self.is_here() {
            return visit(None);
        }
        let _hidden = frame::hide();
        self.contents.with_mut(|contents| {
            // SAFETY: we are the only thread at home, invariants 1 and 2, and there is no other
            // reference to the contents, invariant 3.
            visit(Some(unsafe { &mut *contents }))
        })
    }

    #[inline]
    fn address(&self) -> *const () {
        ptr::from_ref(self).cast()
    }

    fn occupy(&self) {
        // Acquire: we see what the last one has left behind.
        if self.occupied.swap(true, Ordering::Acquire) {
            abort(IN_THE_MIDDLE);
        }
    }

    fn give_back(&self) {
        self.occupied.store(false, Ordering::Release);
    }
}

/// The thread is away; dropping this brings it back.
#[expect(
    dead_code,
    reason = "the home is shown again when the second is dropped"
)]
pub(crate) struct Away<'a, T>(&'a Home<T>, frame::Hidden);

impl<T> Drop for Away<'_, T> {
    fn drop(&mut self) {
        self.0.occupy();
    }
}

/// What is at home may be reached from any thread, and so has to be `Send`.
const _: () = {
    const fn is_sync<T: Sync>() {}
    is_sync::<Home<std::cell::Cell<u8>>>();
};
