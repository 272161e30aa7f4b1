//! The children of a pen that has ended and that threads have in hand: each is being polled, or
//! dropped, right now.
//!
//! The end of a [pen](crate::pen) drops every child but those. It has found all of them when the
//! ready queue is empty and as many children are alive as are in hand: a child that is neither is
//! on its way to the queue, which takes its waker's thread a few instructions.
//!
//! # Invariants
//!
//! 1. A child comes in hand in the critical section that takes it from the ready queue; or in the
//!    one that marks the pen as ended, if it was in the hand of a [thread](crate::queue::local).
//! 2. It leaves in the critical section that counts it out, or in the one in which the thread that
//!    had it in hand comes to the queue again: whichever is first. So whatever is in hand is alive,
//!    and the two numbers can be compared; but for what [was in hand](crate::queue::local) before
//!    the end and is put down now.
//! 3. A child that is in hand when its pen has ended was woken by the end, or wakes itself instead
//!    of being suspended; or another thread wakes it. So it is on its way when the thread puts it
//!    down, and that waits for what is.
#![forbid(unsafe_code)]

/// The children in hand: what identifies the child, and the hold.
#[derive(Default)]
pub(super) struct Hands {
    /// Hardly more than there are threads.
    held: Vec<(usize, Hold)>,
    /// What threads still have of children that were counted out, until they put it down: they may
    /// be dropping a value.
    finishing: Vec<Hold>,
    last: u64,
}

/// One time that a child was taken in hand. The address of a child can come back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold(u64);

impl Hands {
    /// Takes a child in hand, which is identified by its address. The thread that had it before may
    /// not have come to put it down.
    pub(super) fn take(&mut self, child: usize) -> Hold {
        let hold = self.next();
        self.held.push((child, hold));
        hold
    }

    /// A thread has one in hand that was counted out.
    pub(super) fn finishes(&mut self) -> Hold {
        let hold = self.next();
        self.finishing.push(hold);
        hold
    }

    fn next(&mut self) -> Hold {
        self.last += 1;
        Hold(self.last)
    }

    /// The thread has done with the child.
    pub(super) fn put_down(&mut self, hold: Hold) {
        self.held.retain(|(_, held)| *held != hold);
        self.finishing.retain(|held| *held != hold);
    }

    /// The child was counted out.
    pub(super) fn is_gone(&mut self, child: usize) {
        let Self {
            held, finishing, ..
        } = self;
        held.retain(|&(held, hold)| {
            if held == child {
                finishing.push(hold);
            }
            held != child
        });
    }

    /// Returns true if no thread has anything left of a child that was counted out.
    pub(super) fn have_finished(&self) -> bool {
        self.finishing.is_empty()
    }

    /// Returns how many children are in hand.
    pub(super) fn len(&self) -> usize {
        let is_first = |&(place, (child, _)): &(usize, &(usize, Hold))| {
            !self.held[..place].iter().any(|(held, _)| held == child)
        };
        self.held.iter().enumerate().filter(is_first).count()
    }
}
