//! When it pays to ask for helpers: a pure function of what was measured.
//!
//! Help has a price: a ticket has to be dispatched and a thread has to wake up for it, and while
//! the window is open every runnable is taken under a lock that is contended. For children that
//! do next to nothing per poll that is several times what they cost alone. So the scope starts
//! alone and measures: it reads the clock around runs of children, rarely enough not to be
//! noticed, and asks for help once the work that is left is clearly more than help costs.
#![forbid(unsafe_code)]

use std::time::Duration;

/// What it takes until a helper runs its first child: dispatch, wake-up, entering.
const DISPATCH: Duration = Duration::from_micros(10);
/// Polls shorter than this are not worth sharing, however many there are.
const SHORTEST_POLL: Duration = Duration::from_nanos(1_000);
/// What a thread takes from the ready queue at a time should last about this long.
const CHUNK: Duration = Duration::from_micros(10);
/// ... and is not more than this many runnables.
const LARGEST_CHUNK: usize = 32;
/// The clock is read after 1, 2, 4, … polls, and then at this distance.
const LONGEST_STRETCH: usize = 32;
/// Runs of fewer children than this are measured only now and then, if they proved to be short.
const SHORT_RUN: usize = 64;
/// How many such runs are skipped at most between two measured ones.
const MOST_SKIPPED: u32 = 32;

/// How helpers should be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Helpers that have enough to do, at least one.
    pub(crate) helpers: usize,
    /// How many runnables a thread takes at a time.
    pub(crate) chunk: usize,
}

/// Decides whether to ask for help: `polls` children took `elapsed`, and `ready` more can run.
pub(crate) fn plan(polls: usize, elapsed: Duration, ready: usize) -> Option<Plan> {
    let mean = elapsed.as_nanos() as usize / polls.max(1);
    let left = mean.saturating_mul(ready);
    let dispatch = DISPATCH.as_nanos() as usize;
    if mean < SHORTEST_POLL.as_nanos() as usize || left < 3 * dispatch {
        return None;
    }
    let helpers = (left / (2 * dispatch)).clamp(1, ready);
    let fair = ready / (2 * (helpers + 1));
    let chunk = (CHUNK.as_nanos() as usize / mean)
        .min(fair)
        .clamp(1, LARGEST_CHUNK);
    Some(Plan { helpers, chunk })
}

/// Says when to read the clock.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Short runs still to be skipped.
    skip: u32,
    /// How many will be skipped after the next one that proves to be short.
    backoff: u32,
}

impl Meter {
    pub(crate) const fn new() -> Self {
        Self {
            skip: 0,
            backoff: 1,
        }
    }

    /// Whether to measure a run of `children`.
    pub(crate) fn starts(&mut self, children: usize) -> bool {
        if children < 2 {
            return false; // nobody could help
        }
        if children < SHORT_RUN && self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        true
    }

    /// After how many polls the clock is read, if it was read after `polls` before.
    pub(crate) fn next_reading(polls: usize) -> usize {
        polls + polls.clamp(1, LONGEST_STRETCH)
    }

    /// A measured run gave no reason to ask for help.
    pub(crate) fn found_short(&mut self) {
        self.skip = self.backoff;
        self.backoff = (self.backoff * 2).min(MOST_SKIPPED);
    }

    /// A measured run gave a reason: look again soon.
    pub(crate) fn found_long(&mut self) {
        *self = Self::new();
    }

    /// Nobody can help: look again as late as possible.
    pub(crate) fn found_nobody(&mut self) {
        self.skip = MOST_SKIPPED;
    }
}
