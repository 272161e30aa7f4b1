//! Helpers from smol's global executor.

use std::env;

use super::{Runtime, Ticket};

/// The threads of smol's global executor as helpers.
///
/// smol cannot be detected; give it to the scope with [`.on(Smol)`](crate::Scoped::on). The
/// executor has one thread unless the environment variable `SMOL_THREADS` says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Runtime for Smol {
    fn dispatch(&self, ticket: Ticket) {
        smol::spawn(async { ticket.run() }).detach();
    }

    fn parallelism(&self) -> usize {
        // The thread that polls the scope is usually not one of smol's, but one in `block_on`.
        let threads = env::var("SMOL_THREADS").ok().and_then(|n| n.parse().ok());
        threads.unwrap_or(1_usize).max(1) + 1
    }
}
