//! What a helper does, and how one is called.
//!
//! A [`Ticket`] says "come and help in this window". It owns the shared state and nothing else: no
//! child, and nothing of `'env`. The thread that runs it enters the window if that is open, takes
//! runnables from the ready queue and runs them until there are none, the window closes, the scope
//! has failed or the ticket is used up; and leaves. A ticket that comes late finds the window shut
//! and returns. One that finds it ajar, or closing, watches for some milliseconds whether it is to
//! enter.
//!
//! A ticket is used up after [`MOST_POLLS`] polls or [`LONGEST`]: the threads belong to the
//! executor, which has other tasks. For the same reason a helper does not wait for work.
//!
//! # No push is left alone
//!
//! A push that wants help dispatches a ticket, unless one is *coming*: dispatched, and not run yet.
//! A ticket ceases to be coming before it looks at the ready queue, which takes the lock that the
//! push has held before. So if the push still saw it coming, it will see what was pushed.
//!
//! Nor does a push dispatch one if as many are out as there may be. A ticket ceases to be out
//! before the helper looks at the queue for the last time, and calls another one if there is
//! something. So here as well; also if it has found the window shut, which can have been opened
//! since, or has watched for as long as it may.
//!
//! What was pushed while the window was shut is seen by the scope's thread when it sets it ajar:
//! then it looks at the queue, and calls.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::help::calling;
use crate::help::detect::{Found, is_limit_reached};
use crate::help::executor::{Executor, Helpers, Hook, Source, Ticket};
use crate::help::policy::SLOW;
use crate::help::watch::{self, watch};
use crate::help::window::Inside;
use crate::help::worker::Workers;
use crate::panic::{Defer, quietly, wake};
use crate::queue::list::List;
use crate::run::current;
use crate::run::order::Order;
use crate::run::shared::Shared;
use crate::sync::{Instant, Ordering, thread_local};

/// Children that one ticket runs at most.
const MOST_POLLS: usize = 256;
/// How long one goes on in the place of those that it has called.
const LONGEST_ALONE: Duration = Duration::from_millis(100);
/// How long a ticket goes on taking children.
const LONGEST: Duration = Duration::from_millis(10);

/// What a thread that calls for help, maybe in the middle of a push, knows of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calling {
    /// It does not.
    No,
    Yes,
    /// A ticket was run on this very thread, and has declined.
    InVain,
}

thread_local! {
    static CALLING: Cell<Calling> = const { Cell::new(Calling::No) };
}

impl Ticket {
    pub(super) fn new(shared: &Arc<Shared>, call: &Arc<Call>, chunk: usize) -> Self {
        shared.tickets.called();
        Self {
            shared: Arc::clone(shared),
            call: Arc::downgrade(call),
            chunk,
            is_coming: true,
            is_out: true,
            served: None,
            idle: None,
        }
    }

    /// Helps the scope that dispatched the ticket: polls children of it on this thread, as long as
    /// the scope is being polled itself and there is enough to do.
    ///
    /// Returns at once if it comes too late. Never panics: a child's panic is the scope's.
    pub fn run(mut self) {
        // Children do not run inside the waker of another one, which may hold a lock.
        if is_calling() {
            CALLING.with(|it| it.set(Calling::InVain));
            return;
        }
        if self.shared.queue.is_pen() {
            return self.run_in_pen();
        }
        let is_elsewhere = !current::is_in(&self.shared);
        let start = Instant::now();
        while self.help_and_look() && is_elsewhere && start.elapsed() < LONGEST_ALONE {
            // The executor has nobody else, and its thread may have gone to wait for tickets.
            self.shared.tickets.called();
            (self.is_coming, self.is_out) = (true, true);
        }
    }

    /// Helps, unless it is too late or too early for that. Returns true if there is more to do, and
    /// another one was called for it in vain.
    fn help_and_look(&mut self) -> bool {
        let shared = &*Arc::clone(&self.shared);
        shared.queue.window.watch(); // it is coming yet: a push need not call another one
        self.come();
        // Whoever has opened the window owns the call.
        let inside = shared.queue.window.enter();
        let Some((inside, call)) = inside.zip(self.call.upgrade()) else {
            return self.look_again(); // it can be open again
        };
        // Scopes among the children ask the same executor.
        let may_help = current::enter(&self.shared, Some(&call.helpers), false, |_| {
            call.stay(shared, &inside, self.chunk)
        });
        let is_in_vain = may_help && self.look_again(); // no other could, if the hook does not let us
        drop(inside); // at last: what was taken from the queue is dealt with
        is_in_vain
    }

    /// Is not out any more, and calls another one if something is ready: a push may have seen that
    /// it was. Returns true if that was in vain.
    fn look_again(&mut self) -> bool {
        self.retire();
        let shared = &self.shared;
        // In this order: whoever pushed has opened the window before, and its lock says so.
        let may_help = || shared.queue.window.lets_in_later() && !shared.has_failed();
        shared.queue.has_ready() && may_help() && call_again(shared)
    }

    /// It is not out any more.
    pub(super) fn retire(&mut self) {
        if mem::take(&mut self.is_out) {
            self.shared.tickets.one_retires();
        }
    }

