//! Scopes that ask tokio for helpers.

use std::future::Future;

use taskpen::{Scope, Scoped, Tokio};

use crate::common::taskpen::Lend;

pub(crate) struct OnTokio;

impl Lend for OnTokio {
    fn lend<'env, F, Fut: Future>(scoped: Scoped<'env, F, Fut>) -> Scoped<'env, F, Fut>
    where
        F: FnOnce(Scope<'env>) -> Fut,
    {
        scoped.on(Tokio::current())
    }
}
