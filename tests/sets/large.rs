//! Children of sets and streams whose futures are large: those are put into a box before they are
//! moved around. Without that these tests overflow the stack, which aborts. `tests/scope/large.rs`
//! is about children of a scope.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::hint::black_box;
use std::iter;
use std::thread;

use futures_lite::StreamExt;
use futures_lite::future::{block_on, yield_now};

/// So many bytes.
const SIZE: usize = 256 << 10;

/// A future that holds so many bytes while it is suspended.
async fn large<T>(value: T) -> T {
    let bytes = [7_u8; SIZE];
    yield_now().await;
    assert_eq!(black_box(&bytes)[SIZE / 2], 7);
    value
}

/// Runs a program on a stack that is eight times as large as such a future.
fn on_a_small_stack(program: fn()) {
    let thread = thread::Builder::new().stack_size(8 * SIZE);
    thread.spawn(program).unwrap().join().unwrap();
}

/// One child of a set, and one of several.
each_form!(child_of_a_set, |scope, ok| {
    on_a_small_stack(|| {
        let outcome = block_on(scope(async |s| {
            let mut set = s.join_set();
            set.spawn(large(ok(1)));
            let spawned = set.join_next().await;
            set.extend(iter::once_with(|| large(ok(2))));
            ok((spawned, set.join_next().await))
        }));
        assert_eq!(outcome, ok((Some(1), Some(2))));
    });
});

/// An item of either stream.
each_form!(item_of_a_stream, |scope, ok| {
    on_a_small_stack(|| {
        let outcome = block_on(scope(async |s| {
            let item = || iter::once_with(|| large(ok(3)));
            let in_order = s.buffered(2, item()).next().await;
            ok((in_order, s.buffer_unordered(2, item()).next().await))
        }));
        assert_eq!(outcome, ok((Some(3), Some(3))));
    });
});
