//! `ChildOf` is implemented here only: its methods mention types that have no public name.

use taskpen::{ChildOf, JoinHandle, Scope};

struct NoFuture;

impl<'env> ChildOf<'env, Scope<'env>, u8> for NoFuture {
    fn spawn_on(
        self,
        _: &Scope<'env>,
        _: taskpen::task::metadata::Spawned,
    ) -> JoinHandle<'env, u8> {
        unreachable!()
    }
}

fn main() {}
