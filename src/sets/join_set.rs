//! [`JoinSet`]: children whose values are read as they come.
//!
//! The set keeps no handles. A child leaves its value for the set, in the [`Results`] which the two
//! share, and is freed; the set counts from how many it has not heard yet. So a child costs no
//! allocation beyond its own, and reading costs one lock for all the values that have arrived.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::scope::TryScope;
use crate::scope::{Local, Multi, Scope};
use crate::sets::limited::LimitedJoinSet;
use crate::sets::results::{Results, shrink};
use crate::sets::spawner::{ScopeHandle, Spawner};

/// A set of children whose values are read in the order in which they finish.
///
/// [`Scope::join_set`] and [`TryScope::join_set`] make one. Its children are ordinary children of
/// the scope: they run while nobody looks at the set, and the scope waits for them. `S` is the kind
/// of handle the set came from. It decides what [`spawn`](Self::spawn) takes: in a [`TryScope`]
/// children yield `Result<T, E>`, the set gives each `T`, and the first `Err` ends the scope.
///
/// The set is a [`Stream`] of the values; `next` is a method of the `StreamExt` of futures-lite, of
/// futures and of async-std. It ends, with `None`, when the set is empty *now*: no child runs and
/// every value was read. More can be spawned afterwards, and read.
///
/// A child is freed when it has finished; its value waits in the set, however many there are.
///
/// **Drop.** Dropping the set cancels the children that have not finished, and drops the values
/// that nobody read. Children that are to run on belong to the scope alone:
/// [`Scope::spawn`](Scope#method.spawn).
///
/// A set can leave the body as far as `'env` reaches. Once its scope has ended it spawns nothing
/// any more; it still gives the values of children that had finished, and then `None`.
///
/// # Panics
///
/// A panic of a child is the scope's, as for any child; nobody reads a value of that child.
///
/// # Cancel safety
///
/// `set.next()` loses nothing when it is dropped: a value stays in the set until a poll returns it.
///
/// # Examples
///
/// ```
/// use futures_lite::StreamExt;
/// use taskpen::scope;
///
/// # futures_lite::future::block_on(async {
/// let pages = ["index", "guide", "api"];
/// let mut total = 0;
/// scope(async |s| {
///     let mut lengths = s.join_set();
///     for page in &pages {
///         lengths.spawn(async { page.len() });
///     }
///     while let Some(length) = lengths.next().await {
///         total += length; // in the order in which they finish
///     }
/// })
/// .await;
/// assert_eq!(total, 13);
/// # });
/// ```
///
/// The first answer wins: take it, and drop the set.
///
/// ```
/// use futures_lite::StreamExt;
/// use taskpen::{Scope, scope};
///
/// async fn ask(mirror: u32) -> u32 {
///     # if mirror != 2 { std::future::pending::<()>().await }
///     mirror
/// }
///
/// async fn fastest<'env>(s: &Scope<'env>) -> Option<u32> {
///     let mut mirrors = s.join_set();
///     for mirror in 1..=3 {
///         mirrors.spawn(ask(mirror));
///     }
///     mirrors.next().await // the others are cancelled
/// }
///
/// # futures_lite::future::block_on(async {
/// assert_eq!(scope(async |s| fastest(&s).await).await, Some(2));
/// # });
/// ```
#[must_use = "dropping a set cancels its children"]
pub struct JoinSet<'env, T, S = Scope<'env>> {
    scope: S,
    /// Invariant in `T`, as it has to be: values flow in and out.
    results: Arc<Results<T>>,
    /// Values that were taken from `results` and not read, oldest first.
    unread: VecDeque<T>,
    /// Children of whom we have not heard that they are gone.
    running: usize,
    /// Invariant, like everything one can spawn through.
    env: PhantomData<fn(&'env ()) -> &'env ()>,
}

impl<'env, M> Scope<'env, M> {
    /// Makes an empty set for children whose values are read as they come.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt;
    ///
    /// # futures_lite::future::block_on(async {
    /// let sum = taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(async { 1 });
    ///     set.spawn(async { 2 });
    ///     set.fold(0, |sum, value| sum + value).await
    /// })
    /// .await;
    /// assert_eq!(sum, 3);
    /// # });
    /// ```
    pub fn join_set<T>(&self) -> JoinSet<'env, T, Self> {
        JoinSet::new(self.clone())
    }
}

