//! C1: children of sets and streams outlive the body as well.

use futures_lite::StreamExt;
use taskpen::scope;

fn main() {
    let _ = scope(async |s| {
        let mut set = s.join_set();
        let page = String::from("index");
        set.spawn(async { page.len() });
    });
    let _ = scope(async |s| {
        let pages = vec![String::new()];
        s.buffered(2, pages.iter().map(|page| async { page.len() }))
            .next()
            .await;
    });
}
