//! [`try_scope`] and [`try_local_scope`], and the future they return: a [`Driver`] with a way to
//! start the body, and a slot for the first error.
#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::driver::Driver;
use crate::fallible::HeldSlot;
use crate::helper::Help;
use crate::panic::quietly;
use crate::runtime::{Choice, Lender, Runtime};
use crate::scope::{Local, Multi, Scope};
use crate::shared::Shared;
use crate::try_scope::{LocalTryScope, TryScope};

/// Opens a scope in which the first `Err`, of a child or of the body, ends everything.
///
/// The body and all other children are dropped and the `Err` is returned; later ones are dropped.
/// `Ok` means that the body and every ordinary child gave `Ok`. The `Err` of a background child
/// ends the scope as well. A panic beats an `Err`.
///
/// Everything else is as for [`scope`](crate::scope()). Name the error type at the closure's
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
///     Ok(first.await + second.await) // plain values: nobody sees a child that failed
/// })
/// .await?;
/// assert_eq!(total, 10);
/// # Ok(()) }) }
/// ```
pub fn try_scope<'env, F, Fut, T, E>(body: F) -> TryScoped<'env, F, Fut, E>
where
    F: FnOnce(TryScope<'env, E>) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    TryScoped::new(body, Help::allowed())
}

/// Opens a [`try_scope`] whose children need not be `Send`; its future is not `Send` either.
///
/// # Examples
///
/// ```
/// # futures_lite::future::block_on(async {
/// use std::rc::Rc;
/// use taskpen::{LocalTryScope, try_local_scope};
///
/// let text = Rc::new(String::from("7"));
/// let number = try_local_scope(async |s: LocalTryScope<'_, std::num::ParseIntError>| {
///     let text = Rc::clone(&text);
///     Ok(s.spawn(async move { text.parse::<u32>() }).await)
/// })
/// .await;
/// assert_eq!(number, Ok(7));
/// # });
/// ```
pub fn try_local_scope<'env, F, Fut, T, E>(body: F) -> LocalTryScoped<'env, F, Fut, E>
where
    F: FnOnce(LocalTryScope<'env, E>) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    TryScoped::new(body, Help::forbidden())
}

/// The future of [`try_scope`](crate::try_scope): resolves to the body's value once every child
/// is gone, or to the first `Err`.
///
/// It behaves like [`Scoped`](crate::Scoped) when it is dropped, leaked or polled too often.
///
/// # Panics
///
/// As [`Scoped`](crate::Scoped) does; a panic beats an `Err`.
#[pin_project(!Unpin)]
#[must_use = "a scope does nothing unless it is awaited"]
pub struct TryScoped<'env, F, Fut: Future, E, M = Multi> {
    #[pin]
    driver: Driver<'env, F, Fut, M>,
    /// As in [`Scoped`](crate::Scoped).
    start: fn(F, TryScope<'env, E, M>) -> Fut,
    error: HeldSlot<E>,
}

/// The future of [`try_local_scope`](crate::try_local_scope); it is not `Send`.
pub type LocalTryScoped<'env, F, Fut, E> = TryScoped<'env, F, Fut, E, Local>;

impl<F, Fut: Future, E> TryScoped<'_, F, Fut, E, Multi> {
    /// Never asks for helper threads; see [`Scoped::serial`](crate::Scoped::serial).
    pub fn serial(mut self) -> Self {
        self.driver.help().choice = Choice::Serial;
        self
    }

    /// Asks `runtime` for helper threads; see [`Scoped::on`](crate::Scoped::on).
    pub fn on(mut self, runtime: impl Runtime) -> Self {
        self.driver.help().choice = Choice::On(Lender::new(runtime));
        self
    }

    /// Asks for at most `helpers` helper threads; see [`Scoped::workers`](crate::Scoped::workers).
    pub fn workers(mut self, helpers: usize) -> Self {
        self.driver.help().workers = Some(helpers);
        self
    }
}

impl<'env, F, Fut, E, M> TryScoped<'env, F, Fut, E, M>
where
    F: FnOnce(TryScope<'env, E, M>) -> Fut,
    Fut: Future,
{
    fn new(entry: F, help: Help) -> Self {
        let driver = Driver::new(entry, help);
        let error = HeldSlot::new(Arc::clone(driver.shared()));
        Self {
            driver,
            start: |entry, scope| entry(scope),
            error,
        }
    }
}

impl<F, Fut, T, E, M> Future for TryScoped<'_, F, Fut, E, M>
where
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        let this = self.project();
        let start = |entry, shared: &Arc<Shared>| {
            let scope = Scope::new(Arc::clone(shared));
            (this.start)(entry, TryScope::new(scope, Arc::clone(this.error)))
        };
        let is_failure = |output: &Result<T, E>| {
            if output.is_err() {
                this.error.body_failed();
            }
            output.is_err()
        };
        let mut driver = this.driver;
        let mut output = ready!(driver.as_mut().poll(cx, start, is_failure));
        let error = this.error.take();
        if error.is_some() {
            // The body may have finished before. Its value goes, and can panic.
            driver.shared().report(|| drop(output.take()));
        }
        if let Some(panic) = driver.shared().take_panic() {
            quietly(|| drop(output));
            quietly(|| drop(error));
            resume_unwind(panic); // which beats an error
        }
        match error.map_or(output, |error| Some(Err(error))) {
            Some(result) => Poll::Ready(result),
            None => unreachable!("a scope is stopped by a panic or an error"),
        }
    }
}

impl<F, Fut: Future, E, M> fmt::Debug for TryScoped<'_, F, Fut, E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.driver.shared().debug("TryScoped", f)
    }
}