impl<'env, E, M> TryScope<'env, E, M> {
    /// Makes an empty set for children that yield `Result`: the set gives each `T` of an `Ok(T)`,
    /// and the first `Err` ends the scope.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt;
    /// use std::num::ParseIntError;
    /// use taskpen::{TryScope, try_scope};
    ///
    /// # futures_lite::future::block_on(async {
    /// let sum = try_scope(async |s: TryScope<'_, ParseIntError>| {
    ///     let mut numbers = s.join_set();
    ///     for text in ["1", "2", "x"] {
    ///         numbers.spawn(async move { text.parse::<u32>() });
    ///     }
    ///     Ok(numbers.fold(0, |sum, number| sum + number).await)
    /// })
    /// .await;
    /// assert!(sum.is_err());
    /// # });
    /// ```
    pub fn join_set<T>(&self) -> JoinSet<'env, T, Self> {
        JoinSet::new(self.clone())
    }
}

impl<'env, T> JoinSet<'env, T, Scope<'env, Multi>> {
    /// Spawns a child; the set will give its value.
    ///
    /// Nothing of `future` runs before this returns. If the scope has ended, `future` is dropped
    /// and the set gives nothing for it; this never panics.
    ///
    /// # Examples
    ///
    /// A value can be the reason for more children:
    ///
    /// ```
    /// use futures_lite::StreamExt;
    ///
    /// # futures_lite::future::block_on(async {
    /// let mut visited = 0;
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(async { 1 });
    ///     while let Some(depth) = set.next().await {
    ///         visited += 1;
    ///         if depth < 3 {
    ///             set.spawn(async move { depth + 1 });
    ///             set.spawn(async move { depth + 1 });
    ///         }
    ///     }
    /// })
    /// .await;
    /// assert_eq!(visited, 1 + 2 + 4);
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = T> + Send + 'env,
        T: Send + 'env,
    {
        self.add(future, Location::caller());
    }
}

impl<'env, T> JoinSet<'env, T, Scope<'env, Local>> {
    /// Spawns a child that stays on this thread; the set will give its value.
    ///
    /// See [`JoinSet::spawn`](JoinSet#method.spawn): this is the same without `Send`.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = T> + 'env,
        T: 'env,
    {
        self.add(future, Location::caller());
    }
}

impl<'env, T, E> JoinSet<'env, T, TryScope<'env, E, Multi>> {
    /// Spawns a child whose `Err` ends the scope; the set will give the `T` of its `Ok(T)`.
    ///
    /// Otherwise like [`JoinSet::spawn`](JoinSet#method.spawn).
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + Send + 'env,
        T: Send + 'env,
        E: Send + 'env,
    {
        self.add(future, Location::caller());
    }
}

impl<'env, T, E> JoinSet<'env, T, TryScope<'env, E, Local>> {
    /// Spawns a child that stays on this thread and whose `Err` ends the scope.
    ///
    /// See [`JoinSet::spawn`](JoinSet#method.spawn): this is the same without `Send`.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + 'env,
        T: 'env,
        E: 'env,
    {
        self.add(future, Location::caller());
    }
}

impl<'env, T, S> JoinSet<'env, T, S> {
    pub(crate) fn new(scope: S) -> Self
    where
        S: ScopeHandle,
    {
        Self {
            results: Results::new(scope.shared()),
            scope,
            unread: VecDeque::new(),
            running: 0,
            env: PhantomData,
        }
    }

