//! Locks, atomics, the clock and runnables, in one place so that a model checker can stand in for
//! them.
//!
//! The modules that use this one import no other source of synchronisation, reference counts
//! apart. The loom models in `tests/loom` compile those very files against a `sync` module of their
//! own.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::sync::{LazyLock, PoisonError};

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::MutexGuard;
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
pub(crate) use std::thread_local;
use std::time::Duration;
pub(crate) use std::time::Instant;

pub(crate) use async_task::Runnable;
pub(crate) use event_listener::Event;
use event_listener::{Listener, listener};

/// How often to look before sleeping: some twenty microseconds. That is about what it costs to
/// sleep and be woken, and more than a helper spends on what it takes at a time, if polls are
/// short. A model does not spin, or it would never see a thread sleep.
pub(crate) const SPINS: usize = 1000;

/// How often a helper looks whether a window that is ajar lets it in, a moment apart: for longer
/// than that takes if one poll goes on. A model has no time for that.
pub(crate) const LOOKS: usize = 8;

/// Waits for a moment, and not much longer than `most`.
pub(crate) fn pause(most: Duration) {
    let moment = Duration::from_millis(1);
    std::thread::sleep(moment.min(most));
}

/// Blocks the thread until `is_over`, which is asked again after each notification of `event`.
///
/// It is asked once more when the thread is about to sleep. So no notification is missed if what
/// ends the wait is seen by that look, or comes with a notification after it. Never unwinds, unless
/// `is_over` does.
///
/// It parks on a token of its own. `std::thread::park` would share the thread's token with the
/// executor that polls the scope, and stealing that makes the executor sleep for ever.
pub(crate) fn wait_until(event: &Event, mut is_over: impl FnMut() -> bool) {
    while !is_over() {
        listener!(event => listener);
        if is_over() {
            return;
        }
        listener.wait();
    }
}

/// Blocks the thread until `is_over`, like [`wait_until`], or until `limit` has passed; returns
/// whether it is over.
pub(crate) fn wait_at_most(
    event: &Event,
    limit: Duration,
    mut is_over: impl FnMut() -> bool,
) -> bool {
    let deadline = Instant::now() + limit;
    while !is_over() {
        listener!(event => listener);
        if is_over() {
            break;
        }
        if listener.wait_deadline(deadline).is_none() {
            return is_over();
        }
    }
    true
}

/// An instant that other threads can see.
#[derive(Default)]
pub(crate) struct SharedInstant(AtomicU64);

/// What instants are counted from.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

impl SharedInstant {
    pub(crate) fn set(&self, instant: Instant) {
        let since = instant.saturating_duration_since(*EPOCH);
        self.0.store(since.as_nanos() as u64, Ordering::Relaxed); // enough for 500 years
    }

    /// Sets it to the same as another one.
    pub(crate) fn set_to(&self, other: &Self) {
        let since = other.0.load(Ordering::Relaxed);
        self.0.store(since, Ordering::Relaxed);
    }

    /// Sets it to long ago.
    pub(crate) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Sets it to a time that never comes: nothing has elapsed since.
    pub(crate) fn set_never(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        let since = Duration::from_nanos(self.0.load(Ordering::Relaxed));
        EPOCH.elapsed().saturating_sub(since)
    }
}

/// Ends the process, for what must not go on.
pub(crate) fn abort(reason: &str) -> ! {
    // Not `eprintln`, which panics if there is no stderr.
    let _ = writeln!(io::stderr(), "taskpen: {reason}; this cannot go on safely");
    std::process::abort()
}

/// A mutex that ignores poison.
///
/// No foreign code runs under any lock of this crate, so a panic cannot leave the data half
/// changed; and a second panic because of poison could unwind out of a waker.
#[derive(Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cell whose contents are reached through a pointer, by code that knows that there is no other
/// reference to them.
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

/// A pointer in such a cell, which is not aligned to its size.
#[repr(Rust, packed(4))]
pub(crate) struct PointerCell(std::cell::UnsafeCell<*mut ()>);

impl PointerCell {
    #[inline]
    pub(crate) fn new(value: *mut ()) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with<R>(&self, visit: impl FnOnce(*const *mut ()) -> R) -> R {
        visit(std::cell::UnsafeCell::raw_get(&raw const self.0))
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, visit: impl FnOnce(*mut *mut ()) -> R) -> R {
        visit(std::cell::UnsafeCell::raw_get(&raw const self.0))
    }
}
