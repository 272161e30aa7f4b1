//! The poll loop of a scope: what happens in a poll, and how the end begins.
//!
//! It knows nothing of the user's types. The one thing in a scope that has them, the body, it polls
//! through a pointer ([`PollBody`]), so it is compiled once and not for every scope.
//!
//! # A poll
//!
//! 1. Take what is ready at home, and what others have pushed.
//! 2. If the scope has failed (a panic, an `Err`): end it.
//! 3. If there are several children, and an executor: open the [window](crate::help::window).
//! 4. Run the children that are ready, first in, first out, and look after each whether the scope
//!    has failed, or is done.
//!    If that turns out to be enough work to share, or slow polls are expected, share what is ready
//!    with helpers: see [`crate::help::policy`].
//! 5. If the body was woken: poll it. The first poll finds no child, and starts here.
//! 6. Repeat until nothing is ready and no helper is inside: shut the window, store the waker and
//!    return `Pending`.
//!
//! While it does not share its children, and while it ends them, it has them at home: see
//! [`crate::queue`].
//!
//! After a bounded number of polls, or some time, it returns `Pending` in any case, having woken
//! itself: its [budget](crate::run::budget) is spent. If a helper is in a slow poll then, it cannot
//! return before that does, and [drains](crate::run::drain).
//!
//! A scope is done when the body has finished and no ordinary child is alive. Counts decide that,
//! not the emptiness of a queue: a background child that wakes itself for ever would never let it
//! run empty.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::help::dispatch::{Dispatch, Help};
use crate::help::executor::Helpers;
use crate::help::policy::{Plan, plan};
use crate::help::watch::watch;
use crate::inspect;
use crate::panic::quietly;
use crate::queue::Next;
use crate::queue::waker_cache::WakerCache;
use crate::run::budget::{Budget, Pace};
use crate::run::current;
use crate::run::order::Order;
use crate::run::shared::Shared;
use crate::run::turn::{Turn, TurnWindow, must_end};
use crate::stop::state::{Outcome, Stop};
use crate::sync::Ordering;

/// Polls the body of a scope, or starts it; true once it is done.
pub(crate) type PollBody<'a> = dyn FnMut(&Arc<Shared>) -> bool + 'a;

/// What a scope's future keeps from poll to poll, beside its body.
pub(crate) struct PollLoop {
    /// Set by the first poll, or by the drop before it.
    has_begun: bool,
    /// The scope around this one: the one in which this was polled for the first time.
    pub(super) parent: Option<Arc<Shared>>,
    /// The key among those that are told when that stops.
    key: Option<usize>,
    /// Set when the body has finished.
    pub(super) body_done: bool,
    /// How often the body was polled alone and has left children, as far as that can be counted.
    left_behind: u8,
    /// Set by `end`.
    has_ended: bool,
    /// In which order children are polled.
    pub(super) order: Order,
    pub(crate) help: Help,
    pace: Pace,
}

/// How a part of a poll came out.
pub(super) enum Progress {
    /// The scope has to end.
    End,
    /// Nothing is ready. The window is shut, and the waker is stored.
    Idle,
    /// The budget is spent.
    Spent,
}

impl PollLoop {
    #[inline]
    pub(crate) fn new(help: Help) -> Self {
        Self {
            has_begun: false,
            parent: None,
            key: None,
            body_done: false,
            left_behind: 0,
            has_ended: false,
            order: Order::default(),
            help,
            pace: Pace::default(),
        }
    }

    /// Returns true once the scope has been ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Begins the scope, if this is the first time: inside the one in which that happens.
    ///
    /// What `helpers` does not say is as in that one.
    pub(crate) fn begin(&mut self, shared: &Arc<Shared>, helpers: &mut Option<Helpers>) {
        if !mem::replace(&mut self.has_begun, true) {
            self.parent = current::begin(helpers);
            let parent = self.parent.as_ref();
            inspect::begin(shared, parent);
            self.order = current::order(helpers.as_ref());
            self.help.is_serial |= self.order.is_drawn(); // whatever it was told
            self.key = parent.and_then(|parent| Stop::begin_inside(shared, &parent.stop));
        }
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
        let mut cache = WakerCache::new(cx.waker());
        let mut turn = Turn::new(shared, Budget::new(is_nested, self.pace()));
        let progress = shared.queue.home.enter(|| {
            shared.queue.take_back(&mut cache);
            match self.run_at_home(&mut turn, body, &mut cache) {
                Progress::Spent if turn.window.is_some() => {
                    turn.drain(is_nested, |turn| self.run_at_home(turn, body, &mut cache))
                }
                progress => progress,
            }
        });
        self.set_pace(shared, turn.budget.pace());
        let may_hold_up = turn.was_shared || shared.slow_inside.load(Ordering::Relaxed);
        if turn.window.is_some() {
            turn.close(); // and waits, if the scope has to end
        }
        quietly(|| drop(cache.into_kept()));
        match progress {
            Progress::End => Poll::Ready(()),
            Progress::Idle => Poll::Pending,
            Progress::Spent => {
                self.wake(shared, cx.waker(), may_hold_up && !is_nested);
                Poll::Pending
            }
        }
    }

