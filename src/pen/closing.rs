//! The end of a pen that is awaited.
#![forbid(unsafe_code)]

use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use crate::help::calling::call_one;
use crate::panic::{Defer, quietly};
use crate::pen::life::end;
use crate::run::shared::Shared;
use crate::stop::state::Outcome;

/// Whether ordinary children finish.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Close,
    Cancel,
}

/// An executor that declines so often is gone.
const ENOUGH: u32 = 2;

/// What is known of the executor from poll to poll.
#[derive(Default)]
pub(crate) struct Asked {
    /// How often it was asked in vain,
    times: u32,
    /// since it ran children: the number of stays then.
    stays: u32,
}

/// Polls a pen to its end, and raises its panic.
pub(crate) fn poll(
    shared: &Arc<Shared>,
    how: How,
    asked: &mut Asked,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if !shared.queue.is_ended() {
        match how {
            How::Close => ready!(poll_done(shared, asked, cx.waker())),
            How::Cancel => end(shared, Outcome::Dropped),
        }
    }
    let (is_empty, stale) = shared.queue.is_empty_or_wait(cx.waker().clone());
    quietly(|| drop(stale));
    if !is_empty {
        return Poll::Pending; // a thread has children in hand
    }
    ready!(shared.closures.poll(cx.waker(), None));
    if let Some(payload) = shared.take_panic() {
        resume_unwind(payload);
    }
    Poll::Ready(())
}

/// Waits until no ordinary child is alive, and ends the pen; or sooner, if it has failed or nobody
/// runs its children.
fn poll_done(shared: &Arc<Shared>, asked: &mut Asked, waker: &Waker) -> Poll<()> {
    let (is_done, mut stale) = shared.queue.end_or_wait(waker.clone());
    let _at_last = Defer(|| {
        quietly(|| drop(stale.take()));
    }); // once the pen has ended
    let outcome = match is_done {
        true => Outcome::Ended,
        false if shared.has_failed() => Outcome::Failed, // which may not have found our waker
        false => match is_served(shared, asked) {
            Served::Yes => return Poll::Pending,
            Served::Once => {
                quietly(|| waker.wake_by_ref());
                return Poll::Pending;
            }
            Served::No => Outcome::Dropped,
        },
    };
    end(shared, outcome);
    Poll::Ready(())
}

/// Whether an executor runs the children of a pen.
enum Served {
    Yes,
    /// It has run some just now, on this thread, and has declined to go on.
    Once,
    No,
}

/// Finds out whether the executor of a pen is there, for one that is to be closed: asks it, if it
/// has left ready children alone. It can decline at once, or drop later what it was given.
fn is_served(shared: &Arc<Shared>, asked: &mut Asked) -> Served {
    let Some(call) = shared.tickets.call() else {
        return Served::Yes; // it has ended just now, on another thread, which wakes us
    };
    let before = call.workers.stays();
    while shared.queue.has_ready() && shared.tickets.is_none_out() {
        let stays = call.workers.stays();
        if stays != before {
            return Served::Once;
        }
        if stays != asked.stays {
            *asked = Asked { times: 0, stays };
        }
        if asked.times == ENOUGH {
            return Served::No;
        }
        asked.times += 1;
        call_one(shared, false);
    }
    Served::Yes
}
