//! A child: one async-task allocation, and the only place where a lifetime is erased.
//!
//! async-task runs the future, counts references and carries the result. The wrapper [`Child`]
//! around the user's future adds what a scope needs:
//!
//! * it polls the future, and drops it, under `catch_unwind`: a panic is handed to the scope, and
//!   never reaches async-task, which aborts the process when a destructor unwinds;
//! * it enters the registry of suspended children at its first `Pending`;
//! * where slow polls are expected it notes whether this one was;
//! * when it is dropped it drops the future, leaves the registry and counts itself out, **last**.
//!
//! A child that its handle cancels is closed by async-task: its runnable is pushed once more, and
//! drops the future instead of polling it.
//!
//! # How a child reaches its scope
//!
//! By the pointer in its [metadata](crate::task::metadata). The schedule function is a plain `fn`
//! and owns nothing. A child that is not at home is pushed with a counted reference in hand: as
//! soon as it is on the queue another thread may run it, drop it and end the scope, while we still
//! hold the lock. [`Queue::push_elsewhere`] takes that reference, so it cannot be forgotten.

use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{Context, Poll};

use async_task::Builder;
use pin_project::{pin_project, pinned_drop};

use crate::help::serving::{count_out, keep, keep_new};
use crate::help::ticket::call_for_push;
use crate::inspect::Name;
use crate::inspect::spans::{ChildSpan, SpanId};
use crate::panic::{catch, discard};
use crate::pen::life::end_orphan;
use crate::queue::list::{Link, Linked};
use crate::queue::{Kind, Queue};
use crate::run::shared::{Runnable, Shared};
use crate::scope::{Local, Scope};
use crate::task::handle::JoinHandle;
use crate::task::joint::{Joint, Output};
use crate::task::metadata::{Spawned, Stage};
use crate::task::suspend::suspend;

/// The metadata of a child.
type Meta = crate::task::metadata::Meta<Shared>;

/// The user's future, with what makes it a child of a scope.
#[pin_project(PinnedDrop)]
struct Child<'a, F>(#[pin] Inner<'a, F>);

/// An `enum` rather than a struct with an `Option`: the reference tells the two apart, so a child
/// is eight bytes smaller.
#[pin_project(project = InnerProj)]
enum Inner<'a, F> {
    Future {
        #[pin]
        future: F,
        meta: &'a Meta,
        span: ChildSpan,
    },
    /// Only within the destructor.
    Gone,
}

impl<F: Future> Future for Child<'_, F> {
    type Output = Output<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let InnerProj::Future { future, meta, span } = self.project().0.project() else {
            unreachable!("a child is not polled while it is dropped");
        };
        let poll = {
            let _in_poll = meta.begin_poll();
            let _in_span = span.begin_poll();
            catch(|| future.poll(cx))
        };
        // SAFETY: we are the child, and have not been dropped.
        let shared = unsafe { meta.scope() };
        match poll {
            Ok(Poll::Ready(value)) => {
                meta.set_stage(Stage::Finished);
                return Poll::Ready(Output::new(value, meta));
            }
            Ok(Poll::Pending) => {}
            // The scope ends now, and drops this child with the others.
            Err(payload) => shared.panicked(payload),
        }
        if suspend(meta, shared, cx.waker()) {
            cx.waker().wake_by_ref(); // to be dropped
        }
        Poll::Pending
    }
}

#[pinned_drop]
impl<F> PinnedDrop for Child<'_, F> {
    fn drop(self: Pin<&mut Self>) {
        let mut contents = self.project().0;
        let InnerProj::Future { meta, span, .. } = contents.as_mut().project() else {
            return;
        };
        let meta = *meta;
        let panic = {
            let _in_drop = (meta.stage() == Stage::Alive).then(|| meta.begin_drop());
            // Not if it has finished: that would be one more visit, and count as a poll.
            let span = (meta.stage() != Stage::Finished).then(|| span.clone());
            let _in_span = span.as_ref().map(ChildSpan::enter);
            catch(|| contents.set(Inner::Gone)).err()
        };
        match meta.stage() {
            Stage::Refused => {
                // Not a child, and the scope may be over: there is no scope to tell.
                if let Some(payload) = panic {
                    discard(payload);
                }
                return;
            }
            Stage::Alive => meta.set_stage(Stage::Cancelled),
            Stage::Finished | Stage::Cancelled => {}
        }
        // SAFETY: we are the child, and are not counted out yet. The reference is not used after
        // the call that does it, below. That call itself is inside `poll`, inside the end of the
        // scope or pen, or on a thread with a ticket, each of which keeps the shared state alive.
        let shared = unsafe { meta.scope() };
        if let Some(payload) = panic {
            shared.panicked(payload);
        }
        shared.members.leave(meta);
        let address = ptr::from_ref(meta).addr();
        drop(count_out(shared, meta.kind(), meta.key(), address));
    }
}

// SAFETY: `into_raw` and `from_raw` are those of async-task, whose runnable is a pointer to the
// task; they are each other's inverse and do nothing. What is looked at beside it is the metadata,
// of atomic words and of others that do not change. Its link is given to nobody else.
unsafe impl Linked for Runnable {
    #[inline]
    fn into_raw(self) -> *mut () {
        self.into_raw().as_ptr()
    }

    #[inline]
    unsafe fn from_raw(raw: *mut ()) -> Self {
        // SAFETY: as promised, this comes from `into_raw`, and so is not null.
        unsafe { Self::from_raw(NonNull::new_unchecked(raw)) }
    }