    /// What is known of the polls to come; while that is nothing, what is known of a sibling.
    fn pace(&self) -> Pace {
        let slow_inside = |parent: &Arc<Shared>| parent.slow_inside.load(Ordering::Relaxed);
        match self.pace {
            Pace::Unknown if self.parent.as_ref().is_some_and(slow_inside) => Pace::Careful,
            pace => pace,
        }
    }

    /// Notes what the polls were like, for later ones and for those of siblings.
    fn set_pace(&mut self, shared: &Shared, pace: Pace) {
        self.pace = pace;
        match pace {
            Pace::Unknown => {}
            Pace::Easy => shared.slow_inside.store(false, Ordering::Relaxed),
            Pace::Careful => {
                if let Some(parent) = &self.parent {
                    parent.slow_inside.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    #[inline(always)]
    fn run_at_home(
        &mut self,
        turn: &mut Turn<'_>,
        body: &mut PollBody<'_>,
        cache: &mut WakerCache<'_>,
    ) -> Progress {
        let progress = self.run_passes(turn, body, cache);
        turn.shared.queue.hand_back_home(&mut turn.batch);
        progress
    }

    #[inline(always)]
    fn run_passes(
        &mut self,
        turn: &mut Turn<'_>,
        body: &mut PollBody<'_>,
        cache: &mut WakerCache<'_>,
    ) -> Progress {
        let shared = turn.shared;
        loop {
            let next = shared.queue.next(&mut turn.batch, self.body_done, cache);
            if shared.has_failed() {
                return Progress::End;
            }
            match next {
                Next::Done => return Progress::End,
                Next::Idle => return Progress::Idle,
                Next::Helped if turn.is_spent() => return Progress::Spent,
                Next::Helped => {
                    if self.body_done {
                        shared.queue.take_body_woken(); // nobody else will, and it would not sleep
                    }
                    turn.sleep();
                }
                Next::Closing => turn.close_and_wait(),
                Next::NeedWaker => {
                    if let Some(stale) = shared.report(|| cache.keep_current()) {
                        quietly(|| drop(stale));
                    }
                }
                // What the last helper has left may be slow, and is not for this thread alone.
                Next::Run if turn.is_drained() => return Progress::Spent,
                Next::Run if self.order.is_drawn() => {
                    self.run_drawn(turn, body);
                    // One step at a time: those around it draw as well, and no clock has a say.
                    if !must_end(shared, self.body_done) {
                        return Progress::Spent;
                    }
                }
                Next::Run => {
                    self.open(turn);
                    if turn.is_shut() {
                        turn.run_shut(self.body_done);
                    } else if turn.batch.is_empty() {
                        // The body was woken, and no child.
                    } else if turn.is_shared() {
                        self.run_in_window(turn, body);
                    } else {
                        turn.run_batch(self.body_done);
                        shared.queue.hand_back_home(&mut turn.batch);
                    }
                    if !turn.is_shut() {
                        self.poll_body(turn, body); // which can let helpers in
                    }
                    turn.end_pass();
                    if turn.is_spent() && !must_end(shared, self.body_done) {
                        return Progress::Spent;
                    }
                }
            }
        }
    }

    /// Opens the window, unless it is open, if there could be a helper and are several children.
    #[inline]
    fn open(&mut self, turn: &mut Turn<'_>) {
        // A scope that had several children may have one that spawns others, and blocks; so may a
        // body that has left some behind more than once.
        let is_wanted = || {
            cfg!(taskpen_force_windows)
                || turn.shared.queue.len() > 1
                || self.help.was_possible()
                || self.left_behind > 1
        };
        if turn.may_open && self.help.is_possible() && is_wanted() {
            self.open_window(turn);
        }
    }

    /// Wakes the task that polls the scope: after others, if all threads may be at it.
    #[inline(never)]
    fn wake(&mut self, shared: &Arc<Shared>, waker: &Waker, may_hold_up: bool) {
        let may_call = may_hold_up && self.help.is_possible();
        match may_call.then(|| self.help.find(shared)).flatten() {
            Some(call) => call.wake_later(waker),
            None => drop(quietly(|| waker.wake_by_ref())),
        }
    }

    #[inline(never)]
    fn open_window(&mut self, turn: &mut Turn<'_>) {
        let shared = turn.shared;
        let Some(call) = self.help.find(shared) else {
            return;
        };
        let window = &shared.queue.window;
        turn.is_eager = self.help.expects_slow(window.take_slow());
        shared.queue.leave_arrivals(true);
        let start = turn.budget.start_clock_for_helpers();
        turn.may_open = false;
        turn.window = Some(TurnWindow::new(window.open(start, turn.is_eager), call));
    }

    /// Runs children from the batch: alone, or together with helpers if that pays.
    #[inline(never)]
    fn run_in_window(&mut self, turn: &mut Turn<'_>, body: &mut PollBody<'_>) {
        let shared = turn.shared;
        let dispatch = self.run_alone(turn);
        shared.queue.hand_back_home(&mut turn.batch);
        if let Some(dispatch) = dispatch {
            let away = shared.queue.share();
            watch(|| self.run_together(turn, &dispatch, body));
            drop(away);
        }
    }

    /// Polls the body if it was woken, which the first time means to start it; returns whether it
    /// was.
    #[inline(always)]
    pub(super) fn poll_body(&mut self, turn: &mut Turn<'_>, body: &mut PollBody<'_>) -> bool {
        let shared = turn.shared;
        if self.body_done || shared.has_failed() || !shared.queue.take_body_woken() {
            return false;
        }
        if turn.window.is_none() {
            self.body_done = body(shared);
            let has_children = shared.queue.has_ready_at_home();
            self.left_behind = self.left_behind.saturating_add(has_children.into());
        } else {
            turn.poll_body(|| self.body_done = body(shared));
        }
        turn.spend_on_body(!self.body_done && shared.queue.is_body_woken());
        true
    }

    /// Runs children from the batch, and measures whether to share them with helpers: then it stops
    /// and says how to call those.
    fn run_alone(&mut self, turn: &mut Turn<'_>) -> Option<Dispatch> {
        let shares_all = turn.is_eager || cfg!(taskpen_force_windows);
        let may_share = shares_all || turn.batch.len() > 1;
        let Some(window) = turn.window.as_ref().filter(|_| may_share) else {
            turn.run_batch(self.body_done);
            return None;
        };
        let call = Arc::clone(&window.call);
        if shares_all {
            let plan = Plan::one_by_one(turn.batch.len());
            return Dispatch::new(&call, plan, turn.is_eager);
        }
        while let Some(look) = turn.run_stretch(self.body_done) {
            if look.is_slow {
                turn.note(&look);
            }
            if let Some(plan) = plan(look.polls, look.elapsed, turn.batch.len()) {
                return Dispatch::new(&call, plan, false);
            }
            turn.heed(&look);
        }
        None
    }

    /// Runs children that are shared, together with helpers, until nothing is ready, the budget is
    /// spent or the scope has to end.
    #[inline(never)]
    fn run_together(&mut self, turn: &mut Turn<'_>, dispatch: &Dispatch, body: &mut PollBody<'_>) {
        let shared = turn.shared;
        turn.share();
        // A scope that meets a slow poll now calls helpers in another way.
        let was_eager = turn.is_eager;
        while turn.is_eager == was_eager && !turn.is_spent() && !must_end(shared, self.body_done) {
            let ready = shared.queue.take(&mut turn.batch, dispatch.chunk);
            if turn.batch.is_empty() && !self.poll_body(turn, body) {
                break;
            }
            // Before a slow poll another thread is woken in any case: this one may drive the
            // timers.
            dispatch.call(shared, ready.max(turn.next_is_slow().into()));
            if turn.is_eager {
                turn.begin_poll();
            }
            turn.run_batch(self.body_done);
            self.poll_body(turn, body);
            if ready == 0 {
                turn.budget.end_pass(); // that was all there was
            }
        }
        shared.queue.hand_back(&mut turn.batch);
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
        self.help.forget(shared);
        if let (Some(parent), Some(key)) = (&self.parent, self.key.take()) {
            parent.stop.leave(key);
        }
    }
}
