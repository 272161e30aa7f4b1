//! Executors, which give helper threads to scopes, and what a scope was told about them.
//!
//! A scope asks for help by handing a [`Ticket`] to an [`Executor`]. Which one:
//!
//! 1. the one it was given with `.on(…)`, or none after `.serial()`;
//! 2. else what the scope decided in whose child (or body) it is polled;
//! 3. else the one that is detected around this very poll: tokio's if a handle of it is current,
//!    else async-std's if one of its tasks is;
//! 4. else none: the scope runs its children alone.
//!
//! Nothing is guessed. A child that uses the timers of one runtime panics or hangs on the threads
//! of another, so helpers must come from the runtime that the children were written for.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::ptr;
use std::sync::{Arc, Weak};
use std::task::Waker;

use crate::help::detect::Found;
use crate::help::serving::Served;
use crate::help::ticket::Call;
use crate::help::worker::Worker;
use crate::panic::quietly;
use crate::run::order::Order;
use crate::run::shared::Shared;

/// A source of helper threads: a runtime, or any pool of threads.
///
/// Implement it to have scopes helped by threads of your own; give it to a scope with
/// [`Scoped::on`](crate::Scoped::on). The scope or pen drops it when it is over, which may be on
/// one of those threads: a pool whose destructor waits for its threads is given as an `Arc`, of
/// which you keep one.
///
/// # Examples
///
/// One thread per ticket, which is simple and slow; `examples/rayon.rs` has a pool do it.
///
/// ```
/// use taskpen::{Executor, Ticket, scope};
///
/// struct Threads;
///
/// impl Executor for Threads {
///     fn dispatch(&self, ticket: Ticket) {
///         std::thread::spawn(|| ticket.run());
///     }
///     fn parallelism(&self) -> usize {
///         4
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let words = ["one", "two", "three"];
/// scope(async |s| {
///     for word in words {
///         s.spawn(async move { word.len() });
///     }
/// })
/// .on(Threads)
/// .await;
/// # });
/// ```
///
/// A pool that the program chooses when it runs is an `Arc<dyn Executor>`, which is an `Executor`
/// too.
pub trait Executor: Send + Sync + 'static {
    /// Has [`ticket.run()`](Ticket::run) called soon, on a thread that can run the scope's
    /// children.
    ///
    /// Called inside the `poll` of a scope, or when a child is woken while another one is slow, on
    /// the thread that wakes it. So it should return at once. It may drop the ticket, keep it for
    /// long, or run it here and now, where it does nothing as a rule. That costs speed: children
    /// that a slow one holds up wait until another helper is called. A panic is ignored.
    ///
    /// Nobody but its executor runs the children of a [`Pen`](crate::Pen). If it drops a ticket, or
    /// runs it here and now, they wait until another child is woken or the pen is closed.
    fn dispatch(&self, ticket: Ticket);

    /// How many threads can usefully poll the children of one scope at the same time, the one that
    /// polls the scope included.
    ///
    /// A scope asks for one helper less than this at most; `.helpers(n)` can only lower that. It is
    /// called when a scope finds the executor. A panic in it ends the scope.
    fn parallelism(&self) -> usize;

    /// Calls `act`, which keeps this thread in one `poll` of the scope for as long as a helper is
    /// in a slow poll of a child: it waits, or runs other children.
    ///
    /// For executors that can have the other tasks of the thread run elsewhere meanwhile, as tokio
    /// has a function of this name. The thread need not be one of the executor. A panic is ignored.
    /// If it returns without having called `act`, that is called plainly.
    fn block_in_place(&self, act: &mut dyn FnMut()) {
        act();
    }

    /// Wakes the task that polls a scope, which has shared its children, and would go on with them,
    /// but wants others to have the thread first.
    ///
    /// For executors whose threads drive timers and sockets when they have nothing else to do:
    /// while all of them run children, none would. If it panics the task is woken at once.
    fn wake_later(&self, waker: &Waker) {
        waker.wake_by_ref();
    }

    /// Has a thread that is idle look for what this one has spawned or woken before: a worker of a
    /// [`Pen`](crate::Pen), for which there is more to do by now.
    ///
    /// For executors whose threads keep what they woke last for themselves. Called like
    /// [`dispatch`](Self::dispatch).
    fn spread(&self) {}

    /// Spawns a worker of a [`Pen`](crate::Pen) as a task that nobody awaits, or gives it back:
    /// then the pen dispatches tickets.
    ///
    /// For executors that have tasks: a worker sleeps while nothing is to be done and is woken,
    /// which is faster than a ticket. Called like [`dispatch`](Self::dispatch). It must not poll
    /// the worker; a panic is ignored.
    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        Err(worker)
    }
}

