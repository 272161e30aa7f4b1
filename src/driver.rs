//! The driver of a scope: the state machine behind both futures, [`Scoped`](crate::Scoped) and
//! [`TryScoped`](crate::TryScoped), which add how the body starts and what its output means.
//!
//! It owns the body, and it runs and drops the children, in a window together with helpers. What
//! happens in a poll is the business of its [engine](crate::engine); here is how a scope ends.
//!
//! # The end
//!
//! One routine, [`finish`], for a return, an `Err`, a panic and a drop:
//!
//! 1. mark the scope as ended: spawns are refused from here on, and whoever waits for its
//!    cancellation is told;
//! 2. drop the body;
//! 3. take the wakers of all suspended children, wake one after the other, which puts that child on
//!    the ready queue, and drop what is there;
//! 4. drop every runnable, until no child is alive.
//!
//! Closures on the blocking pool can neither be dropped nor interrupted. Those that are running
//! then are waited for, by `poll` as a task and by `drop` as a thread: see
//! [`crate::blocking::lingering`].
//!
//! It runs to its end whatever panics on the way: each piece of foreign code in it is called
//! under `catch_unwind`. The first panic is re-raised when `poll` has come to the end; never by
//! `drop`, which an executor may call where an unwinding aborts the process.
//!
//! `src/guide/soundness.md` argues why no child can slip through.
#![forbid(unsafe_code)]

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::{pin_project, pinned_drop};

use crate::body::Body;
use crate::cancel::cancellation::Outcome;
use crate::engine::{Engine, drop_children};
use crate::helper::Help;
use crate::panic::{discard, quietly};
use crate::shared::Shared;

/// A body with its children: the state machine behind both futures of a scope.
///
/// Its destructor names `'env`, on purpose: the drop check then keeps what the children borrow
/// alive until the destructor has run. Invariance alone would not.
#[pin_project(PinnedDrop, !Unpin)]
pub(crate) struct Driver<'env, F, Fut: Future, M> {
    shared: Arc<Shared>,
    engine: Engine,
    #[pin]
    body: Body<F, Fut>,
    /// Set when `poll` has given its result.
    has_returned: bool,
    env: PhantomData<fn(&'env ()) -> &'env ()>,
    marker: PhantomData<M>,
}

impl<F, Fut: Future, M> Driver<'_, F, Fut, M> {
    pub(crate) fn new(entry: F, help: Help) -> Self {
        Self {
            shared: Shared::new(),
            engine: Engine::new(help),
            body: Body::new(entry),
            has_returned: false,
            env: PhantomData,
            marker: PhantomData,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn help(&mut self) -> &mut Help {
        &mut self.engine.help
    }

    /// Polls to the end of the scope: the body's output, if the scope was not stopped before there
    /// was one.
    ///
    /// `start` and `is_failure` are those of [`Body::poll`]. Whoever calls this takes the scope's
    /// panic afterwards, and raises it; output that is not to be returned has to be dropped before,
    /// for that can panic as well.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) -> Poll<Option<Fut::Output>> {
        let this = self.project();
        let (shared, engine, mut body) = (&*this.shared, this.engine, this.body);
        assert!(
            !*this.has_returned,
            "the future of a scope was polled after it had finished"
        );
        if !engine.is_over() {
            ready!(engine.within(shared, |engine| {
                let poll_body = &mut |shared: &Arc<Shared>| {
                    body.as_mut()
                        .poll(shared, |entry| start(entry, shared), &is_failure)
                };
                ready!(engine.drive(shared, cx, poll_body));
                finish(shared, engine, body.as_mut(), Outcome::Ended);
                Poll::Ready(())
            }));
        }
        ready!(shared.lingering.poll(cx.waker()));
        *this.has_returned = true;
        Poll::Ready(body.take_output())
    }
}

#[pinned_drop]
impl<F, Fut: Future, M> PinnedDrop for Driver<'_, F, Fut, M> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        let (shared, engine, mut body) = (&*this.shared, this.engine, this.body);
        if !engine.is_over() {
            engine.within(shared, |engine| {
                finish(shared, engine, body.as_mut(), Outcome::Dropped);
            });
        }
        shared.lingering.wait();
        quietly(|| drop(body.take_output()));
        if let Some(payload) = shared.take_panic() {
            discard(payload);
        }
    }
}

/// Ends the scope: drops the body and then every child. To be called once; see the module
/// documentation.
fn finish<F, Fut: Future>(
    shared: &Shared,
    engine: &mut Engine,
    body: Pin<&mut Body<F, Fut>>,
    outcome: Outcome,
) {
    engine.end(shared, outcome);
    body.clear(shared);
    drop_children(shared);
}
