//! A scope is cancelled with those around it. The ids are those of `tests/README.md`.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::lenders::Pool;
use crate::life::{
    Counter, Gate, OnDrop, Wakes, let_run, poll_once, poll_with, run, settle, watched,
};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Cause, Scope, StopToken, TryScope, scope, try_scope};

/// K6: a scope in a child, one in the body, and one in a scope in a child see the cancellation of
/// the outermost: whoever waits there is woken. They see why.
each_form!(cancelled_from_outside, |scope, ok| {
    let count = Counter::default();
    run(scope(async |s| {
        let counts = [count.clone(), count.clone(), count.clone()];
        let [in_child, in_grandchild, in_body] = counts;
        let waiting = Counter::default();
        let waits = waiting.clone();
        s.spawn(async move {
            taskpen::scope(async |s| {
                assert!(!s.stop_requested());
                taskpen::scope(async |s| {
                    waits.add();
                    s.stop_token().await;
                    in_grandchild.add();
                })
                .await;
                s.stop_token().await;
                let cause = s.stop_token().cause().unwrap();
                assert!(matches!(cause, Cause::Parent(_)), "{cause}");
                assert_eq!(cause.root().reason(), Some("stop"));
                assert_eq!(cause.reason(), Some("stop"));
                assert_eq!(cause.location().unwrap().file(), file!());
                assert!(cause.to_string().ends_with(": stop"), "{cause}");
                in_child.add();
            })
            .await;
            ok(())
        });
        let inner = taskpen::scope(async |inner| {
            while waiting.get() == 0 {
                yield_now().await;
            }
            s.request_stop("stop");
            assert!(inner.stop_requested());
            in_body.add();
        });
        inner.await;
        ok(())
    }));
    assert_eq!(count.get(), 3);
});

/// K6: a scope that begins in one that was cancelled is cancelled from the start.
#[test]
fn cancelled_before_it_began() {
    run(scope(async |s| {
        s.request_stop("enough");
        s.spawn(async {
            scope(async |s| {
                assert!(s.stop_requested());
                s.stop_token().await;
                let cause = s.stop_token().cause().unwrap();
                assert!(matches!(cause, Cause::Parent(_)));
            })
            .await;
        });
        scope(async |s| s.stop_token().await).await;
    }));
}

/// K6: cancellation goes inwards only: neither the scope around nor one beside it sees it.
#[test]
fn not_outwards() {
    run(scope(async |outer| {
        let (stop, stopped) = (Counter::default(), Counter::default());
        let beside = stop.clone();
        outer.spawn(async move {
            scope(async |s| {
                while beside.get() == 0 {
                    yield_now().await;
                }
                assert!(!s.stop_requested());
                stopped.add();
            })
            .await;
        });
        scope(async |s| {
            s.request_stop("enough");
            assert!(s.stop_requested());
        })
        .await;
        assert!(!outer.stop_requested());
        let token = outer.stop_token();
        assert!(!token.stop_requested());
        stop.add();
    }));
}

/// K6: whatever is the cause outside is the root of the cause inside: a failure, a panic, the end,
/// a drop. It is there before the inner scope is dropped.
#[test]
fn root_causes() {
    /// Runs a scope, with one inside it, to an end that `end` brings; what the token of the inner
    /// one says.
    fn cause_of(end: impl AsyncFn(&TryScope<'_, ()>)) -> Cause {
        let shown: Mutex<Option<StopToken>> = Mutex::new(None);
        let outer = try_scope(async |s: TryScope<'_, ()>| {
            s.spawn_background(async {
                scope(async |s| {
                    *shown.lock().unwrap() = Some(s.stop_token());
                    pending::<()>().await;
                })
                .await;
                Ok(())
            });
            yield_now().await;
            end(&s).await;
            Ok::<_, ()>(())
        });
        let _ = catch_unwind(AssertUnwindSafe(|| settle(pin!(outer))));
        shown.into_inner().unwrap().unwrap().cause().unwrap()
    }

    let parent = |root| Cause::Parent(std::sync::Arc::new(root));
    assert_eq!(cause_of(async |_| ()), parent(Cause::Ended));
    let failing = async |s: &TryScope<'_, ()>| {
        s.spawn(async { Err::<(), _>(()) });
        pending().await
    };
    assert_eq!(cause_of(failing), parent(Cause::Failed));
    let panicking = async |_: &TryScope<'_, ()>| resume_unwind(Box::new("body"));
    assert_eq!(cause_of(panicking), parent(Cause::Panicked));
    let endless = async |_: &TryScope<'_, ()>| pending().await;
    assert_eq!(cause_of(endless), parent(Cause::Dropped));
}