    /// Makes it a set that runs at most `limit` children at a time: its
    /// [`spawn`](LimitedJoinSet::spawn) is a future, which waits for room.
    ///
    /// Children that are in the set already count.
    ///
    /// # Panics
    ///
    /// If `limit` is 0: no child could ever run.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt;
    ///
    /// # async fn fetch(page: &str) -> usize { page.len() }
    /// # futures_lite::future::block_on(async {
    /// let pages = ["index", "guide", "api"];
    /// let total = taskpen::scope(async |s| {
    ///     let mut lengths = s.join_set().with_limit(2);
    ///     for page in pages {
    ///         lengths.spawn(fetch(page)).await;
    ///     }
    ///     lengths.fold(0, |total, length| total + length).await
    /// });
    /// assert_eq!(total.await, 13);
    /// # });
    /// ```
    #[track_caller]
    pub fn with_limit(self, limit: usize) -> LimitedJoinSet<'env, T, S> {
        LimitedJoinSet::new(self, limit)
    }

    /// The number of children whose values were not read yet: those that run, and those that have
    /// finished.
    ///
    /// A child that was cancelled, or refused, counts until the stream has found it gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::StreamExt;
    ///
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(async { 1 });
    ///     set.spawn(async { 2 });
    ///     set.next().await;
    ///     assert_eq!(set.len(), 1); // whether or not the other one has finished
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn len(&self) -> usize {
        self.running + self.unread.len()
    }

    /// True if no child runs and every value was read. The stream then gives `None`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cancels the children that have not finished.
    ///
    /// They are not polled again; a poll that is under way on a helper thread goes on to its end.
    /// The stream still gives the values of children that had finished, and then `None` once the
    /// others are gone. So this cancels them and waits for that:
    ///
    /// ```
    /// use futures_lite::StreamExt;
    /// use std::future::pending;
    ///
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(pending::<()>());
    ///     set.cancel_all();
    ///     while set.next().await.is_some() {}
    ///     assert!(set.is_empty()); // and the children are gone
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn cancel_all(&mut self) {
        self.results.cancel();
    }

    pub(crate) fn scope(&self) -> &S {
        &self.scope
    }

    pub(crate) fn add<F>(&mut self, future: F, location: &'static Location<'static>)
    where
        S: Spawner<'env, F, T>,
    {
        self.running += 1;
        self.scope.spawn_into(&self.results, future, location);
    }

    /// Waits until fewer than `limit` children run. Takes no lock if the set knows that already.
    pub(crate) fn poll_room(&mut self, limit: usize, cx: &mut Context<'_>) -> Poll<()> {
        while self.running >= limit {
            ready!(self.poll_arrival(cx));
        }
        Poll::Ready(())
    }

    /// Waits until it hears of a child.
    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.running -= ready!(self.results.poll(&mut self.unread, cx));
        Poll::Ready(())
    }
}

/// Nothing in it is ever pinned.
impl<T, S> Unpin for JoinSet<'_, T, S> {}

impl<T, S> Stream for JoinSet<'_, T, S> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let set = self.get_mut();
        loop {
            if let Some(value) = set.unread.pop_front() {
                if set.unread.is_empty() {
                    shrink(&mut set.unread);
                }
                return Poll::Ready(Some(value));
            }
            if set.running == 0 {
                return Poll::Ready(None);
            }
            ready!(set.poll_arrival(cx));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.unread.len(), Some(self.len()))
    }
}

/// Terminated while it is empty: a new child makes it a stream again.
impl<T, S> FusedStream for JoinSet<'_, T, S> {
    fn is_terminated(&self) -> bool {
        self.is_empty()
    }
}

impl<T, S> Drop for JoinSet<'_, T, S> {
    fn drop(&mut self) {
        self.results.close(mem::take(&mut self.unread));
    }
}

impl<T, S> fmt::Debug for JoinSet<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
