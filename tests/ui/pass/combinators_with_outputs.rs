//! The same within futures that keep the *output* of a scope, or are `async fn` themselves: their
//! types name `<Scoped<…> as Future>::Output`.

use futures_lite::future::{block_on, zip};
use std::future::Future;
use taskpen::{TryScope, scope, try_scope};

fn need_send<T: Send>(value: T) -> T {
    value
}

async fn generic<F: Future>(future: F) -> F::Output {
    future.await
}

async fn combined(data: &str) -> usize {
    let one = scope(async |s| s.spawn(async { data.len() }).await);
    let two = try_scope(async |s: TryScope<'_, ()>| Ok(s.spawn(async { Ok(data.len()) }).await));
    let (one, two) = zip(one, two).await;
    let sum = one + two.unwrap();

    let (one, two) = tokio::join!(
        scope(async |s| s.spawn(async { data.len() }).await),
        try_scope(async |s: TryScope<'_, ()>| Ok(s.spawn(async { Ok(data.len()) }).await)),
    );
    let sum = sum + one + two.unwrap();

    let two = try_scope(async |s: TryScope<'_, ()>| Ok(s.spawn(async { Ok(data.len()) }).await));
    let two = generic(two).await.unwrap();
    sum + two + generic(scope(async |s| s.spawn(async { data.len() }).await)).await
}

fn main() {
    assert_eq!(block_on(need_send(combined("abc"))), 18);
}
