//! A child: one async-task allocation, and the only place where a lifetime is erased.
//!
//! async-task runs the future, counts references and carries the result. The wrapper [`Child`]
//! around the user's future adds what a scope needs:
//!
//! * it polls the future, and drops it, under `catch_unwind`: a panic is handed to the scope, and
//!   never reaches async-task, which aborts the process when a destructor unwinds;
//! * it enters the registry of suspended children at its first `Pending`;
//! * it ends without a value when its handle asked it to;
//! * when it is dropped it drops the future, leaves the registry and counts itself out, **last**.
//!
//! # Stages
//!
//! | stage | set by | means |
//! |---|---|---|
//! | [`ALIVE`](Stage::ALIVE) | `spawn` | the future may still be polled or is being dropped |
//! | [`REFUSED`](Stage::REFUSED) | `spawn` | the scope had ended: never counted, dropped at once |
//! | [`FINISHED`](Stage::FINISHED) | the poll that gave the value | there is, or was, a value |
//! | [`CANCELLED`](Stage::CANCELLED) | the destructor | the future is gone and gave no value |
//!
//! # Why the metadata holds the scope
//!
//! The metadata of a task lives in its allocation, beside the future, and dies with the last
//! waker. It holds the strong reference to [`Shared`] that the schedule function uses: the cycle
//! child → shared → queue → child is what makes a forgotten scope harmless. The end of a scope
//! breaks it by dropping every future. The schedule function itself is a plain `fn` and owns
//! nothing.

use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::thread;

use async_task::{Builder, FallibleTask, Task};
use pin_project::{pin_project, pinned_drop};

use crate::handle::JoinHandle;
use crate::panic::{catch, discard};
use crate::ready::Kind;
use crate::scope::{Local, Multi, Scope};
use crate::shared::Shared;
use crate::suspended::Slot;

/// A child that is scheduled.
pub(crate) type Runnable = async_task::Runnable<Meta>;

/// What the scope, the handle and the child itself know of a child; lives in its allocation.
#[derive(Debug)]
pub(crate) struct Meta {
    shared: Arc<Shared>,
    location: &'static Location<'static>,
    slot: Slot,
    stage: Stage,
    /// Set by a handle that wants the child to end.
    cancel: AtomicBool,
    kind: Kind,
}

impl Meta {
    /// Asks the child to end: it will be dropped instead of polled.
    pub(crate) fn cancel(&self) {
        // The registry's lock orders this against the child: if it enters after we looked, it
        // sees the flag; if it was there, it is woken.
        self.cancel.store(true, Ordering::Release);
        self.shared.suspended.wake(&self.slot);
    }

    /// Where the child was spawned.
    pub(crate) fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// True until the child gave its value or was dropped without one.
    pub(crate) fn is_alive(&self) -> bool {
        self.stage.get() == Stage::ALIVE
    }

    /// True once the child's future is gone and gave no value.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self.stage.get(), Stage::REFUSED | Stage::CANCELLED)
    }

    fn is_cancel_requested(&self) -> bool {
        self.cancel.load(Ordering::Acquire)
    }
}

/// How far a child is; see the table in the module documentation.
#[derive(Debug)]
struct Stage(AtomicU8);

impl Stage {
    const ALIVE: u8 = 0;
    const REFUSED: u8 = 1;
    const FINISHED: u8 = 2;
    const CANCELLED: u8 = 3;

    fn get(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self, stage: u8) {
        self.0.store(stage, Ordering::Release);
    }
}

/// The user's future, with what makes it a child of a scope.
#[pin_project(PinnedDrop)]
struct Child<'a, F> {
    /// `None` only within the destructor.
    #[pin]
    future: Option<F>,
    meta: &'a Meta,
}

