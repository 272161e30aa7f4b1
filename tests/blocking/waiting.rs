//! Closures on the blocking pool: the scope waits for those that run, on every way out. The ids are
//! those of `tests/README.md`.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::thread;

use crate::blocked::{Blocked, LIMIT};
use crate::life::{Counter, Gate, Wakes, poll_with, settle, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Cause, Scope, TryScope, scope, try_scope};

/// A scope that has been polled, and has a closure running.
fn start<T>(mut scoped: Pin<&mut (impl Future<Output = T> + ?Sized)>, blocked: &Blocked) {
    assert!(settle(scoped.as_mut()).is_pending());
    blocked.wait_for_start();
}

/// B1: a closure runs on another thread, once, and its value comes through the handle.
each_form!(value, |scope, ok| {
    let here = thread::current().id();
    let called = Counter::default();
    let result = block_on(scope(async |s| {
        let call = called.clone();
        let child = s.spawn_blocking(move || {
            call.add();
            ok((thread::current().id(), String::from("value")))
        });
        assert_eq!(s.len(), 1);
        let (thread, value) = child.await;
        assert_ne!(thread, here);
        ok(value)
    }));
    assert_eq!(result, ok(String::from("value")));
    assert_eq!(called.get(), 1);
});

/// B1: siblings run on while a closure blocks; its end wakes the scope.
#[test]
fn siblings_run_on() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| 7);
        let value = block_on(scope(async |s| {
            let child = s.spawn_blocking(closure);
            // Only a sibling that runs lets it go.
            s.spawn(async move {
                blocked.started().await;
                blocked.let_go();
            });
            child.await
        }));
        assert_eq!(value, 7);
    });
}

/// B3: a scope whose body returns waits for the closure, without blocking.
each_form!(return_waits, |scope, ok| {
    let (mut blocked, closure) = Blocked::new(move || ok(()));
    let mut scoped = Box::pin(scope(async |s| {
        s.spawn_blocking(closure);
        ok(())
    }));
    start(scoped.as_mut(), &blocked);
    assert!(settle(scoped.as_mut()).is_pending());
    blocked.let_go();
    assert_eq!(block_on(scoped), ok(()));
    assert!(blocked.has_ended());
});

/// B3: a background closure that is running is waited for, without blocking, when the scope has
/// ended; it does not keep that open.
each_form!(background, |scope, ok| {
    let (mut blocked, closure) = Blocked::new(move || ok(()));
    let (finish, shown) = (Gate::default(), Mutex::new(None));
    let mut scoped = Box::pin(scope(async |s| {
        s.spawn_blocking_background(closure);
        *shown.lock().unwrap() = Some(s.clone());
        finish.wait().await;
        ok(())
    }));
    start(scoped.as_mut(), &blocked);
    finish.open();
    assert!(settle(scoped.as_mut()).is_pending());
    let is_ended = shown.lock().unwrap().as_ref().unwrap().is_ended();
    assert!(is_ended && !blocked.has_ended());
    blocked.let_go();
    assert_eq!(block_on(scoped), ok(()));
    assert!(blocked.has_ended());
});

/// B3: an `Err` drops the other children at once. The poll does not block but is pending until the
/// closure has returned, and then gives the `Err`; the task it belongs to is woken for that once.
#[test]
fn error_waits() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| Ok(()));
        let (fail, dropped) = (Gate::default(), Counter::default());
        let mut scoped = Box::pin(try_scope(async |s: TryScope<'_, &str>| {
            s.spawn_blocking(closure);
            let guards = [dropped.guard(), dropped.guard()];
            s.spawn(async move {
                pending::<()>().await;
                drop(guards);
                Ok(())
            });
            fail.wait().await;
            Err::<(), _>("failed")
        }));
        start(scoped.as_mut(), &blocked);
        fail.open();

        let (stale, stale_waker) = Wakes::waker();
        assert!(poll_with(scoped.as_mut(), &stale_waker).is_pending());
        assert_eq!(dropped.get(), 2);
        let (woken, waits) = channel();
        let waker = Waker::from(Arc::new(Sends(Mutex::new(woken))));
        assert!(poll_with(scoped.as_mut(), &waker).is_pending());
        assert!(waits.try_recv().is_err() && !blocked.has_ended());

        blocked.let_go();
        waits.recv_timeout(LIMIT).expect("the end wakes the task");
        assert!(blocked.has_ended());
        let result = poll_with(scoped.as_mut(), &waker);
        assert_eq!(result, Poll::Ready(Err("failed")));
        assert!(waits.try_recv().is_err());
        assert_eq!((stale.count(), Arc::strong_count(&stale)), (0, 2));
    });
}

/// Sends a message when it is woken.
struct Sends(Mutex<Sender<()>>);

impl Wake for Sends {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().send(()).unwrap();
    }
}

