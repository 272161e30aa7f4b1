//! What a helper does, and how a scope calls one.
//!
//! A [`Ticket`] says "come and help in this window". It owns the shared state and nothing else: no
//! child, and nothing of `'env`. The thread that runs it enters the window if that is open, takes
//! runnables from the ready queue and runs them until there are none, the window closes, the scope
//! has failed or the ticket is used up; and leaves. A ticket that comes late finds the window shut
//! and returns.
//!
//! A ticket is used up after [`MOST_POLLS`] polls or [`LONGEST`]: the threads belong to the
//! executor, which has other tasks.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::help::detect::resolve;
use crate::help::executor::{Helpers, SharedExecutor, Ticket};
use crate::help::policy::{Plan, Policy};
use crate::panic::quietly;
use crate::run::current;
use crate::run::shared::Shared;
use crate::sync::{Instant, Ordering};

/// Children that one ticket runs at most.
const MOST_POLLS: usize = 256;
/// How long a ticket goes on taking children.
const LONGEST: Duration = Duration::from_millis(10);

impl Ticket {
    /// Helps the scope that dispatched the ticket: polls children of it on this thread, as long as
    /// the scope is being polled itself and there is enough to do.
    ///
    /// Returns at once if it comes too late. Never panics: a child's panic is the scope's.
    pub fn run(self) {
        // Scopes among the children ask the same executor.
        let helpers = Some(Helpers::From(self.executor.clone()));
        current::enter(&self.shared, &helpers, false, |_| {
            help(&self.shared, self.chunk)
        });
    }
}

/// Runs children in the window of `shared`.
fn help(shared: &Shared, chunk: usize) {
    // Declared first, so that it leaves last: what is in the batch is dealt with inside.
    let Some(inside) = shared.window.enter() else {
        return;
    };
    let mut batch = VecDeque::with_capacity(chunk);
    let mut polls = 0;
    let start = Instant::now();
    while inside.is_open() && polls < MOST_POLLS && start.elapsed() < LONGEST {
        shared.queue.take(&mut batch, chunk);
        if batch.is_empty() {
            return;
        }
        while inside.is_open() && !shared.has_failed() {
            let Some(child) = batch.pop_front() else {
                break;
            };
            child.run();
            polls += 1;
        }
        if !batch.is_empty() {
            shared.queue.hand_back(&mut batch);
            return;
        }
    }
}

/// What a scope knows about helpers: how many, and whether it pays to call them.
pub(crate) struct Help {
    /// Set by `.serial()`.
    pub(crate) is_serial: bool,
    /// Helpers at most, if the executor has that many; `None` leaves it to the executor.
    pub(crate) most: Option<usize>,
    pub(crate) policy: Policy,
}

impl Help {
    /// For a scope that has `most` helpers, until it is told otherwise.
    pub(crate) const fn new(most: Option<usize>) -> Self {
        Self {
            is_serial: false,
            most,
            policy: Policy::new(),
        }
    }

    /// Returns whether helpers are possible at all.
    pub(crate) fn is_possible(&self) -> bool {
        !self.is_serial && self.most != Some(0)
    }

    /// Finds an executor that can give helpers for `plan`, in this very poll.
    pub(crate) fn dispatch(&mut self, plan: Plan) -> Option<Dispatch> {
        let found = resolve(current::helpers()).and_then(|executor| {
            let lent = executor.parallelism().saturating_sub(1);
            let most = self.most.map_or(lent, |most| most.min(lent));
            let plan = plan.limit(most)?;
            Some(Dispatch {
                executor,
                helpers: plan.helpers,
                chunk: plan.chunk(),
            })
        });
        match found {
            Some(_) => self.policy.found_long(),
            None => self.policy.found_no_helper(),
        }
        found
    }
}

/// Dispatches the tickets of one window.
pub(crate) struct Dispatch {
    executor: SharedExecutor,
    helpers: usize,
    /// How many runnables a thread takes at a time.
    pub(crate) chunk: usize,
}

impl Dispatch {
    /// Dispatches tickets until as many are out as there is work for: `ready` runnables.
    pub(crate) fn call(&self, shared: &Arc<Shared>, ready: usize) {
        let wanted = self.helpers.min(ready.div_ceil(self.chunk));
        let out = shared.tickets.load(Ordering::Relaxed);
        for _ in out..wanted {
            // Foreign code: it may run the ticket here, or panic.
            quietly(|| (self.executor).dispatch(Ticket::new(shared, &self.executor, self.chunk)));
        }
    }
}
