//! One poll of a scope, while it lasts: what is left of its budget, the children that are next, and
//! the window, if it was opened.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::help::policy::SLOW;
use crate::help::ticket::Call;
use crate::help::window::Open;
use crate::run::budget::{Budget, Look};
use crate::run::shared::{Runnable, Shared};

/// How long a poll whose budget is spent waits for helpers to leave before it goes on alone: with
/// what may be slow, and is then in the way of all others.
const PATIENCE: Duration = Duration::from_millis(4);

/// A wait that takes longer is for a slow poll.
const WHILE: Duration = SLOW;

/// What there is of one poll.
pub(super) struct Turn<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) budget: Budget,
    /// The children that were taken from the queue and are next.
    pub(super) batch: VecDeque<Runnable>,
    /// The window, once it was opened.
    pub(super) window: Option<TurnWindow<'a>>,
    /// Set until it was.
    pub(super) may_open: bool,
    /// Set if slow polls are expected.
    pub(super) is_eager: bool,
}

/// The window of one poll.
pub(super) struct TurnWindow<'a> {
    /// Dropped first: then no helper is inside.
    _open: Open<'a>,
    /// How to call helpers into it.
    pub(super) call: Arc<Call>,
    /// Once no helper is let in any more: slow children that were set aside.
    aside: Option<VecDeque<Runnable>>,
    /// Set until helpers were let in once more, because of those.
    may_reopen: bool,
}

impl<'a> TurnWindow<'a> {
    pub(super) fn new(open: Open<'a>, call: Arc<Call>) -> Self {
        Self {
            _open: open,
            call,
            aside: None,
            may_reopen: true,
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

    /// Returns true once no helper is let in any more.
    #[inline]
    pub(super) fn is_draining(&self) -> bool {
        self.window.as_ref().is_some_and(|it| it.aside.is_some())
    }

    /// Returns true while helpers can enter the window.
    #[inline]
    pub(super) fn is_shared(&self) -> bool {
        self.window.is_some() && !self.is_draining()
    }

    /// Lets no helper in any more, so that the poll can return; true if none is inside. Until then
    /// it has to go on, for a helper may be in a poll that blocks: with what becomes ready.
    #[inline(never)]
    pub(super) fn drain(&mut self) -> bool {
        let window = &self.shared.queue.window;
        match &mut self.window {
            None => return true,
            Some(TurnWindow { aside: Some(_), .. }) => return window.is_alone(),
            Some(TurnWindow { aside, .. }) => *aside = Some(VecDeque::new()),
        }
        window.let_none_in();
        self.shared.queue.leave_arrivals(false);
        window.wait_for(PATIENCE)
    }

    /// Returns true if the poll can return now, and should have before. It waits a moment for that:
    /// what is ready can be what the last helper has woken, which is about to leave.
    #[inline]
    pub(super) fn is_drained(&self) -> bool {
        self.is_draining() && self.shared.queue.window.spin(|| false)
    }

    /// Returns true if the child that is next was slow at its last poll.
    #[inline]
    pub(super) fn next_is_slow(&self) -> bool {
        let next = self.batch.front();
        self.is_eager && next.is_some_and(|child| child.metadata().is_slow())
    }

    /// Sets those of the batch aside that are slow, while the poll goes on alone: for nobody could
    /// help with the others then.
    #[inline(never)]
    pub(super) fn set_slow_aside(&mut self) {
        let is_slow = |child: &Runnable| child.metadata().is_slow();
        let aside = self.window.as_mut().and_then(|it| it.aside.as_mut());
        if let Some(aside) = aside.filter(|_| self.batch.iter().any(is_slow)) {
            let (slow, rest) = mem::take(&mut self.batch).into_iter().partition(is_slow);
            self.batch = rest;
            aside.extend::<VecDeque<_>>(slow);
        }
    }

    /// Hands those back; returns whether there were any.
    pub(super) fn hand_back_aside(&mut self) -> bool {
        let aside = self.window.as_mut().and_then(|it| it.aside.as_mut());
        let Some(aside) = aside.filter(|aside| !aside.is_empty()) else {
            return false;
        };
        self.shared.queue.hand_back_home(aside);
        true
    }

    /// Sleeps until there is something to do, for a helper is inside. Or lets helpers in once more,
    /// if it takes long, and nothing is left to do but what was set aside. That may be a child that
    /// was slow only because another program had the processor.
    pub(super) fn sleep(&mut self) {
        let may_reopen = self.may_reopen();
        let limit = if may_reopen { PATIENCE } else { WHILE };
        if self.shared.queue.sleep_for(limit) {
            return;
        }
        match may_reopen {
            true => self.reopen(),
            false => self.in_place(|turn| turn.shared.queue.sleep()),
        }
    }

    fn may_reopen(&self) -> bool {
        let is_waiting = |aside: &VecDeque<_>| !aside.is_empty();
        let window = self.window.as_ref().filter(|it| it.may_reopen);
        window.is_some_and(|it| it.aside.as_ref().is_some_and(is_waiting))
    }

    /// Lets helpers in once more, with a new budget.
    fn reopen(&mut self) {
        self.hand_back_aside();
        if let Some(window) = &mut self.window {
            (window.aside, window.may_reopen) = (None, false);
        }
        self.shared.queue.window.let_in();
        self.shared.queue.leave_arrivals(true);
        self.budget.renew();
    }

    /// Closes the window, and waits until no helper is inside. What was set aside is put back: the
    /// child of a helper may spawn another one yet, and then the scope goes on.
    pub(super) fn close_and_wait(&mut self) {
        self.hand_back_aside();
        self.close();
        self.shared.queue.leave_arrivals(false);
    }

    /// The same for the end of the poll, when nothing is set aside any more.
    #[inline(never)]
    pub(super) fn close(&mut self) {
        let window = &self.shared.queue.window;
        if !window.try_shut() {
            window.let_none_in();
            if !window.wait_for(WHILE) {
                self.in_place(|_| window.wait_until(|| window.is_alone_or_asleep()));
            }
        }
        let aside = self.window.take().and_then(|it| it.aside);
        debug_assert!(
            aside.is_none_or(|it| it.is_empty()),
            "they would be dropped"
        );
    }

    /// Calls `act`, which waits for a slow poll of a helper, and can be called again. The executor
    /// may give to another thread what this one would do otherwise.
    pub(super) fn in_place(&mut self, mut act: impl FnMut(&mut Self)) {
        let call = self.window.as_ref().map(|it| Arc::clone(&it.call));
        if let Some(call) = call {
            call.in_place(&mut || act(self));
        }
        act(self); // it need not have been called
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
