//! The first error of a [`TryScope`](crate::TryScope), and the children that may bring it.
//!
//! The error may borrow for `'env`, so it must not be reachable from a waker: it lives in a slot
//! that the scope's future, its handles and its children share, not in the shared state.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::shared::Shared;
use crate::sync::Mutex;

/// Where the first error of a scope is kept until its future takes it.
#[derive(Debug)]
pub(crate) struct ErrorSlot<E> {
    first: Mutex<Option<E>>,
    shared: Arc<Shared>,
}

impl<E> ErrorSlot<E> {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            first: Mutex::new(None),
            shared,
        })
    }

    /// Keeps `error` if it is the first, and ends the scope. A later one is dropped.
    fn fail(&self, error: E) {
        let mut first = self.first.lock();
        let late = match *first {
            None => {
                *first = Some(error);
                None
            }
            Some(_) => Some(error),
        };
        drop(first);
        self.shared.failed();
        drop(late);
    }

    /// Takes the first error out, if there is one.
    pub(crate) fn take(&self) -> Option<E> {
        self.first.lock().take()
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
