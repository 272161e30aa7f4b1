//! [`LimitedJoinSet`]: a [`JoinSet`] that runs a limited number of children at a time.
//!
//! A set counts the children of whom it has not heard that they are gone. Only if those are as many
//! as the limit does it look who has gone meanwhile. So a limit that is not reached costs a
//! comparison.
#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::scope::TryScope;
use crate::scope::{Local, Multi, Scope};
use crate::sets::join_set::JoinSet;
use crate::sets::spawner::Spawner;

/// A [`JoinSet`] of which at most `limit` children run at a time; made by
/// [`JoinSet::with_limit`].
///
/// [`spawn`](Self::spawn) waits for room. A child takes up room from `spawn` until its future is
/// gone. A value that nobody read takes up none: the values wait in the set, however many they are.
/// Read as you go along if they are large; or let [`buffer_unordered`](Scope::buffer_unordered)
/// start the next child only when a value was taken.
///
/// **Drop.** As for [`JoinSet`]: it cancels the children that have not finished.
///
/// # Cancel safety
///
/// `set.next()` loses nothing when it is dropped.
///
/// # Examples
///
/// Spawn while there is room, and read what is there in between:
///
/// ```
/// use futures_lite::{StreamExt, future};
///
/// # async fn fetch(page: u32) -> u32 { future::yield_now().await; page }
/// # future::block_on(async {
/// let total = taskpen::scope(async |s| {
///     let mut set = s.join_set().with_limit(3);
///     let mut total = 0;
///     for page in 1..=10 {
///         set.spawn(fetch(page)).await;
///         while let Some(Some(value)) = future::poll_once(set.next()).await {
///             total += value;
///         }
///     }
///     set.fold(total, |total, value| total + value).await
/// })
/// .await;
/// assert_eq!(total, 55);
/// # });
/// ```
#[must_use = "dropping a set cancels its children"]
pub struct LimitedJoinSet<'env, T, S = Scope<'env>> {
    set: JoinSet<'env, T, S>,
    limit: usize,
}

impl<'env, T> LimitedJoinSet<'env, T, Scope<'env, Multi>> {
    /// Spawns a child as soon as fewer than the limit run; the set will give its value.
    ///
    /// The child is spawned by the returned future, at its first poll if there is room then. See
    /// there for what happens if that is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::{poll_once, yield_now};
    ///
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set().with_limit(1);
    ///     set.spawn(yield_now()).await; // at once
    ///
    ///     let mut second = set.spawn(yield_now());
    ///     assert!(poll_once(&mut second).await.is_none()); // there is no room
    ///     second.await; // now there is: the first has finished
    /// })
    /// .await;
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> Spawn<'_, 'env, T, F>
    where
        F: Future<Output = T> + Send + 'env,
        T: Send + 'env,
    {
        Spawn::new(self, future, Location::caller())
    }
}

impl<'env, T> LimitedJoinSet<'env, T, Scope<'env, Local>> {
    /// Spawns a child that stays on this thread, as soon as fewer than the limit run.
    ///
    /// See [`LimitedJoinSet::spawn`](LimitedJoinSet#method.spawn): this is the same without `Send`.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> Spawn<'_, 'env, T, F, Scope<'env, Local>>
    where
        F: Future<Output = T> + 'env,
        T: 'env,
    {
        Spawn::new(self, future, Location::caller())
    }
}

impl<'env, T, E> LimitedJoinSet<'env, T, TryScope<'env, E, Multi>> {
    /// Spawns a child whose `Err` ends the scope, as soon as fewer than the limit run.
    ///
    /// Otherwise like [`LimitedJoinSet::spawn`](LimitedJoinSet#method.spawn).
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> Spawn<'_, 'env, T, F, TryScope<'env, E, Multi>>
    where
        F: Future<Output = Result<T, E>> + Send + 'env,
        T: Send + 'env,
        E: Send + 'env,
    {
        Spawn::new(self, future, Location::caller())
    }
}

