//! C1: a handle that can be stored anywhere takes children that borrow nothing.

use taskpen::{TryScope, scope, try_scope};

async fn borrows_data(data: &str) {
    scope(async |s| {
        s.to_static().spawn(async { drop(data.len()) });
    })
    .await;
    let _ = try_scope(async |s: TryScope<'_, ()>| {
        s.to_static().join_set().spawn(async { Ok(data.len()) });
        Ok(())
    })
    .await;
}

fn main() {}
