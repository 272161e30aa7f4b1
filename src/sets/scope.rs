//! The methods of scopes that make sets and streams.
//!
//! Those of [`Scope`] serve local scopes as well. [`TryScope`] has its own: it derefs to `Scope`,
//! and the methods of that would take the `Result` of a child for its value.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use crate::scope::Scope;
use crate::scope::TryScope;
use crate::sets::buffered::{Ahead, Buffered};
use crate::sets::join_set::JoinSet;
use crate::task::child_of::ChildOf;

impl<'env, M> Scope<'env, M> {
    /// Returns an empty set, for children whose values are read as they come.
    ///
    /// Keep it in a variable: `s.join_set().spawn(future);` as a statement drops the set at its
    /// end, and so cancels the child before it has run.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let sum = taskpen::scope(async |s| {
    ///     let mut set = s.join_set();
    ///     set.spawn(async { 1 });
    ///     set.spawn(async { 2 });
    ///     let mut sum = 0;
    ///     while let Some(value) = set.join_next().await {
    ///         sum += value;
    ///     }
    ///     sum
    /// })
    /// .await;
    /// assert_eq!(sum, 3);
    /// # });
    /// ```
    #[must_use = "dropping a set cancels its children"]
    pub fn join_set<T>(&self) -> JoinSet<'env, T, Self> {
        JoinSet::new(self.clone(), self.shared())
    }

    /// Runs the futures of an iterator as children, at most `limit` ahead of the consumer. Returns
    /// a stream of what they give, in their order.
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
    /// may not, they are children. What they may be is the same as for [`JoinSet::spawn`].
    ///
    /// A `limit` of 0 means 1.
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
    pub fn buffered<I, T>(&self, limit: usize, items: I) -> Buffered<'env, I::IntoIter, T, Self>
    where
        I: IntoIterator,
        I::Item: Future + ChildOf<'env, Self, T>,
    {
        let ahead = Ahead::InOrder(self.clone(), VecDeque::new());
        Buffered::new(self.shared(), ahead, limit, items.into_iter())
    }

    /// Runs the futures of an iterator as children, at most `limit` ahead of the consumer. Returns
    /// a stream of what they give, in the order in which they finish.
    ///
    /// Otherwise like [`buffered`](Self::buffered).
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
    pub fn buffer_unordered<I, T>(
        &self,
        limit: usize,
        items: I,
    ) -> Buffered<'env, I::IntoIter, T, Self>
    where
        I: IntoIterator,
        I::Item: Future + ChildOf<'env, Self, T>,
    {
        let ahead = Ahead::AnyOrder(self.join_set());
        Buffered::new(self.shared(), ahead, limit, items.into_iter())
    }
}

impl<'env, E, M> TryScope<'env, E, M> {
    /// Returns an empty set, for children that give `Result`: the set gives each `T` of an `Ok(T)`,
    /// and the first `Err` ends the scope.
    ///
    /// Otherwise like [`Scope::join_set`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// use taskpen::{TryScope, try_scope};
    ///
    /// # futures_lite::future::block_on(async {
    /// let sum = try_scope(async |s: TryScope<'_, ParseIntError>| {
    ///     let mut numbers = s.join_set();
    ///     for text in ["1", "2", "x"] {
    ///         numbers.spawn(async move { text.parse::<u32>() });
    ///     }
    ///     let mut sum = 0;
    ///     while let Some(number) = numbers.join_next().await {
    ///         sum += number;
    ///     }
    ///     Ok(sum)
    /// })
    /// .await;
    /// assert!(sum.is_err());
    /// # });
    /// ```
    #[must_use = "dropping a set cancels its children"]
    pub fn join_set<T>(&self) -> JoinSet<'env, T, Self> {
        JoinSet::new(self.clone(), self.shared())
    }

    /// Runs the futures of an iterator as children whose first `Err` ends the scope, at most
    /// `limit` ahead of the consumer. Returns a stream of the `T`s of their `Ok(T)`s, in their
    /// order.
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
    pub fn buffered<I, T>(&self, limit: usize, items: I) -> Buffered<'env, I::IntoIter, T, Self>
    where
        I: IntoIterator,
        I::Item: Future + ChildOf<'env, Self, T>,
    {
        let ahead = Ahead::InOrder(self.clone(), VecDeque::new());
        Buffered::new(self.shared(), ahead, limit, items.into_iter())
    }

    /// Runs the futures of an iterator as children whose first `Err` ends the scope, at most
    /// `limit` ahead of the consumer. Returns a stream of the `T`s of their `Ok(T)`s, in the order
    /// in which they finish.
    ///
    /// Otherwise like [`Scope::buffered`](Scope#method.buffered).
    #[track_caller]
    pub fn buffer_unordered<I, T>(
        &self,
        limit: usize,
        items: I,
    ) -> Buffered<'env, I::IntoIter, T, Self>
    where
        I: IntoIterator,
        I::Item: Future + ChildOf<'env, Self, T>,
    {
        let ahead = Ahead::AnyOrder(self.join_set());
        Buffered::new(self.shared(), ahead, limit, items.into_iter())
    }
}
