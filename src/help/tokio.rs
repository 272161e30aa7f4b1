//! Helpers from a tokio runtime.

use std::pin::pin;
use std::task::{Context, Waker};

use tokio::runtime::{Handle, RuntimeFlavor, worker_index};
use tokio::task::coop::{has_budget_remaining, unconstrained};
use tokio::task::{block_in_place, try_id, yield_now};

use crate::help::executor::{Executor, Ticket};
use crate::help::worker::Worker;

/// The worker threads of a tokio runtime as helpers; the default for scopes that run inside one.
///
/// A current-thread runtime has no thread to lend: scopes in it run their children alone.
///
/// A scope on a worker that has to wait for a slow poll on another one calls
/// [`block_in_place`](tokio::task::block_in_place), so the other tasks of its worker go on. (Not on
/// worker 0 of a program that aborts when it panics.) If the runtime is shut down meanwhile, the
/// scope goes on until that slow poll is over, and timers of tokio panic in its children.
#[derive(Clone, Debug)]
pub struct Tokio(Handle);

impl Tokio {
    /// The runtime around the caller.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, as `tokio::runtime::Handle::current` does.
    #[track_caller]
    pub fn current() -> Self {
        Self(Handle::current())
    }

    /// The runtime around this poll, if there is one.
    pub(super) fn detect() -> Option<Self> {
        Handle::try_current().ok().map(Self)
    }

    /// Returns true if `other` is the same runtime.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl From<Handle> for Tokio {
    fn from(handle: Handle) -> Self {
        Self(handle)
    }
}

impl Executor for Tokio {
    fn dispatch(&self, ticket: Ticket) {
        self.0.spawn(async { ticket.run() });
        // If a worker polls the scope it would run the ticket next itself, and no helper would come
        // before it is late.
        self.spread();
    }

    fn parallelism(&self) -> usize {
        match self.0.runtime_flavor() {
            RuntimeFlavor::CurrentThread => 1,
            _ => self.0.metrics().num_workers(),
        }
    }

    fn block_in_place(&self, act: &mut dyn FnMut()) {
        if is_worker() {
            // It may be the one that drives timers and sockets.
            return block_in_place(act);
        }
        act();
    }

    fn wake_later(&self, waker: &Waker) {
        // It keeps the waker until this worker has looked at timers and sockets.
        let polled = pin!(yield_now()).poll(&mut Context::from_waker(waker));
        debug_assert!(polled.is_pending());
    }

    fn spread(&self) {
        // What a worker has spawned or woken last it keeps as what it runs next, where no other
        // worker can take it: unless something else takes that place.
        if worker_index().is_some() {
            self.0.spawn(async {});
        }
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        let pen = worker.pen();
        if self.0.spawn(worker).is_finished() {
            pen.tickets.has_no_executor(); // the runtime was shut down
        }
        Ok(())
    }
}

/// Calls `act` in a poll that cannot return.
///
/// What a task of tokio may do in one poll is limited. Resources of tokio that are polled beyond
/// that are not ready, and the wakers that they were given are kept until the poll has returned. So
/// from here on there is no limit; and `act` is told whether wakers may have been kept.
pub(super) fn unlimited(act: &mut dyn FnMut(bool)) {
    let is_spent = Handle::try_current().is_ok() && !has_budget_remaining();
    let mut unlimited = pin!(unconstrained(async { act(is_spent) }));
    let is_done = unlimited
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    debug_assert!(is_done.is_ready());
}

/// Returns true if this thread is a worker of a multi-threaded runtime; elsewhere
/// [`block_in_place`] panics.
///
/// The handle that is current need not be that of the runtime which runs us, and the one thread of
/// a current-thread runtime counts as worker 0, too. In its main future a foreign handle may stay
/// current for long; in a task only for a poll of something that has been written to do so. There
/// the panic is caught. It must not abort.
fn is_worker() -> bool {
    let flavor = Handle::try_current().map(|current| current.runtime_flavor());
    let is_certain = match worker_index() {
        None => return false,
        Some(0) => cfg!(panic = "unwind") && try_id().is_some(),
        Some(_) => true,
    };
    is_certain && matches!(flavor, Ok(RuntimeFlavor::MultiThread))
}
