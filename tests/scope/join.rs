//! Handles that leave: `join`, which never panics for a child that was cancelled; handles that
//! cancel their child; and handles of a scope that can be stored anywhere.
#![allow(clippy::async_yields_async)] // a handle that leaves its scope is what is tested
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::lenders::Pool;
use crate::life::{Counter, Gate, Wakes, let_run, poll_once, poll_with, run, settle, watched};
use futures_lite::FutureExt;
use futures_lite::future::{block_on, yield_now};
use taskpen::{JoinHandle, Scope, TryScope, local_scope, scope, try_scope};

/// H6: `join` gives the value of a child that finished, at once or later, in its scope or out of
/// it.
each_form!(join_a_value, |scope, ok| {
    let gate = Gate::default();
    let left = Mutex::new(None);
    run(scope(async |s| {
        let waits = gate.clone();
        let child = s.spawn(async move {
            waits.wait().await;
            ok(1)
        });
        let mut join = pin!(child.join());
        assert!(poll_once(join.as_mut()).is_pending());
        gate.open();
        assert_eq!(join.await, Some(1));
        *left.lock().unwrap() = Some(s.spawn(async { ok(2) }));
        let_run().await;
        ok(())
    }));
    let left = left.into_inner().unwrap().unwrap();
    assert_eq!(block_on(left.join()), Some(2));
});

/// H6: `join` gives `None` whatever cancelled the child: the end of its scope, a drop of it, an
/// `Err`, or the refusal of a scope that had ended.
#[test]
fn join_what_was_cancelled() {
    let ended = run(scope(async |s| s.spawn_background(pending::<u8>())));
    assert_eq!(block_on(ended.join()), None);

    let shown = Arc::new(Mutex::new(None));
    let to_show = Arc::clone(&shown);
    let mut dropped = Box::pin(scope(async move |s: Scope<'static>| {
        *to_show.lock().unwrap() = Some(s.spawn(pending::<u8>()));
        pending::<()>().await;
    }));
    assert!(settle(dropped.as_mut()).is_pending());
    let handle = shown.lock().unwrap().take().unwrap();
    let (wakes, waker) = Wakes::waker();
    let mut join = pin!(handle.join());
    assert!(poll_with(join.as_mut(), &waker).is_pending());
    drop(dropped);
    assert_eq!(wakes.count(), 1);
    assert_eq!(block_on(join), None);

    let failed = Mutex::new(None);
    run(try_scope(async |s: TryScope<'_, ()>| {
        *failed.lock().unwrap() = Some(s.spawn(pending::<Result<u8, ()>>()));
        Err::<(), _>(())
    }))
    .unwrap_err();
    let handle = failed.into_inner().unwrap().unwrap();
    assert_eq!(block_on(handle.join()), None);

    let over = run(scope(async |s| s));
    assert_eq!(block_on(over.spawn(async { 1 }).join()), None);
}

/// H6: the bystander: a handle that was sent to another scope, whose own scope then fails, does
/// that scope no harm.
#[test]
fn bystander() {
    let joined = run(scope(async |outer| {
        let (give, take) = futures::channel::oneshot::channel();
        let bystander = outer.spawn(async {
            let handle: JoinHandle<'_, u8> = take.await.unwrap();
            handle.join().await
        });
        let failed: Result<(), &str> = try_scope(async |s: TryScope<'_, &str>| {
            give.send(s.spawn(pending())).unwrap();
            yield_now().await;
            Err("its own scope fails")
        })
        .await;
        assert!(failed.is_err());
        bystander.await
    }));
    assert_eq!(joined, None);
}

/// H1, H6: a `join` that is dropped neither cancels the child nor waits for it.
#[test]
fn dropped_join() {
    let done = Counter::default();
    run(scope(async |s| {
        let counts = done.clone();
        let child = s.spawn(async move {
            yield_now().await;
            counts.add();
        });
        let mut join = Box::pin(child.join());
        assert!(poll_once(join.as_mut()).is_pending());
        drop(join);
    }));
    assert_eq!(done.get(), 1);
}

/// `join` panics when it is polled after it resolved, as every future may, and for nothing else.
#[test]
fn join_polled_again() {
    run(scope(async |s| {
        let mut join = s.spawn(async { 1 }).join();
        assert_eq!((&mut join).await, Some(1));
        let again = catch_unwind(AssertUnwindSafe(|| poll_once(pin!(&mut join))));
        assert!(again.is_err());
    }));
}

