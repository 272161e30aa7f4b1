//! A child as its handle has it: the task, and the value that it leaves there.

use std::mem::{self, ManuallyDrop};
use std::panic::Location;
use std::pin::Pin;
use std::ptr::{self, NonNull};
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
///
/// A value of one word makes two with this, also inside of a `Poll`, since the pointer is never
/// null. So it passes async-task in registers. In memory it would be copied in larger pieces than
/// it was written in, for which the processor has to wait: an eighth of the time of a short child.
///
/// # Invariant
///
/// If the value has a destructor the pointer is one that `Arc::into_raw` has made, and this owns
/// the reference that was counted; otherwise it means nothing.
pub(super) struct Output<T> {
    value: ManuallyDrop<T>,
    /// Learns of a panic.
    shared: NonNull<Shared>,
}

// SAFETY: it is a `T`, and an `Arc<Shared>`, which may go anywhere; see `Shared`.
unsafe impl<T: Send> Send for Output<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Output<T> {}

impl<T> Output<T> {
    #[inline]
    pub(super) fn new(value: T, meta: &Meta) -> Self {
        let shared = match mem::needs_drop::<T>() {
            false => NonNull::dangling(),
            true => {
                // SAFETY: the child is being polled.
                let shared = Arc::into_raw(unsafe { meta.clone_scope() });
                // SAFETY: an `Arc` points to something.
                unsafe { NonNull::new_unchecked(shared.cast_mut()) }
            }
        };
        Self {
            value: ManuallyDrop::new(value),
            shared,
        }
    }

    fn take(self) -> T {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: once, for `this` goes now, without its destructor.
        drop(unsafe { this.take_shared() });
        // SAFETY: likewise.
        unsafe { ManuallyDrop::take(&mut this.value) }
    }

    /// Takes the reference to what learns of a panic, if the value has a destructor.
    ///
    /// # Safety
    ///
    /// Once.
    #[inline]
    unsafe fn take_shared(&mut self) -> Option<Arc<Shared>> {
        // SAFETY: it is such a pointer then, the reference is ours, and is not taken again.
        let owned = || unsafe { Arc::from_raw(self.shared.as_ptr()) };
        mem::needs_drop::<T>().then(owned)
    }
}

impl<T> Drop for Output<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is dropped once.
        if let Some(shared) = unsafe { self.take_shared() } {
            // SAFETY: likewise.
            shared.drop_unread(unsafe { ManuallyDrop::take(&mut self.value) });
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
        Poll::Ready(output.map(Output::take))
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
        Poll::Ready(output.map(Output::take))
    }
}

/// As its documentation says.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Poll<Output<u64>>>() == 2 * size_of::<usize>());