impl<F: Future> Future for Child<'_, F> {
    type Output = Output<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let meta = *this.meta;
        if meta.is_cancel_requested() {
            return Poll::Ready(Output::cancelled());
        }
        let Some(future) = this.future.as_pin_mut() else {
            unreachable!("a child is not polled while it is dropped");
        };
        match catch(|| future.poll(cx)) {
            Ok(Poll::Ready(value)) => {
                meta.stage.set(Stage::FINISHED);
                return Poll::Ready(Output::new(value, &meta.shared));
            }
            Ok(Poll::Pending) => {}
            // The scope ends now, and drops this child with the others.
            Err(payload) => meta.shared.panicked(payload),
        }
        meta.shared.suspended.enter(&meta.slot, cx.waker());
        if meta.is_cancel_requested() {
            return Poll::Ready(Output::cancelled());
        }
        Poll::Pending
    }
}

#[pinned_drop]
impl<F> PinnedDrop for Child<'_, F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        let meta = *this.meta;
        let panic = catch(|| this.future.set(None)).err();
        meta.shared.suspended.leave(&meta.slot);
        match meta.stage.get() {
            Stage::REFUSED => {
                // Not a child, and the scope may be over: nobody to tell.
                if let Some(payload) = panic {
                    discard(payload);
                }
                return;
            }
            Stage::ALIVE => meta.stage.set(Stage::CANCELLED),
            _ => {}
        }
        if let Some(payload) = panic {
            meta.shared.panicked(payload);
        }
        meta.shared.ready.finish(meta.kind);
    }
}

/// What a child leaves in its allocation for the handle.
///
/// If nobody takes the value, its destructor runs inside async-task, or inside the destructor of
/// the handle; a panic there is handed to the scope instead of unwinding.
struct Output<T> {
    /// `None` for a child that was cancelled by its handle, and after `take`.
    value: Option<T>,
    /// Whom to tell of a panic; `None` for values without a destructor.
    shared: Option<Arc<Shared>>,
}

impl<T> Output<T> {
    fn new(value: T, shared: &Arc<Shared>) -> Self {
        Self {
            value: Some(value),
            shared: mem::needs_drop::<T>().then(|| Arc::clone(shared)),
        }
    }

    fn cancelled() -> Self {
        Self {
            value: None,
            shared: None,
        }
    }

    /// Takes the value; `None` if the child was cancelled.
    fn take(mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T> Drop for Output<T> {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            let value = self.value.take();
            match catch(|| drop(value)) {
                Ok(()) => {}
                // Whoever drops us is unwinding from a panic that came first.
                Err(payload) if thread::panicking() => discard(payload),
                Err(payload) => shared.panicked(payload),
            }
        }
    }
}

/// The handle's end of a child: the task, and its metadata.
///
/// async-task shows the metadata of a task, but not of the form of it that can be polled without a
/// panic; so this keeps a pointer beside it.
pub(crate) struct Joint<T> {
    task: FallibleTask<Output<T>, Meta>,
    /// The metadata of `task`, in its allocation. Not a reference: that would have to be valid
    /// even while `task` is being dropped.
    meta: NonNull<Meta>,
}

// SAFETY: the metadata is `Sync`, so a pointer to it may go where a reference may; the rest is what
// the task says of itself.
unsafe impl<T> Send for Joint<T> where FallibleTask<Output<T>, Meta>: Send {}
// SAFETY: as above.
unsafe impl<T> Sync for Joint<T> where FallibleTask<Output<T>, Meta>: Sync {}

impl<T> Joint<T> {
    fn new(task: Task<Output<T>, Meta>) -> Self {
        Self {
            meta: NonNull::from(task.metadata()),
            task: task.fallible(),
        }
    }

    pub(crate) fn meta(&self) -> &Meta {
        // SAFETY: the allocation lives as long as the task, which is ours, and nobody has mutable
        // access to the metadata in it.
        unsafe { self.meta.as_ref() }
    }

    /// Whether the task has its output, or will never have one.
    pub(crate) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Polls for the value; `None` if the child ended without one.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let output = ready!(Pin::new(&mut self.task).poll(cx));
        Poll::Ready(output.and_then(Output::take))
    }

    /// Lets go of the task without cancelling it.
    pub(crate) fn detach(self) {
        self.task.detach();
    }
}

