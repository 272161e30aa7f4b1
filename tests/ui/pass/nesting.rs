//! Scopes in bodies and in children, which borrow from outside; `spawn_with` in `spawn_with`.

use futures_lite::future::block_on;
use std::sync::Mutex;
use taskpen::{Scope, scope};

fn need_send<T: Send>(value: T) -> T {
    value
}

async fn nested(text: &str) -> usize {
    scope(async |outer| {
        let from_body = String::from("body");
        let inner = scope(async |s| {
            let both = s.spawn(async { text.len() + from_body.len() });
            outer.spawn(async { text.len() });
            both.await
        })
        .await;
        let child = outer.spawn(async {
            let from_child = String::from("child");
            scope(async |s| s.spawn(async { text.len() + from_child.len() }).await).await
        });
        inner + child.await
    })
    .await
}

async fn levels(seen: &Mutex<Vec<u32>>) {
    scope(async |s| {
        s.spawn_with(async move |s: Scope<'_>| {
            seen.lock().unwrap().push(1);
            s.spawn_with(async move |s: Scope<'_>| {
                seen.lock().unwrap().push(2);
                s.spawn_with(async move |s: Scope<'_>| {
                    seen.lock().unwrap().push(3);
                    s.spawn(async { seen.lock().unwrap().push(4) }).await;
                });
            });
        });
    })
    .await;
}

fn main() {
    assert_eq!(block_on(need_send(nested("text"))), 8 + 9);
    let seen = Mutex::new(Vec::new());
    block_on(need_send(levels(&seen)));
    assert_eq!(seen.into_inner().unwrap(), [1, 2, 3, 4]);
}
