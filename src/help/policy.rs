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
pub(crate) const LARGEST_CHUNK: usize = 32;
/// The clock is read after 1, 4, 16, … polls, and then at this distance: reading it takes about as
/// long as a short poll.
const LONGEST_STRETCH: usize = 64;
/// Runs of fewer children than this are measured only now and then, if they proved to be short.
pub(crate) const SHORT_RUN: usize = 64;
/// How many such runs are skipped at most between two measured ones.
pub(crate) const MOST_SKIPPED: u32 = 32;

/// How helpers should be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Helpers that have enough to do, at least one.
    pub(crate) helpers: usize,
    /// How long a child takes, in nanoseconds.
    mean: usize,
    ready: usize,
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
    Some(Plan {
        helpers,
        mean,
        ready,
    })
}

impl Plan {
    /// For tests that want every window open, whatever it costs.
    #[cfg(taskpen_force_windows)]
    pub(crate) fn forced(ready: usize) -> Self {
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

/// Says when to read the clock, from what earlier readings found.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Short runs still to be skipped.
    skip: u32,
    /// How many will be skipped after the next one that proves to be short.
    backoff: u32,
    /// Runs of any length still to be skipped, because no thread could help.
    alone: u32,
    /// How many polls a run makes before the clock is read for the first time.
    first: usize,
}

impl Policy {
    pub(crate) const fn new() -> Self {
        Self {
            skip: 0,
            backoff: 1,
            alone: 0,
            first: 1,
        }
    }

    /// Returns whether to measure a run of `children`.
    pub(crate) fn starts(&mut self, children: usize) -> bool {
        if children < 2 {
            return false; // nothing to share
        }
        if self.alone > 0 {
            self.alone -= 1;
            return false;
        }
        if children < SHORT_RUN && self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        true
    }

    /// Returns how many polls to make until the clock is read again: `polls` were made, `left` are
    /// to come.
    pub(crate) fn stretch(&self, polls: usize, left: usize) -> usize {
        match polls {
            0 if left < SHORT_RUN => 1,
            0 => self.first,
            _ => (polls * 3).min(LONGEST_STRETCH),
        }
    }

    /// A measured run of `polls` gave no reason to ask for help. If it was long enough to be sure,
    /// the next long one begins as this one ended: with long stretches.
    pub(crate) fn found_short(&mut self, polls: usize) {
        self.skip = self.backoff;
        self.backoff = (self.backoff * 2).min(MOST_SKIPPED);
        if polls >= SHORT_RUN {
            self.first = LONGEST_STRETCH;
        }
    }

    /// A measured run gave a reason: look again soon.
    pub(crate) fn found_long(&mut self) {
        *self = Self::new();
    }

    /// No thread can help: look again as late as possible.
    pub(crate) fn found_no_helper(&mut self) {
        self.alone = MOST_SKIPPED;
    }
}
