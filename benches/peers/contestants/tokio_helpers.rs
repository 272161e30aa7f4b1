//! Scopes that may ask tokio for helpers.
//!
//! By the adapter of the feature `tokio`, which is compiled here once more, so that one command
//! runs everything.

use std::future::Future;

use taskpen::{Executor, Scope, Scoped, Ticket};

use crate::common::taskpen::Lend;

#[allow(dead_code, unreachable_pub, reason = "it is a part of the library")]
#[path = "../../../src/help/tokio.rs"]
mod adapter;

use adapter::Tokio;

pub(crate) struct OnTokio;

impl Lend for OnTokio {
    fn lend<'env, F, Fut: Future>(scoped: Scoped<'env, F, Fut>) -> Scoped<'env, F, Fut>
    where
        F: FnOnce(Scope<'env>) -> Fut,
    {
        scoped.on(Tokio::current())
    }
}
