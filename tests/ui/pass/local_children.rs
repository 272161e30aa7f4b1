//! C4: what a local scope is for: children that are not `Send`.

use futures_lite::future::block_on;
use std::cell::Cell;
use std::rc::Rc;
use taskpen::{LocalScope, local_scope};

fn main() {
    let count = Cell::new(0);
    let shared = Rc::new(7);
    let sum = block_on(local_scope(async |s| {
        let first = s.spawn(async { Rc::clone(&shared) });
        s.spawn_with(async |s: LocalScope<'_>| {
            count.set(count.get() + 1);
            s.spawn_background(async { count.set(count.get() + 1) })
                .await;
        });
        *first.await
    }));
    assert_eq!((sum, count.get()), (7, 2));
}
