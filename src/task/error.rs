//! The first error of a [`TryScope`](crate::TryScope), and the children that may bring it.
//!
//! The error may borrow for `'env`, so it must not be reachable from a waker: it lives in a slot
//! that the scope's future, its handles and its children share, not in the shared state.
#![forbid(unsafe_code)]

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::panic::quietly;
use crate::run::shared::Shared;
use crate::sync::Mutex;

/// Where the first error of a child is kept until the future of the scope takes it.
pub(crate) struct ErrorSlot<E> {
    first: Mutex<First<E>>,
    shared: Arc<Shared>,
}

enum First<E> {
    /// No child has failed yet.
    None,
    /// The error of the child that was first.
    Child(E),
    /// The body was first, whose error is its output; or the child's was taken.
    Closed,
}

impl<E> ErrorSlot<E> {
    /// Keeps `error` if it is the first, and ends the scope. A later one is dropped.
    fn fail(&self, error: E) {
        let mut first = self.first.lock();
        let late = match *first {
            First::None => {
                *first = First::Child(error);
                None
            }
            First::Child(_) | First::Closed => Some(error),
        };
        drop(first);
        self.shared.failed();
        drop(late);
    }

    /// The body has failed: unless a child was first, those that fail from now on are later.
    pub(crate) fn body_failed(&self) {
        let mut first = self.first.lock();
        if let First::None = *first {
            *first = First::Closed;
        }
    }

    /// Takes the first error of a child out, if it came before that of the body.
    pub(crate) fn take(&self) -> Option<E> {
        match mem::replace(&mut *self.first.lock(), First::Closed) {
            First::Child(error) => Some(error),
            First::None | First::Closed => None,
        }
    }
}

/// The slot in the hands of the scope's future. Dropping it drops the error, if that was not taken:
/// as when the scope is dropped while it waits for a closure.
pub(crate) struct HeldSlot<E>(pub(crate) Arc<ErrorSlot<E>>);

impl<E> HeldSlot<E> {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(Arc::new(ErrorSlot {
            first: Mutex::new(First::None),
            shared,
        }))
    }
}

impl<E> Drop for HeldSlot<E> {
    fn drop(&mut self) {
        quietly(|| drop(self.0.take()));
    }
}

/// A child of a `TryScope`: yields the `T` of an `Ok(T)`, and on `Err` ends the scope and stays
/// pending until that drops it.
#[pin_project]
pub(crate) struct TryChild<F, E> {
    #[pin]
    future: F,
    error: Arc<ErrorSlot<E>>,
}

impl<F, E> TryChild<F, E> {
    pub(crate) fn new(future: F, error: &Arc<ErrorSlot<E>>) -> Self {
        Self {
            future,
            error: Arc::clone(error),
        }
    }
}

impl<F, T, E> Future for TryChild<F, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        match ready!(this.future.poll(cx)) {
            Ok(value) => Poll::Ready(value),
            Err(error) => {
                this.error.fail(error);
                Poll::Pending
            }
        }
    }
}
