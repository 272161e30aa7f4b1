//! The books on background tasks: every one is entered when it is made, and crossed out when its
//! future is dropped, whichever way it ended.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use url::Url;

use super::automator::Shared;
use super::client::FetchError;

/// How many failures are kept with their reasons; the others are only counted.
const REASONS_KEPT: usize = 5;

/// What became of the background tasks so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) spawned: usize,
    pub(crate) finished: usize,
    pub(crate) failed: usize,
    pub(crate) cancelled: usize,
    /// Tasks whose future exists. Kept on its own, not computed from the others.
    pub(crate) alive: usize,
}

/// The counts, and the reasons of the first failures.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    counts: Counts,
    reasons: Vec<String>,
}

impl Ledger {
    pub(crate) fn counts(&self) -> Counts {
        self.books().counts
    }

    /// The first failures, each with its URL.
    pub(crate) fn reasons(&self) -> Vec<String> {
        self.books().reasons.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of one background task. It moves into the task's future, so it is dropped with it,
/// also if the task never ran.
///
/// `S` is how the task reaches what the automator shares: `&'env Shared` for a child of a scope,
/// `Arc<Shared>` for a detached task, which nothing outlives.
#[derive(Debug)]
pub(crate) struct Task<S: Deref<Target = Shared>> {
    shared: S,
    /// `None` until the task came to its end: dropped before that, it was cancelled.
    outcome: Option<Result<(), (Url, FetchError)>>,
}

impl<S: Deref<Target = Shared>> Task<S> {
    pub(crate) fn new(shared: S) -> Self {
        let mut books = shared.ledger.books();
        books.counts.spawned += 1;
        books.counts.alive += 1;
        drop(books);
        Self {
            shared,
            outcome: None,
        }
    }

    pub(crate) fn finish(mut self) {
        self.outcome = Some(Ok(()));
    }

    pub(crate) fn fail(mut self, url: Url, error: FetchError) {
        self.outcome = Some(Err((url, error)));
    }
}

impl<S: Deref<Target = Shared>> Deref for Task<S> {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl<S: Deref<Target = Shared>> Drop for Task<S> {
    fn drop(&mut self) {
        let mut books = self.shared.ledger.books();
        books.counts.alive -= 1;
        match &self.outcome {
            None => books.counts.cancelled += 1,
            Some(Ok(())) => books.counts.finished += 1,
            Some(Err((url, error))) => {
                books.counts.failed += 1;
                if books.reasons.len() < REASONS_KEPT {
                    books.reasons.push(format!("{url}: {error}"));
                }
            }
        }
    }
}
