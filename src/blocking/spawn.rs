//! `spawn_blocking`: closures on the pool of threads of the `blocking` crate, as children.
#![forbid(unsafe_code)]

use blocking::unblock;

use crate::blocking::closure::BlockingChild;
use crate::queue::Kind;
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
    /// is put in its queue here, at the call, whatever the caller does next. It cannot borrow from
    /// `'env`: a scope that is forgotten cannot wait for another thread.
    ///
    /// Nothing can interrupt a closure that is running. **An end that is awaited waits for it**,
    /// without blocking: the scope's future is pending, without its other children, until the
    /// closure returns. One that the pool has not started yet is skipped, and dropped with its
    /// child.
    ///
    /// **Dropping the scope's future waits for no closure.** One that is running is asked to stop,
    /// through its [`StopToken`](crate::StopToken), and the scope around this one takes it over: it
    /// does not return before the closure has, and raises its panic. If no scope is around, the
    /// closure runs on alone, and its value or its panic goes where it ends. For a time limit that
    /// waits for closures use [`until`](crate::Scoped::until). A closure that takes long should
    /// look at a token now and then.
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
        spawn_closure(self, Spawned::here(Kind::Ordinary), Box::new(f), |child| {
            child
        })
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
        spawn_closure(
            self,
            Spawned::here(Kind::Background),
            Box::new(f),
            |child| child,
        )
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
        let child = |child| TryChild::new(child, self.error());
        spawn_closure(self, Spawned::here(Kind::Ordinary), Box::new(f), child)
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
        let child = |child| TryChild::new(child, self.error());
        spawn_closure(self, Spawned::here(Kind::Background), Box::new(f), child)
    }
}

/// Spawns a child for a closure, which is boxed before it is moved around, and has that run on the
/// pool, from now on.
fn spawn_closure<'env, F, T, V, C>(
    scope: &Scope<'env, impl Sized>,
    spawned: Spawned,
    f: Box<F>,
    child: impl FnOnce(BlockingChild<F, T>) -> C,
) -> JoinHandle<'env, V>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
    C: Future<Output = V> + Send + 'env,
    V: Send + 'env,
{
    let waits = BlockingChild::new(f, scope.shared(), scope.name(), spawned.of_closure());
    let closure = waits.closure();
    let handle = spawn_multi(scope, spawned.hidden(), child(waits));
    if !handle.is_cancelled() {
        unblock(move || closure.run()).detach();
    }
    handle
}
