//! What a stream tells of itself, and what is decided when it is made: its order and its limit. T1,
//! T2, T7.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use crate::life::run;
use futures::stream::{FusedStream, Stream, StreamExt};
use futures_lite::future::{poll_once as poll_here, yield_now};
use taskpen::{Scope, scope};

/// `Debug` shows how far ahead a stream is.
#[test]
fn debug() {
    run(scope(async |s: Scope<'_>| {
        let mut ordered = s.buffered(2, (0..9).map(|number| async move { number }));
        assert_eq!(
            format!("{ordered:?}"),
            "Buffered { ahead: 0, limit: 2, .. }"
        );
        ordered.next().await;
        assert_eq!(
            format!("{ordered:?}"),
            "Buffered { ahead: 2, limit: 2, .. }"
        );
        let unordered = s.buffer_unordered(3, std::iter::empty::<std::future::Ready<()>>());
        assert_eq!(
            format!("{unordered:?}"),
            "Buffered { ahead: 0, limit: 3, .. }"
        );
    }));
}

/// T1: a stream is terminated once its iterator has ended and every value was taken; how many are
/// to come is known when the iterator has ended.
each_form!(size_of_what_is_left, |scope, ok| {
    let outcome = run(scope(async |s| {
        let item = |number: usize| async move { ok(number) };
        let mut in_order = s.buffered(2, (0..2).map(item));
        let mut unordered = s.buffer_unordered(2, (0..2).map(item));
        assert!(!in_order.is_terminated() && !unordered.is_terminated());
        assert_eq!(in_order.size_hint(), (0, None));
        assert_eq!(unordered.size_hint(), (0, None));
        assert_eq!(in_order.next().await, Some(0));
        assert_eq!(unordered.next().await, Some(0));
        assert_eq!(in_order.size_hint(), (0, Some(1)));
        assert_eq!(unordered.size_hint(), (0, Some(1)));
        assert_eq!(in_order.next().await, Some(1));
        assert_eq!(unordered.next().await, Some(1));
        assert!(in_order.is_terminated() && unordered.is_terminated());
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// Both orders are one type: which it is can be decided when the program runs.
#[test]
fn order_that_is_chosen_late() {
    for in_order in [true, false] {
        let seen: Vec<_> = run(scope(async |s: Scope<'_>| {
            let items = [3, 0, 2, 1].map(|yields: usize| async move {
                for _ in 0..yields {
                    yield_now().await;
                }
                yields
            });
            let stream = match in_order {
                true => s.buffered(4, items),
                false => s.buffer_unordered(4, items),
            };
            stream.collect().await
        })
        .serial());
        let expected = if in_order { [3, 0, 2, 1] } else { [0, 1, 2, 3] };
        assert_eq!(seen, expected);
    }
}

/// T7: a limit of 0 means 1. It is what the length of an empty list gives.
each_form!(limit_of_0, |scope, ok| {
    let item = |number: usize| async move { ok(number) };
    let outcome = run(scope(async |s| {
        let list = Vec::<usize>::new();
        let mut in_order = s.buffered(list.len(), list.clone().into_iter().map(item));
        assert_eq!(in_order.next().await, None);
        let mut unordered = s.buffer_unordered(list.len(), list.into_iter().map(item));
        assert_eq!(unordered.next().await, None);

        let mut in_order = s.buffered(0, (0..3).map(item));
        let mut unordered = s.buffer_unordered(0, (0..3).map(item));
        assert!(poll_here(in_order.next()).await.is_none());
        assert!(poll_here(unordered.next()).await.is_none());
        assert_eq!(s.len(), 2, "one each");
        let in_order: Vec<_> = in_order.collect().await;
        let unordered: Vec<_> = unordered.collect().await;
        assert_eq!((&*in_order, &*unordered), (&[0, 1, 2][..], &[0, 1, 2][..]));
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});
