//! Opening a scope: [`scope`], [`try_scope`] and their local forms.
#![forbid(unsafe_code)]

use crate::help::dispatch::Help;
use crate::scope::{LocalScope, Scope, TryLocalScope, TryScope};

mod options;
mod scoped;
mod until;

pub use scoped::{LocalScoped, Scoped, TryLocalScoped, TryScoped};
pub use until::Until;

/// Opens a scope: runs `body`, and returns its value once every child it spawned is gone.
///
/// Children may borrow whatever outlives the returned future. They run concurrently with each
/// other and with the body, and none is left when the future returns, is dropped or panics.
///
/// Write the body as an async closure, `async |s| { … }`, which borrows what it uses. The form
/// `|s| async move { … }` works as well, but moves the variables that it names into the body; take
/// references to them first (`let data = &data;`). The body is called at the first poll, not here.
/// A scope that has to own what it uses, because it is returned or spawned, wants
/// `async move |s| { … }`.
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
/// [`until`](Scoped::until) is a race that waits for closures of `spawn_blocking` as well.
///
/// With tokio, `tokio::select!` does the same as `or`:
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
#[cfg_attr(any(feature = "inspect", feature = "tracing"), track_caller)]
pub fn scope<'env, F, Fut>(body: F) -> Scoped<'env, F, Fut>
where
    F: FnOnce(Scope<'env>) -> Fut,
    Fut: Future,
{
    Scoped::new(body, Help::new(None))
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
#[cfg_attr(any(feature = "inspect", feature = "tracing"), track_caller)]
pub fn local_scope<'env, F, Fut>(body: F) -> LocalScoped<'env, F, Fut>
where
    F: FnOnce(LocalScope<'env>) -> Fut,
    Fut: Future,
{
    Scoped::new(body, Help::new(Some(0)))
}

/// Opens a scope in which the first `Err`, of a child or of the body, ends everything.
///
/// The body and all other children are dropped and the `Err` is returned; later ones are dropped.
/// `Ok` means that the body and every ordinary child gave `Ok`. The `Err` of a background child
/// ends the scope as well. A panic beats an `Err`.
///
/// Everything else is as for [`scope`]. Name the error type at the closure's
/// parameter, as below: a `?` inside a child converts errors, so the compiler cannot infer the type
/// from it.
///
/// # Examples
///
/// ```
/// use std::io;
/// use taskpen::{TryScope, try_scope};
///
/// async fn fetch(page: &str) -> io::Result<usize> {
///     # let _ = (); futures_lite::future::yield_now().await;
///     if page.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(page.len()) }
/// }
///
/// # fn main() -> io::Result<()> { futures_lite::future::block_on(async {
/// let pages = ["index", "guide"];
/// let total = try_scope(async |s: TryScope<'_, io::Error>| {
///     let first = s.spawn(fetch(pages[0]));
///     let second = s.spawn(fetch(pages[1]));
///     Ok(first.await + second.await) // plain values: an `Err` ends the scope
/// })
/// .await?;
/// assert_eq!(total, 10);
/// # Ok(()) }) }
/// ```
#[cfg_attr(any(feature = "inspect", feature = "tracing"), track_caller)]
pub fn try_scope<'env, F, Fut, T, E>(body: F) -> TryScoped<'env, F, Fut, E>
where
    F: FnOnce(TryScope<'env, E>) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    Scoped::new(body, Help::new(None))
}

/// Opens a [`try_scope`] whose children need not be `Send`; its future is not `Send` either.
///
/// # Examples
///
/// ```
/// # futures_lite::future::block_on(async {
/// use std::rc::Rc;
/// use taskpen::{TryLocalScope, try_local_scope};
///
/// let text = Rc::new(String::from("7"));
/// let number = try_local_scope(async |s: TryLocalScope<'_, std::num::ParseIntError>| {
///     let text = Rc::clone(&text);
///     Ok(s.spawn(async move { text.parse::<u32>() }).await)
/// })
/// .await;
/// assert_eq!(number, Ok(7));
/// # });
/// ```
#[cfg_attr(any(feature = "inspect", feature = "tracing"), track_caller)]
pub fn try_local_scope<'env, F, Fut, T, E>(body: F) -> TryLocalScoped<'env, F, Fut, E>
where
    F: FnOnce(TryLocalScope<'env, E>) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    Scoped::new(body, Help::new(Some(0)))
}
