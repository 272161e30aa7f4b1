//! The root future of a scope: the state machine behind [`Scoped`](crate::Scoped).
//!
//! It owns the body, and it runs and drops the children, in a window together with helpers. What
//! happens in a poll is the business of the [poll loop](crate::run::poll_loop); here is how a scope
//! ends.
//!
//! # The end
//!
//! One routine, [`finish`], for a return, an `Err`, a panic and a drop:
//!
//! 1. mark the scope as ended: spawns are refused from here on, and all that wait for its stop are
//!    told;
//! 2. drop the body;
//! 3. take the wakers of all suspended children, wake one after the other, which puts that child on
//!    the ready queue, and drop what is there;
//! 4. drop every runnable, until no child is alive.
//!
//! Closures on the blocking pool can neither be dropped nor interrupted. Those that are running
//! then are waited for by `poll`, as a task, and handed over by `drop`: see
//! [`crate::run::closures`].
//!
//! It runs to its end whatever panics on the way: each piece of foreign code in it is called
//! under `catch_unwind`. The first panic is re-raised when `poll` has come to the end; never by
//! `drop`, which an executor may call where an unwinding aborts the process.
//!
//! `src/guide/soundness.md` argues why no child can slip through.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::{pin_project, pinned_drop};

use crate::help::dispatch::Help;
use crate::help::executor::{Helpers, Hook, Source};
use crate::inspect::Name;
use crate::inspect::spans::ScopeSpan;
use crate::panic::{Defer, discard, quietly};
use crate::queue::home::IN_THE_MIDDLE;
use crate::run::body::Body;
use crate::run::current::enter;
use crate::run::ending::drop_children;
#[cfg(feature = "shuffle")]
use crate::run::order::Order;
use crate::run::poll_loop::PollLoop;
use crate::run::shared::Shared;
use crate::stop::state::Outcome;
use crate::sync::abort;

/// A body with its children.
///
/// Its destructor names `'env`, on purpose: the drop check then keeps what the children borrow
/// alive until the destructor has run. Invariance alone would not.
#[pin_project(PinnedDrop, !Unpin)]
pub(crate) struct Root<'env, F, Fut: Future, S> {
    shared: Arc<Shared>,
    /// Where helpers come from, for scopes inside as well.
    helpers: Option<Helpers>,
    poll_loop: PollLoop,
    #[pin]
    body: Body<F, Fut>,
    /// Set when `poll` has given its result.
    has_returned: bool,
    /// Set while a thread is inside `poll`, up to the end included.
    is_inside: bool,
    env: PhantomData<fn(&'env ()) -> &'env ()>,
    span: ScopeSpan,
    /// The kind of handle, which says whether this is `Send`.
    handle: PhantomData<S>,
}

impl<F, Fut: Future, S> Root<'_, F, Fut, S> {
    #[cfg_attr(any(feature = "inspect", feature = "tracing"), track_caller)]
    #[inline]
    pub(crate) fn new(entry: F, help: Help) -> Self {
        Self {
            shared: Shared::new(),
            helpers: None,
            poll_loop: PollLoop::new(help),
            body: Body::new(entry),
            has_returned: false,
            is_inside: false,
            env: PhantomData,
            span: ScopeSpan::new(),
            handle: PhantomData,
        }
    }

    /// Names the scope.
    pub(crate) fn set_name(&mut self, name: Name) {
        self.span.set_name(&name);
        self.shared.members.set_name(name);
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn help(&mut self) -> &mut Help {
        &mut self.poll_loop.help
    }

    /// Says where helpers come from.
    pub(crate) fn set_source(&mut self, source: Source) {
        self.poll_loop.help.is_serial = matches!(source, Source::Nowhere);
        self.helpers.get_or_insert_default().source = Some(source);
    }

    /// Says in which order children are polled; there are no helpers then.
    #[cfg(feature = "shuffle")]
    pub(crate) fn set_order(&mut self, order: Order) {
        self.set_source(Source::Nowhere);
        self.helpers.get_or_insert_default().order = order;
    }

    /// Says what is called around the stay of each helper.
    pub(crate) fn set_around(&mut self, hook: Hook) {
        self.helpers.get_or_insert_default().around = Some(hook);
    }

    /// Polls to the end of the scope: the body's output, if the scope did not fail before there was
    /// one.
    ///
    /// `start` and `is_failure` are those of [`Body::poll`]. The caller takes the scope's panic
    /// afterwards, and raises it; output that is not to be returned has to be dropped before, for
    /// that can panic as well.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) -> Poll<Option<Fut::Output>> {
        let this = self.project();
        let (shared, poll_loop, mut body) = (&*this.shared, this.poll_loop, this.body);
        let span = this.span;
        assert!(
            !*this.has_returned,
            "the future of a scope was polled after it had finished"
        );
        let inside = enter_alone(this.is_inside);
        if !poll_loop.has_ended() {
            poll_loop.begin(shared, this.helpers);
            ready!(enter(shared, this.helpers.as_ref(), true, |is_nested| {
                let poll_body = &mut |shared: &Arc<Shared>| {
                    body.as_mut()
                        .poll(shared, |entry| start(entry, shared), &is_failure)
                };
                let _in_poll = shared.members.begin_poll();
                let _in_span = span.begin_poll();
                ready!(poll_loop.run(shared, cx, poll_body, is_nested));
                finish(shared, poll_loop, body.as_mut(), Outcome::Ended);
                Poll::Ready(())
            }));
        }
        drop(inside);
        ready!(poll_loop.poll_closures(shared, cx.waker()));
        *this.has_returned = true;
        Poll::Ready(body.take_output())
    }
}

