//! Ends that come from outside, and wait for closures: U1, U2, U4. The ids are those of
//! `tests/README.md`.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::Poll;

use crate::blocked::Blocked;
use crate::life::{Counter, Gate, settle, watched};
use futures_lite::future::block_on;
use taskpen::{TryScope, scope, try_scope};

fn start<T>(mut scoped: Pin<&mut (impl Future<Output = T> + ?Sized)>, blocked: &Blocked) {
    assert!(settle(scoped.as_mut()).is_pending());
    blocked.wait_for_start();
}

/// U1: children go when `stop` resolves; the future is pending until the closure has returned.
#[test]
fn waits_for_closures() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| ());
        let (stop, dropped) = (Gate::default(), Counter::default());
        let guard = dropped.guard();
        let work = scope(async move |s| {
            s.spawn_blocking(closure);
            s.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
        });
        let token = work.stop_token();
        let mut work = Box::pin(work.until(stop.wait()));
        start(work.as_mut(), &blocked);
        stop.open();
        assert!(settle(work.as_mut()).is_pending());
        assert_eq!((dropped.get(), blocked.has_ended()), (1, false));
        assert!(token.stop_requested());
        blocked.let_go();
        assert_eq!(block_on(work), None);
        assert!(blocked.has_ended());
    });
}

/// U3, B4: dropped while it waits, it hands the closure over.
#[test]
fn drop_while_waiting() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| ());
        let (stop, cancel) = (Gate::default(), Gate::default());
        let wait = stop.wait();
        let mut outer = Box::pin(scope(async |s| {
            let inner = scope(async move |s| drop(s.spawn_blocking(closure)));
            let child = s.spawn(inner.until(wait));
            cancel.wait().await;
            drop(child.cancel());
        }));
        start(outer.as_mut(), &blocked);
        stop.open();
        assert!(settle(outer.as_mut()).is_pending());
        cancel.open();
        assert!(settle(outer.as_mut()).is_pending());
        blocked.let_go();
        block_on(outer);
        assert!(blocked.has_ended());
    });
}

/// U4: a closure that panics while it is waited for is raised.
#[test]
fn late_panic() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| resume_unwind(Box::new("closure")));
        let stop = Gate::default();
        let work = scope(async move |s| s.spawn_blocking(closure).await);
        let mut work = Box::pin(work.until(stop.wait()));
        start::<Option<()>>(work.as_mut(), &blocked);
        stop.open();
        assert!(settle(work.as_mut()).is_pending());
        blocked.let_go();
        let payload = catch_unwind(AssertUnwindSafe(|| block_on(work))).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"closure"));
    });
}

/// U1, U4: a scope that has come to its end by itself is not cut off while it waits.
#[test]
fn outcome_that_is_there() {
    watched(|| {
        let (mut blocked, closure) = Blocked::new(|| Ok(()));
        let work = try_scope(async move |s: TryScope<'_, &str>| {
            s.spawn_blocking(closure);
            Err::<(), _>("failed")
        });
        let stop = Gate::default();
        let mut work = Box::pin(work.until(stop.wait()));
        // The closure may not have started: then it is skipped, and there is nothing to wait for.
        let first = settle(work.as_mut());
        stop.open();
        blocked.let_go();
        let outcome = match first {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => block_on(work),
        };
        assert_eq!(outcome, Some(Err("failed")));
    });
}
