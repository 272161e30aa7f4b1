//! Which scope is being polled on this thread, innermost: the parent of a scope that is polled for
//! the first time.
//!
//! The polling thread of a scope enters it for the length of a poll, and a helper for the length
//! of a ticket. What is entered is a reference count that moves into the thread-local and out
//! again, so entering costs two swaps and touches no count.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::mem;
use std::sync::Arc;

use crate::shared::Shared;

thread_local! {
    static INNERMOST: Cell<Option<Arc<Shared>>> = const { Cell::new(None) };
}

/// The innermost scope that is being polled on this thread.
pub(crate) fn innermost() -> Option<Arc<Shared>> {
    INNERMOST
        .try_with(|innermost| {
            let scope = innermost.take();
            innermost.set(scope.clone());
            scope
        })
        .unwrap_or(None) // a thread that is past its thread-locals
}

/// A scope is the innermost one on this thread; dropping this restores the one before.
#[derive(Debug)]
pub(crate) struct Innermost {
    before: Option<Arc<Shared>>,
}

impl Innermost {
    #[inline]
    pub(crate) fn enter(scope: Arc<Shared>) -> Self {
        Self {
            before: replace(Some(scope)),
        }
    }

    /// Leaves, and gives back what `enter` was given.
    #[inline]
    pub(crate) fn leave(mut self) -> Option<Arc<Shared>> {
        let before = self.before.take();
        mem::forget(self); // holds nothing any more, and has left
        replace(before)
    }
}

impl Drop for Innermost {
    fn drop(&mut self) {
        replace(self.before.take());
    }
}

/// Makes `scope` the innermost one; which it was before. Nothing on a thread that is past its
/// thread-locals.
#[inline]
fn replace(scope: Option<Arc<Shared>>) -> Option<Arc<Shared>> {
    INNERMOST
        .try_with(|innermost| innermost.replace(scope))
        .unwrap_or(None)
}
