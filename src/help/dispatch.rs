//! Which helpers a scope has, and when it calls them.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::help::detect::Found;
use crate::help::executor::Helpers;
use crate::help::policy::{MOST_SKIPPED, Plan, is_slow_poll_expected};
use crate::help::ticket::Call;
use crate::run::current;
use crate::run::shared::Shared;
use crate::sync::Instant;

/// What a scope knows about helpers: how many, and whether it pays to call them.
pub(crate) struct Help {
    /// Set by `.serial()`.
    pub(crate) is_serial: bool,
    /// Helpers at most, if the executor has that many; `None` leaves it to the executor.
    pub(crate) most: Option<usize>,
    /// When a slow poll was met, if that was lately.
    met_slow: Option<Instant>,
    /// How they were called in the last poll, if there were any.
    known: Option<Arc<Call>>,
    /// Polls still to be made without a look for helpers, because there were none.
    alone: u32,
}

impl Help {
    /// For a scope that has `most` helpers, until it is told otherwise.
    #[inline]
    pub(crate) fn new(most: Option<usize>) -> Self {
        Self {
            is_serial: false,
            most,
            met_slow: None,
            known: None,
            alone: 0,
        }
    }

    /// Lets go of the executor, for the end of the scope.
    pub(crate) fn forget(&mut self, shared: &Shared) {
        if self.known.take().is_some() {
            shared.tickets.set_call(None);
        }
    }

    /// Returns whether helpers are possible at all.
    #[inline]
    pub(crate) fn is_possible(&self) -> bool {
        !self.is_serial && self.most != Some(0)
    }

    /// Returns whether there were helpers in an earlier poll.
    #[inline]
    pub(crate) fn was_possible(&self) -> bool {
        self.known.is_some()
    }

    /// Returns whether slow polls are to be expected. `is_met` says that one was met just now.
    pub(crate) fn expects_slow(&mut self, is_met: bool) -> bool {
        if is_met {
            self.met_slow = Some(Instant::now());
        }
        let is_past = |met: &mut Instant| !is_slow_poll_expected(Some(met.elapsed()));
        self.met_slow.take_if(is_past);
        self.met_slow.is_some()
    }

    /// Finds out how helpers are called in this very poll, if there are any. A panic of the
    /// executor is the scope's.
    pub(crate) fn find(&mut self, shared: &Shared) -> Option<Arc<Call>> {
        shared.report(|| self.look_for(shared)).flatten()
    }

    fn look_for(&mut self, shared: &Shared) -> Option<Arc<Call>> {
        if self.alone > 0 {
            self.alone -= 1;
            return None;
        }
        let Helpers { source, around, .. } = current::helpers().unwrap_or_default();
        let found = Found::resolve(source);
        let is_same = |call: &&Arc<Call>| call.is_for(found.as_ref(), around.as_ref());
        if let Some(call) = self.known.as_ref().filter(is_same) {
            return Some(Arc::clone(call));
        }
        self.known = found.and_then(|found| {
            let lent = found.executor().parallelism().saturating_sub(1);
            let most = self.most.map_or(lent, |most| most.min(lent));
            (most > 0).then(|| Arc::new(Call::new(found, around, most)))
        });
        shared.tickets.set_call(self.known.clone());
        if self.known.is_none() {
            self.alone = MOST_SKIPPED;
        }
        self.known.clone()
    }
}

/// Dispatches the tickets of one window in which work is shared.
pub(crate) struct Dispatch {
    call: Arc<Call>,
    helpers: usize,
    /// How many runnables a thread takes at a time.
    pub(crate) chunk: usize,
    /// Set if a helper that is out may be held up by a slow poll.
    is_eager: bool,
}

impl Dispatch {
    /// For a plan that was made, or because slow polls are expected.
    pub(crate) fn new(call: &Arc<Call>, plan: Plan, is_eager: bool) -> Option<Self> {
        let plan = plan.limit(call.most)?;
        Some(Self {
            call: Arc::clone(call),
            helpers: plan.helpers,
            chunk: plan.chunk(),
            is_eager,
        })
    }

    /// Dispatches tickets until there are as many as there is work for: `ready` runnables.
    pub(crate) fn call(&self, shared: &Arc<Shared>, ready: usize) {
        let most = if self.is_eager { ready } else { self.helpers };
        let wanted = most.min(ready.div_ceil(self.chunk));
        self.call
            .dispatch(shared, wanted, !self.is_eager, self.chunk);
    }
}
