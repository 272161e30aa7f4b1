//! Asking a scope to stop: what its handles and tokens offer.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::run::shared::Shared;
use crate::scope::Scope;
use crate::stop::cause::Cause;

/// Asking to stop: nothing is dropped by it.
impl<M> Scope<'_, M> {
    /// Asks everything in the scope to stop, and in the scopes inside it.
    ///
    /// It is a request. Nothing is dropped or interrupted by it, unlike by
    /// [`JoinHandle::cancel`](crate::JoinHandle::cancel), and the scope stays open: a task that
    /// awaits a [`stop_token`](Self::stop_token) or looks at
    /// [`stop_requested`](Self::stop_requested) learns of it and can come to an end. To end a scope
    /// whatever its children do, drop its future.
    ///
    /// The reason and the location of the call are kept as the [`Cause`], unless there is one
    /// already. Calling it again does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::{or, pending};
    /// use taskpen::{StopToken, scope};
    ///
    /// # async fn requests() { pending().await }
    /// async fn serve(stop: StopToken) -> &'static str {
    ///     or(stop, requests()).await;
    ///     "goodbye" // there is time for that
    /// }
    ///
    /// # futures_lite::future::block_on(async {
    /// let goodbye = scope(async |s| {
    ///     let server = s.spawn(serve(s.stop_token()));
    ///     s.request_stop("the disk is full");
    ///     assert_eq!(s.stop_cause().unwrap().reason(), Some("the disk is full"));
    ///     server.await
    /// })
    /// .await;
    /// assert_eq!(goodbye, "goodbye");
    /// # });
    /// ```
    #[track_caller]
    pub fn request_stop(&self, reason: impl Into<Cow<'static, str>>) {
        request(self.shared(), reason.into());
    }

    /// Returns true once the scope stops: it was requested, a child or the body failed, the scope
    /// ended or was dropped, or a scope around it stops.
    pub fn stop_requested(&self) -> bool {
        self.shared().stop.is_requested()
    }

    /// Returns why the scope stops, if it does. The first cause stays.
    ///
    /// # Examples
    ///
    /// A child that gives up says why:
    ///
    /// ```
    /// use taskpen::{Cause, TryScope, try_scope};
    ///
    /// # futures_lite::future::block_on(async {
    /// let stopped = try_scope(async |s: TryScope<'_, Cause>| {
    ///     s.spawn_with(async |s| {
    ///         s.stop_token().await;
    ///         s.stop_cause().map_or(Ok(()), Err)
    ///     });
    ///     s.request_stop("the disk is full");
    ///     Ok(())
    /// })
    /// .await;
    /// assert_eq!(stopped.unwrap_err().reason(), Some("the disk is full"));
    /// # });
    /// ```
    pub fn stop_cause(&self) -> Option<Cause> {
        self.shared().stop.cause()
    }

    /// Returns a token that resolves when the scope stops, and can ask for it, from anywhere: other
    /// threads, closures, tasks that outlive the scope.
    ///
    /// An ordinary child that waits for nothing else keeps its scope open until then.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let token = taskpen::scope(async |s| {
    ///     let token = s.stop_token();
    ///     std::thread::spawn(move || token.request_stop("Ctrl-C"));
    ///     s.stop_token().await;
    ///     s.stop_token()
    /// })
    /// .await;
    /// assert_eq!(token.cause().unwrap().reason(), Some("Ctrl-C"));
    /// # });
    /// ```
    pub fn stop_token(&self) -> StopToken {
        StopToken::new(self.shared())
    }
}

#[track_caller]
fn request(shared: &Shared, reason: Cow<'static, str>) {
    shared.stop.request(Cause::Requested {
        reason,
        location: Location::caller(),
    });
}

/// A future that resolves when a scope stops; it tells why, and can ask for it.
///
/// [`Scope::stop_token`] gives one, and [`Scoped::stop_token`](crate::Scoped::stop_token) before
/// the scope has begun. It borrows nothing, so it can go where a handle of the scope cannot: to
/// other threads, into closures, into a signal handler's task. Each clone waits on its own, and can
/// be polled again after it has resolved.
///
/// Once the scope has ended, failed or was dropped the token resolves as well. If the scope's
/// future is *forgotten* nothing of that happens, so the token then waits until
/// [`request_stop`](Self::request_stop) is called, or a scope around that one stops.
///
/// **Drop.** Dropping a token does nothing.
///
/// # Cancel safety
///
/// A scope that stops does so for good: dropping a token and waiting with another one loses
/// nothing.
///
/// # Examples
///
/// ```
/// use taskpen::{Cause, scope};
///
/// # futures_lite::future::block_on(async {
/// let token = scope(async |s| s.stop_token()).await;
/// token.clone().await; // does not wait: the scope has ended
/// assert_eq!(token.cause(), Some(Cause::Ended));
/// # });
/// ```
#[must_use = "a token that is dropped asks for nothing; call `request_stop`, or await it"]
pub struct StopToken {
    shared: Arc<Shared>,
    /// The place among the waiters, once there is one.
    key: Option<usize>,
}

impl StopToken {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            key: None,
        }
    }

    /// Asks everything in the scope to stop; see [`Scope::request_stop`].
    #[track_caller]
    pub fn request_stop(&self, reason: impl Into<Cow<'static, str>>) {
        request(&self.shared, reason.into());
    }

    /// Returns true once the scope stops; see [`Scope::stop_requested`].
    pub fn stop_requested(&self) -> bool {
        self.shared.stop.is_requested()
    }

    /// Returns why the scope stops, if it does. The first cause stays.
    pub fn cause(&self) -> Option<Cause> {
        self.shared.stop.cause()
    }
}

impl Future for StopToken {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { shared, key } = &mut *self;
        shared.stop.poll(key, cx.waker())
    }
}

impl Clone for StopToken {
    fn clone(&self) -> Self {
        Self::new(&self.shared)
    }
}

impl Drop for StopToken {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.shared.stop.leave(key);
        }
    }
}

impl fmt::Debug for StopToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopToken")
            .field("cause", &self.cause())
            .finish()
    }
}