/// B3: so does a panic, whose payload is raised when the closure has returned.
#[test]
fn panic_waits() {
    watched(|| {
        for child_panics in [false, true] {
            let (mut blocked, closure) = Blocked::new(|| ());
            let (fail, dropped) = (Gate::default(), Counter::default());
            let mut scoped = Box::pin(scope(async |s| {
                s.spawn_blocking(closure);
                let guard = dropped.guard();
                s.spawn(async move {
                    pending::<()>().await;
                    drop(guard);
                });
                fail.wait().await;
                if child_panics {
                    s.spawn(async { resume_unwind(Box::new("child")) });
                    pending::<()>().await;
                }
                resume_unwind(Box::new("body"))
            }));
            start::<()>(scoped.as_mut(), &blocked);
            fail.open();
            assert!(settle(scoped.as_mut()).is_pending());
            assert_eq!((dropped.get(), blocked.has_ended()), (1, false));
            blocked.let_go();
            let payload = catch_unwind(AssertUnwindSafe(|| block_on(scoped))).unwrap_err();
            let expected = if child_panics { "child" } else { "body" };
            assert_eq!(payload.downcast_ref(), Some(&expected));
            assert!(blocked.has_ended());
        }
    });
}

/// B4: a closure learns through a token that something failed; the scope ends when it has returned.
#[test]
fn closures_learn() {
    watched(|| {
        let cause = Arc::new(Mutex::new(None));
        let shown = Arc::clone(&cause);
        let result = block_on(try_scope(async |s: TryScope<'_, &str>| {
            let token = s.stop_token();
            let (start, started) = channel();
            s.spawn_blocking(move || {
                start.send(()).unwrap();
                block_on(token.clone());
                *shown.lock().unwrap() = token.cause();
                Ok(())
            });
            s.spawn(async move {
                while started.try_recv().is_err() {
                    yield_now().await;
                }
                Err::<(), _>("failed")
            });
            Ok(())
        }));
        assert_eq!(result, Err("failed"));
        assert_eq!(*cause.lock().unwrap(), Some(Cause::Failed));
    });
}

/// B11: the closure of a forgotten scope runs on, and is no danger to anybody.
#[test]
fn forgotten_scope() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| Box::new(7));
        let mut scoped = Box::pin(scope(async |s| {
            s.spawn_blocking(closure).await;
        }));
        start(scoped.as_mut(), &blocked);
        std::mem::forget(scoped);
        assert!(!blocked.has_ended());
        blocked.let_go();
        while !blocked.has_ended() {
            thread::yield_now();
        }
    });
}

/// B12: a scope that a closure runs is inside that of the closure: it is cancelled with it.
#[test]
fn scope_in_a_closure() {
    watched(|| {
        let (start, started) = channel();
        let cause = block_on(scope(async |s: Scope<'_>| {
            let inner = s.spawn_blocking(move || {
                block_on(scope(async |s| {
                    start.send(()).unwrap();
                    s.stop_token().await;
                    s.stop_token().cause().unwrap()
                }))
            });
            while started.try_recv().is_err() {
                yield_now().await;
            }
            s.request_stop("stop");
            inner.await
        }));
        assert!(matches!(cause, Cause::Parent(_)), "{cause}");
        assert_eq!(cause.reason(), Some("stop"));
    });
}

/// B13: a scope that has ended refuses: the closure is dropped, and never runs.
#[test]
fn refusal() {
    let s: Scope<'static> = block_on(scope(async |s| s));
    let (called, dropped) = (Counter::default(), Counter::default());
    let (call, guard) = (called.clone(), dropped.guard());
    let handle = s.spawn_blocking(move || {
        let _guard = guard;
        call.add();
    });
    assert!(handle.is_cancelled());
    assert_eq!((called.get(), dropped.get()), (0, 1));
    assert_eq!(block_on(handle.cancel()), None);
    assert!(s.is_empty());
}

/// B2, B3, B4: scopes that are dropped, or fail, while the pool begins with their closures: when
/// the scope is over none begins any more; and those that ran have returned, if its end was
/// awaited.
#[test]
fn ends_at_any_moment() {
    watched(|| {
        for round in 0..300 {
            let (begun, ended) = (Counter::default(), Counter::default());
            let mut scoped = Box::pin(try_scope(async |s: TryScope<'_, ()>| {
                for _ in 0..8 {
                    let (begin, end) = (begun.clone(), ended.clone());
                    s.spawn_blocking(move || {
                        begin.add();
                        thread::yield_now();
                        end.add();
                        Ok(())
                    });
                }
                yield_now().await;
                Err::<(), _>(())
            }));
            match round % 2 {
                0 => {
                    assert_eq!(block_on(scoped), Err(()));
                    assert_eq!(ended.get(), begun.get());
                    let before = begun.get();
                    thread::yield_now();
                    assert_eq!(begun.get(), before);
                }
                _ => {
                    let (_, waker) = Wakes::waker();
                    let _ = poll_with(scoped.as_mut(), &waker);
                    (0..round % 7).for_each(|_| thread::yield_now());
                    drop(scoped);
                    while ended.get() < begun.get() {
                        thread::yield_now(); // it runs on alone
                    }
                }
            }
        }
    });
}
