//! The engine of a driver: its steps, one function each. They are described at [`crate::driver`].
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pin_project::pin_project;

use crate::caller::Caller;
use crate::child::Runnable;
use crate::enclosing::{self, Inside};
use crate::helper::{Crew, Help};
use crate::panic::{catch, quietly};
#[cfg(taskpen_force_windows)]
use crate::policy::Plan;
use crate::policy::plan;
use crate::ready::{Next, Ready};
use crate::shared::Shared;
use crate::signal::Outcome;
use crate::sync::Instant;
use crate::turn::Turn;

/// How long after its first window a turn is over at the latest. Opening one costs a thousandth of it.
const LONGEST_WINDOW: Duration = if cfg!(taskpen_force_windows) {
    Duration::MAX // the tests wait in windows for each other, on a machine that may be busy
} else {
    Duration::from_millis(10)
};

/// A driver without the shared state, which the methods are given.
#[pin_project]
pub(crate) struct Engine<F, Fut: Future> {
    /// What enters the thread for each poll; made by the first.
    entrant: Option<Arc<Shared>>,
    /// The user's closure, until the first poll calls it.
    entry: Option<F>,
    #[pin]
    body: Option<Fut>,
    /// Wakes the body; made at its first poll.
    body_waker: Option<Waker>,
    output: Option<Fut::Output>,
    /// Set when the body's output is there, or the body was dropped.
    body_done: bool,
    /// Set by `finish`.
    over: bool,
    pub(crate) help: Help,
}

impl<F, Fut: Future> Engine<F, Fut> {
    pub(crate) fn new(entry: F, help: Help) -> Self {
        Self {
            entrant: None,
            entry: Some(entry),
            body: None,
            body_waker: None,
            output: None,
            body_done: false,
            over: false,
            help,
        }
    }

    /// True once the scope has been ended.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The output of the body, if there is one.
    pub(crate) fn take_output(self: Pin<&mut Self>) -> Option<Fut::Output> {
        self.project().output.take()
    }

    /// Makes this the scope in which others are polled on this thread; [`leave`](Self::leave) ends it.
    pub(crate) fn enter(self: Pin<&mut Self>, shared: &Arc<Shared>) -> Inside {
        let this = self.project();
        if this.entry.is_some() {
            shared.cancellation.set_parent(enclosing::innermost());
        }
        let entrant = this.entrant.take();
        Inside::enter(entrant.unwrap_or_else(|| Arc::clone(shared)))
    }

    pub(crate) fn leave(self: Pin<&mut Self>, inside: Inside) {
        *self.project().entrant = inside.leave();
    }

    /// Polls the body and runs children until the scope has to end, or has nothing to do.
    pub(crate) fn drive(
        mut self: Pin<&mut Self>,
        shared: &Arc<Shared>,
        cx: &mut Context<'_>,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) -> Poll<()> {
        let ready = &shared.ready;
        let mut turn = Turn::begin();
        let mut caller = Caller::new(cx.waker());
        let mut home = ready.enter(&mut caller);
        let mut batch = VecDeque::new();
        let poll = loop {
            let next = ready.next(&mut batch, self.body_done, &mut caller);
            if shared.is_stopped() {
                break Poll::Ready(());
            }
            match next {
                Next::Done => break Poll::Ready(()),
                Next::Idle => break Poll::Pending,
                Next::NeedWaker => report(shared, || {
                    let stale = caller.keep_current();
                    quietly(|| drop(stale));
                }),
                Next::Run => {
                    let crew = if batch.is_empty() {
                        None
                    } else {
                        let crew = self.as_mut().run_alone(shared, &mut batch, &mut turn);
                        ready.hand_back_home(&mut batch);
                        crew
                    };
                    if let Some(crew) = crew {
                        ready.leave_for_a_window(home);
                        self.as_mut()
                            .run_together(shared, crew, &mut turn, &start, &is_failure);
                        home = ready.return_from_a_window();
                    }
                    self.as_mut()
                        .poll_body(shared, &mut turn, &start, &is_failure);
                    turn.end_pass();
                    if turn.is_over() && !self.must_end(shared) {
                        quietly(|| cx.waker().wake_by_ref());
                        break Poll::Pending;
                    }
                }
            }
        };
        ready.hand_back_home(&mut batch);
        drop(home);
        quietly(|| drop(caller.into_kept()));
        poll
    }

