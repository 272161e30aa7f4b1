//! The local queue of a thread that runs children of a [pen](crate::pen).
//!
//! What the thread wakes or spawns while it runs children it puts there, and it takes from there
//! what it runs next. So threads seldom wait for each other's locks. The ready queue itself has
//! what other threads push. Who finds neither there nor here anything takes half of what a third
//! one has. The last one it leaves to that thread, which comes to it soon; unless that is *late*:
//! it is in a slow poll, or does not run children now. Even threads that have enough to do take
//! what one has that is late.
//!
//! Beside the queue stands which child the thread has in hand: it polls it, or is about to.
//!
//! # Invariants
//!
//! 1. A thread that holds the lock of a local queue takes no other lock; but who holds the lock of
//!    the ready queue may take that of local ones, also several. So who has all knows everything.
//! 2. A local queue is shut by the end of the pen, in the critical section in which that is marked
//!    as ended: what is in it goes to the ready queue, and its child in hand to the
//!    [hands](crate::queue::hands) there. From then on nothing is put here.
//! 3. A child comes in hand in the critical section that takes it from a queue. It leaves in the
//!    one that counts it out or puts it back here, or in which the thread comes to its queue again.
//! 4. Before that, when its poll is over, another thread may have taken the child that a third one
//!    had pushed. Then the first one comes soon: it calls no foreign code before. So the end, which
//!    cannot know, may wait for it; or, if the child is gone by then, take it for one that is on
//!    its way to the queue. That one the first thread waits for, and drops.
#![forbid(unsafe_code)]

use std::mem;

use crate::help::policy::BUSY;
use crate::help::window::Window;
use crate::queue::hands::{Hands, Hold};
use crate::queue::list::{Linked, List};
use crate::sync::{Mutex, MutexGuard, SharedInstant};

/// A thread takes no more from another one at a time: it goes from one to the next, with all of its
/// pen waiting.
const MOST_STOLEN: usize = 128;

/// The local queue of one thread. Others reach it through the ready queue, where it is registered.
pub(crate) struct LocalQueue<R: Linked> {
    contents: Mutex<Contents<R>>,
    /// When its thread looked at it last, or a while before that.
    looked: SharedInstant,
}

/// What is under the lock.
pub(super) struct Contents<R: Linked> {
    ready: List<R>,
    hand: Hand,
    /// The address of a child that others were put in front of. They are, once: else it would wait
    /// for as long as others are pushed.
    passed: Option<usize>,
}

/// What the thread has in hand.
enum Hand {
    /// Nothing: it does not run children now, or has come to the end of its queue.
    Away,
    /// Nothing any more: it comes to its queue next.
    Empty,
    /// The child with this address.
    Full(usize),
    /// What is left of one that was counted out: its value may be dropped now.
    Finishing,
    /// The queue is shut. What was in hand is known to the ready queue.
    Shut(Option<Hold>),
}

impl<R: Linked> Default for LocalQueue<R> {
    fn default() -> Self {
        let contents = Contents {
            ready: List::default(),
            hand: Hand::Away,
            passed: None,
        };
        Self {
            contents: Mutex::new(contents),
            looked: Default::default(),
        }
    }
}

