//! What the threads of a [pen](crate::pen) do with its ready queue: nobody is at home in a pen.
#![forbid(unsafe_code)]

use std::task::Waker;

use slab::Slab;

use super::{Kind, Queue, State};
use crate::queue::children::Key;
use crate::queue::hands::Hold;
use crate::sync::{MutexGuard, Ordering};

/// A child that a thread has taken in hand.
pub(crate) struct InHand<R> {
    pub(crate) child: R,
    pub(crate) hold: Hold,
    /// How many more are ready.
    pub(crate) left: usize,
    /// Set if it is to be dropped: the pen has ended.
    pub(crate) has_ended: bool,
}

impl<R> Queue<R> {
    /// Puts a child down that was in hand `before`, and takes the next one.
    ///
    /// `address` says by what [`count_out`](Queue::count_out) will know it.
    pub(crate) fn take_in_hand(
        &self,
        before: Option<Hold>,
        address: impl FnOnce(&R) -> usize,
    ) -> Option<InHand<R>> {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        if let Some(before) = before {
            elsewhere.hands.put_down(before);
        }
        let child = elsewhere.children.ready.pop_front()?;
        let in_hand = InHand {
            hold: elsewhere.hands.take(address(&child)),
            left: elsewhere.children.ready.len(),
            has_ended: self.ended.load(Ordering::Relaxed),
            child,
        };
        if in_hand.left == 0 {
            elsewhere.children.shrink();
        }
        self.tell_the_end(state);
        Some(in_hand)
    }

    /// Puts down what was in hand.
    pub(crate) fn put_down(&self, hold: Hold) {
        self.state.lock().elsewhere().hands.put_down(hold);
    }

    /// The number of children has changed that are on their way: threads that end the pen look
    /// again.
    pub(super) fn tell_the_end(&self, state: MutexGuard<'_, State<R>>) {
        let has_ended = self.ended.load(Ordering::Relaxed);
        drop(state);
        if has_ended {
            self.window.notify_all();
        }
    }

    /// The part of [`count_out`](Queue::count_out) that is a pen's. Gives the waker of whoever
    /// closes it, if that has to look.
    pub(super) fn count_out_in_hand(
        &self,
        kind: Kind,
        key: Option<Key>,
        address: usize,
    ) -> [Option<Waker>; 2] {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        elsewhere.hands.is_gone(address);
        let waker = key.and_then(|key| elsewhere.children.leave(key));
        self.counts(kind).finished_elsewhere();
        let closer = match self.ordinary() {
            0 => elsewhere.closer.take(),
            _ => None,
        };
        self.tell_the_end(state);
        [waker, closer]
    }

    /// Ends the pen if it is done: if no ordinary child is alive. Otherwise stores the waker of
    /// whoever closes it. Gives back the waker that is not needed any more.
    pub(crate) fn end_or_wait(&self, waker: Waker) -> (bool, Option<Waker>) {
        let mut state = self.state.lock();
        let is_done = self.ordinary() == 0;
        if is_done {
            self.ended.store(true, Ordering::Release);
        }
        (is_done, state.elsewhere().wait(is_done, waker))
    }

    /// Returns whether no child is alive. Otherwise stores the waker, and gives back the one
    /// before.
    pub(crate) fn is_empty_or_wait(&self, waker: Waker) -> (bool, Option<Waker>) {
        let mut state = self.state.lock();
        let is_empty = self.len() == 0;
        (is_empty, state.elsewhere().wait(is_empty, waker))
    }

    /// Takes the waker of whoever closes the pen.
    pub(crate) fn take_closer(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        state.elsewhere.as_mut()?.closer.take()
    }

    /// Clones the wakers of some suspended children: of one that no thread has in hand, if there
    /// is one.
    pub(crate) fn some_suspended(&self) -> Vec<Waker> {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        let enough = elsewhere.hands.len() + 1;
        // Clones of async-task's, which are no foreign code.
        elsewhere
            .children
            .suspended()
            .take(enough)
            .cloned()
            .collect()
    }

    /// Takes the wakers of all suspended children. After the end of the pen none is added.
    pub(crate) fn take_suspended_in_pen(&self) -> Slab<Waker> {
        self.state.lock().elsewhere().children.take_suspended()
    }

    /// Waits until something is ready, or every child that is alive is in hand; returns whether
    /// something is ready. For a pen that has ended, and whose suspended children were woken.
    pub(crate) fn await_those_on_their_way(&self) -> bool {
        let mut found = false;
        self.window.wait_until(|| {
            let mut state = self.state.lock();
            found = state.has_ready();
            found || self.len() == state.elsewhere().hands.len()
        });
        found
    }
}
