//! Sets: values as they come, what counts as read, and how a set cancels. S1 to S5.
//!
//! Back-pressure, failures and sets that outlive their scope have files of their own.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]
#![allow(
    clippy::arc_with_non_send_sync,
    reason = "the sets of two of the four forms are not `Send`"
)]

use std::future::pending;
use std::mem;
use std::sync::{Arc, Mutex};

use crate::life::{Counter, Gate, let_run, run};
use futures::stream::{FusedStream, Stream, StreamExt};
use futures_lite::future::yield_now;
use taskpen::JoinSet;

/// S1: values come in the order in which children finish, not in that of their spawning.
each_form!(completion_order, |scope, ok| {
    let gates: [Gate; 3] = Default::default();
    let order = run(scope(async |s| {
        let mut set = s.join_set();
        for (number, gate) in gates.iter().enumerate() {
            let gate = gate.wait();
            set.spawn(async move {
                gate.await;
                ok(number)
            });
        }
        let_run().await;
        let mut order = Vec::new();
        for number in [1, 2, 0] {
            gates[number].open();
            order.extend(set.next().await);
        }
        assert_eq!(set.next().await, None);
        ok(order)
    })
    .serial());
    assert_eq!(order, ok(vec![1, 2, 0]));
});

/// S1: children that finish while nobody looks are read in the order in which they did.
each_form!(order_of_values_that_wait, |scope, ok| {
    let order = run(scope(async |s| {
        let mut set = s.join_set();
        for yields in [3, 0, 2, 1] {
            set.spawn(async move {
                for _ in 0..yields {
                    yield_now().await;
                }
                ok(yields)
            });
        }
        while !s.is_empty() {
            yield_now().await;
        }
        ok(set.collect::<Vec<_>>().await)
    })
    .serial());
    assert_eq!(order, ok(vec![0, 1, 2, 3]));
});

/// S2: the stream gives `None` when the set is empty now, as often as it is asked; and goes on when
/// more was spawned.
each_form!(empty_for_now, |scope, ok| {
    let seen = run(scope(async |s| {
        let mut set = s.join_set();
        let mut seen = vec![set.next().await, set.next().await];
        for number in 0..2 {
            set.spawn(async move { ok(number) });
            seen.extend([set.next().await, set.next().await]);
        }
        ok(seen)
    }));
    assert_eq!(seen, ok(vec![None, None, Some(0), None, Some(1), None]));
});

/// R1: `spawn` runs nothing.
each_form!(spawn_runs_nothing, |scope, ok| {
    let polled = Counter::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        set.spawn(async { ok(polled.add()) });
        assert_eq!(polled.get(), 0);
        ok(set.next().await)
    }));
    assert_eq!(outcome, ok(Some(())));
});

