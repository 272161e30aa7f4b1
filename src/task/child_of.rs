//! [`ChildOf`]: what can be a child of which kind of scope.
//!
//! What spawns is written once, for a handle `S` of any kind of scope. What a child may be
//! differs: with or without `Send`, with or without `Result`. That is said here, once for each
//! kind, in the bounds of an implementation. The compiler picks the implementation by `S` alone and
//! then reports the bound that does not hold, so its errors are those of a method with that bound.
//! The future is the `Self` of the trait: with the scope in its place the compiler adds to each
//! error a list of the implementations.
//!
//! # Large futures
//!
//! Each function that a future is passed through by value has it on its stack, and a debug build
//! keeps all of those places. So a [large](is_large) future is put into a box by the first function
//! that gets it, which is the one that the user calls; what wraps it then, wraps the box. The
//! methods are inlined for the sake of the others.
//!
//! Which of the two it is, is asked by `if const { … }`. The other branch of that is not compiled
//! in a debug build either, so it has no place on the stack.
#![forbid(unsafe_code)]

use std::pin::Pin;
use std::sync::Arc;

use crate::scope::{Local, LocalScope, Multi, Scope, TryLocalScope, TryScope};
use crate::sets::member::Member;
use crate::sets::results::Results;
use crate::task::child::{spawn_local, spawn_multi};
use crate::task::error::TryChild;
use crate::task::handle::JoinHandle;
use crate::task::metadata::Spawned;

/// A future that can be a child of a scope with the handle `S`, and then gives a `T`.
///
/// | `S` | implemented for |
/// |---|---|
/// | [`Scope`] | `Future<Output = T> + Send + 'env` |
/// | [`LocalScope`](crate::LocalScope) | `Future<Output = T> + 'env` |
/// | [`TryScope`] | `Future<Output = Result<T, E>> + Send + 'env` |
/// | [`TryLocalScope`] | `Future<Output = Result<T, E>> + 'env` |
///
/// There are no other implementations: this trait is sealed.
///
/// # Examples
///
/// It is the bound of code that is generic over the kind of scope:
///
/// ```
/// use taskpen::{ChildOf, JoinSet};
///
/// async fn fill<'env, S, F, T>(set: &mut JoinSet<'env, T, S>, futures: Vec<F>)
/// where
///     F: Future + ChildOf<'env, S, T>,
/// {
///     for future in futures {
///         set.wait_below(2).await;
///         set.spawn(future);
///     }
/// }
/// # futures_lite::future::block_on(taskpen::scope(async |s| {
/// #     fill(&mut s.join_set(), vec![async {}]).await;
/// # }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a child of `{S}` that gives `{T}`",
    label = "not a child of this scope",
    note = "children are spawned through a `Scope`, `LocalScope`, `TryScope` or `TryLocalScope`; \
            where `S` is a type parameter, say `F: ChildOf<'env, S, T>`"
)]
pub trait ChildOf<'env, S, T> {
    /// Spawns a child whose handle gives the value.
    #[doc(hidden)]
    fn spawn_on(self, scope: &S, spawned: Spawned) -> JoinHandle<'env, T>;

    /// Spawns a child that leaves its value for a set.
    #[doc(hidden)]
    fn spawn_in(self, scope: &S, results: &Arc<Results<T>>, spawned: Spawned);

    /// The first, for one in a box.
    #[doc(hidden)]
    fn spawn_boxed_on(self: Pin<Box<Self>>, scope: &S, spawned: Spawned) -> JoinHandle<'env, T>;

    /// The second, for one in a box.
    #[doc(hidden)]
    fn spawn_boxed_in(self: Pin<Box<Self>>, scope: &S, results: &Arc<Results<T>>, spawned: Spawned);
}

/// Returns whether a future is so large that async-task would box it as well, when it has been
/// moved to there.
pub(crate) const fn is_large<F>() -> bool {
    size_of::<F>() >= 2048
}

/// Spawns a future by one of the methods of [`ChildOf`]: the second if it is large. A macro,
/// because a function would be one more that has the future on its stack.
macro_rules! spawn_child {
    ($future:ident: $Future:ty, $small:ident or $large:ident $args:tt) => {
        if const { $crate::task::child_of::is_large::<$Future>() } {
            Box::pin($future).$large $args
        } else {
            $future.$small $args
        }
    };
}
pub(crate) use spawn_child;

