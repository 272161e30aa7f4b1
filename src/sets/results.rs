//! What a set and its children share: the values that were not read yet, and how to cancel.
//!
//! A set keeps no handles, so a child is freed as soon as it has finished. What it leaves is its
//! value, here. See [`Member`](crate::sets::member::Member) for the child's side.
//!
//! # What it promises
//!
//! * Every child leaves exactly once, when its future is gone: with a value, or *lost*, for it was
//!   cancelled, refused by its scope, panicked, or ended with it. So a set that waits for all its
//!   children waits in vain only if their scope was forgotten.
//! * A child that leaves while the set waits wakes it.
//! * A child that was cancelled is not polled again, and leaves.
//!
//! # Invariants
//!
//! 1. The set's waker is stored only while nothing has arrived: looking and storing are one
//!    critical section, and an arrival takes the waker out. So the first of many arrivals wakes,
//!    and the others only append.
//! 2. A child belongs to the generation in which it was spawned. Cancelling starts a new one and
//!    takes the wakers of all suspended children, in one critical section. A child that becomes
//!    suspended compares generations and enters its waker in one as well. So it is either woken, or
//!    sees that it was cancelled; and a slot of an older generation is never looked at, for it may
//!    belong to another child.
//! 3. Generations are 64 bits wide: they do not wrap.
//! 4. No foreign code runs under the lock.
//!
//! # What keeps it alive
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
use crate::sync::{AtomicU64, Mutex, Ordering};

/// What the children of one set leave for it. Public in name only, for a sealed trait mentions it.
#[allow(missing_debug_implementations, reason = "no user can name it")]
pub struct Results<T> {
    /// Gets the panic of a value that is dropped unread.
    shared: Arc<Shared>,
    /// Children of earlier generations are cancelled. Raised under the lock.
    pub(super) generation: AtomicU64,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Values that the set has not taken, oldest first.
    values: VecDeque<T>,
    /// Children that were lost and that the set has not counted out.
    lost: usize,
    /// The set's; stored only while there are neither.
    waker: Option<Waker>,
    /// Those of the children that are suspended.
    suspended: Slab<Waker>,
    /// Set when the set is gone.
    closed: bool,
}

/// Bytes of room for values that are kept when there are none.
const SPARE: usize = 64 << 10;

/// Bytes of room that are made for values before they are there.
const ROOM: usize = 8 << 10;

/// Makes room for so many values, within limits.
pub(crate) fn make_room<T>(values: &mut VecDeque<T>, most: usize) {
    values.reserve_exact(most.min(ROOM / size_of::<T>().max(1)));
}

/// Gives memory back that a burst of values needed.
fn shrink<T>(empty: &mut VecDeque<T>) {
    let spare = SPARE / size_of::<T>().max(1);
    if empty.capacity() > spare {
        empty.shrink_to(spare);
    }
}

/// Takes one out.
pub(crate) fn pop<T>(values: &mut VecDeque<T>) -> Option<T> {
    let value = values.pop_front()?;
    if values.is_empty() {
        shrink(values);
    }
    Some(value)
}

impl<T> State<T> {
    /// Moves the values to the end of `values`. Returns how many children have left.
    fn take(&mut self, values: &mut VecDeque<T>) -> usize {
        let left = mem::take(&mut self.lost) + self.values.len();
        if values.is_empty() {
            mem::swap(values, &mut self.values); // both keep their memory, within limits
        } else {
            values.append(&mut self.values);
        }
        shrink(&mut self.values);
        left
    }
}

/// For the set.
impl<T> Results<T> {
    pub(crate) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::clone(shared),
            generation: AtomicU64::new(0),
            state: Mutex::new(State {
                values: VecDeque::new(),
                lost: 0,
                waker: None,
                suspended: Slab::new(),
                closed: false,
            }),
        })
    }

    /// Moves the values that have arrived to the end of `values`. Returns how many children have
    /// left since the last time.
    pub(crate) fn take(&self, values: &mut VecDeque<T>) -> usize {
        self.state.lock().take(values)
    }

    /// Like [`take`](Self::take), but waits until a child has left.
    pub(crate) fn poll(&self, values: &mut VecDeque<T>, cx: &mut Context<'_>) -> Poll<usize> {
        {
            let mut state = self.state.lock();
            let left = state.take(values);
            if left > 0 {
                return Poll::Ready(left);
            }
            let waker = state.waker.as_ref();
            if waker.is_some_and(|waker| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
        }
        let mut waker = Some(cx.waker().clone());
        let left = {
            let mut state = self.state.lock();
            let left = state.take(values);
            if left == 0 {
                mem::swap(&mut state.waker, &mut waker);
            }
            left
        };
        quietly(|| drop(waker));
        match left {
            0 => Poll::Pending,
            _ => Poll::Ready(left),
        }
    }

    /// Cancels the children that have not finished.
    pub(crate) fn cancel(&self) {
        let suspended = self.next_generation(&mut self.state.lock());
        suspended.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// The set is gone, and had `unread` values: cancels the children that have not finished, and
    /// drops the values.
    pub(crate) fn close(&self, unread: VecDeque<T>) {
        let (suspended, values, waker) = {
            let mut state = self.state.lock();
            state.closed = true;
            let suspended = self.next_generation(&mut state);
            (suspended, mem::take(&mut state.values), state.waker.take())
        };
        suspended.into_iter().for_each(|(_, waker)| waker.wake());
        quietly(|| drop(waker));
        self.drop_unread(unread);
        self.drop_unread(values);
    }

    /// Starts a new generation. Returns the wakers to wake for it, after unlocking.
    fn next_generation(&self, state: &mut State<T>) -> Slab<Waker> {
        self.generation.fetch_add(1, Ordering::Relaxed);
        mem::take(&mut state.suspended)
    }
}

/// For its children.
impl<T> Results<T> {
    /// The generation of children that are spawned now.
    ///
    /// Relaxed: a child that is about to be polled sees that it was cancelled if that is known to
    /// have come first, and otherwise nothing tells the two orders apart. A child that becomes
    /// suspended looks under the lock.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Enters the waker of a child that becomes suspended. Returns where it is; `None` if the child
    /// was cancelled.
    pub(crate) fn suspend(&self, generation: u64, waker: &Waker) -> Option<u32> {
        let waker = waker.clone();
        let mut state = self.state.lock();
        if self.generation() != generation {
            drop(state);
            return None;
        }
        let slot = u32::try_from(state.suspended.insert(waker));
        Some(slot.expect("no memory holds so many children"))
    }

    /// Counts a child out, which had its waker in `slot`, and keeps the value that it gave, if any.
    /// Never unwinds.
    pub(crate) fn leave(&self, generation: u64, slot: Option<u32>, value: Option<T>) {
        let mut state = self.state.lock();
        let own_waker = match slot {
            Some(slot) if self.generation() == generation => {
                state.suspended.try_remove(slot as usize)
            }
            _ => None,
        };
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
        self.drop_unread(unread);
    }

    /// Drops values that were not read, each on its own, so that one that panics does not keep the
    /// others from being dropped.
    fn drop_unread(&self, values: impl IntoIterator<Item = T>) {
        for value in values {
            self.shared.drop_unread(value);
        }
    }
}
