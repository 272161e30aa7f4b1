//! [`JoinSet`]: children whose values are read as they come.
//!
//! The set keeps no handles. A child leaves its value for the set, in the [`Results`] which the two
//! share, and is freed; the set counts the children that have not left yet. So a child costs no
//! allocation beyond its own, and reading costs one lock for all the values that have arrived.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::stream::FusedStream;
use futures_lite::{Stream, StreamExt};

use crate::queue::Kind;
use crate::run::shared::Shared;
use crate::scope::Scope;
use crate::sets::results::{Results, make_room, pop};
use crate::task::child_of::{ChildOf, spawn_child};
use crate::task::metadata::Spawned;

/// A set of children whose values are read in the order in which they finish.
///
/// [`Scope::join_set`] makes one. Its children are ordinary children of the scope: they run whether
/// or not the set is polled, and the scope waits for them. `S` is the kind of handle that the set
/// came from. It decides what [`spawn`](Self::spawn) takes: in a [`TryScope`](crate::TryScope)
/// children give `Result<T, E>`, the set gives each `T`, and the first `Err` ends the scope.
///
/// [`join_next`](Self::join_next) gives the values; so does the set as a [`Stream`]. Both give
/// `None` when the set is empty *now*: no child runs and every value was read. More can be spawned
/// afterwards, and read.
///
/// A child is freed when it has finished; its value waits in the set, however many there are. To
/// spawn no faster than children finish, wait with [`wait_below`](Self::wait_below).
///
/// **Drop.** Dropping the set cancels the children that have not finished, and drops the values
/// that were not read. Children that are to run on belong to the scope alone:
/// [`Scope::spawn`](Scope#method.spawn).
///
/// A set can leave the body as far as `'env` reaches. Once its scope has ended it spawns nothing
/// any more; it still gives the values of children that had finished, and then `None`.
///
/// # Panics
///
/// A panic of a child is the scope's, as for any child; the set gives no value for it. The set can
/// be used on after a panic that was caught, whatever it interrupted, so it is `UnwindSafe`.
///
/// # Cancel safety
///
/// `join_next`, `wait_below` and the `next` of a stream lose nothing when they are dropped: a value
/// stays in the set until it is returned.
///
/// # Examples
///
/// ```
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
///     while let Some(length) = lengths.join_next().await {
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
///     mirrors.join_next().await // the others are cancelled
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
    /// Children that have not been found to be gone.
    running: usize,
    /// Invariant, like everything one can spawn through.
    env: PhantomData<fn(&'env ()) -> &'env ()>,
}

impl<'env, T, S> JoinSet<'env, T, S> {
    pub(crate) fn new(scope: S, shared: &Arc<Shared>) -> Self {
        Self {
            scope,
            results: Results::new(shared),
            unread: VecDeque::new(),
            running: 0,
            env: PhantomData,
        }
    }

    /// Spawns a child; the set will give its value.
    ///
    /// What `future` may be depends on the scope that the set came from: see [`ChildOf`]. In a
    /// [`TryScope`](crate::TryScope) it gives a `Result`; the set gives the `T` of an `Ok(T)`, and
    /// the first `Err` ends the scope.
    ///
    /// The child is cancelled when the set is dropped, so keep the set in a variable:
    /// `s.join_set().spawn(future);` as a statement cancels the child before it has run. If the
    /// scope has ended, `future` is dropped and the set gives nothing for it; this never panics.
    ///
    /// # Examples
    ///
    /// A value can be the reason for more children:
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let mut visited = 0;
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(async { 1 });
    ///     while let Some(depth) = set.join_next().await {
    ///         visited += 1;
    ///         if depth < 3 {
    ///             (0..2).for_each(|_| set.spawn(async move { depth + 1 }));
    ///         }
    ///     }
    /// })
    /// .await;
    /// assert_eq!(visited, 1 + 2 + 4);
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future + ChildOf<'env, S, T>,
    {
        self.count_in();
        let spawned = Spawned::here(Kind::Ordinary);
        let (scope, results) = (&self.scope, &self.results);
        spawn_child!(future: F, spawn_in or spawn_boxed_in(scope, results, spawned));
    }

    /// Waits for the next value.
    ///
    /// Returns `None` if the set is empty: no child runs, and every value was read.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the returned future is dropped: the value stays in the set.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(async { 1 });
    ///     assert_eq!(set.join_next().await, Some(1));
    ///     assert_eq!(set.join_next().await, None); // empty now
    /// })
    /// .await;
    /// # });
    /// ```
    pub async fn join_next(&mut self) -> Option<T> {
        self.next().await
    }

