//! Children borrow what has no size: trait objects, slices, `str`.

use futures_lite::future::block_on;
use std::fmt::Debug;
use taskpen::scope;

fn need_send<T: Send>(value: T) -> T {
    value
}

async fn show(thing: &(dyn Debug + Sync), words: &[&str], text: &str) -> String {
    need_send(scope(async |s| {
        let thing = s.spawn(async { format!("{thing:?}") });
        let words = s.spawn(async { words.len() });
        let text = s.spawn(async { text });
        format!("{} {} {}", thing.await, words.await, text.await)
    }))
    .await
}

async fn any<T: Debug + Sync + ?Sized>(thing: &T) -> String {
    scope(async |s| s.spawn(async { format!("{thing:?}") }).await).await
}

fn main() {
    let shown = block_on(need_send(show(&7, &["a", "b"], "text")));
    assert_eq!(shown, "7 2 text");
    assert_eq!(block_on(need_send(any("text"))), "\"text\"");
    assert_eq!(block_on(need_send(any::<dyn Debug + Sync>(&7))), "7");
    assert_eq!(block_on(need_send(any(&[1, 2][..]))), "[1, 2]");
}
