//! The shared state of a pen, from its beginning to its end.
//!
//! # The end
//!
//! It comes by the drop of the pen, by `close` or `cancel`, or by the thread that finds that the
//! pen has failed. So it can come on several threads at once, and in the middle of a child. A drop
//! that finds another thread at it does steps 3 and 4 as well: that one may be in a destructor.
//!
//! 1. Mark the pen as ended, under the lock of the ready queue: spawns are refused from here on,
//!    and no poll starts.
//! 2. Tell all that wait for its stop.
//! 3. Wake all suspended children, which puts them on the ready queue. That calls no foreign code;
//!    step 2 does.
//! 4. Drop what is on the ready queue, until every child that is alive is in the hands of another
//!    thread. Each thread that puts a child down does 3 and 4 as well: that child may be on its
//!    way.
//! 5. Have idle workers come, and go.
//!
//! Nothing in it waits for a poll, a destructor or a closure; only, in step 4, for wakers that have
//! marked a child as scheduled and have not pushed it yet. So no child is dropped inside of a wake.
#![forbid(unsafe_code)]

use std::mem;
use std::ptr;
use std::sync::Arc;

use crate::help::calling::dismiss;
use crate::help::ticket::Call;
use crate::inspect;
use crate::panic::{Defer, discard, quietly};
use crate::run::current;
use crate::run::shared::{Runnable, Shared};
use crate::stop::state::Outcome;
use crate::sync::abort;

/// Makes the shared state of a pen whose threads are called so.
#[cfg_attr(feature = "inspect", track_caller)]
pub(crate) fn begin(mut call: Call) -> Arc<Shared> {
    let shared = Shared::of_pen();
    inspect::begin(&shared, current::begin(&mut None).as_ref());
    call.workers.pen = Arc::downgrade(&shared);
    shared.tickets.set_call(Some(Arc::new(call)));
    shared.queue.window.open_for_pen();
    shared
}

/// Ends a pen whose executor is gone, unless it has ended. Not inside of a wake.
pub(crate) fn end_orphan(shared: &Arc<Shared>) {
    if !shared.queue.is_ended() {
        end(shared, Outcome::Dropped);
    }
}

/// What the drop of a pen does.
pub(crate) fn abandon(shared: &Arc<Shared>) {
    if !shared.queue.is_ended() {
        end(shared, Outcome::Dropped);
    } else if shared.queue.len() > 0 {
        // Another thread ends it, and may be in foreign code: a destructor, or a waker.
        let unfinished = Defer(|| abort("the end of a pen was interrupted"));
        current::enter(shared, None, false, |_| drop_children(shared));
        mem::forget(unfinished);
    }
    shared.closures.hand_over(None);
    if let Some(payload) = shared.take_panic() {
        discard(payload);
    }
}

/// Ends the pen. `outcome` is that of a pen in which nothing panicked.
pub(crate) fn end(shared: &Arc<Shared>, outcome: Outcome) {
    // Nothing in it unwinds; see the end of a scope.
    let unfinished = Defer(|| abort("the end of a pen was interrupted"));
    shared.queue.end_pen();
    shared.queue.window.let_none_in();
    shared.stop.end(match shared.has_panic() {
        true => Outcome::Panicked,
        false => outcome,
    });
    current::enter(shared, None, false, |_| drop_children(shared));
    if let Some(call) = shared.tickets.take_call() {
        quietly(|| drop(call));
    }
    dismiss(shared);
    mem::forget(unfinished);
}

/// Drops every child that no other thread has in hand. Whoever ends the pen may not have woken them
/// yet.
pub(crate) fn drop_children(shared: &Shared) {
    for (_, waker) in shared.queue.take_suspended_in_pen() {
        waker.wake();
    }
    let queue = &shared.queue;
    let mut before = None;
    loop {
        match queue.take_to_drop(before.take(), address) {
            Some((child, hold)) => {
                before = Some(hold);
                drop(child); // and its future, under `catch_unwind`
            }
            None if !queue.await_those_on_their_way() => return,
            None => {}
        }
    }
}

/// What identifies a child while it is alive.
pub(crate) fn address(child: &Runnable) -> usize {
    ptr::from_ref(child.metadata()).addr()
}
