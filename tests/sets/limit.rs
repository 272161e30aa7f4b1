//! Sets with a limit: S6, S7.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::pin::pin;

use crate::failing::message;
use crate::life::{Counter, Gate, Wakes, let_run, run};
use futures_lite::StreamExt;
use futures_lite::future::{poll_once as poll_here, yield_now};
use taskpen::{Scope, scope};

/// S6: `spawn` waits while the limit run, and goes on when one of them is gone.
each_form!(full_set, |scope, ok| {
    let gates: [Gate; 3] = Default::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set().with_limit(2);
        let child = |number: usize| {
            let gate = gates[number].wait();
            async move {
                gate.await;
                ok(number)
            }
        };
        set.spawn(child(0)).await;
        set.spawn(child(1)).await;
        {
            let mut third = pin!(set.spawn(child(2)));
            for _ in 0..3 {
                assert!(poll_here(third.as_mut()).await.is_none());
                let_run().await;
            }
            assert_eq!(s.len(), 2);
            gates[1].open();
            let_run().await;
            assert_eq!(s.len(), 1, "it makes room, and nobody has taken it");
            assert!(poll_here(third.as_mut()).await.is_some());
            assert_eq!(s.len(), 2);
        }
        gates.iter().for_each(Gate::open);
        ok(set.collect::<Vec<_>>().await)
    })
    .serial());
    assert_eq!(outcome, ok(vec![1, 2, 0]));
});

/// S6: many children, of which never more than the limit run, but that many do; the values come
/// all the same if nobody reads before the last was spawned.
each_form!(never_more_than_the_limit, |scope, ok| {
    for limit in [1, 3, 10] {
        let (started, most, done) = (
            &Counter::default(),
            &Counter::default(),
            &Counter::default(),
        );
        let outcome = run(scope(async |s| {
            let mut set = s.join_set().with_limit(limit);
            for number in 0..40 {
                let child = async move {
                    started.add();
                    let running = started.get() - done.get();
                    assert!(running <= limit);
                    if running > most.get() {
                        most.add();
                    }
                    for _ in 0..=number % 4 {
                        yield_now().await;
                    }
                    done.add();
                    ok(number)
                };
                set.spawn(child).await;
            }
            assert_eq!(set.len(), 40);
            ok(set.fold(0, |sum, number| sum + number).await)
        }));
        assert_eq!(outcome, ok(780));
        assert_eq!(most.get(), limit);
    }
});

/// S6: a limit that is not reached never waits, and wakes nobody: here everything is spawned in one
/// poll. Values that nobody has read are no reason to wait.
each_form!(limit_that_is_not_reached, |scope, ok| {
    let outcome = run(scope(async |s| {
        let mut set = s.join_set().with_limit(3);
        for _ in 0..3 {
            for _ in 0..3 {
                assert!(poll_here(set.spawn(async { ok(()) })).await.is_some());
            }
            assert_eq!(s.len(), 3);
            let_run().await;
            assert_eq!(s.len(), 0);
        }
        assert_eq!(set.len(), 9);
        assert_eq!(
            format!("{set:?}"),
            "LimitedJoinSet { len: 9, limit: 3, .. }"
        );
        ok(set.collect::<Vec<_>>().await.len())
    })
    .serial());
    assert_eq!(outcome, ok(9));
});

/// S6: children that are in the set already count.
#[test]
fn limit_for_a_set_in_use() {
    let gate = Gate::default();
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        let wait = gate.wait();
        set.spawn(wait);
        set.spawn(async {});
        set.spawn(async {});
        let mut set = set.with_limit(1);
        assert!(poll_here(set.spawn(async {})).await.is_none());
        let_run().await;
        assert!(poll_here(set.spawn(async {})).await.is_none(), "one runs");
        gate.open();
        set.spawn(async {}).await;
        assert_eq!(set.collect::<Vec<_>>().await.len(), 4);
    })
    .serial());
}

/// S6: a `spawn` that is given up drops what it was given, spawns nothing and takes no place. The
/// child does not start before the first poll.
#[test]
fn spawn_that_is_given_up() {
    let (drops, gate) = (Counter::default(), Gate::default());
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set().with_limit(1);
        let child = |guard| async move { drop(guard) };
        drop(set.spawn(child(drops.guard())));
        assert_eq!((drops.get(), set.len()), (1, 0));

        let wait = gate.wait();
        set.spawn(wait).await;
        assert!(poll_here(set.spawn(child(drops.guard()))).await.is_none());
        assert_eq!((drops.get(), set.len()), (2, 1));
        gate.open();
        set.spawn(child(drops.guard())).await;
        assert_eq!(set.collect::<Vec<_>>().await.len(), 2);
        assert_eq!(drops.get(), 3);
    }));
}

/// S6: a spawn that waits is woken when there is room; not when there is not.
#[test]
fn wake_of_a_spawn_that_waits() {
    let gates: [Gate; 2] = Default::default();
    let (wakes, waker) = Wakes::waker();
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set().with_limit(2);
        set.spawn(gates[0].wait()).await;
        set.spawn(gates[1].wait()).await;
        let_run().await;
        let mut third = pin!(set.spawn(async {}));
        assert!(crate::life::poll_with(third.as_mut(), &waker).is_pending());
        gates[0].knock();
        let_run().await;
        assert_eq!(wakes.take(), 0);
        gates[0].open();
        let_run().await;
        assert_eq!(wakes.take(), 1);
        assert!(crate::life::poll_with(third.as_mut(), &waker).is_ready());
        gates[1].open();
    })
    .serial());
}

/// S5, S6: children that were cancelled make room when they are gone.
each_form!(room_of_the_cancelled, |scope, ok| {
    let gate = Gate::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set().with_limit(1);
        let wait = gate.wait();
        set.spawn(async move { ok(wait.await) }).await;
        let_run().await;
        set.cancel_all();
        assert!(poll_here(set.spawn(async { ok(()) })).await.is_none());
        set.spawn(async { ok(()) }).await;
        assert_eq!(set.next().await, Some(()));
        assert_eq!(set.next().await, None);
        assert!(set.is_empty());
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S4: dropping a set with a limit cancels its children.
each_form!(dropped_set, |scope, ok| {
    let drops = Counter::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set().with_limit(2);
        let guard = drops.guard();
        set.spawn(async move {
            let _guard = guard;
            ok(std::future::pending::<()>().await)
        })
        .await;
        let_run().await;
        drop(set);
        let_run().await;
        assert_eq!((drops.get(), s.len()), (1, 0));
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S7: a limit of 0 is refused.
#[test]
fn limit_of_0() {
    let message = message(|| run(scope(async |s| drop(s.join_set::<()>().with_limit(0)))));
    assert!(message.contains("a limit of 0"), "{message}");
    assert!(message.contains("give `with_limit` 1 or more"), "{message}");
}

/// S6: the future of `spawn` says so when it is polled too often.
#[test]
fn spawn_that_is_polled_again() {
    let message = message(|| {
        run(scope(async |s: Scope<'_>| {
            let mut set = s.join_set().with_limit(1);
            let mut spawn = pin!(set.spawn(async {}));
            spawn.as_mut().await;
            spawn.as_mut().await;
        }))
    });
    assert!(
        message.contains("after it had spawned its child"),
        "{message}"
    );
}
