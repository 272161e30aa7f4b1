//! Draining: a poll whose budget is spent, and that cannot return, for a helper is still inside.
//!
//! # What it promises
//!
//! * The poll returns, however many children there are with slow polls, and however these overlap:
//!   after a few times as long as the longest takes.
//! * Until then no child waits for a slow poll: what becomes ready is run, by this thread and by
//!   helpers. Only one that is slow itself may have to wait, and for less than half of the time.
//!
//! # How
//!
//! By turns the door is shut and open.
//!
//! **Shut**: no helper is let in, and those inside leave after the polls in which they are. This
//! thread meanwhile runs what becomes ready, one child at a time. What could be slow would keep it
//! from returning, and hold up the others: the body, and children of which it is not
//! [known](crate::task::metadata::Meta::is_doubtful) that they are not. They have to wait. Once no
//! helper is inside the poll returns.
//!
//! If that takes too long a helper is in a slow poll, for which others must not wait. So it is
//! **open** again, as any [window](crate::help::window) in which slow polls are expected: this
//! thread and helpers run everything. But that is for an *epoch* only: until those that were inside
//! when it began have come back from their polls. Others may be in slow polls by then, and others
//! again if we waited for those. So each time it is shut for longer, in proportion to the time that
//! the poll has drained: until that is longer than the polls take.
//!
//! While it is shut a poll can turn out to be slow though those before were not. So the window is
//! ajar meanwhile: if it takes long, a push calls a helper, which can enter.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::Duration;

use crate::help::policy::SLOW;
use crate::help::watch::{self, watch};
use crate::help::window::Awaited;
use crate::run::poll_loop::Progress;
use crate::run::shared::Runnable;
use crate::run::turn::{Turn, must_end};
use crate::sync::Instant;

/// How long it is shut at least. Shorter polls are not slow, and more than a few milliseconds would
/// be a time that others notice.
const SHUT: Duration = Duration::from_millis(6);

/// A wait that takes longer is for a slow poll.
pub(super) const WHILE: Duration = SLOW;

/// What is known while a poll drains.
pub(super) struct Draining {
    began: Instant,
    /// Until when the door is shut, if it is.
    shut_until: Option<Instant>,
    /// Those that are ready, and wait as long as it is.
    aside: VecDeque<Runnable>,
}

