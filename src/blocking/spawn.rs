//! `spawn_blocking`: closures on the pool of threads of the `blocking` crate, as children.
#![forbid(unsafe_code)]

use std::sync::Arc;

use blocking::unblock;

use crate::blocking::closure::{BlockingChild, Closure};
use crate::queue::Kind;
use crate::run::shared::Shared;
use crate::scope::Scope;
use crate::scope::TryScope;
use crate::task::child::spawn_multi;
use crate::task::error::TryChild;
use crate::task::handle::JoinHandle;
use crate::task::metadata::Spawned;

impl<'env, M> Scope<'env, M> {
    /// Spawns a child that runs a closure which may block, on a pool of threads for such work.
    ///
    /// The pool is that of the `blocking` crate, which async-std and smol use as well. The closure
    /// is put in its queue when the child is polled for the first time. It cannot borrow from
    /// `'env`: a scope that is forgotten cannot wait for another thread.
    ///
    /// **The scope waits for a closure that is running**, whatever ends it: nothing can interrupt
    /// it. One that the pool has not started yet is skipped, and dropped with its child. On an
    /// `Err` and on a panic the scope's future is pending meanwhile, without its other children;
    /// but **dropping the scope's future blocks the thread** until the closure returns. A closure
    /// that takes long should look at a [`StopToken`](crate::StopToken) now and then.
    ///
    /// A panic of the closure ends the scope, which re-raises it.
    ///
    /// [`JoinHandle::cancel`] skips the closure if it has not started. If it is running the child
    /// is let go: `cancel` resolves without waiting for the closure, whose value will be dropped
    /// when it returns. Until then it counts as a child, and the scope waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let page = String::from("a page");
    /// let sum = taskpen::scope(async |s| {
    ///     let stop = s.stop_token();
    ///     let sum = s.spawn_blocking(move || {
    ///         let bytes = page.bytes().take_while(|_| !stop.stop_requested());
    ///         bytes.map(u32::from).sum::<u32>()
    ///     });
    ///     sum.await
    /// })
    /// .await;
    /// assert_eq!(sum, 542);
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F) -> JoinHandle<'env, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let child = child(self.shared(), f);
        spawn_multi(self, Spawned::here(Kind::Ordinary), child)
    }

    /// Spawns a background child that runs a closure which may block: it does not keep the scope
    /// open.
    ///
    /// When the body and all ordinary children are done the child is cancelled: a closure that has
    /// not started is skipped, and one that is running is waited for. Otherwise like
    /// [`spawn_blocking`](Self::spawn_blocking). It is for what background children have to do on
    /// another thread.
    #[track_caller]
    pub fn spawn_blocking_background<F, T>(&self, f: F) -> JoinHandle<'env, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let child = child(self.shared(), f);
        spawn_multi(self, Spawned::here(Kind::Background), child)
    }
}

impl<'env, E, M> TryScope<'env, E, M> {
    /// Spawns a child that runs a closure which may block; its `Err` ends the scope.
    ///
    /// Otherwise like [`Scope::spawn_blocking`]. The `Err` of a closure that was let go is dropped.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F) -> JoinHandle<'env, T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let child = TryChild::new(child(self.shared(), f), self.error());
        spawn_multi(self, Spawned::here(Kind::Ordinary), child)
    }

    /// Spawns a background child that runs a closure which may block; its `Err` ends the scope as
    /// well.
    ///
    /// Otherwise like [`Scope::spawn_blocking_background`].
    #[track_caller]
    pub fn spawn_blocking_background<F, T>(&self, f: F) -> JoinHandle<'env, T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let child = TryChild::new(child(self.shared(), f), self.error());
        spawn_multi(self, Spawned::here(Kind::Background), child)
    }
}

/// A child that runs `f` on the pool.
fn child<F, T>(shared: &Arc<Shared>, f: F) -> impl Future<Output = T> + Send + use<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    BlockingChild::new(f, shared, |closure: Arc<Closure<F, T>>| {
        unblock(move || closure.run()).detach();
    })
}