/// K3: the first cause of the inner scope is kept when the outer one is cancelled later, and the
/// other way round; whether or not somebody looked in between.
#[test]
fn first_cause() {
    let tokens = run(scope(async |outer| {
        let first = scope(async |s| {
            s.request_stop("inner");
            outer.request_stop("outer");
            s.stop_token()
        })
        .await;
        let second = scope(async |s| {
            s.request_stop("inner");
            s.stop_token()
        })
        .await;
        [first, second]
    }));
    let reasons = tokens.map(|token| token.cause().unwrap().reason().unwrap().to_owned());
    assert_eq!(reasons, ["inner", "outer"]);
}

/// K6: a scope that runs on a helper, in the child of another one, is nested in that.
#[test]
fn on_helpers() {
    watched(|| {
        let main = thread::current().id();
        let elsewhere = AtomicUsize::new(0);
        let busy = |until: &dyn Fn() -> bool| {
            let start = Instant::now();
            while !until() {
                assert!(start.elapsed() < Duration::from_secs(20), "nobody came");
                thread::yield_now();
            }
        };
        let (arrived, elsewhere) = (&AtomicUsize::new(0), &elsewhere);
        let busy = &busy;
        block_on(
            scope(async |outer| {
                // It takes long enough that help pays.
                outer.spawn(async move {
                    let start = Instant::now();
                    busy(&|| start.elapsed() > Duration::from_millis(1));
                });
                for _ in 0..3 {
                    outer.spawn(async move {
                        arrived.fetch_add(1, SeqCst);
                        busy(&|| arrived.load(SeqCst) == 3);
                        scope(async |s| {
                            let away = thread::current().id() != main;
                            elsewhere.fetch_add(usize::from(away), SeqCst);
                            s.spawn_with(async |s| s.stop_token().await);
                            s.stop_token().await;
                        })
                        .await;
                    });
                }
                while arrived.load(SeqCst) < 3 {
                    yield_now().await;
                }
                outer.request_stop("enough");
            })
            .on(Pool::new(2)),
        );
        assert_eq!(elsewhere.load(SeqCst), 2);
    });
}

/// K7: a scope belongs to the one in which it is polled first, wherever it was made, and wherever
/// it goes later.
#[test]
fn parent_by_first_poll() {
    // Made inside, polled outside.
    let orphans = run(scope(async |s| {
        s.request_stop("enough");
        [scope(async |s| s.stop_requested())]
    }));
    assert!(!run(orphans.into_iter().next().unwrap()));

    // Polled inside first, then outside.
    let tokens: Mutex<Vec<StopToken>> = Mutex::new(Vec::new());
    let (mut nested, outer) = run(scope(async |outer: Scope<'_>| {
        let mut nested = Box::pin(scope(async |s| {
            tokens.lock().unwrap().push(s.stop_token());
            s.stop_token().await;
        }));
        assert!(poll_once(nested.as_mut()).is_pending());
        (nested, outer)
    }));
    assert!(outer.is_ended());
    let token = tokens.lock().unwrap()[0].clone();
    assert!(matches!(token.cause(), Some(Cause::Parent(root)) if *root == Cause::Ended));
    assert!(poll_once(nested.as_mut()).is_ready());

    // Polled outside first, then inside.
    let mut scoped = Box::pin(scope(async |s| {
        while !s.stop_requested() {
            yield_now().await;
        }
    }));
    assert!(poll_once(scoped.as_mut()).is_pending());
    run(scope(async |outer| {
        outer.request_stop("enough");
        assert!(poll_once(scoped.as_mut()).is_pending());
    }));
}

