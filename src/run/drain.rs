//! Draining: a poll whose budget is spent, and that cannot return, for a helper is still inside.
//!
//! # What it promises
//!
//! * The poll returns once no helper is inside, after one more poll of a child at most.
//! * Until then nobody is held up: what becomes ready is run, for the helper can be in a poll that
//!   blocks; and while a poll of this thread lasts, helpers run the rest.
//!
//! # How
//!
//! No helper is let in any more. This thread runs what becomes ready, one child at a time. It
//! leaves the others under the lock, and while it is inside a child, or the body, the door is open:
//! a push calls a helper if that poll has lasted for a while, or slow polls are expected. So a
//! helper comes only while we could not return anyway.
//!
//! Such helpers may come to be inside one after the other, so that we are never alone. So now and
//! then this thread waits with the door shut, whatever is ready: after a few milliseconds first,
//! and less often the longer it lasts, for then a poll is what we wait for.
//!
//! A child that was slow lately would keep us from returning. So it is set aside, under the lock,
//! where helpers find it. If the helper inside outlasts our patience, it is in a poll that is
//! exceptional, and what was set aside must not wait for it: it is run after all, with helpers
//! called for the others. Our patience is then what that took. So helpers that are in polls just as
//! slow leave before it ends the next time, and the poll of the scope returns. Polls that are
//! slower still would overlap for ever. So after a while helpers do not begin such polls any more.
#![forbid(unsafe_code)]

use std::mem;
use std::time::Duration;

use crate::help::policy::SLOW;
use crate::help::watch::{self, watch};
use crate::run::poll_loop::Progress;
use crate::run::shared::Runnable;
use crate::run::turn::{Turn, must_end};
use crate::sync::Instant;

/// How long we wait for helpers to leave before we run what was set aside.
const PATIENCE: Duration = Duration::from_millis(4);

/// ... and no longer than this, whatever the polls of children take.
const MOST_PATIENCE: Duration = Duration::from_millis(50);

/// A wait that takes longer is for a slow poll.
pub(super) const WHILE: Duration = SLOW;

/// How long helpers are given at least to come back from polls that are not slow.
const LEAST_WAIT: Duration = Duration::from_millis(2);

/// ... and at most: longer polls are known as slow, or exceptional.
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// How long we go on at most before we wait for them again.
const LONGEST_PAUSE: Duration = Duration::from_millis(32);

/// When slow polls are to be expected: one must be what we wait for.
const EAGER_AFTER: Duration = Duration::from_millis(16);

/// When only this thread runs what was slow, so that helpers leave.
const ALONE_AFTER: Duration = Duration::from_millis(250);

/// What is known while a poll drains.
pub(super) struct Draining {
    began: Instant,
    patience: Duration,
    /// When what was set aside began to wait.
    since: Instant,
    /// When we wait again for helpers to leave, whatever is ready.
    wait_at: Instant,
    /// How long we go on after that.
    pause: Duration,
}

impl Draining {
    /// We have waited for helpers, in vain, for as long as `PATIENCE`.
    fn begin() -> Self {
        let began = Instant::now();
        Self {
            began,
            patience: PATIENCE,
            since: began,
            wait_at: began + PATIENCE,
            pause: PATIENCE,
        }
    }

    /// Returns true if it is time to wait for helpers; then it is not for a while.
    fn waits(&mut self, now: Instant) -> bool {
        let is_time = now >= self.wait_at;
        if is_time {
            self.pause = (2 * self.pause).min(LONGEST_PAUSE);
            self.wait_at = now + self.pause;
        }
        is_time
    }
}

