//! Asking a scope to stop: what its handles and tokens offer.
//!
//! The machinery is in [`crate::cancel::signal`]; here is what users see of it.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cancel::cause::Cause;
use crate::cancel::signal::Signal;
use crate::scope::Scope;

/// Cooperative cancellation: it asks, and drops nothing.
impl<M> Scope<'_, M> {
    /// Asks everything in the scope to stop, and in the scopes inside it.
    ///
    /// It is a request. Nothing is dropped or interrupted by it, unlike by
    /// [`JoinHandle::cancel`](crate::JoinHandle::cancel), and the scope stays open: whoever awaits
    /// [`cancelled`](Self::cancelled) or looks at [`is_cancelled`](Self::is_cancelled) learns of it
    /// and can come to an end. To end a scope whatever its children think of it, drop its future.
    ///
    /// The location of the call is kept as the [`Cause`], unless there is one already. Calling it
    /// again does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::{or, pending};
    /// use taskpen::{Cancelled, scope};
    ///
    /// # async fn requests() { pending().await }
    /// async fn serve(stop: Cancelled) -> &'static str {
    ///     or(stop, requests()).await;
    ///     "goodbye" // there is time for that
    /// }
    ///
    /// # futures_lite::future::block_on(async {
    /// let goodbye = scope(async |s| {
    ///     let server = s.spawn(serve(s.cancelled()));
    ///     s.cancel();
    ///     server.await
    /// })
    /// .await;
    /// assert_eq!(goodbye, "goodbye");
    /// # });
    /// ```
    #[track_caller]
    pub fn cancel(&self) {
        fire(self.signal(), None);
    }

    /// Asks everything in the scope to stop, and says why.
    ///
    /// Like [`cancel`](Self::cancel). What is said can be read from [`cause`](Self::cause), unless
    /// there is one already.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     s.cancel_because("the disk is full");
    ///     assert_eq!(s.cause().unwrap().reason(), Some("the disk is full"));
    /// })
    /// .await;
    /// # });
    /// ```
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        fire(self.signal(), Some(reason.into()));
    }

    /// Waits until the scope is cancelled: until somebody asks for it, a child or the body fails,
    /// the scope ends or is dropped, or a scope around it is cancelled.
    ///
    /// An ordinary child that waits for nothing else keeps its scope open until then.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     s.spawn_with(async |s| s.cancelled().await);
    ///     s.cancel();
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn cancelled(&self) -> Cancelled {
        Cancelled::new(self.signal())
    }

    /// True once the scope is cancelled: somebody asked for it, a child or the body failed, the
    /// scope ended or was dropped, or a scope around it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.shared().cancellation.is_cancelled()
    }

    /// Why the scope was cancelled, if it was. The first cause stays.
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
    ///         s.cancelled().await;
    ///         s.cause().map_or(Ok(()), Err)
    ///     });
    ///     s.cancel_because("the disk is full");
    ///     Ok(())
    /// })
    /// .await;
    /// assert_eq!(stopped.unwrap_err().reason(), Some("the disk is full"));
    /// # });
    /// ```
    pub fn cause(&self) -> Option<Cause> {
        self.signal().cause().cloned()
    }

    /// A token that tells of the cancellation of the scope, and can ask for it, from anywhere:
    /// other threads, closures, tasks that outlive the scope.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let token = taskpen::scope(async |s| {
    ///     let token = s.cancel_token();
    ///     let signal = token.clone();
    ///     std::thread::spawn(move || signal.cancel_because("Ctrl-C"));
    ///     s.cancelled().await;
    ///     token
    /// })
    /// .await;
    /// assert_eq!(token.cause().unwrap().reason(), Some("Ctrl-C"));
    /// # });
    /// ```
    pub fn cancel_token(&self) -> CancelToken {
        CancelToken {
            signal: Arc::clone(self.signal()),
        }
    }

    fn signal(&self) -> &Arc<Signal> {
        self.shared().cancellation.signal()
    }
}

#[track_caller]
fn fire(signal: &Signal, reason: Option<Cow<'static, str>>) {
    signal.fire(Cause::Asked {
        reason,
        location: Location::caller(),
    });
}

/// Tells whether a scope was cancelled, and why; and can ask for it.
///
/// [`Scope::cancel_token`] gives one. It borrows nothing, so it can go where a handle of the scope
/// cannot: to other threads, into closures, into a signal handler's task.
///
/// Once the scope has ended, failed or was dropped the token is cancelled. If the scope's future is
/// *forgotten* nothing of that happens, so the token then waits until somebody calls
/// [`cancel`](Self::cancel), or a scope around that one is cancelled.
///
/// **Drop.** Dropping a token does nothing.
///
/// # Examples
///
/// ```
/// use taskpen::{Cause, scope};
///
/// # futures_lite::future::block_on(async {
/// let token = scope(async |s| s.cancel_token()).await;
/// token.cancelled().await; // does not wait: the scope has ended
/// assert_eq!(token.cause(), Some(Cause::Ended));
/// # });
/// ```
#[derive(Clone)]
pub struct CancelToken {
    signal: Arc<Signal>,
}

impl CancelToken {
    /// Asks everything in the scope to stop; see [`Scope::cancel`].
    #[track_caller]
    pub fn cancel(&self) {
        fire(&self.signal, None);
    }

    /// Asks everything in the scope to stop, and says why; see [`Scope::cancel_because`].
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        fire(&self.signal, Some(reason.into()));
    }

    /// Waits until the scope is cancelled; see [`Scope::cancelled`].
    pub fn cancelled(&self) -> Cancelled {
        Cancelled::new(&self.signal)
    }

    /// True once the scope is cancelled; see [`Scope::is_cancelled`].
    pub fn is_cancelled(&self) -> bool {
        self.signal.is_cancelled()
    }

    /// Why the scope was cancelled, if it was. The first cause stays.
    pub fn cause(&self) -> Option<Cause> {
        self.signal.cause().cloned()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cause", &self.signal.cause())
            .finish()
    }
}

/// The future of [`Scope::cancelled`] and [`CancelToken::cancelled`]: resolves once the scope is
/// cancelled.
///
/// It borrows nothing, and can be polled again after it has resolved.
///
/// **Drop.** Nothing depends on it.
///
/// # Cancel safety
///
/// A scope that was cancelled stays so: dropping this and waiting again loses nothing.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Cancelled {
    signal: Arc<Signal>,
    /// The place among those who wait, once there is one.
    key: Option<usize>,
}

impl Cancelled {
    fn new(signal: &Arc<Signal>) -> Self {
        Self {
            signal: Arc::clone(signal),
            key: None,
        }
    }
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { signal, key } = &mut *self;
        signal.poll(key, cx.waker())
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.signal.leave(key);
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancelled")
            .field(&self.signal.is_cancelled())
            .finish()
    }
}