/// K6: two scopes on one thread, one after the other, or one polled while the other is suspended,
/// have nothing to do with each other.
#[test]
fn beside_each_other() {
    let gates = [Gate::default(), Gate::default()];
    let mut first = Box::pin(scope(async |s| {
        gates[0].wait().await;
        s.request_stop("enough");
        pending::<()>().await;
    }));
    assert!(poll_once(first.as_mut()).is_pending());
    let mut second = Box::pin(scope(async |s| {
        let before = s.stop_requested();
        gates[1].wait().await;
        (before, s.stop_requested(), s.stop_token().cause())
    }));
    assert!(poll_once(second.as_mut()).is_pending());
    gates[0].open();
    assert!(settle(first.as_mut()).is_pending());
    gates[1].open();
    assert_eq!(run(second), (false, false, None));
    // Nor after a panic.
    let panicking = scope(async |s| {
        s.request_stop("enough");
        resume_unwind(Box::new("body"))
    });
    let _: Result<(), _> = catch_unwind(AssertUnwindSafe(|| run(panicking)));
    assert!(!run(scope(async |s| s.stop_requested())));
}

/// K6: a cancellation that comes from another thread reaches a waiter deep inside.
#[test]
fn from_another_thread() {
    fn nest(depth: usize, ready: mpsc::Sender<()>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(scope(async move |s| match depth {
            0 => {
                let mut waits = pin!(s.stop_token());
                assert!(poll_once(waits.as_mut()).is_pending());
                ready.send(()).unwrap();
                waits.await;
                assert!(s.stop_token().cause().unwrap().root().reason() == Some("stop"));
            }
            _ => nest(depth - 1, ready).await,
        }))
    }

    watched(|| {
        let (ready, is_ready) = mpsc::channel();
        block_on(scope(async |s| {
            let token = s.stop_token();
            s.spawn(nest(100, ready));
            thread::spawn(move || {
                is_ready.recv().unwrap();
                token.request_stop("stop");
            });
        }));
    });
}

/// K5: the token of a scope that was forgotten inside another one is cancelled with that.
#[test]
fn forgotten_inside() {
    let token = run(scope(async |_| {
        let shown = Mutex::new(None);
        let mut nested = Box::pin(scope(async |s| {
            *shown.lock().unwrap() = Some(s.stop_token());
            pending::<()>().await;
        }));
        assert!(poll_once(nested.as_mut()).is_pending());
        std::mem::forget(nested);
        let token = shown.lock().unwrap().take().unwrap();
        assert!(!token.stop_requested());
        token
    }));
    assert!(matches!(token.cause(), Some(Cause::Parent(root)) if *root == Cause::Ended));
}

/// K5: a token that is taken late says how its scope ended, whatever became of the outer one then.
#[test]
fn late_token() {
    run(scope(async |outer| {
        let s = scope(async |s| s).await;
        outer.request_stop("enough");
        assert!(s.stop_requested());
        assert_eq!(s.stop_token().cause(), Some(Cause::Ended));
    }));
}

/// K8: a waiter in a nested scope is woken once, though the scopes around it end after they were
/// cancelled.
#[test]
fn one_wake_each() {
    let is_told = AtomicBool::new(false);
    let (wakes, waker) = Wakes::waker();
    run(scope(async |outer| {
        scope(async |inner| {
            let mut waits = pin!(inner.stop_token());
            assert!(poll_with(waits.as_mut(), &waker).is_pending());
            outer.request_stop("enough");
            inner.request_stop("enough");
            waits.await;
            is_told.store(true, SeqCst);
        })
        .await;
    }));
    assert!(is_told.load(SeqCst));
    assert_eq!(wakes.count(), 1);
}

/// K6: a scope that the destructor of a child opens is inside the child's, whatever ends that.
#[test]
fn scope_in_a_destructor() {
    let seen = Mutex::new(Vec::new());
    let child = || {
        let on_drop = OnDrop::new(|| {
            let cause = run(scope(async |s| s.stop_cause())).map(|cause| cause.root().clone());
            seen.lock().unwrap().push(cause);
        });
        async move {
            let _on_drop = on_drop;
            pending().await
        }
    };
    let failed = run(try_scope(async |s: TryScope<'_, ()>| {
        s.spawn::<_, ()>(child());
        let_run().await;
        Err::<(), _>(())
    }));
    assert_eq!(failed, Err(()));
    let mut dropped = Box::pin(scope(async |s| s.spawn::<_>(child()).await));
    assert!(settle(dropped.as_mut()).is_pending());
    drop::<Pin<Box<_>>>(dropped);
    let causes = seen.into_inner().unwrap();
    assert_eq!(causes, [Some(Cause::Failed), Some(Cause::Dropped)]);
}
