//! What the threads of a [pen](crate::pen) do; how one is called stands in
//! [`calling`](crate::help::calling).
//!
//! The children of a pen are run by tickets, as those of a scope are by helpers; but nobody polls
//! the pen. So a push calls a thread unless it is certain that one will look at the ready queue
//! later: one is *coming*, or is inside and not held up by a slow poll. What a thread of the pen
//! pushes itself it [keeps](crate::help::serving).
//!
//! An executor that has tasks is given a [`Worker`]: a ticket that can be run again. It is idle, a
//! suspended task, while nothing is ready. To wake it costs less than to dispatch a ticket, and it
//! is there until the pen has ended.
//!
//! # No push is left alone
//!
//! | a thread | a push that | so |
//! |---|---|---|
//! | ceases to be coming, then takes the lock of the ready queue | has put its child there, then sees that one is coming | the child is seen |
//! | ceases to be out, then looks whether something is ready | has put its child there, then sees that one is out | likewise |
//! | finds nothing ready, ceases to be out and enters its waker among the idle, all under that lock | has put its child there, then looks for one that is out, or idle | it is seen, or sees that |
//! | takes from its local queue, and looks at the ready queue when that is empty, or from time to time | has put its child into one of them | likewise |
//!
//! A failure of the pen counts as a push: a thread looks for that after it has ceased to be out.
//!
//! A thread that was called can be long in coming: a worker of tokio is what the thread does next
//! that has woken it, which may be in a slow poll. So the push after that asks for
//! [another one](crate::Executor::spread) to take it over, and after a while another one is called.
//!
//! A thread that is out and in a slow poll does not look for long. A push finds out by the clock:
//! the thread says when it looked at it last. In any case it is asked to look again when it comes
//! back from the poll that it is in: if that was slow, what others have pushed is next, and another
//! thread is called. After a slow poll each push calls, for some seconds.
//! (To call for each push in any case would be simpler. But then several threads share polls that
//! are too short for that, and wait for each other's locks.)
#![forbid(unsafe_code)]

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::help::calling::{call, call_one};
use crate::help::detect::is_limit_reached;
use crate::help::executor::Ticket;
use crate::help::policy::{is_slow_poll_expected, plan};
use crate::help::serving::Served;
use crate::help::ticket::{Call, in_a_push, is_calling};
use crate::help::window::Window;
use crate::panic::quietly;
use crate::pen::life::{address, drop_children, end, end_orphan};
use crate::queue::idle::Idle;
use crate::run::budget::{Budget, Pace};
use crate::run::current;
use crate::run::shared::Shared;
use crate::stop::state::Outcome;
use crate::sync::{AtomicU32, Instant, Ordering, SharedInstant};

/// A task that runs children of a [`Pen`](crate::Pen): see
/// [`Executor::spawn`](crate::Executor::spawn).
///
/// It resolves when the pen is over.
///
/// **Drop.** Dropping it inside of [`Executor::spawn`](crate::Executor::spawn), or while it is
/// woken, declines: the pen asks again when a child is woken. Dropping it at any other moment is
/// what an executor does that goes away, as a runtime that is shut down. So that ends the pen, as
/// its own drop would.
#[must_use = "dropping a worker declines; spawn it as a task"]
pub struct Worker {
    ticket: Ticket,
    pace: Pace,
    employed: Employed,
}

/// Of a worker: ends the pen if it is dropped by an executor that had taken it.
struct Employed(Option<Arc<Shared>>);

