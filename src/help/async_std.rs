//! Helpers from async-std's global thread pool.

use std::sync::OnceLock;
use std::thread::available_parallelism;

use async_std::task;

use crate::help::executor::{Executor, Ticket, number_in};
use crate::help::worker::Worker;

/// async-std's threads as helpers; the default for scopes that run inside an async-std task.
///
/// There is one for each core, unless the environment variable `ASYNC_STD_THREAD_COUNT` says
/// otherwise.
///
/// Name it with [`.on(AsyncStd)`](crate::Scoped::on) where that cannot be detected: outside of
/// `async_std::task::spawn` and `async_std::task::block_on`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

impl AsyncStd {
    /// Returns true if the thread is polling one of async-std's tasks.
    pub(super) fn is_current() -> bool {
        task::try_current().is_some()
    }
}

impl Executor for AsyncStd {
    fn dispatch(&self, ticket: Ticket) {
        task::spawn(async { ticket.run() });
    }

    fn parallelism(&self) -> usize {
        if cfg!(taskpen_force_windows) {
            return 4;
        }
        // async-std decides once, too. To ask the system takes longer than to dispatch a ticket.
        static THREADS: OnceLock<usize> = OnceLock::new();
        *THREADS.get_or_init(|| {
            let cores = || available_parallelism().map_or(1, usize::from);
            number_in("ASYNC_STD_THREAD_COUNT")
                .unwrap_or_else(cores)
                .max(1)
        })
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        task::spawn(worker);
        Ok(())
    }
}
