//! Back-pressure: `wait_below`, S6 and S7.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use crate::failing::{Tally, bang, raised};
use crate::life::{Counter, Gate, Wakes, let_run, poll_with, run};
use futures_lite::StreamExt;
use futures_lite::future::{pending, poll_once as poll_here, yield_now};
use taskpen::{Scope, scope};

/// S6: it waits while the limit run, and goes on when one of them is gone.
each_form!(full_set, |scope, ok| {
    let gates: [Gate; 3] = Default::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let child = |number: usize| {
            let gate = gates[number].wait();
            async move {
                gate.await;
                ok(number)
            }
        };
        set.spawn(child(0));
        set.spawn(child(1));
        {
            let mut room = pin!(set.wait_below(2));
            for _ in 0..3 {
                assert!(poll_here(room.as_mut()).await.is_none());
                let_run().await;
            }
            assert_eq!(s.len(), 2);
            gates[1].open();
            let_run().await;
            assert_eq!(s.len(), 1, "there is room");
            assert!(poll_here(room.as_mut()).await.is_some());
        }
        set.spawn(child(2));
        gates.iter().for_each(Gate::open);
        ok(set.collect::<Vec<_>>().await)
    })
    .serial());
    assert_eq!(outcome, ok(vec![1, 2, 0]));
});

/// S6: many children, of which never more than the limit run, but that many do; the values stay in
/// the set if none is read before the last was spawned.
each_form!(never_more_than_the_limit, |scope, ok| {
    for limit in [1, 3, 10] {
        let (started, done) = (&Counter::default(), &Counter::default());
        let most = &AtomicUsize::new(0); // in one step: the children may be on several threads
        let outcome = run(scope(async |s| {
            let mut set = s.join_set();
            for number in 0..40 {
                set.wait_below(limit).await;
                set.spawn(async move {
                    started.add();
                    let running = started.get() - done.get();
                    assert!(running <= limit);
                    most.fetch_max(running, SeqCst);
                    for _ in 0..=number % 4 {
                        yield_now().await;
                    }
                    while started.get() < limit {
                        yield_now().await; // on several threads the first would not wait for the last
                    }
                    done.add();
                    ok(number)
                });
            }
            assert_eq!(set.len(), 40);
            ok(set.fold(0, |sum, number| sum + number).await)
        }));
        assert_eq!(outcome, ok(780));
        assert_eq!(most.load(SeqCst), limit);
    }
});

/// S6: a limit that is not reached makes nothing wait: here everything is spawned in one poll.
/// Values that were not read are no reason to wait.
each_form!(limit_that_is_not_reached, |scope, ok| {
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        for _ in 0..3 {
            for _ in 0..3 {
                assert!(poll_here(set.wait_below(3)).await.is_some());
                set.spawn(async { ok(()) });
            }
            assert_eq!(s.len(), 3);
            let_run().await;
            assert_eq!(s.len(), 0);
        }
        assert_eq!(set.len(), 9);
        ok(set.collect::<Vec<_>>().await.len())
    })
    .serial());
    assert_eq!(outcome, ok(9));
});

/// S6: it waits until enough are gone, not for one only.
#[test]
fn limit_below_what_runs() {
    let gate = Gate::default();
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        let wait = gate.wait();
        set.spawn(wait);
        set.spawn(async {});
        set.spawn(async {});
        assert!(poll_here(set.wait_below(1)).await.is_none());
        let_run().await;
        assert!(poll_here(set.wait_below(1)).await.is_none(), "one runs");
        assert!(poll_here(set.wait_below(2)).await.is_some());
        gate.open();
        set.wait_below(1).await;
        assert_eq!(set.len(), 3, "no value was read");
        assert_eq!(set.collect::<Vec<_>>().await.len(), 3);
    })
    .serial());
}

/// S6: a wait that is given up loses nothing, neither a value nor room.
#[test]
fn wait_that_is_given_up() {
    let gates: [Gate; 2] = Default::default();
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        for (number, gate) in gates.iter().enumerate() {
            let wait = gate.wait();
            set.spawn(async move {
                wait.await;
                number
            });
        }
        assert!(poll_here(set.wait_below(2)).await.is_none());
        gates[1].open();
        let_run().await;
        drop(set.wait_below(1)); // not polled
        assert!(poll_here(set.wait_below(1)).await.is_none());
        assert_eq!(set.len(), 2);
        assert_eq!(set.try_join_next(), Some(1));
        assert_eq!(set.len(), 1);
        gates[0].open();
        set.wait_below(1).await;
        assert_eq!(set.join_next().await, Some(0));
    })
    .serial());
}

/// S6, R4: a wait is woken when a child is gone, and not when one is polled. One that was forgotten
/// is as good as one that was dropped.
#[test]
fn wakes_beside_a_forgotten_wait() {
    let gates: [Gate; 2] = Default::default();
    let (wakes, waker) = Wakes::waker();
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        set.spawn(gates[0].wait());
        set.spawn(gates[1].wait());
        let_run().await;
        let mut forgotten = Box::pin(set.wait_below(1));
        assert!(poll_with(forgotten.as_mut(), &waker).is_pending());
        std::mem::forget(forgotten);
        let mut room = pin!(set.wait_below(2));
        assert!(poll_with(room.as_mut(), &waker).is_pending());
        gates[0].knock();
        let_run().await;
        assert_eq!(wakes.take(), 0);
        gates[0].open();
        let_run().await;
        assert_eq!(wakes.take(), 1);
        assert!(poll_with(room.as_mut(), &waker).is_ready());
        gates[1].open();
    })
    .serial());
}

/// S5, S6: children that were cancelled make room when they are gone.
each_form!(room_of_the_cancelled, |scope, ok| {
    let gate = Gate::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let wait = gate.wait();
        set.spawn(async move { ok(wait.await) });
        let_run().await;
        set.cancel_all();
        assert!(poll_here(set.wait_below(1)).await.is_none());
        set.wait_below(1).await;
        assert!(set.is_empty());
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S7: a limit of 0 means 1: it waits until no child runs, and no longer.
each_form!(limit_of_0, |scope, ok| {
    let gate = Gate::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        assert!(poll_here(set.wait_below(0)).await.is_some());
        let wait = gate.wait();
        set.spawn(async move { ok(wait.await) });
        assert!(poll_here(set.wait_below(0)).await.is_none());
        gate.open();
        set.wait_below(0).await;
        assert_eq!((set.len(), s.len()), (1, 0));
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S6, F1: a panic of the child that is waited for ends the scope, and the wait does not return.
#[test]
fn panic_of_a_child() {
    let drops = Tally::new();
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            set.spawn(drops.suspended());
            set.spawn(async {
                yield_now().await;
                bang("child");
            });
            set.wait_below(2).await;
            unreachable!("the scope has ended");
        }))
    });
    assert_eq!((name, drops.get()), ("child", 1));
}

/// S10: values that panic when the set drops them do so after a wait as well; the wait itself
/// drops none.
#[test]
fn value_that_panics() {
    let drops = Tally::new();
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            let bomb = drops.bomb("value");
            set.spawn(async { bomb });
            set.wait_below(1).await;
            assert_eq!(drops.get(), 0);
            drop(set);
            pending::<()>().await;
        }))
    });
    assert_eq!((name, drops.get()), ("value", 1));
}
