//! What a set gives besides the stream: `join_next`, `try_join_next`; and what is spawned without a
//! `spawn` for each, or without a name for the set: S1, S2, S4, S12.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::pending;

use crate::life::{Counter, Gate, let_run, run};
use futures_lite::StreamExt;
use futures_lite::future::poll_once as poll_here;

/// S1, S2: `join_next` gives what the stream gives: the values, and `None` when the set is empty
/// now.
each_form!(join_next, |scope, ok| {
    let gate = Gate::default();
    let seen = run(scope(async |s| {
        let mut set = s.join_set();
        let mut seen = vec![set.join_next().await];
        let wait = gate.wait();
        set.spawn(async move {
            wait.await;
            ok(1)
        });
        set.spawn(async { ok(2) });
        seen.push(set.join_next().await);
        gate.open();
        while let Some(value) = set.join_next().await {
            seen.push(Some(value));
        }
        set.spawn(async { ok(3) });
        seen.extend([set.next().await, set.join_next().await]);
        ok(seen)
    }));
    assert_eq!(seen, ok(vec![None, Some(2), Some(1), Some(3), None]));
});

/// S1, S12: `try_join_next` gives what has arrived, oldest first, and never waits: `None` may mean
/// that children run.
each_form!(try_join_next, |scope, ok| {
    let gate = Gate::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        assert_eq!(set.try_join_next(), None);
        for number in 0..2 {
            set.spawn(async move { ok(number) });
        }
        let wait = gate.wait();
        set.spawn(async move {
            wait.await;
            ok(2)
        });
        assert_eq!((set.try_join_next(), set.len()), (None, 3), "not run yet");
        let_run().await;
        assert_eq!(set.try_join_next(), Some(0));
        assert_eq!(set.try_join_next(), Some(1));
        assert_eq!((set.try_join_next(), set.len()), (None, 1), "one runs");
        gate.open();
        let_run().await;
        assert_eq!(set.try_join_next(), Some(2));
        assert_eq!((set.try_join_next(), set.len()), (None, 0));

        // It finds out, too, that children have been cancelled.
        set.spawn(async { ok(pending().await) });
        let_run().await;
        set.cancel_all();
        assert_eq!((set.try_join_next(), set.len()), (None, 1));
        let_run().await;
        assert_eq!((set.try_join_next(), set.len()), (None, 0));
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S12: `try_join_next` does not take a value from under a `join_next` that was given up, and
/// leaves the next one to be woken.
each_form!(try_join_next_between_waits, |scope, ok| {
    let gates: [Gate; 2] = Default::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        for (number, gate) in gates.iter().enumerate() {
            let wait = gate.wait();
            set.spawn(async move {
                wait.await;
                ok(number)
            });
        }
        assert!(poll_here(set.join_next()).await.is_none());
        assert_eq!(set.try_join_next(), None);
        gates[1].open();
        let_run().await;
        assert_eq!(set.try_join_next(), Some(1));
        gates[0].open();
        ok(set.join_next().await)
    })
    .serial());
    assert_eq!(outcome, ok(Some(0)));
});

/// S1: `extend` spawns each, in every kind of scope.
each_form!(extended_set, |scope, ok| {
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        set.extend((0..3).map(|number| async move { ok(number) }));
        set.extend(Some(async { ok(3) }));
        assert_eq!((set.len(), s.len()), (4, 4));
        ok(set.collect::<Vec<_>>().await)
    })
    .serial());
    assert_eq!(outcome, ok(vec![0, 1, 2, 3]));
});

/// S4: a set that is dropped at the end of the statement that made it cancels its child before that
/// has run.
each_form!(set_without_a_name, |scope, ok| {
    let (polls, drops) = (&Counter::default(), &Counter::default());
    let outcome = run(scope(async |s| {
        let guard = drops.guard();
        s.join_set().spawn(async move {
            let _guard = guard;
            polls.add();
            ok(())
        });
        let_run().await;
        assert_eq!((polls.get(), drops.get(), s.len()), (0, 1, 0));
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});