    /// Polls the body if it was woken, which the first time means to make it; whether it was.
    fn poll_body(
        self: Pin<&mut Self>,
        shared: &Arc<Shared>,
        turn: &mut Turn,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) -> bool {
        let mut this = self.project();
        if *this.body_done || shared.is_stopped() || !shared.ready.take_body_woken() {
            return false;
        }
        turn.spend(false);
        let waker = this
            .body_waker
            .get_or_insert_with(|| Waker::from(Arc::clone(shared)));
        let poll = catch(|| {
            if let Some(entry) = this.entry.take() {
                this.body.set(Some(start(entry, shared)));
            }
            match this.body.as_mut().as_pin_mut() {
                Some(body) => body.poll(&mut Context::from_waker(waker)),
                None => unreachable!("a body is not polled after it has finished"),
            }
        });
        match poll {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(output)) => {
                if is_failure(&output) {
                    shared.failed();
                }
                *this.output = Some(output);
                *this.body_done = true;
                report(shared, || this.body.set(None));
            }
            Err(payload) => shared.panicked(payload),
        }
        true
    }

    /// Runs children from the batch, and measures whether helpers would pay: then it stops and says
    /// whom to ask.
    fn run_alone(
        self: Pin<&mut Self>,
        shared: &Arc<Shared>,
        batch: &mut VecDeque<Runnable>,
        turn: &mut Turn,
    ) -> Option<Crew> {
        let this = self.project();
        let (help, body_done) = (this.help, *this.body_done);
        #[cfg(taskpen_force_windows)]
        if help.is_possible() {
            let crew = help.crew(Plan::forced(batch.len()));
            if crew.is_some() {
                return crew;
            }
        }
        if !help.is_possible() || !help.meter.starts(batch.len()) {
            run_children(shared, body_done, batch, usize::MAX, turn);
            return None;
        }
        let start = Instant::now();
        let mut polls = 0;
        loop {
            let stretch = help.meter.stretch(polls, batch.len());
            let ran = run_children(shared, body_done, batch, stretch, turn);
            polls += ran;
            if ran < stretch || batch.is_empty() || must_end(shared, body_done) {
                help.meter.found_short(polls);
                return None;
            }
            if let Some(plan) = plan(polls, start.elapsed(), batch.len()) {
                let crew = catch(|| help.crew(plan)).unwrap_or_else(|payload| {
                    shared.panicked(payload);
                    None
                });
                if crew.is_none() {
                    run_children(shared, body_done, batch, usize::MAX, turn);
                }
                return crew;
            }
        }
    }

    /// Runs children in an open window, together with `crew`, until nothing is ready, the turn is
    /// over or the scope has to end.
    fn run_together(
        mut self: Pin<&mut Self>,
        shared: &Arc<Shared>,
        crew: Crew,
        turn: &mut Turn,
        start: impl Fn(F, &Arc<Shared>) -> Fut,
        is_failure: impl Fn(&Fut::Output) -> bool,
    ) {
        let window = shared.window.open();
        let opened = turn.extend();
        let mut batch = VecDeque::with_capacity(crew.chunk);
        while !turn.is_over() && !self.must_end(shared) {
            let ready = shared.ready.take(&mut batch, crew.chunk);
            if batch.is_empty() && !self.as_mut().poll_body(shared, turn, &start, &is_failure) {
                break;
            }
            crew.call(shared, ready);
            run_children(shared, self.body_done, &mut batch, usize::MAX, turn);
            self.as_mut().poll_body(shared, turn, &start, &is_failure);
            if ready == 0 {
                turn.end_pass(); // that was all there was
            }
            if opened.elapsed() > LONGEST_WINDOW {
                turn.end();
            }
        }
        shared.ready.hand_back(&mut batch);
        window.close();
    }

    /// True if the scope was stopped, or is done.
    fn must_end(&self, shared: &Shared) -> bool {
        must_end(shared, self.body_done)
    }

    /// Ends the scope: drops the body and then every child. Does so once; see [`crate::driver`].
    /// `outcome` is that of a scope in which nothing failed.
    pub(crate) fn finish(self: Pin<&mut Self>, shared: &Shared, outcome: Outcome) {
        let mut this = self.project();
        if mem::replace(this.over, true) {
            return;
        }
        let ready = &shared.ready;
        if !ready.is_ended() {
            let waker = ready.end();
            quietly(|| drop(waker));
        }
        shared.cancellation.settle(outcome);
        report(shared, || drop(this.entry.take()));
        report(shared, || this.body.set(None));
        if ready.len() == 0 {
            return; // and so there is no runnable
        }
        let _home = ready.enter_for_the_end();
        let batch = &mut VecDeque::new();
        for waker in ready.take_suspended() {
            waker.wake();
            drop_batch(ready, batch); // at once, while the child is in the cache
        }
        while drop_batch(ready, batch) || ready.await_runnables() {}
    }
}

/// Runs up to `most` children from the batch, until it is empty, the turn is over or the scope has to
/// end; how many.
fn run_children(
    shared: &Shared,
    body_done: bool,
    batch: &mut VecDeque<Runnable>,
    most: usize,
    turn: &mut Turn,
) -> usize {
    let mut ran = 0;
    while ran < most && !turn.is_over() && !must_end(shared, body_done) {
        let Some(child) = batch.pop_front() else {
            break;
        };
        turn.spend(child.run());
        ran += 1;
    }
    ran
}

/// Drops the children that are ready at home; false if there were none.
fn drop_batch(ready: &Ready, batch: &mut VecDeque<Runnable>) -> bool {
    ready.take_home(batch);
    let found = !batch.is_empty();
    while let Some(child) = batch.pop_front() {
        drop(child); // and its future, under `catch_unwind`
    }
    found
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
