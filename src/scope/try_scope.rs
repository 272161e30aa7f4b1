//! The handle of a fallible scope: a [`Scope`] with a slot for the first error.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use crate::queue::Kind;
use crate::scope::{Local, Multi, Scope};
use crate::task::child_of::{ChildOf, spawn_child};
use crate::task::error::ErrorSlot;
use crate::task::handle::JoinHandle;
use crate::task::metadata::Spawned;

/// A handle of a [`try_scope`](crate::try_scope): children yield `Result`, the first `Err` ends
/// the scope.
///
/// The handle of a child yields the `T` of its `Ok(T)`. An `Err` is never seen through a handle: it
/// ends the scope, and with it all that could await the child.
///
/// It derefs to [`Scope`], so a function that takes `&Scope<'env>` serves both kinds of scope.
/// What is spawned through that plain handle is isolated: its `Result` is a value like any other.
///
/// **Drop.** Dropping a handle does nothing: the children belong to the scope.
///
/// # Examples
///
/// ```
/// use taskpen::{TryScope, try_scope};
/// use std::num::ParseIntError;
///
/// # futures_lite::future::block_on(async {
/// let input = ["1", "2", "x"];
/// let sum = try_scope(async |s: TryScope<'_, ParseIntError>| {
///     let numbers = input.map(|text| s.spawn(async move { text.parse::<u32>() }));
///     let mut sum = 0;
///     for number in numbers {
///         sum += number.await;
///     }
///     Ok(sum)
/// })
/// .await;
/// assert!(sum.is_err());
/// # });
/// ```
pub struct TryScope<'env, E, M = Multi> {
    scope: Scope<'env, M>,
    error: Arc<ErrorSlot<E>>,
}

/// A handle of a [`try_local_scope`](crate::try_local_scope): children need not be `Send`.
pub type TryLocalScope<'env, E> = TryScope<'env, E, Local>;

impl<'env, E, M> TryScope<'env, E, M> {
    /// Spawns a child whose `Err` ends the scope; the handle yields the `T` of its `Ok(T)`.
    ///
    /// Otherwise like [`Scope::spawn`](Scope#method.spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// use taskpen::{TryScope, try_scope};
    ///
    /// # futures_lite::future::block_on(async {
    /// let sum = try_scope(async |s: TryScope<'_, ParseIntError>| {
    ///     let one = s.spawn(async { "1".parse::<u32>() });
    ///     let two = s.spawn(async { "2".parse::<u32>() });
    ///     Ok(one.await + two.await) // no `?`: an `Err` does not come here, it ends the scope
    /// })
    /// .await;
    /// assert_eq!(sum, Ok(3));
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, future: F) -> JoinHandle<'env, T>
    where
        F: Future<Output = Result<T, E>> + ChildOf<'env, Self, T>,
    {
        let spawned = Spawned::here(Kind::Ordinary);
        spawn_child!(future: F, spawn_on or spawn_boxed_on(self, spawned))
    }

    /// Spawns a background child, whose `Err` ends the scope as well.
    ///
    /// Otherwise like [`Scope::spawn_background`](Scope#method.spawn_background).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::{pending, yield_now};
    /// use taskpen::{TryScope, try_scope};
    ///
    /// # futures_lite::future::block_on(async {
    /// let outcome = try_scope(async |s: TryScope<'_, &str>| {
    ///     s.spawn_background(async {
    ///         yield_now().await;
    ///         Err::<(), _>("the connection is lost")
    ///     });
    ///     pending().await
    /// })
    /// .await;
    /// assert_eq!(outcome, Err::<(), _>("the connection is lost"));
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_background<F, T>(&self, future: F) -> JoinHandle<'env, T>
    where
        F: Future<Output = Result<T, E>> + ChildOf<'env, Self, T>,
    {
        let spawned = Spawned::here(Kind::Background);
        spawn_child!(future: F, spawn_on or spawn_boxed_on(self, spawned))
    }
}

// `E: Send` stands at the method and not at the `impl`: there, an error that is not `Send` would
// make the compiler skip it and find that of `Scope`, which isolates a child's `Result`.
impl<'env, E> TryScope<'env, E, Multi> {
    /// Spawns a child that gets its own handle of the scope, to spawn siblings with.
    ///
    /// Otherwise like [`Scope::spawn_with`](Scope#method.spawn_with).
    ///
    /// # Examples
    ///
    /// ```
    /// use taskpen::{TryScope, try_scope};
    ///
    /// # futures_lite::future::block_on(async {
    /// let outcome = try_scope(async |s: TryScope<'_, &str>| {
    ///     s.spawn_with(async |s| {
    ///         s.spawn(async { Err::<(), _>("a grandchild failed") });
    ///         Ok(())
    ///     });
    ///     Ok(())
    /// })
    /// .await;
    /// assert_eq!(outcome, Err("a grandchild failed"));
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_with<F, Fut, T>(&self, body: F) -> JoinHandle<'env, T>
    where
        F: FnOnce(TryScope<'env, E>) -> Fut + Send + 'env,
        Fut: Future<Output = Result<T, E>> + Send + 'env,
        T: Send + 'env,
        E: Send + 'env,
    {
        let scope = self.clone();
        self.spawn(async move { body(scope).await })
    }
}

impl<'env, E> TryScope<'env, E, Local> {
    /// Spawns a child that stays on this thread and gets its own handle of the scope.
    ///
    /// See [`TryScope::spawn_with`](TryScope#method.spawn_with).
    #[track_caller]
    pub fn spawn_with<F, Fut, T>(&self, body: F) -> JoinHandle<'env, T>
    where
        F: FnOnce(TryLocalScope<'env, E>) -> Fut + 'env,
        Fut: Future<Output = Result<T, E>> + 'env,
        T: 'env,
        E: 'env,
    {
        let scope = self.clone();
        self.spawn(async move { body(scope).await })
    }
}

impl<'env, E, M> TryScope<'env, E, M> {
    pub(crate) fn new(scope: Scope<'env, M>, error: Arc<ErrorSlot<E>>) -> Self {
        Self { scope, error }
    }

    /// Returns a handle whose children borrow nothing, and which can be stored anywhere; their
    /// first `Err` ends the scope.
    ///
    /// See [`Scope::to_static`], which gives a plain handle when it is called on the scope within:
    /// `Scope::to_static(&s)`.
    pub fn to_static(&self) -> TryScope<'static, E, M>
    where
        E: 'static,
    {
        TryScope::new(self.scope.to_static(), Arc::clone(&self.error))
    }

    /// Returns a handle whose children bear this name, and whose `Err` ends the scope.
    ///
    /// See [`Scope::named`].
    #[must_use = "it names the children that are spawned by what it returns"]
    pub fn named(&self, name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(self.scope.named(name), Arc::clone(&self.error))
    }

    /// Returns where the first error goes.
    pub(crate) fn error(&self) -> &Arc<ErrorSlot<E>> {
        &self.error
    }
}

impl<'env, E, M> Deref for TryScope<'env, E, M> {
    type Target = Scope<'env, M>;

    fn deref(&self) -> &Scope<'env, M> {
        &self.scope
    }
}

impl<E, M> Clone for TryScope<'_, E, M> {
    fn clone(&self) -> Self {
        Self::new(self.scope.clone(), Arc::clone(&self.error))
    }
}

/// The first error is moved in and out under a lock, and never seen half changed.
impl<E, M> UnwindSafe for TryScope<'_, E, M> {}
impl<E, M> RefUnwindSafe for TryScope<'_, E, M> {}

impl<E, M> fmt::Debug for TryScope<'_, E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared().debug("TryScope", f)
    }
}
