//! The registry of suspended children.
//!
//! A child enters at its first `Pending` and leaves when its future is dropped. A child that
//! finishes at its first poll never appears here and costs nothing. What is kept is a waker of
//! async-task: it holds the child's allocation, so that a child whose own wakers are all gone
//! stays a child of its scope; and waking it puts the child on the ready queue, which is how it
//! can be cancelled.
//!
//! # Invariants
//!
//! 1. A slot is freed by the child that owns it, or by [`drain`](Suspended::drain) for good: after
//!    it nobody enters (no child is polled any more), so a stale slot number finds nothing.
//! 2. Wakers are woken and dropped outside the lock: a waker that goes can destroy its task, and
//!    waking it takes the lock of the ready queue.
#![forbid(unsafe_code)]

use std::mem;
use std::task::Waker;

use slab::Slab;

use crate::sync::{AtomicU32, Mutex, Ordering};

/// The number of a child's slot, kept with the child. Read and written under the registry's lock.
#[derive(Debug)]
pub(crate) struct Slot(AtomicU32);

impl Slot {
    const NONE: u32 = u32::MAX;

    pub(crate) fn none() -> Self {
        Self(AtomicU32::new(Self::NONE))
    }

    /// The key of a slot that is in use.
    fn key(&self) -> Option<usize> {
        match self.0.load(Ordering::Relaxed) {
            Self::NONE => None,
            key => Some(key as usize),
        }
    }
}

/// All children of one scope that returned `Pending` at least once.
#[derive(Debug, Default)]
pub(crate) struct Suspended {
    wakers: Mutex<Slab<Waker>>,
}

impl Suspended {
    /// Enters a child, unless it is here already. For the thread that polls the child.
    pub(crate) fn enter(&self, slot: &Slot, waker: &Waker) {
        if slot.key().is_some() {
            return;
        }
        let waker = waker.clone();
        let mut wakers = self.wakers.lock();
        let key = wakers.insert(waker);
        // Four thousand million children at 100 bytes each do not fit; a wrong key must not pass.
        assert!(key < Slot::NONE as usize, "too many suspended children");
        slot.0.store(key as u32, Ordering::Relaxed);
    }

    /// Takes a child out again. For the destructor of the child.
    pub(crate) fn leave(&self, slot: &Slot) {
        if let Some(key) = slot.key() {
            let waker = {
                let mut wakers = self.wakers.lock();
                // Or a handle that cancels us late would wake whoever has the slot by then.
                slot.0.store(Slot::NONE, Ordering::Relaxed);
                wakers.try_remove(key)
            };
            drop(waker);
        }
    }

    /// Wakes one child if it is here. For any thread.
    pub(crate) fn wake(&self, slot: &Slot) {
        let waker = {
            let wakers = self.wakers.lock();
            slot.key().and_then(|key| wakers.get(key)).cloned()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes every child and forgets them all. For the end of the scope.
    pub(crate) fn drain(&self) {
        let wakers = mem::take(&mut *self.wakers.lock());
        for (_, waker) in wakers {
            waker.wake();
        }
    }
}
