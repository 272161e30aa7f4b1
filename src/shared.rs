//! What the parts of a scope share: its future, its handles and its children.
//!
//! Everything here is reachable from the waker of a child, so it dies with the last of those: on
//! any thread, long after everything the children borrowed. Hence `Send + Sync + 'static`, and
//! nothing in it that belongs to the user once the scope is over: no result, no error, no waker of
//! the caller, no panic payload but one that came too late to be raised.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::task::Wake;
use std::thread;

use crate::blocking::lingering::Lingering;
use crate::cancel::cancellation::{Cancellation, Outcome};
use crate::panic::{Payload, catch, discard};
use crate::ready::Ready;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::window::Window;

/// The shared state of one scope.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) ready: Ready,
    pub(crate) window: Window,
    /// Tickets that a runtime holds and has not finished or dropped.
    pub(crate) tickets: AtomicUsize,
    /// How the scope came to its end, and who was asked to stop.
    pub(crate) cancellation: Cancellation,
    /// What the scope waits for after its children are gone.
    pub(crate) lingering: Lingering,
    /// Set when nobody will ask for the panic again.
    panic_taken: AtomicBool,
    /// Set once there is a panic.
    has_panic: AtomicBool,
    /// The first panic, which the scope will re-raise.
    panic: Mutex<Option<Payload>>,
}

impl Shared {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ready: Ready::new(),
            window: Window::default(),
            tickets: AtomicUsize::new(0),
            cancellation: Cancellation::default(),
            lingering: Lingering::default(),
            panic_taken: AtomicBool::new(false),
            has_panic: AtomicBool::new(false),
            panic: Mutex::new(None),
        })
    }

    /// Children that are alive, closures that outlive theirs included.
    pub(crate) fn len(&self) -> usize {
        // In this order: a child is counted in the second place before it leaves the first.
        self.ready.len() + self.lingering.len()
    }

    /// Makes the scope end as soon as its future looks: a child or the body gave an `Err`.
    pub(crate) fn failed(&self) {
        self.stop(Outcome::Failed);
    }

    fn stop(&self, outcome: Outcome) {
        self.cancellation.settle(outcome);
        // Not for the body, which is not polled again, but for the task that polls the scope.
        self.ready.wake_body();
    }

    /// True if no poll of the body or of a child may start any more.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.cancellation.is_stopped()
    }

    /// Runs foreign code, whose panic is the scope's.
    pub(crate) fn report<T>(&self, code: impl FnOnce() -> T) -> Option<T> {
        catch(code).map_err(|payload| self.panicked(payload)).ok()
    }

    /// Drops a value that nobody read, or values. A panic is the scope's, unless whoever drops them
    /// is unwinding from one that came first.
    pub(crate) fn drop_unread<T>(&self, value: T) {
        match catch(|| drop(value)) {
            Ok(()) => {}
            Err(payload) if thread::panicking() => discard(payload),
            Err(payload) => self.panicked(payload),
        }
    }

    /// Keeps the first panic of the scope and drops later ones; either way the scope ends.
    ///
    /// This wakes foreign wakers.
    pub(crate) fn panicked(&self, payload: Payload) {
        let late = self.keep_panic(payload);
        self.stop_for_panic();
        if let Some(payload) = late {
            discard(payload);
        }
    }

    /// The first half of [`panicked`](Self::panicked), which tells nobody. Gives a later panic
    /// back.
    pub(crate) fn keep_panic(&self, payload: Payload) -> Option<Payload> {
        let mut panic = self.panic.lock();
        match *panic {
            None if !self.panic_taken.load(Ordering::Relaxed) => {
                *panic = Some(payload);
                self.has_panic.store(true, Ordering::Release);
                None
            }
            _ => Some(payload),
        }
    }

    /// The second half, also for a later one: whoever was first, on another thread, may not have
    /// come to it yet.
    pub(crate) fn stop_for_panic(&self) {
        self.stop(Outcome::Panicked);
    }

    /// Whether there is a panic that the scope will re-raise.
    pub(crate) fn has_panic(&self) -> bool {
        self.has_panic.load(Ordering::Acquire)
    }

    /// Takes the panic out, for good: later ones are dropped where they happen.
    pub(crate) fn take_panic(&self) -> Option<Payload> {
        self.panic_taken.store(true, Ordering::Relaxed);
        // One that happens on another thread at this very moment may come too late, as of a value
        // that panics in the destructor of its handle; its payload is dropped with us.
        self.has_panic().then(|| self.panic.lock().take()).flatten()
    }

    /// What a scope shows of itself in its `Debug`, under the name of a type; takes no lock.
    pub(crate) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("len", &self.len())
            .field("is_ended", &self.ready.is_ended())
            .finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(payload) = self.panic.lock().take() {
            discard(payload); // as by the last waker, in whose destructor nothing may unwind
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
