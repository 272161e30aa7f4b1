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
use std::sync::Arc;

use crate::panic::quietly;
use crate::run::shared::Shared;
use crate::sync::Ordering;

/// A source of helper threads: a runtime, or any pool of threads.
///
/// Implement it to have scopes helped by threads of your own; give it to a scope with
/// [`Scoped::on`](crate::Scoped::on).
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
    /// Called inside the `poll` of a scope, so it should return at once. It may drop the ticket,
    /// keep it for long, or run it here and now: that costs speed, and nothing else. A panic is
    /// ignored.
    fn dispatch(&self, ticket: Ticket);

    /// How many threads can usefully poll the children of one scope at the same time, the one that
    /// polls the scope included.
    ///
    /// A scope asks for one helper less than this at most; `.helpers(n)` can only lower that. It is
    /// called before each window, so it should be cheap. A panic in it ends the scope.
    fn parallelism(&self) -> usize;
}

impl<R: Executor + ?Sized> Executor for Arc<R> {
    fn dispatch(&self, ticket: Ticket) {
        R::dispatch(self, ticket);
    }

    fn parallelism(&self) -> usize {
        R::parallelism(self)
    }
}

/// A request for help, made by a scope to an [`Executor`].
///
/// **Drop.** Dropping a ticket without running it declines.
#[must_use = "dropping a ticket declines; call `run`"]
pub struct Ticket {
    pub(super) shared: Arc<Shared>,
    pub(super) executor: SharedExecutor,
    /// How many children to take at a time.
    pub(super) chunk: usize,
}

impl Ticket {
    pub(super) fn new(shared: &Arc<Shared>, executor: &SharedExecutor, chunk: usize) -> Self {
        shared.tickets.fetch_add(1, Ordering::Relaxed);
        Self {
            shared: Arc::clone(shared),
            executor: executor.clone(),
            chunk,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.tickets.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

/// An executor that was chosen. Its destructor is foreign code, which must not unwind in the places
/// where the last reference happens to go: the drop of a scope, or the end of a ticket.
#[derive(Clone)]
pub(crate) struct SharedExecutor(Option<Arc<dyn Executor>>);

impl SharedExecutor {
    pub(crate) fn new(executor: impl Executor) -> Self {
        Self(Some(Arc::new(executor)))
    }
}

impl Deref for SharedExecutor {
    type Target = dyn Executor;

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().expect("there until we are dropped")
    }
}

impl Drop for SharedExecutor {
    fn drop(&mut self) {
        quietly(|| drop(self.0.take()));
    }
}

/// Where the helpers of a scope come from, if it was told; or else from where those of the scope
/// come in which it is polled, or from what is detected.
#[derive(Clone)]
pub(crate) enum Helpers {
    /// From nowhere.
    None,
    /// From this executor.
    From(SharedExecutor),
}

/// Returns the number in a variable of the environment, if there is one.
#[cfg(any(feature = "async-std", feature = "smol"))]
pub(super) fn number_in(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}
