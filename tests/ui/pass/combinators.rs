//! The future of a scope within other futures, all of which are `Send`.

use async_std::future::timeout;
use futures_lite::FutureExt;
use futures_lite::future::{block_on, or};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use taskpen::{TryScope, scope, try_scope};

const LONG: Duration = Duration::from_secs(3600);

fn need_send<T: Send>(value: T) -> T {
    value
}

async fn combined(data: &str) -> usize {
    let mut sum = timeout(LONG, scope(async |s| s.spawn(async { data.len() }).await))
        .await
        .unwrap();
    sum += or(
        scope(async |s| s.spawn(async { data.len() }).await),
        async { 1 },
    )
    .await;
    let caught = AssertUnwindSafe(scope(async |s| s.spawn(async { data.len() }).await));
    sum += caught.catch_unwind().await.unwrap();
    sum += Box::pin(scope(async |s| s.spawn(async { data.len() }).await)).await;
    tokio::select! {
        biased;
        length = scope(async |s| s.spawn(async { data.len() }).await) => sum += length,
        () = async {} => {}
    }
    let fallible = timeout(
        LONG,
        try_scope(async |s: TryScope<'_, ()>| Ok(s.spawn(async { Ok(data.len()) }).await)),
    );
    sum + fallible.await.unwrap().unwrap()
}

fn main() {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(tokio.block_on(need_send(combined("abc"))) >= 15);
    let task = async_std::task::spawn(async {
        let data = String::from("abc");
        timeout(LONG, scope(async |s| s.spawn(async { data.len() }).await)).await
    });
    assert_eq!(block_on(task), Ok(3));
}
