//! The future of a child of a set, which leaves its value for the set.
#![forbid(unsafe_code)]

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project::pin_project;

use crate::panic::Defer;
use crate::sets::results::Results;

/// The future of a child of a set.
///
/// It leaves the value in [`Results`] after the user's future has been dropped. So a value that was
/// read tells that the future is gone, as with a handle.
#[pin_project]
pub(crate) struct Member<F, T> {
    // Dropped in this order, also if the first destructor panics.
    /// `None` once it has finished.
    #[pin]
    future: Option<F>,
    pub(crate) link: Link<T>,
}

impl<F: Future> Member<F, F::Output> {
    #[inline]
    pub(crate) fn new(future: F, results: &Arc<Results<F::Output>>) -> Self {
        Self {
            future: Some(future),
            link: Link::new(results),
        }
    }
}

impl<F: Future> Future for Member<F, F::Output> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.link.is_cancelled() {
            return Poll::Ready(());
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            unreachable!("a child is not polled after it has finished");
        };
        let Poll::Ready(value) = future.poll(cx) else {
            return this.link.suspend(cx.waker());
        };
        // Left when this goes, also if the destructor of the future panics.
        let mut value = Some(value);
        let _leave = Defer(|| this.link.leave(value.take()));
        this.future.set(None);
        Poll::Ready(())
    }
}

/// What ties a child to its set. The child leaves the set once, with a value or without.
pub(crate) struct Link<T> {
    generation: u64,
    /// Where the set has the waker of the child, once it has been suspended.
    pub(crate) slot: Option<u32>,
    /// `None` once the child has left.
    results: Option<Arc<Results<T>>>,
}

impl<T> Link<T> {
    fn new(results: &Arc<Results<T>>) -> Self {
        Self {
            generation: results.generation(),
            slot: None,
            results: Some(Arc::clone(results)),
        }
    }

    fn is_cancelled(&self) -> bool {
        let results = self.results.as_ref();
        results.is_none_or(|results| results.generation() != self.generation)
    }

    /// Lets the set wake the child to cancel it. Ready if it has been cancelled already.
    fn suspend(&mut self, waker: &Waker) -> Poll<()> {
        if let (None, Some(results)) = (self.slot, &self.results) {
            self.slot = results.suspend(self.generation, waker);
        }
        match self.slot {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }

    fn leave(&mut self, value: Option<T>) {
        if let Some(results) = self.results.take() {
            results.leave(self.generation, self.slot, value);
        }
    }
}

impl<T> Drop for Link<T> {
    fn drop(&mut self) {
        self.leave(None);
    }
}