impl<R: Linked> LocalQueue<R> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Contents<R>> {
        self.contents.lock()
    }

    /// Its thread looks at it: when it has looked at the pen's window.
    pub(crate) fn looks_with(&self, window: &Window) {
        self.looked.set_to(window.looked());
    }

    /// Returns true if its thread is likely to be held up.
    pub(crate) fn is_late(&self) -> bool {
        self.looked.elapsed() >= BUSY
    }

    /// Appends the runnable of the child with this address, which is not in hand then; unless the
    /// queue is shut. For its thread.
    pub(crate) fn push(&self, runnable: R, address: usize) -> Result<(), R> {
        let mut contents = self.lock();
        match contents.hand {
            Hand::Shut(_) => return Err(runnable),
            Hand::Full(held) if held == address => contents.hand = Hand::Empty,
            Hand::Full(_) | Hand::Finishing | Hand::Empty | Hand::Away => {}
        }
        contents.ready.push_back(runnable);
        Ok(())
    }

    /// Appends that of a new child, which is counted in by the way.
    pub(super) fn add(&self, runnable: R, count: impl FnOnce()) -> Result<(), R> {
        let mut contents = self.lock();
        if let Hand::Shut(_) = contents.hand {
            return Err(runnable);
        }
        count();
        contents.ready.push_back(runnable);
        Ok(())
    }

    /// Counts the child out that is in hand, if it is this one. Returns false if it is not.
    pub(super) fn finish(&self, address: usize, count: impl FnOnce()) -> bool {
        let mut contents = self.lock();
        let is_here = matches!(contents.hand, Hand::Full(held) if held == address);
        if is_here {
            contents.hand = Hand::Finishing;
            count();
        }
        is_here
    }

    /// Puts down what was in hand. Gives the hold if that is known to the ready queue.
    pub(super) fn put_down(&self) -> Option<Hold> {
        self.lock().put_down()
    }
}

impl<R: Linked> Contents<R> {
    /// Puts down what was in hand, and takes the next one, with how many are left; unless the queue
    /// is empty, or shut.
    pub(super) fn next(&mut self, address: impl FnOnce(&R) -> usize) -> Option<(R, usize)> {
        if let Hand::Shut(_) = self.hand {
            return None;
        }
        let child = self.ready.pop_front();
        let address = child.as_ref().map(address);
        self.hand = address.map_or(Hand::Away, Hand::Full);
        if self.passed == address || self.ready.is_empty() {
            self.passed = None;
        }
        child.map(|child| (child, self.ready.len()))
    }

    fn put_down(&mut self) -> Option<Hold> {
        match &mut self.hand {
            Hand::Shut(hold) => hold.take(),
            hand => {
                *hand = Hand::Away;
                None
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Returns true if another thread should take something: one child is for this one, unless it
    /// does not run children now, or is likely to be held up.
    pub(super) fn has_for_others(&self, is_held_up: impl FnOnce() -> bool) -> bool {
        match self.ready.len() {
            1 => matches!(self.hand, Hand::Away | Hand::Shut(_)) || is_held_up(),
            ready => ready > 0,
        }
    }

    /// Appends children that came from elsewhere.
    pub(super) fn bring(&mut self, mut children: List<R>) {
        self.ready.append(&mut children);
    }

    /// The same with some that may be earlier: they come in front of the only one here, which may
    /// have been put here after they were ready.
    pub(super) fn bring_earlier(
        &mut self,
        mut children: List<R>,
        address: impl FnOnce(&R) -> usize,
    ) {
        let may_pass = self.passed.is_none() && !children.is_empty();
        if may_pass && self.ready.len() == 1 {
            self.passed = self.ready.front(address);
            self.ready.prepend(&mut children);
        } else {
            self.bring(children);
        }
    }

    /// Takes half of what is there, the elder one, or less.
    pub(super) fn take_half(&mut self) -> List<R> {
        let half = self.ready.len().div_ceil(2);
        self.ready.split_front(half.min(MOST_STOLEN))
    }

    /// Takes all.
    pub(super) fn take_all(&mut self) -> List<R> {
        mem::take(&mut self.ready)
    }

    /// Shuts the queue, for good: moves what is there to the ready queue, and to its hands.
    pub(super) fn shut(&mut self, ready: &mut List<R>, hands: &mut Hands) {
        ready.append(&mut self.ready);
        let hold = match self.hand {
            Hand::Full(address) => Some(hands.take(address)),
            Hand::Finishing => Some(hands.finishes()),
            Hand::Away | Hand::Empty | Hand::Shut(_) => None,
        };
        self.hand = Hand::Shut(hold);
    }
}