impl Drop for Employed {
    fn drop(&mut self) {
        // Not in the middle of a push, that of a waker maybe: no child is dropped inside of one.
        if is_calling() {
            return;
        }
        if let Some(pen) = &self.0 {
            end_orphan(pen);
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// How a thread's stay in a pen came out.
enum Stay {
    /// The pen has ended.
    Over,
    /// Nothing is ready.
    Idle,
    /// Others should have the thread.
    Spent,
}

/// What a pen knows of its threads.
#[derive(Default)]
pub(crate) struct Workers {
    /// The pen itself.
    pub(crate) pen: Weak<Shared>,
    /// How often one began to run children, as far as that can be counted.
    stays: AtomicU32,
    /// When a slow poll was met, if EAGER is set in the window.
    met_slow: SharedInstant,
}

impl Workers {
    pub(crate) fn stays(&self) -> u32 {
        self.stays.load(Ordering::Relaxed)
    }

    /// After a slow poll every push calls a thread, for a while.
    fn heed_slow(&self, is_slow: bool, window: &Window) {
        if is_slow {
            self.met_slow.set(Instant::now());
            window.set_eager(true);
        } else if window.is_eager() && !is_slow_poll_expected(Some(self.met_slow.elapsed())) {
            window.set_eager(false);
        }
    }
}

impl Worker {
    pub(super) fn new(ticket: Ticket) -> Self {
        let employed = Employed(Some(Arc::clone(&ticket.shared)));
        Self {
            ticket,
            pace: Pace::default(),
            employed,
        }
    }

    /// The pen whose children it runs.
    #[cfg(feature = "tokio")]
    pub(super) fn pen(&self) -> Arc<Shared> {
        Arc::clone(&self.ticket.shared)
    }

    /// The executor has given it back: then it is a ticket.
    pub(super) fn decline(mut self) -> Ticket {
        self.employed.0 = None;
        self.ticket
    }
}

impl Future for Worker {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { ticket, pace, .. } = &mut *self;
        ticket.leave_idle();
        match ticket.stay(pace, Some(cx.waker())) {
            Stay::Over => return Poll::Ready(()),
            Stay::Idle => {}
            Stay::Spent => {
                ticket.come_again();
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl Ticket {
    /// Runs children of a pen; `waker` is that of a worker, which becomes idle if nothing is ready.
    fn stay(&mut self, pace: &mut Pace, waker: Option<&Waker>) -> Stay {
        self.come();
        let shared = &self.shared;
        let inside = shared.queue.window.enter();
        // The pen owns it, until it has ended.
        let Some((_inside, call)) = inside.zip(self.call.upgrade()) else {
            return Stay::Over;
        };
        call.workers.stays.fetch_add(1, Ordering::Relaxed);
        if self.served.is_none() {
            self.served = Served::begin(shared, call.most);
        }
        let Some(served) = &self.served else {
            return Stay::Over;
        };
        let (idle, is_out) = (&mut self.idle, &mut self.is_out);
        let waker = waker.cloned(); // it is foreign
        let rest = |others: &mut Idle| {
            *idle = waker.map(|waker| others.enter(waker));
            *is_out = false;
            retire(shared);
        };
        current::serve(served, &call.helpers, || serve(served, &call, pace, rest))
    }

    /// Becomes one that is out, if it was idle: if it was not called, by itself.
    pub(super) fn leave_idle(&mut self) {
        let Some(number) = self.idle.take() else {
            return;
        };
        let Shared { queue, tickets, .. } = &*self.shared;
        let waker = queue.leave_idle(number, || tickets.called());
        (self.is_coming, self.is_out) = (true, true);
        quietly(|| drop(waker));
    }

    /// It will be run again.
    fn come_again(&mut self) {
        self.shared.tickets.one_comes();
        self.is_coming = true;
    }

    /// The part of [`run`](Self::run) that is a pen's.
    pub(super) fn run_in_pen(mut self) {
        if let Stay::Spent = self.stay(&mut Pace::default(), None) {
            self.served = None; // what is left is for others
            self.is_out = false;
            retire(&self.shared);
            if self.shared.queue.has_ready_in_pen() || self.shared.has_failed() {
                call(&self.shared);
            }
        }
    }
}

/// A thread is not out any more. What it knew of the time is not what the others know.
fn retire(shared: &Shared) {
    shared.tickets.one_retires();
    if shared.tickets.out() > 0 {
        shared.queue.window.looks_no_more();
    }
}

/// Runs children of a pen until nothing is ready, when it calls `rest`, or the budget is spent;
/// helps to drop them if it has ended.
fn serve(served: &Served, call: &Arc<Call>, pace: &mut Pace, rest: impl FnOnce(&mut Idle)) -> Stay {
    let Served { shared, local, .. } = served;
    let queue = &shared.queue;
    let mut budget = Budget::new(false, *pace);
    looks(served, budget.start_clock_for_helpers());
    shared.tickets.look();
    let (mut taken, mut rest) = (0, Some(rest));
    let stay = loop {
        call_beside(shared, call, taken == 0);
        if shared.has_failed() {
            break Stay::Spent;
        }
        let found = queue.take_in_hand(local, taken, address, |idle| {
            rest.take().expect("it ends here")(idle);
        });
        let Some((child, left)) = found else {
            break Stay::Idle;
        };
        taken += 1;
        served.takes_next();
        // It can be the very one that has failed, and was woken.
        if shared.has_failed() {
            drop(child);
            break Stay::Spent;
        }
        let is_restless = child.run();
        budget.spend(1, is_restless);
        let is_asked = shared.tickets.take_asked();
        let is_over = (is_asked || budget.is_due())
            && look(served, call, &mut budget, is_asked, left, &mut taken);
        if is_over || budget.polls == 0 || is_limit_reached() {
            break Stay::Spent;
        }
    };
    if rest.is_some() {
        queue.put_down(local);
    }
    // In any case: others may have waited that another thread has run by now.
    if let Some(look) = budget.look_after_pass() {
        call.workers.heed_slow(look.is_slow, &queue.window);
    }
    *pace = budget.pace();
    if shared.has_failed() && !queue.is_ended() {
        end(shared, Outcome::Failed);
    } else if queue.is_ended() {
        drop_children(shared); // what was put down here may be left to us
    } else {
        return stay;
    }
    Stay::Over
}

/// Calls another thread for what a slow poll would hold up: if slow polls are expected, or nothing
/// is known yet. What it takes next is not in hand yet, for the executor is foreign code, and can
/// end the pen.
#[inline]
fn call_beside(shared: &Arc<Shared>, call: &Call, is_first: bool) {
    let (queue, tickets) = (&shared.queue, &shared.tickets);
    let is_new = || is_first && call.workers.stays() as usize <= call.most;
    let may_be_wanted = (queue.window.is_eager() || is_new()) && tickets.out() < call.most;
    if may_be_wanted && !tickets.are_expected() && queue.count_ready() > 1 {
        in_a_push(|| call_one(shared, true));
    }
}

/// This thread looks for what is ready, now.
fn looks(served: &Served, now: Instant) {
    let window = &served.shared.queue.window;
    window.looks(now);
    served.local.looks_with(window);
}

/// Looks at the clock, and draws the consequences; returns whether the time is up. `is_asked` says
/// that a push has asked for it, `ready` how many more there are. After a slow poll what others
/// have pushed is next.
#[inline(never)]
fn look(
    served: &Served,
    call: &Arc<Call>,
    budget: &mut Budget,
    is_asked: bool,
    ready: usize,
    taken: &mut usize,
) -> bool {
    let Shared { queue, tickets, .. } = &*served.shared;
    let look = match is_asked {
        true => budget.look_after_pass(),
        false => budget.look().inspect(|_| tickets.look()),
    };
    if look.as_ref().is_some_and(|look| look.is_slow) {
        *taken = 0;
    }
    let Some(look) = look else {
        return false;
    };
    queue.put_down(&served.local); // what follows may call foreign code
    if queue.is_ended() {
        return false;
    }
    looks(served, look.now);
    call.workers.heed_slow(look.is_slow, &queue.window);
    if let Some(plan) = plan(look.polls, look.elapsed, ready) {
        in_a_push(|| call.dispatch(&served.shared, plan.helpers + 1, true, 1));
    }
    look.is_over
}
