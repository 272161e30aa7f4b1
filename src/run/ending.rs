//! The last steps of the end of a scope: every child is dropped, and is gone; its closures are
//! waited for, or handed over.
#![forbid(unsafe_code)]

use std::task::{Poll, Waker, ready};

use crate::queue::Queue;
use crate::run::poll_loop::PollLoop;
use crate::run::shared::{Runnable, Shared};

/// How many suspended children are woken before they are dropped, at the end.
const AT_A_TIME: usize = 16;

/// Drops every child of a scope that has ended.
pub(crate) fn drop_children(shared: &Shared) {
    let queue = &shared.queue;
    if queue.len() == 0 {
        return; // and so there is no runnable
    }
    queue.at_home_for_the_end(|| {
        for suspended in queue.take_suspended() {
            let mut suspended = suspended.into_iter().map(|(_, waker)| waker.wake());
            // A few at a time, so that a child is still in the cache when it is dropped.
            while suspended.by_ref().take(AT_A_TIME).count() > 0 {
                drop_batch(queue);
            }
        }
        while drop_batch(queue) || queue.await_runnables() {}
    });
}

/// Drops the children that are ready at home; returns false if there were none.
fn drop_batch(queue: &Queue<Runnable>) -> bool {
    let batch = queue.take_home();
    let found = !batch.is_empty();
    drop(batch); // and each future, under `catch_unwind`
    found
}

impl PollLoop {
    /// Waits for closures: the last thing that a scope does whose end is awaited.
    #[inline]
    pub(crate) fn poll_closures(&mut self, shared: &Shared, waker: &Waker) -> Poll<()> {
        // Closures of scopes inside this one go outwards, should it be over before those are.
        let around = self.parent.as_ref().filter(|_| shared.stop.is_linked());
        ready!(shared.closures.poll(waker, around));
        self.parent = None;
        Poll::Ready(())
    }

    /// Hands closures over: the last thing that a scope does which is dropped.
    #[inline]
    pub(crate) fn hand_over_closures(&mut self, shared: &Shared) {
        shared.closures.hand_over(self.parent.as_ref());
    }
}
