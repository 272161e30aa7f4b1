//! Closures on the blocking pool that fail, are cancelled, or have destructors that do. The ids are
//! those of `tests/README.md`.

use std::any::Any;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::blocked::Blocked;
use crate::foreign::{Hooks, waker};
use crate::life::{Counter, Gate, OnDrop, poll_with, settle, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, TryLocalScope, TryScope, scope, try_local_scope, try_scope};

/// Panics, and prints nothing.
fn raise<T>(payload: &'static str) -> T {
    resume_unwind(Box::new(payload))
}

/// Raises its text when it is dropped.
struct Bad(&'static str);

impl Drop for Bad {
    fn drop(&mut self) {
        raise(self.0)
    }
}

/// What a future raises when it is run to its end.
fn raised_by<T>(future: impl Future<Output = T>) -> &'static str {
    let raised = catch_unwind(AssertUnwindSafe(|| drop(block_on(future))));
    text(&*raised.expect_err("it panics"))
}

fn text(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&str>().expect("it is one of ours")
}

/// A scope that has been polled, and has a closure running.
fn start<T>(mut scoped: Pin<&mut (impl Future<Output = T> + ?Sized)>, blocked: &Blocked) {
    assert!(settle(scoped.as_mut()).is_pending());
    blocked.wait_for_start();
}

/// B7: a closure that panics ends its scope, whether or not somebody awaits it: the others are
/// dropped, and its payload is raised.
#[test]
fn panic_of_a_closure() {
    watched(|| {
        for is_awaited in [false, true] {
            let dropped = Counter::default();
            let raised = raised_by(scope(async |s| {
                let guard = dropped.guard();
                s.spawn(async move {
                    pending::<()>().await;
                    drop(guard);
                });
                let fails = s.spawn_blocking(|| raise::<String>("closure"));
                if is_awaited {
                    fails.await;
                }
                pending::<()>().await;
            }));
            assert_eq!((raised, dropped.get()), ("closure", 1));
        }
    });
}

/// B7: a closure that panics while the scope waits for it, because of an `Err`, beats that; the
/// first panic beats it.
#[test]
fn late_panic_of_a_closure() {
    watched(|| {
        for body_panics in [false, true] {
            let (mut blocked, closure) = Blocked::new(|| raise::<Result<(), ()>>("closure"));
            let fail = Gate::default();
            let mut scoped = Box::pin(try_scope(async |s: TryScope<'_, ()>| {
                s.spawn_blocking(closure);
                fail.wait().await;
                match body_panics {
                    false => Err::<(), _>(()),
                    true => raise("body"),
                }
            }));
            start(scoped.as_mut(), &blocked);
            fail.open();
            assert!(settle(scoped.as_mut()).is_pending());
            blocked.let_go();
            let first = if body_panics { "body" } else { "closure" };
            assert_eq!(raised_by(scoped), first);
        }
    });
}

/// B5, B7, B10: a scope that is dropped raises nothing, whatever a closure does afterwards.
#[test]
fn failures_in_a_drop() {
    watched(|| {
        type Last = fn() -> Bad;
        for last in [(|| raise("closure")) as Last, || Bad("value")] {
            let (mut blocked, closure) = Blocked::new(last);
            let mut scoped = Box::pin(scope(async |s| {
                s.spawn_blocking(closure).await;
            }));
            start(scoped.as_mut(), &blocked);
            let drop_it = AssertUnwindSafe(|| drop(scoped));
            assert!(catch_unwind(drop_it).is_ok());
            blocked.let_go();
            blocked.wait_for_end();
        }
    });
}

/// Takes its time to be dropped, and says when that is done.
struct Slow(Arc<AtomicBool>);

impl Drop for Slow {
    fn drop(&mut self) {
        for _ in 0..1_000 {
            thread::yield_now();
        }
        self.0.store(true, SeqCst);
    }
}

