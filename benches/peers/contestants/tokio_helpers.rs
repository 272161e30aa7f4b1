//! Scopes that may ask tokio for helpers.
//!
//! The feature `tokio` brings the same; this does without, so that one command runs everything.

use std::future::Future;

use taskpen::{Runtime, Scope, Scoped, Ticket};
use tokio::runtime::Handle;

use crate::common::taskpen::Lend;

pub(crate) struct OnTokio;

impl Lend for OnTokio {
    fn lend<'env, F, Fut: Future>(scoped: Scoped<'env, F, Fut>) -> Scoped<'env, F, Fut>
    where
        F: FnOnce(Scope<'env>) -> Fut,
    {
        scoped.on(Helpers(Handle::current()))
    }
}

struct Helpers(Handle);

impl Runtime for Helpers {
    fn dispatch(&self, ticket: Ticket) {
        self.0.spawn(async { ticket.run() });
        // Takes the place where a worker keeps what it spawned last, out of reach of the others.
        self.0.spawn(async {});
    }

    fn parallelism(&self) -> usize {
        self.0.metrics().num_workers()
    }
}
