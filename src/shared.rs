//! What the parts of a scope share: its future, its handles and its children.
//!
//! Everything here is reachable from the waker of a child, so it dies with the last of those: on
//! any thread, long after everything the children borrowed. Hence `Send + Sync + 'static`, and
//! nothing in it that belongs to the user once the scope is over: no result, no error, no waker of
//! the caller, no panic payload.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::task::Wake;

use crate::child::Runnable;
use crate::panic::{Payload, discard};
use crate::ready::Ready;
use crate::suspended::Suspended;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::window::Window;

/// The shared state of one scope.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) ready: Ready<Runnable>,
    pub(crate) suspended: Suspended,
    pub(crate) window: Window,
    /// Tickets that a runtime holds and has not finished or dropped.
    pub(crate) tickets: AtomicUsize,
    /// Set when no poll of the body or of a child may start any more.
    stopped: AtomicBool,
    panic: Mutex<FirstPanic>,
}

/// The panic that the scope will re-raise.
#[derive(Debug)]
enum FirstPanic {
    None,
    Some(Payload),
    /// The scope is over; nobody will look again.
    Closed,
}

impl Shared {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ready: Ready::new(),
            suspended: Suspended::default(),
            window: Window::default(),
            tickets: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            panic: Mutex::new(FirstPanic::None),
        })
    }

    /// Makes the scope end as soon as its future looks: a child or the body failed.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // Not for the body, which is not polled again, but for the task that polls the scope.
        self.ready.wake_body();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Keeps the first panic of the scope and drops later ones; either way the scope ends.
    pub(crate) fn panicked(&self, payload: Payload) {
        let late = {
            let mut panic = self.panic.lock();
            match *panic {
                FirstPanic::None => {
                    *panic = FirstPanic::Some(payload);
                    None
                }
                FirstPanic::Some(_) | FirstPanic::Closed => Some(payload),
            }
        };
        match late {
            None => self.stop(),
            Some(payload) => discard(payload),
        }
    }

    /// Takes the panic out, for good: later ones are dropped where they happen.
    pub(crate) fn take_panic(&self) -> Option<Payload> {
        match std::mem::replace(&mut *self.panic.lock(), FirstPanic::Closed) {
            FirstPanic::Some(payload) => Some(payload),
            FirstPanic::None | FirstPanic::Closed => None,
        }
    }
}

/// The body's waker. The body is woken on its own, so that it is polled only when it was.
impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.ready.wake_body();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.wake_body();
    }
}

/// The shared state outlives the scope on foreign threads; see the module documentation.
const _: () = {
    const fn outlives_everything<T: Send + Sync + 'static>() {}
    outlives_everything::<Shared>();
};
