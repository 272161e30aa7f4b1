//! Handles to a child: [`JoinHandle`], and [`Join`], which resolves when the child is gone.
//!
//! A handle owns the task's result, never its future: dropping a handle lets go of the result and
//! leaves the child running in its scope.
#![forbid(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::task::joint::{Cancelling, Joint};
use crate::task::metadata::Stage;

/// A handle to a child of a scope: await it for the child's value.
///
/// **Drop.** Dropping the handle neither cancels the child nor waits for it; the scope still waits
/// for the child, and drops its value. So a time limit around a handle limits the wait; to limit
/// the child put the limit around its future, `s.spawn(timeout(d, fut))`, or use
/// [`cancel_on_drop`](Self::cancel_on_drop).
///
/// # Panics
///
/// Awaiting panics if the child was cancelled by something else than this handle, which it can see
/// only if it escaped from a scope that has ended; the message says where the child was spawned.
/// [`join`](Self::join) gives `None` instead. It panics as well if it is polled again after it gave
/// the value.
///
/// Poll it with a waker that does not panic when it is cloned, woken or dropped: async-task aborts
/// the process if one does. The wakers of scopes and of the usual executors don't.
///
/// # Cancel safety
///
/// The value stays in the handle until a poll returns it: `(&mut handle).await` inside a timeout
/// or a `select` loses nothing when it is dropped.
///
/// # Examples
///
/// ```
/// # futures_lite::future::block_on(async {
/// let pages = ["index", "guide"];
/// let total = taskpen::scope(async |s| {
///     let first = s.spawn(async { pages[0].len() });
///     let second = s.spawn(async { pages[1].len() });
///     first.await + second.await
/// })
/// .await;
/// assert_eq!(total, 10);
/// # });
/// ```
pub struct JoinHandle<'env, T: 'env> {
    /// `None` once the value was taken or the handle is being dropped.
    child: Option<Joint<T>>,
    env: PhantomData<&'env ()>,
}

impl<'env, T> JoinHandle<'env, T> {
    pub(crate) fn new(child: Joint<T>) -> Self {
        Self {
            child: Some(child),
            env: PhantomData,
        }
    }

    /// Waits until the child's future is gone: its value, or `None` if it was cancelled.
    ///
    /// Unlike awaiting the handle itself this never panics because the child has no value, whatever
    /// cancelled it. It is what a handle wants that leaves its scope.
    ///
    /// Dropping the returned future is dropping the handle.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use futures_lite::future::pending;
    ///
    /// let (endless, answer) = taskpen::scope(async |s| {
    ///     (s.spawn_background(pending::<u32>()), s.spawn(async { 42 }))
    /// })
    /// .await;
    /// assert_eq!(endless.join().await, None); // it was cancelled at the end of its scope
    /// assert_eq!(answer.join().await, Some(42));
    /// # });
    /// ```
    pub fn join(self) -> Join<'env, T> {
        Join(State::Running(self))
    }

    /// Cancels the child: it is not polled again, its future is dropped by the scope.
    ///
    /// To ask a child instead, so that it can say goodbye, use
    /// [`Scope::request_stop`](crate::Scope::request_stop).
    ///
    /// It acts at the call, so `drop(handle.cancel());` is enough; `let _ =` does as well, though
    /// clippy suspects it of a forgotten `.await`. The returned future resolves
    /// once the child's future has been dropped: to `None`, or to the value if the child had
    /// finished before. If the child is being polled at that moment, by a helper thread or because
    /// it cancels itself, that poll goes on to its end; a value that it still gives is dropped.
    ///
    /// Cancelling a child affects no sibling and is no failure of the scope.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use futures_lite::future::pending;
    ///
    /// taskpen::scope(async |s| {
    ///     let endless = s.spawn(pending::<()>());
    ///     assert_eq!(endless.cancel().await, None);
    ///     assert!(s.is_empty());
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn cancel(mut self) -> Join<'env, T> {
        Join(match self.child.take() {
            Some(child) => State::Cancelling(child.cancel()),
            None => State::Running(self),
        })
    }

    /// Makes it a handle that cancels its child when it is dropped, unless the child has finished.
    ///
    /// For a child that belongs to a value: a field that is dropped with it.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use futures_lite::future::pending;
    ///
    /// taskpen::scope(async |s| {
    ///     let heartbeat = s.spawn(pending::<()>()).cancel_on_drop();
    ///     drop(heartbeat);
    /// })
    /// .await; // returns, although the child never finishes
    /// # });
    /// ```
    #[must_use = "dropping the handle cancels the child"]
    pub fn cancel_on_drop(mut self) -> Self {
        if let Some(child) = &mut self.child {
            child.cancel_on_drop();
        }
        self
    }

    /// Returns true once the child's future is gone: it finished, was cancelled or panicked.
    ///
    /// If it gave a value, awaiting the handle returns that without waiting.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures_lite::future::yield_now;
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let answer = s.spawn(async { 42 });
    ///     while !answer.is_finished() {
    ///         yield_now().await; // there is something else to do
    ///     }
    ///     assert_eq!(answer.await, 42);
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn is_finished(&self) -> bool {
        // The stage says that the destructor ran or the value is on its way; the task adds that
        // the value has arrived.
        let child = self.child.as_ref();
        child.is_none_or(|child| child.is_finished() && child.meta().stage() != Stage::Alive)
    }

    /// Returns true once the child's future is gone without having given a value: it was cancelled,
    /// its scope ended first, or it panicked. Awaiting the handle then panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures_lite::future::pending;
    /// # futures_lite::future::block_on(async {
    /// let late = taskpen::scope(async |s| s.spawn_background(pending::<()>())).await;
    /// assert!(late.is_cancelled()); // the scope has ended
    /// # });
    /// ```
    pub fn is_cancelled(&self) -> bool {
        let child = self.child.as_ref();
        child.is_some_and(|child| matches!(child.meta().stage(), Stage::Refused | Stage::Cancelled))
    }

    /// Polls for the child's end: its value, or `None` if it ended without one, or was let go.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut self.child {
            Some(child) => child.poll(cx),
            None => Poll::Ready(None),
        }
    }

    /// Cancels the child and lets go of it, unless its future is gone already: then a value stays.
    pub(crate) fn abort(&mut self) {
        let is_alive = |child: &mut Joint<T>| child.meta().stage() == Stage::Alive;
        if let Some(child) = self.child.take_if(is_alive) {
            child.abort();
        }
    }

    fn let_go(&mut self) {
        if let Some(child) = self.child.take() {
            child.let_go();
        }
    }
}

