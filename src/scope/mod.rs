//! The handles of a scope, through which children are spawned.
//!
//! A handle is a reference to the shared state and two markers: the lifetime `'env` that children
//! may borrow for, and whether they may move to other threads. The markers carry the soundness,
//! so they are the same for everything one can spawn through:
//!
//! * **Invariant in `'env`.** A handle for a longer or shorter lifetime than the scope's own must
//!   not be had, or a child could borrow what dies before the scope. This must not compile:
//!
//!   ```compile_fail
//!   fn shrink<'a, 'b: 'a>(s: taskpen::Scope<'b>) -> taskpen::Scope<'a> { s }
//!   ```
//! * **[`Multi`] or [`Local`].** A local handle is neither `Send` nor `Sync`, so children that are
//!   not `Send` are spawned on the thread on which the scope's future runs and drops them.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::inspect::Name;
use crate::queue::Kind;
use crate::run::shared::Shared;
use crate::task::child_of::{ChildOf, spawn_child};
use crate::task::handle::JoinHandle;
use crate::task::metadata::Spawned;

mod try_scope;

pub use try_scope::{TryLocalScope, TryScope};

/// Marks a scope whose children are `Send`: they may run on helper threads.
#[derive(Debug)]
pub struct Multi(());

/// Marks a scope whose children stay on its thread and need not be `Send`.
#[derive(Debug)]
pub struct Local(PhantomData<*mut ()>);

/// A handle of a scope: spawns children that may borrow for `'env`.
///
/// [`scope`](crate::scope) hands one to its body. A clone is as cheap as cloning an `Arc`, so
/// children can take one along and spawn siblings.
///
/// **Drop.** Dropping a handle does nothing: the children belong to the scope.
///
/// A handle can be moved out of the body as far as `'env` reaches. Once the scope has ended it
/// refuses: [`spawn`](Self::spawn) then drops the future it is given, and the handle it returns
/// [is cancelled](JoinHandle::is_cancelled).
///
/// # Examples
///
/// A function that spawns takes the handle by reference and names the lifetime:
///
/// ```
/// use taskpen::{Scope, scope};
///
/// fn warm<'env>(s: &Scope<'env>, pages: &'env [String]) {
///     for page in pages {
///         s.spawn(async move { page.len() });
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let pages = vec!["index".to_string(), "guide".to_string()];
/// scope(async |s| warm(&s, &pages)).await;
/// # });
/// ```
pub struct Scope<'env, M = Multi> {
    shared: Arc<Shared>,
    /// Of the children that are spawned by this handle.
    name: Name,
    /// Invariant, and `Send` and `Sync` whatever `'env` is.
    env: PhantomData<fn(&'env ()) -> &'env ()>,
    marker: PhantomData<M>,
}

/// A handle of a [`local_scope`](crate::local_scope): children need not be `Send`.
pub type LocalScope<'env> = Scope<'env, Local>;

impl<'env, M> Scope<'env, M> {
    /// Spawns a child; the scope waits for it.
    ///
    /// In a [`scope`](crate::scope()) the future and its value have to be `Send`; in a
    /// [`local_scope`](crate::local_scope) they need not be, and the child stays on its thread.
    /// Both may borrow for `'env`.
    ///
    /// It polls nothing itself. The child starts in this poll of the scope or in the next; where
    /// helpers are inside, from another thread, or with a waker that polls at once it may run
    /// before `spawn` returns. So hold no lock across it that the child takes. Dropping the handle
    /// leaves the child running in the scope.
    ///
    /// A panic of the child ends the scope, which re-raises it. If the scope has ended already,
    /// `future` is dropped and the handle is cancelled; this never panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let name = String::from("index");
    /// let length = taskpen::scope(async |s| s.spawn(async { name.len() }).await).await;
    /// assert_eq!(length, 5);
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<'env, F::Output>
    where
        F: Future + ChildOf<'env, Self, F::Output>,
    {
        let spawned = Spawned::here(Kind::Ordinary);
        spawn_child!(future: F, spawn_on or spawn_boxed_on(self, spawned))
    }

    /// Spawns a background child: one that does not keep the scope open.
    ///
    /// When the body and all ordinary children are done, background children are cancelled. Until
    /// then they are children like any other.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use futures_lite::future::{pending, yield_now};
    ///
    /// taskpen::scope(async |s| {
    ///     s.spawn_background(async { pending::<()>().await });
    ///     s.spawn(async { yield_now().await });
    /// })
    /// .await; // returns when the second child is done
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_background<F>(&self, future: F) -> JoinHandle<'env, F::Output>
    where
        F: Future + ChildOf<'env, Self, F::Output>,
    {
        let spawned = Spawned::here(Kind::Background);
        spawn_child!(future: F, spawn_on or spawn_boxed_on(self, spawned))
    }
}

