//! The children of a scope that are not being polled: those that are ready and those that are
//! suspended.
//!
//! There are two such sets. One is [at home](crate::queue::home) with the thread that polls the
//! scope, the other under the lock of the [ready queue](crate::queue), for all other threads. In a
//! pen the registry has a lock of its own: threads that finish children do not wait for those that
//! push.
//!
//! # The registry of suspended children
//!
//! A child enters at its first `Pending` and leaves when its future is dropped. A child that
//! finishes at its first poll never appears here and costs nothing. What is kept is a waker of
//! async-task: it holds the child's allocation, so that a child whose own wakers are all gone
//! stays a child of its scope; and waking it puts the child on the ready queue, which is how the
//! end of the scope reaches it.
//!
//! A child enters the registry of the thread that polls it then, and its key says which one that
//! is. A slot is freed by the child that owns it, or by the end of the scope for good: after that
//! no child enters (none is polled any more), so a stale key finds nothing.
#![forbid(unsafe_code)]

use std::mem;
use std::num::NonZeroU32;
use std::task::Waker;

use slab::Slab;

use crate::queue::list::{Linked, List};

/// A slot in a registry of suspended children: the number behind its index, so that zero is none;
/// plus [`ELSEWHERE`] if it is not at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) NonZeroU32);

/// No index reaches it. So there are 2^26 children at most that are suspended.
const ELSEWHERE: u32 = 1 << 26;

impl Key {
    /// No key is larger.
    pub(crate) const LARGEST: u32 = 2 * ELSEWHERE - 1;

    #[inline]
    pub(crate) fn is_at_home(self) -> bool {
        self.0.get() & ELSEWHERE == 0
    }

    #[inline]
    fn index(self) -> usize {
        (self.0.get() & !ELSEWHERE) as usize - 1
    }
}

/// Children that are ready, as runnables `R`, or suspended.
pub(crate) struct Children<R: Linked> {
    pub(crate) ready: List<R>,
    pub(super) suspended: Suspended,
}

impl<R: Linked> Default for Children<R> {
    fn default() -> Self {
        Self {
            ready: List::default(),
            suspended: Suspended::default(),
        }
    }
}

/// The registry of those that are suspended.
#[derive(Default)]
pub(crate) struct Suspended(Slab<Waker>);

impl Suspended {
    /// Enters a child: into the registry at home, or into another one.
    #[inline]
    pub(super) fn enter(&mut self, waker: Waker, at_home: bool) -> Key {
        if self.0.len() == self.0.capacity() {
            self.grow();
        }
        let index = self.0.insert(waker);
        let number = NonZeroU32::new(index as u32 + 1);
        let key = number.filter(|_| index + 1 < ELSEWHERE as usize);
        let key = key.expect("a scope can have no more than 2^26 suspended children");
        Key(key | if at_home { 0 } else { ELSEWHERE })
    }

    #[inline(never)]
    fn grow(&mut self) {
        // By little, not by doubling: a scope can hold very many suspended children, and half of
        // the registry would be empty.
        self.0.reserve_exact(8.max(self.0.len() / 16));
    }

    /// Takes a child out again, if it is there.
    pub(super) fn leave(&mut self, key: Key) -> Option<Waker> {
        self.0.try_remove(key.index())
    }

    /// Returns the wakers of all.
    pub(super) fn all(&self) -> impl Iterator<Item = Waker> {
        self.0.iter().map(|(_, waker)| waker.clone())
    }

    /// Takes all out, for good.
    pub(super) fn take(&mut self) -> Slab<Waker> {
        mem::take(&mut self.0)
    }
}