impl<T> Future for JoinHandle<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(child) = &mut self.child else {
            panic!("a handle of a child was polled after it had given its value");
        };
        match ready!(child.poll(cx)) {
            Some(value) => {
                self.let_go();
                Poll::Ready(value)
            }
            None => panic!(
                "the child spawned at {} was cancelled before it gave a value; \
                 await its handle inside its scope, or use `join`, which gives `None` for that",
                child.location()
            ),
        }
    }
}

impl<T> Drop for JoinHandle<'_, T> {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl<T> fmt::Debug for JoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("JoinHandle");
        if let Some(child) = &self.child {
            debug
                .field("spawned_at", &format_args!("{}", child.location()))
                .field("is_finished", &self.is_finished())
                .field("is_cancelled", &self.is_cancelled());
        }
        debug.finish_non_exhaustive()
    }
}

/// The panic of a child is the scope's, never seen through a handle.
impl<T> UnwindSafe for JoinHandle<'_, T> {}
impl<T> RefUnwindSafe for JoinHandle<'_, T> {}

/// The future of [`JoinHandle::join`] and [`JoinHandle::cancel`]: resolves once the child's future
/// is gone.
///
/// It gives `Some(value)` if the child finished, and `None` if it was cancelled, or if the handle
/// had given its value already.
///
/// **Drop.** After `cancel` nothing depends on it: the child is cancelled whether or not this is
/// awaited. After `join` it is what dropping the handle is.
///
/// # Panics
///
/// If it is polled again after it resolved. Poll it with a waker that does not panic, like a
/// [`JoinHandle`].
///
/// # Cancel safety
///
/// The value, if there is one, stays here until a poll returns it.
pub struct Join<'env, T: 'env>(State<'env, T>);

enum State<'env, T> {
    Running(JoinHandle<'env, T>),
    Cancelling(Cancelling<'env, T>),
    Resolved,
}

impl<T> Future for Join<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let value = match &mut self.0 {
            State::Running(handle) => ready!(handle.poll_end(cx)),
            State::Cancelling(child) => ready!(child.poll(cx)),
            State::Resolved => panic!("`join` or `cancel` was polled after it had resolved"),
        };
        self.0 = State::Resolved;
        Poll::Ready(value)
    }
}

impl<T> UnwindSafe for Join<'_, T> {}
impl<T> RefUnwindSafe for Join<'_, T> {}

impl<T> fmt::Debug for Join<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Running(handle) => f.debug_tuple("Join").field(handle).finish(),
            State::Cancelling(_) => f.write_str("Join(cancelling)"),
            State::Resolved => f.write_str("Join(resolved)"),
        }
    }
}
