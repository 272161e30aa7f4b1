//! What a scope can be told before it is awaited.
#![forbid(unsafe_code)]
#![expect(private_bounds, reason = "there are four kinds of scopes, and no more")]

use std::borrow::Cow;
use std::sync::Arc;

use super::scoped::{Kind, Scoped, SendChildren};
use crate::help::executor::{Executor, Hook, Source};
use crate::inspect::Name;
#[cfg(feature = "shuffle")]
use crate::run::order::Order;

/// For all kinds of scopes.
impl<F, Fut, S> Scoped<'_, F, Fut, S>
where
    Fut: Future,
    S: Kind,
{
    /// Names the scope, in the [tree](crate::inspect) and in spans.
    ///
    /// Without the features `inspect` and `tracing` it does nothing. Its children are named by
    /// their [handle](crate::Scope::named).
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.root.set_name(Name::new(name));
        self
    }

    /// Polls what is ready in an order that is drawn from `seed`, for tests: at each step one of
    /// the children that are ready, or the body. The same seed gives the same order.
    ///
    /// All children run on the thread that polls the scope, as with [`serial`](Scoped::serial), and
    /// so do those of scopes inside it, which draw from the same seed. What comes from elsewhere is
    /// not drawn: other threads, timers, sockets, pens and closures of `spawn_blocking`. See
    /// [testing](crate::guide::testing).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::cell::RefCell;
    /// use taskpen::local_scope;
    ///
    /// let order = |seed| {
    ///     let order = RefCell::new(Vec::new());
    ///     let scoped = local_scope(async |s| {
    ///         for i in 0..5 {
    ///             let order = &order;
    ///             s.spawn(async move { order.borrow_mut().push(i) });
    ///         }
    ///     });
    ///     futures_lite::future::block_on(scoped.shuffled(seed));
    ///     order.into_inner()
    /// };
    /// assert_eq!(order(1), order(1));
    /// assert!((2..100).any(|seed| order(seed) != order(1)));
    /// ```
    #[cfg(feature = "shuffle")]
    #[cfg_attr(docsrs, doc(cfg(feature = "shuffle")))]
    pub fn shuffled(mut self, seed: u64) -> Self {
        self.root.set_order(Order::drawn_from(seed));
        self
    }
}

/// Helpers: for scopes whose children are `Send`.
impl<F, Fut, S> Scoped<'_, F, Fut, S>
where
    Fut: Future,
    S: Kind + SendChildren,
{
    /// Never asks for helper threads: all children run on the thread that polls the scope.
    ///
    /// Scopes inside it that make no choice of their own inherit this one.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let home = std::thread::current().id();
    /// taskpen::scope(async |s| {
    ///     s.spawn(async { assert_eq!(std::thread::current().id(), home) });
    /// })
    /// .serial()
    /// .await;
    /// # });
    /// ```
    pub fn serial(mut self) -> Self {
        self.root.set_source(Source::Nowhere);
        self
    }

    /// Asks `executor` for helper threads, instead of the one that is inherited or detected.
    ///
    /// Scopes inside it that make no choice of their own inherit this one. See [`Executor`] for an
    /// example, and the [crate's page](crate#parallelism-the-poll-window) for when to need it.
    pub fn on(mut self, executor: impl Executor) -> Self {
        self.root.set_source(Source::given(executor));
        self
    }

    /// Asks for at most `most` helper threads beside the one that polls the scope, and for no more
    /// than the executor has.
    ///
    /// Without it the executor's [`parallelism`](Executor::parallelism) decides; 0 means none.
    ///
    /// It concerns this scope alone: scopes inside it are not limited by it. What they inherit is
    /// [`serial`](Self::serial) and [`on`](Self::on).
    pub fn helpers(mut self, most: usize) -> Self {
        self.root.help().most = Some(most);
        self
    }

    /// Calls `hook` on the thread of each helper, around its stay: around everything that it polls
    /// and drops for the scope.
    ///
    /// What is current where the scope is polled (a span, a context, a task-local) is not current
    /// on the thread of a helper. The hook makes it so: it sets it, calls the function that it is
    /// given, and resets it. Which helpers come, and how often, is unspecified.
    ///
    /// If the hook panics the panic is the scope's. If it does not call the function, that helper
    /// does nothing; if it calls it twice, nothing happens the second time.
    ///
    /// Scopes inside it that have no hook of their own inherit this one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// thread_local! {
    ///     static REQUEST: Cell<u32> = const { Cell::new(0) };
    /// }
    ///
    /// # async_std::task::block_on(async {
    /// REQUEST.set(7);
    /// taskpen::scope(async |s| {
    ///     for _ in 0..100 {
    ///         s.spawn(async { assert_eq!(REQUEST.get(), 7) }); // on whatever thread
    ///     }
    /// })
    /// .around(|stay| {
    ///     let before = REQUEST.replace(7);
    ///     stay();
    ///     REQUEST.set(before);
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn around(mut self, hook: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) -> Self {
        self.root.set_around(Hook::new(Arc::new(hook)));
        self
    }
}
