//! Closures of a scope that is dropped: the drop does not wait, the scope around takes them over.
//! And when closures start. The ids are those of `tests/README.md`.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::blocked::{Blocked, LIMIT};
use crate::life::{Counter, Gate, OnDrop, Wakes, poll_with, settle, watched};
use futures_lite::future::{block_on, poll_once, yield_now};
use taskpen::{Cause, StopToken, TryScope, scope, try_scope};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A scope that has been polled, and has a closure running.
fn start<T>(mut scoped: Pin<&mut (impl Future<Output = T> + ?Sized)>, blocked: &Blocked) {
    assert!(settle(scoped.as_mut()).is_pending());
    blocked.wait_for_start();
}

/// B4: dropping the scope tells the closure, and does not wait for it; also on another thread than
/// the one that polled it.
#[test]
fn drop_does_not_wait() {
    watched(|| {
        for elsewhere in [false, true] {
            let (mut blocked, closure) = Blocked::new(|| ());
            let shown: Arc<Mutex<Option<StopToken>>> = Arc::default();
            let to_show = Arc::clone(&shown);
            let mut scoped = Box::pin(scope(async move |s| {
                *to_show.lock().unwrap() = Some(s.stop_token());
                s.spawn_blocking(closure);
                pending::<()>().await;
            }));
            start(scoped.as_mut(), &blocked);
            let token = shown.lock().unwrap().take().unwrap();
            let drop_it = move || drop(scoped);
            match elsewhere {
                false => drop_it(),
                true => thread::spawn(drop_it).join().unwrap(),
            }
            assert!(!blocked.has_ended());
            assert_eq!(token.cause(), Some(Cause::Dropped));
            blocked.let_go();
            blocked.wait_for_end();
        }
    });
}

/// B4: nor does the drop of a scope that waits for a closure after an `Err`, which wakes no task
/// afterwards.
#[test]
fn drop_while_waiting() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| Ok(()));
        let fail = Gate::default();
        let mut scoped = Box::pin(try_scope(async |s: TryScope<'_, ()>| {
            s.spawn_blocking(closure);
            fail.wait().await;
            Err::<(), _>(())
        }));
        start(scoped.as_mut(), &blocked);
        fail.open();
        let (wakes, waker) = Wakes::waker();
        assert!(poll_with(scoped.as_mut(), &waker).is_pending());
        drop(scoped);
        assert!(!blocked.has_ended());
        assert_eq!((wakes.count(), Arc::strong_count(&wakes)), (0, 2));
        blocked.let_go();
        blocked.wait_for_end();
        assert_eq!(wakes.count(), 0);
    });
}

/// B4: a scope that was left some time ago, and whose own closure is over, passes on what scopes
/// leave that had begun inside of it.
#[test]
fn left_later() {
    watched(|| {
        let (mut own, own_closure) = Blocked::new(|| ());
        let (inner_blocked, inner_closure) = Blocked::new(|| ());
        let inner_blocked = Mutex::new(inner_blocked);
        let left: Arc<Mutex<Option<Boxed>>> = Arc::default();
        let leave = Arc::clone(&left);
        let mut outer = Box::pin(scope(async |outer| {
            let mut middle = Box::pin(scope(async move |s| {
                s.spawn_blocking(own_closure);
                let mut inner: Boxed = Box::pin(scope(async move |s| {
                    s.spawn_blocking(inner_closure);
                    pending::<()>().await;
                }));
                assert!(poll_once(&mut inner).await.is_none()); // it begins in here
                *leave.lock().unwrap() = Some(inner);
                pending::<()>().await;
            }));
            assert!(poll_once(&mut middle).await.is_none());
            own.wait_for_start();
            inner_blocked.lock().unwrap().wait_for_start();
            drop(middle);
            own.let_go();
            while !outer.is_empty() {
                yield_now().await;
            }
            let inner = left.lock().unwrap().take();
            drop(inner);
        }));
        assert!(settle(outer.as_mut()).is_pending());
        inner_blocked.lock().unwrap().let_go();
        block_on(outer);
        assert!(inner_blocked.lock().unwrap().has_ended());
    });
}