impl<'env> Scope<'env, Multi> {
    /// Spawns a child that gets its own handle of the scope, to spawn siblings with.
    ///
    /// `body` is called by the child, not by this method.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// # futures_lite::future::block_on(async {
    /// let visited = AtomicU32::new(0);
    /// let visited = &visited;
    /// taskpen::scope(async |s| {
    ///     s.spawn_with(async move |s| {
    ///         visited.fetch_add(1, Relaxed);
    ///         s.spawn_with(async move |_| {
    ///             visited.fetch_add(1, Relaxed);
    ///         });
    ///     });
    /// })
    /// .await;
    /// assert_eq!(visited.load(Relaxed), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_with<F, Fut>(&self, body: F) -> JoinHandle<'env, Fut::Output>
    where
        F: FnOnce(Scope<'env>) -> Fut + Send + 'env,
        Fut: Future + Send + 'env,
        Fut::Output: Send + 'env,
    {
        let scope = self.clone();
        self.spawn(async move { body(scope).await })
    }
}

impl<'env> Scope<'env, Local> {
    /// Spawns a child that stays on this thread and gets its own handle of the scope.
    ///
    /// See [`Scope::spawn_with`](Scope#method.spawn_with).
    #[track_caller]
    pub fn spawn_with<F, Fut>(&self, body: F) -> JoinHandle<'env, Fut::Output>
    where
        F: FnOnce(LocalScope<'env>) -> Fut + 'env,
        Fut: Future + 'env,
        Fut::Output: 'env,
    {
        let scope = self.clone();
        self.spawn(async move { body(scope).await })
    }
}

impl<M> Scope<'_, M> {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self::with(shared, Name::default())
    }

    fn with(shared: Arc<Shared>, name: Name) -> Self {
        Self {
            shared,
            name,
            env: PhantomData,
            marker: PhantomData,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    #[inline]
    pub(crate) fn name(&self) -> Name {
        self.name.clone()
    }

    /// Returns the number of children that are still alive, background children included.
    ///
    /// A child is alive until its future has been dropped, and so is a closure that runs on without
    /// its child.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     let child = s.spawn(async {});
    ///     assert_eq!(s.len(), 1);
    ///     child.await;
    ///     assert!(s.is_empty());
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Returns true if no child is alive.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns true once no child can be added any more: the scope returned, failed or was dropped,
    /// or is about to.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let escaped = taskpen::scope(async |s| s).await;
    /// assert!(escaped.is_ended());
    /// assert!(escaped.spawn(async {}).is_cancelled()); // refused
    /// # });
    /// ```
    pub fn is_ended(&self) -> bool {
        self.shared.queue.is_ended()
    }

    /// Returns a handle whose children borrow nothing, and which can be stored anywhere.
    ///
    /// For work that is started deep in callbacks, from a request's extensions, from a struct that
    /// has no lifetime. The children are those of this scope, like all others.
    ///
    /// # Examples
    ///
    /// ```
    /// use taskpen::{Scope, scope};
    ///
    /// struct Cache {
    ///     s: Scope<'static>,
    /// }
    ///
    /// impl Cache {
    ///     fn refresh(&self) {
    ///         self.s.spawn(async { /* owns what it uses */ });
    ///     }
    /// }
    ///
    /// # futures_lite::future::block_on(async {
    /// scope(async |s| Cache { s: s.to_static() }.refresh()).await;
    /// # });
    /// ```
    pub fn to_static(&self) -> Scope<'static, M> {
        Scope::with(Arc::clone(&self.shared), self.name())
    }

    /// Returns a handle whose children bear this name, in the [tree](crate::inspect) and in spans.
    ///
    /// It names whatever is spawned by it: children, those of sets and streams, closures. Without
    /// the features `inspect` and `tracing` it does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// taskpen::scope(async |s| {
    ///     s.named("timer").spawn(async {});
    ///     let fetches = s.named("fetch");
    ///     fetches.spawn(async {});
    ///     fetches.join_set().spawn(async {});
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use = "it names the children that are spawned by what it returns"]
    pub fn named(&self, name: impl Into<Cow<'static, str>>) -> Self {
        Self::with(Arc::clone(&self.shared), Name::new(name))
    }

    /// Takes the [tree](crate::inspect) of this scope: itself, and what is inside of it.
    #[cfg(feature = "inspect")]
    #[cfg_attr(docsrs, doc(cfg(feature = "inspect")))]
    pub fn tree(&self) -> crate::inspect::Node {
        crate::inspect::tree_of(&self.shared)
    }
}

impl<M> Clone for Scope<'_, M> {
    fn clone(&self) -> Self {
        Self::with(Arc::clone(&self.shared), self.name())
    }
}

impl<M> fmt::Debug for Scope<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared().debug("Scope", f)
    }
}