impl<F, Fut: Future, S> Root<'_, F, Fut, S> {
    /// Returns true once the scope was ended, though closures may run on.
    pub(crate) fn has_ended(&self) -> bool {
        self.poll_loop.has_ended()
    }

    /// Ends the scope, if it has not ended, as its drop would; but for the closures, which the next
    /// [`poll`](Self::poll) waits for. It has no output then.
    pub(crate) fn cut_off(self: Pin<&mut Self>) {
        let mut this = self.project();
        let inside = enter_alone(this.is_inside);
        if !this.poll_loop.has_ended() {
            let (shared, body) = (&*this.shared, this.body.as_mut());
            finish_early(shared, this.helpers, this.poll_loop, this.span, body);
            shared.report(|| drop(this.body.take_output()));
        }
        drop(inside);
    }
}

#[pinned_drop]
impl<F, Fut: Future, S> PinnedDrop for Root<'_, F, Fut, S> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if *this.has_returned {
            return; // nothing is left
        }
        let (shared, poll_loop, mut body) = (&*this.shared, this.poll_loop, this.body);
        let _inside = enter_alone(this.is_inside);
        if !poll_loop.has_ended() {
            finish_early(shared, this.helpers, poll_loop, this.span, body.as_mut());
        }
        poll_loop.hand_over_closures(shared);
        quietly(|| drop(body.take_output()));
        if let Some(payload) = shared.take_panic() {
            discard(payload);
        }
    }
}

/// Sets `is_inside`, until what this returns is dropped; aborts the process if it is set already.
///
/// A poll, or an end, that was left in the middle and forgotten is not to be gone on with from
/// where it looks as if it had come to: with children that are never dropped. For most of the time
/// the [home](crate::queue::home) knows it as well, but no thread is at home in an open window, nor
/// while the body is dropped.
fn enter_alone(is_inside: &mut bool) -> Defer<impl FnMut()> {
    if mem::replace(is_inside, true) {
        abort(IN_THE_MIDDLE);
    }
    Defer(|| *is_inside = false)
}

/// Ends a scope from outside, which may not have begun.
fn finish_early<F, Fut: Future>(
    shared: &Arc<Shared>,
    helpers: &mut Option<Helpers>,
    poll_loop: &mut PollLoop,
    span: &ScopeSpan,
    body: Pin<&mut Body<F, Fut>>,
) {
    poll_loop.begin(shared, helpers);
    enter(shared, helpers.as_ref(), true, |_| {
        let _in_poll = shared.members.begin_poll();
        let _in_span = span.enter();
        finish(shared, poll_loop, body, Outcome::Dropped);
    });
}

/// Ends the scope: drops the body and then every child. To be called once; see the module
/// documentation.
fn finish<F, Fut: Future>(
    shared: &Shared,
    poll_loop: &mut PollLoop,
    body: Pin<&mut Body<F, Fut>>,
    outcome: Outcome,
) {
    // Nothing in it unwinds. Should it do so all the same, there would be children that are never
    // dropped.
    let unfinished = Defer(|| abort("the end of a scope was interrupted"));
    poll_loop.end(shared, outcome);
    body.clear(shared);
    drop_children(shared);
    mem::forget(unfinished);
}
