//! One poll of a scope, while it lasts: what is left of its budget, the children that are next, and
//! the window, if it was opened.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::help::detect::unlimited;
use crate::help::epoch::Awaited;
use crate::help::ticket::Call;
use crate::help::watch;
use crate::help::window::Open;
use crate::queue::list::List;
use crate::run::budget::{Budget, Look};
use crate::run::drain::{Draining, WHILE};
use crate::run::shared::{Runnable, Shared};
use crate::sync::Instant;

/// What there is of one poll.
pub(super) struct Turn<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) budget: Budget,
    /// The children that were taken from the queue and are next.
    pub(super) batch: List<Runnable>,
    /// The window, once it was opened.
    pub(super) window: Option<TurnWindow<'a>>,
    /// Set until it was.
    pub(super) may_open: bool,
    /// Set if slow polls are expected.
    pub(super) is_eager: bool,
    /// Set once children were shared with helpers.
    pub(super) was_shared: bool,
}

/// The window of one poll.
pub(super) struct TurnWindow<'a> {
    /// Dropped first: then no helper is inside.
    _open: Open<'a>,
    /// How to call helpers into it.
    pub(super) call: Arc<Call>,
    /// Once the budget was spent, if it could not be shut then.
    pub(super) draining: Option<Box<Draining>>,
}

impl<'a> TurnWindow<'a> {
    pub(super) fn new(open: Open<'a>, call: Arc<Call>) -> Self {
        Self {
            _open: open,
            call,
            draining: None,
        }
    }
}

impl<'a> Turn<'a> {
    #[inline(always)]
    pub(super) fn new(shared: &'a Arc<Shared>, budget: Budget) -> Self {
        Self {
            shared,
            budget,
            batch: List::default(),
            window: None,
            may_open: true,
            is_eager: false,
            was_shared: false,
        }
    }
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

    /// Children are shared with helpers from now on.
    pub(super) fn share(&mut self) {
        self.budget.share();
        self.was_shared = true;
    }

    /// The poll of a child begins, where slow ones are expected.
    pub(super) fn begin_poll(&mut self) {
        self.budget.look_soon();
        let (window, now) = (&self.shared.queue.window, Instant::now());
        watch::begin(window, now);
        if self.draining().is_some() {
            window.begin_poll(now);
        }
    }

    /// Polls the body in a window. Where slow polls are expected, what is ready is where helpers
    /// find it.
    #[inline(never)]
    pub(super) fn poll_body(&mut self, poll: impl FnOnce()) {
        let queue = &self.shared.queue;
        let away = (self.is_eager && queue.home.is_here()).then(|| queue.share());
        if self.draining().is_some() {
            queue.window.begin_poll(Instant::now());
        }
        poll();
        drop(away);
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
        if look.is_slow && self.is_shared() {
            self.is_eager = true;
            self.shared.queue.window.saw_slow();
            self.shared.queue.window.set_eager(true);
        }
    }

    /// A pass through the ready queue has ended. Where something could be held up by it, this looks
    /// whether one of its polls was slow.
    #[inline]
    pub(super) fn end_pass(&mut self) {
        self.budget.end_pass();
        if self.window.is_some() {
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
        self.window.is_some() && !self.is_shut()
    }

    /// Returns true if the child that is next was slow at its last poll.
    #[inline]
    pub(super) fn next_is_slow(&self) -> bool {
        let is_slow = || self.batch.front(|child| child.metadata().is_slow());
        self.is_eager && is_slow().unwrap_or_default()
    }

    /// Closes the window, and waits until no helper is inside. The child of one may spawn another
    /// yet, and then the scope goes on.
    pub(super) fn close_and_wait(&mut self) {
        self.close();
        self.shared.queue.leave_arrivals(false);
    }

    /// The same for the end of the poll.
    #[inline(never)]
    pub(super) fn close(&mut self) {
        let window = &self.shared.queue.window;
        if !window.try_shut() {
            window.let_none_in();
            if !window.wait_for(WHILE) {
                self.in_place(|_| window.wait_until(|| window.is_without_or_asleep(Awaited::All)));
            }
        }
        self.window = None;
    }

    /// Calls `act`, which waits for a slow poll of a helper, and can be called again. The executor
    /// may give to another thread what this one would do otherwise.
    pub(super) fn in_place(&mut self, mut act: impl FnMut(&mut Self)) {
        let call = self.window.as_ref().map(|it| Arc::clone(&it.call));
        unlimited(&mut |may_keep_wakers| {
            if may_keep_wakers {
                self.shared.queue.wake_suspended();
            }
            if let Some(call) = &call {
                call.in_place(&mut || act(self));
            }
            act(self); // it need not have been called
        });
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
