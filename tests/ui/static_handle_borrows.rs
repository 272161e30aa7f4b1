//! C1: a handle that can be stored anywhere takes children that borrow nothing.

use taskpen::{TryScope, scope, try_scope};

async fn child(data: &str) {
    scope(async |s| {
        s.to_static().spawn(async { drop(data.len()) });
    })
    .await;
}

async fn child_of_set(data: &str) -> Result<(), ()> {
    try_scope(async |s: TryScope<'_, ()>| {
        s.to_static().join_set().spawn(async { Ok(data.len()) });
        Ok(())
    })
    .await
}

fn main() {}
