//! Helpers from smol's global executor.

use std::env;
use std::sync::OnceLock;

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
        // smol decides once, too. The thread that polls the scope is usually not one of smol's, but
        // one in `block_on`.
        static THREADS: OnceLock<usize> = OnceLock::new();
        *THREADS.get_or_init(|| {
            let set = env::var("SMOL_THREADS").ok();
            let set = set.and_then(|threads| threads.parse().ok());
            set.unwrap_or(1_usize).max(1) + 1
        })
    }
}
