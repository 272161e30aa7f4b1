//! How a thread of a [pen](crate::pen) is called; why none is called in vain, and no push is left
//! alone, stands with [what it does](crate::help::worker).
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::help::detect::Found;
use crate::help::executor::{Executor, Source, Ticket};
use crate::help::ticket::{Call, in_a_push};
use crate::help::worker::Worker;
use crate::panic::{quietly, wake};
use crate::run::current;
use crate::run::shared::Shared;

/// Calls a thread for something that was pushed under the lock of the ready queue, if one is
/// needed.
pub(crate) fn call(shared: &Arc<Shared>) {
    let (tickets, window) = (&shared.tickets, &shared.queue.window);
    if shared.queue.take_first_push() {
        tickets.look(); // one has done so
    }
    let is_time = tickets.is_time() || shared.has_failed();
    // Those that end the pen find what is ready.
    if shared.queue.is_ended() {
        return;
    }
    if tickets.are_coming() && !(is_time && tickets.are_late()) {
        if tickets.is_first() {
            spread(shared);
        }
        return;
    }
    let is_held_up = || (is_time || window.is_eager()) && window.wants_help();
    let is_none_out = tickets.out() == 0;
    if is_time && !is_none_out {
        tickets.ask(); // in any case: one that is called can be long in coming
    }
    if is_none_out || shared.has_failed() || is_held_up() {
        in_a_push(|| call_one(shared, false));
    }
}

/// One thread is coming, and there is more to do now than what it was called for.
fn spread(shared: &Shared) {
    if let Some(call) = shared.tickets.call() {
        in_a_push(|| quietly(|| call.executor().spread()));
    }
}

/// Calls a thread for a pen that has failed, which ends it. Not the one that found that: it can be
/// anywhere, and in the middle of something.
pub(crate) fn call_to_end(shared: &Shared) {
    let called = shared.tickets.call();
    if let Some(pen) = called.and_then(|it| it.workers.pen.upgrade()) {
        call(&pen);
    }
}

/// Calls a thread: one that is idle, or another one if there may be more.
///
/// Where one of the pen's own threads calls, it does not wake one that is idle: on a worker of
/// tokio that would be what this thread does next, and no other.
pub(crate) fn call_one(shared: &Arc<Shared>, is_inside: bool) {
    shared.tickets.expect();
    let idle = match is_inside {
        true => None,
        false => shared.queue.call_idle(|| shared.tickets.called()),
    };
    if idle.is_some() {
        return wake(idle);
    }
    let Some(call) = shared.tickets.call() else {
        return; // it has ended
    };
    match is_inside {
        true => call.dispatch(shared, shared.tickets.out() + 1, true, 1),
        false => call.employ(shared),
    }
}

/// Has all that are idle come to see that the pen is over.
pub(crate) fn dismiss(shared: &Shared) {
    while let Some(idle) = shared.queue.call_idle(|| shared.tickets.called()) {
        wake(Some(idle));
    }
}

impl Call {
    /// Has another worker spawned, if there may be more, or dispatches a ticket where the executor
    /// has no tasks.
    fn employ(self: &Arc<Self>, shared: &Arc<Shared>) {
        if shared.tickets.out() >= self.most {
            return;
        }
        let worker = Worker::new(Ticket::new(shared, self, 1));
        let spawned = quietly(|| in_a_push(|| self.executor().spawn(worker)));
        if let Some(Err(worker)) = spawned {
            self.hand_out(worker.decline());
        }
    }
}

impl Call {
    /// For a pen on what is around the caller.
    pub(crate) fn for_pen() -> Option<Self> {
        let source = current::helpers().and_then(|helpers| helpers.source);
        let found = match source {
            Some(source @ Source::Executor(_)) => Found::resolve(Some(source)),
            // A scope that is serial is one in a runtime all the same.
            Some(Source::Nowhere) | None => Found::resolve(None),
        };
        found.map(Self::on)
    }

    /// For a pen on this executor.
    pub(crate) fn given_to_pen(executor: impl Executor) -> Self {
        let source = Source::given(executor);
        Self::on(Found::resolve(Some(source)).expect("it was given"))
    }

    fn on(found: Found) -> Self {
        let most = found.executor().parallelism().max(1);
        Self::new(found, None, most)
    }
}
