//! The poll loop of a scope: what happens in a poll, and the steps of the end.
//!
//! It knows nothing of the user's types. The one thing in a scope that has them, the body, it polls
//! through a pointer ([`PollBody`]), so it is compiled once and not for every scope.
//!
//! # A poll
//!
//! 1. Take what is ready at home, and what others have pushed.
//! 2. If the scope has failed (a panic, an `Err`): end it.
//! 3. Run the children that are ready, first in, first out, and look after each whether the scope
//!    has failed, or is done.
//!    If that turns out to be enough work to share, open the window and run the rest together with
//!    helpers: see [`crate::help::window`] and [`crate::help::policy`]. It is closed before
//!    anything is decided.
//! 4. If the body was woken: poll it. The first poll finds no child, and starts here.
//! 5. Repeat until nothing is ready: store the waker and return `Pending`.
//!
//! While it is alone with its children, and while it ends them, it has them at home: see
//! [`crate::queue`].
//!
//! After a bounded number of polls it returns `Pending` in any case, having woken itself: its
//! [budget](crate::run::budget) is spent.
//!
//! A scope is done when the body has finished and no ordinary child is alive. Counts decide that,
//! not the emptiness of a queue: a background child that wakes itself for ever would never let it
//! run empty.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

#[cfg(taskpen_force_windows)]
use crate::help::policy::Plan;
use crate::help::policy::plan;
use crate::help::ticket::{Dispatch, Help};
use crate::panic::quietly;
use crate::queue::waker_cache::WakerCache;
use crate::queue::{Next, Queue};
use crate::run::budget::Budget;
use crate::run::current;
use crate::run::shared::{Runnable, Shared};
use crate::stop::state::{Outcome, Stop};
use crate::sync::Instant;

/// How long after its first window a poll is over at the latest. Opening one costs a thousandth of
/// it.
const LONGEST_WINDOW: Duration = if cfg!(taskpen_force_windows) {
    Duration::MAX // the tests wait in windows for each other, on a machine that may be busy
} else {
    Duration::from_millis(10)
};

/// How many suspended children are woken before they are dropped, at the end.
const AT_A_TIME: usize = 16;

/// Polls the body of a scope, or starts it; true once it is done.
pub(crate) type PollBody<'a> = dyn FnMut(&Arc<Shared>) -> bool + 'a;

/// What a scope's future keeps from poll to poll, beside its body.
pub(crate) struct PollLoop {
    /// Set by the first poll, or by the drop before it.
    has_begun: bool,
    /// The scope around this one: the one in which this was polled for the first time.
    parent: Option<Arc<Shared>>,
    /// The key among those that are told when that stops.
    key: Option<usize>,
    /// Set when the body has finished.
    body_done: bool,
    /// Set by `end`.
    has_ended: bool,
    pub(crate) help: Help,
}

impl PollLoop {
    pub(crate) fn new(help: Help) -> Self {
        Self {
            has_begun: false,
            parent: None,
            key: None,
            body_done: false,
            has_ended: false,
            help,
        }
    }

    /// Returns true once the scope has been ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Begins the scope, if this is the first time: inside the one in which that happens.
    pub(crate) fn begin(&mut self, shared: &Arc<Shared>) {
        if !mem::replace(&mut self.has_begun, true) {
            self.parent = current::scope();
            let parent = self.parent.as_ref();
            self.key = parent.and_then(|parent| Stop::begin_inside(shared, &parent.stop));
        }
    }

    /// Waits for closures: the last thing that a scope does whose end is awaited.
    pub(crate) fn poll_closures(&mut self, shared: &Shared, waker: &Waker) -> Poll<()> {
        // Closures of scopes inside this one go outwards, should it be over before those are.
        let around = self.parent.as_ref().filter(|_| shared.stop.is_linked());
        ready!(shared.closures.poll(waker, around));
        self.parent = None;
        Poll::Ready(())
    }