/// Puts a child that was woken on the ready queue of its scope.
///
/// The clone keeps the queue alive while we push: from then on another thread may run the child
/// and free the metadata that the original sits in.
fn schedule(runnable: Runnable) {
    let shared = Arc::clone(&runnable.metadata().shared);
    shared.ready.push(runnable);
}

/// Spawns a child whose future may move to another thread.
pub(crate) fn spawn_multi<'env, F>(
    scope: &Scope<'env, Multi>,
    kind: Kind,
    location: &'static Location<'static>,
    future: F,
) -> JoinHandle<'env, F::Output>
where
    F: Future + Send + 'env,
    F::Output: Send + 'env,
{
    // SAFETY: the future and its output are `Send`, and `scope` is a handle of a scope for 'env.
    unsafe { spawn(scope.shared(), kind, location, future) }
}

/// Spawns a child that stays on the thread of its scope.
pub(crate) fn spawn_local<'env, F>(
    scope: &Scope<'env, Local>,
    kind: Kind,
    location: &'static Location<'static>,
    future: F,
) -> JoinHandle<'env, F::Output>
where
    F: Future + 'env,
    F::Output: 'env,
{
    // SAFETY: the handle of a local scope is neither `Send` nor `Sync`, so we are on the thread of
    // its future, and `scope` is a handle of a scope for 'env.
    unsafe { spawn(scope.shared(), kind, location, future) }
}

/// Makes a child of `future` and puts it on the ready queue, or drops it if the scope has ended.
///
/// # Safety
///
/// * `shared` belongs to a scope for `'env`: one whose future drops every child, or is forgotten,
///   before `'env` ends.
/// * The future and its output are `Send`, or the scope is local and we are on its thread.
unsafe fn spawn<'env, F>(
    shared: &Arc<Shared>,
    kind: Kind,
    location: &'static Location<'static>,
    future: F,
) -> JoinHandle<'env, F::Output>
where
    F: Future + 'env,
    F::Output: 'env,
{
    let builder = Builder::new().metadata(Meta {
        shared: Arc::clone(shared),
        location,
        slot: Slot::none(),
        stage: Stage(AtomicU8::new(Stage::ALIVE)),
        cancel: AtomicBool::new(false),
        kind,
    });
    let child = |meta| Child {
        future: Some(future),
        meta,
    };
    // SAFETY: the four preconditions of `spawn_unchecked`, in its order.
    //
    // * *A future that is not `Send` stays on its thread* ("Local scopes"): a runnable is run by
    //   the scope's future, and dropped by it or by the refusal below. Both are on the thread of a
    //   local scope, whose future is not `Send`. What another thread can do through a waker is to
    //   push the runnable: that moves a pointer.
    // * *What the future borrows outlives its runnable* ("Children may borrow 'env"): the scope's
    //   future returns, and is dropped, only after the future of every child has been dropped, and
    //   invariance and the drop check keep 'env alive until then. If the scope's future is
    //   forgotten the *documented* precondition is broken, for a waker can still make a runnable;
    //   what holds is the fact behind it ("forget"): async-task 4.7 touches the future only in
    //   `Runnable::run` and in `Runnable::drop`, the forgotten scope's future owns a reference to
    //   `Shared` for ever, so the queue is never dropped, and nobody takes a runnable from it:
    //   helpers do so only inside the window, which is shut ("Helpers"). This reads the source of async-task 4.7; hence the dependency is pinned to it.
    // * *The schedule function is `Send` and `Sync`*: it is a function item, and the metadata it
    //   reaches through the runnable is asserted to be both, below.
    // * *The schedule function is `'static`*: likewise.
    let (runnable, task) = unsafe { builder.spawn_unchecked(child, schedule) };
    let handle = JoinHandle::new(Joint::new(task));
    if let Err(refused) = shared.ready.add(runnable, kind) {
        refused.metadata().stage.set(Stage::REFUSED);
        drop(refused);
    }
    handle
}

/// The schedule function and foreign wakers reach the metadata from any thread, at any time.
const _: () = {
    const fn outlives_everything<T: Send + Sync + 'static>() {}
    outlives_everything::<Meta>();
};
