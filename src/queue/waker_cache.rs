//! The waker of the task that polls a scope, cached from poll to poll.
#![forbid(unsafe_code)]

use std::task::Waker;

/// The caller's waker in one poll, and the clone of it that an earlier poll left.
pub(crate) struct WakerCache<'a> {
    current: &'a Waker,
    /// What the poll will leave behind when it goes idle: what an earlier poll left, or a clone of
    /// `current`.
    kept: Option<Waker>,
    /// Whether `kept` wakes the same task as `current`. Set without asking for a clone, which need
    /// not compare equal to what it was cloned from.
    is_current: bool,
}

impl<'a> WakerCache<'a> {
    pub(crate) fn new(current: &'a Waker) -> Self {
        Self {
            current,
            kept: None,
            is_current: false,
        }
    }

    /// Clones the current waker, which is foreign code; gives back what it replaces.
    pub(crate) fn keep_current(&mut self) -> Option<Waker> {
        let clone = self.current.clone();
        self.is_current = true;
        self.kept.replace(clone)
    }

    /// Takes back what an earlier poll left, if no push has used it.
    pub(crate) fn take_back(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.is_current = waker.will_wake(self.current);
            self.kept = Some(waker);
        }
    }

    /// Returns true if there is a waker to store: one that wakes the current task.
    pub(crate) fn is_current(&self) -> bool {
        self.is_current && self.kept.is_some()
    }

    /// Gives the waker to store.
    pub(crate) fn store(&mut self) -> Option<Waker> {
        self.kept.take()
    }

    /// Gives what was not stored, to be dropped outside the lock.
    pub(crate) fn into_kept(self) -> Option<Waker> {
        self.kept
    }
}
