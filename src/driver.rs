//! The driver of a scope: what happens in a poll, and how a scope ends.
//!
//! It is the state machine behind both futures, [`Scoped`](crate::Scoped) and
//! [`TryScoped`](crate::TryScoped), which add how the body starts and what its output means. The
//! driver owns the body, and is the only one that runs and drops children.
//!
//! # A poll
//!
//! 1. If the scope was stopped (a panic, an `Err`): end it.
//! 2. Run the children that are ready, first in, first out, and look after each whether the scope
//!    was stopped, or is done.
//!    If that turns out to be enough work to share, open the window and run the rest together with
//!    helpers: see [`crate::window`] and [`crate::policy`]. It is closed before anything is decided.
//! 3. If the body was woken: poll it. The first poll finds no child, and starts here.
//! 4. Repeat until nothing is ready: store the waker and return `Pending`.
//!
//! After a bounded number of polls it returns `Pending` in any case, having woken itself: its
//! [`Turn`] is over.
//!
//! A scope is done when the body has finished and no ordinary child is alive. Counts decide that,
//! not the emptiness of a queue: a background child that wakes itself for ever would never let it
//! run empty.
//!
//! # The end
//!
//! One routine, [`Driver::finish`], for a return, an `Err`, a panic and a drop:
//!
//! 1. mark the scope as ended: spawns are refused from here on;
//! 2. drop the body;
//! 3. wake every suspended child, which puts each on the ready queue;
//! 4. drop every runnable, until no child is alive.
//!
//! It runs to its end whatever panics on the way: each piece of foreign code in it is called
//! under `catch_unwind`. The first panic is re-raised by `poll`, after the end; never by `drop`,
//! which an executor may call where an unwinding aborts the process.
//!
//! `src/guide/soundness.md` argues why no child can slip through.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use pin_project::{pin_project, pinned_drop};

use crate::child::Runnable;
use crate::helper::{Crew, Help};
use crate::panic::{Payload, catch, discard, quietly};
#[cfg(taskpen_force_windows)]
use crate::policy::Plan;
use crate::policy::{Meter, plan};
use crate::ready::{Caller, Next};
use crate::shared::Shared;
use crate::sync::Instant;
use crate::turn::Turn;

/// How long a window stays open at most: its turn is over as well. Opening one costs a thousandth of it.
const LONGEST_WINDOW: Duration = Duration::from_millis(10);

/// A body with its children: the state machine behind both futures of a scope.
///
/// Its destructor names `'env`, on purpose: the drop check then keeps what the children borrow
/// alive until the destructor has run. Invariance alone would not.
#[pin_project(PinnedDrop, !Unpin)]
pub(crate) struct Driver<'env, F, Fut: Future, M> {
    shared: Arc<Shared>,
    /// What was taken from the ready queue and has not run yet.
    batch: VecDeque<Runnable>,
    /// The user's closure, until the first poll calls it.
    entry: Option<F>,
    #[pin]
    body: Option<Fut>,
    output: Option<Fut::Output>,
    /// Set when the body's output is there, or the body was dropped.
    body_done: bool,
    /// Set by `finish`.
    over: bool,
    help: Help,
    env: PhantomData<fn(&'env ()) -> &'env ()>,
    marker: PhantomData<M>,
}

