//! What is dropped, and when, if a scope is dropped: L3.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;

use crate::life::{Counter, Gate, Log, OnDrop, poll_once, run, settle};
use futures_lite::FutureExt;
use futures_lite::future::yield_now;
use taskpen::scope;

/// L3, L8: a scope that was never polled ran nothing; dropping it drops the closure of the
/// body, and with it what that holds.
each_form!(drop_of_an_unpolled_scope, |scope, ok| {
    let (calls, drops) = (Counter::default(), Counter::default());
    let (called, guard) = (calls.clone(), drops.guard());
    let scoped = scope(move |_| {
        called.add();
        async move {
            let _guard = guard;
            ok(())
        }
    });
    assert_eq!((calls.get(), drops.get()), (0, 0));
    drop(scoped);
    assert_eq!((calls.get(), drops.get()), (0, 1));
});

/// L3: ten thousand suspended children, half of them background ones. None is alive when
/// `drop` returns.
each_form!(drop_of_suspended_children, |scope, ok| {
    let (polls, drops) = (Counter::default(), Counter::default());
    let mut scoped = Box::pin(scope(async |s| {
        for index in 0..10_000 {
            let (polls, guard) = (polls.clone(), drops.guard());
            let child = async move {
                let _guard = guard;
                polls.add();
                pending::<()>().await;
                ok(())
            };
            match index % 2 {
                0 => drop(s.spawn(child)),
                _ => drop(s.spawn_background(child)),
            }
        }
        pending::<()>().await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!((polls.get(), drops.get()), (10_000, 0));
    drop(scoped);
    assert_eq!((polls.get(), drops.get()), (10_000, 10_000));
});

/// L3: after one poll some children are suspended and the others never ran. The latter are
/// dropped unpolled.
each_form!(drop_after_the_first_poll, |scope, ok| {
    let (polls, drops) = (Counter::default(), Counter::default());
    let mut scoped = Box::pin(
        scope(async |s| {
            for _ in 0..10_000 {
                let (polls, guard) = (polls.clone(), drops.guard());
                s.spawn(async move {
                    let _guard = guard;
                    polls.add();
                    pending::<()>().await;
                    ok(())
                });
            }
            ok(())
        })
        .serial(),
    );
    assert!(poll_once(scoped.as_mut()).is_pending());
    let polled = polls.get();
    assert!(0 < polled && polled < 10_000);
    drop(scoped);
    assert_eq!((polls.get(), drops.get()), (polled, 10_000));
});

/// L3: one child in each state that it can be in between two polls. Each future is dropped once.
each_form!(drop_of_children_in_every_state, |scope, ok| {
    let drops = Counter::default();
    let gates: [Gate; 2] = Default::default();
    let mut scoped = Box::pin(
        scope(async |s| {
            let guarded = |gate: &Gate| {
                let (guard, gate) = (drops.guard(), gate.wait());
                async move {
                    let _guard = guard;
                    gate.await;
                    ok(())
                }
            };
            s.spawn(guarded(&gates[0]));
            s.spawn(guarded(&gates[1]));
            let guard = drops.guard();
            let _unread = s.spawn(async move { ok(guard) });
            let cancelled = s.spawn(guarded(&Gate::default()));
            s.spawn_background(guarded(&Gate::default()));
            yield_now().await;
            drop(cancelled.cancel());
            yield_now().await;
            for _ in 0..1000 {
                s.spawn(guarded(&Gate::default())); // most of them never run
            }
            let cancelled_last = s.spawn(guarded(&Gate::default()));
            drop(cancelled_last.cancel());
            pending::<()>().await;
            ok(())
        })
        .serial(),
    );
    assert!(poll_once(scoped.as_mut()).is_pending());
    gates[0].knock();
    assert_eq!(drops.get(), 1); // the one that was cancelled after it had been suspended
    drop(scoped);
    assert_eq!(drops.get(), 6 + 1000);
});

/// L3: the body is dropped first, then the children; then `drop` returns.
each_form!(drop_order, |scope, ok| {
    let log = Log::default();
    let mut scoped = Box::pin(scope(async |s| {
        let _body = log.on_drop("body");
        let kept = log.on_drop("child");
        s.spawn(async move {
            let _kept = kept;
            pending::<()>().await;
            ok(())
        });
        pending::<()>().await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert!(log.events().is_empty());
    drop(scoped);
    assert_eq!(log.events(), ["body", "child"]);
});

/// L3: the scope is dropped while the thread unwinds, as a caller's panic does it.
each_form!(drop_while_unwinding, |scope, ok| {
    let drops = Counter::default();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut scoped = Box::pin(scope(async |s| {
            for _ in 0..10 {
                let guard = drops.guard();
                s.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                    ok(())
                });
            }
            ok(())
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        panic!("the caller");
    }));
    assert!(unwound.is_err());
    assert_eq!(drops.get(), 10);
});

/// L3, L11: a scope whose child panicked has dropped everything when the panic leaves `poll`.
/// Dropping it afterwards does nothing more, polling it panics.
each_form!(drop_after_a_panic, |scope, ok| {
    let drops = Counter::default();
    let mut scoped = Box::pin(scope(async |s| {
        let _body = drops.guard();
        for _ in 0..10 {
            let guard = drops.guard();
            s.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
                ok(())
            });
        }
        s.spawn(async move {
            panic!("the child");
            #[allow(unreachable_code)]
            ok(())
        });
        pending::<()>().await;
        ok(())
    }));
    let first = catch_unwind(AssertUnwindSafe(|| settle(scoped.as_mut()).is_ready()));
    assert_eq!(first.unwrap_err().downcast_ref(), Some(&"the child"));
    assert_eq!(drops.get(), 11);
    let second = catch_unwind(AssertUnwindSafe(|| poll_once(scoped.as_mut()).is_ready()));
    assert!(second.is_err());
    drop(scoped);
    assert_eq!(drops.get(), 11);
});

/// L3: a scope that one thread polled is dropped by another one, which drops the children.
#[test]
fn drop_on_another_thread() {
    let (sender, receiver) = channel();
    let mut scoped = Box::pin(scope(async move |s| {
        for _ in 0..100 {
            let sender = sender.clone();
            let report = OnDrop::new(move || sender.send(thread::current().id()).unwrap());
            s.spawn(async move {
                let _report = report;
                pending::<()>().await;
            });
        }
        pending::<()>().await;
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    let dropper = thread::spawn(move || {
        drop(scoped);
        thread::current().id()
    });
    let dropper = dropper.join().unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [dropper; 100]);
}

/// L3: what everybody uses it for: a combinator that drops the loser cancels the whole tree.
#[test]
fn drop_by_a_combinator() {
    let drops = Counter::default();
    let shared_drops = &drops;
    let work = async {
        scope(async |s| {
            s.spawn(async move {
                scope(async |s| {
                    let guard = shared_drops.guard();
                    s.spawn(async move {
                        let _guard = guard;
                        pending::<()>().await;
                    });
                    let _guard = shared_drops.guard();
                    pending::<()>().await;
                })
                .await;
            });
            let _guard = shared_drops.guard();
            pending::<()>().await;
        })
        .await;
        "finished"
    };
    let stop = async {
        yield_now().await;
        "stopped"
    };
    assert_eq!(run(work.or(stop)), "stopped");
    assert_eq!(drops.get(), 3);
}
