//! What `src/sync.rs` provides, made of loom's types. Same names, same promises.

use std::cell::Cell;
use std::ops::Add;
use std::sync::PoisonError;
use std::time::Duration;

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::MutexGuard;
pub(crate) use loom::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

pub(crate) use crate::child::Runnable;
use event_listener::{Listener, listener};

pub(crate) const SPINS: usize = 0;
pub(crate) const LOOKS: usize = 0;

pub(crate) fn pause(_: Duration) {}

/// loom's, in which nothing is constant.
macro_rules! variable {
    ($(#[$meta:meta])* static $name:ident: $type:ty = const { $value:expr };) => {
        loom::thread_local! {
            $(#[$meta])*
            static $name: $type = $value;
        }
    };
}
pub(crate) use variable as thread_local;

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// loom sees when two threads come to it at once.
pub(crate) type PointerCell = UnsafeCell<*mut ()>;

std::thread_local! {
    /// loom runs all threads of a model on the thread of its test.
    static WAITS: Cell<usize> = const { Cell::new(0) };
}

/// event-listener's, which has a loom mode. It is dropped with what owns it, by the last reference
/// of a `std::sync::Arc`; that counting orders the drop after all uses, and loom does not see it.
/// So it is done here once more.
#[derive(Debug)]
pub(crate) struct Event {
    event: event_listener::Event,
    uses: AtomicUsize,
}

impl Event {
    pub(crate) fn new() -> Self {
        Self {
            event: event_listener::Event::new(),
            uses: AtomicUsize::new(0),
        }
    }

    pub(crate) fn notify(&self, listeners: usize) {
        self.event.notify(listeners);
        self.uses.fetch_add(1, Ordering::Release);
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        self.uses.fetch_add(0, Ordering::Acquire);
    }
}

pub(crate) fn wait_until(event: &Event, mut is_over: impl FnMut() -> bool) {
    let inner = &event.event;
    while !is_over() {
        listener!(inner => listener);
        if !is_over() {
            WAITS.set(WAITS.get() + 1);
            listener.wait();
        }
    }
    event.uses.fetch_add(1, Ordering::Release);
}

/// As [`wait_until`], but time is not modelled: it gives up at once.
pub(crate) fn wait_at_most(_: &Event, _: Duration, mut is_over: impl FnMut() -> bool) -> bool {
    is_over()
}

pub(crate) fn abort(reason: &str) -> ! {
    panic!("the process is aborted: {reason}")
}

/// A clock on which whatever is measured takes thirty microseconds: a scope that may have helpers
/// shares its work with them at the first opportunity, and nothing takes too long.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Instant;

impl Instant {
    pub(crate) fn now() -> Self {
        Self
    }

    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_micros(30)
    }

    pub(crate) fn saturating_duration_since(&self, _: Self) -> Duration {
        self.elapsed()
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, _: Duration) -> Self {
        self
    }
}

/// Says that the poll of every scope lasts: each push that can calls for help.
#[derive(Debug, Default)]
pub(crate) struct SharedInstant;

impl SharedInstant {
    pub(crate) fn set(&self, _: Instant) {}

    pub(crate) fn set_to(&self, _: &Self) {}

    pub(crate) fn forget(&self) {}

    pub(crate) fn set_never(&self) {}

    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// How often the code under test has waited since the last call: whether the end of a scope did.
pub(crate) fn take_waits() -> usize {
    WAITS.take()
}
