//! The last step of the end of a scope: every child is dropped, and is gone.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use crate::queue::Queue;
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
        let batch = &mut VecDeque::new();
        for suspended in queue.take_suspended() {
            let mut suspended = suspended.into_iter().map(|(_, waker)| waker.wake());
            // A few at a time, so that a child is still in the cache when it is dropped.
            while suspended.by_ref().take(AT_A_TIME).count() > 0 {
                drop_batch(queue, batch);
            }
        }
        while drop_batch(queue, batch) || queue.await_runnables() {}
    });
}

/// Drops the children that are ready at home; returns false if there were none.
fn drop_batch(queue: &Queue<Runnable>, batch: &mut VecDeque<Runnable>) -> bool {
    queue.take_home(batch);
    let found = !batch.is_empty();
    while let Some(child) = batch.pop_front() {
        drop(child); // and its future, under `catch_unwind`
    }
    found
}
