//! Locks, atomics and the clock, in one place so that a model checker can stand in for them.
//!
//! The modules that use this one import no other source of synchronisation, reference counts
//! apart. The loom models in `tests/loom` compile those very files against a `sync` module of their
//! own.
#![forbid(unsafe_code)]

use std::sync::PoisonError;

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{MutexGuard, OnceLock};
pub(crate) use std::thread_local;
pub(crate) use std::time::Instant;

/// How often to look before sleeping: about as long as a short poll takes. A model does not spin,
/// or it would never see anybody sleep.
pub(crate) const SPINS: usize = 100;

/// A mutex that ignores poison.
///
/// No foreign code runs under any lock of this crate, so a panic cannot leave the data half
/// changed; and a second panic because of poison could unwind out of a waker.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cell whose contents are reached through a pointer, by whoever knows that nobody
/// else does.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, visit: impl FnOnce(*mut T) -> R) -> R {
        visit(self.0.get())
    }
}

/// A condition variable for [`Mutex`]: waiting on it never unwinds.
///
/// It parks on a token of its own. `std::thread::park` would share the thread's token with the
/// executor that polls the scope, and stealing that makes the executor sleep for ever.
#[derive(Debug, Default)]
pub(crate) struct Condvar(std::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }
}