/// S3: `len` counts who runs and who has finished, until the value is read.
each_form!(length, |scope, ok| {
    let gate = Gate::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        assert!(set.is_empty());
        set.spawn(async { ok(1) });
        let wait = gate.wait();
        set.spawn(async move {
            wait.await;
            ok(2)
        });
        assert_eq!(set.len(), 2);
        let_run().await;
        assert_eq!((set.len(), s.len()), (2, 1), "one has finished");
        assert_eq!(format!("{set:?}"), "JoinSet { len: 2, .. }");

        assert_eq!(set.next().await, Some(1));
        assert_eq!((set.len(), set.is_empty()), (1, false));
        gate.open();
        assert_eq!(set.next().await, Some(2));
        assert_eq!((set.len(), set.is_empty()), (0, true));
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S4: dropping a set cancels its children, whatever they are up to, and nobody else's.
each_form!(dropped_set, |scope, ok| {
    let (drops, polls) = (&Counter::default(), &Counter::default());
    let gate = Gate::default();
    let outcome = run(scope(async |s| {
        let child = move |guard| async move {
            polls.add();
            let _guard = guard;
            ok(pending::<()>().await)
        };
        let others = gate.wait();
        let others = s.spawn(async move { ok(others.await) });
        let mut set = s.join_set();
        set.spawn(child(drops.guard()));
        set.spawn(child(drops.guard()));
        let_run().await;
        set.spawn(child(drops.guard())); // never polled
        assert_eq!((polls.get(), drops.get()), (2, 0));

        drop(set);
        let_run().await;
        assert_eq!((polls.get(), drops.get()), (2, 3));
        assert_eq!(s.len(), 1);
        gate.open();
        others.await;
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S4: the first answer wins.
each_form!(first_answer, |scope, ok| {
    let drops = Counter::default();
    let first = run(scope(async |s| {
        let mut set = s.join_set();
        for mirror in 0..3 {
            let guard = drops.guard();
            set.spawn(async move {
                let _guard = guard;
                if mirror != 1 {
                    pending::<()>().await;
                }
                ok(mirror)
            });
        }
        ok(set.next().await)
    }));
    assert_eq!(first, ok(Some(1)));
    assert_eq!(drops.get(), 3);
});

/// S4: values that nobody read are dropped with the set: those that it has seen and those that it
/// has not.
each_form!(unread_values, |scope, ok| {
    let values = Counter::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let value = |guard| async move { ok(guard) };
        for _ in 0..3 {
            set.spawn(value(values.guard()));
        }
        let_run().await;
        drop(set.next().await);
        assert_eq!(values.get(), 1);
        set.spawn(value(values.guard()));
        let_run().await;
        assert_eq!(set.len(), 3);
        drop(set);
        assert_eq!(values.get(), 4);
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S4: forgetting a set leaks the values that nobody can read, and not the children.
each_form!(forgotten_set, |scope, ok| {
    let (done, values) = (Counter::default(), Counter::default());
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let guard = values.guard();
        set.spawn(async {
            yield_now().await;
            done.add();
            ok(guard)
        });
        mem::forget(set);
        ok(())
    }));
    assert_eq!(outcome, ok(()));
    assert_eq!((done.get(), values.get()), (1, 0));
});

/// S5: `cancel_all` leaves what has finished, and takes what has not; the stream ends when all are
/// gone. Then the set is as good as new.
each_form!(cancel_all, |scope, ok| {
    let (drops, polls) = (&Counter::default(), &Counter::default());
    let outcome = run(scope(async |s| {
        let child = move |guard| async move {
            polls.add();
            let _guard = guard;
            ok(pending::<u32>().await)
        };
        let mut set = s.join_set();
        set.spawn(async { ok(1) });
        set.spawn(child(drops.guard()));
        let_run().await;
        set.spawn(child(drops.guard())); // never polled
        set.cancel_all();
        assert_eq!(set.len(), 3, "not gone yet");
        set.spawn(async { ok(2) });

        assert_eq!(set.next().await, Some(1));
        assert_eq!(set.next().await, Some(2), "spawned afterwards");
        assert_eq!(set.next().await, None);
        assert_eq!((polls.get(), drops.get()), (1, 2));
        assert!(set.is_empty());

        // A slot that was given up belongs to somebody else now.
        set.spawn(child(drops.guard()));
        let_run().await;
        set.cancel_all();
        set.cancel_all();
        assert_eq!(set.next().await, None);
        assert_eq!((polls.get(), drops.get()), (2, 3));
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S5: a child that cancels its own set, and then is suspended, goes all the same.
each_form!(child_that_cancels_its_set, |scope, ok| {
    let drops = Counter::default();
    let outcome = run(scope(async |s| {
        let slot = Arc::new(Mutex::new(None));
        let mut set = s.join_set();
        let (own, guard) = (Arc::clone(&slot), drops.guard());
        set.spawn(async move {
            let _guard = guard;
            let mut set = own.lock().unwrap().take();
            set.iter_mut().for_each(JoinSet::cancel_all);
            *own.lock().unwrap() = set;
            ok(pending::<()>().await)
        });
        *slot.lock().unwrap() = Some(set);
        let_run().await;
        assert_eq!((drops.get(), s.len()), (1, 0));
        let mut set = slot.lock().unwrap().take().unwrap();
        assert_eq!(set.next().await, None);
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// R3: a child is polled when it was woken, and not because it is in a set.
each_form!(polls_of_a_child, |scope, ok| {
    let gate = Gate::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let wait = gate.wait();
        set.spawn(async move { ok(wait.await) });
        set.spawn(async { ok(()) });
        let_run().await;
        set.next().await;
        let_run().await;
        assert_eq!(gate.polls(), 1);
        gate.open();
        set.next().await;
        assert_eq!(gate.polls(), 2);
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// S1: a set is terminated while it is empty, and says what is to come.
each_form!(size_of_what_is_to_come, |scope, ok| {
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        assert!(set.is_terminated());
        for number in [1, 2] {
            set.spawn(async move { ok(number) });
        }
        assert!(!set.is_terminated());
        assert_eq!(set.size_hint(), (0, Some(2)));
        while !s.is_empty() {
            yield_now().await;
        }
        assert_eq!(set.next().await, Some(1));
        assert_eq!(set.size_hint(), (1, Some(1)));
        assert_eq!(set.next().await, Some(2));
        assert!(set.is_terminated());
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});
