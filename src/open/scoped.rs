//! The future of a scope: a [`Root`] with a way to call the body's closure, and with what its kind
//! of handle adds.
#![forbid(unsafe_code)]
#![expect(private_bounds, reason = "there are four kinds of scopes, and no more")]

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use super::until::Until;
use crate::help::dispatch::Help;
use crate::panic::quietly;
use crate::run::root::Root;
use crate::run::shared::Shared;
use crate::scope::{LocalScope, Multi, Scope, TryLocalScope, TryScope};
use crate::stop::StopToken;
use crate::task::error::HeldSlot;

/// The future of [`scope`](crate::scope()): resolves to the body's value once every child is gone.
///
/// It does nothing until it is polled; the body's closure is called at the first poll. `S` is the
/// kind of handle that the closure gets; the futures of the other three functions are
/// [`TryScoped`], [`LocalScoped`] and [`TryLocalScoped`].
///
/// **Drop.** Dropping it, at any point, drops the body and then every child before `drop` returns.
/// That makes every combinator that drops futures a cancellation operator. It never blocks: a
/// closure of [`spawn_blocking`](crate::guide::many#blocking-work) that is running is asked to
/// stop, and the scope around this one, if there is one, waits for it. To wait for it here, use
/// [`until`](Self::until).
///
/// **Forget.** If it is leaked, children that are suspended stay so for ever: none is polled again
/// and no destructor runs.
///
/// # Panics
///
/// Polling re-raises the first panic of the body or of a child, after all others were dropped; it
/// beats an `Err`. Polling again after it has finished panics.
///
/// # Cancel safety
///
/// What the children did is done; the values they gave are lost with the scope.
#[pin_project(!Unpin)]
#[must_use = "a scope does nothing unless it is awaited"]
pub struct Scoped<'env, F, Fut: Future, S: Kind = Scope<'env>> {
    #[pin]
    pub(super) root: Root<'env, F, Fut, S>,
    /// Calls the closure. A pointer, so that `impl Future` needs no bound on `F`: the compiler
    /// cannot prove `F: FnOnce(Scope<'env>) -> Fut` where it has forgotten what `'env` is, as it
    /// has when it looks whether a future that keeps the *output* of a scope is `Send`.
    start: fn(F, S) -> Fut,
    failure: S::Failure,
}

/// The future of [`try_scope`](crate::try_scope): resolves to the body's value once every child is
/// gone, or to the first `Err`. Otherwise as [`Scoped`].
pub type TryScoped<'env, F, Fut, E> = Scoped<'env, F, Fut, TryScope<'env, E>>;

/// The future of [`local_scope`](crate::local_scope); it is not `Send`. Otherwise as [`Scoped`].
pub type LocalScoped<'env, F, Fut> = Scoped<'env, F, Fut, LocalScope<'env>>;

/// The future of [`try_local_scope`](crate::try_local_scope); it is not `Send`. Otherwise as
/// [`TryScoped`].
pub type TryLocalScoped<'env, F, Fut, E> = Scoped<'env, F, Fut, TryLocalScope<'env, E>>;

/// What [`Scoped`] needs of a kind of handle.
pub(crate) trait Kind: Sized {
    /// What the future is called.
    const NAME: &'static str;

    /// Where the future finds what has failed.
    type Failure;

    fn failure(shared: &Arc<Shared>) -> Self::Failure;

    /// Makes the handle for the body.
    fn handle(shared: &Arc<Shared>, failure: &Self::Failure) -> Self;
}

/// A kind of handle whose body gives an `O`.
pub(crate) trait Finish<O>: Kind {
    /// Returns true if the body's output ends the scope at once.
    fn is_failure(output: &O, failure: &Self::Failure) -> bool;

    /// Takes what the scope gives instead of the body's output: the error of a child.
    fn take_error(failure: &Self::Failure) -> Option<O>;
}

impl<M> Kind for Scope<'_, M> {
    const NAME: &'static str = "Scoped";

    type Failure = ();

    fn failure(_: &Arc<Shared>) {}

    fn handle(shared: &Arc<Shared>, (): &()) -> Self {
        Self::new(Arc::clone(shared))
    }
}

impl<O, M> Finish<O> for Scope<'_, M> {
    fn is_failure(_: &O, (): &()) -> bool {
        false
    }

    fn take_error((): &()) -> Option<O> {
        None
    }
}

impl<E, M> Kind for TryScope<'_, E, M> {
    const NAME: &'static str = "TryScoped";

    type Failure = HeldSlot<E>;

    fn failure(shared: &Arc<Shared>) -> HeldSlot<E> {
        HeldSlot::new(Arc::clone(shared))
    }

    fn handle(shared: &Arc<Shared>, error: &HeldSlot<E>) -> Self {
        Self::new(Scope::new(Arc::clone(shared)), Arc::clone(&error.0))
    }
}

