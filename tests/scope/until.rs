//! Ends that come from outside and are awaited: U. What is about closures is in `tests/blocking`.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll};

use crate::life::{Counter, Gate, OnDrop, settle, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Cause, TryScope, scope, try_scope};

/// What a future raises when it is run to its end.
fn raised_by<T>(future: impl Future<Output = T>) -> &'static str {
    let raised = catch_unwind(AssertUnwindSafe(|| drop(block_on(future))));
    let payload = raised.expect_err("it panics");
    payload.downcast_ref::<&str>().expect("it is one of ours")
}

/// U1: a scope that ends first gives its value, and what would have cut it off is dropped.
each_form!(value, |scope, ok| {
    let dropped = Counter::default();
    let guard = dropped.guard();
    let stop = async move {
        pending::<()>().await;
        drop(guard);
    };
    let work = scope(async |s| {
        let child = s.spawn(async {
            yield_now().await;
            ok(7)
        });
        let _ = child.await;
        ok(7)
    });
    assert_eq!(block_on(work.until(stop)), Some(ok(7)));
    assert_eq!(dropped.get(), 1);
});

/// U1: `None` if `stop` resolves first; body and children have been dropped by then, and the token
/// says so.
each_form!(cut_off, |scope, ok| {
    let dropped = Counter::default();
    let stop = Gate::default();
    let work = scope(async |s| {
        for _ in 0..10 {
            let guard = dropped.guard();
            s.spawn(async move {
                pending::<()>().await;
                drop(guard);
                ok(())
            });
        }
        let _guard = dropped.guard();
        pending::<()>().await;
        ok(())
    });
    let token = work.stop_token();
    let mut work = Box::pin(work.until(stop.wait()));
    assert!(settle(work.as_mut()).is_pending());
    assert_eq!((dropped.get(), token.cause()), (0, None));
    stop.open();
    assert_eq!(settle(work.as_mut()), Poll::Ready(None));
    assert_eq!((dropped.get(), token.cause()), (11, Some(Cause::Dropped)));
    let polled_again = catch_unwind(AssertUnwindSafe(|| settle(work.as_mut())));
    assert!(polled_again.is_err(), "it is over");
});

/// U1: a value that is there wins, also if the scope is polled for the first time; and a body that
/// has its value while children run has not: that value is dropped.
#[test]
fn whose_turn_it_is() {
    assert_eq!(block_on(scope(async |_| 7).until(ready(()))), Some(7));
    let dropped = Counter::default();
    let work = scope(async |s| {
        s.spawn(pending::<()>());
        dropped.guard()
    });
    assert!(block_on(work.until(ready(()))).is_none());
    assert_eq!(dropped.get(), 1);
}

/// U1: a scope that was cut off runs nothing afterwards, and `stop` is polled no more.
#[test]
fn nothing_after_the_end() {
    struct Once(bool);
    impl Future for Once {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            assert!(!std::mem::replace(&mut self.0, true), "polled again");
            Poll::Ready(())
        }
    }
    let polls = Counter::default();
    let work = scope(async |s| {
        s.spawn(async {
            loop {
                polls.add();
                yield_now().await;
            }
        });
        pending::<()>().await;
    });
    assert_eq!(block_on(work.until(Once(false))), None);
    let before = polls.get();
    assert!(before > 0);
    assert_eq!(
        block_on(scope(async |_| ()).until(pending::<()>())),
        Some(())
    );
    assert_eq!(polls.get(), before);
}

/// U3: dropping it is dropping the scope, before what would have cut it off.
#[test]
fn drop_of_it() {
    let children_gone = AtomicBool::new(false);
    let dropped = Counter::default();
    let (gone, guard) = (&children_gone, dropped.guard());
    let child = OnDrop::new(move || gone.store(true, SeqCst));
    let stop_guard = OnDrop::new(move || {
        assert!(gone.load(SeqCst));
        drop(guard);
    });
    let work = scope(async move |s| {
        s.spawn(async move {
            let _child = child;
            pending::<()>().await;
        });
    });
    let mut work = Box::pin(work.until(async move {
        let _guard = stop_guard;
        pending::<()>().await;
    }));
    assert!(settle(work.as_mut()).is_pending());
    drop(work);
    assert_eq!(dropped.get(), 1);
}

/// U4: an `Err` is returned, and a panic raised, as without `until`; also one from a destructor
/// when the scope is cut off, or of `stop` itself.
#[test]
fn failures() {
    struct Bad(&'static str);
    impl Drop for Bad {
        fn drop(&mut self) {
            resume_unwind(Box::new(self.0))
        }
    }
    watched(|| {
        let fails = try_scope(async |s: TryScope<'_, &str>| {
            s.spawn(async { Err::<(), _>("failed") });
            pending::<Result<(), _>>().await
        });
        assert_eq!(block_on(fails.until(pending::<()>())), Some(Err("failed")));

        let panics = scope(async |s| {
            s.spawn(async { resume_unwind(Box::new("child")) });
            pending::<()>().await;
        });
        assert_eq!(raised_by(panics.until(pending::<()>())), "child");

        let dropped = Counter::default();
        let work = scope(async |s| {
            let guards = (Bad("destructor"), dropped.guard());
            s.spawn(async move {
                let _guards = guards;
                pending::<()>().await;
            });
            let guard = dropped.guard();
            s.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            pending::<()>().await;
        });
        assert_eq!(raised_by(work.until(ready(()))), "destructor");
        assert_eq!(dropped.get(), 2);

        let value = scope(async |s| {
            s.spawn(pending::<()>());
            Bad("value")
        });
        assert_eq!(raised_by(value.until(ready(()))), "value");

        let stop = Bad("stop");
        let stop = async {
            ready(()).await;
            std::mem::forget(stop);
            Held(Bad("held")).await
        };
        let work = scope(async |_| pending::<()>().await);
        assert_eq!(raised_by(work.until(stop)), "held");
    });

    /// A future that is ready and whose destructor panics.
    struct Held(#[allow(dead_code)] Bad);
    impl Future for Held {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
}

/// U5: the token of a scope that was not polled yet is that of the scope: it asks, and after a
/// while the scope is cut off.
#[test]
fn ask_wait_cut_off() {
    for stops in [false, true] {
        let work = scope(async |s| {
            s.stop_token().await;
            if !stops {
                pending::<()>().await;
            }
            s.stop_cause().unwrap()
        });
        let token = work.stop_token();
        let outcome = block_on(work.until(async {
            token.request_stop("Ctrl-C");
            for _ in 0..10 {
                yield_now().await;
            }
        }));
        assert_eq!(outcome.is_some(), stops);
        if let Some(cause) = outcome {
            assert_eq!(cause.reason(), Some("Ctrl-C"));
        }
    }
}

/// U1, L9: it nests: a child that is cut off gives `None`, and its siblings go on.
#[test]
fn in_a_child() {
    let value = block_on(scope(async |s| {
        let inner = scope(async |s| s.spawn(pending::<()>()).await);
        let cut_off = s.spawn(inner.until(yield_now()));
        let sibling = s.spawn(async {
            yield_now().await;
            7
        });
        (cut_off.await, sibling.await)
    }));
    assert_eq!(value, (None, 7));
}
