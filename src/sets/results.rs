//! What a set and its children share: the values that nobody has read, and how to cancel.
//!
//! Nobody keeps the handle of a child of a set, so the child is freed as soon as it has finished.
//! What it leaves is its value, here. See [`Member`](crate::sets::member::Member) for the child's
//! side.
//!
//! # What it promises
//!
//! * Every child is heard of exactly once, when its future is gone, whatever became of it: it left
//!   a value, or it was *lost*, for it was cancelled, refused by its scope, panicked or ended with
//!   it. So a set that waits until it has heard of all its children waits in vain only if their
//!   scope was forgotten.
//! * Nothing is overlooked: whoever leaves something while the set waits wakes it.
//! * A child that was cancelled is not polled again, and goes.
//!
//! # Invariants
//!
//! 1. The set's waker is stored only while nothing has arrived: the look and the storing are one
//!    critical section, and an arrival takes the waker out. So the first of many arrivals wakes,
//!    and the others only append.
//! 2. A child belongs to the generation in which it was spawned. Cancelling starts a new one and
//!    takes the wakers of all who are suspended, in one critical section. A child that becomes
//!    suspended compares generations and enters its waker in one as well. So it is either woken, or
//!    sees that it was cancelled; and a slot of an older generation is never looked at, for it may
//!    be somebody else's.
//! 3. No foreign code runs under the lock.
//!
//! # Who holds it
//!
//! The set, and the futures of its children. No waker of a child reaches it, for values may borrow:
//! when the last waker goes, what they borrow may be gone for long. The wakers that are kept *here*
//! make a cycle, which each child breaks when its future is dropped.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::panic::{quietly, wake};
use crate::run::shared::Shared;
use crate::sync::{AtomicU32, Mutex, Ordering};

/// What the children of one set leave for it.
#[derive(Debug)]
pub(crate) struct Results<T> {
    /// Whom to tell if a value that nobody read panics when it is dropped.
    shared: Arc<Shared>,
    /// Children of earlier generations are cancelled. Raised under the lock.
    generation: AtomicU32,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    /// Values that the set has not taken, oldest first.
    values: VecDeque<T>,
    /// Children that were lost, and of whom the set has not heard.
    lost: usize,
    /// Whom to wake; stored only while there are neither.
    waker: Option<Waker>,
    /// Wakers of the children that are suspended.
    suspended: Slab<Waker>,
    /// Set when the set is gone.
    closed: bool,
}

/// Bytes of room for values that are kept when there are none.
const SPARE: usize = 64 << 10;

/// Gives memory back that a burst of values needed.
pub(crate) fn shrink<T>(empty: &mut VecDeque<T>) {
    let spare = SPARE / size_of::<T>().max(1);
    if empty.capacity() > spare {
        empty.shrink_to(spare);
    }
}

impl<T> State<T> {
    /// Moves the values to the end of `values`. Of how many children that is all.
    fn take(&mut self, values: &mut VecDeque<T>) -> usize {
        let heard_of = mem::take(&mut self.lost) + self.values.len();
        if values.is_empty() {
            mem::swap(values, &mut self.values); // both keep their memory, within limits
        } else {
            values.append(&mut self.values);
        }
        shrink(&mut self.values);
        heard_of
    }
}

/// Where a suspended child has its waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Slot {
    pub(crate) const NONE: Self = Self(u32::MAX);

    fn new(key: usize) -> Self {
        // So many do not fit into memory; a wrong key must not pass.
        assert!(key < u32::MAX as usize, "too many suspended children");
        Self(key as u32)
    }
}

/// For the set.
impl<T> Results<T> {
    pub(crate) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::clone(shared),
            generation: AtomicU32::new(0),
            state: Mutex::new(State {
                values: VecDeque::new(),
                lost: 0,
                waker: None,
                suspended: Slab::new(),
                closed: false,
            }),
        })
    }

    /// Waits until something has arrived, moves the values to the end of `values`, and says of how
    /// many children it has heard.
    pub(crate) fn poll(&self, values: &mut VecDeque<T>, cx: &mut Context<'_>) -> Poll<usize> {
        {
            let mut state = self.state.lock();
            let heard_of = state.take(values);
            if heard_of > 0 {
                return Poll::Ready(heard_of);
            }
            let waker = state.waker.as_ref();
            if waker.is_some_and(|waker| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
        }
        let mut waker = Some(cx.waker().clone());
        let heard_of = {
            let mut state = self.state.lock();
            let heard_of = state.take(values);
            if heard_of == 0 {
                mem::swap(&mut state.waker, &mut waker);
            }
            heard_of
        };
        quietly(|| drop(waker));
        match heard_of {
            0 => Poll::Pending,
            _ => Poll::Ready(heard_of),
        }
    }

    /// Cancels the children that have not finished.
    pub(crate) fn cancel(&self) {
        let suspended = self.cancel_all(&mut self.state.lock());
        suspended.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// The set is gone, with `unread` values in its hands: cancels the children that have not
    /// finished, and drops what nobody will read.
    pub(crate) fn close(&self, unread: VecDeque<T>) {
        let (suspended, values, waker) = {
            let mut state = self.state.lock();
            state.closed = true;
            (
                self.cancel_all(&mut state),
                mem::take(&mut state.values),
                state.waker.take(),
            )
        };
        suspended.into_iter().for_each(|(_, waker)| waker.wake());
        quietly(|| drop(waker));
        self.drop_unread(unread);
        self.drop_unread(values);
    }

    /// Starts a new generation; whom to wake for it, after unlocking.
    fn cancel_all(&self, state: &mut State<T>) -> Slab<Waker> {
        self.generation.fetch_add(1, Ordering::Relaxed);
        mem::take(&mut state.suspended)
    }
}

/// For its children.
impl<T> Results<T> {
    /// The generation of those who are spawned now.
    ///
    /// Relaxed: a child that is about to be polled sees that it was cancelled if its poll is known
    /// to come later, and nobody can tell otherwise. A child that becomes suspended looks under the
    /// lock.
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Enters the waker of a child that becomes suspended; `None` if it was cancelled.
    pub(crate) fn suspend(&self, generation: u32, waker: &Waker) -> Option<Slot> {
        let waker = waker.clone();
        let mut state = self.state.lock();
        if self.generation() != generation {
            drop(state);
            return None;
        }
        Some(Slot::new(state.suspended.insert(waker)))
    }

    /// Takes leave of a child, which left its `value` or was lost. Never unwinds.
    pub(crate) fn leave(&self, generation: u32, slot: Slot, value: Option<T>) {
        let mut state = self.state.lock();
        let mut own_waker = None;
        if slot != Slot::NONE && self.generation() == generation {
            own_waker = state.suspended.try_remove(slot.0 as usize);
        }
        let mut unread = None;
        match value {
            Some(value) if state.closed => unread = Some(value),
            Some(value) => state.values.push_back(value),
            None => state.lost += 1,
        }
        let waker = state.waker.take();
        drop(state);
        drop(own_waker);
        wake(waker);
        if unread.is_some() {
            self.drop_unread(unread);
        }
    }

    /// Drops values that nobody has read, each on its own: one that panics is none of the others'
    /// business.
    fn drop_unread(&self, values: impl IntoIterator<Item = T>) {
        for value in values {
            self.shared.drop_unread(value);
        }
    }
}