impl<T, E, M> Finish<Result<T, E>> for TryScope<'_, E, M> {
    fn is_failure(output: &Result<T, E>, error: &HeldSlot<E>) -> bool {
        if output.is_err() {
            error.0.body_failed();
        }
        output.is_err()
    }

    fn take_error(error: &HeldSlot<E>) -> Option<Result<T, E>> {
        error.0.take().map(Err)
    }
}

impl<'env, F, Fut, S> Scoped<'env, F, Fut, S>
where
    Fut: Future,
    S: Kind,
{
    #[cfg_attr(any(feature = "inspect", feature = "tracing"), track_caller)]
    pub(super) fn new(entry: F, help: Help) -> Self
    where
        F: FnOnce(S) -> Fut,
    {
        let root = Root::new(entry, help);
        let failure = S::failure(root.shared());
        Self {
            root,
            start: |entry, scope| entry(scope),
            failure,
        }
    }

    /// Returns a token of the scope, before it has begun: to ask it to stop from outside.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::zip;
    ///
    /// # futures_lite::future::block_on(async {
    /// let work = taskpen::scope(async |s| s.stop_token().await);
    /// let token = work.stop_token();
    /// zip(work, async { token.request_stop("Ctrl-C") }).await;
    /// # });
    /// ```
    pub fn stop_token(&self) -> StopToken {
        StopToken::new(self.root.shared())
    }

    /// Runs the scope until `stop` resolves: its value in `Some`, or `None` if it was cut off.
    ///
    /// For time limits, races and grace periods. To drop the scope, as other combinators do, ends
    /// it as well, but leaves closures of [`spawn_blocking`](Scope::spawn_blocking) to run on; this
    /// is an end that is *awaited*. When `stop` resolves the body and all children are dropped, and
    /// the future then is pending until the last closure has returned. No thread is blocked for
    /// that.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use futures_lite::future::pending;
    /// # async_std::task::block_on(async {
    /// let work = taskpen::scope(async |s| s.spawn(pending::<()>()).await);
    /// let limit = async_std::task::sleep(Duration::from_millis(5));
    /// assert_eq!(work.until(limit).await, None);
    /// # });
    /// ```
    ///
    /// Ask, wait a while, cut off:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use futures_lite::future::ready;
    /// # async_std::task::block_on(async {
    /// # let (ctrl_c, sleep) = (|| ready(()), |_: Duration| ready(()));
    /// # const GRACE: Duration = Duration::ZERO;
    /// let work = taskpen::scope(async |s| s.stop_token().await);
    /// let token = work.stop_token();
    /// let done = work
    ///     .until(async {
    ///         ctrl_c().await;
    ///         token.request_stop("Ctrl-C");
    ///         sleep(GRACE).await;
    ///     })
    ///     .await;
    /// # let _ = done;
    /// # });
    /// ```
    pub fn until<Stop: Future>(self, stop: Stop) -> Until<'env, F, Fut, S, Stop> {
        Until::new(self, stop)
    }

    /// Returns true once the scope was ended, though closures may run on.
    pub(super) fn has_ended(&self) -> bool {
        self.root.has_ended()
    }

    /// Ends the scope, and then drops `stop`; [`poll_end`](Self::poll_end) waits for its closures.
    pub(super) fn cut_off(self: Pin<&mut Self>, drop_stop: impl FnOnce()) {
        let mut root = self.project().root;
        root.as_mut().cut_off();
        root.shared().report(drop_stop);
    }
}

/// The kinds of handles whose children may run on helpers.
pub(crate) trait SendChildren {}
impl SendChildren for Scope<'_, Multi> {}
impl<E> SendChildren for TryScope<'_, E, Multi> {}

impl<F, Fut, S> Scoped<'_, F, Fut, S>
where
    Fut: Future,
    S: Finish<Fut::Output>,
{
    /// Polls to the end: the body's output or an error, or neither if the scope was cut off.
    pub(super) fn poll_end(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Fut::Output>> {
        let this = self.project();
        let (start, failure, mut root) = (*this.start, &*this.failure, this.root);
        let mut output = ready!(root.as_mut().poll(
            cx,
            |entry, shared| start(entry, S::handle(shared, failure)),
            |output| S::is_failure(output, failure),
        ));
        let shared = root.shared();
        let error = S::take_error(failure);
        if error.is_some() {
            // The body may have finished before. Its value goes, and can panic.
            shared.report(|| drop(output.take()));
        }
        if let Some(panic) = shared.take_panic() {
            quietly(|| drop(output));
            quietly(|| drop(error));
            resume_unwind(panic); // which beats an error
        }
        Poll::Ready(error.or(output))
    }
}

impl<F, Fut, S> Future for Scoped<'_, F, Fut, S>
where
    Fut: Future,
    S: Finish<Fut::Output>,
{
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        let output = ready!(self.poll_end(cx));
        Poll::Ready(output.expect("a scope is ended by its body, an error or a panic"))
    }
}

impl<F, Fut: Future, S: Kind> fmt::Debug for Scoped<'_, F, Fut, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.shared().debug(S::NAME, f)
    }
}
