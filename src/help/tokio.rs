//! Helpers from a tokio runtime.

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::help::executor::{Executor, Ticket};
use crate::help::worker::Worker;

/// The worker threads of a tokio runtime as helpers; the default for scopes that run inside one.
///
/// A current-thread runtime has no thread to lend: scopes in it run their children alone.
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
        // What a worker spawns last it keeps as what it runs next, where no other worker can take
        // it. If a worker polls the scope that would be the ticket, and no helper would come before
        // it is late.
        self.0.spawn(async {});
    }

    fn parallelism(&self) -> usize {
        match self.0.runtime_flavor() {
            RuntimeFlavor::CurrentThread => 1,
            _ => self.0.metrics().num_workers(),
        }
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        self.0.spawn(worker);
        Ok(())
    }
}
