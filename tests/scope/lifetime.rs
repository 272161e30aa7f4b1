//! How a scope runs to its end: L1, L2, L8 and L11.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use crate::life::{Counter, Gate, Log, poll_once, run, settle};
use futures_lite::future::yield_now;
use taskpen::{TryScope, try_scope};

/// L1: the body is done, but a child is not: the scope returns only after that one, and every
/// future has been dropped by then.
each_form!(return_after_the_last_child, |scope, ok| {
    let (drops, gate) = (Counter::default(), Gate::default());
    let mut scoped = pin!(scope(async |s| {
        for _ in 0..3 {
            let guard = drops.guard();
            s.spawn(async move {
                let _guard = guard;
                ok(())
            });
        }
        let (guard, gate) = (drops.guard(), gate.wait());
        s.spawn(async move {
            let _guard = guard;
            gate.await;
            ok(())
        });
        ok(7)
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(drops.get(), 3);
    gate.open();
    assert_eq!(settle(scoped.as_mut()), Poll::Ready(ok(7)));
    assert_eq!(drops.get(), 4);
});

/// L1: a child that spawns the next one, and so on: all are done when the scope returns.
each_form!(return_after_children_of_children, |scope, ok| {
    let (polled, drops) = (AtomicUsize::new(0), Counter::default());
    let (polled, shared_drops) = (&polled, &drops);
    let outcome = run(scope(async |s| {
        for _ in 0..10 {
            s.spawn_with(async move |s| {
                let _guard = shared_drops.guard();
                for _ in 0..10 {
                    s.spawn_with(async move |s| {
                        let _guard = shared_drops.guard();
                        yield_now().await;
                        s.spawn(async move {
                            let _guard = shared_drops.guard();
                            yield_now().await;
                            polled.fetch_add(1, SeqCst);
                            ok(())
                        });
                        ok(())
                    });
                }
                ok(())
            });
        }
        ok(())
    }));
    assert_eq!(outcome, ok(()));
    assert_eq!(polled.load(SeqCst), 100);
    assert_eq!(drops.get(), 10 + 100 + 100);
});

/// L1: a child that was cancelled does not keep the scope open, and has been dropped.
each_form!(return_after_a_cancelled_child, |scope, ok| {
    let drops = Counter::default();
    let outcome = run(scope(async |s| {
        let guard = drops.guard();
        let endless = s.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
            ok(())
        });
        yield_now().await;
        drop(endless.cancel());
        ok(())
    }));
    assert_eq!(outcome, ok(()));
    assert_eq!(drops.get(), 1);
});

/// L2: body, then ordinary children and what they still spawn, then the background children
/// are cancelled, then the value is returned.
each_form!(order_of_a_normal_end, |scope, ok| {
    let (log, gate) = (Log::default(), Gate::default());
    let mut scoped = pin!(scope(async |s| {
        let kept = log.on_drop("background dropped");
        s.spawn_background(async move {
            let _kept = kept;
            pending::<()>().await;
            ok(())
        });
        let (log_of_child, gate) = (log.clone(), gate.clone());
        s.spawn_with(async move |s| {
            gate.wait().await;
            log_of_child.note("ordinary");
            s.spawn(async move {
                yield_now().await;
                log_of_child.note("sibling");
                ok(())
            });
            ok(())
        });
        log.note("body");
        ok(log.on_drop("value dropped"))
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(log.events(), ["body"]);
    gate.open();
    let value = settle(scoped.as_mut());
    assert!(value.is_ready());
    let order = ["body", "ordinary", "sibling", "background dropped"];
    assert_eq!(log.events(), order);
    drop(value);
    assert_eq!(log.events().last(), Some(&"value dropped"));
});

/// L2: as long as an ordinary child lives, a background child may add another one, for which
/// the scope waits in turn.
each_form!(ordinary_children_of_a_background_child, |scope, ok| {
    let gates: [Gate; 3] = Default::default();
    let drops = Counter::default();
    let mut scoped = pin!(scope(async |s| {
        let [spawning, first, second] = gates.clone();
        let guard = drops.guard();
        s.spawn(async move {
            first.wait().await;
            ok(())
        });
        s.spawn_with(async move |s| {
            let outer = s.clone();
            s.spawn_background(async move {
                let _guard = guard;
                spawning.wait().await;
                outer.spawn(async move {
                    second.wait().await;
                    ok(())
                });
                pending::<()>().await;
                ok(())
            });
            ok(())
        });
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    gates[0].open();
    assert!(settle(scoped.as_mut()).is_pending());
    gates[1].open();
    // The first ordinary child is gone; the one that the background child spawned is not.
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(drops.get(), 0);
    gates[2].open();
    assert_eq!(settle(scoped.as_mut()), Poll::Ready(ok(())));
    assert_eq!(drops.get(), 1);
});

/// L2, trap 12: background children that wake themselves for ever don't keep the scope open.
/// What decides is a count, not an empty queue.
each_form!(self_waking_background_children, |scope, ok| {
    let outcome = run(scope(async |s| {
        for _ in 0..3 {
            s.spawn_background(async move {
                loop {
                    yield_now().await;
                }
                #[allow(unreachable_code)]
                ok(())
            });
        }
        s.spawn(async move {
            yield_now().await;
            ok(())
        });
        yield_now().await;
        ok(())
    }));
    assert_eq!(outcome, ok(()));
});

/// L8: an empty scope returns at its first poll.
each_form!(empty_scope, |scope, ok| {
    assert_eq!(poll_once(pin!(scope(|_| ready(ok(3))))), Poll::Ready(ok(3)));
    assert_eq!(poll_once(pin!(scope(async |_| ok(3)))), Poll::Ready(ok(3)));
});

/// L3, L11: polling a scope that returned panics and starts nothing; dropping it drops nothing
/// twice, the value that it gave included.
each_form!(drop_and_poll_after_the_end, |scope, ok| {
    let (calls, drops) = (Counter::default(), Counter::default());
    let mut scoped = Box::pin(scope(async |s| {
        calls.add();
        let guard = drops.guard();
        s.spawn(async move {
            let _guard = guard;
            ok(())
        });
        ok(drops.guard())
    }));
    let value = settle(scoped.as_mut());
    assert!(value.is_ready());
    assert_eq!(drops.get(), 1);
    let again = catch_unwind(AssertUnwindSafe(|| poll_once(scoped.as_mut()).is_ready()));
    let message = again.unwrap_err();
    let message = message.downcast_ref::<&str>().expect("a message");
    assert!(message.contains("polled after"), "{message}");
    drop(scoped);
    assert_eq!((calls.get(), drops.get()), (1, 1));
    drop(value);
    assert_eq!(drops.get(), 2);
});

/// L3, L11: the same for a scope that an `Err` ended.
#[test]
fn drop_and_poll_after_an_error() {
    let drops = Counter::default();
    let mut scoped = Box::pin(try_scope(async |s: TryScope<'_, &str>| {
        let guard = drops.guard();
        s.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
            Ok(())
        });
        s.spawn(async { Err::<(), _>("failed") });
        s.spawn(pending::<Result<(), _>>()).await;
        Ok(())
    }));
    assert_eq!(settle(scoped.as_mut()), Poll::Ready(Err("failed")));
    assert_eq!(drops.get(), 1);
    let again = catch_unwind(AssertUnwindSafe(|| poll_once(scoped.as_mut())));
    assert!(again.is_err());
    drop(scoped);
    assert_eq!(drops.get(), 1);
}
