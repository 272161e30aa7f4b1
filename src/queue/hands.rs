//! The children of a pen that threads have in hand: each is being polled, or dropped, right now.
//!
//! The end of a [pen](crate::pen) drops every child but those. It has found all of them when the
//! ready queue is empty and as many children are alive as are in hand: a child that is neither is
//! on its way to the queue, which takes its waker's thread a few instructions.
//!
//! # Invariants
//!
//! 1. A child comes in hand in the critical section that takes it from the ready queue.
//! 2. It leaves in the critical section that counts it out, or in the one in which the thread that
//!    had it in hand comes to the queue again: whichever is first. So whatever is in hand is alive,
//!    and the two numbers can be compared.
//! 3. A child that is in hand when its pen has ended was woken by the end, or wakes itself instead
//!    of being suspended. So it is pushed, at the latest, by the thread that has it in hand, which
//!    comes to the queue again.
#![forbid(unsafe_code)]

/// The children in hand: what identifies the child, and the hold.
#[derive(Default)]
pub(super) struct Hands {
    /// No more than there are threads.
    held: Vec<(usize, Hold)>,
    last: u64,
}

/// One time that a child was taken in hand. The address of a child can come back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold(u64);

impl Hands {
    /// Takes a child in hand, which is identified by its address.
    pub(super) fn take(&mut self, child: usize) -> Hold {
        self.last += 1;
        let hold = Hold(self.last);
        // The one that had it before may not have come to put it down.
        match self.held.iter_mut().find(|(held, _)| *held == child) {
            Some(held) => held.1 = hold,
            None => self.held.push((child, hold)),
        }
        hold
    }

    /// The thread has done with the child.
    pub(super) fn put_down(&mut self, hold: Hold) {
        self.remove(|(_, held)| *held == hold);
    }

    /// The child is gone.
    pub(super) fn is_gone(&mut self, child: usize) {
        self.remove(|(held, _)| *held == child);
    }

    fn remove(&mut self, is_it: impl Fn(&(usize, Hold)) -> bool) {
        if let Some(place) = self.held.iter().position(is_it) {
            self.held.swap_remove(place);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}
