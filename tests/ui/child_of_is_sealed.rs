//! `ChildOf` is implemented here only: one of its methods mentions a type that has no public name.

use std::panic::Location;
use std::sync::Arc;
use taskpen::{ChildOf, JoinHandle, Scope};

struct NoFuture;

impl<'env> ChildOf<'env, Scope<'env>, u8> for NoFuture {
    fn spawn_for_handle(
        self,
        _: &Scope<'env>,
        _: &'static Location<'static>,
    ) -> JoinHandle<'env, u8> {
        unreachable!()
    }

    fn spawn_for_set(
        self,
        _: &Scope<'env>,
        _: &Arc<taskpen::sets::results::Results<u8>>,
        _: &'static Location<'static>,
    ) {
    }
}

fn main() {}
