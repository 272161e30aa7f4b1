//! Sets and streams: S8, T5.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::pending;

use futures_lite::StreamExt;
use futures_lite::future::yield_now;

use crate::life::run;
use crate::{MANY, Watch, live};

/// S8: a set from which everything is read runs in constant memory, whether its children are
/// suspended, finish at once or are cancelled.
each_form!(children_of_a_set, |scope, ok| {
    let mut watch = Watch::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        for round in 0..MANY / 40 {
            set.spawn(async move { ok(Box::new(round)) });
            set.spawn(async move {
                yield_now().await;
                ok(Box::new(round))
            });
            assert!(set.next().await.is_some());
            assert!(set.next().await.is_some());
            set.spawn(async { ok(Box::new(pending().await)) });
            yield_now().await;
            set.cancel_all();
            assert!(set.next().await.is_none());
            yield_now().await;
            watch.look();
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
    assert_eq!(watch.rounds, MANY / 40);
});

/// S8: a child is freed when it has finished, though nobody has read its value; a value is freed
/// when it was read.
each_form!(children_that_nobody_reads, |scope, ok| {
    const OWNED: usize = 32 * 1024;
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let before = live();
        for _ in 0..100 {
            set.spawn(async {
                let within = [1_u8; OWNED];
                yield_now().await;
                ok(vec![within[0]])
            });
            while !s.is_empty() {
                yield_now().await;
            }
            assert!(live() - before < OWNED as isize);
        }
        set.spawn(async { ok(vec![1; OWNED]) });
        let mut sum = 0;
        while let Some(value) = set.next().await {
            sum += usize::from(value[0]);
        }
        assert!(set.is_empty());
        assert!(live() - before < OWNED as isize);
        ok(sum)
    })
    .serial()); // what a helper frees is counted on its thread
    assert_eq!(outcome, ok(101));
});

/// T5: a stream over an infinite iterator runs in constant memory.
each_form!(infinite_streams, |scope, ok| {
    let item = |round: usize| async move {
        if round % 3 == 0 {
            yield_now().await;
        }
        ok(Box::new(round))
    };
    let outcome = run(scope(async |s| {
        let mut watch = Watch::default();
        let mut ordered = s.buffered(5, (0..).map(item));
        for round in 0..MANY / 10 {
            assert_eq!(ordered.next().await.as_deref(), Some(&round));
            watch.look();
        }
        drop(ordered);
        let mut watch = Watch::default();
        let mut unordered = s.buffer_unordered(5, (0..).map(item));
        for _ in 0..MANY / 10 {
            assert!(unordered.next().await.is_some());
            watch.look();
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S8: what a burst of values needed is given back when they were read.
each_form!(set_after_a_burst, |scope, ok| {
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let before = live();
        for _ in 0..2 {
            for _ in 0..1_000 {
                set.spawn(async { ok([0_u8; 1_024]) });
            }
            while !s.is_empty() {
                yield_now().await;
            }
            while set.next().await.is_some() {}
        }
        // Room of 64 KiB, twice.
        assert!(live() - before < 200_000, "keeps {}", live() - before);
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});