impl<R: Executor + ?Sized> Executor for Arc<R> {
    fn dispatch(&self, ticket: Ticket) {
        R::dispatch(self, ticket);
    }

    fn parallelism(&self) -> usize {
        R::parallelism(self)
    }

    fn block_in_place(&self, act: &mut dyn FnMut()) {
        R::block_in_place(self, act);
    }

    fn wake_later(&self, waker: &Waker) {
        R::wake_later(self, waker);
    }

    fn spread(&self) {
        R::spread(self);
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        R::spawn(self, worker)
    }
}

/// A request for help, made by a scope to an [`Executor`].
///
/// **Drop.** Dropping a ticket without running it declines.
#[must_use = "dropping a ticket declines; call `run`"]
pub struct Ticket {
    pub(super) shared: Arc<Shared>,
    /// How it was called. Not owned: the executor, which has the ticket, would own itself.
    pub(super) call: Weak<Call>,
    /// How many children to take at a time.
    pub(super) chunk: usize,
    /// Set until it is run: it will look at the ready queue.
    pub(super) is_coming: bool,
    /// Set until the helper looks at the queue for the last time.
    pub(super) is_out: bool,
    /// Of a pen: what its thread knows of it, from the first stay on.
    pub(super) served: Option<Served>,
    /// Of a worker that is idle: its number among those.
    pub(super) idle: Option<u64>,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

/// What the user gave: an executor, a hook. Its destructor is foreign code, which must not unwind
/// in the places where the last reference happens to go: the drop of a scope, or the end of a
/// ticket.
pub(crate) struct Given<T: ?Sized>(Option<Arc<T>>);

impl<T: ?Sized> Given<T> {
    pub(crate) fn new(given: Arc<T>) -> Self {
        Self(Some(given))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        ptr::addr_eq(&raw const **self, &raw const **other)
    }
}

impl<T: ?Sized> Clone for Given<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> Deref for Given<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().expect("there until we are dropped")
    }
}

impl<T: ?Sized> Drop for Given<T> {
    fn drop(&mut self) {
        quietly(|| drop(self.0.take()));
    }
}

/// An executor that was chosen.
pub(super) type SharedExecutor = Given<dyn Executor>;

/// What is called around the stay of a helper.
pub(crate) type Hook = Given<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

/// What a scope was told about its helpers. What it was not told is as in the scope in which it is
/// polled.
#[derive(Clone, Default)]
pub(crate) struct Helpers {
    /// If there is none here nor in the scopes around, the executor is detected.
    pub(crate) source: Option<Source>,
    pub(crate) around: Option<Hook>,
    /// In which order children are polled, where that is for one thread.
    pub(crate) order: Order,
}

impl Helpers {
    /// Fills in what is missing.
    pub(crate) fn inherit(&mut self, inherited: &Self) {
        if self.source.is_none() {
            self.source.clone_from(&inherited.source);
        }
        if self.around.is_none() && inherited.around.is_some() {
            self.around.clone_from(&inherited.around);
        }
        self.order.inherit(&inherited.order);
    }
}

/// Where helpers come from.
#[derive(Clone)]
pub(crate) enum Source {
    Nowhere,
    Executor(Found),
}

impl Source {
    pub(crate) fn given(executor: impl Executor) -> Self {
        Self::Executor(Found::Given(SharedExecutor::new(Arc::new(executor))))
    }
}

/// Returns the number in a variable of the environment, if there is one.
#[cfg(any(feature = "async-std", feature = "smol"))]
pub(super) fn number_in(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}
