//! The engine of a scope: what happens in a poll, and the steps of the end.
//!
//! It knows nothing of the user's types. The one thing in a scope that has them, the body, it polls
//! through a pointer ([`PollBody`]), so it is compiled once and not for every scope.
//!
//! # A poll
//!
//! 1. If the scope was stopped (a panic, an `Err`): end it.
//! 2. Run the children that are ready, first in, first out, and look after each whether the scope
//!    was stopped, or is done.
//!    If that turns out to be enough work to share, open the window and run the rest together with
//!    helpers: see [`crate::window`] and [`crate::policy`]. It is closed before anything is
//!    decided.
//! 3. If the body was woken: poll it. The first poll finds no child, and starts here.
//! 4. Repeat until nothing is ready: store the waker and return `Pending`.
//!
//! While it is alone with its children, and while it ends them, it has them at home: see
//! [`crate::home`].
//!
//! After a bounded number of polls it returns `Pending` in any case, having woken itself: its
//! [turn](crate::turn) is over.
//!
//! A scope is done when the body has finished and no ordinary child is alive. Counts decide that,
//! not the emptiness of a queue: a background child that wakes itself for ever would never let it
//! run empty.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::cancel::cancellation::Outcome;
use crate::cancel::enclosing::{self, Innermost};
use crate::child::Runnable;
use crate::helper::{Crew, Help};
use crate::panic::quietly;
#[cfg(taskpen_force_windows)]
use crate::policy::Plan;
use crate::policy::plan;
use crate::ready::caller::Caller;
use crate::ready::{Next, Ready};
use crate::shared::Shared;
use crate::sync::Instant;
use crate::turn::Turn;

/// How long after its first window a turn is over at the latest. Opening one costs a thousandth of
/// it.
const LONGEST_WINDOW: Duration = if cfg!(taskpen_force_windows) {
    Duration::MAX // the tests wait in windows for each other, on a machine that may be busy
} else {
    Duration::from_millis(10)
};

/// Polls the body of a scope, or starts it; true once it is done.
pub(crate) type PollBody<'a> = dyn FnMut(&Arc<Shared>) -> bool + 'a;

/// What a scope's future keeps from poll to poll, beside its body.
pub(crate) struct Engine {
    /// What enters the thread for each poll.
    entrant: Option<Arc<Shared>>,
    /// Set by the first poll, or by the drop before it.
    has_begun: bool,
    /// Set when the body has finished.
    body_done: bool,
    /// Set by `end`.
    over: bool,
    pub(crate) help: Help,
}

impl Engine {
    pub(crate) fn new(help: Help) -> Self {
        Self {
            entrant: None,
            has_begun: false,
            body_done: false,
            over: false,
            help,
        }
    }

    /// True once the scope has been ended.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Acts as the scope in which others are on this thread: those that are opened meanwhile, by
    /// children, by the body or by destructors.
    pub(crate) fn within<T>(
        &mut self,
        shared: &Arc<Shared>,
        act: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let inherited = self.help.choice.enter();
        if !mem::replace(&mut self.has_begun, true) {
            shared.cancellation.set_parent(enclosing::innermost());
        }
        let entrant = self.entrant.take();
        let inside = Innermost::enter(entrant.unwrap_or_else(|| Arc::clone(shared)));
        let result = act(self);
        self.entrant = inside.leave();
        drop(inherited);
        result
    }

    /// Polls the body and runs children until the scope has to end, or has nothing to do.
    pub(crate) fn drive(
        &mut self,
        shared: &Arc<Shared>,
        cx: &mut Context<'_>,
        body: &mut PollBody<'_>,
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
                Next::NeedWaker => {
                    if let Some(stale) = shared.report(|| caller.keep_current()) {
                        quietly(|| drop(stale));
                    }
                }
                Next::Run => {
                    let crew = if batch.is_empty() {
                        None
                    } else {
                        let crew = self.run_alone(shared, &mut batch, &mut turn);
                        ready.hand_back_home(&mut batch);
                        crew
                    };
                    if let Some(crew) = crew {
                        ready.leave_for_a_window(home);
                        self.run_together(shared, crew, &mut turn, body);
                        home = ready.enter_with_all();
                    }
                    self.poll_body(shared, &mut turn, body);
                    turn.end_pass();
                    if turn.is_over() && !must_end(shared, self.body_done) {
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

    /// Polls the body if it was woken, which the first time means to start it; whether it was.
    fn poll_body(
        &mut self,
        shared: &Arc<Shared>,
        turn: &mut Turn,
        body: &mut PollBody<'_>,
    ) -> bool {
        if self.body_done || shared.is_stopped() || !shared.ready.take_body_woken() {
            return false;
        }
        turn.spend(false);
        self.body_done = body(shared);
        true
    }

    /// Runs children from the batch, and measures whether helpers would pay: then it stops and says
    /// whom to ask.
    fn run_alone(
        &mut self,
        shared: &Arc<Shared>,
        batch: &mut VecDeque<Runnable>,
        turn: &mut Turn,
    ) -> Option<Crew> {
        let (help, body_done) = (&mut self.help, self.body_done);
        #[cfg(taskpen_force_windows)]
        if help.is_possible() {
            let crew = shared.report(|| help.crew(Plan::forced(batch.len())));
            if let Some(crew) = crew.flatten() {
                return Some(crew);
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
                let crew = shared.report(|| help.crew(plan)).flatten();
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
        &mut self,
        shared: &Arc<Shared>,
        crew: Crew,
        turn: &mut Turn,
        body: &mut PollBody<'_>,
    ) {
        let window = shared.window.open();
        let opened = turn.extend();
        let mut batch = VecDeque::with_capacity(crew.chunk);
        while !turn.is_over() && !must_end(shared, self.body_done) {
            let ready = shared.ready.take(&mut batch, crew.chunk);
            if batch.is_empty() && !self.poll_body(shared, turn, body) {
                break;
            }
            crew.call(shared, ready);
            run_children(shared, self.body_done, &mut batch, usize::MAX, turn);
            self.poll_body(shared, turn, body);
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

    /// Begins the end of the scope: from here on nobody can be spawned, and whoever waits for its
    /// cancellation is told. `outcome` is that of a scope in which nothing failed.
    pub(crate) fn end(&mut self, shared: &Shared, outcome: Outcome) {
        self.over = true;
        if !shared.ready.is_ended() {
            let waker = shared.ready.end();
            quietly(|| drop(waker));
        }
        // A panic of a closure can have been kept just now, on another thread.
        let has_panic = shared.has_panic();
        shared.cancellation.settle(match has_panic {
            true => Outcome::Panicked,
            false => outcome,
        });
    }
}

/// Drops every child of a scope that has ended.
pub(crate) fn drop_children(shared: &Shared) {
    let ready = &shared.ready;
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

/// Runs up to `most` children from the batch, until it is empty, the turn is over or the scope has
/// to end; how many.
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