impl<F, Fut: Future, M> Driver<'_, F, Fut, M> {
    pub(crate) fn new(entry: F, help: Help) -> Self {
        Self {
            shared: Shared::new(),
            batch: VecDeque::new(),
            entry: Some(entry),
            body: None,
            output: None,
            body_done: false,
            over: false,
            help,
            env: PhantomData,
            marker: PhantomData,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn help(&mut self) -> &mut Help {
        &mut self.help
    }

    /// Polls to the end of the scope: the body's output, if the scope was not stopped before there
    /// was one, or the panic to raise.
    ///
    /// `start` makes the body. `is_failure` says whether its output ends the scope at once.
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) -> Poll<Result<Option<Fut::Output>, Payload>> {
        assert!(
            !self.over,
            "the future of a scope was polled after it had finished"
        );
        let inherited = self.help.choice.enter();
        ready!(self.as_mut().drive(cx, start, is_failure));
        self.as_mut().finish();
        drop(inherited);
        let this = self.project();
        let output = this.output.take();
        Poll::Ready(match this.shared.take_panic() {
            None => Ok(output),
            Some(payload) => {
                quietly(|| drop(output));
                Err(payload)
            }
        })
    }

    /// Polls the body and runs children until the scope has to end, or has nothing to do.
    fn drive(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) -> Poll<()> {
        let mut turn = Turn::begin();
        let mut caller = Caller::new(cx.waker());
        let poll = loop {
            let this = self.as_mut().project();
            let ready = &this.shared.ready;
            let next = ready.next(this.batch, *this.body_done, &mut caller);
            if this.shared.is_stopped() {
                break Poll::Ready(());
            }
            match next {
                Next::Done => break Poll::Ready(()),
                Next::Idle => break Poll::Pending,
                Next::NeedWaker => report(this.shared, || {
                    let stale = caller.keep_current();
                    quietly(|| drop(stale));
                }),
                Next::Run => {
                    if let Some(crew) = self.as_mut().run_alone(&mut turn) {
                        self.as_mut()
                            .run_together(crew, &mut turn, &start, &is_failure);
                    }
                    self.as_mut().poll_body(&mut turn, &start, &is_failure);
                    turn.end_pass();
                    if turn.is_over() && !self.must_end() {
                        quietly(|| cx.waker().wake_by_ref());
                        break Poll::Pending;
                    }
                }
            }
        };
        quietly(|| drop(caller.into_kept()));
        poll
    }

    /// Polls the body if it was woken, which the first time means to make it; whether it was.
    fn poll_body(
        self: Pin<&mut Self>,
        turn: &mut Turn,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) -> bool {
        let mut this = self.project();
        let shared = &*this.shared;
        if *this.body_done || shared.is_stopped() || !shared.ready.take_body_woken() {
            return false;
        }
        turn.spend(false);
        let waker = Waker::from(Arc::clone(shared));
        let poll = catch(|| {
            if let Some(entry) = this.entry.take() {
                this.body.set(Some(start(entry, shared)));
            }
            match this.body.as_mut().as_pin_mut() {
                Some(body) => body.poll(&mut Context::from_waker(&waker)),
                None => unreachable!("a body is not polled after it has finished"),
            }
        });
        match poll {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(output)) => {
                if is_failure(&output) {
                    shared.stop();
                }
                *this.output = Some(output);
                *this.body_done = true;
                report(shared, || this.body.set(None));
            }
            Err(payload) => shared.panicked(payload),
        }
        true
    }

    /// Runs children from the batch, and measures whether helpers would pay: then it stops and
    /// says whom to ask.
    fn run_alone(mut self: Pin<&mut Self>, turn: &mut Turn) -> Option<Crew> {
        let this = self.as_mut().project();
        #[cfg(taskpen_force_windows)]
        if this.help.is_possible() && !this.batch.is_empty() {
            let crew = this.help.crew(Plan::forced(this.batch.len()));
            if crew.is_some() {
                return crew;
            }
        }
        if !this.help.is_possible() || !this.help.meter.starts(this.batch.len()) {
            self.run_children(turn, usize::MAX);
            return None;
        }
        let start = Instant::now();
        let mut polls = 0;
        loop {
            let stretch = Meter::next_reading(polls) - polls;
            let ran = self.as_mut().run_children(turn, stretch);
            polls += ran;
            let this = self.as_mut().project();
            if ran < stretch || this.batch.is_empty() || must_end(this.shared, *this.body_done) {
                this.help.meter.found_short();
                return None;
            }
            if let Some(plan) = plan(polls, start.elapsed(), this.batch.len()) {
                let crew = catch(|| this.help.crew(plan)).unwrap_or_else(|payload| {
                    this.shared.panicked(payload);
                    None
                });
                if crew.is_none() {
                    self.run_children(turn, usize::MAX);
                }
                return crew;
            }
        }
    }

    /// Runs children in an open window, together with `crew`, until nothing is ready, the turn is
    /// over or the scope has to end.
    fn run_together(
        mut self: Pin<&mut Self>,
        crew: Crew,
        turn: &mut Turn,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) {
        let shared = Arc::clone(&self.shared);
        shared.ready.put_back(self.as_mut().project().batch);
        let window = shared.window.open();
        let opened = Instant::now();
        while !turn.is_over() && !self.must_end() {
            let batch = self.as_mut().project().batch;
            let ready = shared.ready.take(batch, crew.chunk);
            if batch.is_empty() && !self.as_mut().poll_body(turn, &start, &is_failure) {
                break;
            }
            crew.call(&shared, ready);
            self.as_mut().run_children(turn, usize::MAX);
            self.as_mut().poll_body(turn, &start, &is_failure);
            if opened.elapsed() > LONGEST_WINDOW {
                turn.end();
            }
        }
        window.close();
    }

    /// Runs up to `most` children from the batch, until it is empty, the turn is over or the scope
    /// has to end; how many.
    fn run_children(self: Pin<&mut Self>, turn: &mut Turn, most: usize) -> usize {
        let this = self.project();
        let mut ran = 0;
        while ran < most && !turn.is_over() && !must_end(this.shared, *this.body_done) {
            let Some(child) = this.batch.pop_front() else {
                break;
            };
            turn.spend(child.run());
            ran += 1;
        }
        ran
    }

    /// True if the scope was stopped, or is done.
    fn must_end(&self) -> bool {
        must_end(&self.shared, self.body_done)
    }

    /// Ends the scope: drops the body and then every child. Does so once; see the module
    /// documentation.
    fn finish(self: Pin<&mut Self>) {
        let mut this = self.project();
        if mem::replace(this.over, true) {
            return;
        }
        let shared = this.shared;
        let waker = shared.ready.end();
        quietly(|| drop(waker));
        report(shared, || drop(this.entry.take()));
        report(shared, || this.body.set(None));
        shared.suspended.drain();
        loop {
            // Dropping a runnable drops the child's future, under `catch_unwind`.
            this.batch.clear();
            if !shared.ready.drain(this.batch) {
                return;
            }
        }
    }
}

#[pinned_drop]
impl<F, Fut: Future, M> PinnedDrop for Driver<'_, F, Fut, M> {
    fn drop(mut self: Pin<&mut Self>) {
        self.as_mut().finish();
        let this = self.project();
        quietly(|| drop(this.output.take()));
        if let Some(payload) = this.shared.take_panic() {
            discard(payload);
        }
    }
}

/// True if no poll may start any more: the scope was stopped, or is done.
fn must_end(shared: &Shared, body_done: bool) -> bool {
    shared.is_stopped() || (body_done && shared.ready.ordinary() == 0)
}

/// Runs foreign code whose panic is a panic of the scope.
fn report(shared: &Shared, code: impl FnOnce()) {
    if let Err(payload) = catch(code) {
        shared.panicked(payload);
    }
}
