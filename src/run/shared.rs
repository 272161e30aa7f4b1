//! What the parts of a scope share: its future, its handles and its children.
//!
//! Handles of the scope, tokens, tickets, the body's waker and values with a destructor own a
//! reference to it, so it dies with the last of those: on any thread, long after everything the
//! children borrowed. Hence `Send + Sync + 'static`, and nothing in it that belongs to the user
//! once the scope is over: no result, no error, no waker of the caller, no panic payload but one
//! that came too late to be raised. A child has a plain pointer to it: see
//! [`crate::task::metadata`].

use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::Arc;
use std::task::Wake;
use std::thread;

use crate::help::calling::call_to_end;
use crate::help::tickets::Tickets;
use crate::inspect::Members;
use crate::panic::{Payload, catch, discard, wake};
use crate::queue::Queue;
use crate::queue::in_pen::OfPen;
use crate::run::closures::Closures;
use crate::stop::state::{Outcome, Stop};
use crate::sync::{self, AtomicBool, Mutex, Ordering};
use crate::task::metadata::Meta;

/// A child that is scheduled.
pub(crate) type Runnable = sync::Runnable<Meta<Shared>>;

/// The shared state of one scope.
pub(crate) struct Shared {
    pub(crate) queue: Queue<Runnable>,
    pub(crate) tickets: Tickets,
    /// Whether the scope was asked to stop, or came to its end.
    pub(crate) stop: Stop<Self>,
    /// What the scope waits for after its children are gone.
    pub(crate) closures: Closures<Self>,
    /// Set while a scope inside has slow polls: others inside begin carefully.
    pub(crate) slow_inside: AtomicBool,
    /// Set when the panic is not asked for again.
    panic_taken: AtomicBool,
    /// Set once there is a panic.
    has_panic: AtomicBool,
    /// The first panic, which the scope will re-raise.
    panic: Mutex<Option<Payload>>,
    /// Its children, for trees.
    pub(crate) members: Members,
}

impl Shared {
    #[cfg_attr(feature = "inspect", track_caller)]
    pub(crate) fn new() -> Arc<Self> {
        Self::make(None)
    }

    #[cfg_attr(feature = "inspect", track_caller)]
    pub(crate) fn of_pen() -> Arc<Self> {
        Self::make(Some(OfPen::default()))
    }

    /// Makes it where it stays. `Arc::new` would copy some hundred bytes that were written just
    /// before in smaller pieces, for which the processor has to wait: in a scope with one child
    /// that is an eighth of the time.
    #[inline]
    #[cfg_attr(feature = "inspect", track_caller)]
    fn make(of_pen: Option<OfPen>) -> Arc<Self> {
        let shared = Arc::<Self>::new_uninit();
        // SAFETY: nobody else has the allocation, for we have just made it and have not cloned the
        // reference. In the standard library the pointer is made of that of the allocation and of
        // no reference, as Miri checks; and `MaybeUninit` may hold anything. (`Arc::get_mut` finds
        // out the same, which takes a read-modify-write.)
        let place = unsafe { &mut *Arc::as_ptr(&shared).cast_mut() };
        place.write(Self {
            queue: Queue::new(of_pen),
            tickets: Tickets::default(),
            stop: Stop::new(),
            closures: Closures::new(),
            slow_inside: AtomicBool::new(false),
            panic_taken: AtomicBool::new(false),
            has_panic: AtomicBool::new(false),
            panic: Mutex::new(None),
            members: Members::new(),
        });
        // SAFETY: it was written just now.
        unsafe { shared.assume_init() }
    }

    /// Returns how many children are alive, closures that outlive theirs included.
    pub(crate) fn len(&self) -> usize {
        // In this order: a child is counted in the second place before it leaves the first.
        self.queue.len() + self.closures.len()
    }

    /// Makes the scope end as soon as its future looks: a child or the body gave an `Err`.
    pub(crate) fn failed(&self) {
        self.fail(Outcome::Failed);
    }

    fn fail(&self, outcome: Outcome) {
        self.stop.end(outcome);
        if self.queue.is_pen() {
            wake(self.queue.take_closer());
            return call_to_end(self);
        }
        // Not for the body, which is not polled again, but for the task that polls the scope.
        self.queue.wake_body();
    }

    /// Returns true if no poll of the body or of a child may start any more.
    #[inline]
    pub(crate) fn has_failed(&self) -> bool {
        self.stop.has_failed()
    }

    /// Runs foreign code, whose panic is the scope's.
    pub(crate) fn report<T>(&self, code: impl FnOnce() -> T) -> Option<T> {
        catch(code).map_err(|payload| self.panicked(payload)).ok()
    }

    /// Drops a value that was not read, or values. A panic is the scope's, unless the thread is
    /// unwinding from one that came first.
    pub(crate) fn drop_unread<T>(&self, value: T) {
        match catch(|| drop(value)) {
            Ok(()) => {}
            Err(payload) if thread::panicking() => discard(payload),
            Err(payload) => self.panicked(payload),
        }
    }

    /// Keeps the first panic of the scope and drops later ones; either way the scope has failed.
    ///
    /// This wakes foreign wakers.
    pub(crate) fn panicked(&self, payload: Payload) {
        let late = self.keep_panic(payload);
        self.fail_for_panic();
        if let Some(payload) = late {
            discard(payload);
        }
    }

    /// The first half of [`panicked`](Self::panicked), which wakes no task. Gives a later panic
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

    /// The second half, also for a later one: the thread that was first may not have come to it
    /// yet.
    pub(crate) fn fail_for_panic(&self) {
        self.fail(Outcome::Panicked);
    }

    /// Returns whether there is a panic that the scope will re-raise.
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

    /// Writes what a scope shows of itself in its `Debug`, under the name of a type. Takes no lock.
    pub(crate) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(name);
        shown.field("len", &self.len());
        let kinds = [
            ("background", self.queue.background()),
            ("closures", self.closures.len()),
        ];
        for (kind, among_them) in kinds {
            if among_them > 0 {
                shown.field(kind, &among_them);
            }
        }
        shown.field("is_ended", &self.queue.is_ended());
        shown.finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(payload) = self.panic.get_mut().take() {
            discard(payload); // as by the last waker, in whose destructor nothing may unwind
        }
        let mut heir = self.closures.take_heir();
        while let Some(mut shared) = heir.and_then(Arc::into_inner) {
            heir = shared.closures.take_heir();
        }
    }
}

impl AsRef<Stop<Self>> for Shared {
    fn as_ref(&self) -> &Stop<Self> {
        &self.stop
    }
}

impl AsRef<Closures<Self>> for Shared {
    fn as_ref(&self) -> &Closures<Self> {
        &self.closures
    }
}

impl AsRef<Queue<Runnable>> for Shared {
    fn as_ref(&self) -> &Queue<Runnable> {
        &self.queue
    }
}

/// No foreign code runs under a lock or at home, so a panic leaves nothing half changed.
impl RefUnwindSafe for Shared {}

/// The body's waker. The body is woken on its own, so that it is polled only when it was.
impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.queue.wake_body();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue.wake_body();
    }
}

/// The shared state outlives the scope on foreign threads; see the module documentation.
const _: () = {
    const fn outlives_everything<T: Send + Sync + 'static>() {}
    outlives_everything::<Shared>();
};