impl<'env, F, T> ChildOf<'env, Scope<'env, Multi>, T> for F
where
    F: Future<Output = T> + Send + 'env,
    T: Send + 'env,
{
    #[inline]
    fn spawn_on(self, scope: &Scope<'env>, spawned: Spawned) -> JoinHandle<'env, T> {
        spawn_multi(scope, spawned, self)
    }

    #[inline]
    fn spawn_in(self, scope: &Scope<'env>, results: &Arc<Results<T>>, spawned: Spawned) {
        spawn_multi(scope, spawned, Member::new(self, results));
    }

    fn spawn_boxed_on(
        self: Pin<Box<Self>>,
        scope: &Scope<'env>,
        spawned: Spawned,
    ) -> JoinHandle<'env, T> {
        self.spawn_on(scope, spawned)
    }

    fn spawn_boxed_in(
        self: Pin<Box<Self>>,
        scope: &Scope<'env>,
        results: &Arc<Results<T>>,
        spawned: Spawned,
    ) {
        self.spawn_in(scope, results, spawned);
    }
}

impl<'env, F, T> ChildOf<'env, Scope<'env, Local>, T> for F
where
    F: Future<Output = T> + 'env,
    T: 'env,
{
    #[inline]
    fn spawn_on(self, scope: &LocalScope<'env>, spawned: Spawned) -> JoinHandle<'env, T> {
        spawn_local(scope, spawned, self)
    }

    #[inline]
    fn spawn_in(self, scope: &LocalScope<'env>, results: &Arc<Results<T>>, spawned: Spawned) {
        spawn_local(scope, spawned, Member::new(self, results));
    }

    fn spawn_boxed_on(
        self: Pin<Box<Self>>,
        scope: &LocalScope<'env>,
        spawned: Spawned,
    ) -> JoinHandle<'env, T> {
        self.spawn_on(scope, spawned)
    }

    fn spawn_boxed_in(
        self: Pin<Box<Self>>,
        scope: &LocalScope<'env>,
        results: &Arc<Results<T>>,
        spawned: Spawned,
    ) {
        self.spawn_in(scope, results, spawned);
    }
}

impl<'env, F, T, E> ChildOf<'env, TryScope<'env, E, Multi>, T> for F
where
    F: Future<Output = Result<T, E>> + Send + 'env,
    T: Send + 'env,
    E: Send + 'env,
{
    #[inline]
    fn spawn_on(self, scope: &TryScope<'env, E>, spawned: Spawned) -> JoinHandle<'env, T> {
        TryChild::new(self, scope.error()).spawn_on(&**scope, spawned)
    }

    #[inline]
    fn spawn_in(self, scope: &TryScope<'env, E>, results: &Arc<Results<T>>, spawned: Spawned) {
        TryChild::new(self, scope.error()).spawn_in(&**scope, results, spawned);
    }

    fn spawn_boxed_on(
        self: Pin<Box<Self>>,
        scope: &TryScope<'env, E>,
        spawned: Spawned,
    ) -> JoinHandle<'env, T> {
        self.spawn_on(scope, spawned)
    }

    fn spawn_boxed_in(
        self: Pin<Box<Self>>,
        scope: &TryScope<'env, E>,
        results: &Arc<Results<T>>,
        spawned: Spawned,
    ) {
        self.spawn_in(scope, results, spawned);
    }
}

impl<'env, F, T, E> ChildOf<'env, TryScope<'env, E, Local>, T> for F
where
    F: Future<Output = Result<T, E>> + 'env,
    T: 'env,
    E: 'env,
{
    #[inline]
    fn spawn_on(self, scope: &TryLocalScope<'env, E>, spawned: Spawned) -> JoinHandle<'env, T> {
        TryChild::new(self, scope.error()).spawn_on(&**scope, spawned)
    }

    #[inline]
    fn spawn_in(self, scope: &TryLocalScope<'env, E>, results: &Arc<Results<T>>, spawned: Spawned) {
        TryChild::new(self, scope.error()).spawn_in(&**scope, results, spawned);
    }

    fn spawn_boxed_on(
        self: Pin<Box<Self>>,
        scope: &TryLocalScope<'env, E>,
        spawned: Spawned,
    ) -> JoinHandle<'env, T> {
        self.spawn_on(scope, spawned)
    }

    fn spawn_boxed_in(
        self: Pin<Box<Self>>,
        scope: &TryLocalScope<'env, E>,
        results: &Arc<Results<T>>,
        spawned: Spawned,
    ) {
        self.spawn_in(scope, results, spawned);
    }
}