    /// Hands closures over: the last thing that a scope does which is dropped.
    pub(crate) fn hand_over_closures(&mut self, shared: &Shared) {
        shared.closures.hand_over(self.parent.as_ref());
    }

    /// Polls the body and runs children until the scope has to end, or has nothing to do.
    /// `is_nested` says that another scope polls this one.
    pub(crate) fn run(
        &mut self,
        shared: &Arc<Shared>,
        cx: &mut Context<'_>,
        body: &mut PollBody<'_>,
        is_nested: bool,
    ) -> Poll<()> {
        let budget = &mut Budget::new(is_nested);
        let mut cache = WakerCache::new(cx.waker());
        let batch = &mut VecDeque::new();
        let poll = shared.queue.home.enter(|| {
            shared.queue.take_back(&mut cache);
            let poll = self.run_at_home(shared, cx, body, budget, &mut cache, batch);
            shared.queue.hand_back_home(batch);
            poll
        });
        quietly(|| drop(cache.into_kept()));
        poll
    }

    fn run_at_home(
        &mut self,
        shared: &Arc<Shared>,
        cx: &mut Context<'_>,
        body: &mut PollBody<'_>,
        budget: &mut Budget,
        cache: &mut WakerCache<'_>,
        batch: &mut VecDeque<Runnable>,
    ) -> Poll<()> {
        loop {
            let next = shared.queue.next(batch, self.body_done, cache);
            if shared.has_failed() {
                return Poll::Ready(());
            }
            match next {
                Next::Done => return Poll::Ready(()),
                Next::Idle => return Poll::Pending,
                Next::NeedWaker => {
                    if let Some(stale) = shared.report(|| cache.keep_current()) {
                        quietly(|| drop(stale));
                    }
                }
                Next::Run => {
                    if !batch.is_empty() {
                        let dispatch = self.run_alone(shared, batch, budget);
                        shared.queue.hand_back_home(batch);
                        if let Some(dispatch) = dispatch {
                            let away = shared.queue.begin_window();
                            self.run_together(shared, dispatch, budget, body);
                            drop(away);
                            shared.queue.bring_all_home();
                        }
                    }
                    self.poll_body(shared, budget, body);
                    budget.end_pass();
                    if budget.polls == 0 && !must_end(shared, self.body_done) {
                        quietly(|| cx.waker().wake_by_ref());
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Polls the body if it was woken, which the first time means to start it; returns whether it
    /// was.
    fn poll_body(
        &mut self,
        shared: &Arc<Shared>,
        budget: &mut Budget,
        body: &mut PollBody<'_>,
    ) -> bool {
        if self.body_done || shared.has_failed() || !shared.queue.take_body_woken() {
            return false;
        }
        budget.spend(1, false);
        self.body_done = body(shared);
        true
    }

    /// Runs children from the batch, and measures whether helpers would pay: then it stops and says
    /// how to call them.
    fn run_alone(
        &mut self,
        shared: &Arc<Shared>,
        batch: &mut VecDeque<Runnable>,
        budget: &mut Budget,
    ) -> Option<Dispatch> {
        let (help, body_done) = (&mut self.help, self.body_done);
        #[cfg(taskpen_force_windows)]
        if help.is_possible() {
            let found = shared.report(|| help.dispatch(Plan::forced(batch.len())));
            if let Some(dispatch) = found.flatten() {
                return Some(dispatch);
            }
        }
        if !help.is_possible() || !help.policy.starts(batch.len()) {
            run_children(shared, body_done, batch, usize::MAX, budget);
            return None;
        }
        let start = Instant::now();
        let mut polls = 0;
        loop {
            let stretch = help.policy.stretch(polls, batch.len());
            let ran = run_children(shared, body_done, batch, stretch, budget);
            polls += ran;
            if ran < stretch || batch.is_empty() || must_end(shared, body_done) {
                help.policy.found_short(polls);
                return None;
            }
            if let Some(plan) = plan(polls, start.elapsed(), batch.len()) {
                let dispatch = shared.report(|| help.dispatch(plan)).flatten();
                if dispatch.is_none() {
                    run_children(shared, body_done, batch, usize::MAX, budget);
                }
                return dispatch;
            }
        }
    }

    /// Runs children in an open window, together with helpers, until nothing is ready, the budget
    /// is spent or the scope has to end.
    fn run_together(
        &mut self,
        shared: &Arc<Shared>,
        dispatch: Dispatch,
        budget: &mut Budget,
        body: &mut PollBody<'_>,
    ) {
        let _open = shared.window.open();
        let opened = budget.extend();
        let mut batch = VecDeque::with_capacity(dispatch.chunk);
        while budget.polls > 0 && !must_end(shared, self.body_done) {
            let ready = shared.queue.take(&mut batch, dispatch.chunk);
            if batch.is_empty() && !self.poll_body(shared, budget, body) {
                break;
            }
            dispatch.call(shared, ready);
            run_children(shared, self.body_done, &mut batch, usize::MAX, budget);
            self.poll_body(shared, budget, body);
            if ready == 0 {
                budget.end_pass(); // that was all there was
            }
            if opened.elapsed() > LONGEST_WINDOW {
                budget.polls = 0;
            }
        }
        shared.queue.hand_back(&mut batch);
    }

    /// Begins the end of the scope: from here on no child can be spawned, and all that wait for the
    /// scope's stop are told. `outcome` is that of a scope in which nothing failed.
    pub(crate) fn end(&mut self, shared: &Shared, outcome: Outcome) {
        self.has_ended = true;
        if !shared.queue.is_ended() {
            let waker = shared.queue.end();
            quietly(|| drop(waker));
        }
        // A panic of a closure can have been kept just now, on another thread.
        shared.stop.end(match shared.has_panic() {
            true => Outcome::Panicked,
            false => outcome,
        });
        if let (Some(parent), Some(key)) = (&self.parent, self.key.take()) {
            parent.stop.leave(key);
        }
    }
}

/// Drops every child of a scope that has ended.
pub(crate) fn drop_children(shared: &Shared) {
    let queue = &shared.queue;
    if queue.len() == 0 {
        return; // and so there is no runnable
    }
    queue.at_home_for_the_end(|| {
        let batch = &mut VecDeque::new();
        let mut suspended = queue.take_suspended().map(Waker::wake);
        // A few at a time, so that a child is still in the cache when it is dropped.
        while suspended.by_ref().take(AT_A_TIME).count() > 0 {
            drop_batch(queue, batch);
        }
        while drop_batch(queue, batch) || queue.await_runnables() {}
    });
}

/// Runs up to `most` children from the batch, until it is empty, the budget is spent or the scope
/// has to end; returns how many.
fn run_children(
    shared: &Shared,
    body_done: bool,
    batch: &mut VecDeque<Runnable>,
    most: usize,
    budget: &mut Budget,
) -> usize {
    let most = most.min(budget.polls);
    let (mut ran, mut is_restless) = (0, false);
    while ran < most && !must_end(shared, body_done) {
        let Some(child) = batch.pop_front() else {
            break;
        };
        is_restless |= child.run();
        ran += 1;
    }
    budget.spend(ran, is_restless);
    ran
}

/// Drops the children that are ready at home; returns false if there were none.
fn drop_batch(queue: &Queue<Runnable>, batch: &mut VecDeque<Runnable>) -> bool {
    queue.take_home(batch);
    let found = !batch.is_empty();
    while let Some(child) = batch.pop_front() {
        drop(child); // and its future, under `catch_unwind`
    }
    found
}

/// Returns true if no poll may start any more: the scope has failed, or is done.
fn must_end(shared: &Shared, body_done: bool) -> bool {
    shared.has_failed() || (body_done && shared.queue.ordinary() == 0)
}
