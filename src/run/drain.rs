//! Draining: a poll whose budget is spent, and that cannot return, for a helper is still inside.
//!
//! # What it promises
//!
//! * The poll returns, however many children there are with slow polls, and however these overlap:
//!   after a few times as long as the longest takes.
//! * Until then no child waits for a slow poll: what becomes ready is run, by this thread and by
//!   helpers. Only one that is slow itself, or new, may have to wait, and for less than half of the
//!   time.
//!
//! # How
//!
//! By turns the door is shut and open.
//!
//! **Shut**: no helper is let in, and those inside leave after the polls in which they are. This
//! thread meanwhile runs what becomes ready, one child at a time. What could be slow would keep it
//! from returning, and hold up the others: the body, and children of which it is not
//! [known](crate::task::metadata::Meta::is_doubtful) that they are not. They are set aside. Once no
//! helper is inside the poll returns.
//!
//! If that takes too long a helper is in a slow poll, for which others must not wait. So it is
//! **open** again, as any [window](crate::help::window) in which slow polls are expected: this
//! thread and helpers run everything. But that is for an *epoch* only: until those that were inside
//! when it began have come back from their polls. The last of them shuts the door itself, before it
//! would take the same child again. Others may be in slow polls by then, and others again if we
//! waited for those. So each time it is shut for longer, in proportion to the time that the poll
//! has drained: until that is longer than the polls take.
//!
//! While the door is shut, or an epoch is over that we have not looked at yet, a poll of this
//! thread can turn out to be slow. So the window is ajar then. If something is ready, or becomes
//! so, a helper is called that watches how long the poll takes; if that is long it enters, and
//! those inside stay. It takes what was set aside first. After two such polls this thread runs
//! nothing more while the door is shut: there may be many such children.
//!
//! A scope that is nested is patient for longer when it shuts the door: the scopes around it wait
//! for its poll in turn.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::help::epoch::Awaited;
use crate::help::policy::{HOLDS_UP, SLOW};
use crate::help::ticket::call_for_push;
use crate::help::watch::{self, watch};
use crate::run::poll_loop::Progress;
use crate::run::shared::Runnable;
use crate::run::turn::{Turn, must_end};
use crate::sync::Instant;

/// How long it is shut at least. Shorter polls are not slow, and more than a few milliseconds would
/// be a time that others notice.
const SHUT: Duration = Duration::from_millis(8);

/// A wait that takes longer is for a slow poll.
pub(super) const WHILE: Duration = SLOW;

/// What is known while a poll drains.
pub(super) struct Draining {
    began: Instant,
    /// Until when the door is shut, if it is.
    shut_until: Option<Instant>,
    /// How many polls were slow since it was shut, against all expectation.
    slow: u32,
}

impl Turn<'_> {
    /// Goes on although the budget is spent, for as long as a helper is inside. `run` runs what is
    /// ready until there is nothing, or [`is_spent`](Self::is_spent).
    #[cold]
    pub(super) fn drain(
        &mut self,
        is_nested: bool,
        mut run: impl FnMut(&mut Self) -> Progress,
    ) -> Progress {
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
            slow: 0,
        }));
        let mut progress = Progress::Spent;
        self.in_place(|turn| {
            while matches!(progress, Progress::Spent) && !queue.window.try_shut() {
                turn.turn_door(is_nested);
                progress = run(turn);
            }
        });
        let has_more = queue.bring_back_aside();
        match progress {
            // The executor can have woken something on this very thread, after it had called us.
            Progress::Idle if has_more || queue.has_work_at_home() => Progress::Spent,
            progress => progress,
        }
    }

    /// Shuts the door, or opens it again. A scope that is nested shuts it for longer: scopes around
    /// it wait for its poll, and would wait for several times as long each.
    fn turn_door(&mut self, is_nested: bool) {
        self.budget.renew();
        let queue = &self.shared.queue;
        queue.bring_back_aside();
        let now = Instant::now();
        let Some(it) = self.draining_mut() else {
            return;
        };
        let is_shut = match it.shut_until {
            None => {
                let lasted = now.saturating_duration_since(it.began);
                let patience = if is_nested { 4 * lasted } else { lasted / 2 };
                it.shut_until = Some(now + SHUT.max(patience));
                it.slow = 0;
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
        self.shut_until().is_some()
    }

    /// Returns true if the poll can return now, and should have before; or if the door is to be
    /// shut. It waits a moment for the first: what is ready can be what the last helper has woken,
    /// which is about to leave.
    #[inline]
    pub(super) fn is_drained(&self) -> bool {
        self.draining().is_some() && self.is_over()
    }

    #[inline(never)]
    fn is_over(&self) -> bool {
        let window = &self.shared.queue.window;
        match self.is_shut() {
            true => window.spin(|| false),
            false => window.is_without(Awaited::Earlier),
        }
    }

    /// Runs the batch, and what these children wake, while the door is shut.
    #[inline(never)]
    pub(super) fn run_shut(&mut self, body_done: bool) {
        let queue = &self.shared.queue;
        queue.hand_back_home(&mut self.batch);
        if self.was_slow() {
            queue.window.wait_for(self.left());
            return;
        }
        if !queue.has_ready_at_home() {
            return self.sleep_shut(); // the body is woken
        }
        let away = queue.share();
        watch(|| {
            while !self.is_spent() && !self.was_slow() && !must_end(self.shared, body_done) {
                match queue.take_one() {
                    Some(child) if child.metadata().is_doubtful() => queue.set_aside(child),
                    Some(child) => self.run_ajar(child),
                    None => break,
                }
            }
        });
        drop(away);
    }

    fn run_ajar(&mut self, child: Runnable) {
        let queue = &self.shared.queue;
        let (window, start) = (&queue.window, Instant::now());
        watch::begin(window, start);
        window.set_ajar(start);
        if queue.has_ready() {
            call_for_push(self.shared); // it watches, for that must not wait if this takes long
        }
        let is_restless = child.run();
        window.let_none_in();
        self.budget.spend(1, is_restless);
        if let Some(it) = self.draining_mut() {
            it.slow += u32::from(start.elapsed() >= HOLDS_UP);
        }
    }

    /// Sleeps until there is something to do, for a helper is inside; while the poll drains, until
    /// it is time to turn the door.
    pub(super) fn sleep(&mut self) {
        let queue = &self.shared.queue;
        match self.draining().map(|it| it.shut_until) {
            None if queue.sleep_for(WHILE, true) => {}
            None => self.in_place(|_| queue.sleep(Awaited::All)),
            Some(None) => {
                queue.window.rest();
                queue.sleep(Awaited::Earlier);
            }
            Some(Some(_)) => self.sleep_shut(),
        }
    }

    fn sleep_shut(&self) {
        self.shared.queue.sleep_for(self.left(), false);
    }

    /// Returns for how long the door is shut yet.
    fn left(&self) -> Duration {
        match self.shut_until() {
            Some(until) => until.saturating_duration_since(Instant::now()),
            None => Duration::ZERO,
        }
    }

    #[inline]
    fn shut_until(&self) -> Option<Instant> {
        self.draining()?.shut_until
    }

    fn was_slow(&self) -> bool {
        // One alone may be another program that had the processor.
        self.draining().is_some_and(|it| it.slow > 1)
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
