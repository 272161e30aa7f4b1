//! One poll of a scope, while it lasts: what is left of its budget, the children that are next, and
//! the window, if it was opened.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::help::ticket::Call;
use crate::help::window::Open;
use crate::run::budget::{Budget, Look};
use crate::run::shared::{Runnable, Shared};

/// How long a poll whose budget is spent waits for helpers to leave before it goes on alone: with
/// what may be slow, and is then in the way of all others.
const PATIENCE: Duration = Duration::from_millis(4);

/// What there is of one poll.
pub(super) struct Turn<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) budget: Budget,
    /// The children that were taken from the queue and are next.
    pub(super) batch: VecDeque<Runnable>,
    /// The window, once it was opened, and how to call helpers into it.
    pub(super) open: Option<(Open<'a>, Arc<Call>)>,
    /// Set until it was.
    pub(super) may_open: bool,
    /// Set once no helper is let in any more.
    pub(super) is_draining: bool,
    /// Set if slow polls are expected.
    pub(super) is_eager: bool,
}

impl Turn<'_> {
    /// Runs children from the batch, until it is empty, the budget is spent or the scope has to
    /// end.
    #[inline(always)]
    pub(super) fn run_batch(&mut self, body_done: bool) {
        while let Some(look) = self.run_stretch(body_done) {
            self.heed(&look);
        }
    }

    /// The body was polled. `is_restless` says that it woke itself.
    #[inline]
    pub(super) fn spend_on_body(&mut self, is_restless: bool) {
        self.budget.spend(1, is_restless);
        if let Some(look) = self.budget.look() {
            self.heed(&look);
        }
    }

    /// Draws the consequences of a look at the clock.
    #[inline(never)]
    pub(super) fn heed(&mut self, look: &Look) {
        self.note(look);
        if look.is_over {
            self.budget.polls = 0;
        }
    }

    /// Remembers a slow poll, for this poll of the scope and those that follow.
    pub(super) fn note(&mut self, look: &Look) {
        if look.is_slow && self.open.is_some() {
            self.is_eager = true;
            self.shared.queue.window.saw_slow();
        }
    }

    /// A pass through the ready queue has ended. Where something could be held up by it, this looks
    /// whether one of its polls was slow.
    #[inline]
    pub(super) fn end_pass(&mut self) {
        self.budget.end_pass();
        if self.open.is_some() {
            self.look_after_pass();
        }
    }

    #[inline(never)]
    fn look_after_pass(&mut self) {
        if let Some(look) = self.budget.look_after_pass() {
            self.heed(&look);
        }
    }

    /// Returns true while helpers can enter the window.
    #[inline]
    pub(super) fn is_shared(&self) -> bool {
        self.open.is_some() && !self.is_draining
    }

    /// Lets no helper in any more, so that the poll can return; true if none is inside. Until then
    /// it has to go on, for a helper may be in a poll that blocks: with what becomes ready.
    #[inline(never)]
    pub(super) fn drain(&mut self) -> bool {
        if self.open.is_none() {
            return true;
        }
        let window = &self.shared.queue.window;
        if self.is_draining {
            return window.is_alone();
        }
        self.is_draining = true;
        window.let_none_in();
        self.shared.queue.leave_arrivals(false);
        window.wait_for(PATIENCE)
    }

    /// Returns true if the poll can return now, and should have before.
    #[inline]
    pub(super) fn is_drained(&self) -> bool {
        self.is_draining && self.shared.queue.window.is_alone()
    }

    /// Closes the window, and waits until no helper is inside.
    pub(super) fn close_and_wait(&mut self) {
        self.open = None;
        self.shared.queue.leave_arrivals(false);
    }

    /// Runs children from the batch, until it is time to look at the clock: what was
    /// found. `None` if nothing is left to run now.
    #[inline(always)]
    pub(super) fn run_stretch(&mut self, body_done: bool) -> Option<Look> {
        let shared = &**self.shared;
        loop {
            let most = self.budget.stretch();
            let (mut ran, mut is_restless) = (0, false);
            while ran < most && !must_end(shared, body_done) {
                let Some(child) = self.batch.pop_front() else {
                    break;
                };
                is_restless |= child.run();
                ran += 1;
            }
            self.budget.spend(ran, is_restless);
            if ran < most {
                return None; // the end of the pass looks at the clock, where that matters
            }
            let seen = self.budget.look();
            if seen.is_some() || self.budget.polls == 0 {
                return seen;
            }
        }
    }
}

/// Returns true if no poll may start any more: the scope has failed, or is done.
#[inline]
pub(super) fn must_end(shared: &Shared, body_done: bool) -> bool {
    shared.has_failed() || (body_done && shared.queue.ordinary() == 0)
}
