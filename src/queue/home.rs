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
//! 1. The home is occupied by a [frame](crate::run::frame) or by none. It is taken by one
//!    compare-exchange, which aborts rather than share, and given back when the closure that was
//!    called at home is done, which cannot be skipped.
//! 2. A thread is at home if its innermost frame occupies the home. Frames are left in order, or
//!    the process aborts; so it is one thread, and the frame is still on its stack.
//! 3. While a closure has the contents the home is [`BUSY`], which is the address of no frame. So
//!    what that closure calls is not at home, and cannot have them a second time.

use std::fmt;
use std::ptr;

use crate::run::frame;
use crate::sync::{AtomicPtr, Ordering, UnsafeCell, abort};

/// What occupies a home in which no thread is. No frame has this address.
const EMPTY: *mut () = ptr::without_provenance_mut(1);
/// What occupies it while the contents are in use. No frame has this address.
const BUSY: *mut () = ptr::without_provenance_mut(2);

/// A cell that one thread has to itself for as long as it is at home.
pub(crate) struct Home<T> {
    /// The frame that is at home, or one of the above.
    occupant: AtomicPtr<()>,
    contents: UnsafeCell<T>,
}

// SAFETY: the contents are reached by the thread at home, invariant 2, which is one at a time,
// invariant 1, and which has acquired what the one before released. They may move from one thread
// to the next: they are `Send`.
unsafe impl<T: Send> Sync for Home<T> {}

impl<T> Home<T> {
    pub(crate) fn new(contents: T) -> Self {
        Self {
            occupant: AtomicPtr::new(EMPTY),
            contents: UnsafeCell::new(contents),
        }
    }

    /// Calls `act` at home: in the innermost frame of this thread.
    ///
    /// Aborts the process if a thread is at home already. The future of a scope is polled, or
    /// dropped, by one thread at a time; only code that leaves a poll in the middle, on a stack of
    /// its own, can come here twice.
    pub(crate) fn enter<R>(&self, act: impl FnOnce() -> R) -> R {
        let _inside = self.occupy();
        act()
    }

    /// Calls `act` while the home is empty. For the thread that is there.
    pub(crate) fn leave<R>(&self, act: impl FnOnce() -> R) -> R {
        assert!(self.is_here(), "only the thread at home can leave it");
        self.give_back();
        let _again = Away(self);
        act()
    }

    /// Returns true if this thread is at home, and the contents are not in use.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        // Relaxed: the address is that of our own frame only if we have stored it.
        self.occupant.load(Ordering::Relaxed).cast_const() == frame::address()
    }

    /// Calls `visit` with the contents, if this thread is at home.
    #[inline]
    pub(crate) fn visit<R>(&self, visit: impl FnOnce(Option<&mut T>) -> R) -> R {
        let here = frame::address();
        if self.occupant.load(Ordering::Relaxed).cast_const() != here {
            return visit(None);
        }
        // If `visit` panics it stays busy, and the contents are out of reach for good.
        self.occupant.store(BUSY, Ordering::Relaxed);
        let result = self.contents.with_mut(|contents| {
            // SAFETY: we are the only thread at home, invariants 1 and 2, and there is no other
            // reference to the contents, invariant 3.
            visit(Some(unsafe { &mut *contents }))
        });
        self.occupant.store(here.cast_mut(), Ordering::Relaxed);
        result
    }

    fn occupy(&self) -> AtHome<'_, T> {
        let here = frame::address();
        assert!(!here.is_null(), "a home is entered in a frame");
        // Acquire: we see what the last one has left behind.
        let entered = self.occupant.compare_exchange(
            EMPTY,
            here.cast_mut(),
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if entered.is_err() {
            abort("the future of a scope was polled or dropped in the middle of a poll");
        }
        AtHome(self)
    }

    fn give_back(&self) {
        self.occupant.store(EMPTY, Ordering::Release);
    }
}

/// A frame is at home; dropping this gives the home back.
struct AtHome<'a, T>(&'a Home<T>);

impl<T> Drop for AtHome<'_, T> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// The frame at home is away; dropping this brings it back.
struct Away<'a, T>(&'a Home<T>);

impl<T> Drop for Away<'_, T> {
    fn drop(&mut self) {
        std::mem::forget(self.0.occupy());
    }
}

impl<T> fmt::Debug for Home<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").finish_non_exhaustive()
    }
}

/// What is at home may be reached from any thread, and so has to be `Send`.
const _: () = {
    const fn is_sync<T: Sync>() {}
    is_sync::<Home<std::cell::Cell<u8>>>();
};
