//! Helpers from smol's global executor.

use std::sync::OnceLock;

use crate::help::executor::{Executor, Ticket, number_in};
use crate::help::worker::Worker;

/// The threads of smol's global executor as helpers.
///
/// smol cannot be detected; give it to the scope with [`.on(Smol)`](crate::Scoped::on). The
/// executor has one thread unless the environment variable `SMOL_THREADS` says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Executor for Smol {
    fn dispatch(&self, ticket: Ticket) {
        smol::spawn(async { ticket.run() }).detach();
    }

    fn parallelism(&self) -> usize {
        // smol decides once, too. The thread that polls the scope is usually not one of smol's, but
        // one in `block_on`.
        static THREADS: OnceLock<usize> = OnceLock::new();
        *THREADS.get_or_init(|| number_in("SMOL_THREADS").unwrap_or(1).max(1) + 1)
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        smol::spawn(worker).detach();
        Ok(())
    }
}