impl Turn<'_> {
    /// Returns true once no helper is let in any more.
    #[inline]
    pub(super) fn is_draining(&self) -> bool {
        self.draining().is_some()
    }

    /// Goes on although the budget is spent, for as long as a helper is inside. `run` runs what is
    /// ready until there is nothing, or the budget is spent.
    #[cold]
    pub(super) fn drain(&mut self, mut run: impl FnMut(&mut Self) -> Progress) -> Progress {
        let Some(it) = &mut self.window else {
            return Progress::Spent;
        };
        let queue = &self.shared.queue;
        queue.window.let_none_in();
        if queue.window.wait_for(PATIENCE) {
            return Progress::Spent;
        }
        it.draining = Some(Draining::begin());
        queue.leave_arrivals(false);
        let mut progress = Progress::Spent;
        self.in_place(|turn| {
            while matches!(progress, Progress::Spent) && !queue.window.is_alone() {
                turn.budget.renew();
                progress = run(turn);
            }
        });
        queue.window.leave_slow(false);
        let has_more = queue.bring_back_aside();
        match progress {
            // The executor can have woken something on this very thread, after it had called us.
            Progress::Idle if has_more || queue.has_work_at_home() => Progress::Spent,
            progress => progress,
        }
    }

    /// Returns true if the poll can return now, and should have before. It waits a moment for that:
    /// what is ready can be what the last helper has woken, which is about to leave.
    #[inline]
    pub(super) fn is_drained(&self) -> bool {
        self.is_draining() && self.shared.queue.window.spin(|| false)
    }

    /// Returns true if no helper is inside, of a poll that has waited for that.
    #[inline]
    pub(super) fn can_return(&self) -> bool {
        self.is_draining() && self.shared.queue.window.is_alone()
    }

    /// Runs the batch, and what these children wake, until the poll can return; and what was set
    /// aside, when our patience ends: or has ended.
    #[inline(never)]
    pub(super) fn run_meanwhile(&mut self, body_done: bool, mut has_ended: bool) {
        let queue = &self.shared.queue;
        queue.hand_back_home(&mut self.batch);
        let away = queue.share();
        // What was ready is run before the body, and no more if that is woken.
        let (mut ran, pass) = (0, queue.waiting(false));
        let is_next = |ran| !body_done && ran >= pass && queue.is_body_woken();
        watch(|| {
            while self.budget.polls > 0 && !must_end(self.shared, body_done) {
                let Some(child) = self.take_meanwhile(mem::take(&mut has_ended)) else {
                    break;
                };
                ran += 1;
                if self.run_with_the_door_open(child) || is_next(ran) {
                    break;
                }
            }
        });
        drop(away);
    }

    fn take_meanwhile(&mut self, has_ended: bool) -> Option<Runnable> {
        let queue = &self.shared.queue;
        let is_over = |it: &Draining| has_ended || it.since.elapsed() >= it.patience;
        let is_over = self.draining().is_some_and(is_over);
        if let Some(child) = is_over.then(|| queue.take_aside()).flatten() {
            return Some(child);
        }
        loop {
            queue.take(&mut self.batch, 1);
            match self.batch.pop_front() {
                Some(child) if child.metadata().is_slow() => queue.set_aside(child),
                next => return next,
            }
        }
    }

    /// Runs a child. Returns true if the poll can return then.
    fn run_with_the_door_open(&mut self, child: Runnable) -> bool {
        let is_known = child.metadata().is_slow();
        self.with_the_door_open(is_known, |turn, start| {
            watch::begin(&turn.shared.queue.window, start);
            let is_restless = child.run();
            turn.budget.spend(1, is_restless);
        })
    }

    /// Calls `act`, which may take long, and lets helpers in meanwhile: if slow polls are expected,
    /// it calls some for what is ready. `is_known` says that this one was slow the last time.
    /// Returns true if the poll can return then.
    pub(super) fn with_the_door_open(
        &mut self,
        is_known: bool,
        act: impl FnOnce(&mut Self, Instant),
    ) -> bool {
        let queue = &self.shared.queue;
        let window = &queue.window;
        let start = Instant::now();
        let lasted = self
            .draining()
            .map_or(Duration::ZERO, |it| it.began.elapsed());
        self.is_eager |= lasted >= EAGER_AFTER;
        if lasted >= ALONE_AFTER {
            window.leave_slow(true);
        }
        let is_eager = self.is_eager || is_known;
        window.let_in(start, is_eager);
        if let Some(it) = self.window.as_ref().filter(|_| is_eager) {
            let waiting = queue.waiting(!window.leaves_slow());
            it.call.dispatch(self.shared, waiting, false, 1);
        }
        act(self, start);
        window.let_none_in();
        let took = start.elapsed();
        if took >= SLOW {
            self.is_eager = true;
            window.saw_slow();
        }
        let as_long = took * 5 / 4;
        let Some(it) = self.draining_mut() else {
            return false;
        };
        it.patience = as_long.clamp(it.patience, MOST_PATIENCE);
        if is_known {
            if took >= SLOW {
                it.since = Instant::now(); // the others have their time first
            }
            return window.is_alone();
        }
        // Those that were let in leave in about the time that this took.
        match window.is_alone() || !it.waits(start + took) {
            true => window.is_alone(),
            false => window.wait_for(as_long.clamp(LEAST_WAIT, LONGEST_WAIT)),
        }
    }

    fn draining(&self) -> Option<&Draining> {
        self.window.as_ref()?.draining.as_ref()
    }

    fn draining_mut(&mut self) -> Option<&mut Draining> {
        self.window.as_mut()?.draining.as_mut()
    }

    /// Sleeps until there is something to do, for a helper is inside. If that takes long, there is:
    /// what was set aside.
    pub(super) fn sleep(&mut self, body_done: bool) {
        let queue = &self.shared.queue;
        let patience = self.draining().map(|it| it.patience);
        let patience = patience.filter(|_| queue.has_aside());
        if queue.sleep_for(patience.unwrap_or(WHILE)) {
            return;
        }
        match patience {
            Some(_) => self.run_meanwhile(body_done, true),
            None => self.in_place(|_| queue.sleep()),
        }
    }
}
