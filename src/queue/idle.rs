//! The workers of a [pen](crate::pen) that are idle: under the lock of the ready queue, so that one
//! becomes idle in the very moment in which it finds nothing there.
#![forbid(unsafe_code)]

use std::task::Waker;

/// The workers that are idle.
#[derive(Default)]
pub(crate) struct Idle {
    /// Their wakers, and what each is known by: a number for each time that one becomes idle.
    /// Nobody else has the number of one that was called, which learns of that by its being gone.
    wakers: Vec<(u64, Waker)>,
    last: u64,
}

impl Idle {
    /// Enters one; gives what it is known by.
    pub(crate) fn enter(&mut self, waker: Waker) -> u64 {
        self.last += 1;
        self.wakers.push((self.last, waker));
        self.last
    }

    /// Takes its waker out again, unless it was called.
    pub(super) fn leave(&mut self, number: u64) -> Option<Waker> {
        let place = self.wakers.iter().position(|(it, _)| *it == number)?;
        Some(self.wakers.swap_remove(place).1)
    }

    /// Takes the waker of one to call it.
    pub(super) fn call(&mut self) -> Option<Waker> {
        self.wakers.pop().map(|(_, waker)| waker)
    }
}
