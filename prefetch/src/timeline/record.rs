//! What was seen of a run.

use std::time::Duration;

/// Everything that was seen, in the order in which it was spawned or opened. Times are those since
/// the first of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) bars: Vec<Bar>,
    /// When the automator was closed.
    pub(crate) closed: Option<Duration>,
    /// Until when the recorder listened.
    pub(crate) end: Duration,
}

/// A scope, or a task: a child of a scope, a closure on the pool, a detached task.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The scope that a task belongs to, or what a scope is inside of: its place in the record.
    pub(crate) parent: Option<usize>,
    /// From when on it did what. The first entry says when it began.
    pub(crate) states: Vec<(Duration, State)>,
    /// When it was over; `None` if it went on to the end.
    pub(crate) end: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scope,
    Task,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits for a thread.
    Ready,
    /// It is being polled, or called.
    Running,
    /// It waits to be woken.
    Suspended,
}

impl Record {
    /// How many tasks and scopes went on to the end.
    pub(crate) fn left(&self) -> usize {
        self.bars.iter().filter(|bar| bar.end.is_none()).count()
    }
}

impl Bar {
    pub(crate) fn begin(&self) -> Duration {
        self.states[0].0
    }

    /// The stretches of time in which it was in one state, until `end` if it is not over.
    pub(crate) fn stretches(
        &self,
        end: Duration,
    ) -> impl Iterator<Item = (Duration, Duration, State)> + '_ {
        let last = self.end.unwrap_or(end);
        let ends = self.states.iter().skip(1).map(|(at, _)| *at);
        let states = self.states.iter().zip(ends.chain([last]));
        states.map(|((from, state), to)| (*from, to, *state))
    }
}
