//! At home: the children of a scope in the hands of the one thread that polls it.
//!
//! Most of the time nobody but the polling thread has to do with the children of a scope: they are
//! spawned, woken and dropped on its stack. So it keeps them *at home*, where no lock is needed, no
//! reference count and no read-modify-write. Everybody else pushes under the lock of the
//! [ready queue](crate::ready), from where the polling thread brings home what has arrived.
//!
//! # Who is at home
//!
//! | | children are | this thread's pushes go | all others go |
//! |---|---|---|---|
//! | between two polls | at home, and nobody is there | to the lock | to the lock |
//! | in a poll, alone | at home | home | to the lock |
//! | in a poll, window open | under the lock | to the lock | to the lock |
//! | in a child that polls another scope | at home, and nobody is there | to the lock | to the lock |
//! | at the end of the scope | at home | home; a spawn goes to the lock, to be refused | to the lock |
//!
//! # Invariants
//!
//! 1. At most one thread is at home: entering takes the flag `occupied`, and panics rather than
//!    share.
//! 2. A thread is at home only while it has an [`AtHome`], which borrows the home and stays on the
//!    thread. So the address in the thread-local `HERE` is that of a home which is alive.
//! 3. [`Home::visit`] is not entered again from within: what it calls is code of this crate, which
//!    polls, wakes and drops nothing.
//! 4. What is at home was pushed before anything that is under the lock: whoever pushes at home
//!    collects first what has arrived there. So children run first in, first out.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

use crate::ready::children::Children;
use crate::sync::{AtomicBool, Ordering, UnsafeCell, thread_local};

/// The home of one scope.
#[derive(Debug)]
pub(crate) struct Home {
    /// Set while a thread is at home.
    occupied: AtomicBool,
    contents: UnsafeCell<Contents>,
}

/// What only the thread at home has to do with.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) children: Children,
    pub(crate) body_woken: bool,
    /// Set while a waker is stored under the lock, or was until somebody used it.
    pub(crate) idle: bool,
    /// Set once the scope has ended.
    pub(crate) takes_nobody: bool,
}

// SAFETY: the contents are reached by one thread at a time, invariant 1, and may move from one to
// the next: they are `Send`, which is asserted below.
unsafe impl Sync for Home {}

const _: () = {
    const fn may_move<T: Send>() {}
    may_move::<Contents>();
};

thread_local! {
    /// The home in which this thread is: that of the innermost scope which it polls.
    static HERE: Cell<*const Home> = const { Cell::new(ptr::null()) };
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            occupied: AtomicBool::new(false),
            contents: UnsafeCell::new(Contents::default()),
        }
    }

    /// Comes home, until the guard is dropped.
    ///
    /// # Panics
    ///
    /// If somebody is there: the future of a scope is polled, or dropped, by one thread at a time.
    pub(crate) fn enter(&self) -> AtHome<'_> {
        // Acquire: we see what the last one has left behind.
        let occupied = self.occupied.swap(true, Ordering::Acquire);
        assert!(!occupied, "a scope is polled by two threads at once");
        AtHome {
            home: self,
            before: HERE.with(|here| here.replace(self)),
            stays: PhantomData,
        }
    }

    /// Calls `visit` with the contents, if this thread is at home.
    #[inline]
    pub(crate) fn visit<T>(&self, visit: impl FnOnce(Option<&mut Contents>) -> T) -> T {
        if HERE.with(Cell::get) != ptr::from_ref(self) {
            return visit(None);
        }
        self.contents.with_mut(|contents| {
            // SAFETY: we are the only thread at home, invariants 1 and 2, and there is no other
            // reference to the contents on our stack, invariant 3.
            visit(Some(unsafe { &mut *contents }))
        })
    }
}

/// This thread is at home; dropping this leaves.
#[derive(Debug)]
pub(crate) struct AtHome<'a> {
    home: &'a Home,
    /// Where the thread was before: at home in a scope further down on its stack.
    before: *const Home,
    /// Not `Send`.
    stays: PhantomData<*const ()>,
}

impl Drop for AtHome<'_> {
    fn drop(&mut self) {
        HERE.with(|here| here.set(self.before));
        self.home.occupied.store(false, Ordering::Release);
    }
}