    /// Returns the next value if one is there, without waiting.
    ///
    /// `None` means that no value has arrived. It does not mean that there will be none: children
    /// may run. [`is_empty`](Self::is_empty) tells that none is to come.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(async { 1 });
    ///     while !s.is_empty() {
    ///         assert!(!set.is_empty()); // it runs, or its value was not read
    ///         futures_lite::future::yield_now().await;
    ///     }
    ///     assert_eq!(set.try_join_next(), Some(1));
    ///     assert_eq!(set.try_join_next(), None);
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn try_join_next(&mut self) -> Option<T> {
        if self.unread.is_empty() && self.running > 0 {
            self.running -= self.results.take(&mut self.unread);
        }
        pop(&mut self.unread)
    }

    /// Waits until fewer than `limit` children run, so that there is room for one more.
    ///
    /// A child runs, in this sense, from `spawn` until its future is gone. A value that was not
    /// read does not count: values wait in the set, however many there are. Read as you go along if
    /// they are large; or let [`buffer_unordered`](Scope::buffer_unordered) start the next child
    /// only when a value was taken.
    ///
    /// A `limit` of 0 means 1. If the scope has ended this returns at once.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the returned future is dropped.
    ///
    /// # Examples
    ///
    /// At most three at a time; what is there is read in between.
    ///
    /// ```
    /// # async fn fetch(page: u32) -> u32 { futures_lite::future::yield_now().await; page }
    /// # futures_lite::future::block_on(async {
    /// let total = taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     let mut total = 0;
    ///     for page in 1..=10 {
    ///         set.wait_below(3).await;
    ///         set.spawn(fetch(page));
    ///         while let Some(value) = set.try_join_next() {
    ///             total += value;
    ///         }
    ///     }
    ///     while let Some(value) = set.join_next().await {
    ///         total += value;
    ///     }
    ///     total
    /// })
    /// .await;
    /// assert_eq!(total, 55);
    /// # });
    /// ```
    pub async fn wait_below(&mut self, limit: usize) {
        let limit = limit.max(1);
        poll_fn(|cx| {
            while self.running >= limit {
                ready!(self.poll_arrival(cx));
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Cancels the children that have not finished.
    ///
    /// They are not polled again; a poll that is under way on a helper thread goes on to its end.
    /// The set still gives the values of children that had finished, and then `None` once the
    /// others are gone. So this cancels them and waits for that:
    ///
    /// ```
    /// use std::future::pending;
    ///
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(pending::<()>());
    ///     set.cancel_all();
    ///     while set.join_next().await.is_some() {}
    ///     assert!(set.is_empty()); // and the children are gone
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn cancel_all(&mut self) {
        self.results.cancel();
    }

    /// Returns the number of children whose values were not read yet: those that run, and those
    /// that have finished.
    ///
    /// A child that was cancelled, or refused, counts until [`join_next`](Self::join_next) or
    /// another method has found it gone.
    pub fn len(&self) -> usize {
        self.running + self.unread.len()
    }

    /// Returns true if no child runs and every value was read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts a child, which `spawn` spawns.
    #[inline(always)]
    pub(crate) fn spawn_by(&mut self, spawn: impl FnOnce(&S, &Arc<Results<T>>)) {
        self.count_in();
        spawn(&self.scope, &self.results);
    }

    /// Counts a child that is spawned now, and now and then makes room for what they will leave.
    /// When that comes it would be late: then children are freed, and it is dear for malloc to give
    /// or take a large block while it keeps many small ones for those that follow.
    fn count_in(&mut self) {
        self.running += 1;
        if self.running.is_power_of_two() && self.unread.is_empty() {
            make_room(&mut self.unread, self.running);
        }
    }

    /// Waits until a child has left.
    fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.running -= ready!(self.results.poll(&mut self.unread, cx));
        Poll::Ready(())
    }
}

/// Each is spawned like by [`JoinSet::spawn`].
impl<'env, F, T, S> Extend<F> for JoinSet<'env, T, S>
where
    F: Future + ChildOf<'env, S, T>,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        for future in futures {
            self.spawn(future);
        }
    }
}

// Nothing in it is ever pinned.
impl<T, S> Unpin for JoinSet<'_, T, S> {}

/// It is in order whatever panics: a child, the destructor of a value, an iterator it is extended
/// by.
impl<T, S> UnwindSafe for JoinSet<'_, T, S> {}

/// A shared reference changes nothing.
impl<T, S> RefUnwindSafe for JoinSet<'_, T, S> {}

/// Like [`JoinSet::join_next`].
impl<T, S> Stream for JoinSet<'_, T, S> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            if let Some(value) = pop(&mut self.unread) {
                return Poll::Ready(Some(value));
            }
            if self.running == 0 {
                return Poll::Ready(None);
            }
            ready!(self.poll_arrival(cx));
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