impl<'env, T, E> LimitedJoinSet<'env, T, TryScope<'env, E, Local>> {
    /// Spawns a child that stays on this thread and whose `Err` ends the scope, as soon as fewer
    /// than the limit run.
    ///
    /// See [`LimitedJoinSet::spawn`](LimitedJoinSet#method.spawn): this is the same without `Send`.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> Spawn<'_, 'env, T, F, TryScope<'env, E, Local>>
    where
        F: Future<Output = Result<T, E>> + 'env,
        T: 'env,
        E: 'env,
    {
        Spawn::new(self, future, Location::caller())
    }
}

impl<'env, T, S> LimitedJoinSet<'env, T, S> {
    #[track_caller]
    pub(crate) fn new(set: JoinSet<'env, T, S>, limit: usize) -> Self {
        assert!(
            limit > 0,
            "a set with a limit of 0 could never run a child; give `with_limit` 1 or more"
        );
        Self { set, limit }
    }

    /// The number of children whose values were not read yet; see [`JoinSet::len`].
    ///
    /// It can exceed the limit, which concerns those that run:
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set().with_limit(1);
    ///     set.spawn(async { 1 }).await;
    ///     set.spawn(async { 2 }).await; // when the first has finished
    ///     assert_eq!(set.len(), 2); // nobody has read a value
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// True if no child runs and every value was read; see [`JoinSet::is_empty`].
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Cancels the children that have not finished; see [`JoinSet::cancel_all`].
    pub fn cancel_all(&mut self) {
        self.set.cancel_all();
    }
}

impl<T, S> Stream for LimitedJoinSet<'_, T, S> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.set).poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.set.size_hint()
    }
}

/// Terminated while it is empty: a new child makes it a stream again.
impl<T, S> FusedStream for LimitedJoinSet<'_, T, S> {
    fn is_terminated(&self) -> bool {
        self.set.is_terminated()
    }
}

impl<T, S> fmt::Debug for LimitedJoinSet<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitedJoinSet")
            .field("len", &self.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The future of [`LimitedJoinSet::spawn`]: resolves once the child was spawned.
///
/// If the scope has ended there is room, and the child is refused.
///
/// **Drop.** Dropping it before it resolves drops the future that was to be spawned.
///
/// # Cancel safety
///
/// If it is dropped early nothing was spawned, and nothing is lost but the future that it was
/// given.
///
/// # Panics
///
/// If it is polled again after it resolved.
#[must_use = "the child is spawned only if this is awaited"]
pub struct Spawn<'a, 'env, T, F, S = Scope<'env>> {
    set: &'a mut LimitedJoinSet<'env, T, S>,
    /// `None` once it was spawned.
    future: Option<F>,
    location: &'static Location<'static>,
    /// Spawns it. A pointer, so that `impl Future` needs no bound on `F`, for the reason given at
    /// [`Scoped`](crate::Scoped).
    add: fn(&mut JoinSet<'env, T, S>, F, &'static Location<'static>),
}

impl<'a, 'env, T, F, S> Spawn<'a, 'env, T, F, S> {
    fn new(
        set: &'a mut LimitedJoinSet<'env, T, S>,
        future: F,
        location: &'static Location<'static>,
    ) -> Self
    where
        S: Spawner<'env, F, T>,
    {
        Self {
            set,
            future: Some(future),
            location,
            add: JoinSet::add,
        }
    }
}

/// The future inside is moved into the child, never polled here.
impl<T, F, S> Unpin for Spawn<'_, '_, T, F, S> {}

impl<T, F, S> Future for Spawn<'_, '_, T, F, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let LimitedJoinSet { set, limit } = &mut *this.set;
        assert!(
            this.future.is_some(),
            "the future of `spawn` was polled after it had spawned its child"
        );
        ready!(set.poll_room(*limit, cx));
        if let Some(future) = this.future.take() {
            (this.add)(set, future, this.location);
        }
        Poll::Ready(())
    }
}

impl<T, F, S> fmt::Debug for Spawn<'_, '_, T, F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawn")
            .field("set", &self.set)
            .field("spawned_at", &format_args!("{}", self.location))
            .field("is_spawned", &self.future.is_none())
            .finish()
    }
}