/// B4: a scope that is dropped in another one leaves its closure to that, which goes on and returns
/// when the closure has; also through scopes that are dropped with it.
#[test]
fn taken_over() {
    watched(|| {
        for is_deep in [false, true] {
            let (mut blocked, closure) = Blocked::new(|| ());
            let (cancel, siblings) = (Gate::default(), Counter::default());
            let inner = scope(async move |s| {
                s.spawn_blocking(closure);
                pending::<()>().await;
            });
            let mut outer = Box::pin(scope(async |s| {
                let child = s.spawn(async move {
                    match is_deep {
                        false => inner.await,
                        true => scope(async move |s| s.spawn(inner).await).await,
                    }
                });
                cancel.wait().await;
                assert!(child.cancel().await.is_none());
                assert_eq!(s.len(), 1, "the closure is a child of this scope now");
                s.spawn(async { siblings.add() }).await;
            }));
            start(outer.as_mut(), &blocked);
            cancel.open();
            assert!(settle(outer.as_mut()).is_pending());
            assert_eq!((siblings.get(), blocked.has_ended()), (1, false));
            blocked.let_go();
            block_on(outer);
            assert!(blocked.has_ended());
        }
    });
}

/// B4: a scope that has left the one in which it began, and outlives it, leaves its closure to the
/// next one around that is not over.
#[test]
fn taken_over_by_the_next() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| ());
        let slot = Mutex::new(None);
        let finish = Gate::default();
        let mut outermost = Box::pin(scope(async |s| {
            let began = s.spawn(scope(async |_| {
                let mut inner = Box::pin(scope(async move |s| {
                    s.spawn_blocking(closure);
                    pending::<()>().await;
                }));
                assert!(crate::life::poll_once(inner.as_mut()).is_pending());
                *slot.lock().unwrap() = Some(inner);
            }));
            began.await;
            finish.wait().await;
        }));
        start(outermost.as_mut(), &blocked);
        drop(slot.lock().unwrap().take());
        finish.open();
        assert!(settle(outermost.as_mut()).is_pending() && !blocked.has_ended());
        blocked.let_go();
        block_on(outermost);
        assert!(blocked.has_ended());
    });
}

/// B4: the panic of a closure that was taken over, or of its value, is that of the scope which has
/// it.
#[test]
fn panic_of_a_closure_that_was_taken_over() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            resume_unwind(Box::new("late"))
        }
    }
    type Last = fn() -> Bad;
    watched(|| {
        for last in [(|| resume_unwind(Box::new("late"))) as Last, || Bad] {
            let (mut blocked, closure) = Blocked::new(last);
            let cancel = Gate::default();
            let mut outer = Box::pin(scope(async |s| {
                let child = s.spawn(scope(async move |s| {
                    s.spawn_blocking(closure);
                    pending::<()>().await;
                }));
                cancel.wait().await;
                drop(child.cancel());
                pending::<()>().await;
            }));
            start(outer.as_mut(), &blocked);
            cancel.open();
            assert!(settle(outer.as_mut()).is_pending());
            blocked.let_go();
            let payload = catch_unwind(AssertUnwindSafe(|| block_on(outer))).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"late"));
        }
    });
}

/// B5: with nothing around, what a closure leaves is dropped where it ends.
#[test]
fn alone() {
    type Any = Box<dyn std::any::Any + Send>;
    type Last = fn(Any) -> Any;
    watched(|| {
        let panics: Last = |payload| resume_unwind(payload);
        for last in [(|value| value) as Last, panics] {
            let (dropped, was_dropped) = channel();
            let left = OnDrop::new(move || dropped.send(thread::current().id()).unwrap());
            let left: Any = Box::new(left);
            let (mut blocked, closure) = Blocked::new(move || last(left));
            let mut scoped = Box::pin(scope(async |s| {
                s.spawn_blocking(closure);
                pending::<()>().await;
            }));
            start(scoped.as_mut(), &blocked);
            drop(scoped);
            blocked.let_go();
            let thread = was_dropped.recv_timeout(LIMIT).expect("it is dropped");
            assert_ne!(thread, thread::current().id());
        }
    });
}

/// B1: a closure runs while its spawner goes on, without another poll of the scope.
#[test]
fn starts_at_the_call() {
    watched(|| {
        let (send, sent) = channel();
        block_on(scope(async |s| {
            s.spawn_blocking(move || send.send(7).unwrap());
            assert_eq!(sent.recv_timeout(LIMIT), Ok(7));
        }));
    });
}

/// A closure may drop the scope it belongs to.
#[test]
fn closure_drops_its_scope() {
    watched(|| {
        type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
        let slot: Arc<Mutex<Option<Task>>> = Arc::default();
        let (to_drop, (ended, has_ended)) = (Arc::clone(&slot), channel());
        let (mut blocked, closure) = Blocked::new(move || {
            drop(to_drop.lock().unwrap().take());
            ended.send(()).unwrap();
        });
        let mut scoped: Task = Box::pin(scope(async move |s| {
            s.spawn_blocking(closure);
            pending().await
        }));
        start(scoped.as_mut(), &blocked);
        *slot.lock().unwrap() = Some(scoped);
        blocked.let_go();
        has_ended.recv_timeout(LIMIT).expect("it ends");
    });
}