    pub(super) fn come(&mut self) {
        if mem::take(&mut self.is_coming) {
            self.shared.tickets.coming.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let is_lost = self.is_coming || self.is_out || self.idle.is_some();
        self.served = None;
        self.leave_idle();
        self.come();
        self.retire();
        if is_lost && self.shared.queue.is_pen() {
            wake(self.shared.queue.take_closer()); // to ask again
        }
    }
}

/// Runs children in the window of `shared`.
fn help(shared: &Shared, inside: &Inside<'_>, chunk: usize) {
    let window = &shared.queue.window;
    let mut batch = List::default();
    let mut polls = 0;
    let start = Instant::now();
    let mut before = Duration::ZERO;
    // One at least: it can be reached already, by what has run us.
    let is_used_up = |polls| polls >= MOST_POLLS || (polls > 0 && is_limit_reached());
    while inside.goes_on() && !is_used_up(polls) && before < LONGEST {
        shared.queue.take(&mut batch, chunk);
        match batch.len() {
            0 => break,
            1 => watch::begin(window, start + before),
            _ => watch::begin_several(),
        }
        while inside.goes_on() && !shared.has_failed() && !is_used_up(polls) {
            let Some(child) = batch.pop_front() else {
                break;
            };
            child.run();
            polls += 1;
        }
        let now = start.elapsed();
        if now - before >= SLOW {
            window.saw_slow();
        }
        before = now;
        if !batch.is_empty() {
            return shared.queue.hand_back(&mut batch);
        }
    }
}

/// How a helper is called: what a scope found out about its executor.
pub(crate) struct Call {
    found: Found,
    /// For scopes among the children, which ask the same executor.
    pub(super) helpers: Helpers,
    /// Helpers at most, or threads of a pen.
    pub(super) most: usize,
    /// Of a pen.
    pub(crate) workers: Workers,
}

impl Call {
    pub(super) fn new(found: Found, around: Option<Hook>, most: usize) -> Self {
        let helpers = Helpers {
            source: Some(Source::Executor(found.clone())),
            around,
            order: Order::default(), // there is one only where no helper is called
        };
        Self {
            found,
            helpers,
            most,
            workers: Workers::default(),
        }
    }

    /// Returns true if it calls helpers of this executor, inside of this hook.
    pub(super) fn is_for(&self, found: Option<&Found>, around: Option<&Hook>) -> bool {
        let is_same_hook = match (around, &self.helpers.around) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_same(other),
            _ => false,
        };
        is_same_hook && found.is_some_and(|it| it.is_same(&self.found))
    }

    /// Runs children in the window, inside of the hook if there is one; returns whether that let
    /// it.
    fn stay(&self, shared: &Shared, inside: &Inside<'_>, chunk: usize) -> bool {
        // Once, however often the hook calls it.
        let mut stay = Some(|| watch(|| help(shared, inside, chunk)));
        let mut has_helped = false;
        let mut once = || {
            if let Some(stay) = stay.take() {
                stay();
                has_helped = true;
            }
        };
        match &self.helpers.around {
            None => once(),
            Some(hook) => {
                shared.report(|| hook(&mut once));
            }
        }
        has_helped
    }

    /// Dispatches tickets until `wanted` are out, or coming; no more than there may be.
    pub(crate) fn dispatch(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        wanted: usize,
        are_out: bool,
        chunk: usize,
    ) {
        let out = shared.tickets.out.load(Ordering::Relaxed);
        let there = match are_out {
            true => out,
            false => shared.tickets.coming.load(Ordering::SeqCst),
        };
        let missing = wanted.saturating_sub(there as usize);
        for _ in 0..missing.min(self.most.saturating_sub(out as usize)) {
            self.hand_out(Ticket::new(shared, self, chunk));
        }
    }

    /// Gives a ticket to the executor. Foreign code: it may run the ticket here, or panic.
    pub(super) fn hand_out(&self, ticket: Ticket) {
        quietly(|| self.executor().dispatch(ticket));
    }

    /// Has the executor call `act`, which takes its time. Foreign code.
    pub(crate) fn in_place(&self, act: &mut dyn FnMut()) {
        quietly(|| self.executor().block_in_place(act));
    }

    /// Has the executor wake the task that polls the scope, after others. Foreign code.
    pub(crate) fn wake_later(&self, waker: &Waker) {
        if quietly(|| self.executor().wake_later(waker)).is_none() {
            quietly(|| waker.wake_by_ref());
        }
    }

    pub(super) fn executor(&self) -> &dyn Executor {
        self.found.executor()
    }
}

/// Calls a helper for something that was pushed, unless one is coming. For any thread.
#[cold]
pub(crate) fn call_for_push(shared: &Arc<Shared>) {
    if shared.queue.is_pen() {
        return calling::call(shared);
    }
    if shared.tickets.coming.load(Ordering::SeqCst) > 0 {
        return; // before the lock below
    }
    if let Some(call) = shared.tickets.call() {
        in_a_push(|| call.dispatch(shared, 1, false, 1));
    }
}

/// Calls one from outside of a push; returns true if it came on this very thread.
fn call_again(shared: &Arc<Shared>) -> bool {
    CALLING.with(|it| it.set(Calling::Yes));
    call_for_push(shared);
    CALLING.with(|it| it.replace(Calling::No)) == Calling::InVain
}

/// Returns true if this thread calls for help.
pub(super) fn is_calling() -> bool {
    CALLING.with(Cell::get) != Calling::No
}

/// Calls for help, on a thread that may be in the middle of a push.
pub(super) fn in_a_push<T>(call: impl FnOnce() -> T) -> T {
    let before = CALLING.with(|it| it.replace(Calling::Yes));
    let _after = Defer(|| {
        CALLING.with(|it| match (before, it.get()) {
            (Calling::Yes, Calling::InVain) => {} // who calls will ask
            _ => it.set(before),
        });
    });
    call()
}
