//! [`Buffered`] and [`BufferUnordered`]: streams whose items run ahead, as children of a scope.
//!
//! Both are a [`ReadAhead`]; what differs is who keeps the children: [`InOrder`] or a [`JoinSet`].
#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::scope::TryScope;
use crate::scope::{Local, Multi, Scope};
use crate::sets::in_order::InOrder;
use crate::sets::join_set::JoinSet;
use crate::sets::read_ahead::{ReadAhead, Start};
use crate::sets::spawner::ScopeHandle;

/// A stream of what futures give, in the order of the futures, some of which run ahead; made by
/// [`Scope::buffered`](Scope#method.buffered).
///
/// The iterator is called when the stream is polled, and only then: at the first poll until `limit`
/// items are started, and once more whenever a value is taken. It is dropped when it has ended.
/// Once the scope has ended it is not called any more, and the stream ends.
///
/// **Drop.** Dropping the stream cancels what it has started, and drops the values that nobody
/// took.
///
/// # Panics
///
/// A panic of an item is the scope's, as for any child. A panic of the iterator leaves the poll
/// that called it, and with it the value that would have been given; the iterator is dropped. If it
/// is caught, the stream still gives the items that were started, and then ends.
///
/// Poll it with a waker that does not panic, for the reason given at
/// [`JoinHandle`](crate::JoinHandle).
///
/// # Cancel safety
///
/// `stream.next()` loses nothing when it is dropped.
///
/// # Examples
///
/// As an argument:
///
/// ```
/// use futures_lite::StreamExt;
/// use std::future::{Ready, ready};
/// use taskpen::Buffered;
///
/// async fn sum(mut ahead: Buffered<'_, impl Iterator<Item = Ready<u32>>, u32>) -> u32 {
///     let mut sum = 0;
///     while let Some(number) = ahead.next().await {
///         sum += number;
///     }
///     sum
/// }
///
/// # futures_lite::future::block_on(async {
/// let sum = taskpen::scope(async |s| sum(s.buffered(2, (1..=4).map(ready))).await).await;
/// assert_eq!(sum, 10);
/// # });
/// ```
#[must_use = "streams do nothing unless they are polled"]
pub struct Buffered<'env, I, T, S = Scope<'env>>(ReadAhead<I, InOrder<'env, T, S>>);

/// A stream of what futures give, in the order in which they finish, some of which run ahead; made
/// by [`Scope::buffer_unordered`](Scope#method.buffer_unordered).
///
/// Apart from that order it is like [`Buffered`].
#[must_use = "streams do nothing unless they are polled"]
pub struct BufferUnordered<'env, I, T, S = Scope<'env>>(ReadAhead<I, JoinSet<'env, T, S>>);

impl<'env> Scope<'env, Multi> {
    /// Runs the futures of an iterator as children, at most `limit` ahead of the consumer: a stream
    /// of what they give, in their order.
    ///
    /// *Ahead* are the items that are started and whose values were not taken. They are children of
    /// the scope: they go on while the consumer is busy with something else, awaits something else,
    /// or does not look at the stream at all. (With `futures::StreamExt::buffered` they stand still
    /// then, which makes read-ahead pointless, and deadlocks if one of them holds what the consumer
    /// waits for.)
    ///
    /// The iterator is called inside the polls of the stream: at the first for the first `limit`
    /// items, and then for the next one whenever a value is taken. It may be infinite: memory is
    /// needed for `limit` items. It may borrow from the body, it is not sent anywhere; the futures
    /// may not, they are children.
    ///
    /// # Panics
    ///
    /// If `limit` is 0: no item could ever start.
    ///
    /// # Examples
    ///
    /// Read-ahead: while one page is dealt with, the next two are fetched.
    ///
    /// ```
    /// use futures_lite::StreamExt;
    ///
    /// # async fn fetch(page: &str) -> String { page.to_uppercase() }
    /// # async fn store(page: String) { futures_lite::future::yield_now().await; drop(page) }
    /// # futures_lite::future::block_on(async {
    /// let pages = ["index", "guide", "api"];
    /// taskpen::scope(async |s| {
    ///     let mut fetched = s.buffered(2, pages.iter().map(|page| fetch(page)));
    ///     while let Some(page) = fetched.next().await {
    ///         store(page).await;
    ///     }
    /// })
    /// .await;
    /// # });
    /// ```
    #[track_caller]
    pub fn buffered<I, F>(&self, limit: usize, items: I) -> Buffered<'env, I::IntoIter, F::Output>
    where
        I: IntoIterator<Item = F>,
        F: Future + Send + 'env,
        F::Output: Send + 'env,
    {
        Buffered::new(self, limit, items)
    }

    /// Runs the futures of an iterator as children, at most `limit` ahead of the consumer: a stream
    /// of what they give, in the order in which they finish.
    ///
    /// Otherwise like [`buffered`](Self::buffered).
    ///
    /// # Panics
    ///
    /// If `limit` is 0: no item could ever start.
    ///
    /// # Examples
    ///
    /// An infinite iterator, of which as much is run as is needed:
    ///
    /// ```
    /// use futures_lite::StreamExt;
    ///
    /// # async fn is_lucky(number: u64) -> (u64, bool) { (number, number % 1_234 == 1_233) }
    /// # futures_lite::future::block_on(async {
    /// let lucky = taskpen::scope(async |s| {
    ///     let mut tried = s.buffer_unordered(8, (0..).map(is_lucky));
    ///     while let Some((number, is_lucky)) = tried.next().await {
    ///         if is_lucky {
    ///             return Some(number);
    ///         }
    ///     }
    ///     None
    /// })
    /// .await;
    /// assert_eq!(lucky, Some(1_233));
    /// # });
    /// ```
    #[track_caller]
    pub fn buffer_unordered<I, F>(
        &self,
        limit: usize,
        items: I,
    ) -> BufferUnordered<'env, I::IntoIter, F::Output>
    where
        I: IntoIterator<Item = F>,
        F: Future + Send + 'env,
        F::Output: Send + 'env,
    {
        BufferUnordered::new(self, limit, items)
    }
}

impl<'env> Scope<'env, Local> {
    /// Runs the futures of an iterator as children that stay on this thread, at most `limit` ahead.
    ///
    /// See [`Scope::buffered`](Scope#method.buffered): this is the same without `Send`.
    #[track_caller]
    pub fn buffered<I, F>(
        &self,
        limit: usize,
        items: I,
    ) -> Buffered<'env, I::IntoIter, F::Output, Self>
    where
        I: IntoIterator<Item = F>,
        F: Future + 'env,
        F::Output: 'env,
    {
        Buffered::new(self, limit, items)
    }

    /// Runs the futures of an iterator as children that stay on this thread, at most `limit` ahead.
    ///
    /// See [`Scope::buffer_unordered`](Scope#method.buffer_unordered): this is the same without
    /// `Send`.
    #[track_caller]
    pub fn buffer_unordered<I, F>(
        &self,
        limit: usize,
        items: I,
    ) -> BufferUnordered<'env, I::IntoIter, F::Output, Self>
    where
        I: IntoIterator<Item = F>,
        F: Future + 'env,
        F::Output: 'env,
    {
        BufferUnordered::new(self, limit, items)
    }
}

// `E: Send` stands at each method, not at the `impl`; see `TryScope::spawn`.
impl<'env, E> TryScope<'env, E, Multi> {
    /// Runs the futures of an iterator as children whose first `Err` ends the scope, at most
    /// `limit` ahead: a stream of the `T`s of their `Ok(T)`s.
    ///
    /// Otherwise like [`Scope::buffered`](Scope#method.buffered).
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
    ///     let texts = ["1", "2", "x"];
    ///     let numbers = s.buffered(2, texts.map(|text| async move { text.parse::<u32>() }));
    ///     Ok(numbers.fold(0, |sum, number| sum + number).await)
    /// })
    /// .await;
    /// assert!(sum.is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn buffered<I, F, T>(&self, limit: usize, items: I) -> Buffered<'env, I::IntoIter, T, Self>
    where
        I: IntoIterator<Item = F>,
        F: Future<Output = Result<T, E>> + Send + 'env,
        T: Send + 'env,
        E: Send + 'env,
    {
        Buffered::new(self, limit, items)
    }

    /// Runs the futures of an iterator as children whose first `Err` ends the scope, at most
    /// `limit` ahead, in the order in which they finish.
    ///
    /// See [`TryScope::buffered`](TryScope#method.buffered) and
    /// [`Scope::buffer_unordered`](Scope#method.buffer_unordered).
    #[track_caller]
    pub fn buffer_unordered<I, F, T>(
        &self,
        limit: usize,
        items: I,
    ) -> BufferUnordered<'env, I::IntoIter, T, Self>
    where
        I: IntoIterator<Item = F>,
        F: Future<Output = Result<T, E>> + Send + 'env,
        T: Send + 'env,
        E: Send + 'env,
    {
        BufferUnordered::new(self, limit, items)
    }
}

impl<'env, E> TryScope<'env, E, Local> {
    /// Runs fallible futures of an iterator as children that stay on this thread, at most `limit`
    /// ahead.
    ///
    /// See [`TryScope::buffered`](TryScope#method.buffered): this is the same without `Send`.
    #[track_caller]
    pub fn buffered<I, F, T>(&self, limit: usize, items: I) -> Buffered<'env, I::IntoIter, T, Self>
    where
        I: IntoIterator<Item = F>,
        F: Future<Output = Result<T, E>> + 'env,
        T: 'env,
        E: 'env,
    {
        Buffered::new(self, limit, items)
    }

    /// Runs fallible futures of an iterator as children that stay on this thread, at most `limit`
    /// ahead.
    ///
    /// See [`TryScope::buffer_unordered`](TryScope#method.buffer_unordered): this is the same
    /// without `Send`.
    #[track_caller]
    pub fn buffer_unordered<I, F, T>(
        &self,
        limit: usize,
        items: I,
    ) -> BufferUnordered<'env, I::IntoIter, T, Self>
    where
        I: IntoIterator<Item = F>,
        F: Future<Output = Result<T, E>> + 'env,
        T: 'env,
        E: 'env,
    {
        BufferUnordered::new(self, limit, items)
    }
}

impl<'env, I: Iterator, T, S> Buffered<'env, I, T, S> {
    #[track_caller]
    fn new(scope: &S, limit: usize, items: impl IntoIterator<IntoIter = I>) -> Self
    where
        S: ScopeHandle,
        InOrder<'env, T, S>: Start<I::Item>,
    {
        let children = InOrder::new(scope.clone());
        Self(ReadAhead::new(items.into_iter(), children, limit))
    }
}

impl<'env, I: Iterator, T, S> BufferUnordered<'env, I, T, S> {
    #[track_caller]
    fn new(scope: &S, limit: usize, items: impl IntoIterator<IntoIter = I>) -> Self
    where
        S: ScopeHandle,
        JoinSet<'env, T, S>: Start<I::Item>,
    {
        let children = JoinSet::new(scope.clone());
        Self(ReadAhead::new(items.into_iter(), children, limit))
    }
}

/// An iterator is called, never pinned.
impl<I, T, S> Unpin for Buffered<'_, I, T, S> {}

/// An iterator is called, never pinned.
impl<I, T, S> Unpin for BufferUnordered<'_, I, T, S> {}

impl<I, T, S> Stream for Buffered<'_, I, T, S> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<I, T, S> FusedStream for Buffered<'_, I, T, S> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<I, T, S> Stream for BufferUnordered<'_, I, T, S> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<I, T, S> FusedStream for BufferUnordered<'_, I, T, S> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<I, T, S> fmt::Debug for Buffered<'_, I, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("Buffered", f)
    }
}

impl<I, T, S> fmt::Debug for BufferUnordered<'_, I, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("BufferUnordered", f)
    }
}
