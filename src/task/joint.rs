//! A child as its handle has it: the task, and the value that it leaves there.

use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use async_task::{FallibleTask, Task};

use crate::run::shared::Shared;
use crate::task::metadata::Stage;

/// The metadata of a child.
type Meta = crate::task::metadata::Meta<Shared>;

/// What a child leaves in its allocation for the handle.
///
/// If the value is not taken, its destructor runs inside async-task, or inside the destructor of
/// the handle; a panic there is handed to the scope instead of unwinding.
pub(super) struct Output<T> {
    /// `None` after `take`.
    value: Option<T>,
    /// Learns of a panic; `None` for values without a destructor.
    shared: Option<Arc<Shared>>,
}

impl<T> Output<T> {
    pub(super) fn new(value: T, meta: &Meta) -> Self {
        Self {
            value: Some(value),
            // SAFETY: the child is being polled.
            shared: mem::needs_drop::<T>().then(|| unsafe { meta.clone_scope() }),
        }
    }

    fn take(mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T> Drop for Output<T> {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.drop_unread(self.value.take());
        }
    }
}

/// The handle's end of a child.
pub(crate) struct Joint<T> {
    task: FallibleTask<Output<T>, Meta>,
    /// Where the child was spawned; with [`CANCELS`] added if the handle cancels the child when it
    /// is dropped.
    origin: *const Location<'static>,
}

/// Fits into the address of a [`Location`], so that a handle is two words.
const CANCELS: usize = 1;
const _: () = assert!(align_of::<Location<'_>>() > CANCELS);

// SAFETY: a reference to a location may go anywhere; the rest is what the task says of itself.
unsafe impl<T> Send for Joint<T> where FallibleTask<Output<T>, Meta>: Send {}
// SAFETY: as above.
unsafe impl<T> Sync for Joint<T> where FallibleTask<Output<T>, Meta>: Sync {}

impl<T> Joint<T> {
    pub(super) fn new(task: Task<Output<T>, Meta>, origin: &'static Location<'static>) -> Self {
        Self {
            task: task.fallible(),
            origin,
        }
    }

    /// Returns where the child was spawned.
    pub(crate) fn location(&self) -> &'static Location<'static> {
        let origin = self.origin.map_addr(|address| address & !CANCELS);
        // SAFETY: this is the reference that `new` was given, with its address and provenance.
        unsafe { &*origin }
    }

    /// async-task shows the metadata of a task, but not of the form of it that can be polled
    /// without a panic.
    pub(crate) fn meta(&self) -> &Meta {
        const {
            assert!(size_of::<FallibleTask<Output<T>, Meta>>() == size_of::<Task<(), ()>>());
        }
        let task = ptr::from_ref(&self.task).cast::<Task<Output<T>, Meta>>();
        // SAFETY: in async-task 4.7, to which the dependency is pinned, a `FallibleTask` has one
        // field, which is a `Task`. They are of the same size, so it is at the same address.
        unsafe { &*task }.metadata()
    }

    /// Makes [`let_go`](Self::let_go) cancel the child.
    pub(crate) fn cancel_on_drop(&mut self) {
        self.origin = self.origin.map_addr(|address| address | CANCELS);
    }

    /// Lets go of the child, as a handle that is dropped.
    pub(crate) fn let_go(self) {
        match self.origin.addr() & CANCELS != 0 && self.meta().stage() == Stage::Alive {
            true => self.abort(),
            false => self.detach(),
        }
    }

    /// Returns whether the task has its output, or will never have one.
    pub(crate) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Polls for the value; `None` if the child ended without one.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let output = ready!(Pin::new(&mut self.task).poll(cx));
        Poll::Ready(output.and_then(Output::take))
    }

    /// Lets go of the child without cancelling it.
    fn detach(self) {
        self.task.detach();
    }

    /// Cancels the child and lets go of it.
    pub(crate) fn abort(self) {
        drop(self.task);
    }

    /// Cancels the child, here and now, and waits until its future has been dropped: the value, if
    /// it had finished before.
    pub(crate) fn cancel<'a>(self) -> Cancelling<'a, T>
    where
        T: 'a,
    {
        let mut cancelling = Cancelling {
            future: Box::pin(self.task.cancel()),
            first: None,
        };
        // async-task's future cancels at its first poll.
        let cx = &mut Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = cancelling.future.as_mut().poll(cx) {
            cancelling.first = Some(output);
        }
        cancelling
    }
}

/// A child that was cancelled by its handle, until its future is gone.
pub(crate) struct Cancelling<'a, T> {
    /// Of a type that async-task does not name.
    future: Pin<Box<dyn Future<Output = Option<Output<T>>> + 'a>>,
    /// What the first poll gave.
    first: Option<Option<Output<T>>>,
}

// SAFETY: the boxed future is that of `FallibleTask::cancel`, which owns the task and nothing else;
// a task is `Send` if its output is, and so is what is kept of it here.
unsafe impl<T: Send> Send for Cancelling<'_, T> {}
// SAFETY: nothing can be done with a shared reference to it.
unsafe impl<T: Send> Sync for Cancelling<'_, T> {}

/// The value is never pinned.
impl<T> Unpin for Cancelling<'_, T> {}

impl<T> Cancelling<'_, T> {
    /// Polls for the value; `None` if the child had not finished before.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let output = match self.first.take() {
            Some(output) => output,
            None => ready!(self.future.as_mut().poll(cx)),
        };
        Poll::Ready(output.and_then(Output::take))
    }
}
