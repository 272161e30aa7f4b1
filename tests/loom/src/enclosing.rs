//! Stands for `src/enclosing.rs`: no scope of a model is polled in another one, and loom runs all
//! threads of a model on one, so that they would share the thread-local.

use std::sync::Arc;

use crate::shared::Shared;

pub(crate) fn innermost() -> Option<Arc<Shared>> {
    None
}

pub(crate) struct Innermost(Arc<Shared>);

impl Innermost {
    pub(crate) fn enter(scope: Arc<Shared>) -> Self {
        Self(scope)
    }

    pub(crate) fn leave(self) -> Option<Arc<Shared>> {
        Some(self.0)
    }
}