/// B7: the payload of a panic that was not the first goes while the scope waits.
#[test]
fn payload_of_a_later_panic() {
    watched(|| {
        let dropped = Arc::<AtomicBool>::default();
        let payload = Slow(Arc::clone(&dropped));
        let (mut blocked, closure) = Blocked::new(move || resume_unwind(Box::new(payload)));
        let fail = Gate::default();
        let mut scoped = Box::pin(scope(async |s| {
            s.spawn_blocking(closure);
            fail.wait().await;
            raise("body")
        }));
        start(scoped.as_mut(), &blocked);
        fail.open();
        assert!(settle(scoped.as_mut()).is_pending());
        blocked.let_go();
        assert_eq!(raised_by::<()>(scoped), "body");
        assert!(dropped.load(SeqCst));
    });
}

/// F4: the error of a scope that is dropped while it waits for a closure goes quietly.
#[test]
fn error_in_a_drop() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| Ok(()));
        let fail = Gate::default();
        let mut scoped = Box::pin(try_scope(async |s: TryScope<'_, Bad>| {
            s.spawn_blocking(closure);
            fail.wait().await;
            s.spawn(async { Err::<(), _>(Bad("error")) });
            pending::<Result<(), Bad>>().await
        }));
        start(scoped.as_mut(), &blocked);
        fail.open();
        assert!(settle(scoped.as_mut()).is_pending());
        let drop_it = AssertUnwindSafe(|| drop(scoped));
        assert!(catch_unwind(drop_it).is_ok());
        blocked.let_go();
        blocked.wait_for_end();
    });
}

/// Panics when it is cloned.
struct NoClones;

impl Hooks for NoClones {
    fn on_clone(&self) {
        raise("clone")
    }
}

/// B3: a caller's waker that panics when it is cloned, while the scope waits, is the caller's own
/// trouble: the scope waits on.
#[test]
fn waker_that_panics() {
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
        assert!(settle(scoped.as_mut()).is_pending());
        let no_clones = waker(&Arc::new(NoClones));
        let poll = AssertUnwindSafe(|| poll_with(scoped.as_mut(), &no_clones));
        assert_eq!(text(&*catch_unwind(poll).unwrap_err()), "clone");
        assert!(settle(scoped.as_mut()).is_pending() && !blocked.has_ended());
        blocked.let_go();
        assert_eq!(block_on(scoped), Err(()));
        assert!(blocked.has_ended());
    });
}

/// B8: in a `try_scope` the `Err` of a closure ends the scope, and the handle gives the value of an
/// `Ok`.
#[test]
fn error_of_a_closure() {
    watched(|| {
        let fails = async |s: TryScope<'_, String>| {
            let good = s.spawn_blocking(|| Ok(7)).await;
            s.spawn_blocking(move || Err::<(), _>(format!("{good} is bad")));
            pending::<Result<(), _>>().await
        };
        assert_eq!(block_on(try_scope(fails)), Err(String::from("7 is bad")));
        let fails = async |s: TryLocalScope<'_, String>| {
            s.spawn_blocking(|| Err::<(), _>(String::from("bad")));
            pending::<Result<(), _>>().await
        };
        assert_eq!(block_on(try_local_scope(fails)), Err(String::from("bad")));
    });
}