impl Turn<'_> {
    /// Goes on although the budget is spent, for as long as a helper is inside. `run` runs what is
    /// ready until there is nothing, or [`is_spent`](Self::is_spent).
    #[cold]
    pub(super) fn drain(&mut self, mut run: impl FnMut(&mut Self) -> Progress) -> Progress {
        let Some(it) = &mut self.window else {
            return Progress::Spent;
        };
        let queue = &self.shared.queue;
        queue.window.let_none_in();
        if queue.window.wait_for(WHILE) {
            return Progress::Spent;
        }
        it.draining = Some(Box::new(Draining {
            began: Instant::now(),
            shut_until: None,
            aside: VecDeque::new(),
        }));
        let mut progress = Progress::Spent;
        self.in_place(|turn| {
            while matches!(progress, Progress::Spent) && !queue.window.is_alone() {
                turn.turn_door();
                progress = run(turn);
            }
        });
        let has_more = self.bring_back_aside();
        match progress {
            // The executor can have woken something on this very thread, after it had called us.
            Progress::Idle if has_more || queue.has_work_at_home() => Progress::Spent,
            progress => progress,
        }
    }

    /// Shuts the door, or opens it again.
    fn turn_door(&mut self) {
        self.budget.renew();
        self.bring_back_aside();
        let queue = &self.shared.queue;
        let now = Instant::now();
        let Some(it) = self.draining_mut() else {
            return;
        };
        let is_shut = match it.shut_until {
            None => {
                let lasted = now.saturating_duration_since(it.began);
                it.shut_until = Some(now + SHUT.max(lasted / 2));
                true
            }
            Some(_) => {
                it.shut_until = None;
                false
            }
        };
        queue.leave_arrivals(!is_shut);
        match is_shut {
            true => queue.window.let_none_in(),
            false => {
                self.is_eager = true;
                queue.window.saw_slow();
                queue.window.begin_epoch(now);
            }
        }
    }

    /// Returns true if the poll should return; while it drains, if it is time to turn the door: it
    /// goes on then if it cannot return.
    #[inline]
    pub(super) fn is_spent(&mut self) -> bool {
        match self.draining() {
            None => self.budget.polls == 0,
            Some(_) => self.is_time(),
        }
    }

    #[inline(never)]
    fn is_time(&mut self) -> bool {
        let window = &self.shared.queue.window;
        let is_time = match self.shut_until() {
            Some(until) => window.is_alone() || Instant::now() >= until,
            None => window.is_without(Awaited::Earlier),
        };
        if !is_time && self.budget.polls == 0 {
            self.budget.renew();
        }
        is_time
    }

    /// Returns true while the door is shut.
    #[inline]
    pub(super) fn is_shut(&self) -> bool {
        self.draining().is_some() && self.shut_until().is_some()
    }

    /// Returns true if the poll can return now, and should have before. It waits a moment for that:
    /// what is ready can be what the last helper has woken, which is about to leave.
    #[inline]
    pub(super) fn is_drained(&self) -> bool {
        self.is_shut() && self.shared.queue.window.spin(|| false)
    }

    /// Runs the batch, and what these children wake, while the door is shut.
    #[inline(never)]
    pub(super) fn run_shut(&mut self, body_done: bool) {
        let queue = &self.shared.queue;
        queue.hand_back_home(&mut self.batch);
        if !queue.has_ready_at_home() {
            return self.sleep_shut(); // the body is woken
        }
        let away = queue.share();
        watch(|| {
            while !self.is_spent() && !must_end(self.shared, body_done) {
                queue.take(&mut self.batch, 1);
                match self.batch.pop_front() {
                    Some(child) if child.metadata().is_doubtful() => self.set_aside(child),
                    Some(child) => self.run_ajar(child),
                    None => break,
                }
            }
        });
        drop(away);
    }

    fn run_ajar(&mut self, child: Runnable) {
        let window = &self.shared.queue.window;
        let start = Instant::now();
        watch::begin(window, start);
        window.set_ajar(start);
        let is_restless = child.run();
        window.let_none_in();
        self.budget.spend(1, is_restless);
    }

    /// Sleeps until there is something to do, for a helper is inside; while the poll drains, until
    /// it is time to turn the door.
    pub(super) fn sleep(&mut self) {
        let queue = &self.shared.queue;
        match self.draining().map(|it| it.shut_until) {
            None if queue.sleep_for(WHILE, true) => {}
            None => self.in_place(|_| queue.sleep(Awaited::All)),
            Some(None) => queue.sleep(Awaited::Earlier),
            Some(Some(_)) => self.sleep_shut(),
        }
    }

    fn sleep_shut(&self) {
        if let Some(until) = self.shut_until() {
            let limit = until.saturating_duration_since(Instant::now());
            self.shared.queue.sleep_for(limit, false);
        }
    }

    fn set_aside(&mut self, child: Runnable) {
        if let Some(it) = self.draining_mut() {
            it.aside.push_back(child);
        }
    }

    /// Brings home what was set aside, first in line; returns whether there was anything.
    pub(super) fn bring_back_aside(&mut self) -> bool {
        let queue = &self.shared.queue;
        let Some(it) = self.draining_mut() else {
            return false;
        };
        let is_any = !it.aside.is_empty();
        queue.hand_back_home(&mut it.aside);
        is_any
    }

    fn shut_until(&self) -> Option<Instant> {
        self.draining()?.shut_until
    }

    /// Returns what is known while the poll drains.
    #[inline]
    pub(super) fn draining(&self) -> Option<&Draining> {
        self.window.as_ref()?.draining.as_deref()
    }

    fn draining_mut(&mut self) -> Option<&mut Draining> {
        self.window.as_mut()?.draining.as_deref_mut()
    }
}
