//! Helpers: how a scope asks for them, and what one does.
//!
//! A [`Ticket`] says "come and help in this window". It owns the shared state and nothing else: no
//! child, and nothing of `'env`. Whoever runs it enters the window if that is open, takes runnables
//! from the ready queue and runs them until there are none, the window closes, the scope is
//! stopped or the ticket is used up; and leaves. A ticket that comes late finds the window shut and
//! returns.
//!
//! A ticket is used up after [`MOST_POLLS`] polls or [`LONGEST`]: the threads belong to the
//! runtime, which has other tasks.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::enclosing::Innermost;
use crate::panic::quietly;
use crate::policy::{Meter, Plan};
use crate::runtime::{Choice, Lender};
use crate::shared::Shared;
use crate::sync::{Instant, Ordering};

/// Children that one ticket runs at most.
const MOST_POLLS: usize = 256;
/// How long a ticket goes on taking children.
const LONGEST: Duration = Duration::from_millis(10);

/// A request for help, made by a scope to a [`Runtime`](crate::Runtime).
///
/// **Drop.** Dropping a ticket without running it declines.
pub struct Ticket {
    shared: Arc<Shared>,
    runtime: Lender,
    chunk: usize,
}

impl Ticket {
    /// Helps the scope that dispatched the ticket: polls children of it on this thread, as long as
    /// the scope is being polled itself and there is enough to do.
    ///
    /// Returns at once if it comes too late. Never panics: a child's panic is the scope's.
    pub fn run(self) {
        // Scopes among the children ask the same runtime.
        let _inherited = Choice::On(self.runtime.clone()).enter();
        let _inside = Innermost::enter(Arc::clone(&self.shared));
        help(&self.shared, self.chunk);
    }

    fn new(shared: &Arc<Shared>, runtime: &Lender, chunk: usize) -> Self {
        shared.tickets.fetch_add(1, Ordering::Relaxed);
        Self {
            shared: Arc::clone(shared),
            runtime: runtime.clone(),
            chunk,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.tickets.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

/// Runs children in the window of `shared`.
fn help(shared: &Shared, chunk: usize) {
    // Declared first, so that it leaves last: whatever is in the batch is dealt with inside.
    let Some(inside) = shared.window.enter() else {
        return;
    };
    let mut batch = VecDeque::with_capacity(chunk);
    let mut polls = 0;
    let start = Instant::now();
    while inside.is_open() && polls < MOST_POLLS && start.elapsed() < LONGEST {
        shared.ready.take(&mut batch, chunk);
        if batch.is_empty() {
            return;
        }
        while inside.is_open() && !shared.is_stopped() {
            let Some(child) = batch.pop_front() else {
                break;
            };
            child.run();
            polls += 1;
        }
        if !batch.is_empty() {
            shared.ready.hand_back(&mut batch);
            return;
        }
    }
}

/// What a scope knows about helpers: whom to ask, and whether it pays.
#[derive(Debug)]
pub(crate) struct Help {
    pub(crate) choice: Choice,
    /// Helpers at most, if the runtime has that many to lend; `None` leaves it to the runtime.
    pub(crate) workers: Option<usize>,
    pub(crate) meter: Meter,
}

impl Help {
    /// For scopes whose children may move to another thread.
    pub(crate) const fn allowed() -> Self {
        Self {
            choice: Choice::Ambient,
            workers: None,
            meter: Meter::new(),
        }
    }

    /// For scopes whose children may not.
    pub(crate) const fn forbidden() -> Self {
        Self {
            choice: Choice::Ambient,
            workers: Some(0),
            meter: Meter::new(),
        }
    }

    /// Whether helpers are possible at all.
    pub(crate) fn is_possible(&self) -> bool {
        self.workers != Some(0) && !matches!(self.choice, Choice::Serial)
    }

    /// Finds who lends helpers for `plan`, in this very poll.
    pub(crate) fn crew(&mut self, plan: Plan) -> Option<Crew> {
        let found = self.choice.resolve().and_then(|runtime| {
            let lent = runtime.parallelism().saturating_sub(1);
            let most = self.workers.map_or(lent, |workers| workers.min(lent));
            let plan = plan.limit(most)?;
            Some(Crew {
                runtime,
                size: plan.helpers,
                chunk: plan.chunk(),
            })
        });
        match found {
            Some(_) => self.meter.found_long(),
            None => self.meter.found_nobody(),
        }
        found
    }
}

/// The helpers of one window.
pub(crate) struct Crew {
    runtime: Lender,
    size: usize,
    /// How many runnables a thread takes at a time.
    pub(crate) chunk: usize,
}

impl Crew {
    /// Dispatches tickets until as many are out as there is work for: `ready` runnables.
    pub(crate) fn call(&self, shared: &Arc<Shared>, ready: usize) {
        let wanted = self.size.min(ready.div_ceil(self.chunk));
        let out = shared.tickets.load(Ordering::Relaxed);
        for _ in out..wanted {
            // Foreign code: it may run the ticket here, or panic.
            quietly(|| {
                let ticket = Ticket::new(shared, &self.runtime, self.chunk);
                self.runtime.dispatch(ticket);
            });
        }
    }
}