/// B8: through the plain handle a `Result` is a value.
#[test]
fn error_that_is_isolated() {
    fn plain<'env>(s: &Scope<'env>) -> taskpen::JoinHandle<'env, Result<(), u8>> {
        s.spawn_blocking(|| Err(7))
    }
    let result = block_on(try_scope(async |s: TryScope<'_, u8>| Ok(plain(&s).await)));
    assert_eq!(result, Ok(Err(7)));
}

/// B9: to cancel the handle of a closure that is running lets it go: `cancel` resolves, the closure
/// counts as a child until it returns, and the scope waits for it. Its value is dropped with its
/// end, on its own thread.
#[test]
fn cancel_of_a_running_closure() {
    watched(|| {
        let dropped_on = Arc::new(Mutex::new(None));
        let note = Arc::clone(&dropped_on);
        let value = OnDrop::new(move || *note.lock().unwrap() = Some(thread::current().id()));
        let (mut blocked, closure) = Blocked::new(move || value);
        let (cancel, is_let_go) = (Gate::default(), Counter::default());
        let mut scoped = Box::pin(scope(async |s| {
            let child = s.spawn_blocking(closure);
            cancel.wait().await;
            assert!(child.cancel().await.is_none());
            assert_eq!((s.len(), s.is_empty()), (1, false));
            is_let_go.add();
            s
        }));
        start(scoped.as_mut(), &blocked);
        cancel.open();
        assert!(settle(scoped.as_mut()).is_pending());
        assert_eq!((is_let_go.get(), blocked.has_ended()), (1, false));
        assert_eq!(*dropped_on.lock().unwrap(), None);

        blocked.let_go();
        let s = block_on(scoped);
        assert!(s.is_empty() && blocked.has_ended());
        let dropped_on = dropped_on.lock().unwrap().expect("it is dropped");
        assert_ne!(dropped_on, thread::current().id());
    });
}

/// B9: one that has returned gives its value all the same.
#[test]
fn cancel_of_a_finished_closure() {
    watched(|| {
        block_on(scope(async |s| {
            let finished = s.spawn_blocking(|| 7);
            while !finished.is_finished() {
                yield_now().await;
            }
            assert_eq!(finished.cancel().await, Some(7));
        }));
    });
}

/// What a closure that was let go does in the end, and what comes of it.
fn let_go<T: Send + 'static>(last: fn() -> Result<T, u8>) -> Result<Result<(), u8>, &'static str> {
    let (mut blocked, closure) = Blocked::new(last);
    let (cancel, is_let_go) = (Gate::default(), Counter::default());
    let mut scoped = Box::pin(try_scope(async |s: TryScope<'_, u8>| {
        let child = s.spawn_blocking(closure);
        cancel.wait().await;
        child.cancel().await;
        is_let_go.add();
        while !s.is_empty() {
            yield_now().await;
        }
        Ok(())
    }));
    start(scoped.as_mut(), &blocked);
    cancel.open();
    while is_let_go.get() == 0 {
        assert!(crate::life::poll_once(scoped.as_mut()).is_pending());
    }
    blocked.let_go();
    let result = catch_unwind(AssertUnwindSafe(|| block_on(scoped)));
    result.map_err(|payload| text(&*payload))
}

/// B7, B8, B9, B10: the panic of a closure that was let go, and of its value, is a panic of the
/// scope; its `Err` is dropped.
#[test]
fn failures_of_a_closure_that_was_let_go() {
    watched(|| {
        assert_eq!(let_go(|| Ok(())), Ok(Ok(())));
        assert_eq!(let_go::<()>(|| Err(7)), Ok(Ok(())));
        assert_eq!(let_go::<()>(|| raise("closure")), Err("closure"));
        assert_eq!(let_go(|| Ok(Bad("value"))), Err("value"));
    });
}

/// B10: the destructor of a closure that is skipped may panic, and so may that of a value that
/// nobody takes: it is a panic of the scope, and the others are dropped all the same.
#[test]
fn destructors_that_panic() {
    watched(|| {
        let dropped = Counter::default();
        let raised = raised_by(scope(async |s| {
            let guard = dropped.guard();
            s.spawn_background(async move {
                pending::<()>().await;
                drop(guard);
            });
            let bad = Bad("skipped");
            let skipped = s.spawn_blocking(move || drop(bad));
            drop(skipped.cancel());
            pending::<()>().await;
        }));
        assert_eq!((raised, dropped.get()), ("skipped", 1));

        let raised = raised_by(scope(async |s| {
            drop(s.spawn_blocking(|| Bad("value")));
            pending::<()>().await;
        }));
        assert_eq!(raised, "value");
    });
}
