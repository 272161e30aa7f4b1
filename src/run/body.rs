//! The body of a scope: a closure, then a future, then an output.
#![forbid(unsafe_code)]

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project::pin_project;

use crate::panic::catch;
use crate::run::shared::Shared;

/// The user's code, from which all children of a scope descend.
#[pin_project]
pub(crate) struct Body<F, Fut: Future> {
    /// The closure, until the first poll calls it.
    entry: Option<F>,
    #[pin]
    future: Option<Fut>,
    /// Wakes the body; made at its first poll.
    waker: Option<Waker>,
    output: Option<Fut::Output>,
}

impl<F, Fut: Future> Body<F, Fut> {
    pub(crate) fn new(entry: F) -> Self {
        Self {
            entry: Some(entry),
            future: None,
            waker: None,
            output: None,
        }
    }

    /// Polls it, or starts it; true once it is done. A panic is handed to the scope.
    ///
    /// `start` makes the future. `is_failure` says whether an output ends the scope at once.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        shared: &Arc<Shared>,
        start: impl FnOnce(F) -> Fut,
        is_failure: impl FnOnce(&Fut::Output) -> bool,
    ) -> bool {
        let mut this = self.project();
        let waker = this
            .waker
            .get_or_insert_with(|| Waker::from(Arc::clone(shared)));
        let poll = catch(|| {
            if let Some(entry) = this.entry.take() {
                this.future.set(Some(start(entry)));
            }
            let future = this.future.as_mut().as_pin_mut();
            let future = future.expect("a body is not polled after it has finished");
            future.poll(&mut Context::from_waker(waker))
        });
        match poll {
            Ok(Poll::Pending) => false,
            Ok(Poll::Ready(output)) => {
                if is_failure(&output) {
                    shared.failed();
                }
                *this.output = Some(output);
                shared.report(|| this.future.set(None));
                true
            }
            Err(payload) => {
                shared.panicked(payload);
                false
            }
        }
    }

    /// Drops the closure and the future, if they are still there.
    pub(crate) fn clear(self: Pin<&mut Self>, shared: &Shared) {
        let mut this = self.project();
        shared.report(|| drop(this.entry.take()));
        shared.report(|| this.future.set(None));
    }

    /// The output, if there is one.
    pub(crate) fn take_output(self: Pin<&mut Self>) -> Option<Fut::Output> {
        self.project().output.take()
    }
}
