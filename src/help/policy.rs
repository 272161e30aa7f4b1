//! When it pays to ask for helpers: pure functions of what was measured.
//!
//! Help has a price: a ticket has to be dispatched and a thread has to wake up for it, and what is
//! shared is taken under a lock that is contended. For children that do next to nothing per poll
//! that is several times what they cost alone. So the scope starts alone, and asks for help
//!
//! * to **share work**, once the work that is ready is clearly more than help costs: see [`plan`].
//!   The clock that this needs is that of the [budget](crate::run::budget);
//! * so that **a slow poll holds nothing up**: see
//!   [`is_slow_poll_expected`].
#![forbid(unsafe_code)]

use std::time::Duration;

/// What it takes until a helper runs its first child: dispatch, wake-up, entering.
const DISPATCH: Duration = Duration::from_micros(10);
/// Polls shorter than this are not worth sharing, however many there are.
pub(crate) const SHORTEST_POLL: Duration = Duration::from_nanos(1_000);
/// What a thread takes from the ready queue at a time should last about this long.
const CHUNK: Duration = Duration::from_micros(10);
/// ... and is not more than this many runnables.
pub(crate) const LARGEST_CHUNK: usize = 32;
/// How many batches are run without a look whether to share, if no thread could help.
pub(crate) const MOST_SKIPPED: u32 = 32;
/// A poll of a scope that lasts longer is likely to be stuck in one of a child: the
/// [budget](crate::run::budget) is less.
pub(crate) const BUSY: Duration = Duration::from_micros(500);
/// A poll of a child is slow if it takes longer.
pub(crate) const SLOW: Duration = Duration::from_millis(1);
/// A child whose last poll took longer is not run where nobody could help with the others. Shorter
/// polls hold nobody up for long; and where many programs run, a thread can be without a processor
/// for some milliseconds.
pub(crate) const HOLDS_UP: Duration = Duration::from_millis(5);
/// While the window is ajar helpers come if a poll takes longer. It is that of a child of which the
/// last polls did not hold others up: if helpers came in each of those, they would never leave.
pub(crate) const HELD_UP: Duration = HOLDS_UP.saturating_add(Duration::from_millis(1));
/// How long a scope expects slow polls after it has met one.
const LATELY: Duration = Duration::from_secs(10);

/// How helpers should be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Helpers that have enough to do, at least one.
    pub(crate) helpers: usize,
    /// How long a child takes, in nanoseconds.
    mean: usize,
    ready: usize,
}

/// Decides whether to share work: `polls` children took `elapsed`, and `ready` more can run.
pub(crate) fn plan(polls: usize, elapsed: Duration, ready: usize) -> Option<Plan> {
    let mean = elapsed.as_nanos() as usize / polls.max(1);
    let left = mean.saturating_mul(ready);
    let dispatch = DISPATCH.as_nanos() as usize;
    if mean < SHORTEST_POLL.as_nanos() as usize || left < 3 * dispatch {
        return None;
    }
    let helpers = (left / (2 * dispatch)).clamp(1, ready);
    Some(Plan {
        helpers,
        mean,
        ready,
    })
}

impl Plan {
    /// For a scope that expects slow polls, and for tests that want everything shared, whatever it
    /// costs: each thread takes one child at a time.
    pub(crate) fn one_by_one(ready: usize) -> Self {
        Self {
            helpers: ready.max(1),
            mean: CHUNK.as_nanos() as usize,
            ready,
        }
    }

    /// Returns the plan with no more than `most` helpers; `None` if that is none.
    pub(crate) fn limit(self, most: usize) -> Option<Self> {
        let helpers = self.helpers.min(most);
        (helpers > 0).then_some(Self { helpers, ..self })
    }

    /// Returns how many runnables a thread takes at a time: enough to be worth the lock, and few
    /// enough that every thread comes several times.
    pub(crate) fn chunk(self) -> usize {
        let fair = self.ready / (2 * (self.helpers + 1));
        let worthwhile = CHUNK.as_nanos() as usize / self.mean.max(1);
        worthwhile.min(fair).clamp(1, LARGEST_CHUNK)
    }
}

/// Returns whether a scope should expect slow polls, if it met one so long ago.
///
/// It then shares everything from the beginning of each poll, one child at a time, so that nothing
/// is behind a slow one that another thread could run.
pub(crate) fn is_slow_poll_expected(met: Option<Duration>) -> bool {
    met.is_some_and(|met| met < LATELY)
}
