//! [`scope`] and [`local_scope`], and the future they return: a [`Driver`] with a way to start the
//! body.
#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::driver::Driver;
use crate::helper::Help;
use crate::panic::quietly;
use crate::runtime::{Choice, Lender, Runtime};
use crate::scope::{Local, LocalScope, Multi, Scope};
use crate::shared::Shared;

/// Opens a scope: runs `body`, and returns its value once every child it spawned is gone.
///
/// Children may borrow whatever outlives the returned future. They run concurrently with each
/// other and with the body, and none is left when the future returns, is dropped or panics.
///
/// Write the body as an async closure, `async |s| { … }`, which borrows what it uses. The form
/// `|s| async move { … }` works as well, but moves the variables that it names into the body; take
/// references to them first (`let data = &data;`). The body is called at the first poll, not here.
///
/// # The body waits, even when it returns early
///
/// `return` and `?` leave the *body*. The scope still waits for its children: an early return is
/// a value like any other, and no failure. If an error should cut the children off use
/// [`try_scope`](crate::try_scope).
///
/// # Drop
///
/// Dropping the future drops the body and then every child before `drop` returns, so every
/// combinator that drops the loser cancels a whole scope:
///
/// ```
/// # use std::time::Duration;
/// # use futures_lite::future::{block_on, or, pending, ready};
/// use taskpen::scope;
///
/// # block_on(async {
/// // A time limit.
/// let slow = scope(async |s| s.spawn(pending::<()>()).await);
/// let late = async_std::future::timeout(Duration::from_millis(5), slow).await;
/// assert!(late.is_err());
///
/// // A stop signal.
/// let work = async {
///     scope(async |s| s.spawn(pending::<()>()).await).await;
///     "finished"
/// };
/// let stop = async {
///     ready(()).await;
///     "stopped"
/// };
/// assert_eq!(or(stop, work).await, "stopped");
/// # });
/// ```
///
/// With tokio, `tokio::select!` does the same:
///
/// ```
/// # use futures_lite::future::pending;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// stop.send(()).unwrap();
/// tokio::select! {
///     _ = taskpen::scope(async |s| s.spawn(pending::<()>()).await) => unreachable!(),
///     _ = stopped => {} // every child is gone here
/// }
/// # });
/// ```
///
/// # Panics
///
/// The first panic of the body or of a child ends the scope: no further poll starts, everything
/// is dropped, and the original payload is re-raised from the poll. To isolate failures let
/// children return a `Result`, or catch what they raise:
///
/// ```
/// use futures_lite::FutureExt;
/// use std::panic::AssertUnwindSafe;
///
/// # futures_lite::future::block_on(async {
/// let outcomes = taskpen::scope(async |s| {
///     let fails = s.spawn(async { "x".parse::<u32>() });
///     let panics = s.spawn(AssertUnwindSafe(async { panic!("oh") }).catch_unwind());
///     (fails.await.is_err(), panics.await.is_err())
/// })
/// .await;
/// assert_eq!(outcomes, (true, true));
/// # });
/// ```
///
/// # Examples
///
/// ```
/// # futures_lite::future::block_on(async {
/// let pages = vec!["index".to_string(), "guide".to_string()];
/// let mut total = 0;
/// taskpen::scope(async |s| {
///     let lengths: Vec<_> = pages.iter().map(|page| s.spawn(async { page.len() })).collect();
///     for length in lengths {
///         total += length.await;
///     }
/// })
/// .await;
/// assert_eq!(total, 10);
/// # });
/// ```
pub fn scope<'env, F, Fut>(body: F) -> Scoped<'env, F, Fut>
where
    F: FnOnce(Scope<'env>) -> Fut,
    Fut: Future,
{
    Scoped::new(body, Help::allowed())
}

/// Opens a scope whose children need not be `Send`; its future is not `Send` either.
///
/// Everything else is as for [`scope`], except that all children run on the thread that polls it.
///
/// # Examples
///
/// ```
/// # futures_lite::future::block_on(async {
/// use std::{cell::Cell, rc::Rc};
///
/// let hits = Rc::new(Cell::new(0));
/// taskpen::local_scope(async |s| {
///     for _ in 0..3 {
///         let hits = Rc::clone(&hits);
///         s.spawn(async move { hits.set(hits.get() + 1) });
///     }
/// })
/// .await;
/// assert_eq!(hits.get(), 3);
/// # });
/// ```
pub fn local_scope<'env, F, Fut>(body: F) -> LocalScoped<'env, F, Fut>
where
    F: FnOnce(LocalScope<'env>) -> Fut,
    Fut: Future,
{
    Scoped::new(body, Help::forbidden())
}

/// The future of [`scope`](crate::scope): resolves to the body's value once every child is gone.
///
/// It does nothing until it is polled; the body's closure is called at the first poll.
///
/// **Drop.** Dropping it, at any point, drops the body and then every child before `drop`
/// returns. That makes every combinator that drops futures a cancellation operator. If a closure of
/// [`spawn_blocking`](crate::guide::many#blocking-work) is running, `drop` blocks until it returns.
///
/// **Forget.** If it is leaked, children that are suspended stay so for ever: none is polled again
/// and no destructor runs.
///
/// # Panics
///
/// Polling re-raises the first panic of the body or of a child, after all others were dropped.
/// Polling again after it has finished panics.
///
/// # Cancel safety
///
/// What the children did is done; the values they gave are lost with the scope.
#[pin_project(!Unpin)]
#[must_use = "a scope does nothing unless it is awaited"]
pub struct Scoped<'env, F, Fut: Future, M = Multi> {
    #[pin]
    driver: Driver<'env, F, Fut, M>,
    /// Calls the closure. A pointer, so that `impl Future` needs no bound on `F`: the compiler
    /// cannot prove `F: FnOnce(Scope<'env>) -> Fut` where it has forgotten what `'env` is, as it
    /// has when it looks whether a future that keeps the *output* of a scope is `Send`.
    start: fn(F, Scope<'env, M>) -> Fut,
}

/// The future of [`local_scope`](crate::local_scope); it is not `Send`.
pub type LocalScoped<'env, F, Fut> = Scoped<'env, F, Fut, Local>;

impl<F, Fut: Future> Scoped<'_, F, Fut, Multi> {
    /// Never asks for helper threads: all children run on the thread that polls the scope.
    ///
    /// Scopes inside it that make no choice of their own inherit this one.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let home = std::thread::current().id();
    /// taskpen::scope(async |s| {
    ///     s.spawn(async { assert_eq!(std::thread::current().id(), home) });
    /// })
    /// .serial()
    /// .await;
    /// # });
    /// ```
    pub fn serial(mut self) -> Self {
        self.driver.help().choice = Choice::Serial;
        self
    }

    /// Asks `runtime` for helper threads, instead of the one that is inherited or detected.
    ///
    /// Scopes inside it that make no choice of their own inherit this one. See [`Runtime`] for an
    /// example, and the [crate's page](crate#parallelism-the-poll-window) for when to need it.
    pub fn on(mut self, runtime: impl Runtime) -> Self {
        self.driver.help().choice = Choice::On(Lender::new(runtime));
        self
    }

    /// Asks for at most `helpers` helper threads beside the one that polls the scope, and for no
    /// more than the runtime has to lend.
    ///
    /// Without it the runtime's [`parallelism`](Runtime::parallelism) decides; 0 means none.
    ///
    /// It concerns this scope alone: scopes inside it are not limited by it. What they inherit is
    /// [`serial`](Self::serial) and [`on`](Self::on).
    pub fn workers(mut self, helpers: usize) -> Self {
        self.driver.help().workers = Some(helpers);
        self
    }
}

impl<'env, F, Fut, M> Scoped<'env, F, Fut, M>
where
    F: FnOnce(Scope<'env, M>) -> Fut,
    Fut: Future,
{
    fn new(entry: F, help: Help) -> Self {
        Self {
            driver: Driver::new(entry, help),
            start: |entry, scope| entry(scope),
        }
    }
}

impl<F, Fut: Future, M> Future for Scoped<'_, F, Fut, M> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        let this = self.project();
        let start =
            |entry, shared: &Arc<Shared>| (this.start)(entry, Scope::new(Arc::clone(shared)));
        let mut driver = this.driver;
        let output = ready!(driver.as_mut().poll(cx, start, |_| false));
        match (driver.shared().take_panic(), output) {
            (None, Some(output)) => Poll::Ready(output),
            (None, None) => unreachable!("a plain scope is stopped by nothing but a panic"),
            (Some(payload), output) => {
                quietly(|| drop(output));
                resume_unwind(payload)
            }
        }
    }
}

impl<F, Fut: Future, M> fmt::Debug for Scoped<'_, F, Fut, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.driver.shared().debug("Scoped", f)
    }
}