    #[inline]
    fn link(&self) -> &Link {
        self.metadata().link()
    }
}

/// Puts a child that was woken on the ready queue of its scope.
fn schedule(runnable: Runnable) {
    // SAFETY: async-task schedules a task only if its future has not been dropped, and the runnable
    // in our hands keeps that so until it is pushed. At home the push is not the end of it either:
    // the `poll` of the scope, or its end, is on the stack of this thread. Nor is it in the local
    // queue of a pen: what keeps it there owns a reference to the shared state.
    let shared = unsafe { runnable.metadata().scope() };
    let span = runnable.metadata().is_woken();
    let is_told = SpanId::TELLS && !shared.queue.is_ended(); // the end wakes them all, to drop them
    if let Err(runnable) = keep(shared, runnable) {
        // SAFETY: as above. The reference keeps the queue while we push.
        let shared = unsafe { runnable.metadata().clone_scope() };
        if let Some(shared) = Queue::push_elsewhere(shared, runnable) {
            call_for_push(&shared);
        }
    }
    // Foreign code, and so not before the push: the end of the scope waits for that.
    if is_told {
        span.is_woken();
    }
}

/// Spawns a child whose future may move to another thread.
pub(crate) fn spawn_multi<'env, M, F>(
    scope: &Scope<'env, M>,
    spawned: Spawned,
    future: F,
) -> JoinHandle<'env, F::Output>
where
    F: Future + Send + 'env,
    F::Output: Send + 'env,
{
    // SAFETY: the future and its output are `Send`, and `scope` is a handle of a scope for 'env.
    unsafe { spawn(scope.shared(), scope.name(), spawned, future) }
}

/// Spawns a child that stays on the thread of its scope.
pub(crate) fn spawn_local<'env, F>(
    scope: &Scope<'env, Local>,
    spawned: Spawned,
    future: F,
) -> JoinHandle<'env, F::Output>
where
    F: Future + 'env,
    F::Output: 'env,
{
    // SAFETY: the handle of a local scope is neither `Send` nor `Sync`, so we are on the thread of
    // its future, and `scope` is a handle of a scope for 'env.
    unsafe { spawn(scope.shared(), scope.name(), spawned, future) }
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
    name: Name,
    spawned: Spawned,
    future: F,
) -> JoinHandle<'env, F::Output>
where
    F: Future + 'env,
    F::Output: 'env,
{
    let span = ChildSpan::new(&name, spawned);
    let meta = Meta::new(shared, name, spawned, SpanId::of(&span));
    let builder = Builder::new().metadata(meta);
    // It stays where our caller has put it until there is an allocation to put it into: a closure
    // that owns it would be copied, right after the future was written in smaller pieces, and for
    // those the processor has to wait. That is a tenth of the time of a child of a set.
    let future = ManuallyDrop::new(future);
    let child = |meta| {
        // SAFETY: this is called once at most, for async-task takes it as `FnOnce`, before we
        // return, and nobody else uses the future. (If it were not called the future would leak.)
        let future = unsafe { ptr::read(&raw const *future) };
        Child(Inner::Future { future, meta, span })
    };
    // The four preconditions of `spawn_unchecked`, in its order.
    //
    // * *A future that is not `Send` stays on its thread* ("Local scopes"): only a local scope has
    //   such children, as our caller promises. A runnable is run by the scope's future, and dropped
    //   by it or by the refusal below. Both are on the thread of a local scope, whose future is not
    //   `Send`. What another thread can do through a waker is to push the runnable: that moves a
    //   pointer.
    // * *What the future borrows outlives its runnable* ("Children may borrow 'env"): the scope's
    //   future returns, and is dropped, only after the future of every child has been dropped, and
    //   invariance and the drop check keep 'env alive until then. If the scope's future is
    //   forgotten the *documented* precondition is broken, for a waker can still make a runnable;
    //   what holds is the fact behind it ("forget"): async-task 4.7 touches the future only in
    //   `Runnable::run` and in `Runnable::drop`, the forgotten scope's future owns a reference to
    //   `Shared` for ever, so the queue is never dropped, and no thread takes a runnable from it:
    //   helpers do so only inside the window, which is shut ("Helpers"). This reads the source of
    //   async-task 4.7; hence the dependency is pinned to it.
    // * *The schedule function is `Send` and `Sync`*: it is a function item, and the metadata it
    //   reaches through the runnable is asserted to be both, where it is defined.
    // * *The schedule function is `'static`*: likewise.
    //
    // SAFETY: all four hold.
    let (runnable, task) = unsafe { builder.spawn_unchecked(child, schedule) };
    let handle = JoinHandle::new(Joint::new(task, spawned.at));
    if !spawned.is_hidden() {
        shared.members.enter(runnable.metadata());
    }
    if let Err(runnable) = keep_new(shared, runnable, spawned.kind) {
        add_elsewhere(shared, runnable, spawned.kind);
    }
    handle
}

/// Puts a new child on the ready queue of its scope, of which this thread has no children at home;
/// or drops it, if the scope has ended.
#[inline(never)]
fn add_elsewhere(shared: &Arc<Shared>, runnable: Runnable, kind: Kind) {
    match shared.queue.add_elsewhere(runnable, kind) {
        Ok(false) => {}
        Ok(true) => {
            call_for_push(shared);
            if shared.tickets.is_orphan() {
                end_orphan(shared); // and with it this child: nobody will run it
            }
        }
        Err(refused) => {
            refused.metadata().set_stage(Stage::Refused);
            shared.members.leave(refused.metadata());
            drop(refused);
        }
    }
}
