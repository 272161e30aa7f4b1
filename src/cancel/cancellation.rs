//! What a scope always has of its cancellation: its outcome, its parent, and a place for a
//! [signal](crate::cancel::signal), where the two are described together.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Arc;

use crate::cancel::cause::Cause;
use crate::cancel::signal::{Answer, Signal};
use crate::shared::Shared;
use crate::sync::{AtomicU8, Mutex, OnceLock, Ordering};

/// How a scope came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    /// The body or a child gave an `Err`.
    Failed = 1,
    /// Something panicked.
    Panicked = 2,
    /// The normal end.
    Ended = 3,
    /// The scope's future was dropped before its end.
    Dropped = 4,
}

/// The bits of [`Cancellation::state`] that hold an [`Outcome`], or 0 while there is none.
const OUTCOME: u8 = 0b0111;
/// Set once there is a signal that has to learn of the outcome.
const WATCHED: u8 = 0b1000;
/// Set once there is a parent.
const NESTED: u8 = 0b1_0000;

impl Outcome {
    fn of(state: u8) -> Option<Self> {
        let all = [Self::Failed, Self::Panicked, Self::Ended, Self::Dropped];
        all.into_iter()
            .find(|outcome| *outcome as u8 == state & OUTCOME)
    }

    fn cause(self) -> Cause {
        match self {
            Self::Failed => Cause::Failed,
            Self::Panicked => Cause::Panicked,
            Self::Ended => Cause::Ended,
            Self::Dropped => Cause::Dropped,
        }
    }
}

/// What a scope always has of its cancellation.
#[derive(Debug, Default)]
pub(crate) struct Cancellation {
    /// The outcome, and whether there are a signal and a parent.
    state: AtomicU8,
    /// Made when somebody asks.
    signal: OnceLock<Arc<Signal>>,
    /// The scope in which this one was polled for the first time, until there is an outcome.
    parent: Mutex<Option<Arc<Shared>>>,
}

impl Cancellation {
    /// Says in which scope this one is polled. For the first poll, and no other.
    pub(crate) fn set_parent(&self, parent: Option<Arc<Shared>>) {
        if parent.is_some() {
            *self.parent.lock() = parent;
            self.state.fetch_or(NESTED, Ordering::Release);
        }
    }

    /// The parent, while there is no outcome; `state` is what was seen of it.
    fn parent(&self, state: u8) -> Option<Arc<Shared>> {
        match state & NESTED {
            0 => None,
            _ => self.parent.lock().clone(),
        }
    }

    /// True if no poll may start any more because something failed.
    pub(crate) fn is_stopped(&self) -> bool {
        let outcome = self.state.load(Ordering::Acquire) & OUTCOME;
        outcome == Outcome::Failed as u8 || outcome == Outcome::Panicked as u8
    }

    /// Enters the outcome, if there is none yet, and tells whoever waits.
    ///
    /// This wakes foreign wakers; it never unwinds.
    pub(crate) fn settle(&self, outcome: Outcome) {
        let enter = |state| (state & OUTCOME == 0).then_some(state | outcome as u8);
        // Release: who sees the outcome sees what led to it. Acquire: we see the signal.
        let entered = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, enter);
        let (Ok(before) | Err(before)) = entered;
        if before & WATCHED != 0 {
            // Also if somebody was first, who may not have come to it yet: this returns when
            // everybody was told.
            let first = Outcome::of(before).unwrap_or(outcome);
            self.signal().fire(first.cause());
        }
        if before & NESTED != 0 {
            let parent = self.parent.lock().take();
            drop(parent);
        }
    }

    /// Whether the scope was cancelled; makes no signal.
    pub(crate) fn is_cancelled(&self) -> bool {
        let mut answer = self.answer();
        loop {
            match answer {
                Answer::Cancelled(()) => return true,
                Answer::NotCancelled => return false,
                Answer::AskParent(scope) => answer = scope.cancellation.answer(),
            }
        }
    }

    /// What the scope knows itself.
    fn answer(&self) -> Answer<(), Shared> {
        let state = self.state.load(Ordering::Acquire);
        if state & WATCHED != 0 {
            // The signal knows of its ancestors, and says the same as the tokens.
            return match self.signal().is_cancelled() {
                true => Answer::Cancelled(()),
                false => Answer::NotCancelled,
            };
        }
        if state & OUTCOME != 0 {
            return Answer::Cancelled(());
        }
        match self.parent(state) {
            Some(parent) => Answer::AskParent(parent),
            None if state & NESTED == 0 => Answer::NotCancelled,
            // It has gone just now, and then there is an outcome.
            None => Answer::Cancelled(()),
        }
    }

    /// The signal; made at the first call, after those of all ancestors that have not ended.
    pub(crate) fn signal(&self) -> &Arc<Signal> {
        let state = self.state.load(Ordering::Acquire);
        if state & WATCHED == 0 {
            // Not recursive: scopes can be nested as deep as the stack carries.
            let mut unwatched = Vec::new();
            let mut parent = self.parent(state);
            while let Some(scope) = &parent {
                let state = scope.cancellation.state.load(Ordering::Acquire);
                if state & WATCHED != 0 {
                    break;
                }
                let next = scope.cancellation.parent(state);
                unwatched.extend(mem::replace(&mut parent, next));
            }
            while let Some(scope) = unwatched.pop() {
                scope.cancellation.watch(parent.as_ref());
                parent = Some(scope);
            }
            self.watch(parent.as_ref());
        }
        let Some(signal) = self.signal.get() else {
            unreachable!("a scope that is watched has a signal");
        };
        signal
    }

    /// Makes the signal, links it to its parent's and sets [`WATCHED`]. If several threads are
    /// here at once, each makes sure of all that before it goes on.
    fn watch(&self, parent: Option<&Arc<Shared>>) {
        let signal = self.signal.get_or_init(|| {
            let parent = parent.and_then(|parent| parent.cancellation.signal.get());
            Arc::new(Signal::new(parent.cloned()))
        });
        let mut state = self.state.load(Ordering::Acquire);
        while state & WATCHED == 0 {
            if let Some(outcome) = Outcome::of(state) {
                // Asked for too late to know what was first, it says how the scope itself ended.
                signal.set_late(outcome.cause());
            }
            signal.link();
            // Only if nothing has come in between: whoever finds the signal finds its cause.
            let watched = state | WATCHED;
            match self
                .state
                .compare_exchange(state, watched, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        if let Some(outcome) = Outcome::of(state) {
            signal.fire(outcome.cause());
        }
    }
}