/// H7: a handle that cancels on drop does so at once, whether it is dropped alone, within a `join`,
/// or by the unwinding of the code that has it; and the scope does not wait.
#[test]
fn cancel_on_drop() {
    let ways: [fn(JoinHandle<'_, ()>); 3] = [
        |handle| drop(handle),
        |handle| drop(handle.join()),
        |handle| {
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                let _handle = handle;
                std::panic::resume_unwind(Box::new("on the way"));
            }));
            assert!(unwound.is_err());
        },
    ];
    for let_go in ways {
        let gone = Counter::default();
        run(scope(async |s| {
            let guard = gone.guard();
            let child = s.spawn(async move {
                pending::<()>().await;
                drop(guard);
            });
            let child = child.cancel_on_drop();
            let_run().await;
            assert_eq!(gone.get(), 0);
            let_go(child);
            let_run().await;
            assert_eq!((gone.get(), s.len()), (1, 0));
        }));
    }
}

/// H7: it does not cancel a child that was awaited to its end, nor one that has finished; and it
/// cancels one that never ran.
#[test]
fn cancel_on_drop_of_what_has_finished() {
    let ran = Counter::default();
    run(scope(async |s| {
        let child = |ran: &Counter| {
            let ran = ran.clone();
            async move { ran.add() }
        };
        s.spawn(child(&ran)).cancel_on_drop().await;
        assert_eq!(ran.get(), 1);
        assert_eq!(s.spawn(child(&ran)).cancel_on_drop().join().await, Some(()));
        let finished = s.spawn(child(&ran)).cancel_on_drop();
        let_run().await;
        assert!(finished.is_finished() && !finished.is_cancelled());
        drop(finished);
        drop(s.spawn(child(&ran)).cancel_on_drop());
    }));
    assert_eq!(ran.get(), 3);
}

/// H7: it may be dropped by the child itself, by a child on a helper, and long after the scope.
#[test]
fn cancel_on_drop_anywhere() {
    watched(|| {
        let own: Arc<Mutex<Option<JoinHandle<'static, ()>>>> = Arc::default();
        let of_child = Arc::clone(&own);
        block_on(scope(async move |s: Scope<'static>| {
            let child = s.spawn(async move {
                yield_now().await;
                drop(of_child.lock().unwrap().take());
                pending::<()>().await;
            });
            *own.lock().unwrap() = Some(child.cancel_on_drop());
        }));

        let late = block_on(scope(async |s| {
            s.spawn_background(pending::<()>()).cancel_on_drop()
        }));
        drop(late);

        block_on(
            scope(async |s| {
                for _ in 0..100 {
                    let endless = s.spawn(pending::<()>()).cancel_on_drop();
                    s.spawn(async move {
                        thread::yield_now();
                        drop(endless);
                    });
                }
            })
            .on(Pool::new(3)),
        );
    });
}

/// A handle that is static spawns children of the same scope, wherever it is stored: they are
/// waited for, they are refused once it has ended, and an `Err` of theirs ends a fallible scope.
#[test]
fn static_handles() {
    struct Cache(Scope<'static>);
    let done = Counter::default();
    let local = String::from("borrowed by others");
    let escaped = run(scope(async |s| {
        let cache = Cache(s.to_static());
        let counts = done.clone();
        cache.0.spawn(async move {
            yield_now().await;
            counts.add();
        });
        s.spawn(async { assert!(!local.is_empty()) });
        assert_eq!((s.len(), cache.0.len()), (2, 2));
        cache
    }));
    assert_eq!(done.get(), 1);
    assert!(escaped.0.is_ended());
    assert!(escaped.0.spawn(async {}).is_cancelled());

    let failed = run(try_scope(async |s: TryScope<'_, &'static str>| {
        let stored: TryScope<'static, &'static str> = s.to_static();
        stored.spawn(async { Err::<(), _>("through the static handle") });
        pending().await
    }));
    assert_eq!(failed, Err::<(), _>("through the static handle"));

    let isolated = run(try_scope(async |s: TryScope<'_, &'static str>| {
        Ok(Scope::to_static(&s)
            .spawn(async { Err::<(), _>("isolated") })
            .await)
    }));
    assert_eq!(isolated, Ok(Err("isolated")));

    run(local_scope(async |s| {
        let stays = std::rc::Rc::new(());
        s.to_static().spawn(async move { drop(stays) });
    }));
}

/// A child that captures handles, sets and tokens can be caught without `AssertUnwindSafe`.
#[test]
fn caught_children() {
    let caught = run(scope(async |s| {
        let (s, token, handle) = (s.clone(), s.stop_token(), s.spawn(async {}));
        let mut set = s.join_set();
        set.spawn(async { 1 });
        let child = async move {
            assert!(!token.stop_requested());
            handle.await;
            s.spawn(async {}).await;
            // Not `join_next`: to await it is to hold a `&mut`, which std says is not unwind safe.
            assert_eq!(set.try_join_next(), Some(2), "panics on purpose");
        };
        child.catch_unwind().await
    }));
    assert!(caught.is_err());
}
